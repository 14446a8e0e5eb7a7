"""What it costs that the delegate does not take a LiteRT file as one piece.

What divided a file so far was its attention map. So it is timed against the same graph without.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.tools import flatbuffer_utils

from optimize.delegation import delegation
from optimize.timing import interleave, median_interval

MAP = b"attention"


def cost_of_division(
    content: bytes, *, rounds: int = 200, threads: int = 2, seed: int = 0
) -> dict[str, Any]:
    """Time a file against itself without the attention map, in turn.

    Args:
        content: a file with the outputs ``margin`` and ``attention``.
        rounds: runs of each.
        threads: processor threads that a run may use.
        seed: of the order and the bootstrap.

    Returns:
        ``times_as_long``, the median over rounds with its 95 % bootstrap interval, and
        ``partitions_without_map``. Where the latter is 1, this is the price of the map and of the
        division together; where it is not, what divides the file is not the map, and the price is
        not known.
    """
    bare = without_map(content)
    runs = {name: _run(held, threads) for name, held in (("whole", content), ("bare", bare))}
    times = interleave(runs, rounds, seed=seed)
    value, low, high = median_interval(np.array(times["whole"]) / np.array(times["bare"]), seed)
    return {
        "times_as_long": {"value": value, "low": low, "high": high},
        "partitions_without_map": delegation(bare).partitions,
        "threads": threads,
        "rounds": rounds,
    }


def without_map(content: bytes) -> bytes:
    """A LiteRT file without its output ``attention`` and all that only this output needs."""
    model = flatbuffer_utils.read_model_from_bytearray(content)
    graph = model.subgraphs[0]
    for signature in model.signatureDefs:
        dropped = [output.tensorIndex for output in signature.outputs if output.name == MAP]
        signature.outputs = [output for output in signature.outputs if output.name != MAP]
        graph.outputs = [tensor for tensor in graph.outputs if tensor not in dropped]
    needed = set(graph.outputs)
    kept = []
    for operator in reversed(graph.operators):  # they stand in the order in which they run
        if needed & set(operator.outputs):
            needed |= set(operator.inputs)
            kept.append(operator)
    graph.operators = kept[::-1]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _run(content: bytes, threads: int) -> Any:
    interpreter = Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    (image,) = interpreter.get_input_details()
    values = np.random.default_rng(0).normal(size=image["shape"]).astype(np.float32)
    interpreter.set_tensor(image["index"], values)
    return interpreter.invoke
