"""The full network that everything is compared with: trained where its weights are at hand."""

from __future__ import annotations

import os
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import train
from bench.backends.base import NotAvailable
from bench.backends.kept import cache_path, kept
from train.network import NetworkConfig, build
from train.recipe import Recipe
from train.weights import Weights, build_trained, load_weights, weights_exist, weights_of

FULL = NetworkConfig()
"""The paper's network."""
FULL_NAME = "full network"
SHIPPED_FULL = Path(train.__file__).parent / "weights" / "reference.safetensors"


def shipped_full() -> Path | None:
    """The trained full network of this repository; None where only the package is installed."""
    return SHIPPED_FULL if weights_exist(SHIPPED_FULL) else None


def full_model(weights: Path | None, keras: Any) -> Any:
    """The full network: trained from a file, or random from seed 0."""
    if weights is not None:
        return build_trained(load_weights(weights), keras)
    keras.utils.set_random_seed(0)
    return build(FULL, keras)


def full_weights(weights: Path | None) -> Weights:
    """What `full_model` holds; needs TensorFlow where no file is named."""
    if weights is not None:
        return load_weights(weights)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    return weights_of(full_model(None, keras), Recipe(network=FULL))


def full_litert(weights: Path | None) -> Path:
    """The full network as a float32 LiteRT file; converted once a machine, then kept.

    A device without TensorFlow takes what a workstation has kept, copied to the same place.

    Args:
        weights: trained; None for random ones.

    Raises:
        NotAvailable: there is no TensorFlow, and no file is kept.
    """
    which = load_weights(weights).sha256[:16] if weights else "random"
    if find_spec("tensorflow"):
        return kept(f"full-{which}-{version('tensorflow')}.tflite", _convert_full, weights)
    copied = cache_path(f"full-{which}-*.tflite")
    if found := sorted(copied.parent.glob(copied.name)):
        return found[-1]
    raise NotAvailable(
        "not_available",
        f"TensorFlow, which converts it, is not installed, and there is no {copied}.",
    )


def _convert_full(weights: Path | None) -> bytes:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from optimize.tflite import convert

    return convert(full_weights(weights))
