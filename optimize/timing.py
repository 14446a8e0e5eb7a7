"""Several ways to do one thing are timed in turn, and their times compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

Key = TypeVar("Key")


def interleave(
    runs: Mapping[Key, Callable[[], object]],
    rounds: int,
    *,
    seed: int = 0,
    warmup: int = 5,
    progress: bool = False,
) -> dict[Key, list[float]]:
    """Time each run once a round, in an order shuffled anew each round.

    So a machine that slows down slows them all, and none always comes after the same other.

    Args:
        runs: what to time.
        rounds: how often each is timed.
        seed: of the order within each round.
        warmup: runs of each that are not counted.
        progress: show a progress bar.

    Returns:
        Milliseconds by key, in the order of the rounds.
    """
    for run in runs.values():
        for _ in range(warmup):
            run()
    rng = np.random.default_rng(seed)
    keys = list(runs)
    samples: dict[Key, list[float]] = {key: [] for key in keys}
    for _ in tqdm(range(rounds), "timing", disable=not progress):
        for i in rng.permutation(len(keys)):
            run = runs[keys[i]]
            started = time.perf_counter_ns()
            run()
            samples[keys[i]].append((time.perf_counter_ns() - started) / 1e6)
    return samples


def median_interval(
    values: npt.NDArray[np.float64], seed: int, resamples: int = 2000
) -> tuple[float, float, float]:
    """The median and its 95 % percentile bootstrap interval."""
    rng = np.random.default_rng(seed)
    drawn = values[rng.integers(0, len(values), (resamples, len(values)))]
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(np.median(values)), float(low), float(high)
