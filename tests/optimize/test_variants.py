"""A variant's size is that of its file and network; what cannot be compared is refused at once."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace

import keras
import pytest

from edge.errors import ArtifactRefused, DataRefused
from optimize.artifact import Samples
from optimize.tflite import convert
from optimize.variants import Variant, check_variants, measure_size
from train.network import NetworkConfig, build
from train.weights import Weights


@pytest.fixture(scope="module")
def fp32(tiny_weights: Weights) -> Variant:
    return Variant("fp32", tiny_weights, convert(tiny_weights))


@pytest.fixture(scope="module")
def int8(tiny_weights: Weights, tiny_samples: Samples) -> Variant:
    return Variant("int8", tiny_weights, convert(tiny_weights, tiny_samples.calibration))


def test_size_is_that_of_file_and_network(fp32: Variant, int8: Variant) -> None:
    float_size, int8_size = measure_size(fp32), measure_size(int8)
    assert float_size["bytes"] == len(fp32.content) != int8_size["bytes"]
    assert float_size["sha256"] == hashlib.sha256(fp32.content).hexdigest()
    assert float_size["compressed_bytes"] == len(gzip.compress(fp32.content, 9))
    network = build(fp32.weights.recipe.network, keras)
    assert float_size["parameters"] == network.count_params() == int8_size["parameters"]
    assert float_size["multiplications"] == int8_size["multiplications"]
    assert (int8_size["partitions"], int8_size["left_behind"]) == (1, [])
    assert float_size["input_size"] == 32
    assert "dilated residual network" in float_size["network"]


def test_a_wider_network_multiplies_more(
    fp32: Variant, make_weights: Callable[..., Weights]
) -> None:
    config = replace(fp32.weights.recipe.network, width=8)
    wide = make_weights(config, 5)
    assert (
        measure_size(Variant("wide", wide, fp32.content))["multiplications"]
        > 2 * measure_size(fp32)["multiplications"]
    )


def test_what_can_be_compared_passes(fp32: Variant, int8: Variant) -> None:
    check_variants([fp32, int8])


def refusal_of(*variants: Variant) -> str:
    with pytest.raises((DataRefused, ArtifactRefused)) as refusal:
        check_variants(variants)
    return refusal.value.code


def test_what_cannot_be_compared_is_refused(
    fp32: Variant, untrained_weights: Weights, make_weights: Callable[..., Weights]
) -> None:
    config = NetworkConfig(
        width=1, depths=(1,), strides=(1,), dilations=(1,), input_size=24, dense=2
    )
    assert refusal_of(fp32, replace(fp32)) == "same_name"
    assert refusal_of(Variant("other", make_weights(config, 1), fp32.content)) == "other_network"
    assert refusal_of(Variant("new", untrained_weights, fp32.content)) == "untrained_weights"
    assert refusal_of(replace(fp32, content=b"nothing")) == "model_unusable"
