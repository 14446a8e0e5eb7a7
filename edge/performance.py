"""How well a model does at this clinic, as far as its followed-up cases can tell.

Followed-up cases are seldom a fair sample: where clinicians follow up what was referred and let
the rest go, sensitivity looks better than it is and specificity worse (verification bias: Begg,
Greenes, Biometrics 1983). `edge.followup.FollowUp` says how many of each outcome were followed up,
and whoever shows these figures shows that beside them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge.followup import Case

FEWEST = 30
"""With fewer cases behind it, an interval around 90 % is wider than 20 points."""
BINS = 10
_Z = 1.959963984540054
"""Two-sided 95 % of a normal distribution."""


@dataclass(frozen=True)
class Share:
    """A share of cases with its 95 % interval (Wilson, JASA 1927).

    Attributes:
        hits, cases: the share's two numbers.
        value, low, high: in [0, 1]; None without any case.
    """

    hits: int
    cases: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def too_few(self) -> bool:
        """Whether there are too few cases to rely on it."""
        return self.cases < FEWEST


@dataclass(frozen=True)
class Bin:
    """Cases whose score is alike.

    Attributes:
        low, high: from this score on and below that one; the last bin holds its upper end too.
        pneumonia, not_pneumonia: how many cases of each.
        mean_score: what the model said; None without any case.
        share: of pneumonia: what came of it.
    """

    low: float
    high: float
    pneumonia: int
    not_pneumonia: int
    mean_score: float | None
    share: Share


@dataclass(frozen=True)
class Performance:
    """What the cases say of one threshold, and of the scores.

    Attributes:
        threshold: scores at or above it count as positive.
        sensitivity: share of positives among cases of pneumonia.
        specificity: share of negatives among the other cases.
        positive_value: share of pneumonia among positives (positive predictive value).
        negative_value: share of the other cases among negatives (negative predictive value).
        bins: histogram and reliability of the scores, from 0 to 1 in `BINS` equal steps.
    """

    threshold: float
    sensitivity: Share
    specificity: Share
    positive_value: Share
    negative_value: Share
    bins: tuple[Bin, ...]

    @property
    def too_few(self) -> bool:
        """Whether there are too few cases to say how sensitive or how specific the model is."""
        return self.sensitivity.too_few or self.specificity.too_few


def measure(cases: Sequence[Case], threshold: float) -> Performance:
    """What cases with known truth say of a model.

    Predictive values hold for a clinic whose share of pneumonia is that of these cases.

    Args:
        cases: as many as there are; none is allowed.
        threshold: of the score, in [0, 1].
    """
    sick = [case.score >= threshold for case in cases if case.pneumonia]
    well = [case.score >= threshold for case in cases if not case.pneumonia]
    caught, alarms = sum(sick), sum(well)
    spared = len(well) - alarms
    return Performance(
        threshold,
        sensitivity=share(caught, len(sick)),
        specificity=share(spared, len(well)),
        positive_value=share(caught, caught + alarms),
        negative_value=share(spared, spared + len(sick) - caught),
        bins=tuple(_bin(cases, place) for place in range(BINS)),
    )


def share(hits: int, cases: int) -> Share:
    """A share with its interval."""
    if cases == 0:
        return Share(hits, cases, None, None, None)
    value = hits / cases
    shrink = 1 + _Z**2 / cases
    centre = (value + _Z**2 / (2 * cases)) / shrink
    half = _Z * math.sqrt(value * (1 - value) / cases + _Z**2 / (4 * cases**2)) / shrink
    # Rounding must not push an interval off its own value, nor out of [0, 1].
    low, high = max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half))
    return Share(hits, cases, value, low, high)


def _bin(cases: Sequence[Case], place: int) -> Bin:
    inside = [case for case in cases if min(int(case.score * BINS), BINS - 1) == place]
    sick = sum(case.pneumonia for case in inside)
    mean = sum(case.score for case in inside) / len(inside) if inside else None
    low, high = place / BINS, (place + 1) / BINS
    return Bin(low, high, sick, len(inside) - sick, mean, share(sick, len(inside)))
