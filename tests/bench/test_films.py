"""What a path of the command line stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.films import drawn_films, films_of_table, find_films, require_labels
from edge.artifact import load_artifact
from edge.errors import DataRefused
from edge.screening import Screener


def fill(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())


def test_published_test_folder(tmp_path: Path) -> None:
    fill(tmp_path / "test" / "NORMAL", "IM-0001-0001.jpeg")
    fill(tmp_path / "test" / "PNEUMONIA", "person1_virus_1.jpeg", "person2_bacteria_1.jpeg")
    films = find_films(tmp_path)
    assert films.name == f"{tmp_path.name}, test folder"
    assert [(film.file, film.label) for film in films.films] == [
        ("NORMAL/IM-0001-0001.jpeg", 0),
        ("PNEUMONIA/person1_virus_1.jpeg", 1),
        ("PNEUMONIA/person2_bacteria_1.jpeg", 1),
    ]
    assert films.films[1].patient == "PNEUMONIA/person1"
    assert require_labels(films) is films


def test_folder_of_the_two_classes(tmp_path: Path) -> None:
    fill(tmp_path / "NORMAL", "a.png")
    fill(tmp_path / "PNEUMONIA", "b.png")
    assert [film.label for film in find_films(tmp_path).films] == [0, 1]


def test_plain_folder_has_no_labels(tmp_path: Path) -> None:
    fill(tmp_path / "ward", "b.JPG", "a.dcm", "notes.txt")
    films = find_films(tmp_path)
    assert [(film.file, film.label) for film in films.films] == [
        ("ward/a.dcm", None),
        ("ward/b.JPG", None),
    ]
    with pytest.raises(DataRefused) as refusal:
        require_labels(films)
    assert refusal.value.code == "missing_labels"


def test_table_of_another_hospital(tmp_path: Path) -> None:
    fill(tmp_path / "films", "a.png", "b.png", "c.png")
    table = tmp_path / "films" / "labels.csv"
    table.write_text("file,label,patient\na.png,PNEUMONIA,7\nb.png,0,\nc.png,,\n", "utf-8-sig")
    films = find_films(table)
    assert [(film.label, film.patient) for film in films.films] == [
        (1, "7"), (0, "b.png"), (None, "c.png"),
    ]  # fmt: skip
    assert films.films[0].read() == b"a.png"
    elsewhere = films_of_table(table, tmp_path)
    with pytest.raises(OSError):
        elsewhere.films[0].read()


@pytest.mark.parametrize(
    "text",
    ["", "file,label\n", "name,label\na.png,1\n", "file\na.png\n", "file,label\na.png,sick\n",
     "file,label\na.png,1\na.png,0\n"],
)  # fmt: skip
def test_table_that_says_something_else_is_refused(tmp_path: Path, text: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(text)
    with pytest.raises(DataRefused) as refusal:
        films_of_table(table)
    assert refusal.value.code == "invalid_table"


@pytest.mark.parametrize(
    ("name", "code"), [("x.csv", "missing_table"), ("x", "missing_folder"), (".", "no_images")]
)
def test_nothing_there_is_refused(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(DataRefused) as refusal:
        find_films(tmp_path / name)
    assert refusal.value.code == code


def test_sample_is_evenly_spaced_and_says_so(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{i:03}.png" for i in range(101)))
    whole = find_films(tmp_path)
    sample = whole.sampled(11)
    assert [film.file for film in sample.films] == [f"{i:03}.png" for i in range(0, 101, 10)]
    assert (sample.describe()["films"], sample.describe()["listed"]) == (11, 101)
    assert whole.sampled(500).films == whole.films


def test_other_films_have_another_digest(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "b.png")
    before = find_films(tmp_path).digest
    assert find_films(tmp_path).digest == before
    (tmp_path / "a.png").write_bytes(b"longer than before")
    assert find_films(tmp_path).digest != before


def test_drawn_films_have_no_label_and_can_be_screened() -> None:
    films = drawn_films(4, 256)
    assert [film.label for film in films.films] == [None] * 4
    screening = Screener(load_artifact(), actions={}).screen(films.films[0].read())
    assert screening.radiograph is not None
