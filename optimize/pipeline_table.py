"""The comparison that ends a pipeline: every LiteRT file of its steps against one network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.artifact import load_artifact
from optimize.stage import ARTIFACT
from optimize.table import compare_variants
from optimize.variants import Variant
from train.weights import load_weights


@dataclass(frozen=True)
class Built:
    """What a step built for LiteRT.

    Attributes:
        name: of the step.
        weights: that it started from.
        output: a LiteRT file, or an artifact's folder.
    """

    name: str
    weights: Path
    output: Path

    def variants(self) -> Iterable[Variant]:
        """Every LiteRT file of it."""
        weights = load_weights(self.weights)
        if self.output.name != ARTIFACT:
            yield Variant(self.name, weights, self.output.read_bytes())
            return
        for kind, content in load_artifact(self.output).models.items():
            yield Variant(f"{self.name} {kind}", weights, content)


def write_table(
    against: Path, built: Sequence[Built], data: Path, split: str, out: Path
) -> dict[str, Any]:
    """Write the table of `optimize.table.compare_variants`.

    Args:
        against: weights of the network that all others are compared with.
        built: what to compare.
        data: a ``chest_xray`` folder as published.
        split: ``"validation"`` or ``"test"``.
        out: folder of the table.

    Returns:
        How many files were compared.
    """
    variants = [variant for each in built for variant in each.variants()]
    table = compare_variants(load_weights(against), variants, data, split, out)
    return {"variants": len(table["variants"])}
