"""The converter's float graph on its way to int8: its tensors, ranges, kernels and biases.

The converter takes int8 ranges as a float LiteRT file whose tensors carry a lowest and a highest
value. Its own are the widest that it saw; here others can be put in their place, and a bias too,
before it goes on.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python.convert import mlir_quantize
from tensorflow.lite.tools import flatbuffer_utils

Floats = npt.NDArray[np.float32]

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


@dataclass(frozen=True)
class Convolution:
    """One convolution of a graph.

    Attributes:
        place: among the operators.
        source: index of the tensor that it reads.
        output: index of the tensor that it gives.
        kernel: (out, height, width, in), or (1, height, width, channels) of a depthwise one.
        depthwise: whether it filters each channel by itself.
        strides: (height, width).
        dilations: (height, width).
        padding: ``"SAME"`` or ``"VALID"``.
    """

    place: int
    source: int
    output: int
    kernel: Floats
    depthwise: bool
    strides: tuple[int, int]
    dilations: tuple[int, int]
    padding: str


class FloatGraph:
    """A float LiteRT file with ranges, to be changed and quantized."""

    def __init__(self, content: bytes) -> None:
        """Take the graph apart.

        Args:
            content: from `optimize.tflite.convert_with_ranges`.
        """
        self._model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
        self._graph = self._model.subgraphs[0]
        self._names = [self._name_of(operator) for operator in self._graph.operators]

    @property
    def activations(self) -> list[int]:
        """Indices of the tensors that int8 needs a range for."""
        found = []
        for index, tensor in enumerate(self._graph.tensors):
            noted = tensor.quantization
            if noted is not None and noted.min is not None and len(noted.min) == 1:
                found.append(index)
        return found

    @property
    def entry(self) -> int:
        """Index of the tensor that takes the image."""
        return int(self._graph.inputs[0])

    @property
    def stem(self) -> list[str]:
        """Names of the first convolution and of what comes before it."""
        first = next(i for i, name in enumerate(self._names) if name in CONVOLUTIONS)
        return [self.name(int(o.outputs[0])) for o in self._graph.operators[: first + 1]]

    @property
    def margin(self) -> list[str]:
        """Names of the convolution that gives the margin and of what only shapes it."""
        places = {int(o.outputs[0]): place for place, o in enumerate(self._graph.operators)}
        # The other output is a map.
        tensor = next(int(o) for o in self._graph.outputs if len(self._graph.tensors[o].shape) == 2)
        found = [self.name(tensor)]
        while self._names[places[tensor]] not in CONVOLUTIONS:
            tensor = int(self._graph.operators[places[tensor]].inputs[0])
            found.append(self.name(tensor))
        return found

    def set_range(self, tensor: int, low: float, high: float) -> None:
        """Let int8 spread its values from ``low`` to ``high``."""
        noted = self._graph.tensors[tensor].quantization
        noted.min, noted.max = [low], [high]

    def name(self, tensor: int) -> str:
        """Name of a tensor."""
        return str(self._graph.tensors[tensor].name.decode())

    def layers(self, tensor: int) -> list[str]:
        """Names of the Keras layers that were fused to give a tensor, the last of them first."""
        parts = [path.split("/") for path in self.name(tensor).split(";")]
        return [names[1] for names in parts if len(names) > 2]

    @property
    def convolutions(self) -> list[Convolution]:
        """All of them, in their order."""
        return [
            self._convolution(place)
            for place, name in enumerate(self._names)
            if name in CONVOLUTIONS
        ]

    def shift_bias(self, convolution: Convolution, shift: Floats) -> None:
        """Add (out,) to a bias."""
        operator = self._graph.operators[convolution.place]
        old = int(operator.inputs[2])
        # Convolutions of equal biases share one tensor.
        tensor = copy.copy(self._graph.tensors[old])
        buffer = copy.copy(self._model.buffers[tensor.buffer])
        changed = (self._constant(old) + shift).astype(np.float32)
        buffer.data = np.frombuffer(changed.tobytes(), np.uint8)
        tensor.buffer = len(self._model.buffers)
        self._model.buffers.append(buffer)
        operator.inputs[2] = len(self._graph.tensors)
        self._graph.tensors.append(tensor)

    def quantize(self, in_float: list[str]) -> bytes:
        """Convert to int8, weights per channel.

        Args:
            in_float: names of operators' outputs that stay float32.
        """
        content = bytes(flatbuffer_utils.convert_object_to_bytearray(self._model))
        return bytes(mlir_quantize(content, denylisted_nodes=in_float))

    def _convolution(self, place: int) -> Convolution:
        operator = self._graph.operators[place]
        options = operator.builtinOptions
        return Convolution(
            place,
            int(operator.inputs[0]),
            int(operator.outputs[0]),
            self._constant(operator.inputs[1]),
            self._names[place] != "CONV_2D",
            (options.strideH, options.strideW),
            (options.dilationHFactor, options.dilationWFactor),
            ("SAME", "VALID")[options.padding],
        )

    def _name_of(self, operator: Any) -> str:
        return str(flatbuffer_utils.opcode_to_name(self._model, operator.opcodeIndex))

    def _constant(self, tensor: int) -> Floats:
        held = self._graph.tensors[tensor]
        data = bytes(self._model.buffers[held.buffer].data)
        return np.frombuffer(data, np.float32).reshape(held.shape)
