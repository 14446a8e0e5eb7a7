"""ONNX graphs on ONNX Runtime and on OpenVINO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.backends.base import Image, ModelFile, NotAvailable, Predict, version_of
from edge.runtime import Prediction


@dataclass(frozen=True)
class OnnxBackend:
    """An ONNX file on ONNX Runtime.

    Attributes:
        network: whose file it is.
        precision: ``"fp32"`` or ``"int8"``.
        file: as `bench.backends.graphs.onnx_file` gives it.
        input_size: side of its input, in pixels.
    """

    network: str
    precision: str
    file: ModelFile
    input_size: int
    runtime: str = "onnxruntime"

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return f"{self.network}, ONNX Runtime {self.precision}"

    @property
    def version(self) -> str:
        """Of ONNX Runtime."""
        return version_of("onnxruntime")

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return self.file.size_bytes

    @property
    def sha256(self) -> str:
        """Of the file."""
        return self.file.sha256

    def load(self, threads: int) -> Predict:
        """Start a session.

        Raises:
            NotAvailable: ONNX Runtime is not installed.
            ArtifactRefused: ``file_missing``, ``hash_mismatch`` or ``model_unusable``.
        """
        try:
            from optimize.onnx_runner import OnnxModel
        except ImportError as error:
            raise NotAvailable("not_available", f"{error}.") from error
        return OnnxModel(self.file.read(), threads).predict


@dataclass(frozen=True)
class OpenVinoBackend(OnnxBackend):
    """An ONNX file on OpenVINO, on the processor."""

    runtime: str = "openvino"

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return f"{self.network}, OpenVINO {self.precision}"

    @property
    def version(self) -> str:
        """Of OpenVINO."""
        return version_of("openvino")

    def load(self, threads: int) -> Predict:
        """Compile the graph for one image at a time.

        Raises:
            NotAvailable: OpenVINO is not installed.
            ArtifactRefused: ``file_missing`` or ``hash_mismatch``.
        """
        try:
            import openvino
        except ImportError as error:
            raise NotAvailable("not_available", f"{error}.") from error
        core = openvino.Core()
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # It would compute in bfloat16 where the processor can: another network than asked for.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        model = core.compile_model(core.read_model(self.file.read()), "CPU", settings)
        request = model.create_infer_request()
        return _predict(request)


def _predict(request: Any) -> Predict:
    def predict(image: Image) -> Prediction:
        request.infer({"image": image[None]})
        margin = float(request.get_tensor("margin").data[0, 0])
        return Prediction(margin, request.get_tensor("attention").data[0, :, :, 0].copy())

    return predict
