"""The command as an engineer runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["latency", "accuracy", "kiosk"])
def test_help_shows_an_example(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"pneumokiosk-bench {command}" in done.stdout


def test_latency_times_everything_and_keeps_raw_samples(tmp_path: Path) -> None:
    done = run("latency", "--quick", "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    rows = {row["name"]: row for row in result["rows"]}
    assert len(rows) == 5
    assert result["machine"]["processor"]
    for row in rows.values():
        assert 0 < row["p50_ms"] <= row["p90_ms"] <= row["p99_ms"]
        assert row["runs"] == 20
        assert row["peak_mib"] > 0
    assert rows["full network, LiteRT fp32"]["ratio"] == 1
    assert rows["full network, LiteRT fp32"]["size_bytes"] > 90_000_000
    lines = (tmp_path / "latency_samples.jsonl").read_text().splitlines()
    assert len(lines) == 5 * 20
    assert json.loads((tmp_path / "latency.json").read_text()) == result


def test_kiosk_is_started_and_measured() -> None:
    done = run("kiosk", "--screenings", "101", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert len(result["request_ms"]) == len(result["inside_ms"]) == 101
    assert len(result["resident_mib"]) == 3
    assert all(seconds > 0 for seconds in result["ready_s"])


def test_missing_data_is_refused(tmp_path: Path) -> None:
    done = run("accuracy", "--data", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "missing_folder" in done.stderr
