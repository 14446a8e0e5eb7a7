"""Calibration measured on samples whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from train.reporting.reliability import reliability, share_with_interval


def test_bins_of_a_sample_counted_by_hand() -> None:
    labels = np.array([0, 1, 0, 1, 1])
    scores = np.array([0.02, 0.08, 0.55, 0.95, 1.0])
    found = reliability(labels, scores, resamples=20)
    assert [(b.low, b.high, b.images) for b in found.bins] == [
        (0.0, 0.1, 2),
        (0.5, 0.6, 1),
        (0.9, 1.0, 2),
    ]
    assert [b.score for b in found.bins] == pytest.approx([0.05, 0.55, 0.975])
    assert [b.share.value for b in found.bins] == [0.5, 0.0, 1.0]
    # Gaps 0.45, 0.55 and 0.025, weighted 2, 1 and 2 of 5.
    assert found.ece.value == pytest.approx((2 * 0.45 + 0.55 + 2 * 0.025) / 5)
    squares = [0.02**2, 0.92**2, 0.55**2, 0.05**2, 0.0]
    assert found.brier.value == pytest.approx(sum(squares) / 5)


def test_bins_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(size=500)
    labels = (rng.uniform(size=500) < scores**2).astype(np.int64)
    found = reliability(labels, scores, resamples=20)
    share, score = calibration_curve(labels, scores, n_bins=10)
    assert [b.share.value for b in found.bins] == pytest.approx(share.tolist())
    assert [b.score for b in found.bins] == pytest.approx(score.tolist())
    assert sum(b.images for b in found.bins) == 500


def test_honest_scores_have_a_smaller_error_than_sharpened_ones() -> None:
    rng = np.random.default_rng(1)
    scores = rng.uniform(size=3000)
    labels = (rng.uniform(size=3000) < scores).astype(np.int64)
    honest = reliability(labels, scores, resamples=50)
    sharpened = reliability(labels, np.where(scores > 0.5, 0.99, 0.01), resamples=50)
    assert honest.ece.value < 0.03 and sharpened.ece.value > 0.2
    assert honest.ece.high < sharpened.ece.low
    assert honest.brier.low <= honest.brier.value <= honest.brier.high < sharpened.brier.low


def test_scores_must_be_probabilities() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        reliability(np.array([0, 1]), np.array([-3.0, 2.0]))


def test_interval_of_a_share_is_wilson() -> None:
    # Wilson's interval of 9 in 10, as published in many tables.
    found = share_with_interval(9, 10)
    assert (found.value, found.low, found.high) == pytest.approx((0.9, 0.5958, 0.9821), abs=1e-4)
    assert share_with_interval(5, 5).high == pytest.approx(1.0)
    assert share_with_interval(5, 5).low < 0.6
