"""The pages on which films are chosen, and the outcome of one of them is shown and printed."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from edge.errors import PneumoKioskError, RecordsUnavailable
from edge.radiograph import MAX_BYTES
from edge.records import MAX_AGE_MONTHS, MAX_PATIENT_ID
from edge.web.faults import status_of
from edge.web.films import correction_for, has_film, has_map, screen_again, stored
from edge.web.kiosk import current_kiosk
from edge.web.uploads import read_upload

RECENT_AT_HOME = 8
PAPERS = ("a4", "receipt")

blueprint = Blueprint("screenings", __name__)


@blueprint.get("/")
def new() -> str:
    """Choose films."""
    return _form()


@blueprint.post("/screenings")
def create() -> Response | tuple[str, int]:
    """Screen the chosen film and go on to its outcome."""
    kiosk = current_kiosk()
    kiosk.ready()
    try:
        upload = read_upload(request)
    except PneumoKioskError as refusal:  # something to mend on the form, not an outcome
        return _form(refusal), status_of(refusal)
    return _to(kiosk.screen(upload.image, upload.patient)["id"])


@blueprint.post("/demonstration")
def demonstrate() -> Response:
    """Screen the demonstration image and go on to its outcome."""
    return _to(current_kiosk().demonstrate()["id"])


@blueprint.get("/screenings/<screening_id>")
def show(screening_id: str) -> str:
    """One screening."""
    kiosk, record = current_kiosk(), stored(screening_id)
    return render_template(
        "screenings/show.html",
        record=record,
        film=has_film(kiosk, record),
        map=has_map(kiosk, record),
        correction=correction_for(kiosk, record),
    )


@blueprint.get("/screenings/<screening_id>/row")
def row(screening_id: str) -> str:
    """One screening as a row of the queue: a part of a page."""
    record = stored(screening_id)
    correction = correction_for(current_kiosk(), record)
    return render_template("screenings/row.html", record=record, correction=correction)


@blueprint.get("/screenings/<screening_id>/print")
def paper(screening_id: str) -> str:
    """One screening as it is printed, on a sheet or on a receipt."""
    kiosk, record = current_kiosk(), stored(screening_id)
    asked = request.args.get("paper", "")
    return render_template(
        "screenings/print.html",
        record=record,
        film=has_film(kiosk, record),
        paper=asked if asked in PAPERS else kiosk.settings.paper,
    )


@blueprint.post("/screenings/<screening_id>/again")
def again(screening_id: str) -> Response:
    """Screen a refused film with something put right, and go on to the new outcome."""
    return _to(screen_again(screening_id, request.form.get("correction", ""))["id"])


def _to(screening_id: str) -> Response:
    return redirect(f"/screenings/{screening_id}", 303)


def _form(refusal: PneumoKioskError | None = None) -> str:
    kiosk = current_kiosk()
    try:
        recent, trouble = kiosk.records.recent(RECENT_AT_HOME), None
    except RecordsUnavailable as error:
        recent, trouble = [], error
    return render_template(
        "screenings/new.html",
        model_refusal=kiosk.refusal,
        refusal=refusal,
        recent=recent,
        trouble=trouble,
        typed=request.form,
        max_patient_id=MAX_PATIENT_ID,
        max_age_months=MAX_AGE_MONTHS,
        max_megabytes=MAX_BYTES // 10**6,
    )
