"""Differences of known samples."""

from __future__ import annotations

from typing import Any

import pytest

from bench.changes import COPY, FILED
from bench.robustness_score import score_robustness
from bench.robustness_table import robustness_table

FIRST, SECOND = "net, fp32", "net, int8"
BLUR = "blur, sigma 1"


def film(
    i: int, change: str, score: float | None, variant: str = FIRST, threads: int = 2
) -> dict[str, Any]:
    refused = [{"code": "too_blurred", "message": "Blurred."}] if score is None else []
    refer = score is not None and score >= 0.5
    return {
        "sample": "film",
        "set": "ward",
        "file": f"{i}.png",
        "label": i % 2,
        "change": change,
        "threads": threads,
        "variant": variant,
        "score": score,
        "outcome": "refused" if score is None else "refer" if refer else "below_threshold",
        "reasons": refused,
    }


def scored(*samples: dict[str, Any]) -> dict[str, Any]:
    described = {"network": "net", "thresholds": {"refer": 0.5, "uncertain": 0.5}}
    ward = {"data": "ward", "films": 4, "listed": 40, "films_sha256": ""}
    header = {
        "kind": "robustness",
        "command": "pneumokiosk-bench robustness",
        "machine": {},
        "artifacts": {},
        "settings": {
            "sets": [ward], "quick": True, "threads": 2, "all_threads": [1, 2],
            "changes": [FILED, COPY, BLUR], "contenders": {FIRST: described, SECOND: described},
        },
    }  # fmt: skip
    return score_robustness([header, *samples, {"end": True}], resamples=20)


def test_change_is_compared_with_the_copy_and_the_copy_with_the_file() -> None:
    result = scored(
        *(film(i, FILED, score) for i, score in enumerate([0.1, 0.9, 0.2, 0.8])),
        *(film(i, COPY, score) for i, score in enumerate([0.2, 0.9, 0.2, 0.4])),
        *(film(i, BLUR, score) for i, score in enumerate([0.3, 0.6, 0.7, None])),
    )
    changes = result["sets"]["ward"]["variants"][FIRST]
    filed, copy, blur = changes[FILED], changes[COPY], changes[BLUR]
    assert (filed["largest"], filed["changed_outcomes"]) == (0, 0)
    assert copy["against"] == FILED
    assert copy["mean"] == pytest.approx(0.5 / 4)
    assert (copy["largest"], copy["largest_in"]) == (pytest.approx(0.4), "3.png")
    assert [each["file"] for each in copy["changed"]] == ["3.png"]
    assert blur["against"] == COPY
    assert blur["pairs"] == 3
    assert blur["mean"] == pytest.approx((0.1 + 0.3 + 0.5) / 3)
    assert [(each["file"], each["after"]) for each in blur["changed"]] == [
        ("2.png", "refer"), ("3.png", "refused"),
    ]  # fmt: skip
    assert [each["file"] for each in blur["refusals"]["refused"]] == ["3.png"]
    assert filed["evaluation"]["figures"]["auc"]["value"] == 1
    assert copy["evaluation"]["figures"]["recall"]["value"] == 0.5
    assert blur["evaluation"]["images"] == 3
    assert blur["evaluation"]["figures"]["auc"]["value"] == 0.5
    table = robustness_table(result)
    assert "a look, not the whole" in table
    assert "| blur, sigma 1 | 3 | 0.3000 |" in table


def test_variants_and_threads_are_compared_on_unchanged_films() -> None:
    result = scored(
        film(0, FILED, 0.1), film(1, FILED, 0.4),
        film(0, FILED, 0.1, threads=1), film(1, FILED, 0.5, threads=1),
        film(0, FILED, 0.3, SECOND), film(1, FILED, 0.4, SECOND),
    )["sets"]["ward"]  # fmt: skip
    variants = result["between_variants"]
    assert list(variants) == [SECOND]
    assert variants[SECOND]["against"] == FIRST
    assert variants[SECOND]["mean"] == pytest.approx(0.1)
    threads = result["between_threads"][FIRST]["1"]
    assert (threads["largest"], threads["changed_outcomes"]) == (pytest.approx(0.1), 1)
    assert result["between_threads"][SECOND]["1"]["pairs"] == 0


def test_run_that_was_cut_short_is_scored() -> None:
    result = scored()
    changes = result["sets"]["ward"]["variants"][FIRST]
    assert (changes[BLUR]["pairs"], changes[BLUR]["mean"]) == (0, None)
    assert "| blur, sigma 1 | 0 | - |" in robustness_table(result)
