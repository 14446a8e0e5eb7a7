"""The checks of the running kiosk: real ones, small; and what each says of a kiosk that fails."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.kiosk.check import Plan, Sample
from bench.kiosk.damage import mutant, sound_files
from bench.kiosk.drawings import full_size
from bench.kiosk.running import END_WITH_PARENT, Kiosks
from bench.kiosk.suite import CHECKS, run_checks
from bench.kiosk.verdict import kiosk_table, score_kiosk
from bench.kiosk_command import NAMES
from bench.samples import Recorder, read_samples

TIMES = {"ready", "speed", "memory"}
"""What they find depends on the machine and on what else it does."""


def small_plan() -> Plan:
    return Plan(
        *full_size(), starts=1, requests=3, clients=3, films=4, uploads=9, screenings=4,
        kills=2, mutants=12, bits=2,
    )  # fmt: skip


@pytest.mark.parametrize("name", list(CHECKS))
def test_the_shipped_kiosk_stands_it(name: str) -> None:
    check, recorder = CHECKS[name], Recorder([header([name])])
    run_checks(recorder, Kiosks(), small_plan(), [check], progress=False)
    rows = score_kiosk(recorder.lines)["rows"]
    assert rows
    assert "failed" not in {line.get("sample") for line in recorder.lines}
    if name not in TIMES:
        assert {row["met"] for row in rows} <= {True, None}, rows


def header(checks: list[str]) -> dict[str, Any]:
    settings = {"checks": checks, "quick": False, "films_are": "drawn", "artifact": "as shipped"}
    return {"kind": "kiosk", "format": 1, "settings": settings, "machine": {}}


KNOWN = {"film": 0, "id": "a", "score": 0.5, "patient_id": "P", "patient": "P", "status": 201}
ALONE = {**KNOWN, "phase": "alone"}
TOGETHER = {**KNOWN, "phase": "together", "id": "b"}
RECORDS = {"phase": "records", "clients": 8, "records": 2, "as_answered": 2}
KILL = {"acknowledged": 3, "missing": 0, "records": 3, "films": 3, "problems": []}
MUTANT = {"status": 422, "seconds": 0.1, "peak_mb": 100.0}
SOUND = {"before": {"PNG": 0.5}, "after": {"PNG": 0.5}}
LEVEL = {"screenings": 0, "rss_mb": 100.0, "peak_mb": 120.0, "handles": 20, "threads": 9}
FULL = {"phase": "full", "status": 503, "code": "disk_full", "message": "Make room."}
OLD = {"phase": "old", "acknowledged": 3, "readable": 3}
AFTER = {"phase": "after", "status": 201}
JPEG, DICOM = {"film": "jpeg", "ms": 60.0}, {"film": "dicom", "ms": 250.0}
FIRST = {"start": "first", "seconds": 1.5, "status": 200}
LATER = {**FIRST, "start": "later"}
BIT = {"file": "manifest.json", "healthy": False, "status": 503}
WITHOUT = {"file": None, "healthy": True, "status": 201}


def levels(growth: float, **last: float) -> list[Sample]:
    """Memory over 2,000 screenings that grows by so many MB in a thousand."""
    found = [
        {**LEVEL, "screenings": n, "rss_mb": 100 + growth * n / 1000} for n in range(0, 2001, 50)
    ]
    return [*found[:-1], {**found[-1], **last}]


@pytest.mark.parametrize(
    ("name", "sound", "broken"),
    [
        ("ready", [FIRST, LATER], [[{**FIRST, "seconds": 1.51}, LATER],
                                   [FIRST, {**LATER, "status": 503}]]),
        ("speed", [JPEG, DICOM], [[{**JPEG, "ms": 61.0}, DICOM], [JPEG, {**DICOM, "ms": 251.0}],
                                  [*[JPEG] * 50, {**JPEG, "ms": 400.0}, DICOM]]),
        ("crowd", [ALONE, TOGETHER, RECORDS], [
            [ALONE, {**TOGETHER, "status": 500}, RECORDS],
            [ALONE, {**TOGETHER, "score": 0.6}, RECORDS],
            [ALONE, {**TOGETHER, "patient_id": "Q"}, RECORDS],
            [ALONE, TOGETHER, {**RECORDS, "records": 3}],
            [ALONE, TOGETHER, {**RECORDS, "as_answered": 1}],
            [ALONE, {**TOGETHER, "id": "a"}, RECORDS],
            [ALONE, {**ALONE, "film": 1}, TOGETHER, RECORDS],
        ]),
        ("memory", levels(4.0), [levels(6.0), levels(0, peak_mb=201.0), levels(0, handles=23),
                                 levels(0, threads=12)]),
        ("power-cut", [KILL], [[{**KILL, "missing": 1}], [{**KILL, "problems": ["page 3"]}],
                               [{**KILL, "films": 2}]]),
        ("mutants", [MUTANT, SOUND], [[{**MUTANT, "status": 500}, SOUND],
                                      [{**MUTANT, "status": 0}, SOUND],
                                      [{**MUTANT, "seconds": 10.1}, SOUND],
                                      [{**MUTANT, "peak_mb": 513.0}, SOUND],
                                      [MUTANT, {**SOUND, "after": {"PNG": 0.6}}]]),
        ("full-disk", [FULL, OLD, AFTER, OLD], [
            [{**FULL, "status": 500}, OLD, AFTER, OLD],
            [{**FULL, "status": 0, "code": None}, OLD, AFTER, OLD],
            [{**FULL, "status": 201}, OLD, AFTER, OLD],
            [FULL, {**OLD, "readable": 2}, AFTER, OLD],
            [FULL, OLD, {**AFTER, "status": 503}, OLD],
        ]),
        ("flipped-bits", [WITHOUT, BIT], [[WITHOUT, BIT, {**BIT, "status": 201}],
                                          [WITHOUT, BIT, {**BIT, "healthy": True}],
                                          [{**WITHOUT, "healthy": False, "status": 503}, BIT]]),
    ],
)  # fmt: skip
def test_a_kiosk_that_fails_is_told_from_one_that_does_not(
    name: str, sound: Sequence[Sample], broken: Sequence[Sequence[Sample]]
) -> None:
    score = CHECKS[name].score
    assert all(row.met for row in score(sound))
    for samples in broken:
        assert not all(row.met for row in score(samples)), samples


def test_a_mutant_can_be_made_again_from_seed_and_number() -> None:
    files = sound_files()
    made = [mutant(files, 0, number) for number in range(60)]
    assert made == [mutant(files, 0, number) for number in range(60)]
    assert made != [mutant(files, 1, number) for number in range(60)]
    assert {each.format for each in made} == set(files)
    assert sum(each.data not in files.values() for each in made) >= 55


def test_what_broke_off_is_not_measured_and_what_gave_up_is_not_met() -> None:
    lines = [header(["power-cut", "mutants", "full-disk"]), {"sample": "power-cut", **KILL}]
    lines += [
        {"sample": "failed", "check": "mutants", "why": "Mutant 3 ended it."},
        {"sample": "not_measured", "check": "full-disk", "why": "There is no unshare here."},
    ]
    result = score_kiosk(lines)
    found = {row["check"]: (row["met"], row["value"]) for row in result["rows"]}
    assert found["power-cut"] == (None, "The run was cut short; samples that are there: 1.")
    assert found["mutants"] == (False, "failed: Mutant 3 ended it.")
    assert found["full-disk"] == (None, "There is no unshare here.")
    assert not result["finished"]
    table = kiosk_table(result)
    assert "cut short" in table
    assert "not measured" in table


def test_the_command_prints_limits_and_keeps_raw_samples(tmp_path: Path) -> None:
    arguments = ["kiosk", "--quick", "--only", "ready", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert "Quick: a tenth of the counts." in done.output
    assert "| ready after a first start | each ≤ 1.5 s |" in done.output
    lines = read_samples(tmp_path / "kiosk.jsonl", "kiosk")
    kept = json.loads((tmp_path / "kiosk.json").read_text())
    assert json.loads(json.dumps(score_kiosk(lines))) == kept
    again = CliRunner().invoke(cli, arguments)
    assert (again.exit_code, "samples_exist" in again.output) == (2, True)


def test_json_is_all_that_is_printed_to_standard_output() -> None:
    done = CliRunner().invoke(cli, ["kiosk", "--quick", "--only", "ready", "--json"])
    result = json.loads(done.stdout)
    assert [row["what"] for row in result["rows"]] == [
        "ready after a first start",
        "ready after a later start",
    ]
    assert all(row["limit"] and row["value"] and row["met"] is not None for row in result["rows"])


def test_every_check_can_be_named() -> None:
    assert NAMES == tuple(CHECKS)


def test_an_image_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    film = tmp_path / "film.jpg"
    for reason in ("missing_image", "image_refused"):
        done = CliRunner().invoke(cli, ["kiosk", "--quick", "--image", str(film)])
        assert (done.exit_code, reason in done.output) == (2, True), done.output
        film.write_bytes(b"no film")


def test_a_killed_run_leaves_samples_that_can_be_scored(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "kiosk", "--only", "mutants", "--out", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        path, deadline = tmp_path / "kiosk.jsonl", time.monotonic() + 60
        while not path.is_file() or len(path.read_text().splitlines()) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        kiosks = psutil.Process(process.pid).children()
        process.kill()
    if shutil.which(END_WITH_PARENT[0]) is None:
        for kiosk in kiosks:
            kiosk.kill()
    assert kiosks
    assert psutil.wait_procs(kiosks, timeout=20)[1] == []
    result = score_kiosk(read_samples(path, "kiosk"))
    assert not result["finished"]
    assert result["rows"][0]["met"] is None
