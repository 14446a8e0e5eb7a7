"""A widened network computes what the narrow one computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from edge.errors import DataRefused
from train.network import build
from train.recipe import Recipe
from train.weights import Weights, build_trained, load_weights, save_weights, weights_of
from train.widening import widen


@pytest.fixture(scope="module")
def narrow(tiny_recipe: Recipe) -> Weights:
    recipe = replace(tiny_recipe, network=replace(tiny_recipe.network, width=2))
    keras.utils.set_random_seed(3)
    weights = weights_of(build(recipe.network, keras), recipe)
    rng = np.random.default_rng(0)
    for name, value in weights.tensors.items():
        if not name.endswith("/kernel"):  # statistics and biases that tell channels apart
            weights.tensors[name] = rng.uniform(0.5, 1.5, value.shape).astype(np.float32)
    return weights


@pytest.fixture(scope="module")
def pruned(tiny_recipe: Recipe) -> Weights:
    network = replace(tiny_recipe.network, width=2, pruned=(2, 5, 1, 2, 13, 4, 3))
    return weights_of(build(network, keras), replace(tiny_recipe, network=network))


def outputs_of(weights: Weights) -> np.ndarray:
    images = np.random.default_rng(1).normal(size=(3, 32, 32, 1)).astype(np.float32)
    model = build_trained(weights, keras)
    logits = keras.Model(model.input, model.get_layer("logits").output)
    return np.asarray(logits.predict(images, verbose=0))


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_function_stays(narrow: Weights, factor: int) -> None:
    wide = widen(narrow, factor)
    assert wide.recipe.network.width == 2 * factor
    assert not wide.facts
    np.testing.assert_allclose(outputs_of(wide), outputs_of(narrow), rtol=1e-4, atol=1e-5)


def test_function_of_a_pruned_network_stays(pruned: Weights) -> None:
    wide = widen(pruned, 2)
    assert wide.recipe.network.pruned == (4, 10, 2, 4, 26, 8, 6)
    np.testing.assert_allclose(outputs_of(wide), outputs_of(pruned), rtol=1e-4, atol=1e-5)


def test_noise_lets_equal_channels_grow_apart(narrow: Weights) -> None:
    still, noisy = widen(narrow, 2), widen(narrow, 2, noise=0.05, seed=4)
    kernel = "stage1_block1_2_conv/kernel"
    twins = still.tensors[kernel]
    np.testing.assert_array_equal(twins[..., 0], twins[..., 1])
    grown = noisy.tensors[kernel]
    assert not np.allclose(grown[..., 0], grown[..., 1])
    assert np.abs(grown - twins).mean() < 0.1 * np.abs(twins).mean()
    again = widen(narrow, 2, noise=0.05, seed=4)
    np.testing.assert_array_equal(again.tensors[kernel], grown)


@pytest.mark.parametrize("factor", [0, -1])
def test_no_width_is_refused(narrow: Weights, factor: int) -> None:
    with pytest.raises(DataRefused) as refusal:
        widen(narrow, factor)
    assert refusal.value.code == "not_widened"


def test_widened_weights_are_kept_in_shards(
    narrow: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.weights.SHARD_BYTES", 4_000)
    path = tmp_path / "wide.safetensors"
    wide = widen(narrow, 4)
    save_weights(path, wide)
    shards = sorted(tmp_path.iterdir())
    assert len(shards) > 2 and not path.exists()
    assert shards[0].name == f"wide-00001-of-{len(shards):05d}.safetensors"
    found = load_weights(path)
    assert found.tensors.keys() == wide.tensors.keys() and found.recipe == wide.recipe
    np.testing.assert_allclose(outputs_of(found), outputs_of(wide), atol=0.05)

    shards[1].rename(tmp_path / "lost")
    with pytest.raises(DataRefused) as refusal:
        load_weights(path)
    assert refusal.value.code == "missing_weights"
    (tmp_path / "lost").rename(shards[1])
    other = replace(wide, facts={"another": "training"})
    save_weights(tmp_path / "other.safetensors", other)
    (tmp_path / shards[1].name.replace("wide", "other")).replace(shards[1])
    with pytest.raises(DataRefused) as refusal:
        load_weights(path)
    assert refusal.value.code == "invalid_weights"
