"""Films screened by processes beside this one, so that a film that kills its reader costs one line.

Each process holds a model of its own. Every pipe between two of them has two ends and no third, so
that the death of either side is seen by the other at once.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from edge.artifact import Artifact
from edge.batch import csv_line, record_of, screen_file, shown_name
from edge.errors import ImageRefused, PneumoKioskError, WorkFailed
from edge.operating import OperatingChoice, applied
from edge.provenance import provenance_of

AHEAD = 4
"""Films that wait at each process, so that none is idle while this one writes."""
WINDOW = 32
"""Films for each process that may be finished, or begun, before the line of the oldest is out."""


@dataclass(frozen=True)
class Setting:
    """What every process is told.

    Attributes:
        folder: of the films, which begins their paths.
        artifact: verified; its own bytes are what the processes run.
        choice: of the thresholds.
        variant: numeric type of the model; the artifact's default if None.
        threads: processor threads of one process.
        as_json: whether a screening is wanted as JSON as well.
    """

    folder: Path
    artifact: Artifact
    choice: OperatingChoice
    variant: str | None = None
    threads: int = 1
    as_json: bool = False


@dataclass(frozen=True)
class Screened:
    """What came of one film.

    Attributes:
        outcome: one of `edge.screening.OUTCOMES`.
        line: of the table, its end included.
        json: the same as a JSON object in one line, and the attention map; None unless asked for.
    """

    outcome: str
    line: str
    json: str | None


@dataclass(frozen=True)
class _Task:
    number: int
    path: Path
    refusal: ImageRefused | None = None


def screen_files(
    files: Iterable[Path], setting: Setting, jobs: int = 1, first: int = 1
) -> Iterator[Screened]:
    """Screen files side by side.

    Memory does not grow with the number of files: at most ``jobs`` times `WINDOW` are taken from
    ``files`` before the first of them is out.

    Args:
        files: of ``setting.folder``, taken one by one.
        setting: how to screen.
        jobs: processes, at least 1.
        first: number of the first line.

    Yields:
        What came of each, in the order of ``files``. A file during which a process died is refused
        with ``worker_died``, and another process goes on.

    Raises:
        ArtifactRefused: ``unknown_variant`` or ``model_unusable``.
        WorkFailed: ``worker_failed``: a process ended before its first film.
    """
    tasks = (_Task(number, path) for number, path in enumerate(files, first))
    with contextlib.ExitStack() as stack:
        crew = [stack.enter_context(contextlib.closing(_Worker())) for _ in range(jobs)]
        for worker in crew:
            worker.prepare(setting)
        finished: dict[int, Screened] = {}
        taken = expected = first
        while True:
            while taken < expected + jobs * WINDOW and (task := _given(crew, tasks)):
                taken = task.number + 1
            if not any(worker.tasks for worker in crew):
                return
            for worker in _heard(crew):
                finished.update(worker.answer(setting))
            while expected in finished:
                yield finished.pop(expected)
                expected += 1


def _given(crew: list[_Worker], tasks: Iterator[_Task]) -> _Task | None:
    """Give the next task to whoever has least to do; None if all are busy or none is left."""
    worker = min(crew, key=lambda worker: len(worker.tasks))
    task = next(tasks, None) if len(worker.tasks) < AHEAD else None
    if task is not None:
        worker.give(task)
    return task


def _heard(crew: list[_Worker]) -> list[_Worker]:
    heard = wait([worker.connection for worker in crew if worker.tasks])
    return [worker for worker in crew if worker.connection in heard]


class _Worker:
    """One process, and what it was given and has not answered, oldest first."""

    def __init__(self) -> None:
        self.tasks: deque[_Task] = deque()
        self._undelivered: _Task | None = None
        self._start()

    def _start(self) -> None:
        # A forked process would inherit the threads and locks of whatever runs here.
        spawn = multiprocessing.get_context("spawn")
        self.connection, end = spawn.Pipe()
        self._process = spawn.Process(target=_work, args=(end,), daemon=True)
        self._process.start()
        end.close()

    def prepare(self, setting: Setting) -> None:
        """Hand over the model, and wait until it is loaded."""
        try:
            self.connection.send(setting)
            refusal: PneumoKioskError | None = self.connection.recv()
        except (EOFError, OSError) as error:
            raise WorkFailed(
                "worker_failed", "A process that screens ended before its first film."
            ) from error
        if refusal is not None:
            raise refusal

    def give(self, task: _Task) -> None:
        """Have a task done after those before it."""
        self.tasks.append(task)
        try:
            self.connection.send(task)
        except OSError:  # the process is dead: so `answer` will find
            self._undelivered = self._undelivered or task

    def answer(self, setting: Setting) -> dict[int, Screened]:
        """The oldest task's, by its number; none yet if the process died over it."""
        try:
            screened: Screened = self.connection.recv()
        except (EOFError, OSError):
            self._replace(setting)
            return {}
        return {self.tasks.popleft().number: screened}

    def close(self) -> None:
        """End the process; it holds nothing that would be lost."""
        self.connection.close()
        self._process.kill()
        self._process.join()

    def _replace(self, setting: Setting) -> None:
        refusal = ImageRefused(
            "worker_died", "The process that screened this file was killed or ran out of memory."
        )
        first, *others = self.tasks
        if first is not self._undelivered:  # which the process never saw
            first = _Task(first.number, first.path, refusal)
        self.close()
        self.tasks.clear()
        self._undelivered = None
        self._start()
        self.prepare(setting)
        for task in (first, *others):
            self.give(task)


def _work(connection: Connection) -> None:
    """What a process does: until the other side is gone."""
    # Ctrl+C reaches every process of a terminal: the one that writes ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, ConnectionError):
        setting: Setting = connection.recv()
        try:
            screen = _Screening(setting)
        except PneumoKioskError as refusal:
            connection.send(refusal)
            return
        connection.send(None)
        while True:
            connection.send(screen(connection.recv()))


class _Screening:
    """A model made ready in this process."""

    def __init__(self, setting: Setting) -> None:
        import cv2

        from edge.screening import Screener

        cv2.setNumThreads(setting.threads)
        self._setting = setting
        self._screener = Screener(setting.artifact, setting.variant, setting.threads)
        self._provenance = provenance_of(setting.artifact, setting.choice.name)

    def __call__(self, task: _Task) -> Screened:
        if task.refusal is not None:
            screening = self._screener.refuse(task.refusal)
        else:
            screening = screen_file(self._screener, task.path)
        screening = applied(screening, self._setting.choice)
        record = record_of(screening, self._provenance, task.number)
        name = task.path.relative_to(self._setting.folder).as_posix()
        return Screened(
            screening.outcome,
            csv_line(shown_name(task.path, self._setting.folder), record),
            json.dumps({**record, "file": name}) if self._setting.as_json else None,
        )
