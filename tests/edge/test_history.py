"""What was screened is found again, page by page, and deleted with a trace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from edge.audit import read_lines
from edge.followup import judge
from edge.history import EVERYTHING, Search, count, delete, find, newer
from edge.records import Patient, Records
from edge.screening import Screener

Keep = Callable[..., Any]


def _patients(records: Records, search: Search) -> list[str | None]:
    found = find(records.database, search).records
    assert count(records.database, search) == len(found)
    return [record["patient_id"] for record in found]


def test_by_patient(records: Records, keep: Keep) -> None:
    for name in ("A 17", "a 17", "A 171", None, "' OR 1=1 --", "%"):
        keep(name)
    assert _patients(records, Search(patient_id="a 17")) == ["a 17", "A 17"]
    assert _patients(records, Search(patient_id="%")) == ["%"]
    assert _patients(records, Search(patient_id="' OR 1=1 --")) == ["' OR 1=1 --"]
    assert _patients(records, Search(patient_id="A")) == []


def test_by_outcome_and_by_judgement(records: Records, keep: Keep) -> None:
    refer, below, refused = keep("r", 0.9), keep("b", 0.1), keep("x", None)
    for record in (refer, below, refused):
        assert _patients(records, Search(outcome=record["outcome"])) == [record["patient_id"]]
    judge(records.database, below["id"], "pneumonia", "Dr A")
    assert _patients(records, Search(verdict="pneumonia")) == ["b"]
    assert _patients(records, Search(verdict="pneumonia", outcome="refer")) == []


def test_what_waits_for_a_verdict(records: Records, keep: Keep) -> None:
    judged, waits = keep("judged"), keep("waits")
    keep("refused", None)
    keep("drawn", synthetic=True)
    judge(records.database, judged["id"], "unknown", "Dr A")
    assert _patients(records, Search(unjudged=True)) == [waits["patient_id"]]
    assert _patients(records, Search(unjudged=True, outcome="below_threshold")) == []


def test_by_date(tmp_path: Path, screener: Screener) -> None:
    start = datetime(2026, 5, 1, 22, tzinfo=UTC)
    clock = iter(start + timedelta(hours=hours) for hours in range(4))
    records = Records(tmp_path, clock=lambda: next(clock))
    for hour in ("22", "23", "0", "1"):
        records.add(screener.screen(b""), Patient(hour))
    midnight = datetime(2026, 5, 2, tzinfo=UTC)
    assert _patients(records, Search(since=midnight)) == ["1", "0"]
    assert _patients(records, Search(until=midnight)) == ["23", "22"]
    here = timezone(timedelta(hours=1))  # the clinic's own midnight
    day = datetime(2026, 5, 2, tzinfo=here)
    assert _patients(records, Search(since=day, until=day + timedelta(days=1))) == ["1", "0", "23"]
    records.close()


def test_pages_neither_repeat_nor_skip_while_screenings_come_and_go(
    records: Records, keep: Keep
) -> None:
    ids = [keep()["id"] for _ in range(10)][::-1]
    first = find(records.database, EVERYTHING, size=4)
    keep()
    delete(records.database, ids[5], "a test")
    second = find(records.database, EVERYTHING, 4, first.next)
    third = find(records.database, EVERYTHING, 4, second.next)
    seen = [record["id"] for page in (first, second, third) for record in page.records]
    assert seen == ids[:5] + ids[6:]
    assert third.next is None


def test_a_last_page_that_is_full_is_the_last(records: Records, keep: Keep) -> None:
    for _ in range(4):
        keep()
    assert find(records.database, EVERYTHING, size=4).next is None
    assert find(records.database, EVERYTHING, size=3).next == 2


def test_the_way_back_leads_over_the_same_pages(records: Records, keep: Keep) -> None:
    for patient in "abababababab":
        keep(patient)
    search = Search(patient_id="a")
    places: list[int | None] = [None]
    while place := find(records.database, search, 2, places[-1]).next:
        places.append(place)
    for here, there in zip(places[1:], places, strict=False):
        assert here is not None
        assert newer(records.database, search, here, 2) == there
        assert count(records.database, search, here) == 6 - 2 * places.index(here)


def test_searches_use_the_indexes(records: Records, keep: Keep) -> None:
    keep()
    condition = "patient_id = ? COLLATE NOCASE AND number < ? ORDER BY number DESC LIMIT 50"
    with records.database.read() as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT document, image_kept FROM records WHERE " + condition,
            ("K-9", 100),
        ).fetchall()
    steps = " ".join(str(row[-1]) for row in plan)
    assert "screenings_by_patient" in steps
    assert "SCAN" not in steps
    assert "TEMP B-TREE" not in steps


def test_deleting_leaves_a_line_without_the_patient(records: Records, keep: Keep) -> None:
    record = keep("K-9")
    judge(records.database, record["id"], "unknown", "Dr A")
    assert delete(records.database, record["id"], "administrator")
    assert records.get(record["id"]) is None
    assert records.count() == 0
    line = read_lines(records.database, 1)[0]
    assert (line.action, line.subject, line.who) == (
        "screening_deleted",
        record["id"],
        "administrator",
    )
    assert "K-9" not in str(read_lines(records.database, 100))
    with records.database.read() as connection:
        assert connection.execute("SELECT COUNT(*) FROM judgements").fetchone() == (0,)


@pytest.mark.parametrize("screening_id", ["nobody", "", "' OR 1=1 --"])
def test_deleting_what_is_not_there_does_nothing(
    records: Records, keep: Keep, screening_id: str
) -> None:
    keep()
    assert delete(records.database, screening_id, "a test") is False
    assert records.count() == 1
    assert read_lines(records.database, 9) == ()
