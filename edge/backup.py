"""Copies of the records in another folder, made while the kiosk works."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edge.audit import read_lines, write_line
from edge.clock import timestamp
from edge.database import Database, problems
from edge.errors import RecordsUnavailable

PATTERN = "pneumokiosk-*.sqlite3"


@dataclass(frozen=True)
class Backup:
    """One copy.

    Attributes:
        path: the file; one file is all of it.
        screenings: how many it holds.
        bytes: its size.
        time: of the clock when it was made, UTC, ISO 8601.
    """

    path: Path
    screenings: int
    bytes: int
    time: str


def back_up(database: Database, folder: Path, who: str) -> Backup:
    """Copy the records into a folder, as they are at one moment, by SQLite's online backup.

    The copy is checked before it gets its name, so that what has the name of a backup is one.
    Older copies stay. It holds what the records hold: patients' data and, where they are kept,
    images.

    Args:
        database: to copy.
        folder: an existing one, on another disk if it is to outlive this one.
        who: asks for it, for the audit.

    Raises:
        RecordsUnavailable: ``no_records``; ``backup_folder``: there is no such folder;
            ``backup_failed``: it cannot be written, or the copy is not whole; or as
            `Database.read` and `Database.write`.
    """
    if not database.path.exists():
        raise RecordsUnavailable(
            "no_records", f"There are no records in {database.folder}. Is that the kiosk's folder?"
        )
    if not os.path.isdir(folder):  # the method of Path raises where a path is too long
        # Made by the kiosk it would lie on the kiosk's own disk, where a USB stick is not mounted.
        raise RecordsUnavailable(
            "backup_folder", f"{folder} is no folder. Is the disk for backups plugged in?"
        )
    time = timestamp()
    with database.read() as source:
        screenings, last = source.execute(
            "SELECT COUNT(*), coalesce(MAX(number), 0) FROM screenings"
        ).fetchone()
        # The number first: names then sort by age even where the clock stepped back.
        name = f"pneumokiosk-{last:08d}-{time.replace(':', '').replace('-', '')}.sqlite3"
        path = _write_copy(source, folder, name)
    backup = Backup(path, screenings, path.stat().st_size, time)
    with database.write() as connection:
        write_line(connection, "backed_up", who, str(path), screenings=screenings)
    return backup


def last_backup(database: Database) -> str | None:
    """When the last backup was made, by the clock of then, or None.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    lines = read_lines(database, 1, action="backed_up")
    return lines[0].time if lines else None


def newest_backup(folder: Path) -> Path:
    """The backup in a folder that holds the latest screening.

    Raises:
        RecordsUnavailable: ``no_backup``.
    """
    found = sorted(folder.glob(PATTERN))
    if not found:
        raise RecordsUnavailable("no_backup", f"There is no backup ({PATTERN}) in {folder}.")
    return found[-1]


def sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk: after this, a power cut undoes no renaming."""
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def _write_copy(source: sqlite3.Connection, folder: Path, name: str) -> Path:
    path, part = folder / name, folder / f".{name}.part"
    try:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as copy:
            source.backup(copy)
            # One file, readable without others beside it.
            copy.execute("PRAGMA locking_mode = EXCLUSIVE")
            copy.execute("PRAGMA journal_mode = DELETE")
            wrong = problems(copy)
        if wrong:
            raise RecordsUnavailable(
                "backup_failed", f"The copy in {folder} is not whole: {wrong[0]}."
            )
        part.replace(path)
        sync_folder(folder)
    except (sqlite3.Error, OSError) as error:
        raise RecordsUnavailable(
            "backup_failed", f"The records cannot be copied to {folder}: {error}."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return path
