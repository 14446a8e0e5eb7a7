"""Films looked at again, and screened again with something put right."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from edge.artifact import Artifact
from edge.phantom import draw_phantom
from edge.settings import Settings, as_toml
from edge.web import KioskConfig, create_app
from edge.web.pictures import RecentPictures

PATIENT = {"patient_id": "K-9", "age_months": "30", "sex": "F", "view": "AP"}


@pytest.fixture
def keeping(app: Flask) -> Flask:
    """The kiosk, keeping images."""
    app.extensions["kiosk"].change_settings(Settings(keep_images=True), "test")
    return app


def _png(pixels: np.ndarray[Any, Any]) -> bytes:
    _, data = cv2.imencode(".png", pixels)
    return data.tobytes()


UPRIGHT = draw_phantom(side=300)
SIDEWAYS = _png(np.rot90(UPRIGHT, -1))
INVERTED = _png(255 - UPRIGHT)


def _screen(client: FlaskClient, data: bytes, **fields: str) -> Any:
    form = {**fields, "image": (io.BytesIO(data), "film")}
    return client.post("/api/screenings", data=form).json


def _forget_memory(app: Flask) -> None:
    """As after a start: what was in memory is gone."""
    app.extensions["kiosk"].pictures = RecentPictures()


def _shown(client: FlaskClient, screening_id: str, what: str = "radiograph.jpg") -> Any:
    answer = client.get(f"/screenings/{screening_id}/{what}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_a_film_is_looked_at_as_it_was_sent(client: FlaskClient) -> None:
    record = _screen(client, _png(UPRIGHT))
    assert record["outcome"] != "refused"
    shown = _shown(client, record["id"])
    assert np.abs(shown.astype(int) - UPRIGHT).mean() < 4
    attention = _shown(client, record["id"], "attention.png")
    assert attention.shape[2] == 4
    page = client.get(f"/screenings/{record['id']}").text
    assert 'id="radiograph"' in page and 'id="attention"' in page


@pytest.mark.parametrize(
    ("data", "code"), [(SIDEWAYS, "rotated_clockwise"), (INVERTED, "inverted")]
)
def test_what_is_held_wrongly_is_put_right_on_request(
    client: FlaskClient, data: bytes, code: str
) -> None:
    refused = _screen(client, data, **PATIENT)
    assert [reason["code"] for reason in refused["reasons"]] == [code]
    for part in ("", "/row"):
        page = client.get(f"/screenings/{refused['id']}{part}").text
        assert f'action="/screenings/{refused["id"]}/again"' in page
        assert f'value="{code}"' in page
    answer = client.post(f"/api/screenings/{refused['id']}/again", data={"correction": code})
    assert answer.status_code == 201
    righted = answer.json
    assert righted is not None
    assert righted["corrected"] == [code]
    assert righted["id"] != refused["id"]
    assert [righted[name] for name in PATIENT] == ["K-9", 30, "F", "AP"]
    assert client.get(f"/api/screenings/{refused['id']}").json["corrected"] == []  # type: ignore[index]
    upright = _screen(client, _png(UPRIGHT))
    assert righted["score"] == pytest.approx(upright["score"], abs=1e-6)
    assert np.abs(_shown(client, righted["id"]).astype(int) - UPRIGHT).mean() < 4
    page = client.get(f"/screenings/{righted['id']}").text
    assert "Put right" in page
    assert "/again" not in page


def test_a_film_with_two_faults_takes_two_corrections(client: FlaskClient) -> None:
    record = _screen(client, _png(255 - np.rot90(UPRIGHT, -1)))
    told = []
    while record["outcome"] == "refused":
        code = record["reasons"][0]["code"]
        told.append(code)
        assert len(told) <= 2
        page = client.post(f"/screenings/{record['id']}/again", data={"correction": code})
        assert page.status_code == 303
        record = client.get(f"/api{page.location}").json
    assert record["corrected"] == told == ["inverted", "rotated_clockwise"]


def test_only_what_was_refused_is_put_right(client: FlaskClient) -> None:
    good, bad = _screen(client, _png(UPRIGHT))["id"], _screen(client, INVERTED)["id"]
    unread = _screen(client, b"text")["id"]
    for screening_id, code, status in [
        (good, "inverted", 422),
        (bad, "rotated_clockwise", 422),
        (bad, "<b>", 422),
        (unread, "inverted", 410),
        ("none", "inverted", 404),
    ]:
        for path in ("/api/screenings", "/screenings"):
            answer = client.post(f"{path}/{screening_id}/again", data={"correction": code})
            assert answer.status_code == status


def test_what_is_gone_is_said_to_be_gone(client: FlaskClient, app: Flask) -> None:
    record, refused = _screen(client, _png(UPRIGHT)), _screen(client, INVERTED)
    _forget_memory(app)
    for path in ("radiograph.jpg", "attention.png"):
        assert client.get(f"/screenings/{record['id']}/{path}").status_code == 410
        assert client.get(f"/screenings/none/{path}").status_code == 404
    page = client.get(f"/screenings/{record['id']}").text
    assert "no longer held" in page
    assert 'id="radiograph"' not in page
    assert "/again" not in client.get(f"/screenings/{refused['id']}").text
    again = client.post(f"/api/screenings/{refused['id']}/again", data={"correction": "inverted"})
    assert again.status_code == 410


def test_a_deleted_film_is_not_shown(client: FlaskClient, app: Flask) -> None:
    record = _screen(client, _png(UPRIGHT))
    with app.extensions["kiosk"].records.database.write() as connection:
        connection.execute("DELETE FROM screenings")
    assert client.get(f"/screenings/{record['id']}/radiograph.jpg").status_code == 404


def test_kept_images_are_looked_at_after_a_start(keeping: Flask, client: FlaskClient) -> None:
    record, refused = _screen(client, _png(UPRIGHT)), _screen(client, INVERTED)
    first = _shown(client, record["id"], "attention.png")
    _forget_memory(keeping)
    assert np.abs(_shown(client, record["id"]).astype(int) - UPRIGHT).mean() < 4
    again = _shown(client, record["id"], "attention.png")
    assert np.array_equal(first, again), "the same model draws the same map"
    page = client.post(f"/screenings/{refused['id']}/again", data={"correction": "inverted"})
    righted = client.get(f"/api{page.location}").json
    assert righted is not None
    assert righted["corrected"] == ["inverted"]
    assert righted["outcome"] == record["outcome"]


def test_another_model_draws_no_map_for_this_one(
    keeping: Flask, client: FlaskClient, tmp_path: Path, artifact: Artifact
) -> None:
    record = _screen(client, _png(UPRIGHT))
    keeping.extensions["kiosk"].close()
    (tmp_path / "settings.toml").write_text(as_toml(Settings()), encoding="utf-8")
    other = next(name for name in artifact.manifest.variants if name != record["model"]["variant"])
    app = create_app(KioskConfig(tmp_path, artifact.folder, variant=other))
    client = app.test_client()
    assert client.get(f"/screenings/{record['id']}/attention.png").status_code == 404
    assert client.get(f"/screenings/{record['id']}/radiograph.jpg").status_code == 200
    page = client.get(f"/screenings/{record['id']}").text
    assert 'id="attention"' not in page
    assert "The attention map was not kept." in page
    app.extensions["kiosk"].close()


def test_a_film_that_was_put_right_and_kept_needs_its_file_for_more(
    keeping: Flask, client: FlaskClient
) -> None:
    refused = _screen(client, _png(255 - np.rot90(UPRIGHT, -1)))
    path = f"/api/screenings/{refused['id']}/again"
    second = client.post(path, data={"correction": "inverted"}).json
    assert second is not None
    assert second["outcome"] == "refused"
    assert "/again" in client.get(f"/screenings/{second['id']}").text
    _forget_memory(keeping)
    assert "/again" not in client.get(f"/screenings/{second['id']}").text
    assert "/again" in client.get(f"/screenings/{refused['id']}").text
