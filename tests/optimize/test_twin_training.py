"""A tf-keras twin learns what Keras 3 would, and goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras

from edge.errors import DataRefused, WorkFailed
from optimize.twin_training import train_twin
from train.batches import TrainingBatches
from train.datasets import LabelledImages
from train.loop import run_epochs
from train.network import NetworkConfig
from train.run import Run
from train.splits import load_training_data
from train.weights import Tensors, Weights, build_trained, tensors_of


@pytest.fixture(scope="module")
def images(chest_xray: Path) -> LabelledImages:
    return load_training_data(chest_xray, 0.3, 1, progress=False).training


@pytest.fixture(scope="module")
def weights(make_weights: Callable[..., Weights]) -> Weights:
    """Without dropout, which differs from one Keras to the other."""
    config = NetworkConfig(
        width=4, depths=(1,), strides=(1,), dilations=(2,), input_size=32, dense=8, dropout=0.0
    )
    made = make_weights(config, 5)
    recipe = replace(
        made.recipe, epochs=3, batch=4, schedule="cosine", warmup=1, learning_rate=1e-2,
        optimizer="adamw", weight_decay=0.05, label_smoothing=0.05,
    )  # fmt: skip
    return replace(made, recipe=recipe)


class Steps(tf_keras.callbacks.Callback):  # type: ignore[misc]  # tf-keras has no types
    """Counts steps and is killed, where asked to, at the end of an epoch."""

    def __init__(self, killed_in: int = -1) -> None:
        super().__init__()
        self.count, self.killed_in = 0, killed_in

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.count += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.killed_in:
            raise KeyboardInterrupt


def learn(
    weights: Weights, images: LabelledImages, steps: Steps, folder: Path | None = None
) -> Tensors:
    model = build_trained(weights, tf_keras)
    batches = TrainingBatches(images, weights.recipe)
    train_twin(
        model, weights.recipe, batches, callbacks=[steps], folder=folder, progress=False
    )  # fmt: skip
    return tensors_of(model)


@pytest.fixture(scope="module")
def unbroken(weights: Weights, images: LabelledImages) -> Tensors:
    return learn(weights, images, Steps())


def test_it_learns_as_keras_3_does(
    weights: Weights, images: LabelledImages, unbroken: Tensors, tmp_path: Path
) -> None:
    model, recipe = build_trained(weights, keras), weights.recipe
    batches = TrainingBatches(images, recipe)
    run_epochs(
        model, recipe, batches, lambda model: {}, Run(tmp_path), [], watch="", progress=False
    )
    learnt = tensors_of(model)
    moved = max(float(np.abs(learnt[n] - weights.tensors[n]).max()) for n in learnt)
    assert moved > 1e-2
    for name, value in unbroken.items():
        np.testing.assert_allclose(value, learnt[name], atol=moved / 20, err_msg=name)


def test_a_killed_training_goes_on(
    weights: Weights, images: LabelledImages, unbroken: Tensors, tmp_path: Path
) -> None:
    whole = len(TrainingBatches(images, weights.recipe))
    with pytest.raises(KeyboardInterrupt):
        learn(weights, images, Steps(killed_in=1), tmp_path / "kept")
    steps = Steps()
    resumed = learn(weights, images, steps, tmp_path / "kept")
    assert steps.count == 2 * whole  # the first epoch was finished
    for name, value in unbroken.items():
        np.testing.assert_allclose(resumed[name], value, atol=1e-3, err_msg=name)
    done = Steps()
    learn(weights, images, done, tmp_path / "kept")
    assert done.count == 0


def test_a_loss_that_is_no_number_ends_it(weights: Weights, images: LabelledImages) -> None:
    recipe = replace(weights.recipe, learning_rate=1e30, warmup=0)
    with pytest.raises(WorkFailed) as failure:
        learn(replace(weights, recipe=recipe), images, Steps())
    assert failure.value.code == "diverged"


def test_too_few_images_and_no_room_for_checkpoints(
    weights: Weights, images: LabelledImages, tmp_path: Path
) -> None:
    large = replace(weights, recipe=replace(weights.recipe, batch=1000))
    with pytest.raises(DataRefused) as refusal:
        learn(large, images, Steps())
    assert refusal.value.code == "too_few_images"
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(WorkFailed) as failure:
        learn(weights, images, Steps(), tmp_path / "file" / "kept")
    assert failure.value.code == "cannot_write"


def test_another_backend_is_refused(
    command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, weights_file: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    done = command(
        "optimize", "sparsify", weights_file, "--sparsity", 0.5, "--data", tmp_path,
        "--out", tmp_path / "out.safetensors",
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "(other_backend)" in done.stderr
