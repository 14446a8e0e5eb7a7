"""The kiosk says how it is, and what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.artifact import DEFAULT_ARTIFACT, MANIFEST, Artifact
from edge.backup import back_up
from edge.database import DATABASE, Database
from edge.records import Patient, Records
from edge.screening import Screener
from edge.status import kiosk_status, machine_status, model_status, records_status

Keep = Callable[..., Any]


def test_of_a_kiosk_at_work(records: Records, keep: Keep, tmp_path: Path) -> None:
    for _ in range(3):
        keep("K-9")
    made = back_up(records.database, tmp_path, "a test")
    found = records_status(records.database)
    assert (found.screenings, found.images, found.problems) == (3, 0, ())
    assert found.last_backup == made.time
    assert found.latest is not None
    assert (found.clock_doubt, found.doubtful) == (False, 0)
    assert 0 < found.disk_free <= found.disk_total
    assert "K-9" not in str(found)


def test_of_a_kiosk_that_has_screened_nothing_yet(tmp_path: Path) -> None:
    found = records_status(Database(tmp_path))
    assert (found.screenings, found.bytes, found.problems, found.latest) == (0, 0, (), None)
    assert list(tmp_path.iterdir()) == []


def test_of_a_clock_that_stands_before_the_last_record(tmp_path: Path, screener: Screener) -> None:
    clock = iter([datetime(2999, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)])
    records = Records(tmp_path, clock=lambda: next(clock))
    for _ in range(2):
        records.add(screener.screen(b""), Patient())
    found = records_status(records.database)
    assert (found.clock_doubt, found.doubtful) == (True, 1)
    records.close()


def test_of_a_model(artifact: Artifact, tmp_path: Path) -> None:
    found = model_status(DEFAULT_ARTIFACT)
    manifest = (DEFAULT_ARTIFACT / MANIFEST).read_bytes()
    assert found["status"] == "whole"
    assert found["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert found["variant"] in found["variants"] == sorted(artifact.manifest.variants)
    assert found["signature"] == "not_checked"
    refused = model_status(tmp_path)
    assert (refused["status"], refused["code"]) == ("refused", "manifest_missing")


def test_of_the_machine() -> None:
    found = machine_status()
    assert found["processor"]
    assert found["cores"] >= 1


def test_of_all_together(records: Records, keep: Keep, tmp_path: Path) -> None:
    keep()
    found = kiosk_status(records.database, DEFAULT_ARTIFACT)
    assert found["status"] == "ok"
    assert json.loads(json.dumps(found))["records"]["screenings"] == 1
    assert kiosk_status(records.database, tmp_path)["status"] == "trouble"
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / DATABASE).write_bytes(b"not a database" * 1000)
    damaged = kiosk_status(Database(tmp_path / "damaged"), DEFAULT_ARTIFACT)
    assert damaged["status"] == "trouble"
    assert damaged["records"]["code"] == "records_unavailable"
