"""Work in a process of its own, and one run at a time in a folder."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from edge.errors import DataRefused, WorkFailed
from optimize.files import writing

Result = TypeVar("Result")


@contextmanager
def fresh_process() -> Iterator[ProcessPoolExecutor]:
    """A worker that starts with nothing loaded and ends with the block, or with this process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_end_with_parent) as pool:
        yield pool


def _end_with_parent() -> None:
    """Let this worker die as soon as the process that began it is gone.

    Else it would work on after a kill, in a folder that the next run already works in.
    """
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def do_apart(name: str, work: Callable[..., Result], *arguments: Any) -> Result:
    """Do work in a process of its own: a converter that crashes takes no other with it.

    Args:
        name: of the work, for the sentence that tells of its end.
        work: can be pickled, and so can what it receives and gives.

    Raises:
        WorkFailed: ``step_killed``, or as ``work``.
    """
    try:
        with fresh_process() as pool:
            return pool.submit(work, *arguments).result()
    except BrokenProcessPool as error:
        raise WorkFailed(
            "step_killed",
            f"The process of {name} crashed or was killed, perhaps for want of memory. "
            "The same command can be given again.",
        ) from error


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the system lets go of it when the process dies.

    Raises:
        DataRefused: ``run_in_use``: another process holds it.
        WorkFailed: ``disk_full`` or ``cannot_write``.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w", encoding="utf-8")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataRefused("run_in_use", f"Another process works in {folder}.") from error
        yield
