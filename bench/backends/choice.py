"""Which backends a run measures, and which cannot be had here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from bench.backends.base import Backend, Missing, ModelFile
from bench.backends.full import FULL, FULL_NAME, full_litert
from bench.backends.graphs import onnx_file, weights_by_hash
from bench.backends.litert import LiteRTBackend
from bench.backends.null import NullBackend
from bench.backends.onnx import OnnxBackend, OpenVinoBackend
from bench.backends.tensorflow import KerasBackend
from bench.backends.tensorrt import TensorRTBackend
from edge.artifact import Artifact
from edge.errors import PneumoKioskError
from train.weights import load_weights

RUNTIMES = (
    "null", "keras", "tf.function", "litert", "litert-plain", "onnxruntime", "openvino", "tensorrt",
)  # fmt: skip
"""Every way to run a network that is known here; ``litert-plain`` is without XNNPACK."""
REFERENCE = f"{FULL_NAME}, LiteRT fp32"
"""What every other backend is compared with."""
KERAS = f"{FULL_NAME}, keras predict"

GraphBackend = type[OnnxBackend] | type[TensorRTBackend]

_PACKAGES = {
    "keras": "keras", "tf.function": "tensorflow", "onnxruntime": "onnxruntime",
    "openvino": "openvino", "tensorrt": "tensorrt",
}  # fmt: skip
_OF_GRAPHS: dict[str, tuple[str, GraphBackend, tuple[str, ...]]] = {
    "onnxruntime": ("ONNX Runtime", OnnxBackend, ("fp32", "int8")),
    "openvino": ("OpenVINO", OpenVinoBackend, ("fp32", "int8")),
    "tensorrt": ("TensorRT", TensorRTBackend, ("fp32", "fp16", "int8")),
}


@dataclass(frozen=True)
class Chosen:
    """What can run here, and what cannot."""

    backends: list[Backend]
    missing: list[Missing]


def choose_backends(
    artifacts: Sequence[Artifact],
    weights: Path | None,
    runtimes: Sequence[str] = RUNTIMES,
) -> Chosen:
    """The full network and every variant of every artifact, on every runtime that is here.

    The full network on LiteRT in float32, with which all are compared, is always among them.

    Args:
        artifacts: verified; of different names.
        weights: of the full network; None for random ones.
        runtimes: of `RUNTIMES`.
    """
    chosen = Chosen([], [])
    here = []
    for runtime in runtimes:
        if why := _absent(runtime):
            chosen.missing.append(Missing(runtime, why))
        else:
            here.append(runtime)
    makers = chain(_full(weights, here), *(_artifact(each, here) for each in artifacts))
    for name, make in makers:
        try:
            chosen.backends.append(make())
        # What a converter in another process raises is its own; it becomes the row's reason.
        except (PneumoKioskError, ImportError, RuntimeError, ValueError, OSError) as error:
            chosen.missing.append(Missing(name, _reason(error)))
    return chosen


Makers = Iterator[tuple[str, Callable[[], Backend]]]


def _full(weights: Path | None, runtimes: Sequence[str]) -> Makers:
    def litert(xnnpack: bool) -> Backend:
        file = ModelFile.of(full_litert(weights))
        return LiteRTBackend(FULL_NAME, "fp32", file, FULL.input_size, xnnpack)

    def keras(compiled: bool) -> Backend:
        return KerasBackend(weights, compiled, load_weights(weights).sha256 if weights else None)

    if "null" in runtimes:
        yield NullBackend.name, NullBackend
    if "keras" in runtimes:
        yield KERAS, partial(keras, False)
    if "tf.function" in runtimes:
        yield f"{FULL_NAME}, tf.function", partial(keras, True)
    yield REFERENCE, partial(litert, True)
    if "litert-plain" in runtimes:
        yield f"{REFERENCE} without XNNPACK", partial(litert, False)
    yield from _graphs(FULL_NAME, FULL.input_size, lambda: weights, runtimes)


def _artifact(artifact: Artifact, runtimes: Sequence[str]) -> Makers:
    manifest = artifact.manifest
    for variant, name in sorted(manifest.variants.items()):
        record = manifest.files[name]
        file = ModelFile(artifact.folder / name, record.sha256, record.bytes)
        for runtime in ("litert", "litert-plain"):
            if runtime in runtimes:
                args = (manifest.name, variant, file, manifest.input.size, runtime == "litert")
                yield f"{manifest.name}, {runtime} {variant}", partial(LiteRTBackend, *args)
    made_from = str(manifest.made_from.get("weights_sha256"))
    weights = partial(weights_by_hash, made_from)
    yield from _graphs(manifest.name, manifest.input.size, weights, runtimes)


def _graphs(
    network: str, size: int, weights: Callable[[], Path | None], runtimes: Sequence[str]
) -> Makers:
    def graph(kind: GraphBackend, precision: str) -> Backend:
        # TensorRT casts a float32 graph to fp16 itself.
        stored = "int8" if precision == "int8" else "fp32"
        return kind(network, precision, onnx_file(weights(), stored), size)

    for runtime, (label, kind, precisions) in _OF_GRAPHS.items():
        for precision in precisions if runtime in runtimes else ():
            yield f"{network}, {label} {precision}", partial(graph, kind, precision)


def _absent(runtime: str) -> str | None:
    package = _PACKAGES.get(runtime)
    if package is None or find_spec(package):
        return None
    return f"The Python package {package} is not installed."


def _reason(error: Exception) -> str:
    if isinstance(error, BrokenProcessPool):
        return "The process that converts it died."
    return str(error) or type(error).__name__
