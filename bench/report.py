"""What was found as a Markdown table and as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from optimize.files import write_result


def accuracy_table(comparison: dict[str, Any]) -> str:
    """The evaluations of `bench.accuracy.compare_variants` in Markdown."""
    variants = comparison["variants"]
    lines = [
        "| figure | " + " | ".join(variants) + " |",
        "|---|" + "---:|" * len(variants),
    ]
    first = next(iter(variants.values()))
    for figure in first["figures"]:
        cells = []
        for variant in variants.values():
            estimate = variant["figures"][figure]
            cells.append(
                f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"
            )
        lines.append(f"| {figure.replace('_', ' ')} | " + " | ".join(cells) + " |")
    lines.append(f"\nOutcome changed by the variant: {len(comparison['changed'])} files.")
    return "\n".join(lines)


def write_run(folder: Path, name: str, result: dict[str, Any]) -> None:
    """Write a result as ``name.json``.

    Raises:
        WorkFailed: ``cannot_write``.
    """
    write_result(folder / f"{name}.json", (json.dumps(result, indent=1) + "\n").encode())
