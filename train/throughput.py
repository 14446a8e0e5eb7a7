"""How fast training goes, against what the device could do."""

from __future__ import annotations

import platform
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from train.run import Row

TRAINING_PASSES = 3
"""Forward, and backward by inputs and by weights: each about the forward's operations."""


def multiply_accumulates(model: Any) -> int:
    """Multiplications of the convolutions and dense layers for one image."""
    total = 0
    for layer in model.layers:
        kernels = [np.prod(w.shape) for w in layer.weights if "kernel" in w.name]
        if not kernels:
            continue
        # A depthwise kernel meets each place once and gives all its channels.
        places = np.prod(layer.output.shape[1:-1], initial=1)
        total += int(places * sum(kernels))
    return total


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


def summary(model: Any, log: Sequence[Row]) -> dict[str, Any]:
    """What a training cost, from its log.

    Returns:
        Device, median images a second and seconds an epoch, peak memory, and the share of the
        device's measured matrix-product peak that the network's arithmetic reached.
    """
    rate = statistics.median(row["images_per_second"] for row in log)
    peak = peak_flops()
    flops = 2.0 * TRAINING_PASSES * multiply_accumulates(model)
    return {
        "device": device_name(),
        "machine": platform.machine(),
        "images_per_second": rate,
        "seconds_per_epoch": statistics.median(row["seconds"] for row in log),
        "peak_memory_mib": peak_memory_mib(),
        "flops_per_image": flops,
        "device_peak_flops": peak,
        "share_of_peak": round(rate * flops / peak, 4),
    }


def _wait_for(value: Any) -> None:
    float(ops.convert_to_numpy(value[0, 0]))
