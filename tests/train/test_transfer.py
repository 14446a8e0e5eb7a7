"""Weights go over by layer name, outputs by output, and never quietly in part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from edge.errors import DataRefused
from train.recipe import Recipe
from train.rivals import build_network
from train.transfer import transfer
from train.weights import Weights, tensors_of, weights_of

THEIRS = ("Mass", "Pneumonia", "Edema")
OURS = ("normal", "pneumonia", "Pneumonia", "Mass")


def with_outputs(recipe: Recipe, outputs: tuple[str, ...], width: int = 1) -> Recipe:
    network = replace(recipe.network, outputs=len(outputs), width=width)
    return replace(recipe, outputs=outputs, network=network)


@pytest.fixture(scope="module")
def weights(tiny_recipe: Recipe) -> Weights:
    recipe = with_outputs(tiny_recipe, THEIRS)
    found = weights_of(build_network(recipe, keras), recipe)
    rng = np.random.default_rng(3)
    return replace(found, tensors={k: rng.normal(size=v.shape) for k, v in found.tensors.items()})


@pytest.fixture
def model(tiny_recipe: Recipe) -> Any:
    return build_network(with_outputs(tiny_recipe, OURS), keras)


def test_every_other_layer_is_loaded_by_name(weights: Weights, model: Any) -> None:
    report = transfer(weights, model, OURS)
    found = tensors_of(model)
    assert set(report.loaded) == found.keys() - {"logits/kernel", "logits/bias"}
    for name in report.loaded:
        np.testing.assert_allclose(found[name], weights.tensors[name], rtol=1e-6, err_msg=name)


def test_shared_outputs_are_loaded_and_new_ones_left_at_random(
    weights: Weights, model: Any
) -> None:
    before = tensors_of(model)
    transfer(weights, model, OURS)
    after = tensors_of(model)
    for name in ("logits/kernel", "logits/bias"):
        for theirs, ours in ((0, 3), (1, 2)):
            np.testing.assert_allclose(
                after[name][..., ours], weights.tensors[name][..., theirs], rtol=1e-6
            )
        np.testing.assert_array_equal(after[name][..., :2], before[name][..., :2])
    assert np.std(after["logits/kernel"][:, 0]) > 0


def test_the_report_says_what_was_loaded_and_what_was_not(weights: Weights, model: Any) -> None:
    report = transfer(weights, model, OURS)
    assert report.outputs_loaded == ("Pneumonia", "Mass")
    assert report.outputs_new == ("normal", "pneumonia")
    text = str(report)
    assert f"loaded {len(report.loaded)} tensors" in text
    assert "outputs loaded: Pneumonia, Mass" in text
    assert "outputs that begin at random: normal, pneumonia" in text


def test_the_same_outputs_are_loaded_whole(tiny_recipe: Recipe, weights: Weights) -> None:
    model = build_network(with_outputs(tiny_recipe, THEIRS), keras)
    report = transfer(weights, model, THEIRS)
    assert report.outputs_new == () and "random" not in str(report)
    for name, value in tensors_of(model).items():
        np.testing.assert_allclose(value, weights.tensors[name], rtol=1e-6, err_msg=name)


def refused_and_untouched(weights: Weights, model: Any) -> str:
    before = tensors_of(model)
    with pytest.raises(DataRefused) as refusal:
        transfer(weights, model, OURS)
    assert refusal.value.code == "weights_mismatch"
    for name, value in tensors_of(model).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    return refusal.value.message


def test_another_width_is_refused(tiny_recipe: Recipe, weights: Weights) -> None:
    wider = build_network(with_outputs(tiny_recipe, OURS, width=2), keras)
    assert "46 of 49 tensors differ" in refused_and_untouched(weights, wider)


def test_another_hidden_layer_is_refused(tiny_recipe: Recipe, weights: Weights) -> None:
    recipe = with_outputs(tiny_recipe, OURS)
    model = build_network(replace(recipe, network=replace(recipe.network, dense=5)), keras)
    assert "dense/" in refused_and_untouched(weights, model)


@pytest.mark.parametrize("missing", ["logits/bias", "stem_bn/gamma"])
def test_missing_layers_are_refused(weights: Weights, model: Any, missing: str) -> None:
    tensors = {name: value for name, value in weights.tensors.items() if name != missing}
    refused_and_untouched(replace(weights, tensors=tensors), model)


def test_layers_left_over_are_refused(weights: Weights, model: Any) -> None:
    tensors = {**weights.tensors, "stage9_conv/kernel": np.zeros(1)}
    assert "stage9_conv/kernel" in refused_and_untouched(replace(weights, tensors=tensors), model)
