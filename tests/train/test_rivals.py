"""The rivals build, answer in probabilities, and are trained by the same code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from edge.errors import DataRefused
from edge.preprocess import InputContract
from train.fit import Beginning, fit
from train.network import NetworkConfig
from train.recipe import Recipe, load_recipe
from train.rivals import RIVALS, build_network, build_rival
from train.weights import build_trained, load_weights, weights_of

SIDE = 75
"""The least that all four take."""


def rival_recipe(name: str, side: int = SIDE) -> Recipe:
    return Recipe(
        architecture=name,
        network=NetworkConfig(input_size=side, dense=8),
        input=InputContract(size=side),
        epochs=1,
        batch=4,
        learning_rate=1e-4,
        validation_fraction=0.3,
    )


@pytest.mark.parametrize("name", sorted(RIVALS))
def test_rival_answers_in_probabilities(name: str) -> None:
    keras.utils.set_random_seed(0)
    model = build_network(rival_recipe(name), keras)
    assert model.name == name
    films = np.random.default_rng(0).normal(size=(3, SIDE, SIDE, 1)).astype(np.float32)
    found = np.asarray(model.predict_on_batch(films))
    assert found.shape == (3, 2) and found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()
    # Untrained, Xception answers so near to 0.5 that probabilities have no digits left.
    logits = keras.Model(model.input, model.get_layer("logits").output).predict_on_batch(films)
    assert len(np.unique(logits)) == 6
    for layer in ("features", "dense", "logits", "probabilities"):
        assert model.get_layer(layer) is not None


@pytest.mark.parametrize("name", sorted(RIVALS.keys() - {"efficientnet_lite0"}))
def test_shipped_recipe_has_the_size_that_the_rival_was_made_for(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.architecture == name
    assert recipe.input.size == recipe.network.input_size == RIVALS[name].size


def test_imagenet_weights_are_taken_from_a_file(tmp_path: Path) -> None:
    recipe = rival_recipe("vgg16", 32)
    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    base.save_weights(tmp_path / "imagenet.weights.h5")
    model = build_rival(recipe, keras, str(tmp_path / "imagenet.weights.h5"))
    expected = base.get_layer("block3_conv2").get_weights()[0]
    np.testing.assert_array_equal(model.get_layer("block3_conv2").get_weights()[0], expected)


def test_missing_imagenet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused) as refusal:
        build_rival(rival_recipe("vgg16"), keras, str(tmp_path / "none.h5"))
    assert refusal.value.code == "imagenet_weights" and "none.h5" in refusal.value.message


def test_imagenet_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.weights.h5").write_bytes(b"no weights")
    with pytest.raises(DataRefused) as refusal:
        build_rival(rival_recipe("vgg16", 32), keras, str(tmp_path / "other.weights.h5"))
    assert refusal.value.code == "imagenet_weights" and "VGG16" in refusal.value.message


def test_rival_is_trained_and_stored_like_any_network(chest_xray: Path, tmp_path: Path) -> None:
    recipe = rival_recipe("vgg16", 32)
    path = fit(recipe, chest_xray, tmp_path / "run", beginning=Beginning(), progress=False)
    weights = load_weights(path)
    assert weights.recipe == recipe
    assert weights.facts["trained_on"]["started_from"] == "random weights"
    model = build_trained(weights, keras)
    assert model.count_params() == sum(value.size for value in weights.tensors.values())


def test_the_imagenet_beginning_is_written_down() -> None:
    assert str(Beginning(imagenet="download")) == "ImageNet: download"
    assert str(Beginning(imagenet="none")) == "random weights"


def test_dilated_network_is_built_by_the_same_door(tiny_recipe: Recipe) -> None:
    network = replace(tiny_recipe.network, width=2)
    assert build_network(replace(tiny_recipe, network=network), keras).name == "dilated_resnet_w2"


def test_imagenet_weights_are_for_rivals_and_never_passed_over(
    tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path
) -> None:
    weights = weights_of(build_network(tiny_recipe, keras), tiny_recipe)
    for code, beginning in (
        ("not_a_rival", Beginning(imagenet="download")),
        ("two_beginnings", Beginning(weights, imagenet="download")),
    ):
        with pytest.raises(DataRefused) as refusal:
            fit(tiny_recipe, chest_xray, tmp_path / code, beginning=beginning, progress=False)
        assert refusal.value.code == code
