"""Accuracy of the shipped artifacts on a small data set of drawn phantoms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.accuracy import screen_films
from bench.accuracy_score import SAMPLE, score_accuracy
from bench.accuracy_table import accuracy_table
from bench.contenders import Contender, choose_contenders, load_artifacts
from bench.films import Film, find_films
from bench.resuming import resumable
from bench.samples import read_samples, samples_of, was_finished
from edge.phantom import phantom_png
from edge.screening import Screener


@pytest.fixture
def phantoms(tmp_path: Path) -> Path:
    for name, opacities in (("NORMAL", 0), ("PNEUMONIA", 3)):
        folder = tmp_path / "hospital" / "test" / name
        folder.mkdir(parents=True)
        for i in range(4):
            (folder / f"{name}-{i}.png").write_bytes(phantom_png(i, 256, opacities))
    return tmp_path / "hospital"


@pytest.fixture(scope="module")
def contenders() -> tuple[Contender, ...]:
    return choose_contenders(load_artifacts([]), None).here


def run(
    contenders: tuple[Contender, ...],
    data: Path,
    path: Path | None = None,
    films: tuple[Film, ...] | None = None,
) -> list[dict[str, object]]:
    found = find_films(data)
    settings = {
        **found.describe(),
        "quick": False,
        "threads": 2,
        "reference": contenders[0].name,
        "contenders": {each.name: each.describe() for each in contenders},
    }
    with resumable(path, "accuracy", {}, settings, resume=True) as recorder:
        screen_films(contenders, films or found.films, recorder, progress=False)
    return recorder.lines


def test_every_variant_screens_every_film_as_the_kiosk_does(
    contenders: tuple[Contender, ...], phantoms: Path
) -> None:
    lines = run(contenders, phantoms)
    samples = samples_of(lines, SAMPLE)
    names = [each.name for each in contenders]
    shipped = {"lite0": ("fp16", "int8"), "slim": ("fp32", "int8")}
    assert names == [f"{name}, LiteRT {v}" for name, variants in shipped.items() for v in variants]
    assert [(line["file"], line["variant"]) for line in samples] == [
        (film.file, name) for film in find_films(phantoms).films for name in names
    ]
    data = (phantoms / "test" / "NORMAL" / "NORMAL-0.png").read_bytes()
    slim = Screener(load_artifacts([])[1], "int8").screen(data)
    first = next(line for line in samples if line["variant"] == "slim, LiteRT int8")
    assert (first["score"], first["outcome"]) == (slim.score, slim.outcome)
    assert slim.attention is not None
    assert len(first["attention"]) == slim.attention.shape[0]


def test_run_becomes_figures_and_a_table(contenders: tuple[Contender, ...], phantoms: Path) -> None:
    result = score_accuracy(run(contenders, phantoms), resamples=20)
    assert result["finished"]
    assert result["data"] == "hospital, test folder"
    for row in result["variants"].values():
        refused = row["refusals"]
        assert refused["films"] == 8
        assert sum(row["outcomes"].values()) == 8
        if row["evaluation"]:
            assert row["evaluation"]["images"] == refused["screened"]
            assert sum(row["evaluation"]["confusion"].values()) == refused["screened"]
    table = accuracy_table(result)
    assert "specificity at recall 0.967" in table
    assert all(each.name in table for each in contenders)


def test_damaged_and_vanished_files_are_counted_not_fatal(
    contenders: tuple[Contender, ...], phantoms: Path
) -> None:
    folder = phantoms / "test" / "NORMAL"
    (folder / "bad.png").write_bytes(b"not an image")
    (folder / "gone.png").symlink_to(phantoms / "nowhere.png")
    result = score_accuracy(run(contenders, phantoms), resamples=20)
    for row in result["variants"].values():
        found = row["refusals"]
        codes = {film["file"]: film["reasons"][0]["code"] for film in found["refused"]}
        assert codes["NORMAL/bad.png"] == "unsupported_format"
        assert codes["NORMAL/gone.png"] == "unreadable_file"
        assert found["films"] == 10
    assert "NORMAL/bad.png | unsupported_format" in accuracy_table(result)


@dataclass(frozen=True)
class PowerCut(Film):
    """A film at which the run dies."""

    def read(self) -> bytes:
        """Never gets there."""
        raise KeyboardInterrupt


def test_killed_run_goes_on_where_it_stopped(
    contenders: tuple[Contender, ...], phantoms: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "accuracy.jsonl"
    films = find_films(phantoms).films
    cut = (*films[:5], PowerCut("x", None, 0, "x"), *films[5:])
    with pytest.raises(KeyboardInterrupt):
        run(contenders, phantoms, path, cut)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"sample": "film", "file": "NORM')
    left = read_samples(path)
    assert len(samples_of(left, SAMPLE)) == 5 * len(contenders)
    half = score_accuracy(left, resamples=20)
    assert not half["finished"]
    assert "cut short" in accuracy_table(half)

    calls: list[str] = []
    lines = run(tuple(counted(contenders, calls)), phantoms, path)
    assert len(calls) == 3 * len(contenders)
    assert was_finished(lines)
    assert read_samples(path) == lines
    whole = run(contenders, phantoms)
    assert json.dumps(samples_of(lines, SAMPLE)) == json.dumps(samples_of(whole, SAMPLE))


def counted(contenders: tuple[Contender, ...], calls: list[str]) -> Iterator[Contender]:
    """The same contenders, writing down when they are asked."""
    for each in contenders:

        def screen(data: bytes, each: Contender = each) -> object:
            calls.append(each.name)
            return each.screen(data)

        yield Contender(**{**vars(each), "screen": screen})
