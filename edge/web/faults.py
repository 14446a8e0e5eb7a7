"""Every failure gets an answer that its reader can act on: a page, or JSON under /api."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

import edge
from edge.errors import ArtifactRefused, ImageRefused, PneumoKioskError, RecordsUnavailable
from edge.radiograph import MAX_BYTES
from edge.web.kiosk import current_kiosk, reasons
from edge.web.sentences import sentence

log = logging.getLogger(__name__)

HTTP_FAULTS = {
    400: ("bad_request", "The request cannot be understood."),
    403: ("forbidden", "The request came from another site and was not answered."),
    404: ("not_found", "There is no such page."),
    405: ("method_not_allowed", "This page does not take that kind of request."),
    413: ("file_too_large", f"More was sent than is accepted: {MAX_BYTES // 10**6} MB of image."),
    500: ("internal_error", "The kiosk failed to answer. Nothing was screened."),
    503: ("unavailable", "The kiosk cannot answer now."),
}


class RequestRefused(PneumoKioskError):
    """A request that is not answered for what it is, not for what it carries."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status


def handle(app: Flask) -> None:
    """Register the answers to all failures."""
    app.register_error_handler(PneumoKioskError, _answer_refusal)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(OSError, _answer_no_room)
    app.register_error_handler(MemoryError, _answer_no_room)


def status_of(refusal: PneumoKioskError) -> int:
    """The HTTP status of a refusal."""
    if isinstance(refusal, RequestRefused):
        return refusal.status
    if isinstance(refusal, ArtifactRefused | RecordsUnavailable):
        return 503
    return 413 if refusal.code == "file_too_large" else 422


def wants_json() -> bool:
    """Whether the request is a program's rather than a browser's."""
    return request.path.startswith("/api/") or request.path == "/healthz"


def _answer_refusal(refusal: PneumoKioskError) -> Response:
    return _answer(refusal, status_of(refusal))


def _answer_http(error: HTTPException) -> Response:
    status = error.code or 500
    code, message = HTTP_FAULTS.get(status, (f"http_{status}", error.name + "."))
    kind = ImageRefused if status == 413 else PneumoKioskError
    answer = _answer(kind(code, message), status)
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


def _answer_no_room(error: OSError | MemoryError) -> Response:
    """Uploads are spooled to a temporary file: a full disk shows up here."""
    log.error("No room to answer %s: %s", request.path, error)
    return _answer(
        PneumoKioskError("no_room", "The kiosk has no memory or disk left to read the file."), 503
    )


def _answer(refusal: PneumoKioskError, status: int) -> Response:
    if wants_json():
        answer = jsonify(_as_json(refusal))
    else:
        answer = make_response(
            render_template("faults/show.html", refusal=refusal, kiosk=_identity())
        )
    answer.status_code = status
    return answer


def _as_json(refusal: PneumoKioskError) -> dict[str, Any]:
    """Where a screening was asked for, its refusal has a screening's shape.

    ``shown`` is for the kiosk's own pages: the reason in their language.
    """
    shown = {"shown": sentence(refusal)}
    if request.method == "POST":
        return {**current_kiosk().refused(refusal), **shown}
    return {"reasons": reasons(refusal), "notice": edge.STANDING_SENTENCE, **shown}


def _identity() -> dict[str, str] | None:
    screener = current_kiosk().screener
    return screener.model_identity if screener else None
