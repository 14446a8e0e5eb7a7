"""Records are found again on the page, taken along as CSV, and deleted by administrators alone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from edge.audit import read_lines
from edge.database import DATABASE
from edge.followup import judge
from edge.history import delete
from edge.records import Patient, Records
from edge.screening import Screener
from edge.web.history import PAGE_SIZE

Keep = Callable[..., Any]

SEARCH = "/screenings?"


@pytest.fixture
def operator(client: FlaskClient, app: Flask) -> FlaskClient:
    """Someone who has not signed in, where the administrator has a PIN."""
    app.extensions["kiosk"].accounts.set_pin("administrator", "483915", "a test")
    return client


def _shown(client: FlaskClient, path: str) -> list[str]:
    """Patients of the rows, from the top."""
    page = client.get(path)
    assert page.status_code == 200
    return re.findall(r'<td class="who"><bdi>(.*?)</bdi>', page.text)


def test_each_search_finds_its_own(client: FlaskClient, records: Records, keep: Keep) -> None:
    refer, below = keep("K-1", 0.9), keep("K-2", 0.1)
    keep("K-3", None)
    judge(records.database, below["id"], "pneumonia", "Dr A")
    today = refer["time"][:10]
    found = {
        "": ["K-3", "K-2", "K-1"],
        "patient_id=k-1": ["K-1"],
        "patient_id=K": [],
        "outcome=refused": ["K-3"],
        "outcome=refer&patient_id=K-1": ["K-1"],
        "verdict=pneumonia": ["K-2"],
        "verdict=open": ["K-1"],
        f"since={today}&until={today}": ["K-3", "K-2", "K-1"],
        "since=2999-01-01": [],
        "until=1999-12-31": [],
        "patient_id=&since=&until=&outcome=&verdict=": ["K-3", "K-2", "K-1"],
    }
    for search, patients in found.items():
        assert _shown(client, SEARCH + search) == patients, search


def test_the_last_day_is_included(client: FlaskClient, tmp_path: Path, screener: Screener) -> None:
    start = datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC)
    clock = iter(start + timedelta(seconds=second) for second in range(2))
    records = Records(tmp_path, clock=lambda: next(clock))
    for patient in ("first of May", "second of May"):
        records.add(screener.screen(b""), Patient(patient))
    records.close()
    assert _shown(client, SEARCH + "until=2026-05-01") == ["first of May"]
    assert _shown(client, SEARCH + "since=2026-05-02&until=2026-05-02") == ["second of May"]


def test_what_cannot_be_searched_for_is_said(client: FlaskClient, keep: Keep) -> None:
    keep("K-1")
    days = ("since=yesterday", "until=2026-02-30", "until=9999-12-31")
    places = ("before=-1", "before=x", "before=" + 19 * "9", "before=%D9%A3")
    for search in (*days, *places, "outcome=good", "verdict=maybe"):
        page = client.get(SEARCH + search)
        assert page.status_code == 422, search
        assert "must be" in page.text
        assert "K-1" not in page.text
        if search not in places:
            assert client.get("/screenings.csv?" + search).status_code == 422


def test_a_row_says_what_is_known(client: FlaskClient, records: Records, keep: Keep) -> None:
    record = keep("K-9", 0.25)
    keep(synthetic=True)
    judge(records.database, record["id"], "not_pneumonia", "<i>Dr A</i>")
    page = client.get("/screenings").text
    for text in (f"/screenings/{record['id']}", "Below threshold", "0.250", "Not pneumonia"):
        assert text in page
    assert "&lt;i&gt;Dr A&lt;/i&gt;" in page
    assert "Synthetic" in page
    assert "Screenings 1 to 2 of 2" in page
    assert "clock in doubt" not in page


def test_a_time_that_ran_backwards_is_doubted(
    client: FlaskClient, tmp_path: Path, screener: Screener
) -> None:
    times = [datetime(2026, 5, 2, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]
    records = Records(tmp_path, clock=lambda: times.pop(0))
    for _ in range(2):
        records.add(screener.screen(b""), Patient())
    records.close()
    assert client.get("/screenings").text.count("clock in doubt") == 1


def test_pages_lead_there_and_back(client: FlaskClient, keep: Keep) -> None:
    names = [f"K-{number}" for number in range(2 * PAGE_SIZE + 1)]
    for name in names:
        keep(name)
    keep("another", None)
    path, pages = SEARCH + "outcome=refer", []
    while path:
        pages.append((path, _shown(client, path)))
        path = _link(client, path, "next")
    assert [name for _, page in pages for name in page] == names[::-1]
    total = len(names)
    assert f"Screenings {total} to {total} of {total}" in client.get(pages[-1][0]).text
    path = pages[-1][0]
    for _, page in pages[-2::-1]:
        path = _link(client, path, "prev")
        assert _shown(client, path) == page
    assert not _link(client, path, "prev")


def _link(client: FlaskClient, path: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]*)"', client.get(path).text)
    return found[1].replace("&amp;", "&") if found else ""


def test_nothing_typed_becomes_markup(client: FlaskClient, keep: Keep) -> None:
    keep("\"'><script>")
    page = client.get(SEARCH + "patient_id=%22%27%3E%3Cscript%3E").text
    assert "<script" not in page.partition("<main")[2]
    assert page.count("&#34;&#39;&gt;&lt;script&gt;") >= 2


def test_the_csv_holds_what_was_searched_for(client: FlaskClient, keep: Keep) -> None:
    keep("K-2", 0.1)
    keep("=1+1", 0.9)
    answer = client.get("/screenings.csv?outcome=refer")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert re.fullmatch(
        r'attachment; filename="[\w.-]+\.csv"', answer.headers["Content-Disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert [row["patient_id"] for row in rows] == ["'=1+1"]
    assert len(client.get("/screenings.csv").text.splitlines()) == 3


def test_records_that_cannot_be_read_are_no_empty_file(client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / DATABASE).mkdir()  # where the file would be
    for path in ("/screenings", "/screenings.csv", "/screenings?verdict=open"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "records_unavailable" in answer.text


def test_an_administrator_deletes_after_being_asked(
    client: FlaskClient, records: Records, keep: Keep
) -> None:
    record = keep("K-9")
    path = f"/screenings/{record['id']}/delete"
    assert path in client.get(f"/screenings/{record['id']}").text
    asked = client.get(path)
    assert asked.status_code == 200
    assert "K-9" in asked.text
    assert records.count() == 1
    done = client.post(path)
    assert done.status_code == 303
    assert "was deleted" in client.get(done.location).text
    assert records.count() == 0
    line = read_lines(records.database, 1)[0]
    assert (line.action, line.subject, line.who) == (
        "screening_deleted", record["id"], "administrator",
    )  # fmt: skip
    assert client.post(path).status_code == 404
    assert client.get(path).status_code == 404


def test_the_film_of_a_deleted_screening_is_gone(
    client: FlaskClient, post: Callable[..., Any], app: Flask, png: bytes
) -> None:
    screening_id = post(png).json["id"]
    assert app.extensions["kiosk"].pictures.get(screening_id) is not None
    client.post(f"/screenings/{screening_id}/delete")
    assert app.extensions["kiosk"].pictures.get(screening_id) is None


def test_an_operator_searches_but_does_not_delete(
    operator: FlaskClient, records: Records, keep: Keep
) -> None:
    record = keep("K-9")
    path = f"/screenings/{record['id']}/delete"
    assert _shown(operator, "/screenings") == ["K-9"]
    assert operator.get("/screenings.csv").status_code == 200
    assert path not in operator.get(f"/screenings/{record['id']}").text
    for answer in (operator.get(path), operator.post(path)):
        assert answer.status_code == 303
        assert answer.location.startswith("/sign-in")
    assert operator.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert records.count() == 1


def test_the_audit_is_read_page_by_page_by_administrators(
    client: FlaskClient, app: Flask, records: Records, keep: Keep
) -> None:
    ids = [keep("K-9")["id"] for _ in range(PAGE_SIZE + 1)]
    for screening_id in ids:
        delete(records.database, screening_id, "<b>")
    page = client.get("/audit").text
    assert page.count("Screening deleted") == PAGE_SIZE
    assert "&lt;b&gt;" in page
    assert "K-9" not in page
    older = client.get(_link(client, "/audit", "next")).text
    assert older.count("Screening deleted") == 1
    assert ids[0][:8] in older
    assert client.get("/audit?before=x").status_code == 422
    app.extensions["kiosk"].accounts.set_pin("administrator", "483915", "a test")
    assert client.get("/audit").status_code == 303
