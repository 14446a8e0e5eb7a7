"""The language of a page: by gettext, chosen on every page, otherwise the clinic's."""

from __future__ import annotations

import functools
import gettext as catalogues
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, g, redirect, request

from edge.settings import LANGUAGES
from edge.web.kiosk import current_kiosk

COOKIE = "pneumokiosk_language"
FOLDER = Path(__file__).parent / "translations"
DOMAIN = "kiosk"
REVIEWED = {"en"}
"""The others were drafted by a machine, and their pages say so."""
RIGHT_TO_LEFT = {"ar"}
A_YEAR = 365 * 24 * 3600

blueprint = Blueprint("language", __name__)


def speak(app: Flask) -> None:
    """Give templates ``_`` and ``ngettext``, and what they must know of the language."""
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    app.context_processor(_known_to_templates)
    app.register_blueprint(blueprint)


@blueprint.post("/language")
def choose() -> Response:
    """Remember a language in this browser, and go back to where it was chosen."""
    chosen = request.form.get("language", "")
    answer = redirect(local_path(request.form.get("next", "")), 303)
    if chosen in LANGUAGES:
        answer.set_cookie(COOKIE, chosen, max_age=A_YEAR, httponly=True, samesite="Strict")
    return answer  # type: ignore[return-value]


def language() -> str:
    """Code of the language that the request is answered in."""
    if "language" not in g:
        chosen = request.cookies.get(COOKIE, "")
        g.language = chosen if chosen in LANGUAGES else current_kiosk().settings.language
    return str(g.language)


def gettext(message: str) -> str:
    """A sentence in the language of the request; English where it has none."""
    return _catalogue(language()).gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form of a sentence that goes with a number, in the language of the request."""
    return _catalogue(language()).ngettext(singular, plural, number)


def marked(message: str) -> str:
    """Mark a text for translation where it stands; `gettext` translates it when it is shown."""
    return message


def local_path(typed: str) -> str:
    """A path of this kiosk to go on to; the start page for whatever leads elsewhere."""
    try:
        parts = urlsplit(typed)
    except ValueError:
        return "/"
    local = not parts.scheme and not parts.netloc and typed.startswith("/")
    # Browsers take a backslash for a slash, and drop tabs and newlines.
    if not local or typed.startswith("//") or "\\" in typed or not typed.isprintable():
        return "/"
    return typed


@functools.cache
def _catalogue(code: str) -> catalogues.NullTranslations:
    if code == "en":  # what stands in the templates
        return catalogues.NullTranslations()
    return catalogues.translation(DOMAIN, FOLDER, [code], fallback=True)


def _known_to_templates() -> dict[str, object]:
    code = language()
    return {
        "language": code,
        "languages": LANGUAGES,
        "direction": "rtl" if code in RIGHT_TO_LEFT else "ltr",
        "reviewed": code in REVIEWED,
    }
