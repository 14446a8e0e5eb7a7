"""A trained network becomes an int8 LiteRT file that stays close to it.

Three things bring it closer than the converter's own calibration does. Ranges are chosen by
`optimize.calibration`. What the rounding of a kernel adds to a convolution on average is taken off
its bias (M. Nagel et al., "Data-free quantization through weight equalization and bias
correction", ICCV 2019; here with the mean that was observed). And both ends stay float32: 256 grey
levels for a standardised film are fewer than the film has, and a network that looks at fine detail
answers to the difference; nor are 256 margins enough.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edge.errors import DataRefused, WorkFailed
from optimize.calibration import RANGES, Observed, Range, observe
from optimize.float_graph import Convolution, FloatGraph
from optimize.tflite import convert_with_ranges
from train.weights import Weights

Floats = npt.NDArray[np.float32]

LARGEST = 127
"""Of the integers that a weight becomes, symmetric about 0."""


@dataclass(frozen=True)
class Int8:
    """How a network is put into int8.

    Attributes:
        ranges: of the activations, a key of `optimize.calibration.RANGES`.
        images: take them from the first so many calibration images; from all of them where None.
        float_ends: keep the first convolution and the last, that of the margin, in float32; else
            all is int8 but the input and the outputs.
    """

    ranges: str = "mse"
    images: int | None = None
    float_ends: bool = True

    def __post_init__(self) -> None:
        if self.ranges not in RANGES:
            raise DataRefused(
                "unknown_calibration",
                f"Ranges are chosen by {', '.join(RANGES)}. Received: {self.ranges}.",
            )


class Int8Converter:
    """Converts one network, as often as asked to."""

    def __init__(
        self, weights: Weights, calibration: Sequence[Floats], learnt: Collection[str] = ()
    ) -> None:
        """Make the float graph.

        Args:
            weights: of the network.
            calibration: preprocessed images of training patients, each (size, size, 1).
            learnt: layers that have learnt with rounded kernels, whose biases stand already.
        """
        self._content = convert_with_ranges(weights, calibration[0])
        self._calibration = calibration
        self._learnt = set(learnt)
        self._observed: dict[int | None, dict[int, Observed]] = {}

    @property
    def graph(self) -> FloatGraph:
        """The float graph, anew each time."""
        return FloatGraph(self._content)

    def ranges(self, settings: Int8) -> dict[int, Range]:
        """A range for each activation of the graph, by the index of its tensor."""
        found = {}
        for tensor, observed in self._look(settings).items():
            low, high = RANGES[settings.ranges](observed)
            found[tensor] = (min(low, 0.0), max(high, 0.0))  # int8 must hold zero
        return found

    def shift(self, convolution: Convolution, settings: Int8) -> Floats:
        """What rounding a kernel adds to the output on average: (out,)."""
        return rounding_shift(convolution, self._look(settings)[convolution.source].mean)

    def convert(self, settings: Int8) -> bytes:
        """Make an int8 file, as `optimize.tflite.convert` gives it.

        Raises:
            WorkFailed: ``output_differs``: the network gives no numbers that it could be close to.
        """
        graph = self.graph
        for tensor, (low, high) in self.ranges(settings).items():
            graph.set_range(tensor, low, high)
        in_float = graph.stem + graph.margin if settings.float_ends else []
        for convolution in graph.convolutions:
            learnt = not self._learnt.isdisjoint(graph.layers(convolution.output))
            if not learnt and graph.name(convolution.output) not in in_float:
                graph.shift_bias(convolution, -self.shift(convolution, settings))
        return graph.quantize(in_float)

    def _look(self, settings: Int8) -> dict[int, Observed]:
        """What the graph's tensors hold for the calibration images; each is looked at once."""
        images = settings.images
        if images not in self._observed:
            graph = self.graph
            sources = (convolution.source for convolution in graph.convolutions)
            tensors = dict.fromkeys([*graph.activations, *sources])
            found = observe(self._content, tensors, self._calibration[:images])
            if not all(np.isfinite(observed.mean).all() for observed in found.values()):
                raise WorkFailed("output_differs", "The network gives no numbers to convert.")
            self._observed[images] = found
        return self._observed[images]


def rounding_shift(convolution: Convolution, mean: Floats) -> Floats:
    """What rounding the kernel to int8 adds to the output on average.

    Args:
        convolution: with its float kernel.
        mean: (1, h, w, in) of its input over many images: a convolution of the mean is the mean of
            the convolutions.

    Returns:
        (out,) mean over the places of the output.
    """
    kernel = convolution.kernel
    difference = (rounded(kernel, convolution.depthwise) - kernel).transpose(1, 2, 3, 0)
    strides = [1, *convolution.strides, 1]
    convolve = tf.nn.depthwise_conv2d if convolution.depthwise else tf.nn.conv2d
    added = convolve(
        mean, difference, strides, convolution.padding, dilations=convolution.dilations
    )
    return np.asarray(np.asarray(added).mean(axis=(0, 1, 2)))


def rounded(kernel: Floats, depthwise: bool = False) -> Floats:
    """A kernel as the converter rounds it, symmetric, with a step for each output channel.

    Args:
        kernel: (out, height, width, in), or (1, height, width, channels) of a depthwise one.
        depthwise: which of both it is.
    """
    others = (0, 1, 2) if depthwise else (1, 2, 3)
    step = np.abs(kernel).max(axis=others, keepdims=True) / LARGEST
    step = np.where(step > 0, step, 1)
    return np.asarray(np.round(kernel / step) * step, np.float32)
