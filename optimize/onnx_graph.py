"""A trained network becomes an ONNX graph that gives a margin and an attention map.

The graph is written layer by layer: Keras' own export leaves the attention map out, and tf2onnx
turns the constants of `optimize.tflite.InferenceTwin` into inputs that a caller would have to feed.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

import edge
from edge.errors import DataRefused
from optimize.artifact import Samples
from optimize.comparison import TOLERANCES, compare
from optimize.files import write_result
from optimize.half_precision import HEAD
from optimize.onnx_runner import OnnxModel
from train.attention import head_of
from train.provenance import describe_environment
from train.weights import Weights, build_trained

Floats = npt.NDArray[np.float32]
Images = Sequence[Floats]

OPSET, IR_VERSION = 17, 8
"""Old enough for every TensorRT 10, new enough for Q/DQ per channel."""
CALIBRATION_IMAGES = 16
"""Ranges by percentile of more images came no closer to the network."""


def export_onnx(weights: Weights, calibration: Images | None = None) -> bytes:
    """Write a trained network as an ONNX file, batch normalisation folded, for one image.

    The int8 graph is one that TensorRT fuses: int8 weights per output channel, activations
    symmetric about 0 and quantized where a convolution reads them, biases and head in float32.

    Args:
        weights: of a network from `train.network.build`, pruned or not.
        calibration: preprocessed images, each (size, size, 1), to take the ranges of int8
            activations from; None writes float32.

    Returns:
        The file. Input ``image`` (1, size, size, channels); outputs ``margin`` (1, 1) and
        ``attention`` (1, h, w, 1), at least 0; all float32, with the meaning that
        `edge.runtime.Prediction` gives them.

    Raises:
        DataRefused: ``unsupported_layer``: the network is not of this family.
    """
    model = build_trained(weights, keras)
    graph = _Graph()
    _add_head(graph, _add_features(graph, model), model)
    written = _to_model(graph, model)
    if calibration is not None:
        written = _quantize(written, calibration)
    onnx.checker.check_model(written, full_check=True)
    return bytes(written.SerializeToString())


def write_onnx(weights: Weights, out: Path, samples: Samples, *, int8: bool) -> dict[str, Any]:
    """Export, compare with the Keras network on ONNX Runtime, and only then write.

    Args:
        weights: trained; with their calibration.
        out: the file to write.
        samples: from `optimize.artifact.draw_samples`.
        int8: quantize, with ranges from ``samples.calibration``.

    Returns:
        What came out, as plain values; all but size and hash stands in the file as well, as JSON
        under its metadata key ``pneumokiosk``.

    Raises:
        DataRefused: ``unsupported_layer``, or ``untrained_weights`` without a calibration.
        WorkFailed: ``output_differs`` or ``cannot_write``.
    """
    precision = "int8" if int8 else "fp32"
    content = export_onnx(weights, samples.calibration[:CALIBRATION_IMAGES] if int8 else None)
    found = compare(weights, {precision: OnnxModel(content).predict}, samples.comparison)
    report = {
        "precision": precision,
        "input": weights.recipe.input.to_dict(),
        "calibration": weights.facts["calibration"],
        "weights_sha256": weights.sha256,
        "conversion_images": samples.source,
        "images": len(samples.comparison),
        "difference_from_network": found[precision],
        "allowed": TOLERANCES[precision],
        "made_by": describe_environment(("keras", "tensorflow", "numpy", "onnx", "onnxruntime")),
    }
    model = onnx.load_model_from_string(content)
    helper.set_model_props(model, {"pneumokiosk": json.dumps(report)})
    content = model.SerializeToString()
    write_result(out, content)
    digest = hashlib.sha256(content).hexdigest()
    return {**report, "bytes": len(content), "sha256": digest}


class _Graph:
    """Nodes and constants of a graph that grows; a node's one output has the node's name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}

    def add(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        self.constants[name] = values
        return name

    def convolve(self, name: str, x: str, kernel: Floats, bias: Floats, **attributes: Any) -> str:
        """A convolution; its kernel is (out, in, height, width)."""
        weights = self.constant(f"{name}/kernel", kernel)
        return self.add("Conv", name, x, weights, self.constant(f"{name}/bias", bias), **attributes)


def _add_features(graph: _Graph, model: Any) -> str:
    """Write every layer up to ``features``, channels first as ONNX wants them."""
    names: dict[int, str] = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            name = graph.add("Transpose", "channels_first", "image", perm=[0, 3, 1, 2])
        else:
            inputs = [names[id(tensor)] for tensor in keras.tree.flatten(layer.input)]
            name = _add_layer(graph, layer, inputs)
        names[id(layer.output)] = name
        if layer.name == "features":
            break
    return name


def _add_layer(graph: _Graph, layer: Any, inputs: list[str]) -> str:
    layers = keras.layers
    if isinstance(layer, layers.Conv2D) and layer.activation.__name__ == "linear":
        return _add_convolution(graph, layer, inputs[0])
    if isinstance(layer, layers.BatchNormalization) and inputs[0] + "/kernel" in graph.constants:
        return _fold(graph, layer, inputs[0])
    if isinstance(layer, layers.MaxPooling2D):
        window = {"kernel_shape": layer.pool_size, "strides": layer.strides}
        pads = _pads(layer, layer.pool_size, (1, 1))
        return graph.add("MaxPool", layer.name, *inputs, pads=pads, **window)
    if isinstance(layer, layers.Add):
        return graph.add("Add", layer.name, *inputs)
    if isinstance(layer, layers.Activation) and layer.activation.__name__ == "relu":
        return graph.add("Relu", layer.name, *inputs)
    if isinstance(layer, layers.Activation) and layer.activation.__name__ == "linear":
        return inputs[0]
    raise DataRefused(
        "unsupported_layer",
        "Only the layers of the dilated residual network can be written as ONNX. "
        f"Received: {layer.name}, {type(layer).__name__}",
    )


def _add_convolution(graph: _Graph, layer: Any, x: str) -> str:
    kernel, *bias = layer.get_weights()
    return graph.convolve(
        layer.name,
        x,
        kernel.transpose(3, 2, 0, 1),
        bias[0] if bias else np.zeros(layer.filters, np.float32),
        strides=layer.strides,
        dilations=layer.dilation_rate,
        group=layer.groups,
        pads=_pads(layer, layer.kernel_size, layer.dilation_rate),
    )


def _pads(layer: Any, window: tuple[int, int], dilation: tuple[int, int]) -> list[int]:
    """Explicit padding, first of all axes before and then behind; the odd pixel goes behind."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    totals = []
    for size, length, stride, step in zip(
        layer.input.shape[1:3], window, layer.strides, dilation, strict=True
    ):
        reach = (-(-size // stride) - 1) * stride + (length - 1) * step + 1
        totals.append(max(reach - size, 0))
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]


def _fold(graph: _Graph, layer: Any, convolution: str) -> str:
    """Fold a batch normalisation into the convolution before it."""
    gamma, beta, mean, variance = (value.astype(np.float64) for value in layer.get_weights())
    scale = gamma / np.sqrt(variance + layer.epsilon)
    kernel, bias = (graph.constants[f"{convolution}/{part}"] for part in ("kernel", "bias"))
    folded = kernel * scale[:, None, None, None]
    graph.constant(f"{convolution}/kernel", folded.astype(np.float32))
    graph.constant(f"{convolution}/bias", ((bias - mean) * scale + beta).astype(np.float32))
    return convolution


def _add_head(graph: _Graph, features: str, model: Any) -> None:
    """Write what follows the features: the margin, and the map of `train.attention`."""
    head = head_of(model)
    points = (..., None, None)  # dense layers become convolutions of 1x1
    pooled = graph.add("GlobalAveragePool", f"{HEAD}pool", features)
    hidden = graph.convolve(f"{HEAD}dense", pooled, head.hidden.T[points], head.hidden_bias)
    hidden = graph.add("Relu", f"{HEAD}hidden", hidden)
    offset = np.array([head.offset], np.float32)
    margin = graph.convolve(f"{HEAD}margin", hidden, head.direction[None][points], offset)
    shape = graph.constant(f"{HEAD}shape", np.array([1, 1], np.int64))
    graph.add("Reshape", "margin", margin, shape)
    mask = graph.add("Sign", f"{HEAD}mask", hidden)
    back = (head.hidden * head.direction)[points]
    nothing = np.zeros(len(back), np.float32)
    weights = graph.convolve(f"{HEAD}weights", mask, back, nothing)
    weighted = graph.add("Mul", f"{HEAD}weighted", features, weights)
    axes = graph.constant(f"{HEAD}axes", np.array([1], np.int64))
    total = graph.add("ReduceSum", f"{HEAD}total", weighted, axes, keepdims=1)
    positive = graph.add("Relu", f"{HEAD}positive", total)
    graph.add("Transpose", "attention", positive, perm=[0, 2, 3, 1])


def _to_model(graph: _Graph, model: Any) -> Any:
    height, width = model.get_layer("features").output.shape[1:3]
    shapes = {
        "image": (1, *model.input.shape[1:]),
        "margin": (1, 1),
        "attention": (1, height, width, 1),
    }
    image, *outputs = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    )
    constants = [
        numpy_helper.from_array(np.ascontiguousarray(values), name)
        for name, values in graph.constants.items()
    ]
    return helper.make_model(
        helper.make_graph(graph.nodes, model.name, [image], outputs, constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pneumokiosk",
        producer_version=edge.__version__,
    )


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime has no types
    """Hands calibration images to ONNX Runtime, one at a time."""

    def __init__(self, images: Images) -> None:
        self._images: Iterator[Floats] = iter(images)

    def get_next(self) -> dict[str, Floats] | None:
        """The next input by name; None after the last."""
        image = next(self._images, None)
        return None if image is None else {"image": image[None]}


def _quantize(model: Any, calibration: Images) -> Any:
    options = {
        "ActivationSymmetric": True,  # TensorRT takes no zero point but 0
        "QuantizeBias": False,  # nor a bias of int32
        "OpTypesToExcludeOutputQuantization": ["Conv"],  # so that Conv, Add and Relu fuse
    }
    # ONNX Runtime prints what it is doing to where a command's JSON goes.
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        steps = ("plain", "prepared", "quantized")
        plain, prepared, quantized = (f"{folder}/{step}.onnx" for step in steps)
        onnx.save(model, plain)
        quant_pre_process(plain, prepared, skip_optimization=True, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            quantized,
            _Reader(calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[n.name for n in model.graph.node if n.name.startswith(HEAD)],
            # The widest range costs more: with 16 images a mean difference of score of 0.0090 on
            # validation patients, percentiles 0.0056.
            calibrate_method=CalibrationMethod.Percentile,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            extra_options=options,
        )
        return onnx.load(quantized)
