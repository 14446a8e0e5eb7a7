"""The GPU, as far as an engine needs it: its name, the CUDA version, and calls that may fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge.errors import WorkFailed


@dataclass(frozen=True)
class Gpu:
    """What an engine is built for.

    Attributes:
        name: of the first GPU, as its maker writes it.
        cuda: version of the CUDA runtime, such as ``"12.9"``.
    """

    name: str
    cuda: str


def cuda_runtime() -> Any:
    """The module of CUDA's runtime calls.

    Raises:
        WorkFailed: ``cuda_missing``.
    """
    try:
        from cuda.bindings import runtime
    except ImportError as error:
        raise WorkFailed(
            "cuda_missing",
            f"The Python package cuda-bindings, which drives the GPU, is not installed: {error}.",
        ) from error
    return runtime


def answer(result: tuple[Any, ...]) -> Any:
    """The value that a CUDA call gave beside its error code; None where it gives no value.

    Raises:
        WorkFailed: ``cuda_failed``.
    """
    error, *values = result
    if int(error):
        raise WorkFailed("cuda_failed", f"CUDA refused: {error.name}.")
    return values[0] if values else None


def find_gpu() -> Gpu:
    """The first GPU of this machine.

    Raises:
        WorkFailed: ``cuda_missing``, or ``no_gpu`` where there is none or its driver is missing.
    """
    cuda = cuda_runtime()
    try:
        properties = answer(cuda.cudaGetDeviceProperties(0))
        version = int(answer(cuda.cudaRuntimeGetVersion()))
    except (WorkFailed, RuntimeError) as error:  # older bindings raise where the driver is missing
        raise WorkFailed("no_gpu", f"No NVIDIA GPU can be used here: {error}") from error
    return Gpu(properties.name.decode(), f"{version // 1000}.{version % 1000 // 10}")
