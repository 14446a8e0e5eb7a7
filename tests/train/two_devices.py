"""A program for test_devices: one backend, a processor that stands for two devices.

Usage: python -m tests.train.two_devices RECIPE_JSON CHEST_XRAY OUT
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras
import numpy as np

from train.batches import TrainingBatches
from train.devices import on_devices
from train.fit import fit
from train.loop import run_epochs
from train.recipe import Recipe, recipe_from
from train.rivals import build_network
from train.run import Row, Run
from train.throughput import drawn_images
from train.weights import Weights, load_weights


def split_processor() -> None:
    """Two devices for TensorFlow; JAX takes XLA_FLAGS."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        processor = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(processor, two)


def devices_of(model: Any) -> int:
    """On how many devices a model lies."""
    if keras.backend.backend() == "jax":
        return len(model.weights[0].value.sharding.device_set)
    return int(model.distribute_strategy.num_replicas_in_sync)


def five_steps(recipe: Recipe, folder: Path, devices: int) -> dict[str, Any]:
    """Losses of five epochs of a single batch."""
    recipe = replace(recipe, epochs=5, batch=8)
    keras.utils.set_random_seed(recipe.seed)
    with on_devices(recipe, devices):
        model = build_network(recipe, keras)
        log = run_epochs(
            model, recipe, TrainingBatches(drawn_images(8), recipe), lambda model: {"nothing": 0.0},
            Run(folder), [], watch="nothing", progress=False,
        )  # fmt: skip
        return {"devices": devices_of(model), "losses": [row["loss"] for row in log]}


def interrupted(recipe: Recipe, data: Path, folder: Path, devices: int) -> Weights:
    """Train, stop after two epochs, and go on."""
    checkpoint = Run.checkpoint

    def stop(run: Run, model: Any, log: Sequence[Row]) -> None:
        checkpoint(run, model, log)
        if len(log) == 2:
            raise KeyboardInterrupt

    with patch.object(Run, "checkpoint", stop), suppress(KeyboardInterrupt):
        fit(recipe, data, folder, devices=devices, progress=False)
    return load_weights(fit(recipe, data, folder, devices=devices, resume=True, progress=False))


def apart(left: Weights, right: Weights) -> float:
    """Largest difference of a weight."""
    return max(float(np.abs(left.tensors[k] - right.tensors[k]).max()) for k in left.tensors)


def main() -> None:
    """Print what was seen as JSON."""
    split_processor()
    recipe = recipe_from(json.loads(sys.argv[1]))
    data, out = Path(sys.argv[2]), Path(sys.argv[3])
    still = replace(recipe, network=replace(recipe.network, dropout=0.0))
    # Each replica of TensorFlow draws its own dropout; JAX draws one for the whole batch.
    fitted = recipe if keras.backend.backend() == "jax" else still
    one = load_weights(fit(fitted, data, out / "fit-1", progress=False))
    two = interrupted(fitted, data, out / "fit-2", 2)
    found = {
        "made_by": two.facts["made_by"],
        "one": five_steps(still, out / "five-1", 1),
        "two": five_steps(still, out / "five-2", 2),
        "apart": apart(one, two),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
