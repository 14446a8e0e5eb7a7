"""The clinician's last word is recorded, and so is each one before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from edge.audit import read_lines
from edge.errors import FieldRefused
from edge.followup import Case, follow_up, judge
from edge.provenance import Provenance
from edge.records import Records

Keep = Callable[..., Any]


def test_a_judgement_stands_with_its_screening(records: Records, keep: Keep) -> None:
    screening_id = keep()["id"]
    made = judge(records.database, screening_id, "pneumonia", " Dr A ")
    record = records.get(screening_id)
    assert made is not None
    assert record is not None
    assert record["judgement"] == {"verdict": "pneumonia", "who": "Dr A", "time": made.time}


def test_a_change_keeps_what_stood_before_in_the_audit(records: Records, keep: Keep) -> None:
    screening_id = keep("K-9")["id"]
    for verdict, who in (("unknown", "Dr A"), ("pneumonia", "Dr B"), ("not_pneumonia", "Dr A")):
        judge(records.database, screening_id, verdict, who)
    record = records.get(screening_id)
    assert record is not None
    assert record["judgement"]["verdict"] == "not_pneumonia"
    lines = read_lines(records.database, 9, subject=screening_id)
    assert [(line.who, line.detail["former"], line.detail["verdict"]) for line in lines] == [
        ("Dr A", "pneumonia", "not_pneumonia"),
        ("Dr B", "unknown", "pneumonia"),
        ("Dr A", None, "unknown"),
    ]
    assert "K-9" not in str(lines)


@pytest.mark.parametrize(
    ("verdict", "who"),
    [("normal", "Dr A"), ("", "Dr A"), ("pneumonia", " "), ("pneumonia", "x" * 65),
     ("pneumonia", "a\nb")],
)  # fmt: skip
def test_what_breaks_a_rule_is_refused(
    records: Records, keep: Keep, verdict: str, who: str
) -> None:
    screening_id = keep()["id"]
    with pytest.raises(FieldRefused):
        judge(records.database, screening_id, verdict, who)
    assert read_lines(records.database, 9) == ()


def test_a_screening_that_is_not_there_cannot_be_judged(records: Records) -> None:
    assert judge(records.database, "nobody", "unknown", "Dr A") is None


def test_only_this_models_films_with_a_known_truth_are_cases(
    records: Records, keep: Keep, provenance: Provenance
) -> None:
    other = replace(provenance, manifest_sha256="0" * 64)
    verdicts = {
        "pneumonia": [keep(score=0.9), keep(score=0.2)],
        "not_pneumonia": [keep(score=0.4), keep(provenance=other), keep(provenance=None)],
        "unknown": [keep(score=0.8)],
    }
    verdicts["pneumonia"] += [keep(synthetic=True), keep(score=None)]
    keep(score=0.1)
    for verdict, kept in verdicts.items():
        for record in kept:
            judge(records.database, record["id"], verdict, "Dr A")
    found = follow_up(records.database, provenance.manifest_sha256)
    assert found.cases == (Case(0.9, True), Case(0.2, True), Case(0.4, False))
    assert found.judged == {"refer": 1, "below_threshold": 2}
    assert found.open == {"refer": 1, "below_threshold": 1}
