"""A converted file is the network: the same margin, the Grad-CAM map, and nothing left unfolded."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import train
from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from edge.runtime import Model
from optimize.artifact import Samples
from optimize.tflite import census, convert
from train.augmentation import Pixels
from train.evaluation import predict_margins
from train.weights import Weights, build_trained, load_weights

SHIPPED = Path(train.__file__).parent / "weights"

ROOT = SHIPPED.parents[1]
CONVERT = """
import resource
import sys
from pathlib import Path
from edge.errors import WorkFailed
from optimize.tflite import convert
from train.weights import load_weights

weights = load_weights(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    convert(weights)
except WorkFailed as failure:
    print(failure.code)
"""


@pytest.fixture(scope="module")
def inputs(dilated_weights: Weights, films: list[Pixels]) -> list[Any]:
    return [preprocess(image, dilated_weights.recipe.input) for image in films]


@pytest.fixture(scope="module")
def fp32(dilated_weights: Weights) -> bytes:
    return convert(dilated_weights)


@pytest.fixture(scope="module")
def int8(dilated_weights: Weights, inputs: list[Any]) -> bytes:
    return convert(dilated_weights, inputs)


@pytest.fixture(scope="module")
def expected(dilated_weights: Weights, films: list[Pixels]) -> Any:
    """Margins of the Keras 3 network."""
    model = build_trained(dilated_weights, keras)
    return predict_margins(model, films, dilated_weights.recipe.input)


def margins(content: bytes, inputs: list[Any]) -> Any:
    model = Model(content)
    return np.array([model.predict(image).margin for image in inputs])


def sigmoid(values: Any) -> Any:
    return 1 / (1 + np.exp(-values))


def test_fp32_gives_the_scores_of_the_network(
    fp32: bytes, inputs: list[Any], expected: Any
) -> None:
    found = margins(fp32, inputs)
    assert expected.std() > 0.3  # images that differ
    assert np.abs(sigmoid(found) - sigmoid(expected)).max() < 1e-4
    assert np.abs(found - expected).max() < 1e-3


def test_int8_gives_nearly_the_scores_of_the_network(
    int8: bytes, inputs: list[Any], expected: Any
) -> None:
    found = margins(int8, inputs)
    assert np.abs(found - expected).mean() < 0.2
    assert np.corrcoef(found, expected)[0, 1] > 0.97


def test_int8_is_smaller(fp32: bytes, int8: bytes) -> None:
    assert len(int8) < 0.8 * len(fp32)


def test_dilation_and_batch_norm_are_folded(
    dilated_weights: Weights, fp32: bytes, int8: bytes
) -> None:
    assert set(dilated_weights.recipe.network.dilations) == {1, 2, 4}
    for content in (fp32, int8):
        found = census(content)
        assert found.forbidden == []
        # stem, four stages of three and a projection, two dense layers, the map's weights and sum
        assert found.operations["CONV_2D"] == 1 + 4 * 4 + 4
        # the four shortcuts; batch normalisation would add one for each convolution
        assert found.operations["ADD"] <= 4 + 1


def test_every_file_is_one_piece_for_the_delegate(fp32: bytes, int8: bytes) -> None:
    for content in (fp32, int8):
        found = census(content)
        assert found.partitions == 1
        assert found.left_behind == ()


@pytest.mark.parametrize("scale", [0.1, 100.0])
def test_int8_stays_one_piece_whatever_range_the_hidden_units_have(
    tiny_weights: Weights, tiny_samples: Samples, scale: float
) -> None:
    tensors = dict(tiny_weights.tensors)
    for name in ("dense/kernel", "dense/bias"):
        tensors[name] = scale * tensors[name]
    content = convert(replace(tiny_weights, tensors=tensors), tiny_samples.calibration)
    assert census(content).partitions == 1
    maps = [Model(content).predict(image).attention for image in tiny_samples.comparison]
    assert max(found.max() for found in maps) > 0


def test_another_architecture_is_one_piece_too() -> None:
    # Trained: an untrained one gives int8 ranges so small that the delegate refuses the file, and
    # where it refuses one it frees a table twice and takes the process with it.
    trained = load_weights(SHIPPED / "lite0.safetensors")
    contract = replace(trained.recipe.input, size=64)
    network = replace(trained.recipe.network, input_size=64)
    weights = replace(trained, recipe=replace(trained.recipe, input=contract, network=network))
    films = [preprocess(draw_phantom(seed, 96, seed), contract) for seed in range(3)]
    assert census(convert(weights, films)).partitions == 1


def test_no_room_for_the_converter_is_told(weights_file: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CONVERT, str(weights_file)],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout == "conversion_failed\n", done.stderr
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_int8_computes_in_integers(int8: bytes) -> None:
    operations = census(int8).operations
    assert operations["QUANTIZE"] == 1
    assert operations["DEQUANTIZE"] == 2


def grad_cam(model: Any, image: Any) -> Any:
    """Grad-CAM of the margin by automatic differentiation (Selvaraju et al., ICCV 2017)."""
    outputs = [model.get_layer(name).output for name in ("features", "logits")]
    network = tf_keras.Model(model.input, outputs)

    @tf.function  # type: ignore[untyped-decorator]
    def attention(batch: Any) -> Any:
        with tf.GradientTape() as tape:
            features, logits = network(batch, training=False)
            margin = logits[0, 1] - logits[0, 0]
        weights = tf.reduce_mean(tape.gradient(margin, features), axis=(1, 2), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(features * weights, axis=-1))[0]

    return attention(tf.constant(image[None])).numpy()


def test_attention_is_grad_cam(dilated_weights: Weights, fp32: bytes, inputs: list[Any]) -> None:
    network = build_trained(dilated_weights, tf_keras)
    converted = Model(fp32)
    compared = 0
    for image in inputs:
        wanted = grad_cam(network, image)
        found = converted.predict(image).attention
        assert found.shape == wanted.shape == (6, 6)
        assert found.min() >= 0
        if wanted.max() > 1e-6:  # a map is defined up to a positive factor
            compared += 1
            np.testing.assert_allclose(found / found.max(), wanted / wanted.max(), atol=1e-3)
        else:
            assert found.max() < 1e-4
    assert compared >= 4


def test_attention_follows_the_active_hidden_units(
    dilated_weights: Weights, inputs: list[Any]
) -> None:
    """Some hidden units rest for some images, or the comparison above would be too easy."""
    network = build_trained(dilated_weights, tf_keras)
    hidden = tf_keras.Model(network.input, network.get_layer("dense").output)
    active = hidden.predict_on_batch(np.stack(inputs)) > 0
    assert 0.1 < active.mean() < 0.9


def test_int8_attention_is_nearly_that_of_fp32(fp32: bytes, int8: bytes, inputs: list[Any]) -> None:
    exact, rounded = Model(fp32), Model(int8)
    for image in inputs[:4]:
        left, right = exact.predict(image).attention, rounded.predict(image).attention
        if left.max() > 0.01:
            assert np.abs(left / left.max() - right / left.max()).mean() < 0.15


class Dilated(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """One dilated convolution as Keras writes it, and one that keeps its kernel in a variable."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        self.kernel = tf.constant(rng.normal(size=(3, 3, 4, 4)), tf.float32)
        self.changing = tf.Variable(self.kernel)

    def dilated(self, image: Any) -> Any:
        return tf.nn.convolution(image, self.kernel, 1, "SAME", dilations=2)

    def variable(self, image: Any) -> Any:
        return tf.nn.conv2d(image, self.changing.assign_add(0 * self.kernel), 1, "SAME")


def converted_naively(module: Dilated, name: str, batch: int | None, in_int8: bool) -> bytes:
    signature = [tf.TensorSpec((batch, 19, 19, 4), tf.float32)]
    function = tf.function(getattr(module, name), input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], module
    )
    if in_int8:
        rng = np.random.default_rng(1)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [rng.normal(size=(1, 19, 19, 4)).astype(np.float32)] for _ in range(3)
        )
    return bytes(converter.convert())


@pytest.mark.parametrize("in_int8", [False, True])
def test_census_catches_dilation_that_was_not_folded(in_int8: bool) -> None:
    free_batch = converted_naively(Dilated(), "dilated", None, in_int8)
    assert census(free_batch).forbidden == ["BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND"]
    one = converted_naively(Dilated(), "dilated", 1, in_int8)
    assert census(one).forbidden == []


def test_census_catches_variables() -> None:
    found = census(converted_naively(Dilated(), "variable", 1, False)).forbidden
    assert "READ_VARIABLE" in found and "VAR_HANDLE" in found
