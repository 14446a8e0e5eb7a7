"""AUC on adults is measured by view, on the held-out patients alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from edge.errors import DataRefused
from edge.phantom import draw_phantom
from train.chestxray14 import AdultSample, decided, split_chestxray14
from train.datasets import LabelledImages, load_images
from train.evaluation import predict_margins
from train.other_hospital import adult_aucs, assess_adults
from train.recipe import Recipe
from train.rivals import build_network
from train.weights import Weights, build_trained, load_weights, save_weights, weights_of


@pytest.fixture(scope="module")
def weights(tiny_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Of a network that is not trained, and yet tells one film from another."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    keras.utils.set_random_seed(1)
    save_weights(path, weights_of(build_network(tiny_recipe, keras), tiny_recipe))
    return load_weights(path)


def adults(labels_of_ap: list[int], labels_of_pa: list[int]) -> LabelledImages:
    films = [(y, "AP") for y in labels_of_ap] + [(y, "PA") for y in labels_of_pa]
    samples = tuple(
        AdultSample(Path(f"{i}.png"), y, str(i), "x", frozenset(), view)
        for i, (y, view) in enumerate(films)
    )
    pixels = np.stack([draw_phantom(i, 64, 3 * y) for i, (y, _) in enumerate(films)])
    return LabelledImages(samples, pixels)


def test_auc_over_all_films_and_within_each_view(weights: Weights) -> None:
    images = adults([0, 1, 0, 1, 1, 0], [1, 0, 0, 0, 1])
    model = build_trained(weights, keras)
    margins = predict_margins(model, images.pixels, weights.recipe.input)
    found = adult_aucs(model, images, weights.recipe.input)
    assert found["all"] == pytest.approx(roc_auc_score(images.labels, margins))
    assert found["AP"] == pytest.approx(roc_auc_score(images.labels[:6], margins[:6]))
    assert found["PA"] == pytest.approx(roc_auc_score(images.labels[6:], margins[6:]))


def test_view_of_one_label_has_no_auc(weights: Weights) -> None:
    found = adult_aucs(build_trained(weights, keras), adults([0, 1], [1, 1]), weights.recipe.input)
    assert found["PA"] is None
    assert None not in (found["all"], found["AP"])


def test_films_without_an_adult_count_in_no_view(
    weights: Weights, phantom_images: LabelledImages
) -> None:
    found = adult_aucs(build_trained(weights, keras), phantom_images, weights.recipe.input)
    assert found["AP"] is None and found["PA"] is None and found["all"] is not None


@pytest.mark.parametrize("split", ["test", "validation"])
def test_assessment_is_of_decided_films_of_the_right_patients(
    weights: Weights, chestxray14: Path, split: str
) -> None:
    recipe = weights.recipe
    parts = split_chestxray14(chestxray14, recipe.validation_fraction, recipe.split_seed)
    samples = decided(parts.held_out if split == "test" else parts.validation)
    images = load_images(samples, progress=False)
    model = build_trained(weights, keras)
    found = assess_adults(weights, chestxray14, split, resamples=50)
    expected = adult_aucs(model, images, recipe.input)
    assert found["weights_sha256"] == weights.sha256
    assert ("held-out" in found["data"]) == (split == "test")
    for name in ("all", "AP", "PA"):
        labels = [s.label for s in samples if name in ("all", s.view)]
        assert found[name]["images"] == len(labels)
        assert found[name]["positives"] == sum(labels) > 0
        auc = found[name]["auc"]
        assert auc["value"] == pytest.approx(expected[name])
        assert auc["low"] <= auc["value"] <= auc["high"]


def test_held_out_films_do_not_depend_on_the_seed(weights: Weights, chestxray14: Path) -> None:
    other = replace(weights, recipe=replace(weights.recipe, seed=99))
    first, second = (assess_adults(w, chestxray14, "test", 50) for w in (weights, other))
    assert first == second


def test_training_films_are_not_measured(weights: Weights, chestxray14: Path) -> None:
    with pytest.raises(DataRefused) as refusal:
        assess_adults(weights, chestxray14, "train")
    assert refusal.value.code == "unknown_split"
