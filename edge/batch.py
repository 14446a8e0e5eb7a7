"""A folder of films becomes a table: which files it holds, and what one line says of each."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge import export
from edge.clock import timestamp
from edge.errors import ImageRefused, PneumoKioskError
from edge.provenance import Provenance
from edge.radiograph import MAX_BYTES

if TYPE_CHECKING:
    from edge.screening import Screener, Screening

COLUMNS = ("file", *export.COLUMNS)
"""A line of the kiosk's own export with the file's name before it; what a file cannot tell, such
as a verdict, is empty."""
HEADER = "\ufeff" + ",".join(COLUMNS) + "\r\n"
"""Begins with the byte order mark that spreadsheets ask for."""
_LEFT_BY_WINDOWS = {"$RECYCLE.BIN", "System Volume Information"}


def list_files(folder: Path, leave_out: Collection[Path] = ()) -> Iterator[Path]:
    """Every file below a folder, by name, whatever it is called.

    Hidden files and folders are left out, and so are symbolic links: what they name inside the
    folder is listed in its own place. Memory grows with the largest folder, not with all files.

    Args:
        folder: to look through.
        leave_out: files that are not films, such as the table itself.

    Yields:
        Paths that begin with ``folder``. A folder further down that cannot be read is yielded as
        if it were a file, so that opening it tells why.

    Raises:
        PneumoKioskError: ``folder_unreadable``: missing, no folder, or not for this user.
    """
    try:
        waiting = _entries(folder)
    except OSError as error:
        raise PneumoKioskError(
            "folder_unreadable", f"The folder {folder} cannot be read: {error.strerror}."
        ) from error
    no_films = {path.resolve() for path in leave_out}
    while waiting:
        entry = waiting.pop()
        if not entry.is_dir(follow_symlinks=False):
            if not (no_films and Path(entry.path).resolve() in no_films):
                yield Path(entry.path)
            continue
        try:
            waiting += _entries(Path(entry.path))
        except OSError:
            yield Path(entry.path)


def shown_name(path: Path, folder: Path) -> str:
    """A file's name below a folder, as text of one line: what cannot be printed is escaped."""
    name = path.relative_to(folder).as_posix()
    return _one_line(name)


def screen_file(screener: Screener, path: Path) -> Screening:
    """Screen one file; one that cannot be read comes out refused."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return screener.refuse(
            ImageRefused("unreadable_file", f"The file cannot be read: {error.strerror}.")
        )
    return screener.screen(data)


def record_of(screening: Screening, provenance: Provenance, number: int) -> dict[str, Any]:
    """A screening that no database keeps, in the form of those that one does.

    Args:
        screening: of a file.
        provenance: what it was made with.
        number: of its line, from 1.
    """
    says = {} if screening.radiograph is None else screening.radiograph.says.to_dict()
    return {
        **screening.to_dict(),
        **{name: says.get(name) for name in ("age_months", "sex", "view")},
        "number": number,
        "time": timestamp(),
        "provenance": asdict(provenance),
    }


def csv_line(name: str, record: dict[str, Any]) -> str:
    """One file's line of the table, in the order of `COLUMNS`, its end included.

    However long, it stays one line of text: a table that was cut off is then mended line by line.

    Args:
        name: of the file, from `shown_name`.
        record: from `record_of` or `edge.records.Records`.
    """
    reasons = [
        {"code": reason["code"], "message": _one_line(reason["message"])}
        for reason in record["reasons"]
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([export.neutralised(name)])
    return f"{text.getvalue()},{export.csv_line({**record, 'reasons': reasons})}"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds, the last name first."""
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if _counts(entry)]
    return sorted(found, key=lambda entry: entry.name, reverse=True)


def _counts(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _LEFT_BY_WINDOWS:
        return False
    return entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)


def _one_line(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
