"""The kiosk's JSON, its answers to odd requests, and what it does without a model."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

import edge
from edge.artifact import Artifact
from edge.phantom import draw_phantom
from edge.radiograph import MAX_BYTES, PNG_SIGNATURE
from edge.records import DATABASE
from edge.screening import OUTCOMES
from edge.web import KioskConfig, create_app

Post = Callable[..., Any]

MULTIPART = "multipart/form-data; boundary=x"


@pytest.fixture
def without_model(artifact: Artifact, tmp_path: Path) -> FlaskClient:
    """A kiosk whose artifact was altered."""
    folder = Path(shutil.copytree(artifact.folder, tmp_path / "artifact"))
    path = folder / artifact.manifest.variants[artifact.manifest.default_variant]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    return create_app(KioskConfig(tmp_path, folder)).test_client()


def _codes(answer: Any) -> list[str]:
    return [reason["code"] for reason in answer.json["reasons"]]


def _form(data: bytes) -> dict[str, Any]:
    return {"image": (io.BytesIO(data), "film.png")}


def test_a_screening_is_answered_and_stored(
    post: Post, client: FlaskClient, jpeg: bytes, png: bytes
) -> None:
    for data in (jpeg, png):
        answer = post(data)
        assert answer.status_code == 201
        screening = answer.json
        assert screening["outcome"] in OUTCOMES[:3]
        assert 0 <= screening["score"] <= 1
        assert screening["notice"] == edge.STANDING_SENTENCE
        assert screening["synthetic"] is False
        assert set(screening["model"]) >= {"name", "version", "sha256"}
        assert set(screening["timings_ms"]) == {"decode", "preprocess", "inference", "total"}
        stored = client.get(f"/api/screenings/{screening['id']}")
        assert stored.status_code == 200
        assert stored.json == {**screening, "attention": None}


def test_what_was_typed_comes_back(post: Post, png: bytes) -> None:
    answer = post(png, patient_id="Ä 12", age_months="30", sex="m", view="ap")
    expected = {"patient_id": "Ä 12", "age_months": 30, "sex": "M", "view": "AP"}
    assert {name: answer.json[name] for name in expected} == expected


def test_what_a_dicom_file_says_stands_beside_what_was_typed(
    post: Post, dicom: Callable[..., bytes]
) -> None:
    data = dicom(draw_phantom(side=256), PatientAge="004Y", PatientSex="F", ViewPosition="AP")
    screening = post(data, age_months="30").json
    says = screening["file_says"]
    assert (says["age_months"], says["sex"], says["view"]) == (48, "F", "AP")
    assert (screening["age_months"], screening["sex"]) == (30, None)
    assert post(b"text").json["file_says"] is None


@pytest.mark.parametrize(
    "fields", [{"age_months": "old"}, {"sex": "x"}, {"view": "x"}, {"patient_id": "x" * 65}]
)
def test_what_breaks_a_rule_is_refused(post: Post, png: bytes, fields: dict[str, str]) -> None:
    answer = post(png, **fields)
    assert answer.status_code == 422
    assert _codes(answer) == ["invalid_field"]
    assert answer.json["outcome"] == "refused"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"text in a file named .png", "unsupported_format"),
        (PNG_SIGNATURE, "truncated"),
    ],
)
def test_what_is_no_radiograph_is_refused(post: Post, data: bytes, code: str) -> None:
    answer = post(data)
    assert answer.status_code == 422
    assert answer.json["outcome"] == "refused"
    assert answer.json["score"] is None
    assert _codes(answer) == [code]
    assert answer.json["id"]


def test_truncated_films_are_refused(post: Post, png: bytes, jpeg: bytes) -> None:
    for data in (png, jpeg):
        answer = post(data[: len(data) // 2])
        assert (answer.status_code, _codes(answer)) == (422, ["truncated"])


def test_a_file_of_just_the_accepted_size_passes_the_door(post: Post) -> None:
    answer = post(PNG_SIGNATURE + bytes(MAX_BYTES - len(PNG_SIGNATURE)))
    assert answer.status_code == 422  # it is no image, but it was read


@pytest.mark.parametrize("size", [MAX_BYTES + 1, MAX_BYTES + 10_000_000])
def test_larger_files_are_refused(post: Post, client: FlaskClient, size: int) -> None:
    answer = post(bytes(size))
    assert answer.status_code == 413
    assert _codes(answer) == ["file_too_large"]
    assert answer.json["outcome"] == "refused"
    page = post(bytes(size), "/screenings")
    if page.status_code == 303:  # it was read, and recorded as refused
        page = client.get(page.location)
    else:
        assert page.status_code == 413
    assert "Refused" in page.text
    assert "25 MB" in page.text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", None),
        (b"", "multipart/form-data"),
        (b"rubbish", MULTIPART),
        (b"--x\r\nContent-Disposition: form-data; name=image; filename=f", MULTIPART),
        (b"--x--", MULTIPART),
        (b"image=text", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"\xff\xfe", "no/such; type=\xff"),
    ],
)
def test_a_body_without_an_image_is_refused(
    client: FlaskClient, body: bytes, kind: str | None
) -> None:
    answer = client.post("/api/screenings", data=body, content_type=kind)
    assert answer.status_code == 422
    assert _codes(answer) == ["no_image"]


def test_one_image_at_a_time(client: FlaskClient, png: bytes) -> None:
    form = {"image": [(io.BytesIO(png), "a.png"), (io.BytesIO(png), "b.png")]}
    answer = client.post("/api/screenings", data=form)
    assert (answer.status_code, _codes(answer)) == (422, ["several_images"])


def test_mutated_films_never_break_the_kiosk(post: Post, png: bytes, jpeg: bytes) -> None:
    rng = np.random.default_rng(0)
    for i in range(300):
        data = bytearray(jpeg if i % 3 else png)
        for place in rng.integers(0, len(data), int(rng.integers(1, 12))):
            data[place] = rng.integers(256)
        if i % 7 == 0:
            del data[int(rng.integers(1, len(data))) :]
        answer = post(bytes(data), "/api/screenings" if i % 4 else "/screenings")
        assert answer.status_code in (201, 422, 303)


def test_unknown_things_are_answered(client: FlaskClient) -> None:
    for path in ("/api/screenings/none", "/api/none", "/api/screenings/%00", "/api/screenings/a/b"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert _codes(answer)
    for path in ("/none", "/screenings/none", "/static/none", "/static/%00", "/static/../api.py"):
        page = client.get(path)
        assert page.status_code == 404
        assert edge.STANDING_SENTENCE in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/screenings"),
        ("PUT", "/api/screenings"),
        ("DELETE", "/api/screenings/x"),
        ("POST", "/"),
        ("POST", "/healthz"),
        ("GET", "/demonstration"),
        ("BREW", "/"),
        ("TRACE", "/api/screenings"),
    ],
)
def test_wrong_methods_are_answered(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"]


def test_the_demonstration_says_that_it_is_synthetic(client: FlaskClient) -> None:
    answer = client.post("/api/demonstration")
    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json["synthetic"] is True
    assert client.get(f"/api/screenings/{answer.json['id']}").json["synthetic"] is True  # type: ignore[index]
    assert "Synthetic" in client.post("/demonstration", follow_redirects=True).text
    assert "Synthetic" in client.get(f"/screenings/{answer.json['id']}").text
    assert "Synthetic" in client.get("/screenings").text


def test_what_is_answered_is_json_that_any_reader_takes(post: Post, png: bytes) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    json.loads(post(png).text, parse_constant=refuse)


# Health, and a kiosk that cannot screen


def test_a_kiosk_with_a_verified_model_is_ready(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["status"] == "ready"
    assert answer.json["model"]["sha256"]


def test_a_kiosk_with_an_altered_model_screens_nothing(
    without_model: FlaskClient, png: bytes
) -> None:
    health = without_model.get("/healthz")
    assert health.status_code == 503
    assert health.json is not None
    assert health.json["code"] == "hash_mismatch"
    for path in ("/api/screenings", "/api/demonstration"):
        answer = without_model.post(path, data=_form(png))
        assert answer.status_code == 503
        assert _codes(answer) == ["hash_mismatch"]
        assert answer.json is not None
        assert answer.json["score"] is None
    page = without_model.get("/")
    assert page.status_code == 200
    assert "cannot screen" in page.text
    assert "hash_mismatch" in page.text
    assert 'type="file"' not in page.text
    assert without_model.post("/screenings", data=_form(png)).status_code == 503
    assert without_model.post("/demonstration").status_code == 503
    without_model.application.extensions["kiosk"].records.close()


def test_nothing_is_acknowledged_that_was_not_recorded(
    client: FlaskClient, post: Post, png: bytes, tmp_path: Path
) -> None:
    (tmp_path / DATABASE).mkdir()  # where the file would be
    for answer in (post(png), client.get("/api/screenings/x")):
        assert answer.status_code == 503
        assert _codes(answer) == ["records_unavailable"]
    assert post(png).json["score"] is None
    for page in (post(png, "/screenings"), client.post("/demonstration")):
        assert page.status_code == 503
        assert "Score" not in page.text
    assert client.get("/screenings").status_code == 503
    assert "records_unavailable" in client.get("/").text
