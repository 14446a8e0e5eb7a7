"""The published tensors land in the layers that they were trained for."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tf_keras

from edge.errors import DataRefused
from train import efficientnet
from train.recipe import load_recipe
from train.rivals import build_network, build_rival
from train.weights import build_trained, weights_of


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build_network(load_recipe("lite0-start"), keras)


def test_has_the_published_number_of_weights(network: keras.Model) -> None:
    # 4,694,073 in the published file, less its 1000 ImageNet outputs and 49 batch counters.
    body = [layer for layer in network.layers if layer.name not in ("dense", "logits")]
    held = sum(weight.shape.num_elements() for layer in body for weight in layer.weights)
    assert held == 4_694_073 - (1280 * 1000 + 1000) - 49
    assert network.get_layer("features").output.shape == (None, 6, 6, 1280)


def published_of(network: keras.Model) -> dict[str, np.ndarray]:
    """What PyTorch would hold, with a number of its own in each place, for `network`'s shapes."""
    rng = np.random.default_rng(0)
    kernels = [la for la in network.layers if la.name.endswith("_conv")]
    norms = [la for la in network.layers if la.name.endswith("_bn")]
    names = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    parts = {
        "expand": ("_expand_conv", "_bn0"),
        "depth": ("_depthwise_conv", "_bn1"),
        "project": ("_project_conv", "_bn2"),
    }
    held = {}
    for layer in kernels + norms:
        block, *rest = layer.name.split("_")
        pair = names.get(block) or parts[rest[0]]
        prefix = "" if block in names else f"_blocks.{block.removeprefix('block')}."
        if layer.name.endswith("_conv"):
            h, w, inputs, outputs = layer.weights[0].shape
            depthwise = rest[0] == "depth"
            shape = (inputs, 1, h, w) if depthwise else (outputs, inputs, h, w)
            held[f"{prefix}{pair[0]}.weight"] = rng.normal(size=shape).astype(np.float32)
        else:
            for part in ("weight", "bias", "running_mean", "running_var"):
                value = rng.uniform(0.5, 2.0, layer.weights[0].shape).astype(np.float32)
                held[f"{prefix}{pair[1]}.{part}"] = value
    return held


def test_every_tensor_finds_its_layer(network: keras.Model) -> None:
    published = published_of(network)
    arranged = efficientnet.by_layer(published)
    wanted = {la.name for la in network.layers if la.name.endswith(("_conv", "_bn"))}
    assert arranged.keys() == wanted
    for name, arrays in arranged.items():
        network.get_layer(name).set_weights(arrays)
    kernel = network.get_layer("block5_expand_conv").get_weights()[0]
    assert kernel[0, 0, 3, 7] == published["_blocks.5._expand_conv.weight"][7, 3, 0, 0]
    kernel = network.get_layer("block5_depth_conv").get_weights()[0]
    assert kernel[1, 2, 3, 0] == published["_blocks.5._depthwise_conv.weight"][3, 0, 1, 2]
    gamma, beta, mean, variance = network.get_layer("block5_project_bn").get_weights()
    np.testing.assert_array_equal(mean, published["_blocks.5._bn2.running_mean"])
    np.testing.assert_array_equal(variance, published["_blocks.5._bn2.running_var"])
    np.testing.assert_array_equal(beta, published["_blocks.5._bn2.bias"])
    np.testing.assert_array_equal(gamma, published["_blocks.5._bn2.weight"])


def test_published_file_is_read(network: keras.Model, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch reads the published file")
    published = published_of(network)
    tensors = {name: torch.from_numpy(value) for name, value in published.items()}
    torch.save(tensors, tmp_path / "lite0.pth")
    model = build_rival(load_recipe("lite0-start"), keras, str(tmp_path / "lite0.pth"))
    kernel = model.get_layer("head_conv").get_weights()[0]
    np.testing.assert_array_equal(kernel[0, 0].T, published["_conv_head.weight"][:, :, 0, 0])


@pytest.mark.parametrize("imagenet", ["other.pth", "download"])
def test_other_weights_are_refused(imagenet: str, tmp_path: Path) -> None:
    (tmp_path / "other.pth").write_bytes(b"no weights")
    where = imagenet if imagenet == "download" else str(tmp_path / imagenet)
    with pytest.raises(DataRefused) as refusal:
        build_rival(load_recipe("lite0-start"), keras, where)
    assert refusal.value.code == "imagenet_weights"
    assert "EfficientNet-Lite0" in refusal.value.message


def test_converter_gets_the_same_network() -> None:
    # The converter wants tf-keras, which names depthwise kernels otherwise.
    recipe = load_recipe("lite0-start", ("input.size=64", "network.input_size=64"))
    keras.utils.set_random_seed(3)
    weights = weights_of(build_network(recipe, keras), recipe)
    films = np.random.default_rng(0).normal(size=(2, 64, 64, 1)).astype(np.float32)
    ours, theirs = (
        np.asarray(build_trained(weights, namespace).predict_on_batch(films))
        for namespace in (keras, tf_keras)
    )
    np.testing.assert_allclose(theirs, ours, atol=1e-4)
    assert np.ptp(ours) > 0.01
