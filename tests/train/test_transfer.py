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
def ours(tiny_recipe: Recipe) -> Recipe:
    return with_outputs(tiny_recipe, OURS)


@pytest.fixture
def model(ours: Recipe) -> Any:
    return build_network(ours, keras)


def test_every_other_layer_is_loaded_by_name(weights: Weights, model: Any, ours: Recipe) -> None:
    report = transfer(weights, model, ours)
    found = tensors_of(model)
    assert set(report.loaded) == found.keys() - {"logits/kernel", "logits/bias"}
    for name in report.loaded:
        np.testing.assert_allclose(found[name], weights.tensors[name], rtol=1e-6, err_msg=name)


def test_shared_outputs_are_loaded_and_new_ones_left_at_random(
    weights: Weights, model: Any, ours: Recipe
) -> None:
    before = tensors_of(model)
    transfer(weights, model, ours)
    after = tensors_of(model)
    for name in ("logits/kernel", "logits/bias"):
        for there, here in ((0, 3), (1, 2)):
            np.testing.assert_allclose(
                after[name][..., here], weights.tensors[name][..., there], rtol=1e-6
            )
        np.testing.assert_array_equal(after[name][..., :2], before[name][..., :2])
    assert np.std(after["logits/kernel"][:, 0]) > 0


def test_the_report_says_what_was_loaded_and_what_was_not(
    weights: Weights, model: Any, ours: Recipe
) -> None:
    report = transfer(weights, model, ours)
    assert report.outputs_loaded == ("Pneumonia", "Mass")
    assert report.outputs_new == ("normal", "pneumonia")
    text = str(report)
    assert f"loaded {len(report.loaded)} tensors" in text
    assert "outputs loaded: Pneumonia, Mass" in text
    assert "outputs that begin at random: normal, pneumonia" in text


def test_the_same_outputs_are_loaded_whole(tiny_recipe: Recipe, weights: Weights) -> None:
    model = build_network(with_outputs(tiny_recipe, THEIRS), keras)
    report = transfer(weights, model, with_outputs(tiny_recipe, THEIRS))
    assert report.outputs_new == () and "random" not in str(report)
    for name, value in tensors_of(model).items():
        np.testing.assert_allclose(value, weights.tensors[name], rtol=1e-6, err_msg=name)


def refused_and_untouched(weights: Weights, model: Any, ours: Recipe) -> str:
    before = tensors_of(model)
    with pytest.raises(DataRefused) as refusal:
        transfer(weights, model, ours)
    assert refusal.value.code == "weights_mismatch"
    for name, value in tensors_of(model).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    return refusal.value.message


def test_another_width_is_refused(tiny_recipe: Recipe, weights: Weights, ours: Recipe) -> None:
    wider = build_network(with_outputs(tiny_recipe, OURS, width=2), keras)
    assert "46 of 49 tensors differ" in refused_and_untouched(weights, wider, ours)


def test_another_hidden_layer_is_refused(weights: Weights, ours: Recipe) -> None:
    model = build_network(replace(ours, network=replace(ours.network, dense=5)), keras)
    assert "dense/" in refused_and_untouched(weights, model, ours)


@pytest.mark.parametrize("missing", ["logits/bias", "stem_bn/gamma"])
def test_missing_layers_are_refused(
    weights: Weights, model: Any, ours: Recipe, missing: str
) -> None:
    tensors = {name: value for name, value in weights.tensors.items() if name != missing}
    refused_and_untouched(replace(weights, tensors=tensors), model, ours)


def test_layers_left_over_are_refused(weights: Weights, model: Any, ours: Recipe) -> None:
    tensors = {**weights.tensors, "stage9_conv/kernel": np.zeros(1)}
    assert "stage9_conv/kernel" in refused_and_untouched(
        replace(weights, tensors=tensors), model, ours
    )


@pytest.mark.parametrize("other", [{"split_seed": 2}, {"validation_fraction": 0.2}])
def test_weights_that_learnt_from_the_validation_patients_are_refused(
    weights: Weights, model: Any, ours: Recipe, other: dict[str, Any]
) -> None:
    trained = replace(weights, facts={"trained_on": "something"})
    transfer(trained, model, replace(ours, seed=77))
    with pytest.raises(DataRefused) as refusal:
        transfer(trained, model, replace(ours, **other))
    assert refusal.value.code == "other_patients"
    transfer(weights, model, replace(ours, **other))  # untrained weights have seen nobody
