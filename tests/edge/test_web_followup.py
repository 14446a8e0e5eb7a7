"""The clinician's final judgement is recorded on the page, and shown with its screening."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from edge.audit import read_lines
from edge.records import Records

Keep = Callable[..., Any]


def test_a_judgement_is_recorded_and_shown(
    client: FlaskClient, records: Records, keep: Keep
) -> None:
    screening_id = keep("K-9")["id"]
    path = f"/screenings/{screening_id}/judgement"
    assert f'action="{path}"' in client.get(f"/screenings/{screening_id}").text
    done = client.post(path, data={"verdict": "not_pneumonia", "who": " <b>A. K.</b> "})
    assert done.status_code == 303
    page = client.get(done.location)
    assert page.status_code == 200
    for text in ("was recorded", "Not pneumonia", "&lt;b&gt;A. K.&lt;/b&gt;"):
        assert text in page.text
    record = records.get(screening_id)
    assert record is not None
    assert record["judgement"]["verdict"] == "not_pneumonia"


def test_a_later_judgement_gives_way_to_none_in_silence(
    client: FlaskClient, records: Records, keep: Keep
) -> None:
    screening_id = keep()["id"]
    path = f"/screenings/{screening_id}/judgement"
    for verdict, who in (("unknown", "Dr A"), ("pneumonia", "Dr B")):
        assert verdict not in str(client.post(path, data={"verdict": verdict, "who": who}).location)
    page = client.get(path).text
    assert "Pneumonia</strong>" in page
    assert "Dr B" in page
    former = [line.detail["former"] for line in read_lines(records.database, 9)]
    assert former == ["unknown", None]


def test_what_breaks_a_rule_comes_back_to_be_mended(
    client: FlaskClient, records: Records, keep: Keep
) -> None:
    path = f"/screenings/{keep('K-9')['id']}/judgement"
    for verdict, who in (("", ""), ("pneumonia", " "), ("", "Dr A"), ("healthy", "Dr A"),
                         ("pneumonia", "x" * 65)):  # fmt: skip
        page = client.post(path, data={"verdict": verdict, "who": who})
        assert page.status_code == 422
        assert "Nothing was recorded" in page.text
        assert "K-9" in page.text
        assert f'value="{who}"' in page.text
        assert page.text.count(" checked") == (verdict == "pneumonia")
    assert client.post(path).status_code == 422
    assert read_lines(records.database, 9) == ()


def test_only_what_is_there_can_be_judged(client: FlaskClient) -> None:
    typed = {"verdict": "unknown", "who": "Dr A"}
    for answer in (
        client.post("/screenings/nobody/judgement", data=typed),
        client.get("/screenings/nobody/judgement"),
    ):
        assert answer.status_code == 404
        assert "unknown_screening" in answer.text


def test_what_has_no_score_or_no_patient_is_not_asked_for(client: FlaskClient, keep: Keep) -> None:
    for record in (keep(score=None), keep(synthetic=True)):
        assert "judgement" not in client.get(f"/screenings/{record['id']}").text
    assert "/judgement" not in client.get("/screenings").text


def test_judged_screenings_leave_the_list(client: FlaskClient, keep: Keep) -> None:
    screening_id = keep("K-9")["id"]
    path = f"/screenings/{screening_id}/judgement"
    assert path in client.get("/screenings?verdict=open").text
    client.post(path, data={"verdict": "unknown", "who": "Dr A"})
    page = client.get("/screenings?verdict=open").text
    assert path not in page
    assert "No screening meets this search" in page


def test_an_operator_may_judge(client: FlaskClient, app: Flask, keep: Keep) -> None:
    app.extensions["kiosk"].accounts.set_pin("administrator", "483915", "a test")
    path = f"/screenings/{keep()['id']}/judgement"
    assert client.post(path, data={"verdict": "unknown", "who": "Dr A"}).status_code == 303
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(path, data={"verdict": "unknown"}, headers=foreign).status_code == 403
