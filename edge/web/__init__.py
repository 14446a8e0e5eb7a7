"""The kiosk's pages and its JSON interface, on Flask."""

from __future__ import annotations

from flask import Flask

import edge
from edge.radiograph import MAX_BYTES
from edge.web import (
    access,
    api,
    audit,
    batch,
    faults,
    films,
    followup,
    guard,
    health,
    history,
    language,
    performance,
    screenings,
    sentences,
    settings,
    signin,
    status,
)
from edge.web.kiosk import Kiosk, KioskConfig

__all__ = ["MAX_BODY", "KioskConfig", "create_app"]

MULTIPART_ROOM = 64 * 1024
"""Bytes of a form around a file that is itself as large as is accepted."""

MAX_BODY = MAX_BYTES + MULTIPART_ROOM

PAGES = (
    screenings,
    films,
    api,
    health,
    history,
    followup,
    performance,
    audit,
    batch,
    status,
    settings,
    signin,
)
"""Modules with a blueprint each."""


def create_app(config: KioskConfig) -> Flask:
    """Build the kiosk.

    A refused artifact does not stop it: the page says so, and nothing is screened.

    Raises:
        PneumoKioskError: ``settings_invalid``.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["kiosk"] = kiosk = Kiosk(config)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["software_version"] = edge.__version__
    guard.protect(app, config.loopback_only, kiosk.settings.host_names.split())
    access.guard(app)
    language.speak(app)
    sentences.speak(app)
    faults.handle(app)
    for page in PAGES:
        app.register_blueprint(page.blueprint)
    return app
