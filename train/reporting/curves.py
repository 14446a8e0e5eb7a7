"""ROC and precision-recall curves with bootstrap bands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from train.evaluation import Estimate, Floats, Labels, bootstrap

STEPS = 400


@dataclass(frozen=True)
class Curve:
    """A curve over [0, 1] with the 95 % interval at each of its points.

    Attributes:
        x: `STEPS` + 1 even steps from 0 to 1.
        y: the curve there.
        low: lower end of the interval there.
        high: upper end.
        area: AUC of a ROC curve, average precision of a precision-recall curve.
    """

    x: list[float]
    y: list[float]
    low: list[float]
    high: list[float]
    area: Estimate


def roc(labels: Labels, scores: Floats, resamples: int = 2000, seed: int = 0) -> Curve:
    """Recall over the rate of false positives, with the AUC.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia.
        scores: (n,) higher for pneumonia.
        resamples: bootstrap samples, stratified by label.
        seed: of the bootstrap.
    """
    return _curve(labels, scores, _recalls, roc_auc_score, resamples, seed)


def precision_recall(labels: Labels, scores: Floats, resamples: int = 2000, seed: int = 0) -> Curve:
    """The best precision at each recall or a higher one, with the average precision.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia.
        scores: (n,) higher for pneumonia.
        resamples: bootstrap samples, stratified by label, so that the share of pneumonia stays.
        seed: of the bootstrap.
    """
    return _curve(labels, scores, _precisions, average_precision_score, resamples, seed)


def _curve(
    labels: Labels,
    scores: Floats,
    heights: Callable[[Labels, Floats, Floats], Floats],
    area: Callable[[Labels, Floats], float],
    resamples: int,
    seed: int,
) -> Curve:
    x = np.linspace(0, 1, STEPS + 1)

    def figures(y: Labels, s: Floats) -> dict[str, float]:
        points = enumerate(heights(y, s, x))
        return {"area": float(area(y, s)), **{str(i): float(height) for i, height in points}}

    estimates = bootstrap(labels, scores, figures, resamples, seed)
    points = [estimates[str(i)] for i in range(len(x))]
    return Curve(
        x=x.tolist(),
        y=[p.value for p in points],
        low=[p.low for p in points],
        high=[p.high for p in points],
        area=estimates["area"],
    )


def _recalls(labels: Labels, scores: Floats, rates: Floats) -> Floats:
    false_positive, true_positive, _ = roc_curve(labels, scores, drop_intermediate=False)
    # The highest recall whose rate of false positives is not above the one asked for.
    at = np.searchsorted(false_positive, rates + 1e-12, side="right") - 1
    return np.asarray(true_positive[at], np.float64)


def _precisions(labels: Labels, scores: Floats, recalls: Floats) -> Floats:
    precision, recall, _ = precision_recall_curve(labels, scores)
    best = np.maximum.accumulate(precision[:-1])  # recall falls along this array
    rising = recall[:-1][::-1]
    return np.asarray(best[::-1][np.searchsorted(rising, recalls - 1e-12)], np.float64)
