"""Who may ask the kiosk, and what every answer carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from edge.web.guard import HEADERS

Post = Callable[..., Any]


def _codes(answer: Any) -> list[str]:
    return [reason["code"] for reason in answer.json["reasons"]]


@pytest.mark.parametrize("path", ["/", "/none", "/api/none", "/healthz", "/static/kiosk.css"])
def test_every_answer_is_guarded(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers
    for name, value in HEADERS.items():
        assert headers[name] == value
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "Set-Cookie" not in headers


def test_outcomes_are_not_cached(client: FlaskClient, post: Post, png: bytes) -> None:
    for answer in (post(png), post(png, "/screenings"), client.get("/"), client.get("/screenings")):
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 201),
        ({"Origin": "http://localhost"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[broken"}, 403),
    ],
)
def test_only_this_kiosks_own_pages_may_post(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    assert client.post("/api/demonstration", headers=headers).status_code == status
    page = client.post("/demonstration", headers=headers)
    assert page.status_code == (303 if status == 201 else 403)


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]", "[::1]:8"])
def test_the_kiosk_answers_to_loopback_names(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "elsewhere.example",
        "127.0.0.1.elsewhere.example",
        "localhost, elsewhere",
        "localhost:x",
        "",
        "\xff",
        "[::1",
    ],
)
def test_the_kiosk_answers_to_no_other_name(client: FlaskClient, host: str) -> None:
    page = client.get("/", headers={"Host": host})
    assert page.status_code == 403
    assert "host_not_allowed" in page.text
    assert _codes(client.get("/api/none", headers={"Host": host})) == ["host_not_allowed"]
