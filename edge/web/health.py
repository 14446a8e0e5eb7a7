"""Whether this kiosk can screen, for whoever watches over it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

import edge
from edge.errors import ArtifactRefused
from edge.web.kiosk import current_kiosk, reasons

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def show() -> tuple[Response, int]:
    """200 only when a model is verified and loaded."""
    try:
        screener = current_kiosk().ready()
    except ArtifactRefused as refusal:
        unavailable = {
            "status": "unavailable",
            "code": refusal.code,
            "reasons": reasons(refusal),
            "software_version": edge.__version__,
        }
        return jsonify(unavailable), 503
    ready = {
        "status": "ready",
        "model": screener.model_identity,
        "software_version": edge.__version__,
    }
    return jsonify(ready), 200
