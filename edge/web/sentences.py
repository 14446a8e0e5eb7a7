"""What the kiosk says of a reason, in the language of the page.

Reasons are stored as a code and an English sentence. A sentence that is always the same is
translated by itself; in place of one with numbers or names in it stands a general one.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

import edge
from edge.errors import FieldRefused, PneumoKioskError
from edge.quality import SENTENCES
from edge.web.kiosk import current_kiosk
from edge.web.language import gettext, language
from edge.web.refusals import GENERAL


def speak(app: Flask) -> None:
    """Give templates `sentence`, and what stands on every page."""
    app.jinja_env.globals["sentence"] = sentence
    app.context_processor(_on_every_page)


def sentence(reason: Mapping[str, str] | PneumoKioskError) -> str:
    """A reason in words: from JSON, with ``code`` and ``message``, or as it was raised."""
    if isinstance(reason, PneumoKioskError):
        code, message = reason.code, reason.message
    else:
        code, message = reason["code"], reason["message"]
    if isinstance(reason, FieldRefused) and code not in GENERAL:
        code = "invalid_field"
    message = SENTENCES.get(code, message)
    translated = gettext(message)
    if language() == "en" or translated != message:
        return translated
    return gettext(GENERAL.get(code, message))


def _on_every_page() -> dict[str, object]:
    screener = current_kiosk().screener
    return {
        "notice": gettext(edge.STANDING_SENTENCE),
        "kiosk": screener.model_identity if screener else None,
        "settings": current_kiosk().settings,
    }
