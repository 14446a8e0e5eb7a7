"""A file is timed against itself without what divides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from optimize.artifact import Samples
from optimize.delegation import delegation
from optimize.division import cost_of_division, without_map
from optimize.tflite import convert
from train.weights import Weights


class Divided(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """A map whose MINIMUM the int8 delegate does not take, or a whole network so divided."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        self.kernel = tf.constant(rng.normal(size=(3, 3, 1, 4)), tf.float32)
        self.second = tf.constant(rng.normal(size=(3, 3, 4, 1)), tf.float32)

    def by_map(self, image: Any) -> dict[str, Any]:
        features = tf.nn.conv2d(image, self.kernel, 1, "SAME")
        attention = tf.nn.conv2d(tf.minimum(features, 1.0), self.second, 1, "SAME")
        return {"margin": tf.reduce_mean(features, [1, 2], keepdims=True), "attention": attention}

    def by_network(self, image: Any) -> dict[str, Any]:
        features = tf.minimum(tf.nn.conv2d(image, self.kernel, 1, "SAME"), 1.0)
        attention = tf.nn.conv2d(features, self.second, 1, "SAME")
        return {"margin": tf.reduce_mean(features, [1, 2], keepdims=True), "attention": attention}


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    def make(method: str) -> bytes:
        module, folder = Divided(), str(tmp_path_factory.mktemp("saved"))
        signature = [tf.TensorSpec((1, 16, 16, 1), tf.float32, name="image")]
        function = tf.function(getattr(module, method), input_signature=signature)
        signatures = {"serving_default": function.get_concrete_function()}
        tf.saved_model.save(module, folder, signatures=signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        rng = np.random.default_rng(1)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [rng.normal(size=(1, 16, 16, 1)).astype(np.float32)] for _ in range(3)
        )
        return bytes(converter.convert())

    return make


def margin(content: bytes, image: Any) -> Any:
    runner = Interpreter(model_content=content).get_signature_runner("serving_default")
    return runner(image=image)["margin"]


def test_a_network_without_its_map_gives_the_same_margin(
    tiny_weights: Weights, tiny_samples: Samples
) -> None:
    content = convert(tiny_weights, tiny_samples.calibration)
    bare = without_map(content)
    for image in tiny_samples.comparison[:4]:
        np.testing.assert_array_equal(margin(bare, image[None]), margin(content, image[None]))
    signature = Interpreter(model_content=bare).get_signature_list()["serving_default"]
    assert signature["outputs"] == ["margin"]
    names = [[op.name for op in delegation(held).operations] for held in (content, bare)]
    assert names[0].count("CONV_2D") == names[1].count("CONV_2D") + 2  # the map's
    assert names[1].count("DEQUANTIZE") == 1


def test_a_map_that_divides_is_named_as_the_cost(divided: Callable[[str], bytes]) -> None:
    content = divided("by_map")
    assert delegation(content).partitions > 1
    cost = cost_of_division(content, rounds=30, threads=1)
    assert cost["partitions_without_map"] == 1
    found = cost["times_as_long"]
    assert 0 < found["low"] <= found["value"] <= found["high"]
    assert found["value"] > 1
    assert (cost["rounds"], cost["threads"]) == (30, 1)


def test_a_division_elsewhere_is_told_from_that_of_the_map(
    divided: Callable[[str], bytes],
) -> None:
    content = divided("by_network")
    assert cost_of_division(content, rounds=3)["partitions_without_map"] > 1
