"""Find the records again, take them along as CSV, and delete one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from edge.errors import FieldRefused
from edge.export import export_csv
from edge.fields import invalid
from edge.followup import VERDICTS
from edge.history import EVERYTHING, Search, count, delete, find, newer
from edge.records import MAX_PATIENT_ID
from edge.screening import OUTCOMES
from edge.web.access import for_administrators, who_asks
from edge.web.films import stored
from edge.web.kiosk import current_kiosk, reasons

PAGE_SIZE = 50
UNJUDGED = "open"
"""Where a verdict is asked for: none yet."""
FIELDS = ("patient_id", "since", "until", "outcome", "verdict")

blueprint = Blueprint("history", __name__)


@blueprint.get("/screenings")
def index() -> tuple[str, int]:
    """One page of the screenings that meet the search in the address."""
    typed = {name: request.args[name] for name in FIELDS if request.args.get(name, "").strip()}
    try:
        search, before = read_search(typed), read_before(request.args.get("before", ""))
    except FieldRefused as refusal:
        return _page(typed, reason=reasons(refusal)[0]), 422
    return _page(typed, **_found(search, before)), 200


@blueprint.get("/screenings.csv")
def csv() -> Response:
    """All screenings that meet the search, as a file for a spreadsheet."""
    search = read_search(request.args)
    lines = export_csv(current_kiosk().records.database, search)
    # Records that cannot be read are answered as such, before the file has begun.
    begun = [next(lines), next(lines, "")]
    file: Iterator[str] = chain(begun, lines)
    name = f"pneumokiosk-{datetime.now(UTC):%Y-%m-%d}.csv"
    return Response(
        file,
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@blueprint.get("/screenings/<screening_id>/delete")
@for_administrators
def confirm(screening_id: str) -> str:
    """Ask before a screening is deleted."""
    return render_template("screenings/delete_confirm.html", record=stored(screening_id))


@blueprint.post("/screenings/<screening_id>/delete")
@for_administrators
def remove(screening_id: str) -> AnyResponse:
    """Delete a screening with all that belongs to it."""
    kiosk = current_kiosk()
    stored(screening_id)
    delete(kiosk.records.database, screening_id, who_asks())
    kiosk.pictures.forget(screening_id)
    return redirect(url_for("history.index", done="deleted"), 303)


def read_search(typed: Mapping[str, str]) -> Search:
    """Check what is searched for; blank fields count as left out.

    Days are those of the times that the pages show (UTC); the last one is included.

    Raises:
        FieldRefused: ``invalid_field``.
    """
    given = {name: typed.get(name, "").strip() for name in FIELDS}
    last = _read_day("until", given["until"])
    search = Search(
        given["patient_id"] or None,
        since=_read_day("since", given["since"]),
        until=None if last is None else last + timedelta(days=1),
        outcome=_one_of("outcome", given["outcome"], OUTCOMES),
    )
    verdict = _one_of("verdict", given["verdict"], (*VERDICTS, UNJUDGED))
    if verdict == UNJUDGED:
        return replace(search, unjudged=True)
    return replace(search, verdict=verdict)


def read_before(typed: str) -> int | None:
    """Check where a page begins: before the line or screening of that number.

    Raises:
        FieldRefused: ``invalid_field``.
    """
    # Eighteen digits fit into the database's numbers.
    if typed and not (typed.isascii() and typed.isdecimal() and len(typed) <= 18):
        raise invalid("before", "a whole number", typed)
    return int(typed) if typed else None


def _found(search: Search, before: int | None) -> dict[str, Any]:
    database = current_kiosk().records.database
    page = find(database, search, PAGE_SIZE, before)
    total = count(database, search)
    first = 1 if before is None else total - count(database, search, before) + 1
    return {
        "records": page.records,
        "total": total,
        "first": first,
        "older": page.next,
        "newer": None if before is None else newer(database, search, before, PAGE_SIZE),
        "is_first": before is None,
        "everything": search == EVERYTHING,
    }


def _page(typed: dict[str, str], **found: Any) -> str:
    return render_template(
        "history/index.html",
        typed=typed,
        outcomes_known=OUTCOMES,
        verdicts_known=(UNJUDGED, *VERDICTS),
        max_patient_id=MAX_PATIENT_ID,
        **found,
    )


def _read_day(name: str, typed: str) -> datetime | None:
    if not typed:
        return None
    try:
        day = datetime.combine(date.fromisoformat(typed), time(), UTC)
        day + timedelta(days=1)  # the last day of all has none after it
    except (ValueError, OverflowError) as error:
        raise invalid(name, "a day as YYYY-MM-DD", typed) from error
    return day


def _one_of(name: str, typed: str, known: tuple[str, ...]) -> str | None:
    if typed and typed not in known:
        raise invalid(name, "one of " + ", ".join(known), typed)
    return typed or None
