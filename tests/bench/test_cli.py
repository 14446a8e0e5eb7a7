"""The command as an engineer runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.latency_score import score_latency
from bench.samples import Line, read_samples, samples_of, was_finished
from edge.artifact import DEFAULT_ARTIFACT

SLIM = str(DEFAULT_ARTIFACT.with_name("slim"))
LITTLE = ("--artifact", SLIM, "--runtime", "null", "--runtime", "litert", "--threads", "1")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bench", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["latency", "accuracy", "kiosk"])
def test_help_shows_an_example(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0
    assert f"pneumokiosk-bench {name}" in done.stdout


def test_latency_times_everything_and_keeps_raw_samples(tmp_path: Path) -> None:
    arguments = ("latency", "--quick", *LITTLE, "--out", str(tmp_path), "--json")
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    rows = {row["backend"]: row for row in result["rows"]}
    assert list(rows) == [
        "nothing (harness)",
        "full network, LiteRT fp32",
        "slim, LiteRT fp32",
        "slim, LiteRT int8",
    ]
    assert rows["slim, LiteRT int8"]["times_faster"]["low"] > 1
    assert rows["full network, LiteRT fp32"]["share_of_gemm_peak"] > 0
    assert all(row["runs"] == 20 for row in rows.values())
    assert {each["file"].split(",")[0] for each in result["stages"]} == {"JPEG", "DICOM"}
    assert len(result["cold_starts"]) == 4
    assert any("a look, not a measurement" in warning for warning in result["warnings"])
    assert json.loads((tmp_path / "latency.json").read_text()) == result

    lines = read_samples(tmp_path / "latency.jsonl", "latency")
    assert was_finished(lines)
    assert score_latency(lines) == result
    assert set(lines[0]["artifacts"]) == set(rows) - {"nothing (harness)"}

    again = run(*arguments)
    assert again.returncode == 2
    assert "samples_exist" in again.stderr


def test_killed_run_leaves_usable_samples_and_no_process(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    arguments = ("latency", "--quick", *LITTLE, "--rounds", "1000000", "--out", str(tmp_path))
    with subprocess.Popen(command(*arguments), stderr=subprocess.DEVNULL) as process:
        wait_for(path, process)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    lines = read_samples(path, "latency")
    assert not was_finished(lines)
    rows = {row["backend"]: row for row in score_latency(lines)["rows"]}
    assert rows["slim, LiteRT int8"]["times_faster"]["value"] > 1
    assert psutil.wait_procs(children, timeout=20)[1] == []


def wait_for(path: Path, process: subprocess.Popen[bytes], count: int = 40) -> list[Line]:
    """Wait until so many predictions stand in the file."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and path.stat().st_size:
            lines = read_samples(path) if b"\n" in path.read_bytes() else []
            if len(samples_of(lines, "predict")) >= count:
                return lines
        time.sleep(0.1)
    raise AssertionError("No predictions were recorded.")


@pytest.mark.parametrize("threads", ["0", "1,x", "", "1,,2"])
def test_threads_that_are_no_numbers_are_refused(threads: str) -> None:
    done = run("latency", "--threads", threads)
    assert done.returncode == 2
    assert "Numbers from 1" in done.stderr


def test_unknown_runtime_and_twice_the_same_artifact_are_refused() -> None:
    done = run("latency", "--runtime", "abacus")
    assert (done.returncode, "unknown_runtime" in done.stderr) == (2, True)
    done = run("latency", "--artifact", SLIM, "--artifact", SLIM)
    assert (done.returncode, "same_name" in done.stderr) == (2, True)


def test_missing_data_is_refused(tmp_path: Path) -> None:
    done = run("accuracy", "--data", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "missing_folder" in done.stderr
