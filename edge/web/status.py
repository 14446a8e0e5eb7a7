"""How the kiosk is: its model, its machine, its records; and a copy of the records, made now."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.audit import Line, read_lines
from edge.backup import back_up
from edge.errors import FieldRefused, PneumoKioskError, RecordsUnavailable
from edge.status import kiosk_status
from edge.web.access import for_administrators, who_asks
from edge.web.faults import status_of
from edge.web.kiosk import Kiosk, current_kiosk
from edge.web.language import marked

LITTLE_ROOM = 2**30
"""Bytes of free disk under which the page warns: some thousand kept films, or days of records."""
LONGEST_PATH = 1024
WHOLE_PATH = marked("Type the whole path of a folder, such as /media/usb.")
NO_FOLDER = marked("There is no such folder, or none for the kiosk. Is the disk plugged in?")

blueprint = Blueprint("status", __name__)


@blueprint.get("/status")
def show() -> str:
    """Look at everything; the records are read to their end, seldom where that is slow."""
    return _page()


@blueprint.post("/status/backup")
@for_administrators
def copy() -> tuple[str, int] | Response:
    """Back the records up into the folder that was typed, or the one of the settings."""
    kiosk = current_kiosk()
    typed = request.form.get("folder", "").strip()
    try:
        folder = _read_folder(typed or kiosk.settings.backup_folder)
        back_up(kiosk.records.database, folder, who_asks())
    except (FieldRefused, RecordsUnavailable) as refusal:
        return _page(typed, refusal), status_of(refusal)
    return redirect(url_for("status.show", done="backed_up", _anchor="backup"), 303)


def _read_folder(typed: str) -> Path:
    folder = Path(typed)
    if not typed.isprintable() or len(typed) > LONGEST_PATH or not folder.is_absolute():
        raise FieldRefused("folder_not_absolute", WHOLE_PATH)
    if not os.path.isdir(folder):  # Path's own method raises where a folder is not for this user
        raise FieldRefused("backup_folder", NO_FOLDER)
    return folder


def _page(typed: str = "", refusal: PneumoKioskError | None = None) -> str:
    kiosk = current_kiosk()
    found = kiosk_status(
        kiosk.records.database, kiosk.artifact_folder, kiosk.public_key, kiosk.check_records
    )
    last = _last_backup(kiosk)
    return render_template(
        "status/show.html",
        found=found,
        troubles=_troubles(kiosk, found),
        refused=kiosk.refusal,
        test=kiosk.self_test,
        choice=kiosk.choice,
        last=last,
        same_disk=last is not None and _same_disk(Path(last.subject or ""), kiosk.data_dir),
        typed=typed or kiosk.settings.backup_folder,
        refusal=refusal,
        data_dir=shlex.quote(str(kiosk.data_dir)),
        longest_path=LONGEST_PATH,
    )


def _troubles(kiosk: Kiosk, found: dict[str, Any]) -> list[str]:
    """Names of what is wrong, the worst first."""
    records = found["records"]
    wrong = {
        "model": kiosk.refusal is not None,
        # The files were changed since the kiosk has loaded them.
        "files": kiosk.refusal is None and found["model"]["status"] != "whole",
        "records": bool(records["problems"]),
        "clock": records.get("clock_doubt", False),
        "disk": records.get("disk_free", LITTLE_ROOM) < LITTLE_ROOM,
    }
    return [name for name, is_wrong in wrong.items() if is_wrong]


def _last_backup(kiosk: Kiosk) -> Line | None:
    try:
        database = kiosk.records.database
        if not database.path.exists():  # looking makes nothing
            return None
        return next(iter(read_lines(database, 1, action="backed_up")), None)
    except RecordsUnavailable:  # the page says so elsewhere
        return None


def _same_disk(copy: Path, data_dir: Path) -> bool:
    try:
        return copy.stat().st_dev == data_dir.stat().st_dev
    except OSError:  # the stick is not there now
        return False
