"""Who may do what: a role for every request, by a cookie that stands for a session.

A kiosk without PINs that this machine alone can reach trusts whoever sits at it. A PIN for the
administrator keeps the others from deleting, settings and backups; a PIN for the operator keeps
everyone else out. Where other machines can reach the kiosk, everyone has to sign in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from flask import Flask, Response, g, redirect, request

from edge.accounts import ROLES
from edge.errors import RecordsUnavailable
from edge.web.faults import RequestRefused, wants_json
from edge.web.kiosk import Kiosk, current_kiosk

COOKIE = "pneumokiosk_session"
OPEN_TO_ALL = {"static", "health.show", "language.choose", "signin.show", "signin.create"}
"""Endpoints that answer without a session."""

View = TypeVar("View", bound=Callable[..., object])


def guard(app: Flask) -> None:
    """Ask every request for its role, and tell templates of it."""
    app.before_request(_ask)
    app.context_processor(_known_to_templates)


def current_role() -> str | None:
    """``"administrator"``, ``"operator"``, or None for someone who has to sign in.

    Raises:
        RecordsUnavailable: the sessions cannot be read.
    """
    if "role" not in g:
        g.role = _role(current_kiosk())
    return None if g.role is None else str(g.role)


def who_asks() -> str:
    """What the audit calls whoever sends this request: the role."""
    return current_role() or "nobody"


def for_administrators(view: View) -> View:
    """Let a view answer administrators only."""

    @functools.wraps(view)
    def guarded(*args: object, **values: object) -> object:
        if current_role() == "administrator":
            return view(*args, **values)
        if wants_json():
            raise RequestRefused(403, "administrator_only", "Only an administrator may do this.")
        return _to_sign_in("administrator")

    return guarded  # type: ignore[return-value]


def _ask() -> Response | None:
    if request.endpoint in OPEN_TO_ALL or current_role() is not None:
        return None
    if wants_json():
        raise RequestRefused(401, "sign_in_needed", "Sign in to this kiosk first.")
    return _to_sign_in("operator")


def _to_sign_in(role: str) -> Response:
    # A form that was sent cannot be sent again by a link: its page is asked for again.
    back = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(f"/sign-in?role={role}&next={quote(back)}", 303)  # type: ignore[return-value]


def _role(kiosk: Kiosk) -> str | None:
    token = request.cookies.get(COOKIE)
    if token:
        role = kiosk.accounts.role_of(token)
        if role is not None:
            return role
    has_pin = pins(kiosk)
    if not kiosk.loopback_only or has_pin["operator"]:
        return None
    return "operator" if has_pin["administrator"] else "administrator"


def pins(kiosk: Kiosk) -> dict[str, bool]:
    """Which role has a PIN.

    Raises:
        RecordsUnavailable: that cannot be read, and other machines can reach the kiosk.
    """
    try:
        kiosk.known_pins = {role: kiosk.accounts.has_pin(role) for role in ROLES}
    except RecordsUnavailable:
        if not kiosk.loopback_only:
            raise
        # The pages have to say what is wrong; without records they can do no more than that.
    return kiosk.known_pins


def _known_to_templates() -> dict[str, object]:
    try:
        role = current_role()
    except RecordsUnavailable:
        role = None
    return {
        "role": role,
        "may_administrate": role == "administrator",
        "signed_in": COOKIE in request.cookies,
    }
