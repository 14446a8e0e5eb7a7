"""Every setting of the kiosk, and the PINs: to be read by all, changed by administrators."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.accounts import LONGEST_PIN, ROLES, SHORTEST_PIN, AccessRefused
from edge.errors import FieldRefused, PneumoKioskError
from edge.settings import FILE, LONGEST_TEXT, SETTINGS, Settings, read_settings
from edge.web.access import for_administrators, pins, who_asks
from edge.web.faults import RequestRefused, status_of
from edge.web.kiosk import current_kiosk
from edge.web.language import marked

FIRST = marked("Set the administrator's PIN first: nobody could change settings otherwise.")
NEEDED = marked(
    "It cannot be removed while the operator has a PIN, or while other machines can reach this "
    "kiosk."
)
UNEQUAL = marked("The two PINs are not the same.")
DONE = ("saved", "restart", "pin_set", "pin_removed")

blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings")
@for_administrators
def show() -> str:
    """All settings, as they are now."""
    return _page()


@blueprint.post("/settings")
@for_administrators
def save() -> tuple[str, int] | Response:
    """Take over what was typed: all of it, or none where one field is wrong."""
    kiosk = current_kiosk()
    typed = {s.name: request.form[s.name] for s in SETTINGS if s.name in request.form}
    new, wrong = _read(kiosk.settings, typed)
    if wrong:
        return _page(typed, wrong), 422
    restart = any(
        setting.restart and getattr(new, setting.name) != getattr(kiosk.settings, setting.name)
        for setting in SETTINGS
    )
    kiosk.change_settings(new, who_asks())
    return redirect(url_for("settings.show", done="restart" if restart else "saved"), 303)


@blueprint.post("/settings/pins/<role>")
@for_administrators
def set_pin(role: str) -> tuple[str, int] | Response:
    """Give a role a PIN; whoever was signed in to it has to sign in anew."""
    try:
        if request.form.get("pin", "") != request.form.get("again", ""):
            raise AccessRefused("unequal_pins", UNEQUAL)
        if _known(role) == "operator" and not any(pins(current_kiosk()).values()):
            raise AccessRefused("administrator_first", FIRST)
        current_kiosk().accounts.set_pin(role, request.form.get("pin", ""), who_asks())
    except AccessRefused as refusal:
        return _page(wrong={role: refusal}), status_of(refusal)
    return redirect(url_for("settings.show", done="pin_set", _anchor="pins"), 303)


@blueprint.post("/settings/pins/<role>/remove")
@for_administrators
def remove_pin(role: str) -> tuple[str, int] | Response:
    """Take a role's PIN away, where the kiosk can still be looked after without it."""
    if _known(role) == "administrator" and _administrator_needed():
        refusal = AccessRefused("pin_needed", NEEDED)
        return _page(wrong={role: refusal}), status_of(refusal)
    current_kiosk().accounts.remove_pin(role, who_asks())
    return redirect(url_for("settings.show", done="pin_removed", _anchor="pins"), 303)


def _read(current: Settings, typed: dict[str, str]) -> tuple[Settings, dict[str, PneumoKioskError]]:
    """The settings that were typed, or what is wrong by the name of the field."""
    wrong: dict[str, PneumoKioskError] = {}
    new = current
    for name, text in typed.items():
        try:
            new = read_settings(new, {name: text})
        except FieldRefused as refusal:
            wrong[name] = refusal
    return new, wrong


def _page(
    typed: dict[str, str] | None = None, wrong: dict[str, PneumoKioskError] | None = None
) -> str:
    kiosk = current_kiosk()
    done = request.args.get("done")
    return render_template(
        "settings/show.html",
        groups=[(group, list(of)) for group, of in groupby(SETTINGS, lambda s: s.group)],
        now=vars(kiosk.settings),
        typed=typed or {},
        wrong=wrong or {},
        done=done if done in DONE else None,
        has_pin=pins(kiosk),
        administrator_needed=_administrator_needed(),
        roles=ROLES,
        shortest_pin=SHORTEST_PIN,
        longest_pin=LONGEST_PIN,
        longest_text=LONGEST_TEXT,
        path=kiosk.data_dir / FILE,
    )


def _administrator_needed() -> bool:
    """Whether nobody could look after this kiosk without the administrator's PIN."""
    kiosk = current_kiosk()
    return not kiosk.loopback_only or pins(kiosk)["operator"]


def _known(role: str) -> str:
    if role not in ROLES:
        raise RequestRefused(404, "unknown_role", f"The roles are {' and '.join(ROLES)}.")
    return role
