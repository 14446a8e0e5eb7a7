"""Zeros among the weights of a network: counted, and held against what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import WorkFailed
from train.weights import Tensors

TOLERANCE = 0.01
"""Weights of equal size are kept together or not at all, and weights that come from float16, or
have made one step of Adam, are often equal: 0.0004 of a kernel was missed so."""


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
    """Whether a share of a kernel is zero, within `TOLERANCE` and one weight.

    Args:
        kernel: of any shape.
        share: in (0, 1).
    """
    found = kernel.size - np.count_nonzero(kernel)
    return bool(found >= (share - TOLERANCE) * kernel.size - 1)


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
