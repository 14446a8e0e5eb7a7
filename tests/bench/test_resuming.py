"""A killed run goes on; another run is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.resuming import resumable
from bench.samples import read_samples, samples_of, was_finished
from edge.errors import DataRefused


def record(path: Path, count: int, resume: bool, seed: int = 0, die: bool = False) -> None:
    with resumable(path, "accuracy", {"a": "ff"}, {"seed": seed}, resume) as recorder:
        for i in range(len(samples_of(recorder.lines, "film")), count):
            recorder.add("film", number=i)
        if die:
            raise KeyboardInterrupt


def test_run_that_died_is_ended_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.jsonl"
    with pytest.raises(KeyboardInterrupt):
        record(path, 3, resume=True, die=True)
    assert not was_finished(read_samples(path))
    record(path, 5, resume=True)
    lines = read_samples(path, "accuracy")
    assert [line["number"] for line in samples_of(lines, "film")] == [0, 1, 2, 3, 4]
    assert was_finished(lines)


def test_finished_run_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.jsonl"
    record(path, 3, resume=False)
    content = path.read_bytes()
    record(path, 3, resume=True)
    assert path.read_bytes() == content


def test_torn_line_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.jsonl"
    with pytest.raises(KeyboardInterrupt):
        record(path, 3, resume=True, die=True)
    path.write_bytes(path.read_bytes()[:-4])
    record(path, 3, resume=True)
    assert [line["number"] for line in samples_of(read_samples(path), "film")] == [0, 1, 2]


@pytest.mark.parametrize(("resume", "seed", "code"), [(False, 0, "samples_exist"),
                                                      (True, 1, "other_run")])  # fmt: skip
def test_samples_of_another_run_are_kept(
    tmp_path: Path, resume: bool, seed: int, code: str
) -> None:
    path = tmp_path / "accuracy.jsonl"
    record(path, 3, resume=False)
    content = path.read_bytes()
    with pytest.raises(DataRefused) as refusal:
        record(path, 3, resume, seed)
    assert refusal.value.code == code
    assert path.read_bytes() == content
