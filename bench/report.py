"""Measured rows as a Markdown table, and a run as files: raw samples first, then what they say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.backends import NullBackend
from bench.latency import Row, Samples
from edge.files import write_atomically


def latency_table(rows: Sequence[Row]) -> str:
    """The latency rows in Markdown; times faster than the full network in LiteRT fp32."""
    lines = [
        "| backend | p50 ms | p90 ms | p99 ms | times faster (95 %) | size MB | peak MiB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        size = f"{row.size_bytes / 1e6:.2f}" if row.size_bytes else "-"
        ratio = f"{row.ratio:.1f} ({row.ratio_low:.1f} to {row.ratio_high:.1f})"
        if row.name == NullBackend.name:  # the harness is no network to be faster than
            ratio = "-"
        lines.append(
            f"| {row.name} | {row.p50_ms:.2f} | {row.p90_ms:.2f} | {row.p99_ms:.2f} "
            f"| {ratio} | {size} | {row.peak_mib:.0f} |"
        )
    return "\n".join(lines)


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


def write_run(folder: Path, name: str, result: dict[str, Any], samples: Samples | None) -> None:
    """Write ``name.json`` and, where there are raw samples, ``name_samples.jsonl``."""
    if samples is not None:
        lines = [
            json.dumps({"backend": backend, "round": i, "ms": round(value, 5)})
            for backend, values in samples.items()
            for i, value in enumerate(values)
        ]
        write_atomically(folder / f"{name}_samples.jsonl", ("\n".join(lines) + "\n").encode())
    write_atomically(folder / f"{name}.json", (json.dumps(result, indent=1) + "\n").encode())
