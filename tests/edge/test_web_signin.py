"""Signing in and out, as a browser does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from edge.accounts import FREE_ATTEMPTS
from edge.web import KioskConfig, create_app
from edge.web.access import COOKIE

PINS = {"administrator": "246810", "operator": "135791"}


@pytest.fixture
def guarded(app: Flask) -> FlaskClient:
    """A kiosk where both roles have a PIN."""
    for role, pin in PINS.items():
        app.extensions["kiosk"].accounts.set_pin(role, pin, "a test")
    return app.test_client()


def _sign_in(
    client: FlaskClient, role: str, pin: str | None = None, back: str = "/"
) -> TestResponse:
    return client.post("/sign-in", data={"role": role, "pin": pin or PINS[role], "next": back})


def test_one_comes_back_to_where_one_was_sent_from(guarded: FlaskClient) -> None:
    sent = guarded.get("/settings?done=saved")
    assert sent.status_code == 303
    form = guarded.get(sent.location).get_data(as_text=True)
    assert 'value="/settings?done=saved"' in form
    assert 'value="administrator" required checked' not in form  # an operator may come first
    answer = _sign_in(guarded, "administrator", back="/settings?done=saved")
    assert (answer.status_code, answer.location) == (303, "/settings?done=saved")
    assert guarded.get(answer.location).status_code == 200


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\t//e"],
)
def test_it_never_leads_away(guarded: FlaskClient, back: str) -> None:
    form = guarded.get("/sign-in", query_string={"next": back}).get_data(as_text=True)
    assert '<input type="hidden" name="next" value="/">' in form
    assert _sign_in(guarded, "operator", back=back).location == "/"


def test_the_cookie_is_for_the_server_alone(guarded: FlaskClient) -> None:
    header = _sign_in(guarded, "operator").headers["Set-Cookie"]
    assert header.startswith(COOKIE)
    assert "HttpOnly" in header and "SameSite=Strict" in header
    assert "expires" not in header.lower() and "max-age" not in header.lower()


def test_an_operator_is_no_administrator(guarded: FlaskClient) -> None:
    _sign_in(guarded, "operator")
    assert guarded.get("/status").status_code == 200
    assert "/sign-in?role=administrator" in guarded.get("/settings").location
    assert "Only an administrator" in guarded.get("/sign-in?role=administrator").get_data(True)


def test_a_wrong_pin_is_told_beside_the_field(guarded: FlaskClient) -> None:
    answer = _sign_in(guarded, "operator", "000001")
    assert answer.status_code == 403
    page = answer.get_data(as_text=True)
    assert "That is not the PIN." in page and 'aria-invalid="true"' in page
    assert "000001" not in page
    assert COOKIE not in answer.headers.get("Set-Cookie", "")


def test_guesses_are_few(guarded: FlaskClient) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert _sign_in(guarded, "operator", "000001").status_code == 403
    answer = _sign_in(guarded, "operator")  # even the right one waits
    assert answer.status_code == 429
    assert "Try again in" in answer.get_data(as_text=True)
    assert guarded.get("/screenings").status_code == 303


def test_signing_out_ends_the_session_not_only_the_cookie(guarded: FlaskClient) -> None:
    _sign_in(guarded, "operator")
    cookie = guarded.get_cookie(COOKIE)
    assert cookie is not None
    assert guarded.post("/sign-out").location == "/"
    assert guarded.get_cookie(COOKIE) is None
    guarded.set_cookie(COOKIE, cookie.value)
    assert guarded.get("/screenings").status_code == 303


def test_who_was_never_signed_in_may_sign_out(client: FlaskClient) -> None:
    assert client.post("/sign-out").location == "/"


@pytest.mark.parametrize("role", ["", "nobody", "administrator'"])
def test_a_role_that_there_is_not(guarded: FlaskClient, role: str) -> None:
    assert guarded.post("/sign-in", data={"role": role, "pin": "246810"}).status_code == 403


def test_another_site_cannot_sign_in_for_someone(guarded: FlaskClient) -> None:
    headers = {"Origin": "https://evil.example"}
    data = {"role": "operator", "pin": PINS["operator"]}
    assert guarded.post("/sign-in", data=data, headers=headers).status_code == 403
    assert guarded.get("/screenings").status_code == 303


def test_without_pins_there_is_nothing_to_sign_in_to(client: FlaskClient, tmp_path: Path) -> None:
    assert "No PIN is set on this kiosk" in client.get("/sign-in").get_data(as_text=True)
    (tmp_path / "reachable").mkdir()
    open_app = create_app(KioskConfig(tmp_path / "reachable", loopback_only=False))
    page = open_app.test_client().get("/sign-in").get_data(as_text=True)
    assert "pneumokiosk pin --role administrator" in page
    open_app.extensions["kiosk"].close()
