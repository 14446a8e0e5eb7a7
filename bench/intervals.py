"""Percentiles of measured times, with the intervals that a bootstrap gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000
AT_ONCE = 4_000_000
"""Values that are drawn at once: 32 MB of them."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % percentile bootstrap interval (Efron, Tibshirani, 1993)."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def percentiles(
    values: npt.ArrayLike, which: Sequence[float], seed: int = 0, resamples: int = RESAMPLES
) -> list[Estimate]:
    """Percentiles of independent measurements.

    Args:
        values: at least one.
        which: percentiles in [0, 100].
        seed: of the bootstrap.
        resamples: how many.
    """
    measured = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    rows = max(1, AT_ONCE // len(measured))
    drawn = np.concatenate(
        [
            np.percentile(
                measured[rng.integers(0, len(measured), (min(rows, resamples - i), len(measured)))],
                which,
                axis=1,
            )
            for i in range(0, resamples, rows)
        ],
        axis=1,
    )
    low, high = np.percentile(drawn, [2.5, 97.5], axis=1)
    found = np.percentile(measured, which)
    return [Estimate(*map(float, each)) for each in zip(found, low, high, strict=True)]
