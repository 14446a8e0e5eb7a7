"""Timing: every backend in turn, and whatever fails becomes a row of its own."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bench.backends import LiteRTBackend, NotAvailable, NullBackend
from bench.backends.base import Image, ModelFile, Predict
from bench.backends.null import NOTHING
from bench.fresh import cold_start
from bench.latency import Settings, cold_threads, run_stream
from bench.machine import usable_cores
from bench.offline import throughput, ways_to_use
from bench.samples import Recorder, samples_of
from bench.stages import STAGES, Stages, full_size_files
from bench.stream import IMAGES, Stream, is_stable
from edge.artifact import DEFAULT_ARTIFACT, load_artifact
from edge.errors import WorkFailed
from edge.phantom import phantom_png
from edge.radiograph import read_radiograph


@dataclass
class Diary:
    """A backend that sleeps and writes down when it was called."""

    name: str
    calls: list[str] = field(default_factory=list)
    seconds: float = 0.0
    network: str = "diary"
    runtime: str = "diary"
    version: str = "1"
    size_bytes: int | None = None
    sha256: str | None = None
    input_size: int = 150
    shapes: set[tuple[int, ...]] = field(default_factory=set)

    def load(self, threads: int) -> Predict:
        def predict(image: Image) -> Any:
            self.calls.append(self.name)
            self.shapes.add(image.shape)
            time.sleep(self.seconds)
            return NOTHING

        return predict


class Broken(Diary):
    """A backend that does not load."""

    def load(self, threads: int) -> Predict:
        raise OSError("no such library")


@dataclass
class Here:
    """A stream in this process."""

    stream: Stream

    def call(self, method: str, *arguments: Any) -> Any:
        return getattr(self.stream, method)(*arguments)


def streamed(backends: list[Diary], rounds: int, seconds: float = 0.0) -> Recorder:
    recorder = Recorder()
    settings = Settings(rounds=rounds, seconds=seconds)
    run_stream(recorder, Here(Stream(1)), backends, 1, settings, progress=False)
    return recorder


def test_backends_take_turns_in_shuffled_order() -> None:
    backends = [Diary(name) for name in "abc"]
    backends[1].input_size = 192
    samples = samples_of(streamed(backends, 40).lines, "predict")
    turns = [[s["backend"] for s in samples if s["round"] == i] for i in range(40)]
    assert all(sorted(turn) == ["a", "b", "c"] for turn in turns)
    assert len({tuple(turn) for turn in turns}) > 1
    assert {s["image"] for s in samples} == set(range(IMAGES))
    assert backends[0].shapes == {(150, 150, 1)}
    assert backends[1].shapes == {(192, 192, 1)}


def test_turn_is_two_predictions_of_which_the_second_counts() -> None:
    diary = Diary("a", seconds=0.002)
    stream = Stream(1)
    stream.load(diary)
    sample = stream.round(3, ["a"])[0]
    assert len(diary.calls) == 2
    assert sample["first_ms"] >= 2
    assert sample["ms"] >= 2


def test_order_depends_on_the_seed_alone() -> None:
    orders = []
    for _ in range(2):
        samples = samples_of(streamed([Diary(n) for n in "abc"], 10).lines, "predict")
        orders.append([sample["backend"] for sample in samples])
    assert orders[0] == orders[1]


def test_stream_lasts_as_long_as_was_asked_for() -> None:
    started = time.monotonic()
    samples = samples_of(streamed([Diary("a", seconds=0.001)], 3, 0.3).lines, "predict")
    assert time.monotonic() - started >= 0.3
    assert len(samples) > 3


def test_backend_that_does_not_load_does_not_stop_the_others() -> None:
    lines = streamed([Diary("a"), Broken("b"), Diary("c")], 2).lines
    assert {sample["backend"] for sample in samples_of(lines, "predict")} == {"a", "c"}
    assert samples_of(lines, "not_available") == [
        {"sample": "not_available", "backend": "b", "threads": 1, "why": "no such library"}
    ]


def test_warm_up_waits_until_times_are_close() -> None:
    assert is_stable([10.0, 10.4, 10.2])
    assert not is_stable([10.0, 10.6, 10.2])
    assert is_stable([0.001, 0.015, 0.002])  # microseconds of jitter mean nothing
    calls = 0

    def slower_at_first(image: Image) -> Any:
        nonlocal calls
        calls += 1
        time.sleep(0.02 if calls <= 15 else 0.005)
        return NOTHING

    diary = Diary("a")
    diary.load = lambda threads: slower_at_first  # type: ignore[method-assign]
    stream = Stream(1)
    stream.load(diary)
    found = stream.warm_up("a")
    assert found["runs"] == calls


def test_harness_takes_less_than_50_microseconds_a_round() -> None:
    null = NullBackend()
    stream = Stream(1)
    stream.load(null)
    whole, samples = [], []
    for i in range(2000):
        started = time.perf_counter_ns()
        samples += stream.round(i, [null.name])
        whole.append((time.perf_counter_ns() - started) / 1e3)
    assert median(whole) < 50
    assert median(sample["ms"] for sample in samples) < 0.05


def test_shipped_model_needs_more_memory_than_nothing() -> None:
    manifest = load_artifact().manifest
    variant = manifest.default_variant
    path = DEFAULT_ARTIFACT / manifest.variants[variant]
    backend = LiteRTBackend("lite0", variant, ModelFile.of(path), manifest.input.size)
    nothing, model = cold_start(NullBackend(), 1), cold_start(backend, 1)
    assert 0 < nothing["peak_mib"] < model["peak_mib"]
    assert nothing["first_ms"] < model["first_ms"]
    assert model["load_ms"] + model["first_ms"] < model["process_ms"]


DEADLY = """
import os
from dataclasses import dataclass

