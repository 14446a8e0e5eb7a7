"""A network that learns int8 from itself: what it rounds, what it keeps, where it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from edge.errors import DataRefused
from edge.runtime import Model
from optimize.artifact import Samples
from optimize.comparison import network_margins
from optimize.int8 import Int8, Int8Converter, rounded
from optimize.quantization_aware import Rounding, Tuning, learn_int8
from optimize.tflite import census
from train.batches import TrainingBatches
from train.datasets import LabelledImages
from train.network import NetworkConfig
from train.splits import load_training_data
from train.weights import Weights

TUNING = Tuning(epochs=4.0, batch=4)


@pytest.fixture(scope="module")
def films_of_training(tiny_weights: Weights, chest_xray: Path) -> LabelledImages:
    recipe = tiny_weights.recipe
    loaded = load_training_data(chest_xray, recipe.validation_fraction, recipe.split_seed, False)
    return loaded.training


def learnt_by(
    weights: Weights, samples: Samples, films: LabelledImages, settings: Int8, tuning: Tuning
) -> tuple[Weights, bytes]:
    """The weights, and the file that they become."""
    converter = Int8Converter(weights, samples.calibration)
    batches = TrainingBatches(films, tuning.recipe(weights))
    learnt, layers = learn_int8(weights, batches, converter, settings, tuning, progress=False)
    return learnt, Int8Converter(learnt, samples.calibration, layers).convert(settings)


@pytest.mark.parametrize("ends", [True, False])
def test_it_ends_close_to_the_float_network(
    tiny_weights: Weights, tiny_samples: Samples, films_of_training: LabelledImages, ends: bool
) -> None:
    settings = Int8(float_ends=ends)
    learnt, content = learnt_by(tiny_weights, tiny_samples, films_of_training, settings, TUNING)
    model, images = Model(content), tiny_samples.comparison
    margins = np.array([model.predict(image).margin for image in images])
    assert np.abs(margins - network_margins(tiny_weights, images)).mean() < 0.05
    found = census(content)
    assert found.forbidden == [] and found.partitions == 1
    assert found.operations["QUANTIZE"] == 1


def test_kernels_alone_have_learnt(
    tiny_weights: Weights, tiny_samples: Samples, films_of_training: LabelledImages
) -> None:
    learnt, _ = learnt_by(tiny_weights, tiny_samples, films_of_training, Int8(), TUNING)
    assert learnt.tensors.keys() == tiny_weights.tensors.keys()
    assert (learnt.facts, learnt.recipe) == (tiny_weights.facts, tiny_weights.recipe)
    for name, value in learnt.tensors.items():
        layer, variable = name.split("/")
        same = np.array_equal(value, tiny_weights.tensors[name])
        assert value.shape == tiny_weights.tensors[name].shape
        if variable == "kernel":
            assert same == (layer in ("dense", "logits")), name
        elif variable != "beta":  # of which a constant error was taken
            assert same, name


def test_the_same_comes_out_again(
    tiny_weights: Weights, tiny_samples: Samples, films_of_training: LabelledImages
) -> None:
    tuning = replace(TUNING, epochs=0.5)
    first, again = (
        learnt_by(tiny_weights, tiny_samples, films_of_training, Int8(), tuning)[0]
        for _ in range(2)
    )
    for name, value in first.tensors.items():
        np.testing.assert_allclose(value, again.tensors[name], atol=1e-5)


def test_dilated_convolutions_come_out_folded(
    make_weights: Callable[..., Weights], films_of_training: LabelledImages
) -> None:
    config = NetworkConfig(width=4, depths=(1, 1), strides=(1, 1), dilations=(2, 4), input_size=33)
    weights = make_weights(config, 2)
    images = drawn(33)
    _, content = learnt_by(
        weights, Samples(images, images, "drawn"), films_of_training, Int8(), Tuning(0.25, 4)
    )
    found = census(content)
    assert found.forbidden == [] and found.partitions == 1
    # the stem, two bottlenecks with projections, the head's four
    assert found.operations["CONV_2D"] == 1 + 2 * 4 + 4


@pytest.mark.parametrize("kernel", ["kernel", "depthwise_kernel"])
def test_training_rounds_a_kernel_as_the_converter_does(kernel: str) -> None:
    """By output channel; of a depthwise one each channel by itself, however small."""
    depthwise, layers = kernel == "depthwise_kernel", tf_keras.layers
    layer = layers.DepthwiseConv2D(3) if depthwise else layers.Conv2D(5, 3)
    layer.build((None, 8, 8, 4))
    values = np.random.default_rng(0).normal(size=layer.get_weights()[0].shape).astype(np.float32)
    values[:, :, 1] *= 1e-3
    layer.set_weights([values, layer.get_weights()[1]])
    [(variable, quantizer)] = Rounding(kernel).get_weights_and_quantizers(layer)
    ranges = quantizer.build(variable.shape, kernel, layers.Layer())
    found = np.asarray(quantizer(variable, True, ranges))
    converted = rounded(values.transpose(3, 0, 1, 2), depthwise).transpose(1, 2, 3, 0)
    np.testing.assert_allclose(found, converted, atol=1e-6)
    assert np.abs(found - values).max() > 1e-3


def drawn(size: int) -> Any:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(size, size, 1)).astype(np.float32) for _ in range(4)]


@pytest.mark.parametrize("wrong", [{"epochs": 0.0}, {"epochs": float("nan")}, {"batch": 0}])
def test_wrong_tuning_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(DataRefused) as refusal:
        Tuning(**wrong)
    assert refusal.value.code == "invalid_tuning"


def test_too_few_films_are_refused(
    tiny_weights: Weights, tiny_samples: Samples, films_of_training: LabelledImages
) -> None:
    with pytest.raises(DataRefused) as refusal:
        learnt_by(tiny_weights, tiny_samples, films_of_training, Int8(), Tuning(1.0, 1000))
    assert refusal.value.code == "too_few_images"
