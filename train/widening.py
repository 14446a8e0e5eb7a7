"""A narrower network as the beginning of a wider one that computes the same function.

Chen, Goodfellow & Shlens, "Net2Net: accelerating learning via knowledge transfer", ICLR 2016:
channels are repeated, and what reads a repeated channel divides by how often it is repeated.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.errors import DataRefused
from train.weights import Tensors, Weights


def widen(weights: Weights, factor: int, noise: float = 0.0, seed: int = 0) -> Weights:
    """Repeat every channel of the convolutions ``factor`` times.

    Args:
        weights: of a dilated residual network.
        factor: how many times wider, at least 1.
        noise: standard deviation of what is added to the kernels, as a share of each kernel's own,
            so that equal channels may grow apart; 0 leaves the function unchanged.
        seed: of the noise.

    Returns:
        Weights of the network of ``factor`` times the width, for the same outputs and without
        facts: they belong to the narrow one.

    Raises:
        DataRefused: ``not_widened``: the weights are of a rival, or ``factor`` is below 1.
    """
    if weights.recipe.architecture != "dilated" or factor < 1:
        raise DataRefused(
            "not_widened",
            "Only the dilated residual network is widened, by a whole factor of at least 1. "
            f"Received: {weights.recipe.architecture}, {factor}.",
        )
    rng = np.random.default_rng(seed)
    tensors: Tensors = {}
    for name, value in weights.tensors.items():
        layer, variable = name.split("/")
        if layer == "logits" or (layer == "dense" and variable == "bias"):
            wide = value
        elif variable != "kernel":
            wide = np.repeat(value, factor)
        else:
            wide = _widen_kernel(value, factor, reads=layer != "stem_conv", gives=layer != "dense")
            wide = wide + rng.normal(0.0, noise * wide.std(), wide.shape)
        tensors[name] = wide.astype(np.float32)
    narrow = weights.recipe.network
    pruned = tuple(factor * count for count in narrow.pruned)
    network = replace(narrow, width=factor * narrow.width, pruned=pruned)
    return Weights(tensors, replace(weights.recipe, network=network))


def _widen_kernel(kernel: np.ndarray, factor: int, *, reads: bool, gives: bool) -> np.ndarray:
    """(..., inputs, outputs) with both channel axes repeated as asked."""
    wide = np.repeat(kernel, factor, axis=-2) / factor if reads else kernel
    return np.repeat(wide, factor, axis=-1) if gives else wide
