"""Runs as one page: the goals, every table, and pictures, of whole runs and of killed ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bench.backends.choice import KERAS, REFERENCE
from bench.cli import cli
from bench.samples import recording
from edge.artifact import DEFAULT_ARTIFACT, load_artifact
from edge.phantom import phantom_png

MANIFEST = load_artifact(DEFAULT_ARTIFACT).manifest
VARIANT = MANIFEST.default_variant
DEFAULT = f"{MANIFEST.name}, LiteRT {VARIANT}"
SHA256 = MANIFEST.files[MANIFEST.variants[VARIANT]].sha256


def report(*places: Path, out: Path) -> Result:
    return CliRunner().invoke(cli, ["report", *map(str, places), "--out", str(out), "--json"])


def timed(folder: Path, faster: float, end_to_end: float = 9.0, whole: bool = True) -> Path:
    """Samples of a run in which the default artifact was so many times as fast."""
    asked = {"seed": 0, "as_mlperf": "at least", "quick": False}
    times = {REFERENCE: 100.0, KERAS: 300.0, DEFAULT: 100.0 / faster, "nothing (harness)": 1e-4}
    try:
        with recording(folder / "latency.jsonl", "latency", {DEFAULT: SHA256}, asked) as recorder:
            for name in times:
                recorder.add(
                    "backend", backend=name, network=name, runtime="litert", size_bytes=1,
                    sha256=SHA256 if name == DEFAULT else None,
                )  # fmt: skip
            for i in range(50):
                for name, ms in times.items():
                    recorder.add("predict", backend=name, threads=1, round=i, ms=ms + i * 1e-6)
            place = {"artifact": MANIFEST.name, "file": "JPEG, 2000 x 1700", "threads": 1}
            parts = dict.fromkeys(("decode", "gates", "preprocess", "inference"), 1.0)
            recorder.add("stage", **place, round=0, **parts, total=end_to_end)
            if not whole:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    return folder


def goals_of(folder: Path, out: Path) -> list[bool | None]:
    done = report(folder, out=out)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return [goal["met"] for goal in found["goals"]]


@pytest.mark.parametrize(
    ("faster", "end_to_end", "met"),
    [
        (50, 9.0, [True, True, True, True]),
        (39, 26.0, [False, True, False, True]),
        (30, 25.0, [False, False, True, True]),
    ],
)
def test_goals_are_judged_by_what_was_measured(
    tmp_path: Path, faster: float, end_to_end: float, met: list[bool]
) -> None:
    assert goals_of(timed(tmp_path / "run", faster, end_to_end), tmp_path / "out") == met


def test_a_goal_that_was_not_measured_is_not_met(tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = {"checks": ["ready"], "quick": True, "films_are": "drawn", "artifact": "shipped"}
    with recording(run / "kiosk.jsonl", "kiosk", {}, settings) as recorder:
        recorder.add("not_measured", check="ready", why="It could not be.")
    assert goals_of(run, tmp_path / "out") == [None] * 4
    text = (tmp_path / "out" / "report.md").read_text()
    assert "not measured" in text
    assert "It could not be." in text


def screened(folder: Path, data: Path) -> Path:
    """A real run of ``accuracy`` on drawn films, one with a name like HTML."""
    for name, opacities in (("NORMAL", 0), ("PNEUMONIA", 4)):
        (data / name).mkdir(parents=True)
        for i in range(3):
            (data / name / f"<b>{i}.png").write_bytes(phantom_png(i, 256, opacities))
    arguments = ["accuracy", "--no-full", "--data", data, "--out", folder]
    done = CliRunner().invoke(cli, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return folder


def test_the_page_holds_everything_and_loads_nothing(tmp_path: Path) -> None:
    run = screened(timed(tmp_path / "run", 50), tmp_path / "films")
    done = report(run, out=tmp_path / "out")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "report.html").read_text()
    for part in ("Goals", "Latency", "Accuracy", "Machine", "Commands", "Files"):
        assert f"<h2>{part}</h2>" in page
    assert SHA256 in page
    assert "Screening aid. Not a diagnosis. A clinician decides." in page
    assert "<b>" not in page  # names of films stay text
    addresses = [each.split('"')[0] for each in page.split('src="')[1:]]
    assert len(addresses) >= 2
    assert all(address.startswith("data:image/svg+xml;base64,") for address in addresses)
    assert "http" not in page
    text = (tmp_path / "out" / "report.md").read_text()
    assert f"| {DEFAULT} |" in text
    assert f"`{SHA256}`" in text


def test_accuracy_and_latency_are_joined_by_the_hash_of_the_file(tmp_path: Path) -> None:
    latency = timed(tmp_path / "latency", 50)
    accuracy = screened(tmp_path / "accuracy", tmp_path / "films")
    path = latency / "latency.jsonl"
    slim = load_artifact(DEFAULT_ARTIFACT.with_name("slim")).manifest
    other = slim.files[slim.variants["int8"]].sha256
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:  # the full network takes the place of slim, under its own name
        if line.get("sample") == "backend" and line["backend"] == REFERENCE:
            line["sha256"] = other
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert report(latency, accuracy, out=tmp_path / "joined").exit_code == 0
    assert "Accuracy against latency" in (tmp_path / "joined" / "report.html").read_text()
    assert report(latency, out=tmp_path / "alone").exit_code == 0
    assert "Accuracy against latency" not in (tmp_path / "alone" / "report.html").read_text()


def test_a_killed_run_is_reported_as_far_as_it_went(tmp_path: Path) -> None:
    run = timed(tmp_path / "run", 50, whole=False)
    with (run / "latency.jsonl").open("a") as file:
        file.write('{"sample": "predi')
    assert goals_of(run, tmp_path / "out") == [True, True, True, True]
    assert "cut short" in (tmp_path / "out" / "report.md").read_text()


def test_what_holds_no_samples_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place, code in (
        (tmp_path / "empty", "no_samples"),
        (tmp_path / "nowhere", "missing_samples"),
    ):
        done = report(place, out=tmp_path / "out")
        assert done.exit_code == 2
        assert code in done.output
    assert not (tmp_path / "out").exists()
