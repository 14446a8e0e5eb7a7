"""The one batch that a kiosk works on, in a thread beside its pages.

Every file goes through `Kiosk.screen`, so that its screening is kept like any other, and between
two films of a batch there is a turn for a film from the page.
"""

from __future__ import annotations

import io
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from edge.batch import list_files, shown_name
from edge.database import refusal_of
from edge.errors import PneumoKioskError
from edge.radiograph import MAX_BYTES
from edge.records import Patient
from edge.web.batch_folders import place_of
from edge.web.batch_journal import Entry, Journal, Progress
from edge.web.faults import RequestRefused
from edge.web.kiosk import Kiosk
from edge.web.language import marked

log = logging.getLogger(__name__)

FOLDER = "batches"
"""Of the journals, in the kiosk's data folder."""
RUNNING = marked("A batch is being screened. Stop it first, or wait for its end.")
UNKNOWN = marked("There is no batch of that number.")
FAILED = marked("The kiosk failed at this batch. What was screened is kept.")


class Batches:
    """All batches of one kiosk; safe to use from any thread."""

    def __init__(self, kiosk: Kiosk) -> None:
        """Name the kiosk; nothing is done yet."""
        self._kiosk = kiosk
        self._folder = kiosk.data_dir / FOLDER
        self._lock = threading.Lock()
        self._work: _Work | None = None

    def start(self, name: str) -> int:
        """Begin to screen all files of a folder below the root of batches.

        Args:
            name: of the folder, as `edge.web.batch_folders.Folder` has it.

        Returns:
            The number of the batch.

        Raises:
            ArtifactRefused: there is no model.
            RequestRefused: ``batch_running``: there is another.
            PneumoKioskError: ``folder_unreadable``.
            RecordsUnavailable: the batch cannot be written down.
        """
        place_of(Path(self._kiosk.settings.batch_folder), name)
        with self._lock:
            self._check_free()
            numbers = [journal.number for journal in self._journals()]
            number = max(numbers, default=0) + 1
            journal = Journal(self._path(number))
            try:
                self._folder.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise refusal_of(error, self._kiosk.data_dir) from error
            journal.begin(name)
            self._begin(journal)
        return number

    def resume(self, number: int) -> None:
        """Go on with a batch where it was left; one that is finished stays so.

        Raises:
            As `start`, and RequestRefused: ``unknown_batch``.
        """
        journal = self._journal(number)
        with self._lock:
            self._check_free()
            progress = journal.progress()
            if not progress.started:
                raise RequestRefused(404, "unknown_batch", UNKNOWN)
            if not progress.finished:
                self._begin(journal)

    def stop(self, number: int) -> None:
        """Stop a batch after the film that it is at; one that does not run stays as it is."""
        work = self._work
        if work is not None and work.journal.number == number:
            work.stop()

    def forget(self, number: int) -> None:
        """Delete the list of a batch's files; their screenings stay in the records.

        Raises:
            RequestRefused: ``batch_running`` or ``unknown_batch``.
            RecordsUnavailable: the disk does not let it go.
        """
        journal = self._journal(number)
        with self._lock:
            if self.running(number):
                raise _running()
            try:
                journal.path.unlink(missing_ok=True)
            except OSError as error:
                raise refusal_of(error, self._folder) from error

    def running(self, number: int) -> bool:
        """Whether this batch is being worked on."""
        return self.running_number() == number

    def running_number(self) -> int | None:
        """The batch that is being worked on, or None."""
        work = self._work
        return work.journal.number if work is not None and work.is_alive() else None

    def trouble(self, number: int) -> PneumoKioskError | None:
        """Why a batch stopped before its end, if nobody asked for it."""
        work = self._work
        return work.trouble if work is not None and work.journal.number == number else None

    def progress(self, number: int) -> Progress:
        """How far a batch is.

        Raises:
            RequestRefused: ``unknown_batch``.
            RecordsUnavailable: its file cannot be read.
        """
        journal, work = self._journal(number), self._work
        if work is not None and work.journal.number == number and work.progress is not None:
            return work.progress
        return journal.progress()

    def last(self, count: int) -> list[Progress]:
        """The last batches, the newest first."""
        found = sorted(self._journals(), key=lambda journal: journal.number, reverse=True)
        return [journal.progress() for journal in found[:count]]

    def entries(self, number: int, first: int = 0, count: int | None = None) -> Iterator[Entry]:
        """What became of a batch's files, in the order of the work.

        Raises:
            RequestRefused: ``unknown_batch``.
        """
        last = None if count is None else first + count
        return islice(self._journal(number).entries(), first, last)

    def close(self) -> None:
        """Stop what runs, and wait for it."""
        work = self._work
        if work is not None:
            work.stop()
            work.join()

    def _begin(self, journal: Journal) -> None:
        self._work = _Work(self._kiosk, journal)
        self._work.start()

    def _check_free(self) -> None:
        self._kiosk.ready()  # a batch of refusals would help nobody
        if self.running_number() is not None:
            raise _running()

    def _journal(self, number: int) -> Journal:
        path = self._path(number)
        if not path.is_file():
            raise RequestRefused(404, "unknown_batch", UNKNOWN)
        return Journal(path)

    def _journals(self) -> list[Journal]:
        return [Journal(path) for path in self._folder.glob("*.jsonl") if path.stem.isdecimal()]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.jsonl"


