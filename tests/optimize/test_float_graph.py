"""The converter's float graph can be read, changed and quantized."""

from __future__ import annotations

import numpy as np
import pytest

from edge.runtime import Model
from optimize.artifact import Samples
from optimize.delegation import delegation
from optimize.float_graph import FloatGraph
from optimize.tflite import convert_with_ranges
from train.weights import Weights


@pytest.fixture(scope="module")
def content(tiny_weights: Weights, tiny_samples: Samples) -> bytes:
    return convert_with_ranges(tiny_weights, tiny_samples.calibration[0])


def test_convolutions_are_those_of_the_network(content: bytes) -> None:
    graph = FloatGraph(content)
    found = graph.convolutions
    layers = [graph.layers(convolution.output) for convolution in found]
    # the stem, a projection and the three of the only bottleneck; then the head
    assert layers[0] == ["stem_relu", "stem_bn", "stem_conv"]
    assert sorted(names[-1] for names in layers if names) == [
        "stage1_block1_0_conv", "stage1_block1_1_conv", "stage1_block1_2_conv",
        "stage1_block1_3_conv", "stem_conv",
    ]  # fmt: skip
    dilated = next(c for c, names in zip(found, layers, strict=True) if "2_conv" in str(names))
    assert (dilated.dilations, dilated.strides, dilated.padding) == ((2, 2), (1, 1), "SAME")
    assert dilated.kernel.shape == (4, 3, 3, 4) and not dilated.depthwise
    assert found[0].source == graph.entry


def test_both_ends_are_found(content: bytes) -> None:
    graph = FloatGraph(content)
    stem, last = graph.convolutions[0], graph.margin
    assert graph.stem == [graph.name(stem.output)]
    shapes = {op.output: op.shape for op in delegation(content).operations}
    assert [shapes[name] for name in last] == [(1, 1), (1, 1, 1, 1)]


def test_a_shifted_bias_shifts_the_margin(content: bytes, tiny_samples: Samples) -> None:
    graph, image = FloatGraph(content), tiny_samples.comparison[0]
    last = next(c for c in graph.convolutions if graph.name(c.output) == graph.margin[-1])
    every = [graph.name(c.output) for c in graph.convolutions]
    before = Model(graph.quantize(graph.margin)).predict(image)
    graph.shift_bias(last, np.array([0.75], np.float32))
    after = Model(graph.quantize(graph.margin)).predict(image)
    assert after.margin - before.margin == pytest.approx(0.75, abs=1e-4)
    np.testing.assert_array_equal(after.attention, before.attention)
    assert len(every) == len(set(every))


def test_a_range_is_kept_to(content: bytes, tiny_samples: Samples) -> None:
    """All margins end at the range that the margin's tensors are given."""
    graph = FloatGraph(content)
    held = [t for t in graph.activations if graph.name(t) in graph.margin]
    assert len(held) == 2
    for tensor in held:
        graph.set_range(tensor, -0.01, 0.01)
    model = Model(graph.quantize([]))
    margins = [model.predict(image).margin for image in tiny_samples.comparison]
    assert max(map(abs, margins)) < 0.011


def test_what_shall_stay_float_does(content: bytes) -> None:
    graph = FloatGraph(content)
    whole, ends = (graph.quantize(names) for names in ([], graph.stem + graph.margin))
    computing = {"QUANTIZE", "DEQUANTIZE"}
    for quantized, expected in ((whole, set()), (ends, {graph.stem[-1], *graph.margin})):
        in_float = {
            op.output
            for op in delegation(quantized).operations
            if op.type != "int8" and op.name not in computing
        }
        assert in_float == expected
