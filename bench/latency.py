"""How long one image takes, every backend in turn in one run.

Single stream, as in MLPerf inference: the next image starts when the last is done. The backends
take turns in an order shuffled anew each round, so that a machine that slows down slows them all.
"""

from __future__ import annotations

import resource
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.backends import Backend, Image
from edge.phantom import draw_phantom
from edge.preprocess import InputContract, preprocess
from optimize.processes import fresh_process
from optimize.timing import interleave, median_interval

Samples = dict[str, list[float]]
REFERENCE = "full network, LiteRT fp32"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name, version: of the backend.
        p50_ms, p90_ms, p99_ms: percentiles of the time of one image.
        ratio, ratio_low, ratio_high: how many times faster than the full network in LiteRT fp32:
            the median over rounds of the ratio within a round, with a 95 % bootstrap interval.
        size_bytes: of the model file.
        peak_mib: largest resident memory of a fresh process that loads it and predicts.
        runs: how many images were timed.
    """

    name: str
    version: str
    p50_ms: float
    p90_ms: float
    p99_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    size_bytes: int | None
    peak_mib: float
    runs: int

    def to_dict(self) -> dict[str, Any]:
        """The row as plain values."""
        return asdict(self)


def measure(
    backends: Sequence[Backend],
    rounds: int,
    threads: int = 2,
    seed: int = 0,
    warmup: int = 5,
    progress: bool = True,
) -> Samples:
    """Time every backend once a round.

    Args:
        backends: what to time.
        rounds: images for each.
        threads: processor threads that a prediction may use.
        seed: of the order within each round.
        warmup: predictions of each backend that are not counted.
        progress: show a progress bar.

    Returns:
        Milliseconds by backend name, in the order of the rounds.
    """
    images = {backend.name: _image(backend.input_size) for backend in backends}
    predictors = {backend.name: backend.load(threads) for backend in backends}
    runs = {name: partial(predict, images[name]) for name, predict in predictors.items()}
    return interleave(runs, rounds, seed=seed, warmup=warmup, progress=progress)


def summarize(
    backends: Sequence[Backend], samples: Samples, peaks: dict[str, float], seed: int = 0
) -> list[Row]:
    """Raw samples to the rows of the table.

    Args:
        backends: names, versions and sizes.
        samples: from `measure`; `REFERENCE` must be among them.
        peaks: from `peak_memory`.
        seed: of the bootstrap.
    """
    reference = np.array(samples[REFERENCE])
    rows = []
    for backend in backends:
        times = np.array(samples[backend.name])
        ratio, low, high = median_interval(reference / times, seed)
        p50, p90, p99 = (float(p) for p in np.percentile(times, [50, 90, 99]))
        rows.append(
            Row(
                backend.name,
                backend.version,
                p50,
                p90,
                p99,
                ratio,
                low,
                high,
                backend.size_bytes,
                peaks[backend.name],
                len(times),
            )
        )
    return rows


def peak_memory(backend: Backend, threads: int) -> float:
    """Largest resident memory in MiB of a fresh process that loads a backend and predicts once."""
    with fresh_process() as pool:
        return pool.submit(_peak, backend, threads).result()


def _peak(backend: Backend, threads: int) -> float:
    backend.load(threads)(_image(backend.input_size))
    # On Linux getrusage would also count what the parent held before this process was started.
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _image(size: int) -> Image:
    return preprocess(draw_phantom(0, 512), InputContract(size=size))
