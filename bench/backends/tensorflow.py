"""The full network on TensorFlow: as a notebook would call it, and compiled to a graph."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.backends.base import NO_MAP, Image, NotAvailable, Predict, version_of
from bench.backends.full import FULL, FULL_NAME, full_model
from edge.runtime import Prediction


@dataclass(frozen=True)
class KerasBackend:
    """The full network by ``model.predict`` or as a ``tf.function``; it gives no attention map.

    The time does not depend on what the weights are, so without a file they are random.

    Attributes:
        weights: of the full network.
        compiled: as a ``tf.function`` with a fixed shape.
        sha256: of the weights.
    """

    weights: Path | None = None
    compiled: bool = False
    sha256: str | None = None
    network: str = FULL_NAME
    size_bytes: int | None = None
    input_size: int = FULL.input_size

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return f"{self.network}, {self.runtime if self.compiled else 'keras predict'}"

    @property
    def runtime(self) -> str:
        """``"keras"`` or ``"tf.function"``."""
        return "tf.function" if self.compiled else "keras"

    @property
    def version(self) -> str:
        """Of Keras and TensorFlow."""
        return f"{version_of('keras')}, {version_of('tensorflow')}"

    def load(self, threads: int) -> Predict:
        """Build the network with so many threads inside an operation.

        Raises:
            NotAvailable: TensorFlow or Keras is not installed.
        """
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        try:
            import keras
            import tensorflow as tf
        except ImportError as error:
            raise NotAvailable("not_available", f"{error}.") from error
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        model = full_model(self.weights, keras)
        return _compiled(model, tf) if self.compiled else _by_predict(model)


def _by_predict(model: Any) -> Predict:
    def predict(image: Image) -> Prediction:
        return _prediction(model.predict(image[None], verbose=0))

    return predict


def _compiled(model: Any, tf: Any) -> Predict:
    shape = tf.TensorSpec((1, FULL.input_size, FULL.input_size, FULL.channels), tf.float32)
    call = tf.function(lambda image: model(image, training=False), input_signature=[shape])
    call.get_concrete_function()

    def predict(image: Image) -> Prediction:
        return _prediction(call(tf.constant(image[None])).numpy())

    return predict


def _prediction(probabilities: Any) -> Prediction:
    """Logit of pneumonia minus logit of normal, from the network's two sigmoids."""
    normal, pneumonia = np.clip(probabilities[0, :2].astype(np.float64), 1e-7, 1 - 1e-7)
    margin = np.log(pneumonia / (1 - pneumonia)) - np.log(normal / (1 - normal))
    return Prediction(float(margin), NO_MAP)
