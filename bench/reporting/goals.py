"""What the project promises of its default artifact, held against what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.reporting.runs import Run
from edge.artifact import DEFAULT_ARTIFACT, load_artifact

FASTER_THAN_FULL, FASTER_THAN_KERAS = 40.0, 100.0
"""Times as fast as the full network in LiteRT fp32, and as Keras' own predict."""
END_TO_END_MS = 25.0
"""Median of one screening, from the bytes of a full-size JPEG."""
HARNESS_SHARE = 0.01
"""Of the fastest backend's time."""

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Goal:
    """One promise: in words, what was measured, and whether it holds; None: not measured."""

    what: str
    measured: str
    met: bool | None


def goals(runs: Sequence[Run]) -> list[Goal]:
    """Judge the goals by the runs of ``latency`` among these; the last one counts."""
    results = [run.result for run in runs if run.kind == "latency"]
    found: dict[str, Goal] = {goal.what: goal for goal in _goals({})}
    for result in results:
        found |= {goal.what: goal for goal in _goals(result) if goal.met is not None}
    return list(found.values())


def _goals(result: Object) -> Iterator[Goal]:
    manifest = load_artifact(DEFAULT_ARTIFACT).manifest
    sha256 = manifest.files[manifest.variants[manifest.default_variant]].sha256
    name = f"{manifest.name} {manifest.default_variant}"
    rows = [
        row
        for row in result.get("rows", ())
        if row.get("sha256") == sha256 and row["runtime"] == "litert"
    ]
    yield _ratio(f"{name} at least {FASTER_THAN_FULL:.0f} times as fast as the full network in "
                 "LiteRT fp32", rows, "times_faster", FASTER_THAN_FULL)  # fmt: skip
    yield _ratio(f"{name} at least {FASTER_THAN_KERAS:.0f} times as fast as the full network in "
                 "keras predict", rows, "times_faster_than_keras", FASTER_THAN_KERAS)  # fmt: skip
    yield _end_to_end(manifest.name, result.get("stages", ()))
    yield _harness(result.get("harness", ()))


def _ratio(what: str, rows: Sequence[Object], key: str, limit: float) -> Goal:
    measured = [row for row in rows if row[key] and not row["more_threads_than_cores"]]
    if not measured:
        return Goal(what, "", None)
    texts = (
        f"{row[key]['value']:.1f} ({row[key]['low']:.1f} to {row[key]['high']:.1f}) with "
        f"{_threads(row)}"
        for row in measured
    )
    return Goal(what, "; ".join(texts), min(row[key]["value"] for row in measured) >= limit)


def _end_to_end(artifact: str, stages: Sequence[Object]) -> Goal:
    what = f"a full-size JPEG screened by {artifact} in at most {END_TO_END_MS:.0f} ms, median"
    measured = [s for s in stages if s["artifact"] == artifact and s["file"].startswith("JPEG")]
    if not measured:
        return Goal(what, "", None)
    texts = (f"{each['total_ms']:.1f} ms with {_threads(each)}" for each in measured)
    slowest = max(each["total_ms"] for each in measured)
    return Goal(what, "; ".join(texts), slowest <= END_TO_END_MS)


def _harness(harness: Sequence[Object]) -> Goal:
    what = f"the harness takes at most {HARNESS_SHARE:.0%} of the fastest backend's time"
    if not harness:
        return Goal(what, "", None)
    texts = (f"{each['share_of_fastest']:.2%} with {_threads(each)}" for each in harness)
    largest = max(each["share_of_fastest"] for each in harness)
    return Goal(what, "; ".join(texts), largest <= HARNESS_SHARE)


def _threads(place: Object) -> str:
    return f"{place['threads']} thread{'s' if place['threads'] > 1 else ''}"
