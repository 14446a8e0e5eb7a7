"""Figures of known samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.accuracy_score import score_accuracy
from bench.accuracy_table import accuracy_table

REFERENCE, OTHER = "full", "small"
GATE = {"code": "too_blurred", "message": "Blurred."}
DAMAGE = {"code": "damaged", "message": "Damaged."}
LABELS = [0, 0, 0, 0, 1, 1, 1, 1]
FULL = [0.1, 0.2, 0.3, 0.6, 0.4, 0.7, 0.8, 0.9]
SMALL = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.2]


def film(
    variant: str, i: int, score: float | None, reason: dict[str, str] | None = None
) -> dict[str, Any]:
    refer = score is not None and score >= 0.5
    return {
        "sample": "film",
        "file": f"{i}.png",
        "label": LABELS[i],
        "patient": str(i),
        "variant": variant,
        "score": score,
        "outcome": "refused" if score is None else "refer" if refer else "below_threshold",
        "reasons": [reason] if reason else [],
        "attention": None if score is None else np.eye(4).tolist(),
    }


def lines_of(full: list[dict[str, Any]], small: list[dict[str, Any]]) -> list[dict[str, Any]]:
    described = {
        "network": "n",
        "thresholds": {"refer": 0.5, "uncertain": 0.5},
        "threshold_chosen_on": "elsewhere",
    }
    header = {
        "kind": "accuracy",
        "command": "pneumokiosk-bench accuracy",
        "machine": {},
        "artifacts": {},
        "settings": {
            "data": "known films", "films": 8, "listed": 8, "quick": False, "threads": 1,
            "reference": REFERENCE, "contenders": {REFERENCE: described, OTHER: described},
        },
    }  # fmt: skip
    return [header, *full, *small, {"end": True}]


def films(variant: str, scores: list[float]) -> list[dict[str, Any]]:
    return [film(variant, i, score) for i, score in enumerate(scores)]


def test_figures_are_those_of_known_samples() -> None:
    result = score_accuracy(lines_of(films(REFERENCE, FULL), films(OTHER, SMALL)), resamples=50)
    full = result["variants"][REFERENCE]
    figures = {name: each["value"] for name, each in full["evaluation"]["figures"].items()}
    # The film of 0.6 stands above one of four with pneumonia.
    assert figures["auc"] == 15 / 16
    assert (figures["recall"], figures["specificity"]) == (0.75, 0.75)
    assert full["at_recall"]["threshold"] == 0.4
    assert (full["at_recall"]["recall"], full["at_recall"]["specificity"]) == (1.0, 0.75)
    # Every score has a bin of its own but two, which hold one label each.
    gaps = [0.1, 0.2, 0.3, 0.6, 0.6, 0.3, 0.2, 0.1]
    assert full["ece"]["value"] == pytest.approx(sum(gaps) / 8)
    assert full["refusals"]["false_refusals"]["value"] == 0
    assert full["refusals"]["false_refusals"]["high"] > 0.1
    assert "against_reference" not in full


def test_difference_to_the_reference_is_paired() -> None:
    result = score_accuracy(lines_of(films(REFERENCE, FULL), films(OTHER, SMALL)), resamples=50)
    found = result["variants"][OTHER]["against_reference"]
    assert found["films"] == 8
    assert [each["file"] for each in found["changed"]] == ["3.png", "4.png", "7.png"]
    assert found["changed_decisions"] == 3
    mcnemar = found["tests"]["mcnemar"]
    assert (mcnemar["first_only"], mcnemar["second_only"]) == (1, 2)
    assert mcnemar["p_value"] == 1.0
    delong = found["tests"]["delong"]
    assert delong["difference"]["value"] == pytest.approx(delong["second"] - delong["first"])
    assert found["attention"]["correlation"]["value"] == pytest.approx(1)
    assert "3.png" in accuracy_table(result)


def test_film_that_one_side_refused_is_left_out_of_the_pairs_and_told() -> None:
    small = films(OTHER, SMALL)
    small[0] = film(OTHER, 0, None, GATE)
    full = films(REFERENCE, FULL)
    full[1], small[1] = film(REFERENCE, 1, None, DAMAGE), film(OTHER, 1, None, DAMAGE)
    result = score_accuracy(lines_of(full, small), resamples=50)
    own = result["variants"][OTHER]
    assert own["evaluation"]["images"] == 6
    assert own["against_reference"]["films"] == 6
    assert own["against_reference"]["refused_by_one_side"] == ["0.png"]
    assert own["refusals"]["reasons"] == {"too_blurred": 1, "damaged": 1}
    # A damaged file is refused rightly: one of seven that can be read is not.
    assert own["refusals"]["false_refusals"]["value"] == pytest.approx(1 / 7)
    assert result["variants"][REFERENCE]["refusals"]["false_refusals"]["value"] == 0
    table = accuracy_table(result)
    assert "| 0.png | too_blurred | small |" in table
    assert "| 1.png | damaged | full; small |" in table


def test_one_label_alone_has_no_figures() -> None:
    full, small = films(REFERENCE, FULL)[:4], films(OTHER, SMALL)[:4]
    result = score_accuracy(lines_of(full, small), resamples=50)
    own = result["variants"][OTHER]
    assert own["evaluation"] is None
    assert own["against_reference"]["tests"] is None
    assert own["against_reference"]["changed_decisions"] == 1
    assert "| small | 4 | - |" in accuracy_table(result)


def test_run_without_any_film_is_scored() -> None:
    result = score_accuracy(lines_of([], [])[:-1], resamples=50)
    assert not result["finished"]
    assert result["variants"][OTHER]["refusals"]["false_refusals"] is None
    assert "cut short" in accuracy_table(result)
