"""Whole channels are taken out of a dilated residual network, to a budget of arithmetic.

Channels that are added to one another go together (`NetworkConfig.groups`), so that what is left
is a smaller network of the same layers, which everything that knows the family can build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edge.errors import DataRefused
from train.network import NetworkConfig, build
from train.throughput import multiply_accumulates_by_layer
from train.weights import Weights

Plan = dict[str, npt.NDArray[np.int64]]
"""Which channels of each group stay, ascending."""
Scores = Mapping[str, npt.NDArray[Any]]
"""How important each channel of each group is, at least 0."""

NORM = ("gamma", "beta", "moving_mean", "moving_variance")


@dataclass(frozen=True)
class Link:
    """A layer with a kernel between two groups of channels.

    Attributes:
        layer: its name.
        reads: the group that it reads; None reads the image.
        gives: the group that it gives; None gives the hidden units.
    """

    layer: str
    reads: str | None
    gives: str | None

    @property
    def norm(self) -> str:
        """Name of the batch normalisation that follows a convolution."""
        return self.layer.replace("_conv", "_bn")


def links(config: NetworkConfig) -> tuple[Link, ...]:
    """Every layer of `train.network.build` that reads or gives a group of channels."""
    reads = "stem"
    found = [Link("stem_conv", None, reads)]
    for stage, depth in enumerate(config.depths, start=1):
        out = f"stage{stage}"
        for block in range(1, depth + 1):
            name = f"{out}_block{block}"
            first, second = f"{name}_1", f"{name}_2"
            if block == 1:
                found.append(Link(f"{name}_0_conv", reads, out))
            found += [
                Link(f"{first}_conv", reads, first),
                Link(f"{second}_conv", first, second),
                Link(f"{name}_3_conv", second, out),
            ]
            reads = out
    return (*found, Link("dense", reads, None))


class Arithmetic:
    """Multiplications for one image as they depend on the channels of each group."""

    def __init__(self, config: NetworkConfig) -> None:
        """Count those of a network and see what each pair of channels takes."""
        counted = multiply_accumulates_by_layer(build(config, keras))
        # Each layer's are its inputs times its outputs times what never changes.
        self._pairs: dict[Link, int] = {}
        for link in links(config):
            ends = _channels(config.groups, link.reads) * _channels(config.groups, link.gives)
            self._pairs[link] = counted.pop(link.layer) // ends
        self._rest = sum(counted.values())

    def total(self, groups: Mapping[str, int]) -> int:
        """Of a network with so many channels in each group."""
        return self._rest + sum(
            pair * _channels(groups, link.reads) * _channels(groups, link.gives)
            for link, pair in self._pairs.items()
        )

    def of_channel(self, groups: Mapping[str, int]) -> dict[str, int]:
        """What one channel of each group takes in such a network."""
        found = dict.fromkeys(groups, 0)
        for link, pair in self._pairs.items():
            for group, other in ((link.reads, link.gives), (link.gives, link.reads)):
                if group is not None:
                    found[group] += pair * _channels(groups, other)
        return found


def plan_channels(weights: Weights, scores: Scores, share: float, multiple: int = 1) -> Plan:
    """Choose the channels that stay, so that a share of the multiplications is left.

    Greedy over all groups: next goes what takes the smallest share of the importance that its group
    still has, for the arithmetic that it saves. Groups are not on one scale, so importance counts
    as a share of its own group; of what is still left, so that no group is emptied for its cost.
    The cost stands for the penalty of Molchanov et al. (ICLR 2017, section 2.4).

    Args:
        weights: of a dilated residual network.
        scores: from `optimize.importance.importance`.
        share: of the multiplications of these weights that may be left, in (0, 1].
        multiple: groups shrink to multiples of this many channels, and none below it.

    Returns:
        A plan that `remove_channels` carries out.

    Raises:
        DataRefused: ``not_prunable``: the weights are of a rival; ``invalid_budget``: ``share`` or
            ``multiple`` is out of range; ``budget_unreachable``: the share is too small.
    """
    config = prunable(weights)
    if not 0.0 < share <= 1.0 or multiple < 1:
        raise DataRefused(
            "invalid_budget",
            "The share that is left must be in (0, 1], channels go in multiples of at least 1. "
            f"Received: {share:g}, {multiple}.",
        )
    arithmetic = Arithmetic(config)
    groups, whole = config.groups, arithmetic.total(config.groups)
    order = {group: np.argsort(-scores[group], kind="stable") for group in groups}
    # held[group][n]: importance of the n best channels
    held = {group: np.cumsum([0.0, *scores[group][best]]) for group, best in order.items()}
    while arithmetic.total(groups) > share * whole:
        cost = arithmetic.of_channel(groups)
        price = {
            group: _share_lost(held[group], n, fewer) / (cost[group] * (n - fewer))
            for group, n in groups.items()
            if (fewer := _fewer(n, multiple))
        }
        if not price:
            raise DataRefused(
                "budget_unreachable",
                f"With {multiple} channel(s) in every group that has more, "
                f"{arithmetic.total(groups) / whole:.1%} of the multiplications are left. "
                f"Asked: {share:.1%}.",
            )
        group = min(price, key=lambda name: price[name])
        groups[group] = _fewer(groups[group], multiple)
    return {group: np.sort(order[group][:n]) for group, n in groups.items()}


def remove_channels(weights: Weights, plan: Plan) -> Weights:
    """Take out every channel that a plan does not keep.

    Where what is taken out was zero for every image, the network computes what it did before.

    Args:
        weights: of a dilated residual network.
        plan: which channels of each group stay.

    Returns:
        Weights of the smaller network, without facts: calibration and thresholds hold no longer.

    Raises:
        DataRefused: ``not_prunable``, as `plan_channels`; ``invalid_plan``: a group is missing, or
            what stays of it is not a choice of its channels.
    """
    config = prunable(weights)
    for group, channels in config.groups.items():
        kept = plan.get(group, np.array([], np.int64))
        known = np.isin(kept, np.arange(channels)).all()
        if not len(kept) or not known or (np.diff(kept) < 1).any():
            raise DataRefused(
                "invalid_plan",
                f"Of {group} stay some of its channels 0 to {channels - 1}, ascending. "
                f"Received: {kept.tolist()}.",
            )
    tensors = dict(weights.tensors)
    for link in links(config):
        kernel = tensors[f"{link.layer}/kernel"]
        if link.reads is not None:
            kernel = kernel[..., plan[link.reads], :]
        if link.gives is not None:
            kernel = kernel[..., plan[link.gives]]
            for variable in NORM:
                name = f"{link.norm}/{variable}"
                tensors[name] = tensors[name][plan[link.gives]]
        tensors[f"{link.layer}/kernel"] = kernel
    network = replace(config, pruned=tuple(len(plan[group]) for group in config.groups))
    return Weights(tensors, replace(weights.recipe, network=network))


def prunable(weights: Weights) -> NetworkConfig:
    """The shape of the network that channels can be taken from.

    Raises:
        DataRefused: ``not_prunable``.
    """
    if weights.recipe.architecture != "dilated":
        raise DataRefused(
            "not_prunable",
            "Channels are taken from the dilated residual network alone. "
            f"Received: {weights.recipe.architecture}.",
        )
    return weights.recipe.network


def _channels(groups: Mapping[str, int], group: str | None) -> int:
    """Of a group; 1 for an end of a link that no plan changes."""
    return 1 if group is None else groups[group]


def _fewer(channels: int, multiple: int) -> int:
    """The next smaller multiple; 0 where there is none."""
    return (channels - 1) // multiple * multiple


def _share_lost(held: npt.NDArray[Any], before: int, after: int) -> float:
    """Of the importance of the best ``before`` channels, where the best ``after`` stay."""
    return float((held[before] - held[after]) / held[before]) if held[before] else 0.0
