"""What the processor can do at most: a large product of float32 matrices.

The distance of a network from it is the distance to the physical limit, as long as it computes in
float32; int8 instructions do several times as much.
"""

from __future__ import annotations

import os
import time
from importlib.util import find_spec

from optimize.processes import fresh_process

SIDE = 2048


def measure_gemm(threads: int, seconds: float = 1.0) -> dict[str, float]:
    """Floating-point operations a second of a product of square matrices of side `SIDE`.

    Args:
        threads: processor threads.
        seconds: for how long, for each library.

    Returns:
        GFLOP/s by library: numpy's BLAS and, where it is installed, TensorFlow.
    """
    ways = {"numpy": _numpy}
    if find_spec("tensorflow") and find_spec("keras"):
        ways["tensorflow"] = _tensorflow
    found = {}
    for library, way in ways.items():
        with fresh_process() as pool:
            found[library] = pool.submit(way, threads, seconds).result() / 1e9
    return found


def _numpy(threads: int, seconds: float) -> float:
    import numpy as np
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads, "blas"):
        a = np.ones((SIDE, SIDE), np.float32)
        product = a @ a
        count, started = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            np.matmul(a, a, product)
            count += 1
    return 2.0 * SIDE**3 * count / elapsed


def _tensorflow(threads: int, seconds: float) -> float:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from train.throughput import peak_flops

    return peak_flops(seconds)
