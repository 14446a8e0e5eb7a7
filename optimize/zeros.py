"""Zeros among the weights of a network: counted, and held against what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import WorkFailed
from train.weights import Tensors


def require_zeros(tensors: Tensors, layers: Sequence[str], share: float) -> None:
    """Make sure that every kernel holds the zeros that were asked for.

    Args:
        tensors: by ``layer/variable``.
        layers: whose kernels were pruned.
        share: of zeros in each kernel; 0 where two of every four were asked for.

    Raises:
        WorkFailed: ``sparsity_missed``.
    """
    for name in layers:
        kernel = tensors[f"{name}/kernel"]
        if not (holds_share(kernel, share) if share else most_in_four(kernel) <= 2):
            raise WorkFailed("sparsity_missed", f"{name} holds fewer zeros than asked for.")


def holds_share(kernel: npt.NDArray[Any], share: float) -> bool:
    """Whether a share of a kernel is zero, but for one weight by rounding.

    Weights of the very size of the smallest that is kept stay together: they do not count against
    the share, of which they can be a thousandth where weights come from a file of float16.

    Args:
        kernel: of any shape.
        share: in (0, 1).
    """
    kept = np.abs(kernel[kernel != 0])
    alike = int((kept == kept.min()).sum()) if kept.size else 0
    return bool(kernel.size - kept.size + alike >= share * kernel.size)


def most_in_four(kernel: npt.NDArray[Any]) -> int:
    """The most weights that are not zero among four neighbours along the input channels.

    TensorRT's rule for sparse kernels: at most two, for every output channel and every place in the
    window (NVIDIA TensorRT developer guide, "Sparsity").

    Args:
        kernel: (..., inputs, outputs), the inputs a multiple of four.
    """
    fours = np.moveaxis(kernel, -2, -1).reshape(-1, 4)
    return int(np.count_nonzero(fours, axis=1).max())


def count_zeros(tensors: Tensors, layers: Sequence[str]) -> dict[str, Any]:
    """Zeros of each kernel, of the pruned kernels together and of the whole network.

    Args:
        tensors: by ``layer/variable``.
        layers: the pruned ones.

    Returns:
        ``layers``: by layer, and ``pruned_kernels`` and ``network``: each with ``weights`` and
        ``zeros``; a layer also with ``pruned``.
    """
    kernels = {n.removesuffix("/kernel"): v for n, v in tensors.items() if n.endswith("/kernel")}
    return {
        "layers": {n: {**_zeros([v]), "pruned": n in layers} for n, v in kernels.items()},
        "pruned_kernels": _zeros([kernels[name] for name in layers]),
        "network": _zeros(list(tensors.values())),
    }


def _zeros(arrays: Sequence[npt.NDArray[Any]]) -> dict[str, int]:
    weights = sum(array.size for array in arrays)
    return {
        "weights": weights,
        "zeros": weights - sum(int(np.count_nonzero(array)) for array in arrays),
    }
