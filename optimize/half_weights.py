"""A LiteRT file of float32 keeps its large weights in float16: half the size, the same arithmetic.

The delegate widens them to float32 once, when it loads the file. TensorFlow's own converter halves
every constant; but the small ones, biases, depthwise kernels and the head's, are a twentieth of
the bytes and most of the error.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow.lite.python.schema_py_generated import (
    BufferT,
    BuiltinOperator,
    BuiltinOptions,
    DequantizeOptionsT,
    OperatorCodeT,
    OperatorT,
    TensorT,
    TensorType,
)
from tensorflow.lite.tools import flatbuffer_utils

LARGE = 20_000
"""Values of a tensor that is halved, at least."""
FLOAT16_VERSION = 3
"""Of DEQUANTIZE: the first that takes float16."""


def with_half_weights(content: bytes, large: int = LARGE) -> bytes:
    """Store the large weights of a LiteRT file of float32 in float16.

    Args:
        content: the file.
        large: values of a tensor that is halved, at least.

    Returns:
        A file of the same inputs and outputs.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    graph = model.subgraphs[0]
    kernels = [i for i, t in enumerate(graph.tensors) if _is_large(model, t, large)]
    model.operatorCodes.append(
        OperatorCodeT(
            deprecatedBuiltinCode=BuiltinOperator.DEQUANTIZE,
            builtinCode=BuiltinOperator.DEQUANTIZE,
            version=FLOAT16_VERSION,
        )
    )
    code = len(model.operatorCodes) - 1
    widened = [_widened(model, graph, index, code) for index in kernels]
    graph.operators = [*widened, *graph.operators]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _is_large(model: Any, tensor: Any, large: int) -> bool:
    data = model.buffers[tensor.buffer].data
    return tensor.type == TensorType.FLOAT32 and data is not None and len(data) >= 4 * large


def _widened(model: Any, graph: Any, index: int, code: int) -> Any:
    """Put a constant of float16 before a tensor that was one of float32; the operation between."""
    kernel = graph.tensors[index]
    values = np.frombuffer(bytes(model.buffers[kernel.buffer].data), np.float32)
    half = values.astype(np.float16)
    model.buffers.append(BufferT(data=np.frombuffer(half.tobytes(), np.uint8)))
    name = kernel.name if isinstance(kernel.name, bytes) else kernel.name.encode()
    graph.tensors.append(
        TensorT(
            name=name + b"_half",
            shape=kernel.shape,
            type=TensorType.FLOAT16,
            buffer=len(model.buffers) - 1,
        )
    )
    model.buffers[kernel.buffer] = BufferT()
    return OperatorT(
        opcodeIndex=code,
        inputs=[len(graph.tensors) - 1],
        outputs=[index],
        builtinOptionsType=BuiltinOptions.DequantizeOptions,
        builtinOptions=DequantizeOptionsT(),
    )
