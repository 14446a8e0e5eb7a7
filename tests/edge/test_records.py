"""What was screened is kept."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.artifact import MANIFEST, Artifact
from edge.errors import FieldRefused, RecordsUnavailable
from edge.history import delete
from edge.provenance import Provenance
from edge.records import Patient, Records, read_patient
from edge.screening import Screener, Screening


@pytest.fixture
def screening(screener: Screener, png: bytes) -> Screening:
    return screener.screen(png)


def test_what_is_added_is_found_again(tmp_path: Path, screening: Screening) -> None:
    records = Records(tmp_path)
    answered = records.add(screening, Patient("A 17", 30, "F", "AP"), synthetic=True)
    assert answered["attention"] is not None
    records.close()

    stored = Records(tmp_path).get(screening.id)
    assert stored == {**answered, "attention": None}
    assert stored["patient_id"] == "A 17"
    assert stored["age_months"] == 30
    assert stored["synthetic"] is True
    assert stored["time"].endswith("Z")


def test_an_unknown_id_is_none(tmp_path: Path) -> None:
    assert Records(tmp_path).get("nobody") is None
    assert Records(tmp_path).get("' OR 1=1 --") is None


def test_the_newest_come_first(tmp_path: Path, screener: Screener) -> None:
    records = Records(tmp_path)
    ids = [records.add(screener.screen(b""), Patient())["id"] for _ in range(5)]
    assert [record["id"] for record in records.recent(3)] == ids[:1:-1]
    assert records.count() == 5


def test_a_refusal_is_kept_too(tmp_path: Path, screener: Screener) -> None:
    record = Records(tmp_path).add(screener.screen(b""), Patient())
    assert record["outcome"] == "refused"
    assert Records(tmp_path).get(record["id"]) == record


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_what_was_added_outlives_a_killed_process(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from edge.artifact import load_artifact
from edge.records import Patient, Records
from edge.screening import Screener
record = Records(Path(sys.argv[1])).add(Screener(load_artifact()).screen(b""), Patient())
print(record["id"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    stored = Records(tmp_path).get(done.stdout.strip())
    assert stored is not None
    assert json.dumps(stored)


def test_threads_share_one_file(tmp_path: Path, screener: Screener) -> None:
    records = Records(tmp_path)
    threads = [
        threading.Thread(
            target=lambda: [records.add(screener.screen(b""), Patient()) for _ in range(10)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert records.count() == 40


def test_a_file_that_comes_back_is_used_again(tmp_path: Path, screening: Screening) -> None:
    folder = tmp_path / "disk"
    records = Records(folder)
    with pytest.raises(RecordsUnavailable):
        records.add(screening, Patient())
    folder.mkdir()
    records.add(screening, Patient())
    assert records.count() == 1


def test_no_file_handle_is_left_open(tmp_path: Path, screening: Screening) -> None:
    handles = Path("/proc/self/fd")
    if not handles.is_dir():
        pytest.skip("this system does not list a process's open files")
    for i in range(51):
        records = Records(tmp_path)
        records.add(replace(screening, id=str(i)), Patient())
        records.close()
        if i == 0:
            before = len(list(handles.iterdir()))
    assert len(list(handles.iterdir())) <= before + 2  # a leak would leave one each time


def test_what_was_typed_is_read() -> None:
    typed = {"patient_id": " K-9 ", "age_months": "0", "sex": "female", "view": "pa"}
    assert read_patient(typed) == Patient("K-9", 0, "F", "PA")
    assert read_patient({"age_months": " ", "other": "ignored"}) == Patient()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patient_id", "x" * 65),
        ("patient_id", "a\x00b"),
        ("patient_id", "two\nlines"),
        ("age_months", "-1"),
        ("age_months", "1441"),
        ("age_months", "1e3"),
        ("age_months", "٣"),
        ("age_months", "9" * 5000),
        ("age_months", "2.5"),
        ("sex", "unknown"),
        ("view", "LL"),
    ],
)
def test_what_breaks_a_rule_is_refused(name: str, value: str) -> None:
    with pytest.raises(FieldRefused, match=name) as refusal:
        read_patient({name: value})
    assert refusal.value.code == "invalid_field"
    assert len(refusal.value.message) < 200


def test_a_record_says_what_it_was_made_with(
    records: Records, screening: Screening, provenance: Provenance, artifact: Artifact
) -> None:
    record = records.add(screening, Patient(), provenance=provenance)
    manifest = (artifact.folder / MANIFEST).read_bytes()
    made_with = record["provenance"]
    assert made_with["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert made_with["operating_point"] == "manifest"
    assert made_with["calibration"]["slope"] == artifact.manifest.calibration["slope"]
    assert set(made_with["versions"]) == {"kiosk", "python", "sqlite"}
    assert record["threshold"] == artifact.manifest.thresholds["refer"]
    assert records.get(screening.id) == {**record, "attention": None}


def test_a_clock_that_steps_back_is_doubted(tmp_path: Path, screener: Screener) -> None:
    times = [datetime(2026, 5, day, tzinfo=UTC) for day in (1, 2, 2, 1, 3)]
    clock = iter(times)
    records = Records(tmp_path, clock=lambda: next(clock))
    kept = [records.add(screener.screen(b""), Patient()) for _ in times]
    assert [record["clock_doubt"] for record in kept] == [False, False, False, True, False]
    assert [record["number"] for record in kept] == [1, 2, 3, 4, 5]
    assert [record["number"] for record in records.recent(9)] == [5, 4, 3, 2, 1]
    records.close()


def test_numbers_are_never_used_again(records: Records, keep: Callable[..., Any]) -> None:
    last = [keep() for _ in range(3)][-1]
    assert delete(records.database, last["id"], "a test")
    assert keep()["number"] == last["number"] + 1
