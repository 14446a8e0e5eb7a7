"""One way to run one network: a LiteRT file and the weights that it came from."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import keras

from edge.errors import DataRefused
from edge.runtime import Model
from optimize.delegation import delegation
from train.operating import decision_from
from train.rivals import build_network, describe
from train.throughput import multiply_accumulates
from train.weights import Weights


@dataclass(frozen=True)
class Variant:
    """A LiteRT file to compare with others.

    Attributes:
        name: as it stands in the table.
        weights: that it was converted from; their input contract, calibration and threshold are
            the file's too.
        content: bytes of the file.
    """

    name: str
    weights: Weights
    content: bytes

    @cached_property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.content).hexdigest()


def check_variants(variants: Sequence[Variant]) -> None:
    """Refuse at once what could not be compared after hours.

    Raises:
        DataRefused: ``same_name``; ``other_network``: a file takes other images than its weights
            say; ``untrained_weights``.
        ArtifactRefused: ``model_unusable``.
    """
    names = [variant.name for variant in variants]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataRefused("same_name", f"Several variants are named {', '.join(twice)}.")
    for variant in variants:
        decision_from(variant.weights.facts)
        size, found = variant.weights.recipe.input.size, Model(variant.content).input_shape
        if found[1:3] != (size, size):
            raise DataRefused(
                "other_network",
                f"{variant.name} takes images of shape {found}, its weights of side {size}.",
            )


def measure_size(variant: Variant) -> dict[str, Any]:
    """What a variant is and how large, as plain values.

    ``multiplications`` are those of convolutions and dense layers for one image; ``parameters``
    count every value of the weights; ``compressed_bytes`` are those of gzip at its best.
    """
    found = delegation(variant.content)
    recipe = variant.weights.recipe
    return {
        "network": describe(recipe),
        "input_size": recipe.input.size,
        "weights_sha256": variant.weights.sha256,
        "sha256": variant.sha256,
        "multiplications": multiply_accumulates(build_network(recipe, keras)),
        "parameters": sum(int(tensor.size) for tensor in variant.weights.tensors.values()),
        "bytes": len(variant.content),
        "compressed_bytes": len(gzip.compress(variant.content, 9, mtime=0)),
        "partitions": found.partitions,
        "left_behind": [asdict(operation) for operation in found.left_behind],
    }
