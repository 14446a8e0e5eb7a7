"""An ONNX file becomes margins and attention maps, on ONNX Runtime."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
)

from edge.errors import ArtifactRefused
from edge.runtime import Prediction

Floats = npt.NDArray[np.float32]


class OnnxModel:
    """An ONNX file of `export_onnx` on ONNX Runtime."""

    def __init__(self, content: bytes, threads: int = 2) -> None:
        """Load a file.

        Args:
            content: the bytes of the file.
            threads: processor threads that one prediction may use.

        Raises:
            ArtifactRefused: ``model_unusable``.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented) as error:
            raise ArtifactRefused(
                "model_unusable", f"The ONNX file cannot be loaded: {error}"
            ) from error
        names = [{v.name for v in self._session.get_inputs()}]
        names.append({v.name for v in self._session.get_outputs()})
        if names != [{"image"}, {"margin", "attention"}]:
            raise ArtifactRefused(
                "model_unusable",
                "The ONNX file must have the input image and the outputs margin and attention. "
                f"Received: {names}",
            )

    def predict(self, image: Floats) -> Prediction:
        """Run the network on one preprocessed (size, size, 1) image."""
        margin, attention = self._session.run(["margin", "attention"], {"image": image[None]})
        return Prediction(float(margin[0, 0]), attention[0, :, :, 0])
