"""A weights file gives back what was put in, and refuses what is not its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras
from safetensors.numpy import save

from edge.errors import DataRefused, WorkFailed
from train.network import NetworkConfig, build
from train.recipe import Recipe
from train.weights import build_trained, load_weights, put_weights, save_weights, weights_of

FACTS = {"calibration": {"slope": 1.5}, "operating_points": [{"name": "refer"}]}


@pytest.fixture(scope="module")
def model(tiny_recipe: Recipe) -> Any:
    keras.utils.set_random_seed(7)
    model = build(tiny_recipe.network, keras)
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.uniform(-0.2, 0.2, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def path(model: Any, tiny_recipe: Recipe, tmp_path: Path) -> Path:
    path = tmp_path / "run" / "weights.safetensors"
    save_weights(path, weights_of(model, tiny_recipe, FACTS))
    return path


def refusal_of(path: Path) -> str:
    with pytest.raises(DataRefused) as refusal:
        load_weights(path)
    assert str(path) in refusal.value.message
    return refusal.value.code


def test_round_trip_keeps_half_precision(model: Any, path: Path, tiny_recipe: Recipe) -> None:
    loaded = load_weights(path)
    assert loaded.recipe == tiny_recipe
    assert loaded.facts == FACTS
    original = weights_of(model, tiny_recipe).tensors
    assert loaded.tensors.keys() == original.keys()
    for name, value in original.items():
        np.testing.assert_array_equal(loaded.tensors[name], value.astype(np.float16))
        assert loaded.tensors[name].dtype == np.float32


@pytest.mark.parametrize("namespace", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_loaded_network_scores_as_the_saved_one(
    model: Any, path: Path, namespace: Any, tiny_recipe: Recipe
) -> None:
    side = tiny_recipe.network.input_size
    images = np.random.default_rng(1).normal(size=(4, side, side, 1)).astype(np.float32)
    rebuilt = build_trained(load_weights(path), namespace)
    expected = np.asarray(model.predict_on_batch(images))
    assert expected.std() > 1e-4
    np.testing.assert_allclose(rebuilt.predict_on_batch(images), expected, atol=5e-3)


def test_weights_taken_from_either_keras_are_equal(path: Path, tiny_recipe: Recipe) -> None:
    loaded = load_weights(path)
    for namespace in (keras, tf_keras):
        again = weights_of(build_trained(loaded, namespace), tiny_recipe)
        assert again.tensors.keys() == loaded.tensors.keys()
        for name, value in loaded.tensors.items():
            np.testing.assert_array_equal(again.tensors[name], value)


def test_hash_follows_the_content(model: Any, path: Path, tiny_recipe: Recipe) -> None:
    first = load_weights(path).sha256
    save_weights(path, weights_of(model, tiny_recipe, {**FACTS, "more": 1}))
    assert len(first) == 64
    assert load_weights(path).sha256 != first


@pytest.mark.parametrize(
    "other",
    [
        NetworkConfig(width=2, depths=(1, 1), strides=(1, 2), dilations=(1, 2), dense=4),
        NetworkConfig(width=1, depths=(1, 2), strides=(1, 2), dilations=(1, 2), dense=4),
        NetworkConfig(width=1, depths=(1,), strides=(1,), dilations=(1,), dense=4),
    ],
    ids=["wider", "deeper", "shallower"],
)
def test_another_network_is_refused_and_left_alone(path: Path, other: NetworkConfig) -> None:
    network = build(other, keras)
    before = network.get_weights()
    with pytest.raises(DataRefused) as refusal:
        put_weights(load_weights(path), network)
    assert refusal.value.code == "weights_mismatch"
    for left, right in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal_of(tmp_path / "none.safetensors") == "missing_weights"
    assert refusal_of(tmp_path) == "missing_weights"


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_cut_file_is_refused(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    assert refusal_of(path) == "invalid_weights"


def test_foreign_files_are_refused(path: Path, tmp_path: Path) -> None:
    tensors = {"a/kernel": np.zeros(3, np.float16)}
    recipe = json.dumps({"epochs": 0})
    contents = {
        "text": b"these are no weights",
        "no metadata": save(tensors),
        "no facts": save(tensors, {"recipe": "{}"}),
        "bad json": save(tensors, {"recipe": "{", "facts": "{}"}),
        "bad recipe": save(tensors, {"recipe": recipe, "facts": "{}"}),
        "unknown setting": save(tensors, {"recipe": '{"speed": 1}', "facts": "{}"}),
        "recipe is a list": save(tensors, {"recipe": "[]", "facts": "{}"}),
    }
    for name, content in contents.items():
        path.write_bytes(content)
        assert refusal_of(path) == "invalid_weights", name


def test_writing_leaves_nothing_beside_the_file(
    model: Any, path: Path, tiny_recipe: Recipe
) -> None:
    save_weights(path, weights_of(model, tiny_recipe))
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_failed_writing_leaves_nothing(model: Any, tiny_recipe: Recipe, tmp_path: Path) -> None:
    taken = tmp_path / "weights.safetensors"
    taken.mkdir()  # a folder cannot be replaced by a file
    with pytest.raises(OSError):
        save_weights(taken, weights_of(model, tiny_recipe))
    assert list(tmp_path.iterdir()) == [taken]


def test_value_beyond_half_precision_is_refused(
    model: Any, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    weights = weights_of(model, tiny_recipe)
    weights.tensors["logits/bias"][0] = 1e5
    with pytest.raises(WorkFailed, match="logits/bias") as refusal:
        save_weights(tmp_path / "weights.safetensors", weights)
    assert refusal.value.code == "weights_overflow"
    assert not list(tmp_path.iterdir())
