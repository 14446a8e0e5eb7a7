"""Small networks with weights that hide no mistake, and thoraces drawn for them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest

from edge.phantom import draw_phantom
from edge.preprocess import InputContract, preprocess
from optimize.artifact import Images, Samples
from train.augmentation import Pixels
from train.evaluation import predict_margins
from train.network import NetworkConfig, build
from train.recipe import Recipe
from train.weights import Weights, save_weights, weights_of

ROOT = Path(__file__).parents[2]
FACTS: dict[str, Any] = {
    "calibration": {"method": "platt", "slope": 0.2, "intercept": 0.1, "chosen_on": "validation"},
    "operating_points": [
        {"name": name, "threshold": threshold, "rule": "recall", "chosen_on": "validation"}
        for name, threshold in (("refer", 0.6), ("uncertain", 0.4))
    ],
}


def random_weights(config: NetworkConfig, seed: int, blur: float = 0.0) -> Weights:
    """Random weights and batch-norm statistics; margins spread over about -2 to 2."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = build(config, keras)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            size = layer.get_weights()[0].shape  # gamma, beta, mean, variance
            ranges = ((0.5, 1.5), (-0.3, 0.3), (-0.3, 0.3), (0.5, 2.0))
            layer.set_weights([rng.uniform(*limits, size) for limits in ranges])
    recipe = Recipe(
        network=config,
        input=InputContract(size=config.input_size, blur=blur),
        validation_fraction=0.3,
    )
    for name in ("dense", "logits"):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel, rng.normal(0, 0.1, bias.shape)])
    # Depth lets the features grow; bring them to about 1 before the dense layers.
    features = keras.Model(model.input, model.get_layer("features").output)
    images = np.stack(drawn_images(recipe.input, range(100, 108)))
    kernel, bias = model.get_layer("dense").get_weights()
    grown = np.asarray(features.predict_on_batch(images)).mean()
    model.get_layer("dense").set_weights([kernel / grown, bias])
    margins = predict_margins(model, drawn_pixels(range(100, 108)), recipe.input)
    kernel, bias = model.get_layer("logits").get_weights()
    scale = 1.0 / margins.std()
    shift = np.array([0.0, -scale * (margins.mean() - (bias[1] - bias[0]))])
    model.get_layer("logits").set_weights([kernel * scale, shift])
    return weights_of(model, recipe, FACTS)


@pytest.fixture(scope="session")
def make_weights() -> Callable[..., Weights]:
    """Random weights of a network shape, by a seed."""
    return random_weights


def drawn_pixels(seeds: range) -> list[Pixels]:
    """Phantoms turned and inverted: a random network tells mere phantoms hardly apart."""
    films = [np.rot90(draw_phantom(i, 96, i % 4), i) for i in seeds]
    return [np.ascontiguousarray(255 - f if i % 3 else f) for i, f in enumerate(films)]


def drawn_images(contract: InputContract, seeds: range) -> Images:
    return [preprocess(image, contract) for image in drawn_pixels(seeds)]


@pytest.fixture(scope="session")
def films() -> list[Pixels]:
    """Twelve grey images of 96 pixels a side that a random network tells apart."""
    return drawn_pixels(range(12))


@pytest.fixture(scope="session")
def dilated_weights() -> Weights:
    """Of a network with the paper's four dilations and an odd input size."""
    return random_weights(NetworkConfig(width=4, depths=(1, 1, 1, 1), input_size=45, dense=8), 1)


@pytest.fixture(scope="session")
def tiny_weights() -> Weights:
    """Of a network that converts quickly."""
    config = NetworkConfig(
        width=4, depths=(1,), strides=(1,), dilations=(2,), input_size=32, dense=8
    )
    return random_weights(config, 3, blur=0.5)


@pytest.fixture(scope="session")
def tiny_samples(tiny_weights: Weights) -> Samples:
    contract = tiny_weights.recipe.input
    return Samples(
        drawn_images(contract, range(24)), drawn_images(contract, range(24, 40)), "drawn"
    )


@pytest.fixture(scope="session")
def weights_file(tiny_weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_weights(path, tiny_weights)
    return path


@pytest.fixture(scope="session")
def untrained_weights(tiny_weights: Weights) -> Weights:
    return replace(tiny_weights, facts={})


@pytest.fixture(scope="session")
def chest_xray(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training folder as published: two films of each of twelve children."""
    root = tmp_path_factory.mktemp("published") / "chest_xray"
    patients = [("NORMAL", f"IM-{n:04d}-") for n in range(115, 121)]
    patients += [("PNEUMONIA", f"person{n}_virus_") for n in range(1, 7)]
    for p, (folder, patient) in enumerate(patients):
        for film in (1, 2):
            path = root / "train" / folder / f"{patient}{film:04d}.jpeg"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), draw_phantom(10 * p + film, 96, 3 * (folder == "PNEUMONIA")))
    return root


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``python -m MODULE ARGUMENTS`` in a process of its own."""

    def run(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "default"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