from bench.backends import NullBackend


@dataclass(frozen=True)
class Deadly(NullBackend):
    def load(self, threads):
        os._exit(11)


@dataclass(frozen=True)
class Odd(NullBackend):
    def load(self, threads):
        raise ZeroDivisionError("odd")
"""


def test_backend_that_kills_its_process_is_not_available(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(tmp_path)
    deadly = importlib.import_module("deadly")
    for backend, why in ((deadly.Deadly(), "died"), (deadly.Odd(), "odd")):
        with pytest.raises(NotAvailable, match=why) as refusal:
            cold_start(backend, 1)
        assert refusal.value.code == "not_available"
        with pytest.raises(NotAvailable):
            throughput(backend, 2, 1, 0.1)


def test_all_processes_predict_at_once() -> None:
    found = throughput(NullBackend(), 2, 1, 0.2)
    assert len(found) == 2
    assert all(each["images"] > 1000 and each["seconds"] >= 0.2 for each in found)
    assert ways_to_use(1) == [(1, 1)]
    assert ways_to_use(4) == [(1, 4), (4, 1)]


def test_stages_of_a_screening_are_told_apart() -> None:
    files = full_size_files()
    stages = Stages({"slim": DEFAULT_ARTIFACT.with_name("slim")}, files, 1)
    for file, content in files.items():
        found = stages.measure("slim", file)
        assert set(found) == {*STAGES, "total"}
        assert found["decode"] > 0 < found["inference"]
        assert file.lower().startswith(read_radiograph(content).format)
    jpeg, dicom = (read_radiograph(content).pixels for content in files.values())
    assert (jpeg.shape, jpeg.dtype.name) == ((1700, 2000), "uint8")
    assert (dicom.shape, dicom.dtype.name) == ((2000, 2000), "uint16")


def test_file_that_is_refused_has_no_stages() -> None:
    files = {"torn": phantom_png(side=256)[:-100]}
    stages = Stages({"slim": DEFAULT_ARTIFACT.with_name("slim")}, files, 1)
    with pytest.raises(WorkFailed, match="slim refuses torn") as refusal:
        stages.measure("slim", "torn")
    assert refusal.value.code == "not_screened"


def test_settings_say_whether_they_are_those_of_mlperf() -> None:
    assert Settings().as_mlperf.startswith("at least 1024 queries and 600 s, as in MLPerf")
    for short in (Settings(rounds=1023), Settings(seconds=599)):
        assert short.as_mlperf.startswith("a look, not a measurement")
    assert Settings().to_dict()["warm_up"].startswith("warm once the medians")


def test_cold_starts_use_no_more_threads_than_cores() -> None:
    assert cold_threads((1, 10_000)) == 1
    assert cold_threads((9_000, 10_000)) == 9_000
    assert cold_threads((1, usable_cores())) == usable_cores()
