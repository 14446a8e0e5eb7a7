"""A folder of films is chosen, screened and taken along, through the pages."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from edge.artifact import Artifact
from edge.settings import Settings, as_toml
from edge.web import KioskConfig, create_app
from edge.web.batch import PAGE_SIZE
from edge.web.batch_work import Batches

FOLDER = {"folder": "clinic/films"}


def _made(tmp_path: Path, **others: Any) -> Flask:
    data_dir = tmp_path / "kiosk"
    data_dir.mkdir(exist_ok=True)
    settings = Settings(batch_folder=str(tmp_path / "media"))
    (data_dir / "settings.toml").write_text(as_toml(settings), encoding="utf-8")
    app = create_app(KioskConfig(data_dir, variant="int8", threads=1, **others))
    app.testing = True
    return app


@dataclass
class Clinic:
    """A kiosk beside a stick of films."""

    app: Flask
    films: Path

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    @property
    def batches(self) -> Batches:
        found: Batches = self.app.extensions["batches"]
        return found

    def start(self) -> str:
        answer = self.client.post("/batch", data=FOLDER)
        assert answer.status_code == 303
        return str(answer.location)

    def progress(self, page: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.client.get(f"{page}.json").data)
        return found

    def finished(self, page: str) -> dict[str, Any]:
        """Wait for a batch to end, however it does."""
        deadline = time.monotonic() + 60
        while (found := self.progress(page))["running"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found

    def table(self, page: str) -> list[dict[str, str]]:
        text = self.client.get(f"{page}.csv").get_data(as_text=True)
        assert text.startswith("\ufeff")
        return list(csv.DictReader(io.StringIO(text[1:])))

    def close(self) -> None:
        self.batches.close()
        self.app.extensions["kiosk"].close()


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    films = tmp_path / "media" / "clinic" / "films"
    films.mkdir(parents=True)
    clinic = Clinic(_made(tmp_path), films)
    yield clinic
    clinic.close()


def _fill(clinic: Clinic, png: bytes, number: int = 3) -> None:
    for place in range(number):
        (clinic.films / f"film{place:02d}.png").write_bytes(png)


def test_a_folder_is_found_by_its_way(clinic: Clinic, png: bytes) -> None:
    _fill(clinic, png)
    (clinic.films / "later").mkdir()
    (clinic.films / "later" / "film.png").write_bytes(png)
    root = clinic.client.get("/batch").get_data(as_text=True)
    assert "clinic" in root and "4 files" in root
    inner = clinic.client.get("/batch?folder=clinic/films").get_data(as_text=True)
    assert "later" in inner and "1 file<" in inner and "4 files" in inner


@pytest.mark.parametrize(
    "name", ["..", "../..", "/etc", "clinic/../../kiosk", "outside", "no such", "a\0b", "~"]
)
def test_nothing_beside_the_root_is_shown_or_screened(clinic: Clinic, name: str) -> None:
    outside = clinic.films.parents[2] / "kiosk"
    (clinic.films.parents[1] / "outside").symlink_to(outside)
    page = clinic.client.get("/batch", query_string={"folder": name}).get_data(as_text=True)
    assert "folder_unreadable" in page
    assert "settings.toml" not in page
    answer = clinic.client.post("/batch", data={"folder": name})
    assert answer.status_code == 422
    assert clinic.batches.last(5) == []


def test_links_on_the_stick_are_not_followed(clinic: Clinic, png: bytes) -> None:
    _fill(clinic, png, 1)
    (clinic.films / "link").symlink_to(clinic.films.parents[2] / "kiosk")
    (clinic.films / "link.png").symlink_to("/etc/passwd")
    page = clinic.client.get("/batch?folder=clinic/films").get_data(as_text=True)
    assert "link.png" not in page and ">link<" not in page and "1 file." in page
    assert clinic.finished(clinic.start())["total"] == 1


def test_one_bad_file_does_not_stop_the_rest(clinic: Clinic, png: bytes) -> None:
    _fill(clinic, png)
    (clinic.films / "film01.png").write_bytes(b"no film")
    page = clinic.start()
    found = clinic.finished(page)
    assert found["finished"] and found["trouble"] is None
    assert (found["done"], found["total"], found["counts"]["refused"]) == (3, 3, 1)
    rows = clinic.table(page)
    assert [row["file"] for row in rows] == ["film00.png", "film01.png", "film02.png"]
    assert rows[1]["outcome"] == "refused" and "unsupported_format" in rows[1]["reasons"]
    assert clinic.app.extensions["kiosk"].records.count() == 3
    shown = clinic.client.get(page).get_data(as_text=True)
    assert all(f"/screenings/{row['id']}" in shown for row in rows)
    assert "Stop" not in shown and "Resume" not in shown


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(clinic: Clinic, png: bytes) -> None:
    _fill(clinic, png, 2)
    (clinic.films / "film00.png").chmod(0)
    page = clinic.start()
    assert clinic.finished(page)["counts"]["refused"] == 1
    assert "unreadable_file" in clinic.table(page)[0]["reasons"]
    assert "cannot be read" in clinic.client.get(page).get_data(as_text=True)


def test_names_are_text_to_pages_and_spreadsheets(clinic: Clinic, png: bytes) -> None:
    for name in ("=1+2.png", "<b>bold.png", "a\nb.png"):
        (clinic.films / name).write_bytes(png)
    (clinic.films / "<i>folder").mkdir()
    page = clinic.start()
    clinic.finished(page)
    assert {row["file"] for row in clinic.table(page)} == {
        "'=1+2.png", "<b>bold.png", "a\\nb.png"
    }  # fmt: skip
    for address in (page, "/batch?folder=clinic/films"):
        shown = clinic.client.get(address).get_data(as_text=True)
        assert "<b>bold" not in shown and "<i>folder" not in shown


def test_what_was_stopped_goes_on_where_it_was(clinic: Clinic, png: bytes, tmp_path: Path) -> None:
    _fill(clinic, png, 30)
    page = clinic.start()
    assert clinic.client.post(f"{page}/stop").status_code == 303
    stopped = clinic.finished(page)
    assert not stopped["finished"] and stopped["done"] < 30
    assert "Resume" in clinic.client.get(page).get_data(as_text=True)
    clinic.close()
    # As after a kill: half a line is left, and another process goes on.
    journal = next((tmp_path / "kiosk" / "batches").iterdir())
    with journal.open("ab") as file:
        file.write(b'{"file": "film2')
    again = Clinic(_made(tmp_path), clinic.films)
    try:
        assert again.client.post(f"{page}/resume").status_code == 303
        found = again.finished(page)
        assert found["finished"] and found["done"] == 30
        assert [row["file"] for row in again.table(page)] == [f"film{n:02d}.png" for n in range(30)]
        assert again.app.extensions["kiosk"].records.count() == 30
    finally:
        again.close()


def test_two_batches_at_once_are_one_too_many(clinic: Clinic, png: bytes) -> None:
    _fill(clinic, png, 30)
    page = clinic.start()
    answer = clinic.client.post("/batch", data=FOLDER)
    assert answer.status_code == 409
    assert "batch_running" in answer.get_data(as_text=True)
    assert clinic.client.post(f"{page}/delete").status_code == 409
    clinic.client.post(f"{page}/stop")
    clinic.finished(page)


def test_a_stick_that_is_pulled_out_blames_no_film(clinic: Clinic, png: bytes) -> None:
    _fill(clinic, png, 30)
    page = clinic.start()
    while clinic.progress(page)["done"] == 0:
        time.sleep(0.01)
    away = clinic.films.with_name("away")
    clinic.films.rename(away)
    found = clinic.finished(page)
    assert found["trouble"]["code"] == "folder_unreadable"
    assert found["counts"]["refused"] == 0 and not found["finished"]
    assert "Is the stick plugged in?" in clinic.client.get(page).get_data(as_text=True)
    away.rename(clinic.films)
    clinic.client.post(f"{page}/resume")
    found = clinic.finished(page)
    assert (found["done"], found["finished"], found["trouble"]) == (30, True, None)


def test_records_that_cannot_be_written_stop_it_with_the_reason(
    clinic: Clinic, png: bytes, tmp_path: Path
) -> None:
    _fill(clinic, png, 2)
    database = tmp_path / "kiosk" / "screenings.sqlite3"
    clinic.client.get("/screenings")
    clinic.app.extensions["kiosk"].close()
    database.write_bytes(b"no database" * 1000)
    clinic.batches.start("clinic/films")
    deadline = time.monotonic() + 30
    while clinic.batches.running(1):
        assert time.monotonic() < deadline
    trouble = clinic.batches.trouble(1)
    assert trouble is not None and trouble.code == "records_unavailable"
    assert clinic.batches.progress(1).done == 0


def test_results_are_shown_page_by_page_the_last_first(clinic: Clinic, png: bytes) -> None:
    for place in range(PAGE_SIZE + 2):
        (clinic.films / f"film{place:02d}.png").write_bytes(b"no film")
    page = clinic.start()
    clinic.finished(page)
    first = clinic.client.get(page).get_data(as_text=True)
    assert f"film{PAGE_SIZE + 1}.png" in first and "film01.png" not in first
    last = clinic.client.get(f"{page}?page=1").get_data(as_text=True)
    assert "film01.png" in last and "film02.png" not in last
    assert clinic.client.get(f"{page}?page=-7").status_code == 200
    assert "film01.png" in clinic.client.get(f"{page}?page=99").get_data(as_text=True)


def test_a_deleted_screening_leaves_the_table(clinic: Clinic, png: bytes) -> None:
    _fill(clinic, png)
    page = clinic.start()
    clinic.finished(page)
    screening = clinic.table(page)[1]["id"]
    clinic.client.post(f"/screenings/{screening}/delete")
    assert [row["file"] for row in clinic.table(page)] == ["film00.png", "film02.png"]
    assert "was deleted" in clinic.client.get(page).get_data(as_text=True)


def test_a_list_is_deleted_and_its_screenings_stay(clinic: Clinic, png: bytes) -> None:
    _fill(clinic, png)
    page = clinic.start()
    clinic.finished(page)
    assert clinic.client.post(f"{page}/delete").status_code == 303
    for door in ("", ".json", ".csv"):
        assert clinic.client.get(page + door).status_code == 404
    assert clinic.client.post(f"{page}/resume").status_code == 404
    assert clinic.app.extensions["kiosk"].records.count() == 3


def test_without_a_model_nothing_is_begun(tmp_path: Path, artifact: Artifact) -> None:
    (tmp_path / "media" / "clinic" / "films").mkdir(parents=True)
    clinic = Clinic(_made(tmp_path, artifact=tmp_path), tmp_path)
    try:
        assert "its model was refused" in clinic.client.get("/batch").get_data(as_text=True)
        answer = clinic.client.post("/batch", data=FOLDER)
        assert answer.status_code == 503
        assert clinic.batches.last(5) == []
    finally:
        clinic.close()


def test_a_root_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    clinic = Clinic(_made(tmp_path), tmp_path)
    try:
        answer = clinic.client.get("/batch")
        assert answer.status_code == 200
        assert "Is the stick plugged in?" in answer.get_data(as_text=True)
    finally:
        clinic.close()
