"""An int8 file stays close to its network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from edge.errors import DataRefused, WorkFailed
from edge.preprocess import preprocess
from edge.runtime import Model
from optimize.artifact import Images, Samples
from optimize.calibration import RANGES
from optimize.comparison import network_margins
from optimize.float_graph import Convolution
from optimize.int8 import Int8, Int8Converter, rounded, rounding_shift
from optimize.tflite import census, convert
from train.augmentation import Pixels
from train.weights import Weights

Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def images(dilated_weights: Weights, films: list[Pixels]) -> Images:
    return [preprocess(film, dilated_weights.recipe.input) for film in films]


@pytest.fixture(scope="module")
def converter(dilated_weights: Weights, images: Images) -> Int8Converter:
    return Int8Converter(dilated_weights, images)


def errors(weights: Weights, content: bytes, images: Images) -> Floats:
    model = Model(content)
    margins = [model.predict(image).margin for image in images]
    return np.asarray(margins - network_margins(weights, images), np.float32)


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("ranges", RANGES)
def test_every_way_stays_close(
    dilated_weights: Weights, converter: Int8Converter, images: Images, ranges: str, ends: bool
) -> None:
    content = converter.convert(Int8(ranges, float_ends=ends))
    found = census(content)
    assert found.forbidden == [] and found.partitions == 1
    assert (found.operations["QUANTIZE"], found.operations["DEQUANTIZE"]) == (1, 2)
    assert np.abs(errors(dilated_weights, content, images)).mean() < 0.15


def test_it_comes_closer_than_the_converter_alone(
    tiny_weights: Weights, tiny_samples: Samples
) -> None:
    images, fresh = tiny_samples.calibration, tiny_samples.comparison
    files = (convert(tiny_weights, images), Int8Converter(tiny_weights, images).convert(Int8()))
    alone, ours = (np.abs(errors(tiny_weights, content, fresh)).mean() for content in files)
    assert ours < 0.9 * alone


def test_ranges_may_come_from_the_first_images_alone(
    tiny_weights: Weights, tiny_samples: Samples
) -> None:
    images = tiny_samples.calibration
    converter = Int8Converter(tiny_weights, [*images, 30 * images[0]])
    wild, usual = (
        np.abs(errors(tiny_weights, converter.convert(settings), tiny_samples.comparison)).mean()
        for settings in (Int8("minmax"), Int8("minmax", len(images)))
    )
    assert usual < 0.5 * wild


@pytest.mark.parametrize(
    ("depthwise", "stride", "dilation"), [(False, 1, 1), (False, 2, 1), (False, 1, 2), (True, 2, 1)]
)
def test_shift_is_what_rounding_adds_on_average(
    depthwise: bool, stride: int, dilation: int
) -> None:
    rng = np.random.default_rng(4)
    inputs = rng.normal(1.0, 1.0, (32, 9, 9, 6)).astype(np.float32)
    shape = (1, 3, 3, 6) if depthwise else (5, 3, 3, 6)
    kernel = rng.normal(size=shape).astype(np.float32)
    convolution = Convolution(
        0, 0, 1, kernel, depthwise, (stride, stride), (dilation, dilation), "SAME"
    )

    def outputs(kernel: Floats) -> Floats:
        convolve = tf.nn.depthwise_conv2d if depthwise else tf.nn.conv2d
        turned = kernel.transpose(1, 2, 3, 0)
        strides = [1, stride, stride, 1]
        return np.asarray(convolve(inputs, turned, strides, "SAME", dilations=[dilation] * 2))

    added = outputs(rounded(kernel, depthwise)) - outputs(kernel)
    found = rounding_shift(convolution, inputs.mean(axis=0, keepdims=True))
    np.testing.assert_allclose(found, added.mean(axis=(0, 1, 2)), atol=1e-5)
    assert np.abs(found).max() > 1e-4


def test_a_kernel_is_rounded_by_output_channel() -> None:
    kernel = np.array([[[[1.27, 0.104]]], [[[0.0, 0.0]]], [[[-127.0, 0.6]]]], np.float32)
    expected = np.array([[[[1.27, 0.1]]], [[[0.0, 0.0]]], [[[-127.0, 1.0]]]], np.float32)
    np.testing.assert_allclose(rounded(kernel), expected, rtol=1e-6)


def test_constant_error_is_taken_off(tiny_weights: Weights, tiny_samples: Samples) -> None:
    """Images of one mean: without its correction, the rounding of kernels moves all margins."""
    images = tiny_samples.calibration
    corrected = Int8Converter(tiny_weights, images)
    graph = corrected.graph
    names = {name for c in graph.convolutions for name in graph.layers(c.output)}
    plain = Int8Converter(tiny_weights, images, learnt=names)
    with_it, without = (
        abs(float(errors(tiny_weights, c.convert(Int8("minmax")), images).mean()))
        for c in (corrected, plain)
    )
    assert with_it < without


def test_unknown_ranges_are_refused() -> None:
    with pytest.raises(DataRefused) as refusal:
        Int8("guess")
    assert refusal.value.code == "unknown_calibration"


def test_a_network_that_gives_no_numbers_is_refused(
    tiny_weights: Weights, tiny_samples: Samples
) -> None:
    tensors = {name: value.copy() for name, value in tiny_weights.tensors.items()}
    tensors["stage1_block1_2_conv/kernel"][0, 0] = np.nan
    converter = Int8Converter(replace(tiny_weights, tensors=tensors), tiny_samples.calibration)
    with pytest.raises(WorkFailed) as refusal:
        converter.convert(Int8())
    assert refusal.value.code == "output_differs"


def test_the_network_itself_stays_as_it_is(tiny_weights: Weights, tiny_samples: Samples) -> None:
    held = replace(tiny_weights, tensors={k: v.copy() for k, v in tiny_weights.tensors.items()})
    first = Int8Converter(tiny_weights, tiny_samples.calibration)
    files = {first.convert(Int8("mse")) for _ in range(2)}
    assert len(files) == 1
    for name, value in held.tensors.items():
        np.testing.assert_array_equal(tiny_weights.tensors[name], value)
