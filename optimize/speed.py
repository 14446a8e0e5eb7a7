"""How long one film takes every variant, and how many times faster than the full network that is.

Single stream, as in MLPerf inference: the next film starts when the last is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from edge.runtime import Model
from optimize.timing import interleave, median_interval
from optimize.variants import Variant

THREADS = (1, 2)

Samples = dict[tuple[str, int], list[float]]
"""Milliseconds by the name of a variant and its processor threads, in the order of the rounds."""


def time_variants(
    variants: Sequence[Variant],
    rounds: int,
    threads: Sequence[int] = THREADS,
    seed: int = 0,
    progress: bool = True,
) -> Samples:
    """Time every variant once a round with each number of threads, in one run.

    Nothing else may run on the machine meanwhile.

    Args:
        variants: what to time; all are held in memory together.
        rounds: films for each.
        threads: processor threads that a prediction may use.
        seed: of the order within each round.
        progress: show a progress bar.
    """
    film = draw_phantom(0, 512)
    runs = {
        (variant.name, count): partial(
            Model(variant.content, count).predict, preprocess(film, variant.weights.recipe.input)
        )
        for variant in variants
        for count in threads
    }
    return interleave(runs, rounds, seed=seed, progress=progress)


def summarize(samples: Samples, reference: str, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Raw samples to what stands in the table.

    Args:
        samples: from `time_variants`.
        reference: name of the variant that the others are compared with.
        seed: of the bootstrap.

    Returns:
        By variant, then by threads: ``p50_ms`` and ``p90_ms``; and ``times_faster``, the median
        over rounds of the ratio within a round, with its 95 % bootstrap interval.
    """
    found: dict[str, dict[str, Any]] = {}
    for (name, threads), times in samples.items():
        own, theirs = np.array(times), np.array(samples[reference, threads])
        value, low, high = median_interval(theirs / own, seed)
        p50, p90 = (float(p) for p in np.percentile(own, [50, 90]))
        found.setdefault(name, {})[str(threads)] = {
            "p50_ms": p50,
            "p90_ms": p90,
            "times_faster": {"value": value, "low": low, "high": high},
        }
    return found
