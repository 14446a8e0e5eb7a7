"""Refusals speak the language of the page, those with numbers in them too."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import edge
from edge.quality import SENTENCES
from edge.web.language import COOKIE
from edge.web.refusals import GENERAL


def image_codes() -> set[str]:
    """Every code that an image is refused for, as the sources have them."""
    found = set()
    for path in Path(edge.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "ImageRefused"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(str(node.args[0].value))
    return found


def test_every_refusal_of_an_image_has_a_sentence_in_every_language() -> None:
    codes = image_codes()
    assert {"truncated", "too_small", "codec_missing"} <= codes
    assert codes <= GENERAL.keys() | SENTENCES.keys()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The file is no JPEG, PNG or DICOM image."),
        ("fr", "une image JPEG, PNG ou DICOM."),  # what comes before is an escaped apostrophe
        ("ar", "الملف ليس صورة JPEG أو PNG أو DICOM."),
    ],
)
def test_a_refused_file_is_told_in_the_language_of_the_page(
    client: FlaskClient, language: str, said: str
) -> None:
    client.set_cookie(COOKIE, language)
    answer = client.post(
        "/screenings", data={"image": (io.BytesIO(b"text"), "film.jpg")}, follow_redirects=True
    )
    assert said in answer.text
    assert "unsupported_format" in answer.text


def test_a_field_that_was_typed_wrong_is_told_too(client: FlaskClient, png: bytes) -> None:
    client.set_cookie(COOKIE, "es")
    fields = {"image": (io.BytesIO(png), "film.png"), "age_months": "many"}
    answer = client.post("/screenings", data=fields, follow_redirects=True)
    assert "Lo que se escribió no se puede aceptar." in answer.text


def test_faults_are_told_in_the_language_of_the_page(client: FlaskClient) -> None:
    client.set_cookie(COOKIE, "fr")
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert "There is no such page" not in page.text
    assert "Not found" not in page.text
    assert "not_found" in page.text
    answer = client.post("/api/screenings", data={"age_months": "many"})
    assert answer.json is not None
    assert answer.json["reasons"][0]["message"].startswith("No image was sent")
    assert answer.json["shown"].startswith("Aucune image")
