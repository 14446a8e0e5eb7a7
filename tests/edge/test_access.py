"""Who may do what, by PIN and cookie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from edge.settings import FILE
from edge.web import KioskConfig, create_app
from edge.web.access import COOKIE
from edge.web.kiosk import Kiosk

PIN = "493816"


def kiosk_of(app: Flask) -> Kiosk:
    kiosk: Kiosk = app.extensions["kiosk"]
    return kiosk


@pytest.fixture
def open_app(tmp_path: Path) -> Iterator[Flask]:
    """A kiosk that other machines can reach."""
    (tmp_path / FILE).write_text('host_names = "kiosk.clinic"\n', encoding="utf-8")
    app = create_app(KioskConfig(tmp_path, loopback_only=False))
    app.testing = True
    kiosk_of(app).accounts.set_pin("operator", PIN, "test")
    yield app
    kiosk_of(app).close()


def signed_in(app: Flask, role: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie(COOKIE, kiosk_of(app).accounts.sign_in(role, PIN))
    return client


def test_without_pins_whoever_sits_there_may_screen(client: FlaskClient) -> None:
    assert client.get("/").status_code == 200
    assert client.post("/api/demonstration").status_code == 201


def test_a_pin_for_operators_keeps_everyone_else_out(app: Flask, client: FlaskClient) -> None:
    kiosk_of(app).accounts.set_pin("operator", PIN, "test")
    page = client.get("/screenings?patient_id=7")
    assert page.status_code == 303
    assert page.headers["Location"].startswith("/sign-in?role=operator&next=/screenings")
    answer = client.post("/api/demonstration")
    assert (answer.status_code, answer.get_json()["reasons"][0]["code"]) == (401, "sign_in_needed")
    assert client.get("/healthz").status_code == 200
    assert signed_in(app, "operator").get("/").status_code == 200


def test_an_ended_session_lets_nobody_in(app: Flask) -> None:
    kiosk_of(app).accounts.set_pin("operator", PIN, "test")
    client = signed_in(app, "operator")
    kiosk_of(app).accounts.set_pin("operator", PIN + "7", "test")
    assert client.get("/").status_code == 303


def test_a_made_up_session_lets_nobody_in(app: Flask, client: FlaskClient) -> None:
    kiosk_of(app).accounts.set_pin("operator", PIN, "test")
    client.set_cookie(COOKIE, "made-up")
    assert client.get("/").status_code == 303


def test_reachable_by_others_everyone_signs_in(open_app: Flask) -> None:
    stranger = open_app.test_client()
    assert stranger.get("/").status_code == 303
    assert signed_in(open_app, "operator").get("/").status_code == 200


@pytest.mark.parametrize("host", ["192.168.1.7:8080", "[fe80::1]", "kiosk.clinic", "localhost"])
def test_reachable_by_others_it_answers_to_its_names(open_app: Flask, host: str) -> None:
    client = signed_in(open_app, "operator")
    answer = client.get("/healthz", headers={"Host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "kiosk.clinic.evil.example", "192.168.1.7.evil"])
def test_reachable_by_others_it_answers_to_no_other_name(open_app: Flask, host: str) -> None:
    answer = open_app.test_client().get("/healthz", headers={"Host": host})
    assert answer.status_code == 403
    assert answer.get_json()["reasons"][0]["code"] == "host_not_allowed"
