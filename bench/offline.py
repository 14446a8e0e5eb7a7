"""Offline: how many images a second the whole machine makes of a backend, all cores at work."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Any

from bench.backends.base import Backend, NotAvailable
from bench.remote import end_with_parent
from bench.stream import IMAGES, stream_images

READY_S = 120.0
WARM_UP = 3

_barrier: list[Barrier] = []


def throughput(
    backend: Backend, processes: int, threads: int, seconds: float
) -> list[dict[str, float]]:
    """Predict in several processes at once, one image at a time in each.

    Args:
        backend: to load in each.
        processes: how many.
        threads: processor threads of each.
        seconds: for how long, from when all of them are warm.

    Returns:
        For each process ``images`` and ``seconds``.

    Raises:
        NotAvailable: a process died, did not load the backend, or was not ready in time.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    try:
        with ProcessPoolExecutor(processes, context, _join, (barrier,)) as pool:
            # A process waits for all others before it goes on, so each takes one task.
            tasks = [pool.submit(_work, backend, threads, seconds) for _ in range(processes)]
            return [task.result() for task in tasks]
    except BrokenProcessPool as error:
        raise NotAvailable("not_available", "A process died.") from error
    except BrokenBarrierError as error:
        raise NotAvailable("not_available", f"Not all were ready in {READY_S:.0f} s.") from error
    except Exception as error:  # as in `bench.fresh.cold_start`
        raise NotAvailable("not_available", str(error) or type(error).__name__) from error


def ways_to_use(cores: int) -> list[tuple[int, int]]:
    """(processes, threads of each) that use every core: one image on all, or one image a core."""
    return [(1, 1)] if cores == 1 else [(1, cores), (cores, 1)]


def _join(barrier: Barrier) -> None:
    end_with_parent()
    _barrier.append(barrier)


def _work(backend: Backend, threads: int, seconds: float) -> dict[str, Any]:
    try:
        predict, images = backend.load(threads), stream_images(backend.input_size)
        for i in range(WARM_UP):
            predict(images[i])
    except BaseException:
        _barrier[0].abort()
        raise
    _barrier[0].wait(READY_S)
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        predict(images[count % IMAGES])
        count += 1
    return {"images": count, "seconds": elapsed}
