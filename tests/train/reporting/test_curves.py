"""Curves against scikit-learn's, and their bands."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_score, recall_score, roc_auc_score

from train.evaluation import Floats, Labels
from train.reporting.curves import STEPS, precision_recall, roc


def draw(images: int, seed: int = 0) -> tuple[Labels, Floats]:
    rng = np.random.default_rng(seed)
    labels = (np.arange(images) % 3 > 0).astype(np.int64)
    return labels, np.round(labels + rng.normal(0, 0.8, images), 1)


def test_roc_is_the_best_recall_at_each_rate() -> None:
    labels, scores = draw(60)
    curve = roc(labels, scores, resamples=20)
    assert curve.area.value == pytest.approx(roc_auc_score(labels, scores))
    for x, y in list(zip(curve.x, curve.y, strict=True))[:: STEPS // 20]:
        reachable = [
            (scores[labels == 1] >= t).mean()
            for t in [*scores, np.inf]
            if (scores[labels == 0] >= t).mean() <= x + 1e-9
        ]
        assert y == pytest.approx(max(reachable))


def test_precision_recall_is_the_best_precision_at_each_recall() -> None:
    labels, scores = draw(60)
    curve = precision_recall(labels, scores, resamples=20)
    assert curve.area.value == pytest.approx(average_precision_score(labels, scores))
    for x, y in list(zip(curve.x, curve.y, strict=True))[:: STEPS // 20]:
        reachable = [
            precision_score(labels, scores >= t)
            for t in scores
            if recall_score(labels, scores >= t) >= x - 1e-9
        ]
        assert y == pytest.approx(max(reachable))


def test_bands_hold_the_curve_and_narrow_with_images() -> None:
    for draw_curve in (roc, precision_recall):
        few, many = (draw_curve(*draw(n), resamples=100) for n in (45, 1500))
        low, y, high = (np.array(v) for v in (many.low, many.y, many.high))
        assert (low <= high).all()
        assert ((low <= y + 1e-9) & (y <= high + 1e-9)).mean() > 0.9
        assert few.area.high - few.area.low > 2 * (many.area.high - many.area.low)
        middle = STEPS // 2
        assert few.high[middle] - few.low[middle] > many.high[middle] - many.low[middle]
        assert len(many.x) == len(many.y) == STEPS + 1
        assert (many.x[0], many.x[-1]) == (0.0, 1.0)


def test_perfect_scores() -> None:
    labels, _ = draw(30)
    assert set(roc(labels, labels.astype(float), resamples=5).low) == {1.0}
    assert set(precision_recall(labels, labels.astype(float), resamples=5).low) == {1.0}
