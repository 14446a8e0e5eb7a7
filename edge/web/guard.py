"""Who may ask, and what a browser may do with the answer."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, request

from edge.web.faults import RequestRefused

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; "
        "form-action 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_LOOPBACK_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_FOREIGN_HOST = "pneumokiosk.foreign_host"


def protect(app: Flask, loopback_only: bool, names: Iterable[str] = ()) -> None:
    """Check every request and set the headers of every answer.

    Args:
        app: whose requests and answers they are.
        loopback_only: answer only to this machine's loopback names.
        names: by which other machines may call the kiosk besides its address.
    """
    known = _LOOPBACK_HOST if loopback_only else _known_hosts(names)
    # Before Flask: it cannot route, nor draw a page for, a host that it cannot parse.
    app.wsgi_app = _mark_foreign_hosts(app.wsgi_app, known)  # type: ignore[assignment,method-assign]
    app.before_request(_refuse_foreign_requests)
    app.after_request(_set_headers)


def _known_hosts(names: Iterable[str]) -> re.Pattern[str]:
    """Any address, for no DNS stands behind it; this machine's names; and those given."""
    own = ["localhost", socket.gethostname(), *names]
    hosts = "|".join([r"[0-9.]{7,15}", r"\[[0-9a-f:.]+\]", *map(re.escape, own)])
    return re.compile(f"({hosts})(:[0-9]{{1,5}})?", re.IGNORECASE)


def _mark_foreign_hosts(application: WSGIApplication, known: re.Pattern[str]) -> WSGIApplication:
    """A name that someone else's DNS points at this machine is not this kiosk's name."""

    def marked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST")  # HTTP/1.0 has none
        if host is not None and not known.fullmatch(host):
            environ = {**environ, "HTTP_HOST": "localhost", _FOREIGN_HOST: True}
        return application(environ, start_response)

    return marked


def _refuse_foreign_requests() -> None:
    if request.environ.get(_FOREIGN_HOST):
        raise RequestRefused(403, "host_not_allowed", "This kiosk does not answer to that name.")
    if request.method not in ("GET", "HEAD", "OPTIONS") and not _same_origin():
        raise RequestRefused(
            403, "cross_origin", "The request came from another site and was not answered."
        )


def _same_origin() -> bool:
    """Browsers say where a request comes from; programs that say nothing are let through."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == request.host.lower()
    except ValueError:  # not a URL at all
        return False


def _set_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