class _Work(threading.Thread):
    """One run over one folder.

    Attributes:
        journal: of the batch.
        progress: how far it is; None until that is known.
        trouble: why it ended before the end; None if it did not, or was asked to.
    """

    def __init__(self, kiosk: Kiosk, journal: Journal) -> None:
        # A daemon: a kiosk that is stopped does not wait for it, and goes on with it later.
        super().__init__(name=f"batch-{journal.number}", daemon=True)
        self.journal = journal
        self.progress: Progress | None = None
        self.trouble: PneumoKioskError | None = None
        self._kiosk = kiosk
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Do not begin with another file."""
        self._stopping.set()

    def run(self) -> None:
        """Screen what is left; whatever goes wrong is kept as `trouble`."""
        try:
            self._run()
        except PneumoKioskError as refusal:
            self.trouble = refusal
        except Exception as error:  # a thread has nobody to raise it to
            # Its kind alone: its text may name a file, and files are named after patients.
            log.error("Batch %s failed: %s", self.journal.number, type(error).__name__)
            self.trouble = PneumoKioskError("internal_error", FAILED)

    def _run(self) -> None:
        root = Path(self._kiosk.settings.batch_folder)
        place = place_of(root, self.journal.progress().folder)
        self.journal.go_on(sum(1 for _ in list_files(place)))
        self.progress = progress = self.journal.progress()
        done = {entry.file for entry in self.journal.entries()}
        for path in list_files(place):
            name = shown_name(path, place)
            if name in done:
                continue
            if self._stopping.is_set():
                return
            entry = self._screened(path, name, place)
            self.journal.add(entry)
            progress.counts[entry.outcome] += 1
        self.journal.finish()
        self.progress = replace(progress, finished=True)

    def _screened(self, path: Path, name: str, place: Path) -> Entry:
        try:
            # Not a link that took the file's place since it was listed.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(handle, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            place_of(place, "")  # the stick was pulled out: that says nothing about its films
            return _unreadable(name, error)
        record = self._kiosk.screen(io.BytesIO(data), Patient())
        return Entry(name, record["outcome"], record["id"])


def _unreadable(name: str, error: OSError) -> Entry:
    message = f"The file cannot be read: {error.strerror}."
    return Entry(name, "refused", None, {"code": "unreadable_file", "message": message})


def _running() -> RequestRefused:
    return RequestRefused(409, "batch_running", RUNNING)
