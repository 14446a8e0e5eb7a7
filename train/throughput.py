"""How fast training goes, against what the device could do."""

from __future__ import annotations

import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from edge.errors import DataRefused
from edge.phantom import draw_phantom
from train.batches import Batch, TrainingBatches
from train.datasets import WORKING_SIDE, LabelledImages, Sample
from train.devices import feed, on_devices, share_statistics
from train.loop import compile_model
from train.recipe import Recipe
from train.rivals import build_network
from train.run import Row

TRAINING_PASSES = 3
"""Forward, and backward by inputs and by weights: each about the forward's operations."""


def multiply_accumulates(model: Any) -> int:
    """Multiplications of the convolutions and dense layers for one image."""
    return sum(multiply_accumulates_by_layer(model).values())


def multiply_accumulates_by_layer(model: Any) -> dict[str, int]:
    """Multiplications of each convolution and dense layer for one image, by the layer's name."""
    found = {}
    for layer in model.layers:
        kernels = [np.prod(w.shape) for w in layer.weights if "kernel" in w.name]
        if not kernels:
            continue
        # A depthwise kernel meets each place once and gives all its channels.
        places = np.prod(layer.output.shape[1:-1], initial=1)
        found[layer.name] = int(places * sum(kernels))
    return found


def peak_flops(seconds: float = 1.0) -> float:
    """Floating-point operations a second of a large matrix product, in the compute precision.

    Args:
        seconds: how long to measure, after a first product that compiles.
    """
    on_processor = device_name() == "processor"
    side = 2048 if on_processor else 8192
    a = ops.cast(np.ones((side, side), np.float32), keras.config.dtype_policy().compute_dtype)
    product = ops.matmul(a, a)
    _wait_for(product)
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for _ in range(1 if on_processor else 20):
            product = ops.matmul(a, a)
            count += 1
        _wait_for(product)
    return 2.0 * side**3 * count / (time.perf_counter() - started)


def device_name() -> str:
    """``"processor"``, or what the backend says of the accelerator."""
    if keras.backend.backend() == "jax":
        import jax

        device = jax.devices()[0]
        return "processor" if device.platform == "cpu" else str(device.device_kind)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_physical_devices("GPU")
        if found:
            details = tf.config.experimental.get_device_details(found[0])
            return str(details.get("device_name", "accelerator"))
    return "processor"


def peak_memory_mib() -> dict[str, float]:
    """Largest memory used so far by this process and, where the backend says so, its device."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    memory = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}
    if keras.backend.backend() == "jax":
        import jax

        statistics_ = jax.devices()[0].memory_stats() or {}
        if "peak_bytes_in_use" in statistics_:
            memory["device"] = statistics_["peak_bytes_in_use"] / 2**20
    elif device_name() != "processor":
        import tensorflow as tf

        memory["device"] = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
    return {name: round(value, 1) for name, value in memory.items()}


def summary(model: Any, log: Sequence[Row], devices: int = 1) -> dict[str, Any]:
    """What a training on some devices cost, from its log.

    Returns:
        As `cost`, with the median images a second and seconds an epoch.
    """
    rate = statistics.median(row["images_per_second"] for row in log)
    seconds = statistics.median(row["seconds"] for row in log)
    return {**cost(model, rate, devices), "seconds_per_epoch": seconds}


def cost(model: Any, images_per_second: float, devices: int = 1) -> dict[str, Any]:
    """What training a model at some speed takes of the devices.

    Returns:
        Device, speed, peak memory, and the share of the devices' measured matrix-product peak
        that the network's arithmetic reached.
    """
    peak = peak_flops()
    flops = 2.0 * TRAINING_PASSES * multiply_accumulates(model)
    return {
        "device": device_name(),
        "devices": devices,
        "machine": platform.machine(),
        "images_per_second": images_per_second,
        "peak_memory_mib": peak_memory_mib(),
        "flops_per_image": flops,
        "device_peak_flops": peak,
        "share_of_peak": round(images_per_second * flops / (devices * peak), 4),
    }


def compare_input(
    recipe: Recipe,
    images: LabelledImages,
    *,
    steps: int = 10,
    rounds: int = 5,
    devices: int = 1,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Time training steps on one batch held in memory and on batches made as training makes them.

    Both go through Keras' own loop, in turn, so that whatever else the machine does meets both.

    Args:
        recipe: of the network, the batch, the augmentation and the precision.
        images: to make batches of.
        steps: timed in each round.
        rounds: of each kind of input, after one that warms up.
        devices: how many share each batch.
        say: receives a sentence for each round.

    Returns:
        As `cost`, at the speed of real input, with ``"synthetic"`` and ``"real"``: median seconds
        a step over the rounds, and images a second; and ``"ratio"``, real over synthetic seconds.

    Raises:
        DataRefused: ``too_few_images``, or as `train.devices.on_devices`.
    """
    keras.utils.set_random_seed(recipe.seed)
    batches = TrainingBatches(images, recipe)
    if not len(batches):
        raise DataRefused("too_few_images", f"The images do not fill a batch of {recipe.batch}.")
    inputs = {
        "synthetic": _Steps([batches[0]], steps + 1, workers=1),
        "real": _Steps(batches, steps + 1, batches.workers),
    }
    seconds: dict[str, list[float]] = {name: [] for name in inputs}
    with on_devices(recipe, devices):
        model = build_network(recipe, keras)
        share_statistics(model)
        compile_model(model, recipe, steps)
        for turn in range(rounds + 1):
            for name, source in inputs.items():
                clock = _Clock()
                model.fit(feed(source), callbacks=[clock], verbose=0, shuffle=False)
                if turn:
                    seconds[name].append(clock.seconds_per_step())
                    say(f"round {turn} of {rounds}, {name} input: {seconds[name][-1]:.4f} s a step")
        median = {name: statistics.median(values) for name, values in seconds.items()}
        return {
            **cost(model, recipe.batch / median["real"], devices),
            "backend": keras.backend.backend(),
            "precision": recipe.precision,
            "batch": recipe.batch,
            "steps": steps,
            "rounds": rounds,
            **{
                name: {"seconds_per_step": value, "images_per_second": recipe.batch / value}
                for name, value in median.items()
            },
            "ratio": median["real"] / median["synthetic"],
        }


def drawn_images(count: int) -> LabelledImages:
    """Drawn thoraces of the working size, every other one with opacities."""
    samples = [Sample(Path(f"{n}.png"), n % 2, str(n), "drawn") for n in range(count)]
    pixels = [draw_phantom(n, WORKING_SIDE, 3 * (n % 2)) for n in range(count)]
    return LabelledImages(tuple(samples), np.stack(pixels))


class _Steps(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """So many steps of batches, from the first one again where they end."""

    def __init__(self, batches: Sequence[Batch] | TrainingBatches, steps: int, workers: int):
        super().__init__(workers=workers, max_queue_size=4 * workers)
        self._batches, self._steps = batches, steps

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Batch:
        return self._batches[step % len(self._batches)]


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Notes when each step of training is done."""

    def __init__(self) -> None:
        super().__init__()
        self._done: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        float((logs or {})["loss"])  # waits for the device
        self._done.append(time.perf_counter())

    def seconds_per_step(self) -> float:
        """Mean over all steps but the first, which waits for the loop to start.

        The mean, not the median: input made by several threads comes in bursts.
        """
        return (self._done[-1] - self._done[0]) / (len(self._done) - 1)


def _wait_for(value: Any) -> None:
    float(ops.convert_to_numpy(ops.cast(value[0, 0], "float32")))  # numpy has no bfloat16
