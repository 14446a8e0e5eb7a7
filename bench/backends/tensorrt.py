"""TensorRT, where an NVIDIA GPU and its libraries are."""

from __future__ import annotations

from dataclasses import dataclass

from bench.backends.base import ModelFile, Predict, version_of
from bench.backends.kept import cache_path


@dataclass(frozen=True)
class TensorRTBackend:
    """An engine that is built from an ONNX file once a machine, then kept.

    Attributes:
        network: whose graph it is.
        precision: ``"fp32"``, ``"fp16"`` or ``"int8"``.
        file: the ONNX file.
        input_size: side of its input, in pixels.
    """

    network: str
    precision: str
    file: ModelFile
    input_size: int
    runtime: str = "tensorrt"

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return f"{self.network}, TensorRT {self.precision}"

    @property
    def version(self) -> str:
        """Of TensorRT."""
        return version_of("tensorrt")

    @property
    def size_bytes(self) -> int:
        """Of the ONNX file."""
        return self.file.size_bytes

    @property
    def sha256(self) -> str:
        """Of the ONNX file."""
        return self.file.sha256

    def load(self, threads: int) -> Predict:
        """Build the engine where it is not kept, and load it; threads mean nothing to a GPU.

        Raises:
            ArtifactRefused, WorkFailed: as `optimize.tensorrt_engine.build_engine` and
                `optimize.tensorrt_runner.EngineModel`.
        """
        from optimize.tensorrt_engine import EngineSettings, build_engine, load_tensorrt
        from optimize.tensorrt_runner import EngineModel

        tensorrt = load_tensorrt().__version__
        path = cache_path(f"{self.sha256[:16]}-{self.precision}-{tensorrt}.engine")
        if not path.is_file():
            build_engine(self.file.path, path, EngineSettings(precision=self.precision))
        return EngineModel(path, self.file.path).predict
