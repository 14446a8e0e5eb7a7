"""A spreadsheet gets every record, and nothing that it would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import edge
from edge.database import Database
from edge.export import COLUMNS, export_csv, neutralised
from edge.followup import judge
from edge.history import EVERYTHING, Search
from edge.records import Records

Keep = Callable[..., Any]


def _rows(database: Database, search: Search = EVERYTHING) -> list[dict[str, str]]:
    text = "".join(export_csv(database, search))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_every_record_stands_in_a_line_of_its_own(records: Records, keep: Keep) -> None:
    names = ['Ä "17", two', "plain", None]
    for name in names:
        keep(name, 0.25)
    rows = _rows(records.database)
    assert [row["patient_id"] for row in rows] == [
        "", "plain", 'Ä "17", two',
    ]  # fmt: skip
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0]["score"] == "0.25"
    assert rows[0]["notice"] == edge.STANDING_SENTENCE


def test_a_line_tells_what_the_record_tells(records: Records, keep: Keep, provenance: Any) -> None:
    record = keep("K-9", 0.9)
    judge(records.database, record["id"], "pneumonia", "Dr A")
    (row,) = _rows(records.database)
    assert row["id"] == record["id"]
    assert row["model_sha256"] == record["model"]["sha256"]
    assert row["manifest_sha256"] == provenance.manifest_sha256
    assert float(row["calibration_intercept"]) == provenance.calibration["intercept"]
    assert (row["verdict"], row["judged_by"]) == ("pneumonia", "Dr A")
    assert (row["clock_doubt"], row["image_kept"], row["synthetic"]) == ("no", "no", "no")
    assert row["kiosk_version"] == edge.__version__
    assert "empty_file" in row["reasons"]


@pytest.mark.parametrize(
    "formula",
    ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "＝1+1", "  =1", '=HYPERLINK("x")'],
)
def test_no_cell_is_a_formula(records: Records, keep: Keep, formula: str) -> None:
    keep(formula)
    (row,) = _rows(records.database)
    assert row["patient_id"] == "'" + formula


@pytest.mark.parametrize("text", ["", "K-9", "1", "a=b", "\ufefffirst", "'quoted"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert neutralised(text) == text


@pytest.mark.parametrize("start", ["\t", "\r", "\n"])
def test_control_characters_start_no_cell(start: str) -> None:
    assert neutralised(start + "=1") == "'" + start + "=1"


def test_a_number_below_zero_stays_a_number(records: Records, keep: Keep, provenance: Any) -> None:
    keep(provenance=replace(provenance, calibration={"slope": 1.0, "intercept": -1.5}))
    assert _rows(records.database)[0]["calibration_intercept"] == "-1.5"


def test_records_without_provenance_are_exported_too(records: Records, keep: Keep) -> None:
    keep(provenance=None)
    assert _rows(records.database)[0]["manifest_sha256"] == ""


def test_what_was_searched_for_is_exported(records: Records, keep: Keep) -> None:
    for score in (0.1, 0.9, None):
        keep("K-9", score)
    assert [row["outcome"] for row in _rows(records.database, Search(outcome="refused"))] == [
        "refused"
    ]


def test_more_than_a_page_is_exported(records: Records, keep: Keep) -> None:
    for _ in range(205):
        keep()
    numbers = [int(row["number"]) for row in _rows(records.database)]
    assert numbers == list(range(205, 0, -1))
