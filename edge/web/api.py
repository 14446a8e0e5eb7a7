"""Screenings as JSON."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from edge.web.films import screen_again, stored
from edge.web.kiosk import current_kiosk
from edge.web.uploads import read_upload

blueprint = Blueprint("api", __name__, url_prefix="/api")


@blueprint.post("/screenings")
def create() -> tuple[Response, int]:
    """Screen the file in the form's field ``image``."""
    kiosk = current_kiosk()
    kiosk.ready()
    upload = read_upload(request)
    record = kiosk.screen(upload.image, upload.patient)
    return jsonify(record), status_of_record(record)


@blueprint.post("/demonstration")
def demonstrate() -> tuple[Response, int]:
    """Screen the demonstration image."""
    record = current_kiosk().demonstrate()
    return jsonify(record), status_of_record(record)


@blueprint.get("/screenings/<screening_id>")
def show(screening_id: str) -> Response:
    """A stored screening; its attention map is not kept."""
    return jsonify(stored(screening_id))


@blueprint.post("/screenings/<screening_id>/again")
def again(screening_id: str) -> tuple[Response, int]:
    """Screen a refused film again, with what the field ``correction`` names put right."""
    record = screen_again(screening_id, request.form.get("correction", ""))
    return jsonify(record), status_of_record(record)


def status_of_record(record: dict[str, Any]) -> int:
    """201 for a screening; 413 for a file that is too large, 422 for any other refusal."""
    if record["outcome"] != "refused":
        return 201
    return 413 if record["reasons"][0]["code"] == "file_too_large" else 422
