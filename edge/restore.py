"""A backup takes the place of the records, which are kept aside."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge import occupancy
from edge.audit import write_line
from edge.backup import newest_backup, sync_folder
from edge.database import DATABASE, connect, problems, refusal_of, transaction
from edge.errors import RecordsUnavailable

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BESIDE = ("-wal", "-shm")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@dataclass(frozen=True)
class Restored:
    """What was put where.

    Attributes:
        source: the backup.
        kept: where the former records are now; None if there were none.
        screenings: how many the kiosk has again.
    """

    source: Path
    kept: Path | None
    screenings: int


def restore(source: Path, data_dir: Path, who: str) -> Restored:
    """Put a backup in the place of a kiosk's records.

    Everything is prepared and checked beside them, and one renaming does it: a power cut leaves
    the former records or the restored ones. Nobody stays signed in; PINs are those of the backup.

    Args:
        source: a backup, or a folder of backups, of which the newest counts.
        data_dir: the folder of the records.
        who: asks for it, for the audit.

    Raises:
        RecordsUnavailable: ``no_backup``; ``backup_damaged``; ``records_in_use``: a kiosk runs;
            ``disk_full`` or ``records_unavailable``. The records are as they were.
    """
    backup = newest_backup(source) if source.is_dir() else source
    prepared, path = data_dir / "restoring.sqlite3", data_dir / DATABASE
    try:
        with occupancy.alone(data_dir), _removed(prepared):
            screenings = _prepare(backup, prepared, who)
            kept = _keep_aside(path)
            prepared.replace(path)
            sync_folder(data_dir)
    except (sqlite3.Error, OSError) as error:
        raise refusal_of(error, data_dir) from error
    return Restored(backup, kept, screenings)


def _prepare(backup: Path, prepared: Path, who: str) -> int:
    """Copy, check, migrate; what is checked is the copy that will be used."""
    _remove(prepared)
    try:
        with backup.open("rb") as source, open(os.open(prepared, _NEW, 0o600), "wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
    except FileNotFoundError as error:
        raise RecordsUnavailable("no_backup", f"{backup} cannot be read.") from error
    try:
        with contextlib.closing(sqlite3.connect(prepared)) as copy:
            wrong = problems(copy)
            screenings = int(copy.execute("SELECT COUNT(*) FROM screenings").fetchone()[0])
    except sqlite3.DatabaseError as error:
        wrong, screenings = (str(error),), 0
    if wrong:
        raise RecordsUnavailable("backup_damaged", f"{backup} is no whole backup: {wrong[0]}.")
    with contextlib.closing(connect(prepared, alone=True)) as copy:
        with transaction(copy, "BEGIN IMMEDIATE"):
            copy.execute("DELETE FROM sessions")  # some had ended since
            write_line(copy, "restored", who, str(backup), screenings=screenings)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, to be renamed
    return screenings


def _keep_aside(path: Path) -> Path | None:
    """Give the records a second name; under the first they stay until another file takes it."""
    if not path.exists():
        return None
    kept = _free_name(path)
    log, kept_log = path.with_name(path.name + "-wal"), kept.with_name(kept.name + "-wal")
    if log.exists():
        os.link(log, kept_log)  # SQLite may throw away the log of a file that it cannot read
    whole = True
    try:
        whole = _fold_in(path)
    finally:
        if whole:
            kept_log.unlink(missing_ok=True)
    if not whole:
        # What is left beside it must not be taken for the new file's.
        for suffix in _BESIDE:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.link(path, kept)
    return kept


def _fold_in(path: Path) -> bool:
    """Write all that is in the log into the one file; False if that is too damaged.

    Raises:
        RecordsUnavailable: ``records_in_use``.
    """
    if path.stat().st_size == 0:
        return False
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
            # SQLite refuses it while anyone else has the file open.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise RecordsUnavailable(
                "records_in_use", f"The records in {path.parent} are in use. Stop the kiosk first."
            ) from error
        if code not in _DAMAGED:
            raise
        return False
    return True


def _free_name(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.stem}-before-restore-{number}{path.suffix}")).exists():
        number += 1
    return kept


@contextlib.contextmanager
def _removed(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    for suffix in ("", "-journal", *_BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
