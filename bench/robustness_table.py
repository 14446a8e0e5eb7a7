"""A scored run of ``robustness`` as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bench.accuracy_table import headline, interval

Object = Mapping[str, Any]


def _difference(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _figure(row: Object, name: str) -> str:
    return interval(row["evaluation"]["figures"][name]) if row["evaluation"] else "-"


MOVED: tuple[tuple[str, Callable[[Object], str]], ...] = (
    ("films", lambda row: f"{row['pairs']:,}"),
    ("mean Δscore", lambda row: _difference(row["mean"])),
    ("95 % below", lambda row: _difference(row["p95"])),
    ("largest", lambda row: _difference(row["largest"])),
    ("changed outcomes", lambda row: f"{row['changed_outcomes']:,}"),
)
"""Heading and cell of how far scores moved."""
UNDER: tuple[tuple[str, Callable[[Object], str]], ...] = (
    *MOVED,
    ("refused", lambda row: f"{len(row['refusals']['refused']):,}"),
    ("AUC", lambda row: _figure(row, "auc")),
    ("recall", lambda row: _figure(row, "recall")),
    ("specificity", lambda row: _figure(row, "specificity")),
    ("specificity at recall 0.967", lambda row: _figure(row, "specificity_at_recall_0.967")),
)
"""Heading and cell of what became of the films under a change."""


def robustness_table(result: Object) -> str:
    """What `bench.robustness_score.score_robustness` found, as Markdown."""
    parts = [part for films in result["sets"].values() for part in _of_set(result, films) if part]
    parts.append(
        "Δscore: absolute difference of the calibrated score, each change against the unchanged "
        "copy, the copy against the film as filed; a refusal is an outcome as well. Figures at "
        "each network's own threshold, chosen elsewhere. In brackets: 95 % intervals."
    )
    return "\n\n".join(parts)


def _of_set(result: Object, films: Object) -> Iterator[str]:
    yield headline({**films, "finished": result["finished"]})
    for variant, changes in films["variants"].items():
        yield "\n".join(_rows(variant, UNDER, changes))
    variants = {
        f"{name} against {row['against']}": row for name, row in films["between_variants"].items()
    }
    threads = {
        f"{name}, threads {count} against {result['threads']}": row
        for name, rows in films["between_threads"].items()
        for count, row in rows.items()
    }
    if variants or threads:
        yield "\n".join(_rows("unchanged films", MOVED, {**variants, **threads}))


def _rows(
    title: str, columns: tuple[tuple[str, Callable[[Object], str]], ...], rows: Mapping[str, Object]
) -> Iterator[str]:
    yield f"| {title} | " + " | ".join(heading for heading, _ in columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    for name, row in rows.items():
        yield f"| {name} | " + " | ".join(cell(row) for _, cell in columns) + " |"
