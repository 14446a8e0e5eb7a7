"""The figures against counting by hand, and intervals that behave as intervals must."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from train.evaluation import (
    RECALLS,
    evaluate,
    margin,
    predict_margins,
    specificity_at_recall,
)
from train.network import build
from train.recipe import Recipe


def drawn(seed: int, n: int = 60, ties: bool = False) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 3 > 0).astype(np.int64)
    scores = labels * 1.2 + rng.normal(size=n)
    return labels, np.round(scores, 0 if ties else 9)


def test_figures_of_a_sample_counted_by_hand() -> None:
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 1, 0, 0])
    scores = np.array([0.9, 0.8, 0.7, 0.5, 0.6, 0.4, 0.3, 0.2, 0.1, 0.0])
    found = evaluate(labels, scores, 0.5, resamples=50)
    assert found.images == 10 and found.positives == 5
    assert found.confusion == {
        "true_positive": 4,  # 0.5 itself counts as pneumonia
        "false_positive": 1,
        "true_negative": 4,
        "false_negative": 1,
    }
    values = {name: figure.value for name, figure in found.figures.items()}
    assert values["accuracy"] == pytest.approx(0.8)
    assert values["precision"] == pytest.approx(4 / 5)
    assert values["recall"] == pytest.approx(4 / 5)
    assert values["specificity"] == pytest.approx(4 / 5)
    assert values["f1"] == pytest.approx(4 / 5)
    assert values["auc"] == pytest.approx(21 / 25)  # 0.5 loses to one normal, 0.2 to three
    assert values["specificity_at_recall_0.9"] == pytest.approx(2 / 5)


def test_precision_recall_and_f1_differ_where_they_must() -> None:
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    scores = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    values = {k: v.value for k, v in evaluate(labels, scores, 0.5, resamples=20).figures.items()}
    assert values["precision"] == pytest.approx(3 / 8)
    assert values["recall"] == pytest.approx(3 / 4)
    assert values["specificity"] == pytest.approx(1 / 6)
    assert values["f1"] == pytest.approx(2 * (3 / 8) * (3 / 4) / (3 / 8 + 3 / 4))
    assert values["accuracy"] == pytest.approx(4 / 10)


def test_nothing_called_pneumonia_divides_nothing_by_zero() -> None:
    labels, scores = np.array([0, 1, 0, 1]), np.zeros(4)
    values = {k: v.value for k, v in evaluate(labels, scores, 0.5, resamples=20).figures.items()}
    assert values["precision"] == values["recall"] == values["f1"] == 0
    assert values["specificity"] == 1
    assert values["auc"] == 0.5


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_auc_is_the_share_of_pairs_in_order(seed: int, ties: bool) -> None:
    labels, scores = drawn(seed, ties=ties)
    pairs = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    by_hand = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    found = evaluate(labels, scores, 0.5, resamples=2).figures["auc"].value
    assert found == pytest.approx(by_hand)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("recall", RECALLS)
def test_specificity_at_recall_tries_every_threshold(seed: int, ties: bool, recall: float) -> None:
    labels, scores = drawn(seed, ties=ties)
    best = max(
        (scores[labels == 0] < threshold).mean()
        for threshold in [*scores, scores.max() + 1]
        if (scores[labels == 1] >= threshold).mean() >= recall
    )
    assert specificity_at_recall(labels, scores, recall) == pytest.approx(best)
    figures = evaluate(labels, scores, 0.5, resamples=2).figures
    assert figures[f"specificity_at_recall_{recall}"].value == pytest.approx(best)


@pytest.mark.parametrize("seed", range(3))
def test_interval_holds_the_value(seed: int) -> None:
    labels, scores = drawn(seed, 150)
    figures = evaluate(labels, scores, 0.5, resamples=300).figures
    for name in ("accuracy", "precision", "recall", "specificity", "f1", "auc"):
        figure = figures[name]
        assert 0 <= figure.low < figure.value < figure.high <= 1, name


def test_interval_shrinks_with_the_number_of_images() -> None:
    widths = []
    for n in (60, 600):
        labels, scores = drawn(1, n)
        accuracy = evaluate(labels, scores, 0.5, resamples=300).figures["accuracy"]
        widths.append(accuracy.high - accuracy.low)
    assert 2.0 < widths[0] / widths[1] < 5.0  # the root of ten is 3.2


def test_interval_of_recall_is_the_binomial_one() -> None:
    labels = np.repeat([0, 1], 400)
    scores = np.concatenate([np.zeros(400), np.arange(400) < 320]).astype(float)
    recall = evaluate(labels, scores, 0.5, resamples=1000).figures["recall"]
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert recall.low == pytest.approx(0.8 - half, abs=0.01)
    assert recall.high == pytest.approx(0.8 + half, abs=0.01)


def test_bootstrap_follows_its_seed() -> None:
    labels, scores = drawn(2)
    first = evaluate(labels, scores, 0.5, resamples=100, seed=1)
    assert first == evaluate(labels, scores, 0.5, resamples=100, seed=1)
    assert first.seed == 1 and first.resamples == 100
    other = evaluate(labels, scores, 0.5, resamples=100, seed=2)
    assert first.figures != other.figures
    assert first.figures["auc"].value == other.figures["auc"].value


@pytest.mark.parametrize("label", [0, 1])
def test_one_label_alone_is_refused(label: int) -> None:
    with pytest.raises(ValueError, match="Both labels"):
        evaluate(np.full(5, label), np.zeros(5), 0.5)


def test_margin_is_the_difference_of_logits() -> None:
    logits = np.array([[-2.0, 3.0], [0.0, 0.0], [4.0, -1.0]])
    probabilities = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(margin(probabilities), [5.0, 0.0, -5.0], atol=1e-9)
    assert np.isfinite(margin(np.array([[0.0, 1.0], [1.0, 0.0]], np.float32))).all()


def test_margins_follow_the_images_whatever_their_size_and_the_batch(tiny_recipe: Recipe) -> None:
    keras.utils.set_random_seed(0)
    model = build(tiny_recipe.network, keras)
    images = [draw_phantom(i, 64 + 8 * i, i % 3) for i in range(5)]
    found = predict_margins(model, images, tiny_recipe.input, batch=2)
    inputs = np.stack([preprocess(image, tiny_recipe.input) for image in images])
    expected = margin(np.asarray(model.predict_on_batch(inputs)))
    assert found.shape == (5,) and found.std() > 1e-4
    np.testing.assert_allclose(found, expected, atol=1e-5)
