"""Whether a score of 0.8 means pneumonia in eight of ten films."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss

from train.evaluation import Estimate, Floats, Labels, bootstrap

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Films whose scores lie between two bounds.

    Attributes:
        low: lower bound, inclusive.
        high: upper bound, exclusive but in the last bin.
        images: how many.
        score: their mean score.
        share: of pneumonia among them, with the interval of Wilson (1927).
    """

    low: float
    high: float
    images: int
    score: float
    share: Estimate


@dataclass(frozen=True)
class Reliability:
    """What `reliability` found.

    Attributes:
        bins: those that hold an image, rising.
        ece: expected calibration error, 0 to 1: the gap between mean score and share of pneumonia,
            averaged over the bins by their images (Naeini et al., AAAI 2015).
        brier: mean squared difference of score and label, 0 to 1 (Brier 1950).
    """

    bins: list[Bin]
    ece: Estimate
    brier: Estimate


def reliability(
    labels: Labels, scores: Floats, resamples: int = 2000, seed: int = 0
) -> Reliability:
    """Compare scores with what they promise, in ten bins of equal width.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia.
        scores: (n,) probabilities of pneumonia, in [0, 1].
        resamples: bootstrap samples, stratified by label.
        seed: of the bootstrap.

    Raises:
        ValueError: a score lies outside [0, 1].
    """
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(
            f"Scores must lie in [0, 1]. Received: {scores.min():g} to {scores.max():g}."
        )

    def figures(y: Labels, s: Floats) -> dict[str, float]:
        return {"ece": _ece(y, s), "brier": float(brier_score_loss(y, s))}

    estimates = bootstrap(labels, scores, figures, resamples, seed)
    places = _places(scores)
    bins = [_bin(i, labels[places == i], scores[places == i]) for i in np.unique(places)]
    return Reliability(bins, estimates["ece"], estimates["brier"])


def share_with_interval(hits: int, images: int) -> Estimate:
    """A share of images with its 95 % interval (Wilson, JASA 1927).

    Raises:
        ValueError: there are no images.
    """
    interval = binomtest(hits, images).proportion_ci(0.95, method="wilson")
    return Estimate(hits / images, float(interval.low), float(interval.high))


def _places(scores: Floats) -> Labels:
    return np.minimum((scores * BINS).astype(np.int64), BINS - 1)


def _ece(labels: Labels, scores: Floats) -> float:
    gaps = np.bincount(_places(scores), weights=scores - labels, minlength=BINS)
    return float(np.abs(gaps).sum() / len(labels))


def _bin(place: int, labels: Labels, scores: Floats) -> Bin:
    return Bin(
        low=place / BINS,
        high=(place + 1) / BINS,
        images=len(labels),
        score=float(scores.mean()),
        share=share_with_interval(int(labels.sum()), len(labels)),
    )
