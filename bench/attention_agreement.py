"""Whether two networks look at the same places of the same films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from train.evaluation import Estimate
from train.reporting.reliability import share_with_interval

Map = npt.NDArray[np.float64]
TOP = 0.05
"""The share of a map that counts as where its network looks most."""


@dataclass(frozen=True)
class Agreement:
    """Two attention maps of one film.

    Attributes:
        correlation: of Pearson, over a common grid, in [-1, 1].
        points: whether the maximum of the first lies in the top 5 % of the second.
        pointed_at: whether the maximum of the second lies in the top 5 % of the first.
    """

    correlation: float
    points: bool
    pointed_at: bool


def agreement(first: Map, second: Map) -> Agreement | None:
    """Compare two maps on the finer of their grids.

    Args:
        first: (h, w), at least 0.
        second: (h, w) of another grid, perhaps; of the same film.

    Returns:
        None where a map is flat: it looks nowhere more than elsewhere.
    """
    height, width = np.maximum(first.shape, second.shape)
    one, other = (_enlarged(each, int(height), int(width)) for each in (first, second))
    if min(np.ptp(one), np.ptp(other)) < 1e-9:
        return None
    return Agreement(
        float(np.corrcoef(one.ravel(), other.ravel())[0, 1]),
        bool(other.ravel()[one.argmax()] >= np.quantile(other, 1 - TOP)),
        bool(one.ravel()[other.argmax()] >= np.quantile(one, 1 - TOP)),
    )


def agreement_over_films(
    pairs: Sequence[tuple[Map, Map]], resamples: int = 2000, seed: int = 0
) -> dict[str, Any] | None:
    """Agreement over many films, with 95 % intervals.

    Args:
        pairs: both maps of each film; the second of each pair is the full network's.
        resamples: bootstrap samples of the films.
        seed: of the bootstrap.

    Returns:
        ``films``, ``flat`` (films left out because a map of theirs is flat), ``correlation``
        (mean, by bootstrap), ``points`` and ``pointed_at`` (shares, by Wilson) as estimates, and
        ``by_chance``, what pointing comes to by chance; None where no film is left.
    """
    found = [agreement(first, second) for first, second in pairs]
    seen = [each for each in found if each is not None]
    if not seen:
        return None
    correlations = np.array([each.correlation for each in seen])
    rng = np.random.default_rng(seed)
    drawn = correlations[rng.integers(0, len(seen), (resamples, len(seen)))].mean(axis=1)
    low, high = (float(q) for q in np.percentile(drawn, [2.5, 97.5]))
    return {
        "films": len(seen),
        "flat": len(found) - len(seen),
        "correlation": asdict(Estimate(float(correlations.mean()), low, high)),
        "points": asdict(share_with_interval(sum(e.points for e in seen), len(seen))),
        "pointed_at": asdict(share_with_interval(sum(e.pointed_at for e in seen), len(seen))),
        "by_chance": TOP,
    }


def _enlarged(values: Map, height: int, width: int) -> Map:
    if values.shape == (height, width):
        return values
    return np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR))
