"""A TensorRT engine becomes margins and attention maps, as `edge.runtime.Model` gives them."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import ArtifactRefused, WorkFailed
from edge.runtime import Prediction
from optimize.gpu import answer, cuda_runtime
from optimize.tensorrt_engine import load_tensorrt, made, read_engine

Floats = npt.NDArray[np.float32]


class EngineModel:
    """A loaded engine; one prediction at a time, from any thread.

    It holds memory of the GPU until `close`, or until the end of its ``with`` block.
    """

    def __init__(self, path: Path, graph: Path | None = None) -> None:
        """Load an engine that `optimize.tensorrt_engine.build_engine` wrote.

        Args:
            path: of the engine; its sidecar stands beside it.
            graph: the ONNX file that it must have been built from; None accepts any.

        Raises:
            ArtifactRefused: as `read_engine`, or ``model_unusable``.
            WorkFailed: as `read_engine`, or ``tensorrt_failed`` or ``cuda_failed``.
        """
        plan, sidecar = read_engine(path, graph)
        trt, self._cuda = load_tensorrt(), cuda_runtime()
        logger = trt.Logger(trt.Logger.WARNING)
        runtime = made(lambda: trt.Runtime(logger), "start its runtime")
        # A version-compatible engine brings the code of its own runtime.
        runtime.engine_host_code_allowed = sidecar.version_compatible
        engine = made(lambda: runtime.deserialize_cuda_engine(plan), "load the engine")
        _refuse_other_tensors(trt, engine)
        self._lock = threading.Lock()
        self._resources = ExitStack()
        with self._resources:  # closed where anything below fails
            self._context = made(engine.create_execution_context, "prepare the engine")
            self._stream = answer(self._cuda.cudaStreamCreate())
            self._resources.callback(self._cuda.cudaStreamDestroy, self._stream)
            self._tensors = {
                name: self._allocate(name, tuple(engine.get_tensor_shape(name)))
                for name in ("image", "margin", "attention")
            }
            self._resources = self._resources.pop_all()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, size, size, 1)."""
        return self._tensors["image"][1].shape

    def predict(self, image: Floats) -> Prediction:
        """Run the engine on one preprocessed image, to the end.

        Args:
            image: (size, size, 1) float32, as `edge.preprocess.preprocess` returns it.

        Raises:
            WorkFailed: ``tensorrt_failed`` or ``cuda_failed``.
        """
        kinds = self._cuda.cudaMemcpyKind
        with self._lock:
            self._tensors["image"][1][:] = image
            self._copy("image", kinds.cudaMemcpyHostToDevice)
            if not self._context.execute_async_v3(int(self._stream)):
                raise WorkFailed("tensorrt_failed", "TensorRT could not run the engine.")
            for name in ("margin", "attention"):
                self._copy(name, kinds.cudaMemcpyDeviceToHost)
            answer(self._cuda.cudaStreamSynchronize(self._stream))
            margin, attention = (self._tensors[name][1] for name in ("margin", "attention"))
            return Prediction(float(margin[0, 0]), attention[0, :, :, 0].copy())

    def close(self) -> None:
        """Give the GPU's memory back."""
        self._resources.close()

    def __enter__(self) -> EngineModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _allocate(self, name: str, shape: tuple[int, ...]) -> tuple[int, Floats]:
        """Memory of the GPU for one tensor, known to the context, and its copy on this side."""
        here = np.zeros(shape, np.float32)
        there = int(answer(self._cuda.cudaMalloc(here.nbytes)))
        self._resources.callback(self._cuda.cudaFree, there)
        if not self._context.set_tensor_address(name, there):
            raise WorkFailed("tensorrt_failed", f"TensorRT refused memory for {name}.")
        return there, here

    def _copy(self, name: str, kind: Any) -> None:
        there, here = self._tensors[name]
        pair = (there, here.ctypes.data)
        target, source = pair if name == "image" else pair[::-1]
        answer(self._cuda.cudaMemcpyAsync(target, source, here.nbytes, kind, self._stream))


def _refuse_other_tensors(trt: Any, engine: Any) -> None:
    """An engine of another network, or of other types, would read and write past its memory."""
    modes = trt.TensorIOMode
    wanted = {"image": modes.INPUT, "margin": modes.OUTPUT, "attention": modes.OUTPUT}
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    held = {name: engine.get_tensor_mode(name) for name in names}
    types = {engine.get_tensor_dtype(name) for name in names}
    if held != wanted or types != {trt.DataType.FLOAT}:
        raise ArtifactRefused(
            "model_unusable",
            "The engine must have the input image and the outputs margin and attention, all "
            f"float32. Received: {held}, {types}",
        )
