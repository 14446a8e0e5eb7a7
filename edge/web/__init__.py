"""The kiosk's page and its JSON interface, on Flask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Flask

import edge
from edge.artifact import DEFAULT_ARTIFACT
from edge.radiograph import MAX_BYTES
from edge.web import api, faults, guard, health, screenings
from edge.web.kiosk import open_kiosk

MULTIPART_ROOM = 64 * 1024
"""Bytes of a form around a file that is itself as large as is accepted."""

MAX_BODY = MAX_BYTES + MULTIPART_ROOM


@dataclass(frozen=True)
class KioskConfig:
    """How one kiosk is set up.

    Attributes:
        data_dir: an existing folder for the records.
        artifact: folder of the model artifact.
        variant: numeric type of the model; the artifact's default if None.
        threads: processor threads that one prediction may use.
        loopback_only: answer only requests addressed to this machine by a loopback name.
        public_key: PEM file; an artifact that its owner has not signed is refused. None asks for
            no signature.
    """

    data_dir: Path
    artifact: Path = DEFAULT_ARTIFACT
    variant: str | None = None
    threads: int = 2
    loopback_only: bool = True
    public_key: Path | None = None


def create_app(config: KioskConfig) -> Flask:
    """Build the kiosk.

    A refused artifact does not stop it: the page says so, and nothing is screened.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["kiosk"] = open_kiosk(config)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["notice"] = edge.STANDING_SENTENCE
    app.jinja_env.globals["software_version"] = edge.__version__
    guard.protect(app, config.loopback_only)
    faults.handle(app)
    for blueprint in (screenings.blueprint, api.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
    return app
