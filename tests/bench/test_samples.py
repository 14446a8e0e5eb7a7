"""Raw samples: written at once, read back whole, and readable after a run was killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.samples import model_hashes, read_samples, recording, samples_of, was_finished
from edge.artifact import load_artifact
from edge.errors import DataRefused

KILLED = """
import os, signal, sys
from pathlib import Path
from bench.samples import recording
with recording(Path(sys.argv[1]), "latency", {}, {}) as recorder:
    for i in range(100):
        recorder.add("predict", round=i, ms=1.5)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "latency.jsonl"
    with recording(path, "latency", {"a": "ff"}, {"seed": 1}) as recorder:
        recorder.add("predict", backend="a", round=0, ms=1.25)
        recorder.add("gemm", gflops=3.0)
    lines = read_samples(path, "latency")
    assert lines == recorder.lines
    header, end = lines[0], lines[-1]
    assert (header["kind"], header["format"], header["artifacts"]) == ("latency", 1, {"a": "ff"})
    assert header["settings"] == {"seed": 1}
    assert header["command"].startswith("pneumokiosk-bench")
    assert header["machine"]["processor"]
    assert samples_of(lines, "predict") == [
        {"sample": "predict", "backend": "a", "round": 0, "ms": 1.25}
    ]
    assert was_finished(lines)
    assert end["load_after"] >= 0


def test_killed_run_leaves_every_sample(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -9
    lines = read_samples(path, "latency")
    assert [line["round"] for line in samples_of(lines, "predict")] == list(range(100))
    assert not was_finished(lines)


def test_failed_run_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    with pytest.raises(RuntimeError), recording(path, "latency", {}, {}) as recorder:
        recorder.add("predict", ms=1.0)
        raise RuntimeError
    assert len(samples_of(read_samples(path), "predict")) == 1
    assert not was_finished(read_samples(path))


def test_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    with recording(path, "latency", {}, {}) as recorder:
        recorder.add("predict", ms=1.0)
    whole = path.read_bytes()
    for length in range(whole.index(b"\n") + 1, len(whole)):
        path.write_bytes(whole[:length])
        assert read_samples(path) == recorder.lines[: whole[:length].count(b"\n")]


def test_damage_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    with recording(path, "latency", {}, {}) as recorder:
        recorder.add("predict", ms=1.0)
    lines = path.read_text().splitlines()
    for broken in ("", "{", "[]", '{"sample": "predi'):
        path.write_text("\n".join([lines[0], broken, lines[2], ""]))
        with pytest.raises(DataRefused, match="line 2") as refusal:
            read_samples(path)
        assert refusal.value.code == "invalid_samples"


@pytest.mark.parametrize("header", ["", '{"kind": "accuracy", "format": 1}\n', '{"a": 1}\n'])
def test_other_file_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "latency.jsonl"
    path.write_text(header)
    with pytest.raises(DataRefused) as refusal:
        read_samples(path, "latency")
    assert refusal.value.code == "invalid_samples"


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused) as refusal:
        read_samples(tmp_path / "latency.jsonl")
    assert refusal.value.code == "missing_samples"


def test_samples_of_another_run_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "latency.jsonl"
    path.write_text("precious")
    with pytest.raises(DataRefused) as refusal, recording(path, "latency", {}, {}):
        pass
    assert refusal.value.code == "samples_exist"
    assert path.read_text() == "precious"


def test_number_that_json_does_not_know_is_no_sample() -> None:
    with recording(None, "latency", {}, {}) as recorder, pytest.raises(ValueError):
        recorder.add("predict", ms=float("nan"))
    assert json.loads(json.dumps(recorder.lines)) == recorder.lines


def test_hashes_are_those_of_the_model_files() -> None:
    hashes = model_hashes(load_artifact())
    assert set(hashes) == {"lite0 fp16", "lite0 int8"}
    assert all(len(value) == 64 for value in hashes.values())
