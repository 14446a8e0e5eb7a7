"""The pages on which films are chosen, and the outcome of one of them is shown and printed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import edge
from edge.phantom import draw_phantom
from edge.settings import Settings

Post = Callable[..., Any]

STATIC = Path(edge.__file__).parent / "web" / "static"


def _form(data: bytes, name: str = "film.png", **fields: str) -> dict[str, Any]:
    return {**fields, "image": (io.BytesIO(data), name)}


@pytest.fixture
def change(app: Flask) -> Callable[..., None]:
    """Changes settings of the kiosk."""
    return lambda **values: app.extensions["kiosk"].change_settings(Settings(**values), "test")


def test_a_form_leads_to_what_a_clinician_needs(
    client: FlaskClient, app: Flask, png: bytes
) -> None:
    answer = client.post("/screenings", data=_form(png, patient_id="<b>K&9</b>"))
    assert answer.status_code == 303, "a page that is loaded again screens nothing again"
    page = client.get(answer.location)
    assert page.status_code == 200
    model = app.extensions["kiosk"].screener.model_identity
    for text in (model["name"], model["version"], model["sha256"][:12], edge.STANDING_SENTENCE):
        assert text in page.text
    assert "&lt;b&gt;K&amp;9&lt;/b&gt;" in page.text
    assert "not an outline of disease" in page.text
    attention = page.text[page.text.index('<img id="attention"') :].partition(">")[0]
    assert attention.endswith("hidden"), "off until it is asked for"


def test_a_refused_file_shows_the_reason(client: FlaskClient) -> None:
    page = client.post("/screenings", data=_form(b"text"), follow_redirects=True)
    assert "Refused" in page.text
    assert "unsupported_format" in page.text
    assert "JPEG, PNG or DICOM" in page.text
    assert "no film to show" in page.text
    assert 'id="radiograph"' not in page.text


def test_a_form_without_a_file_comes_back_with_what_was_typed(client: FlaskClient) -> None:
    page = client.post("/screenings", data=_form(b"", "", patient_id="K-9"))
    assert page.status_code == 422
    assert "no_image" in page.text
    assert 'value="K-9"' in page.text


def test_any_name_of_a_file_may_be_chosen(client: FlaskClient) -> None:
    page = client.get("/").text
    field = page[page.index('<input id="image"') :].partition(">")[0]
    assert "accept" not in field, "films are told by what is in them"
    camera = page[page.index('<input id="camera"') :].partition(">")[0]
    assert 'capture="environment"' in camera


def test_what_the_file_says_stands_beside_what_was_typed(
    client: FlaskClient, dicom: Callable[..., bytes]
) -> None:
    data = dicom(draw_phantom(side=256), PatientAge="004Y", PatientSex="F", ViewPosition="AP")
    page = client.post("/screenings", data=_form(data, sex="M"), follow_redirects=True).text
    assert "48 months, female, AP view" in page
    assert "not what was typed" in page
    page = client.post("/screenings", data=_form(data, sex="F"), follow_redirects=True).text
    assert "48 months, female, AP view" in page
    assert "not what was typed" not in page


def test_an_age_that_the_model_has_not_seen_is_warned_of(client: FlaskClient, png: bytes) -> None:
    page = client.post("/screenings", data=_form(png, age_months="200"), follow_redirects=True)
    assert "Take care with this score" in page.text
    assert "age_out_of_range" in page.text
    assert "Refused" not in page.text


@pytest.mark.parametrize("outcome", ["refused", "refer"])
def test_the_next_step_is_the_clinics(
    client: FlaskClient, change: Callable[..., None], png: bytes, outcome: str
) -> None:
    change(next_step_refused="Call <Dr A>.", next_step_refer="Call <Dr A>.")
    record = client.post("/api/demonstration").json
    if outcome == "refused":
        record = client.post("/api/screenings", data=_form(b"text")).json
    assert record is not None
    assert record["outcome"] == outcome
    for part in ("", "/print"):
        assert "Call &lt;Dr A&gt;." in client.get(f"/screenings/{record['id']}{part}").text


def test_a_clock_in_doubt_is_said(client: FlaskClient, app: Flask, post: Post, png: bytes) -> None:
    first = post(png).json
    with app.extensions["kiosk"].records.database.write() as connection:
        connection.execute("UPDATE screenings SET time = '2999-01-01T00:00:00Z'")
    second = post(png).json
    for part in ("", "/print", "/print?paper=receipt"):
        assert "clock is in doubt" in client.get(f"/screenings/{second['id']}{part}").text
        assert "clock is in doubt" not in client.get(f"/screenings/{first['id']}{part}").text


@pytest.mark.parametrize("paper", ["a4", "receipt"])
def test_what_is_printed_says_all_of_it(
    client: FlaskClient, app: Flask, change: Callable[..., None], post: Post, png: bytes, paper: str
) -> None:
    change(place="Clinic & Sons")
    record = post(png, patient_id="K-9", age_months="30").json
    page = client.get(f"/screenings/{record['id']}/print?paper={paper}").text
    model = app.extensions["kiosk"].screener.model_identity
    for text in (
        edge.STANDING_SENTENCE, f"{record['score']:.3f}", f"{record['threshold']:.3f}",
        f"{record['uncertain_threshold']:.3f}", model["name"], model["version"],
        model["sha256"][:12], record["time"][:10], "Clinic &amp; Sons", "K-9", "30 months",
        f"/static/paper-{paper}.css", "Next step",
    ):  # fmt: skip
        assert text in page
    assert ("radiograph.jpg" in page) == (paper == "a4"), "a receipt's printer cannot draw it"


def test_the_paper_is_the_clinics_unless_another_is_asked_for(
    client: FlaskClient, change: Callable[..., None], post: Post, png: bytes
) -> None:
    path = f"/screenings/{post(png).json['id']}/print"
    assert "paper-a4.css" in client.get(path).text
    change(paper="receipt")
    assert "paper-receipt.css" in client.get(path).text
    assert "paper-a4.css" in client.get(path + "?paper=a4").text
    assert "paper-receipt.css" in client.get(path + "?paper=../x").text
    assert client.get("/screenings/none/print").status_code == 404


def test_a_row_of_the_queue_is_a_part_of_a_page(
    client: FlaskClient, post: Post, png: bytes
) -> None:
    record = post(png, patient_id="<i>").json
    row = client.get(f"/screenings/{record['id']}/row").text
    assert "<html" not in row
    assert "&lt;i&gt;" in row
    assert f"{record['score']:.3f}" in row
    refused = client.get(f"/screenings/{post(b'text').json['id']}/row").text
    assert "The file is no JPEG, PNG or DICOM image." in refused


def test_no_page_says_normal_or_loads_from_elsewhere(
    client: FlaskClient, post: Post, png: bytes
) -> None:
    record, refused = post(png).json["id"], post(b"text").json["id"]
    demonstration = client.post("/demonstration").location
    paths = ["/", "/none", demonstration, f"{demonstration}/print"]
    for screening_id in (record, refused):
        paths += [f"/screenings/{screening_id}{part}" for part in ("", "/print")]
    for path in paths:
        text = client.get(path).text
        lowered = text.lower()
        assert "normal" not in lowered
        assert "healthy" not in lowered
        assert edge.STANDING_SENTENCE in text
        for word in ("http://", "https://", "<style", " style=", " onclick=", "<script>"):
            assert word not in lowered, path


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.[cj]s*")), ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "http" not in text
    assert "@import" not in text
    assert "url(" not in text.replace("url(#contrast)", "")  # a filter of the page itself


def test_recent_screenings_stand_on_the_start_page(
    client: FlaskClient, post: Post, png: bytes
) -> None:
    screening = post(png, patient_id="K-9").json
    page = client.get("/").text
    assert "K-9" in page
    assert f"/screenings/{screening['id']}" in page
    assert f"{screening['score']:.3f}" in client.get(f"/screenings/{screening['id']}").text
