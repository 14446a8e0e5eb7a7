"""The comparison of all variants in Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

RECALL = 0.967

Plain = dict[str, Any]

COLUMNS: tuple[tuple[str, Callable[[Plain], str]], ...] = (
    ("variant", lambda row: row["name"]),
    ("M multiplications", lambda row: f"{row['multiplications'] / 1e6:,.1f}"),
    ("parameters", lambda row: f"{row['parameters']:,}"),
    ("kB", lambda row: f"{row['bytes'] / 1000:,.0f}"),
    ("kB by gzip", lambda row: f"{row['compressed_bytes'] / 1000:,.0f}"),
    ("ms, 1 thread", lambda row: _milliseconds(row, "1")),
    ("times faster", lambda row: _faster(row, "1")),
    ("ms, 2 threads", lambda row: _milliseconds(row, "2")),
    ("times faster", lambda row: _faster(row, "2")),
    ("AUC", lambda row: _interval(row["evaluation"]["figures"]["auc"])),
    ("ΔAUC to the full network", lambda row: _difference(row["auc_difference"])),
    ("ΔAUC to its float network", lambda row: _difference(row["auc_difference_to_network"])),
    (f"specificity at recall {RECALL}", lambda row: _specificity(row)),
    ("changed decisions", lambda row: f"{len(row['changed'])} of {row['evaluation']['images']}"),
    ("pieces", lambda row: str(row["partitions"])),
)
"""Heading and cell of every column."""


def markdown(table: Plain) -> str:
    """The table, what its columns mean, and which decisions changed.

    Args:
        table: what `optimize.table.compare_variants` found.
    """
    machine = table["machine"]
    lines = [
        "# Every variant against the full network",
        "",
        f"{table['data']}: {table['images']} films, {table['positives']} with pneumonia. "
        f"{machine['processor']}, {machine['cores']} cores, load {table['load_1min']} before the "
        f"timing, {machine['time']}; {_versions(machine)}. Seed {table['seed']}.",
        "",
        "| " + " | ".join(heading for heading, _ in COLUMNS) + " |",
        "|---|" + "---:|" * (len(COLUMNS) - 1),
        *(_line(row) for row in table["variants"]),
        "",
        f"Times are the median of {table['rounds']} films, all variants in turn in one run; *times "
        f"faster* is than {table['reference']} with as many threads, the median over rounds. "
        "In brackets: 95 % intervals, of times and figures by bootstrap, of ΔAUC by DeLong's test "
        "on the same films. *Changed decisions*: refer or not, at the threshold of the variant's "
        "weights, against its own float network. *Pieces*: partitions of the XNNPACK delegate.",
        *_left_behind(table),
        *_changed(table),
    ]
    return "\n".join(lines) + "\n"


def _line(row: Plain) -> str:
    return "| " + " | ".join(cell(row) for _, cell in COLUMNS) + " |"


def _versions(machine: Plain) -> str:
    packages = ", ".join(f"{name} {found}" for name, found in machine["packages"].items())
    return f"PneumoKiosk {machine['pneumokiosk']}, {packages}"


def _left_behind(table: Plain) -> list[str]:
    lines = [
        f"- {row['name']}: "
        + ", ".join(f"{op['name']} ({op['output']})" for op in row["left_behind"])
        for row in table["variants"]
        if row["left_behind"]
    ]
    return ["", "## What the delegate leaves behind", *lines] if lines else []


def _changed(table: Plain) -> list[str]:
    lines = [
        f"| {row['name']} | {film['file']} | {film['network_score']:.3f} | {film['score']:.3f} "
        f"| {row['evaluation']['threshold']:.3f} |"
        for row in table["variants"]
        for film in row["changed"]
    ]
    if not lines:
        return []
    head = ["| variant | film | score of its float network | score | threshold |"]
    return ["", "## Changed decisions", "", *head, "|---|---|---:|---:|---:|", *lines]


def _milliseconds(row: Plain, threads: str) -> str:
    return f"{row['latency'][threads]['p50_ms']:.2f}"


def _faster(row: Plain, threads: str) -> str:
    found = row["latency"][threads]["times_faster"]
    return f"{found['value']:.1f} ({found['low']:.1f} to {found['high']:.1f})"


def _specificity(row: Plain) -> str:
    return _interval(row["evaluation"]["figures"][f"specificity_at_recall_{RECALL}"])


def _interval(estimate: Plain) -> str:
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"


def _difference(estimate: Plain) -> str:
    return f"{estimate['value']:+.4f} ({estimate['low']:+.4f} to {estimate['high']:+.4f})"
