"""Paired tests against known answers and against counting every pair."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from train.evaluation import Floats, Labels, figures_at
from train.reporting.comparison import (
    delong_covariance,
    delong_test,
    mcnemar_test,
    paired_differences,
)


def draw(seed: int, normal: int = 30, pneumonia: int = 40) -> tuple[Labels, Floats, Floats]:
    """Labels and two related scores with ties."""
    rng = np.random.default_rng(seed)
    labels = np.array([0] * normal + [1] * pneumonia)
    common = labels + rng.normal(0, 1, len(labels))
    first, second = (np.round(common + rng.normal(0, 0.7, len(labels)), 1) for _ in range(2))
    return labels, first, second


def covariance_by_pairs(labels: Labels, scores: Floats) -> Floats:
    """The formula of 1988, one pair of images at a time."""
    positives, negatives = scores[labels == 1], scores[labels == 0]
    difference = positives[:, None, :] - negatives[None, :, :]
    wins = (difference > 0) + 0.5 * (difference == 0)
    of_positives = np.cov(wins.mean(axis=1), rowvar=False) / len(positives)
    of_negatives = np.cov(wins.mean(axis=0), rowvar=False) / len(negatives)
    return np.asarray(of_positives + of_negatives, np.float64)


def test_covariance_is_that_of_every_pair() -> None:
    labels, first, second = draw(0)
    scores = np.stack([first, second], axis=1)
    aucs, covariance = delong_covariance(labels, scores)
    assert aucs == pytest.approx([roc_auc_score(labels, s) for s in (first, second)])
    assert covariance == pytest.approx(covariance_by_pairs(labels, scores))
    assert covariance[0, 1] > 0


def test_one_score_has_a_variance() -> None:
    labels, first, _ = draw(1)
    aucs, covariance = delong_covariance(labels, first[:, None])
    assert aucs.shape == (1,) and covariance.shape == (1, 1)


def test_delong_of_a_sample_computed_by_hand() -> None:
    # Three of each. Placements of the first score: 1, 1, 2/3 and 1, 1, 2/3; of the second:
    # 1, 2/3, 1/3 and 1, 2/3, 1/3.
    labels = np.array([1, 1, 1, 0, 0, 0])
    first = np.array([6.0, 5.0, 3.0, 4.0, 2.0, 1.0])
    second = np.array([6.0, 4.0, 2.0, 5.0, 3.0, 1.0])
    found = delong_test(labels, first, second)
    assert (found.first, found.second) == pytest.approx((8 / 9, 6 / 9))
    # Differences of placements: 0, 1/3, 1/3 in both classes (variance 1/27); so 2/81 in all.
    deviation = (2 / 81) ** 0.5
    assert found.difference.value == pytest.approx(-2 / 9)
    assert found.difference.low == pytest.approx(-2 / 9 - 1.959964 * deviation)
    assert found.difference.high == pytest.approx(-2 / 9 + 1.959964 * deviation)
    assert found.p_value == pytest.approx(0.157299, abs=1e-6)  # z = sqrt(2)


def test_delong_holds_its_level_and_finds_a_difference() -> None:
    alike = [delong_test(*draw(seed)).p_value for seed in range(400)]
    assert 0.02 < np.mean(np.array(alike) < 0.05) < 0.09
    labels, first, _ = draw(2, 200, 200)
    noise = np.random.default_rng(3).normal(0, 3, 400)
    found = delong_test(labels, first, first + noise)
    assert found.p_value < 1e-4 and found.difference.high < 0


def test_equal_scores_do_not_differ() -> None:
    labels, first, _ = draw(4)
    found = delong_test(labels, first, 2 * first + 1)
    assert found.p_value == 1.0
    assert found.difference.value == found.difference.low == found.difference.high == 0


def test_delong_wants_two_of_each() -> None:
    with pytest.raises(ValueError, match="at least twice"):
        delong_test(np.array([0, 1, 1]), np.arange(3.0), np.arange(3.0))


def test_mcnemar_counts_what_only_one_decided_rightly() -> None:
    # 9 rightly by the first alone, 2 by the second alone, 5 by both, 4 by neither.
    labels = np.array([1, 0] * 10)
    first = np.where(np.arange(20) < 14, labels, 1 - labels)
    second = labels.copy()
    second[:9] = 1 - labels[:9]
    second[16:] = 1 - labels[16:]
    found = mcnemar_test(labels, first, second)
    assert (found.first_only, found.second_only) == (9, 2)
    tail = sum(comb(11, k) for k in range(3)) / 2**11
    assert found.p_value == pytest.approx(2 * tail)


def test_mcnemar_of_equal_decisions() -> None:
    labels = np.array([0, 1, 1, 0])
    found = mcnemar_test(labels, labels, labels)
    assert (found.first_only, found.second_only, found.p_value) == (0, 0, 1.0)


def test_paired_differences_belong_to_the_thresholds_and_know_the_pairing() -> None:
    labels, first, _ = draw(5, 60, 60)
    second = first + 0.01  # orders alike: no AUC difference in any resample

    def low(y: Labels, s: Floats) -> dict[str, float]:
        return figures_at(y, s, -9.0)

    def high(y: Labels, s: Floats) -> dict[str, float]:
        return figures_at(y, s, 9.0)

    scores = np.stack([first, second], axis=1)
    found = paired_differences(labels, scores, (low, high), resamples=50)
    assert (found["auc"].low, found["auc"].value, found["auc"].high) == pytest.approx((0, 0, 0))
    assert found["recall"].value == -1.0 and found["specificity"].value == 1.0


def test_paired_differences_agree_with_delong() -> None:
    labels, first, second = draw(6, 80, 120)

    def figures(y: Labels, s: Floats) -> dict[str, float]:
        return {"auc": float(roc_auc_score(y, s))}

    scores = np.stack([first, second], axis=1)
    found = paired_differences(labels, scores, (figures, figures), resamples=600, seed=1)["auc"]
    exact = delong_test(labels, first, second).difference
    assert found.value == pytest.approx(exact.value)
    assert found.high - found.low == pytest.approx(exact.high - exact.low, rel=0.15)
    again = paired_differences(labels, scores, (figures, figures), resamples=600, seed=1)["auc"]
    assert again == found
