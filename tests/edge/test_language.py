"""Pages speak the language that was chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from edge.settings import FILE
from edge.web import KioskConfig, create_app
from edge.web.language import COOKIE, local_path


def test_a_page_says_its_language_and_direction(client: FlaskClient) -> None:
    assert '<html lang="en" dir="ltr">' in client.get("/").text
    client.set_cookie(COOKIE, "ar")
    assert '<html lang="ar" dir="rtl">' in client.get("/").text


def test_the_choice_is_remembered_and_leads_back(client: FlaskClient) -> None:
    answer = client.post("/language", data={"language": "fr", "next": "/screenings?page=2"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/screenings?page=2")
    assert '<html lang="fr"' in client.get("/").text


def test_an_unknown_language_changes_nothing(client: FlaskClient) -> None:
    client.post("/language", data={"language": "xx"})
    assert '<html lang="en"' in client.get("/").text
    client.set_cookie(COOKIE, "../../etc")
    assert '<html lang="en"' in client.get("/").text


def test_the_clinic_has_a_language_of_its_own(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('language = "sw"\n', encoding="utf-8")
    app = create_app(KioskConfig(tmp_path))
    assert '<html lang="sw"' in app.test_client().get("/").text
    app.extensions["kiosk"].close()


def test_drafts_are_marked_as_such(client: FlaskClient) -> None:
    assert 'class="draft"' not in client.get("/").text
    client.set_cookie(COOKIE, "pt")
    assert 'class="draft"' in client.get("/").text


@pytest.mark.parametrize("path", ["/", "/screenings?page=2", "/a/b"])
def test_local_paths_are_gone_on_to(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
        "evil",
        "http://[",
    ],
)
def test_other_places_are_not(path: str) -> None:
    assert local_path(path) == "/"
