"""The pages on which an image is chosen and its outcome shown."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from edge.errors import PneumoKioskError, RecordsUnavailable
from edge.records import MAX_AGE_MONTHS, MAX_PATIENT_ID
from edge.web.api import status_of_record
from edge.web.faults import RequestRefused, status_of
from edge.web.kiosk import Kiosk, current_kiosk
from edge.web.uploads import read_upload

RECENT_AT_HOME = 5
RECENT_AT_MOST = 100

blueprint = Blueprint("screenings", __name__)


@blueprint.get("/")
def new() -> str:
    """Choose an image."""
    return _form(current_kiosk())


@blueprint.get("/screenings")
def index() -> str:
    """The last screenings."""
    kiosk = current_kiosk()
    return render_template(
        "screenings/index.html",
        kiosk=_identity(kiosk),
        recent=kiosk.records.recent(RECENT_AT_MOST),
        count=kiosk.records.count(),
    )


@blueprint.post("/screenings")
def create() -> tuple[str, int]:
    """Screen the chosen image and show the outcome."""
    kiosk = current_kiosk()
    kiosk.ready()
    try:
        upload = read_upload(request)
    except PneumoKioskError as refusal:  # something to mend on the form, not an outcome
        return _form(kiosk, refusal), status_of(refusal)
    record = kiosk.screen(upload.image, upload.patient)
    return _result(kiosk, record), status_of_record(record)


@blueprint.post("/demonstration")
def demonstrate() -> tuple[str, int]:
    """Screen the demonstration image and show the outcome."""
    kiosk = current_kiosk()
    record = kiosk.demonstrate()
    return _result(kiosk, record), status_of_record(record)


@blueprint.get("/screenings/<screening_id>")
def show(screening_id: str) -> str:
    """A stored screening; its pictures are not kept."""
    kiosk = current_kiosk()
    record = kiosk.records.get(screening_id)
    if record is None:
        raise RequestRefused(404, "unknown_screening", "No screening of that id is stored.")
    return _result(kiosk, record, stored=True)


def _form(kiosk: Kiosk, refusal: PneumoKioskError | None = None) -> str:
    try:
        recent, trouble = kiosk.records.recent(RECENT_AT_HOME), None
    except RecordsUnavailable as error:
        recent, trouble = [], error
    return render_template(
        "screenings/new.html",
        kiosk=_identity(kiosk),
        model_refusal=kiosk.refusal,
        refusal=refusal,
        recent=recent,
        trouble=trouble,
        typed=request.form,
        max_patient_id=MAX_PATIENT_ID,
        max_age_months=MAX_AGE_MONTHS,
    )


def _result(kiosk: Kiosk, record: dict[str, Any], stored: bool = False) -> str:
    return render_template(
        "screenings/show.html",
        kiosk=_identity(kiosk),
        record=record,
        pictures=None,
        stored=stored,
    )


def _identity(kiosk: Kiosk) -> dict[str, Any] | None:
    return kiosk.screener.model_identity if kiosk.screener else None
