"""An exported graph is the network: the same margin and map, in fp32, float16 and by Q/DQ."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from edge.errors import ArtifactRefused, DataRefused, PneumoKioskError
from edge.preprocess import InputContract, preprocess
from optimize.artifact import Samples, draw_samples
from optimize.half_precision import HEAD, to_float16
from optimize.onnx_graph import export_onnx, write_onnx
from optimize.onnx_runner import OnnxModel
from train.attention import attention_maps, head_of
from train.augmentation import Pixels
from train.evaluation import predict_margins
from train.network import NetworkConfig
from train.recipe import Recipe
from train.rivals import build_network
from train.weights import Weights, build_trained, load_weights, weights_of

MakeWeights = Callable[[NetworkConfig, int], Weights]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def inputs(dilated_weights: Weights, films: list[Pixels]) -> list[Any]:
    return [preprocess(image, dilated_weights.recipe.input) for image in films]


@pytest.fixture(scope="module")
def fp32(dilated_weights: Weights) -> bytes:
    return export_onnx(dilated_weights)


@pytest.fixture(scope="module")
def int8(dilated_weights: Weights, inputs: list[Any]) -> bytes:
    return export_onnx(dilated_weights, inputs)


@pytest.fixture(scope="module")
def expected(dilated_weights: Weights, films: list[Pixels]) -> Any:
    """Margins of the Keras network."""
    model = build_trained(dilated_weights, keras)
    return predict_margins(model, films, dilated_weights.recipe.input)


def margins(content: bytes, inputs: list[Any]) -> Any:
    model = OnnxModel(content)
    return np.array([model.predict(image).margin for image in inputs])


def operators(content: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_model_from_string(content).graph.node)


def test_fp32_gives_the_margins_of_the_network(
    fp32: bytes, inputs: list[Any], expected: Any
) -> None:
    assert expected.std() > 0.3  # images that differ
    assert np.abs(margins(fp32, inputs) - expected).max() < 1e-4


def test_attention_is_that_of_the_network(
    dilated_weights: Weights, fp32: bytes, inputs: list[Any]
) -> None:
    network = build_trained(dilated_weights, keras)
    features = keras.Model(network.input, network.get_layer("features").output)
    wanted = attention_maps(head_of(network), features.predict_on_batch(np.stack(inputs)))
    assert (wanted.max(axis=(1, 2)) > 0.01).sum() >= 4
    model = OnnxModel(fp32)
    found = np.stack([model.predict(image).attention for image in inputs])
    assert found.shape == (12, 6, 6) and found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.max())


def assert_exported_rightly(weights: Weights, films: list[Pixels]) -> None:
    images = [preprocess(film, weights.recipe.input) for film in films[:4]]
    network = build_trained(weights, keras)
    logits = keras.Model(network.input, network.get_layer("logits").output)
    wanted = np.diff(logits.predict_on_batch(np.stack(images)))[:, 0]
    np.testing.assert_allclose(margins(export_onnx(weights), images), wanted, atol=1e-4)


@pytest.mark.parametrize("size", [32, 33, 38])
def test_padding_is_right_for_every_size(
    make_weights: MakeWeights, films: list[Pixels], size: int
) -> None:
    """TensorFlow pads a strided convolution by size, and the odd pixel goes behind."""
    config = NetworkConfig(
        width=4, depths=(1, 1), strides=(2, 2), dilations=(1, 2), input_size=size, dense=8
    )
    assert_exported_rightly(make_weights(config, size), films)


def test_a_pruned_network_is_exported(make_weights: MakeWeights, films: list[Pixels]) -> None:
    config = NetworkConfig(
        width=4, depths=(2,), strides=(1,), dilations=(2,), input_size=32, dense=8
    )
    pruned = tuple(channels - 1 for channels in config.groups.values())
    assert_exported_rightly(make_weights(replace(config, pruned=pruned), 5), films)


def test_graph_is_static_and_folded(fp32: bytes) -> None:
    graph = onnx.load_model_from_string(fp32).graph
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    assert shapes == {"image": [1, 45, 45, 1], "margin": [1, 1], "attention": [1, 6, 6, 1]}
    found = operators(fp32)
    assert "BatchNormalization" not in found
    # stem, four stages of three and a projection, two dense layers, and the map's weights
    assert found["Conv"] == 1 + 4 * 4 + 3
    assert found["Add"] == 4


def test_int8_gives_nearly_the_margins_of_the_network(
    int8: bytes, inputs: list[Any], expected: Any
) -> None:
    found = margins(int8, inputs)
    assert np.abs(found - expected).mean() < 0.2
    assert np.corrcoef(found, expected)[0, 1] > 0.97


def test_int8_attention_is_nearly_that_of_fp32(fp32: bytes, int8: bytes, inputs: list[Any]) -> None:
    exact, rounded = OnnxModel(fp32), OnnxModel(int8)
    for image in inputs[:4]:
        left, right = exact.predict(image).attention, rounded.predict(image).attention
        if left.max() > 0.01:
            assert np.abs(left / left.max() - right / left.max()).mean() < 0.15


def test_q_dq_is_as_tensorrt_wants_it(fp32: bytes, int8: bytes) -> None:
    graph = onnx.load_model_from_string(int8).graph
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            zero = constants[node.input[2]]
            assert zero.dtype == np.int8 and not zero.any()
        if node.op_type != "Conv":
            continue
        kernel, source = makers.get(node.input[1]), makers[node.input[0]]
        if node.name.startswith(HEAD):
            assert kernel is None  # a constant in float32
            continue
        assert source.op_type == "DequantizeLinear"
        assert kernel is not None and kernel.op_type == "DequantizeLinear"
        weights, scales = (constants[name] for name in kernel.input[:2])
        assert weights.dtype == np.int8 and weights.min() >= -127
        assert scales.shape == weights.shape[:1]  # one for each output channel
        assert constants[node.input[2]].dtype == np.float32
    # Nothing stands between a convolution and the Relu or Add that it fuses with.
    readers = {node.op_type for node in graph.node if makers_of(node, makers) & {"Conv"}}
    assert not readers & {"QuantizeLinear"}
    assert len(int8) < 0.6 * len(fp32)


def makers_of(node: Any, makers: dict[str, Any]) -> set[str]:
    return {makers[name].op_type for name in node.input if name in makers}


def test_float16_gives_nearly_the_margins_of_the_network(
    fp32: bytes, inputs: list[Any], expected: Any
) -> None:
    model = onnx.load_model_from_string(fp32)
    half = to_float16(model)
    onnx.checker.check_model(half, full_check=True)
    assert model.SerializeToString() == onnx.load_model_from_string(fp32).SerializeToString()
    assert np.abs(margins(half.SerializeToString(), inputs) - expected).max() < 0.02


def test_float16_leaves_the_head_and_both_ends_in_float32(fp32: bytes) -> None:
    half = to_float16(onnx.load_model_from_string(fp32)).graph
    ends = {value.type.tensor_type.elem_type for value in (*half.input, *half.output)}
    assert ends == {TensorProto.FLOAT}
    types = {c.name: c.data_type for c in half.initializer}
    kernels = {node.name: types[node.input[1]] for node in half.node if node.op_type == "Conv"}
    heads = {kind for name, kind in kernels.items() if name.startswith(HEAD)}
    assert heads == {TensorProto.FLOAT}
    rest = {kind for name, kind in kernels.items() if not name.startswith(HEAD)}
    assert rest == {TensorProto.FLOAT16}


def test_another_architecture_is_refused() -> None:
    recipe = Recipe(
        architecture="efficientnet_lite0",
        network=NetworkConfig(input_size=32, dense=8),
        input=InputContract(size=32),
    )
    weights = weights_of(build_network(recipe, keras), recipe)
    with pytest.raises(DataRefused) as refusal:
        export_onnx(weights)
    assert refusal.value.code == "unsupported_layer"


@pytest.mark.parametrize("int8", [False, True])
def test_written_file_says_what_it_was_made_from(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path, int8: bool
) -> None:
    weights = replace(tiny_weights, sha256="ab" * 32)
    out = tmp_path / "new" / "tiny.onnx"
    report = write_onnx(weights, out, tiny_samples, int8=int8)
    assert report["bytes"] == out.stat().st_size
    for figure, allowed in report["allowed"].items():
        assert 0 <= report["difference_from_network"][figure] <= allowed
    model = onnx.load(out)
    said = json.loads({p.key: p.value for p in model.metadata_props}["pneumokiosk"])
    assert said == {k: v for k, v in report.items() if k not in ("bytes", "sha256")}
    assert said["precision"] == ("int8" if int8 else "fp32")
    assert said["weights_sha256"] == "ab" * 32
    assert said["input"] == weights.recipe.input.to_dict()
    assert said["calibration"] == weights.facts["calibration"]
    assert said["conversion_images"] == "drawn" and said["images"] == 16
    assert "onnxruntime" in said["made_by"]["packages"]
    assert OnnxModel(out.read_bytes()).predict(tiny_samples.comparison[0]).attention.shape == (8, 8)


def refusal_of(tmp_path: Path, weights: Weights, samples: Samples, *, int8: bool) -> str:
    """Export where nothing may be left behind."""
    with pytest.raises(PneumoKioskError) as refusal:
        write_onnx(weights, tmp_path / "out.onnx", samples, int8=int8)
    assert list(tmp_path.iterdir()) == []
    return refusal.value.code


def test_weights_that_are_no_numbers_are_refused(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    tensors = {name: value.copy() for name, value in tiny_weights.tensors.items()}
    tensors["logits/kernel"][0, 0] = np.nan
    weights = replace(tiny_weights, tensors=tensors)
    assert refusal_of(tmp_path, weights, tiny_samples, int8=False) == "output_differs"


def test_int8_of_the_wrong_ranges_is_refused(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    faint = replace(tiny_samples, calibration=[0.01 * i for i in tiny_samples.calibration])
    assert refusal_of(tmp_path, tiny_weights, faint, int8=True) == "output_differs"


def test_weights_without_calibration_are_refused(
    untrained_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    refused = refusal_of(tmp_path, untrained_weights, tiny_samples, int8=False)
    assert refused == "untrained_weights"


def test_runner_refuses_what_it_cannot_run(fp32: bytes) -> None:
    renamed = onnx.load_model_from_string(fp32)
    renamed.graph.output[0].name = "attention"
    del renamed.graph.output[1]
    for content in (b"", b"no graph", fp32[:1000], renamed.SerializeToString()):
        with pytest.raises(ArtifactRefused) as refusal:
            OnnxModel(content)
        assert refusal.value.code == "model_unusable"


def test_shipped_weights_on_real_images(tmp_path: Path) -> None:
    folder = os.environ.get("PNEUMOKIOSK_DATA")
    if not folder:
        pytest.skip("PNEUMOKIOSK_DATA names no folder of radiographs")
    weights = load_weights(ROOT / "train" / "weights" / "compact.safetensors")
    samples = draw_samples(weights, Path(folder) / "kermany" / "chest_xray")
    for int8 in (False, True):
        report = write_onnx(weights, tmp_path / "compact.onnx", samples, int8=int8)
        assert report["images"] == 256
