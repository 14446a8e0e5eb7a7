"""Sign in to a role with its PIN, and out again."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from edge.accounts import LONGEST_PIN, ROLES, AccessRefused
from edge.web.access import COOKIE, pins
from edge.web.kiosk import current_kiosk
from edge.web.language import local_path

STATUS = {"too_many_attempts": 429, "wrong_pin": 403, "no_pin": 403}

blueprint = Blueprint("signin", __name__)


@blueprint.get("/sign-in")
def show() -> str:
    """Ask for a role and its PIN."""
    return _form(request.args.get("role", ""), local_path(request.args.get("next", "/")))


@blueprint.post("/sign-in")
def create() -> tuple[str, int] | Response:
    """Begin a session, and go on to where it was needed."""
    role, back = request.form.get("role", ""), local_path(request.form.get("next", "/"))
    try:
        token = current_kiosk().accounts.sign_in(role, request.form.get("pin", ""))
    except AccessRefused as refusal:
        return _form(role, back, refusal), STATUS.get(refusal.code, 403)
    answer = redirect(back, 303)
    # No end of its own: the clock that would tell it steps back. It ends with the browser.
    answer.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=request.is_secure)
    return answer


@blueprint.post("/sign-out")
def remove() -> Response:
    """End the session."""
    current_kiosk().accounts.sign_out(request.cookies.get(COOKIE, ""))
    answer = redirect("/", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="Strict", secure=request.is_secure)
    return answer


def _form(role: str, back: str, refusal: AccessRefused | None = None) -> str:
    has_pin = pins(current_kiosk())
    offered = [name for name in ROLES if has_pin[name]]
    chosen = role if role in offered else next(iter(offered), None)
    return render_template(
        "signin/show.html",
        offered=offered,
        chosen=chosen,
        wanted=role,
        back=back,
        refusal=refusal,
        longest_pin=LONGEST_PIN,
        loopback_only=current_kiosk().loopback_only,
    )
