"""One verified model file becomes margins and attention maps, on LiteRT."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:  # a device whose vendor still ships the package LiteRT grew out of
    from tflite_runtime.interpreter import Interpreter

from edge.errors import ArtifactRefused

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Prediction:
    """What the model says of one image.

    Attributes:
        margin: logit of pneumonia minus logit of normal, before calibration.
        attention: (height, width) float32, at least 0: what the model looked at, not an outline
            of disease (Grad-CAM of the margin; Selvaraju et al., ICCV 2017).
    """

    margin: float
    attention: Floats


class Model:
    """A loaded model; one prediction at a time, from any thread."""

    def __init__(self, content: bytes, threads: int = 2) -> None:
        """Load a verified .tflite file.

        Args:
            content: the bytes of the file.
            threads: processor threads that one prediction may use.

        Raises:
            ArtifactRefused: ``model_unusable``.
        """
        self._lock = threading.Lock()
        try:
            self._interpreter: Any = Interpreter(model_content=content, num_threads=threads)
            self._interpreter.allocate_tensors()
            signature = self._interpreter.get_signature_list()["serving_default"]
            inputs = self._interpreter.get_input_details()
            by_name = self._interpreter.get_signature_runner("serving_default")
            outputs = by_name.get_output_details()
            self._input = inputs[0]["index"]
            self._shape = tuple(int(n) for n in inputs[0]["shape"])
            self._outputs = {name: outputs[name]["index"] for name in ("margin", "attention")}
        except (ValueError, RuntimeError, KeyError, IndexError) as error:
            raise ArtifactRefused(
                "model_unusable", f"The model cannot be loaded: {error}"
            ) from error
        if len(signature["inputs"]) != 1:
            raise ArtifactRefused("model_unusable", "The model needs exactly one input.")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, size, size, 1)."""
        return self._shape

    def predict(self, image: Floats) -> Prediction:
        """Run the model on one preprocessed image.

        Args:
            image: (size, size, 1) float32, as `edge.preprocess.preprocess` returns it.

        Raises:
            ArtifactRefused: ``model_unusable``.
        """
        with self._lock:
            self._interpreter.set_tensor(self._input, image[np.newaxis])
            try:
                self._interpreter.invoke()
            except RuntimeError as error:
                raise ArtifactRefused(
                    "model_unusable", f"The model cannot predict: {error}"
                ) from error
            margin = self._interpreter.get_tensor(self._outputs["margin"])
            attention = self._interpreter.get_tensor(self._outputs["attention"])
        return Prediction(float(margin.ravel()[0]), attention[0, :, :, 0])
