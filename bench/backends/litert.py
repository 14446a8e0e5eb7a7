"""LiteRT: as the kiosk runs it, with the XNNPACK delegate, or on LiteRT's own kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.backends.base import Image, ModelFile, Predict, version_of
from edge.errors import ArtifactRefused
from edge.runtime import Model, Prediction


@dataclass(frozen=True)
class LiteRTBackend:
    """A LiteRT file.

    Attributes:
        network: whose file it is.
        precision: ``"fp32"`` or ``"int8"``.
        file: the file.
        input_size: side of its input, in pixels.
        xnnpack: run it by the delegate, as the kiosk does.
    """

    network: str
    precision: str
    file: ModelFile
    input_size: int
    xnnpack: bool = True

    @property
    def name(self) -> str:
        """As it stands in the table."""
        plain = "" if self.xnnpack else " without XNNPACK"
        return f"{self.network}, LiteRT {self.precision}{plain}"

    @property
    def runtime(self) -> str:
        """``"litert"``, or ``"litert-plain"`` without the delegate."""
        return "litert" if self.xnnpack else "litert-plain"

    @property
    def version(self) -> str:
        """Of the interpreter."""
        return version_of("ai-edge-litert", "tflite-runtime")

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return self.file.size_bytes

    @property
    def sha256(self) -> str:
        """Of the file."""
        return self.file.sha256

    def load(self, threads: int) -> Predict:
        """Load the file into an interpreter.

        Raises:
            ArtifactRefused: ``file_missing``, ``hash_mismatch`` or ``model_unusable``.
        """
        content = self.file.read()
        return Model(content, threads).predict if self.xnnpack else _plain(content, threads)


def _plain(content: bytes, threads: int) -> Predict:
    """What `edge.runtime.Model` does, on an interpreter without default delegates."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        interpreter: Any = Interpreter(
            model_content=content,
            num_threads=threads,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
        source = interpreter.get_input_details()[0]["index"]
        outputs = interpreter.get_signature_runner("serving_default").get_output_details()
    except (ValueError, RuntimeError, KeyError, IndexError) as error:
        raise ArtifactRefused("model_unusable", f"The model cannot be loaded: {error}") from error
    margin, attention = outputs["margin"]["index"], outputs["attention"]["index"]

    def predict(image: Image) -> Prediction:
        interpreter.set_tensor(source, image[np.newaxis])
        interpreter.invoke()
        value = float(interpreter.get_tensor(margin).ravel()[0])
        return Prediction(value, interpreter.get_tensor(attention)[0, :, :, 0])

    return predict
