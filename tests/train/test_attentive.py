"""The map beside the probabilities is the closed form's, on a common grid, on every backend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest

from edge.preprocess import InputContract
from train.attention import attention_maps, head_of
from train.attentive import GRID, attentive, averaging
from train.loop import compile_model
from train.recipe import Recipe
from train.rivals import build_network

ROOT = Path(__file__).parents[2]


def images_of(recipe: Recipe, count: int = 6) -> Any:
    size = recipe.input.size
    return np.random.default_rng(2).normal(size=(count, size, size, 1)).astype(np.float32)


def signed_maps(model: Any, images: Any) -> Any:
    """What speaks for pneumonia less what speaks against it."""
    features = keras.Model(model.input, model.get_layer("features").output).predict_on_batch(images)
    head = head_of(model)
    against = replace(head, direction=-head.direction)
    return attention_maps(head, features) - attention_maps(against, features)


@pytest.mark.parametrize(
    ("architecture", "size", "side"),
    [("dilated", 32, 4), ("dilated", 90, 12), ("efficientnet_lite0", 64, 2)],
)
def test_answers_are_the_probabilities_and_the_map_on_the_grid(
    tiny_recipe: Recipe, architecture: str, size: int, side: int
) -> None:
    recipe = replace(
        tiny_recipe, architecture=architecture, input=InputContract(size=size),
        network=replace(tiny_recipe.network, input_size=size),
    )  # fmt: skip
    keras.utils.set_random_seed(1)
    model = build_network(recipe, keras)
    images = images_of(recipe)
    probabilities, maps = model.predict_on_batch(images), signed_maps(model, images)
    assert maps.shape == (6, side, side)
    answers = attentive(model).predict_on_batch(images)
    assert answers.shape == (6, 2 + GRID**2) and answers.dtype == np.float32
    np.testing.assert_allclose(answers[:, :2], probabilities, atol=1e-6)
    for answer, whole in zip(answers[:, 2:], maps, strict=True):
        coarse = cv2.resize(np.kron(whole, np.ones((GRID, GRID))), (GRID, GRID),
                            interpolation=cv2.INTER_AREA)  # fmt: skip
        np.testing.assert_allclose(
            answer, coarse.ravel() / np.linalg.norm(coarse), atol=1e-3, err_msg=architecture
        )


@pytest.mark.parametrize("places", [1, 2, 5, 6, 7, 19])
def test_cells_are_means_and_lose_nothing(places: int) -> None:
    matrix = averaging(places)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(matrix.sum(axis=0), GRID / places, rtol=1e-6)
    assert (np.count_nonzero(matrix, axis=1) <= np.ceil(places / GRID) + 1).all()


def test_layers_and_weights_are_those_of_the_network(tiny_recipe: Recipe) -> None:
    model = build_network(tiny_recipe, keras)
    wrapped = attentive(model)
    assert {layer.name for layer in wrapped.layers} == {layer.name for layer in model.layers}
    for layer in model.layers:
        assert wrapped.get_layer(layer.name) is layer
    assert {id(w) for w in wrapped.weights} == {id(w) for w in model.weights}


def test_a_network_that_sees_nothing_gives_no_map_and_finite_gradients(tiny_recipe: Recipe) -> None:
    recipe = replace(tiny_recipe, attention=1.0)
    model = build_network(recipe, keras)
    for name in ("dense", "logits"):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([0 * kernel, bias])
    wrapped, images = attentive(model), images_of(recipe)
    assert not wrapped.predict_on_batch(images)[:, 2:].any()
    compile_model(wrapped, recipe, 1)
    wrapped.train_on_batch(images, np.full((6, 2 + GRID**2), 1 / GRID, np.float32))
    assert all(np.isfinite(value).all() for value in wrapped.get_weights())


STEPS = """
import json, sys
import keras, numpy as np
from train.attentive import attentive
from train.loop import compile_model
from train.recipe import recipe_from
from train.rivals import build_network

recipe = recipe_from(json.loads(sys.argv[1]))
model = build_network(recipe, keras)
model.set_weights([value for _, value in np.load(sys.argv[2]).items()])
model = attentive(model)
compile_model(model, recipe, 5)
images = np.load(sys.argv[3])
wanted = np.roll(model.predict_on_batch(images), 1, axis=0)
losses = [float(model.train_on_batch(images, wanted)) for _ in range(5)]
print(json.dumps([keras.backend.backend(), model.predict_on_batch(images).tolist(), losses]))
"""


def test_backends_agree_and_learn(tiny_recipe: Recipe, tmp_path: Path) -> None:
    if find_spec("jax") is None:
        pytest.skip("jax is not installed")
    network = replace(tiny_recipe.network, dropout=0.0)
    recipe = replace(tiny_recipe, attention=1.0, network=network)
    keras.utils.set_random_seed(4)
    np.savez(tmp_path / "weights.npz", *build_network(recipe, keras).get_weights())
    np.save(tmp_path / "images.npy", images_of(recipe))
    files = (str(tmp_path / "weights.npz"), str(tmp_path / "images.npy"))
    found = {}
    for backend in ("tensorflow", "jax"):
        done = subprocess.run(
            [sys.executable, "-c", STEPS, json.dumps(recipe.to_dict()), *files],
            cwd=ROOT,
            env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        name, answers, losses = json.loads(done.stdout)
        assert name == backend
        assert losses[-1] < losses[0]
        found[backend] = (np.array(answers), np.array(losses))
    for left, right in zip(found["tensorflow"], found["jax"], strict=True):
        np.testing.assert_allclose(left, right, atol=2e-2)
