"""What the kiosk says of a reason, in the language of the page.

Reasons are stored as a code and an English sentence. A sentence that is the same for every film is
translated by itself; one with numbers or names in it is shown as it was stored.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

import edge
from edge.errors import PneumoKioskError
from edge.quality import SENTENCES
from edge.web.kiosk import current_kiosk
from edge.web.language import gettext


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
    return gettext(SENTENCES.get(code, message))


def _on_every_page() -> dict[str, object]:
    screener = current_kiosk().screener
    return {
        "notice": gettext(edge.STANDING_SENTENCE),
        "kiosk": screener.model_identity if screener else None,
        "settings": current_kiosk().settings,
    }
