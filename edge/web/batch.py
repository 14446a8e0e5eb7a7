"""Screen a folder of films, such as a USB stick's: choose it, watch it, take its table along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as AnyResponse

from edge.batch import HEADER, csv_line
from edge.errors import PneumoKioskError
from edge.screening import OUTCOMES
from edge.web.access import for_administrators
from edge.web.batch_folders import MOST_COUNTED, Folder, look_at
from edge.web.batch_journal import Entry
from edge.web.batch_work import Batches
from edge.web.faults import status_of
from edge.web.kiosk import current_kiosk, reasons

PAGE_SIZE = 50
LISTED = 20
"""Batches to go back to."""
EXTENSION = "batches"

blueprint = Blueprint("batch", __name__)


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions[EXTENSION] = Batches(state.app.extensions["kiosk"])


@dataclass(frozen=True)
class Row:
    """One file, and its record; None where that was deleted, or the file could not be read."""

    entry: Entry
    record: dict[str, Any] | None


@blueprint.get("/batch")
def index() -> str:
    """Choose a folder; and the batches so far."""
    return _chooser(request.args.get("folder", ""))


@blueprint.post("/batch")
def create() -> tuple[str, int] | AnyResponse:
    """Begin with a folder."""
    name = request.form.get("folder", "")
    try:
        number = _batches().start(name)
    except PneumoKioskError as refusal:
        return _chooser(name, refusal), status_of(refusal)
    return redirect(url_for("batch.show", number=number), 303)


@blueprint.get("/batch/<int:number>")
def show(number: int) -> str:
    """How far a batch is, and what came of its files so far, the last first."""
    batches = _batches()
    progress = batches.progress(number)
    last_page = max(0, progress.done - 1) // PAGE_SIZE
    page = min(request.args.get("page", 0, type=int), last_page)
    end = progress.done - PAGE_SIZE * max(page, 0)
    first = max(0, end - PAGE_SIZE)
    return render_template(
        "batch/show.html",
        progress=progress,
        running=batches.running(number),
        busy=batches.running_number() is not None,
        trouble=batches.trouble(number),
        rows=[_row(entry) for entry in batches.entries(number, first, end - first)][::-1],
        outcomes_known=OUTCOMES,
        page=max(page, 0),
        last_page=last_page,
    )


@blueprint.get("/batch/<int:number>.json")
def progress(number: int) -> dict[str, Any]:
    """How far a batch is, for the page's script."""
    batches = _batches()
    found, trouble = batches.progress(number), batches.trouble(number)
    return {
        "number": number,
        "running": batches.running(number),
        "finished": found.finished,
        "done": found.done,
        "total": found.total,
        "counts": found.counts,
        "trouble": reasons(trouble)[0] if trouble else None,
    }


@blueprint.get("/batch/<int:number>.csv")
def csv(number: int) -> Response:
    """What came of the files, in the order of the work, for a spreadsheet."""
    _batches().progress(number)  # what there is not is answered as such
    name = f"pneumokiosk-batch-{number}.csv"
    lines = _table([*_batches().entries(number)])
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(lines, mimetype="text/csv", headers=headers)


@blueprint.post("/batch/<int:number>/stop")
def stop(number: int) -> AnyResponse:
    """Stop after the film at hand."""
    _batches().stop(number)
    return redirect(url_for("batch.show", number=number), 303)


@blueprint.post("/batch/<int:number>/resume")
def resume(number: int) -> AnyResponse:
    """Go on where it was left."""
    _batches().resume(number)
    return redirect(url_for("batch.show", number=number), 303)


@blueprint.post("/batch/<int:number>/delete")
@for_administrators
def forget(number: int) -> AnyResponse:
    """Delete the list of a batch's files; their screenings stay."""
    _batches().forget(number)
    return redirect(url_for("batch.index", done="forgotten"), 303)


def _chooser(name: str, refusal: PneumoKioskError | None = None) -> str:
    kiosk, batches = current_kiosk(), _batches()
    root = Path(kiosk.settings.batch_folder)
    here: Folder | None = None
    inner: tuple[Folder, ...] = ()
    try:
        here, inner = look_at(root, name)
    except PneumoKioskError as error:
        refusal = refusal or error
    return render_template(
        "batch/index.html",
        root=root,
        here=here,
        inner=inner,
        parents=_parents(here.name) if here and here.name else [],
        refusal=refusal,
        model_refusal=kiosk.refusal,
        batches=batches.last(LISTED),
        running=batches.running_number(),
        most_counted=MOST_COUNTED,
    )


def _parents(name: str) -> list[tuple[str, str]]:
    """Every folder on the way to this one and itself: its whole name, and its last part."""
    parts = name.split("/")
    return [("/".join(parts[: end + 1]), part) for end, part in enumerate(parts)]


def _row(entry: Entry) -> Row:
    records = current_kiosk().records
    return Row(entry, records.get(entry.id) if entry.id else None)


def _table(entries: list[Entry]) -> Iterator[str]:
    """A screening that was deleted from the records has no line."""
    records = current_kiosk().records

    def lines() -> Iterator[str]:
        yield HEADER
        for entry in entries:
            record = records.get(entry.id) if entry.id else _of_nothing(entry)
            if record is not None:
                yield csv_line(entry.file, record)

    return lines()


def _of_nothing(entry: Entry) -> dict[str, Any]:
    """A file that could not be read, in a record's shape: the model never saw it."""
    return {
        "outcome": entry.outcome,
        "score": None,
        "reasons": [entry.reason] if entry.reason else [],
        "model": dict.fromkeys(("name", "version", "variant", "sha256")),
        "timings_ms": {},
    }


def _batches() -> Batches:
    return cast(Batches, current_app.extensions[EXTENSION])
