"""What can be timed, behind one small interface."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from platformdirs import user_cache_path

import train
from edge.artifact import load_artifact
from edge.files import write_atomically
from edge.runtime import Model
from optimize.processes import fresh_process
from train.network import NetworkConfig, build
from train.recipe import Recipe
from train.weights import build_trained, load_weights, weights_exist, weights_of

Image = npt.NDArray[np.float32]
Predict = Callable[[Image], float]

FULL = NetworkConfig()
"""The paper's network."""
SHIPPED_FULL = Path(train.__file__).parent / "weights" / "reference.safetensors"


class Backend(Protocol):
    """One way to run one network on one image at a time."""

    @property
    def name(self) -> str:
        """As it stands in the table."""
        ...

    @property
    def version(self) -> str:
        """Of the library that runs it."""
        ...

    @property
    def size_bytes(self) -> int | None:
        """Of the model file; None where there is none."""
        ...

    @property
    def input_size(self) -> int:
        """Side of the square image that it takes, in pixels."""
        ...

    def load(self, threads: int) -> Predict:
        """Load the network; return a function from (size, size, 1) to a number that grows with
        the probability of pneumonia."""
        ...


@dataclass(frozen=True)
class NullBackend:
    """Does nothing: what is timed is the harness itself."""

    name: str = "nothing (harness)"
    version: str = "-"
    size_bytes: int | None = None
    input_size: int = FULL.input_size

    def load(self, threads: int) -> Predict:
        """Load nothing."""
        return lambda image: 0.0


@dataclass(frozen=True)
class KerasBackend:
    """``keras predict`` on the full network, as a notebook would call it.

    The time does not depend on what the weights are, so without a file they are random.
    """

    weights: Path | None = None
    name: str = "full network, keras predict"
    size_bytes: int | None = None
    input_size: int = FULL.input_size

    @property
    def version(self) -> str:
        """Of Keras and TensorFlow."""
        return f"keras {version('keras')}, tensorflow {version('tensorflow')}"

    def load(self, threads: int) -> Predict:
        """Build the network with so many threads inside an operation."""
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        model = full_model(self.weights, keras)

        def predict(image: Image) -> float:
            normal, pneumonia = model.predict(image[None], verbose=0)[0, :2]
            return float(pneumonia - normal)

        return predict


@dataclass(frozen=True)
class LiteRTBackend:
    """A LiteRT file.

    Attributes:
        name: as it stands in the table.
        content: bytes of the file.
        input_size: side of its input, in pixels.
    """

    name: str
    content: bytes
    input_size: int

    @property
    def version(self) -> str:
        """Of the interpreter."""
        return f"ai-edge-litert {version('ai-edge-litert')}"

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return len(self.content)

    def load(self, threads: int) -> Predict:
        """Load the file into an interpreter."""
        model = Model(self.content, threads)
        return lambda image: model.predict(image).margin


def shipped_full() -> Path | None:
    """The trained full network of this repository; None where only the package is installed."""
    return SHIPPED_FULL if weights_exist(SHIPPED_FULL) else None


def full_model(weights: Path | None, keras: Any) -> Any:
    """The full network: trained from a file, or random from seed 0."""
    if weights is not None:
        return build_trained(load_weights(weights), keras)
    keras.utils.set_random_seed(0)
    return build(FULL, keras)


def full_litert(weights: Path | None) -> bytes:
    """The full network as a float32 LiteRT file; converted once a machine, then kept.

    Args:
        weights: trained; None for random ones.
    """
    which = load_weights(weights).sha256[:16] if weights else "random"
    name = f"full-{which}-{version('tensorflow')}.tflite"
    kept = user_cache_path("pneumokiosk") / name
    if not kept.is_file():
        # In a process of its own: TensorFlow takes a number of threads only before its first use.
        with fresh_process() as pool:
            write_atomically(kept, pool.submit(_convert_full, weights).result())
    return kept.read_bytes()


def default_backends(artifact: Path, weights: Path | None) -> list[Backend]:
    """The full network under Keras and under LiteRT, and every variant of an artifact."""
    loaded = load_artifact(artifact)
    backends: list[Backend] = [
        NullBackend(),
        KerasBackend(weights),
        LiteRTBackend("full network, LiteRT fp32", full_litert(weights), FULL.input_size),
    ]
    for variant, content in sorted(loaded.models.items()):
        name = f"{loaded.manifest.name} {variant}, LiteRT"
        backends.append(LiteRTBackend(name, content, loaded.manifest.input.size))
    return backends


def _convert_full(weights: Path | None) -> bytes:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    from optimize.tflite import convert

    if weights is not None:
        return convert(load_weights(weights))
    return convert(weights_of(full_model(None, keras), Recipe(network=FULL)))
