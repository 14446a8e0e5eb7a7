"""What a fresh process needs for its first prediction: time, and memory at most."""

from __future__ import annotations

import resource
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from bench.backends.base import Backend, NotAvailable
from optimize.processes import fresh_process


def cold_start(backend: Backend, threads: int) -> dict[str, float]:
    """Start a process, load a backend and predict once; the files are in the system's memory.

    Args:
        backend: to load.
        threads: processor threads that the prediction may use.

    Returns:
        ``process_ms``, from here until the answer is here, ``load_ms``, ``first_ms`` and
        ``peak_mib``, the largest resident memory of the process.

    Raises:
        NotAvailable: it cannot be loaded or does not predict, whatever the reason.
    """
    started = time.perf_counter()
    try:
        with fresh_process() as pool:
            figures = pool.submit(_first, backend, threads).result()
            return {"process_ms": (time.perf_counter() - started) * 1000, **figures}
    except BrokenProcessPool as error:
        raise NotAvailable("not_available", "Its process died.") from error
    # A runtime is other people's code and raises what it likes: that is its row's reason.
    except Exception as error:
        why = str(error) or type(error).__name__
        raise NotAvailable("not_available", why) from error


def _first(backend: Backend, threads: int) -> dict[str, Any]:
    side = backend.input_size
    image = np.linspace(-1.7, 1.7, side * side, dtype=np.float32).reshape(side, side, 1)
    started = time.perf_counter()
    predict = backend.load(threads)
    loaded = time.perf_counter()
    predict(image)
    done = time.perf_counter()
    return {
        "load_ms": (loaded - started) * 1000,
        "first_ms": (done - loaded) * 1000,
        "peak_mib": peak_memory_mib(),
    }


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far."""
    # On Linux getrusage would also count what the parent held before this process was started.
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
