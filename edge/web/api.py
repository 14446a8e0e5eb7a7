"""Screenings as JSON."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from edge.web.faults import RequestRefused
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
    record = current_kiosk().records.get(screening_id)
    if record is None:
        raise RequestRefused(404, "unknown_screening", "No screening of that id is stored.")
    return jsonify(record)


def status_of_record(record: dict[str, Any]) -> int:
    """201 for a screening; 413 for a file that is too large, 422 for any other refusal."""
    if record["outcome"] != "refused":
        return 201
    return 413 if record["reasons"][0]["code"] == "file_too_large" else 422
