"""The table of a batch: it grows line by line, and what is written outlives a kill or a power cut.

Until it is finished its name ends in ``.part``. Each line says itself what it was made with, so
that there is no second file that could contradict the first.
"""

from __future__ import annotations

import csv
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from edge.batch import COLUMNS, HEADER
from edge.errors import PneumoKioskError, WorkFailed

SYNC_EVERY = 2.0
"""Seconds of work that a power cut may undo; a killed process undoes none."""
_HEADER = HEADER.encode()


class Table:
    """One table, held by this process alone.

    Attributes:
        path: of the finished table.
        finished: whether nothing is to be added: a run before this one came to its end.
    """

    def __init__(self, path: Path, restart: bool = False) -> None:
        """Open a table, or begin it.

        Args:
            path: of the finished table.
            restart: begin anew, whatever is there of a former run.

        Raises:
            PneumoKioskError: ``cannot_write``; ``batch_running``: another process holds it;
                ``out_is_other``: there is a file by that name that no batch wrote.
        """
        self.path = path
        self._part = part_of(path)
        self._synced = time.monotonic()
        _check_own(path)
        _check_own(self._part)
        self.finished = path.exists() and not self._part.exists() and not restart
        name = path if self.finished else self._part
        try:
            flags = os.O_RDONLY if self.finished else os.O_RDWR | os.O_CREAT
            self._file = os.open(name, flags, 0o666)
        except OSError as error:
            raise _unwritable(name, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            raise PneumoKioskError("batch_running", f"Another batch writes {name}.") from error
        if restart:
            os.ftruncate(self._file, 0)

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def lines(self) -> Iterator[dict[str, str]]:
        """The whole lines that are there, by column; behind the last, what was cut off is removed.

        Raises:
            PneumoKioskError: ``out_is_other``: a finished table has lines that no batch wrote.
            WorkFailed: ``cannot_write``.
        """
        whole = 0
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            if file.readline() == _HEADER:
                whole = len(_HEADER)
                for line in file:
                    cells = _parsed(line)
                    if cells is None:
                        break
                    whole += len(line)
                    yield cells
            size = os.fstat(self._file).st_size
        if self.finished:
            if whole < size:
                raise _other(self.path)
            return
        os.ftruncate(self._file, whole)
        os.lseek(self._file, whole, os.SEEK_SET)
        if not whole:
            self._write(_HEADER)
            self._sync()

    def append(self, line: str) -> None:
        """Add a line behind those that `lines` has told of.

        Raises:
            WorkFailed: ``cannot_write``; the lines before it are kept.
        """
        self._write(line.encode())
        if time.monotonic() - self._synced >= SYNC_EVERY:
            self._sync()

    def finish(self) -> None:
        """Give the table its own name; it is on the disk when this returns.

        Raises:
            WorkFailed: ``cannot_write``.
        """
        self._sync()
        try:
            self._part.replace(self.path)
        except OSError as error:
            raise self._failed(error) from error

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise self._failed(error) from error

    def _sync(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._failed(error) from error
        self._synced = time.monotonic()

    def _failed(self, error: OSError) -> WorkFailed:
        return WorkFailed(
            "cannot_write",
            f"{self._part} cannot be written: {error.strerror}. Whole lines are kept; the same "
            "command goes on from there.",
        )


def part_of(path: Path) -> Path:
    """The name of a table that is not finished."""
    return path.with_name(f"{path.name}.part")


def _check_own(path: Path) -> None:
    """Refuse to touch a file that does not begin as a batch's table does."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(_HEADER))
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(path, error) from error
    unfinished = path.name.endswith(".part") and _HEADER.startswith(begin)
    if begin != _HEADER and not unfinished:
        raise _other(path)


def _parsed(line: bytes) -> dict[str, str] | None:
    """A whole line's cells by column; None for one that was cut off or never reached the disk."""
    try:
        text = line.decode()
        rows = list(csv.reader([text]))
    except (UnicodeDecodeError, csv.Error):
        return None
    if not text.endswith("\r\n") or len(rows) != 1 or len(rows[0]) != len(COLUMNS):
        return None
    return dict(zip(COLUMNS, rows[0], strict=True))


def _other(path: Path) -> PneumoKioskError:
    return PneumoKioskError(
        "out_is_other", f"{path} is no table of a batch of this version: name another by --out."
    )


def _unwritable(path: Path, error: OSError) -> PneumoKioskError:
    return PneumoKioskError("cannot_write", f"{path} cannot be written: {error.strerror}.")
