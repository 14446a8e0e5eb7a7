"""What a batch has done so far, in a file that only grows: it outlives the kiosk being killed.

A line names a film's file and the id of its screening; what came of it stands in the records alone,
so that a screening that is deleted there is nowhere else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge.clock import timestamp
from edge.database import refusal_of
from edge.screening import OUTCOMES


@dataclass(frozen=True)
class Entry:
    """What became of one file.

    Attributes:
        file: its name below the batch's folder, in printable characters.
        outcome: one of `edge.screening.OUTCOMES`.
        id: of its screening; None where it could not even be read.
        reason: code and message, where there is no id.
    """

    file: str
    outcome: str
    id: str | None = None
    reason: dict[str, str] | None = None


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Attributes:
        number: of the batch, from 1.
        folder: below the root; empty for the root itself.
        started: when; UTC, ISO 8601. Empty where the first line was lost: of what folder nobody
            knows.
        total: files that there are.
        counts: files by outcome, so far.
        finished: nothing is left to do.
    """

    number: int
    folder: str
    started: str
    total: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    finished: bool = False

    @property
    def done(self) -> int:
        """Files that need not be looked at again."""
        return sum(self.counts.values())


class Journal:
    """The file of one batch."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is opened."""
        self.path = path
        self.number = int(path.stem)

    def begin(self, folder: str) -> None:
        """Write the first line.

        Raises:
            RecordsUnavailable: ``disk_full`` or ``records_unavailable``.
        """
        self._append({"folder": folder, "started": timestamp()})

    def go_on(self, total: int) -> None:
        """The work begins, or begins again, with that many files, done ones included."""
        self._mend()
        self._append({"total": total})

    def add(self, entry: Entry) -> None:
        """Keep what became of a file; it is on the disk when this returns."""
        self._append({name: value for name, value in vars(entry).items() if value is not None})

    def finish(self) -> None:
        """Nothing is left to do."""
        self._append({"finished": timestamp()})

    def entries(self) -> Iterator[Entry]:
        """What became of each file, in the order of the work."""
        return (Entry(**line) for line in self._lines() if "file" in line)

    def progress(self) -> Progress:
        """How far the batch is.

        Raises:
            RecordsUnavailable: the file cannot be read.
        """
        found = Progress(self.number, "", "")
        for line in self._lines():
            if "file" in line:
                found.counts[line["outcome"]] += 1
            elif "finished" in line:
                found = replace(found, finished=True)
            else:
                found = replace(found, **line)
        return found

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                for text in file:
                    line = _parsed(text)
                    if line is not None:
                        yield line
        except OSError as error:
            raise refusal_of(error, self.path.parent) from error

    def _append(self, line: dict[str, Any]) -> None:
        data = json.dumps(line).encode() + b"\n"
        try:
            with open(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
        except OSError as error:
            raise refusal_of(error, self.path.parent) from error

    def _mend(self) -> None:
        """Cut off the half line that a power cut or a full disk left."""
        try:
            with self.path.open("rb+") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
        except OSError as error:
            raise refusal_of(error, self.path.parent) from error


def _parsed(text: str) -> dict[str, Any] | None:
    """A line; None for what a power cut left of one."""
    try:
        line = json.loads(text) if text.endswith("\n") else None
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
