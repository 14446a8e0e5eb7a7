"""One SQLite file that outlives a power cut: one writer at a time, readers beside it.

In WAL mode `synchronous` NORMAL may lose the last commit in a power cut; FULL does not. Readers
see the state of one moment and wait for nobody.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from edge import occupancy
from edge.errors import RecordsUnavailable
from edge.schema import MIGRATIONS

DATABASE = "screenings.sqlite3"
PATIENCE = 5.0
"""Seconds to wait for another process that writes."""
NO_ROOM = 1_000_000
"""With fewer free bytes than this, a failure to write is a full disk's."""
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)

PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    # What was deleted is overwritten: it was a child's.
    "secure_delete = ON",
    "temp_store = MEMORY",  # a full disk can still be read
    "trusted_schema = OFF",
)


class Database:
    """The records' file; safe to use from any thread.

    It is opened at first use and again after a failure, so that a disk that comes back is used
    again without a restart. A full disk is no failure of that kind: what is open stays open, for
    there may be no room to open it again.

    Attributes:
        folder: where it lies.
        path: the file.
    """

    def __init__(self, folder: Path, max_pages: int | None = None) -> None:
        """Name the folder; nothing is opened yet.

        Args:
            folder: an existing one, by the time of first use.
            max_pages: a quota, in pages of 4 KiB; None for none.
        """
        self.folder = folder
        self.path = folder / DATABASE
        self._max_pages = max_pages
        self._writing = threading.Lock()
        self._pool = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._generation = 0
        self._held: int | None = None

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone: on the disk when the block is left, or none of it.

        Raises:
            RecordsUnavailable: ``disk_full`` or ``records_unavailable``; nothing was written.
        """
        with self._answering(), self._writing, self._connection() as connection:
            with transaction(connection, "BEGIN IMMEDIATE"):
                yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The state of one moment, whatever is written meanwhile.

        Raises:
            RecordsUnavailable: ``disk_full`` or ``records_unavailable``.
        """
        with self._answering(), self._reader() as connection, transaction(connection, "BEGIN"):
            yield connection

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._pool:
            self._drop()
            if self._held is not None:
                occupancy.leave(self._held)
                self._held = None

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            refusal = refusal_of(error, self.folder)
            if refusal.code != "disk_full":
                with self._pool:
                    self._drop()
            raise refusal from error

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        with contextlib.ExitStack() as stack:
            try:
                connection = stack.enter_context(self._connection())
            except sqlite3.OperationalError as error:
                if refusal_of(error, self.folder).code != "disk_full":
                    raise
                # No room for the index that connections share: read alone, with one in memory.
                stack.enter_context(self._writing)
                connection = connect(self.path, alone=True)
                stack.callback(connection.close)
            yield connection

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One of the open connections, or one more."""
        with self._pool:
            if self._held is None:
                self._held = occupancy.enter(self.folder)
            generation = self._generation
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = connect(self.path, max_pages=self._max_pages)
        try:
            yield connection
        finally:
            with self._pool:
                if generation == self._generation:
                    self._idle.append(connection)
                else:  # closed meanwhile
                    connection.close()

    def _drop(self) -> None:
        self._generation += 1
        while self._idle:
            with contextlib.suppress(sqlite3.Error):  # it is being given up already
                self._idle.pop().close()


def connect(path: Path, alone: bool = False, max_pages: int | None = None) -> sqlite3.Connection:
    """Open the file, made or migrated where it has to be.

    Args:
        path: of the file.
        alone: keep every other connection out, until it is closed.
        max_pages: as `Database` takes it.

    Raises:
        RecordsUnavailable: ``records_unavailable``: a later version wrote it.
        sqlite3.Error: it cannot be used.
        OSError: there is no such folder.
    """
    made = not path.exists()
    connection = sqlite3.connect(
        path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        if made:
            # Patients' records are for this user's eyes; SQLite's other files take the same mode.
            # Never by opening it: closing a handle ends the locks of every connection (POSIX).
            path.chmod(0o600)
        if alone:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if max_pages is not None:
            connection.execute(f"PRAGMA max_page_count = {max_pages}")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """What stands in the block is committed at its end, or rolled back."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself may have rolled back
            connection.execute("ROLLBACK")
        raise


def problems(connection: sqlite3.Connection) -> tuple[str, ...]:
    """What SQLite's integrity check finds wrong, at most a hundred lines; nothing if all is well.

    It reads the whole file.
    """
    rows = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    rows += [f"a row of {table} belongs to no screening" for table, *_ in broken]
    return tuple(row for row in rows if row != "ok")[:100]


def refusal_of(error: sqlite3.Error | OSError, folder: Path) -> RecordsUnavailable:
    """Why the records in a folder cannot be used, in words that the operator can act on."""
    if _is_full(error, folder):
        return RecordsUnavailable(
            "disk_full",
            f"There is no room left on the disk of {folder}. Make room, or delete old records. "
            "Nothing was stored; what was stored before is still there.",
        )
    return RecordsUnavailable(
        "records_unavailable",
        f"The records in {folder / DATABASE} cannot be used: {error}. "
        "Nothing was screened without being recorded.",
    )


def _is_full(error: sqlite3.Error | OSError, folder: Path) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL_DISK
    # Of the low byte; above it stands at which call. Errors of the sqlite3 module itself have none.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free < NO_ROOM
    return code == sqlite3.SQLITE_FULL


def _migrate(connection: sqlite3.Connection) -> None:
    if _version(connection) == len(MIGRATIONS):
        return
    with transaction(connection, "BEGIN IMMEDIATE"):
        version = _version(connection)  # another process may have been faster
        if version > len(MIGRATIONS):
            raise RecordsUnavailable(
                "records_unavailable",
                f"The records have version {version}; this kiosk knows versions up to "
                f"{len(MIGRATIONS)}. Install a newer kiosk.",
            )
        for statement in (s for migration in MIGRATIONS[version:] for s in migration):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
