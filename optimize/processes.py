"""Work in a process of its own, and one run at a time in a folder."""

from __future__ import annotations

import fcntl
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from edge.errors import DataRefused


@contextmanager
def fresh_process() -> Iterator[ProcessPoolExecutor]:
    """A worker that starts with nothing loaded and ends with the block."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the system lets go of it when the process dies.

    Raises:
        DataRefused: ``run_in_use``: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataRefused("run_in_use", f"Another process works in {folder}.") from error
        yield
