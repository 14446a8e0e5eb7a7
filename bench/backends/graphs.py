"""ONNX graphs of `optimize.onnx_graph`, for the runtimes that read them."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import version
from pathlib import Path

import edge
import train
from bench.backends.base import ModelFile, NotAvailable
from bench.backends.full import full_weights
from bench.backends.kept import kept
from edge.errors import DataRefused
from train.weights import load_weights

SHIPPED = Path(train.__file__).parent / "weights"
CALIBRATED_ON = "phantoms"
"""Latency needs no films, and films of patients are not at hand everywhere."""


def weights_by_hash(sha256: str) -> Path:
    """The weights of this repository that an artifact was made from.

    Raises:
        NotAvailable: they are not among them.
    """
    found = _shipped().get(sha256)
    if found is None:
        raise NotAvailable(
            "not_available",
            f"The weights {sha256[:16]} that it was made from are not in train/{SHIPPED.name}/.",
        )
    return found


def onnx_file(weights: Path | None, precision: str) -> ModelFile:
    """A network as an ONNX file; exported once a machine, then kept.

    Args:
        weights: of any network; None for the full network at random weights.
        precision: ``"fp32"``, or ``"int8"`` with ranges from drawn thoraces.

    Raises:
        DataRefused: ``unsupported_layer``.
    """
    which = load_weights(weights).sha256[:16] if weights else "random"
    made_by = f"{version('onnxruntime')}-{edge.__version__}"
    ranges = f"-{CALIBRATED_ON}" if precision == "int8" else ""
    name = f"{which}-{precision}{ranges}-{made_by}.onnx"
    return ModelFile.of(kept(name, _export, weights, precision))


def _export(weights: Path | None, precision: str) -> bytes:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from optimize.artifact import draw_samples
    from optimize.onnx_graph import CALIBRATION_IMAGES, export_onnx

    held = full_weights(weights)
    if precision == "fp32":
        return export_onnx(held)
    return export_onnx(held, draw_samples(held, None).calibration[:CALIBRATION_IMAGES])


@cache
def _shipped() -> dict[str, Path]:
    """Weights files of this repository by their SHA-256; shards count as one."""
    files = SHIPPED.glob("*.safetensors")
    names = {path.name.split("-00")[0].removesuffix(".safetensors") for path in files}
    found = {}
    for name in sorted(names):
        path = SHIPPED / f"{name}.safetensors"
        try:
            found[load_weights(path).sha256] = path
        except DataRefused:  # another kind of file, or shards that are not all there
            continue
    return found
