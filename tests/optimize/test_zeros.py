"""Zeros are counted as TensorRT and the reader count them."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import WorkFailed
from optimize.zeros import count_zeros, holds_share, most_in_four, require_zeros

RNG = np.random.default_rng(7)


def test_fours_run_along_the_input_channels() -> None:
    """Two zeros of every four outputs, or of the window, do not count."""
    kernel = RNG.normal(size=(3, 3, 8, 8))
    assert most_in_four(kernel) == 4
    by_inputs, by_outputs = kernel.copy(), kernel.copy()
    by_inputs[:, :, ::2] = 0
    by_outputs[..., ::2] = 0
    assert (most_in_four(by_inputs), most_in_four(by_outputs)) == (2, 4)
    by_inputs[1, 2, 4, 5] = 1.0
    assert most_in_four(by_inputs) == 3
    assert most_in_four(np.array([[1.0], [0], [0], [2], [0], [3], [4], [0]])) == 2


@pytest.mark.parametrize(("zeros", "holds"), [(800, True), (789, True), (788, False), (900, True)])
def test_a_share_holds_within_a_hundredth_and_one_weight(zeros: int, holds: bool) -> None:
    kernel = 1.0 + RNG.permutation(1000)
    kernel[np.argsort(kernel)[:zeros]] = 0
    assert holds_share(kernel, 0.8) is holds


def test_what_is_missing_is_named() -> None:
    tensors = {"a/kernel": np.zeros((1, 1, 4, 2)), "b/kernel": np.ones((1, 1, 4, 2))}
    require_zeros(tensors, ["a"], 0.9)
    require_zeros(tensors, ["a"], 0.0)
    with pytest.raises(WorkFailed, match="b holds fewer zeros") as failure:
        require_zeros(tensors, ["a", "b"], 0.0)
    assert failure.value.code == "sparsity_missed"


def test_zeros_are_counted_by_layer_and_in_all() -> None:
    tensors = {
        "a/kernel": np.array([[0.0, 1.0], [0.0, 0.0]]),
        "b/kernel": np.array([[0.0, 1.0]]),
        "b/bias": np.zeros(2),
    }
    assert count_zeros(tensors, ["a"]) == {
        "layers": {
            "a": {"weights": 4, "zeros": 3, "pruned": True},
            "b": {"weights": 2, "zeros": 1, "pruned": False},
        },
        "pruned_kernels": {"weights": 4, "zeros": 3},
        "network": {"weights": 8, "zeros": 6},
    }
