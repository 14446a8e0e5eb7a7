"""Timing: every backend in turn, percentiles and ratios that are right for known samples."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from bench.backends import Image, LiteRTBackend, NullBackend, Predict
from bench.latency import REFERENCE, Samples, measure, peak_memory, summarize
from edge.artifact import load_artifact


@dataclass
class Diary:
    """A backend that sleeps and writes down when it was called."""

    name: str
    calls: list[str]
    seconds: float = 0.0
    version: str = "1"
    size_bytes: int | None = None
    input_size: int = 150
    shapes: set[tuple[int, ...]] = field(default_factory=set)

    def load(self, threads: int) -> Predict:
        def predict(image: Image) -> float:
            self.calls.append(self.name)
            self.shapes.add(image.shape)
            time.sleep(self.seconds)
            return 0.0

        return predict


def test_backends_take_turns_in_shuffled_order() -> None:
    calls: list[str] = []
    backends = [Diary(name, calls) for name in "abc"]
    backends[1].input_size = 192
    samples = measure(backends, rounds=40, warmup=0, progress=False)
    assert {name: len(times) for name, times in samples.items()} == {"a": 40, "b": 40, "c": 40}
    rounds = [tuple(calls[i : i + 3]) for i in range(0, 120, 3)]
    assert all(sorted(turn) == ["a", "b", "c"] for turn in rounds)
    assert len(set(rounds)) > 1
    assert backends[0].shapes == {(150, 150, 1)}
    assert backends[1].shapes == {(192, 192, 1)}


def test_warm_up_is_not_counted() -> None:
    calls: list[str] = []
    samples = measure([Diary("a", calls)], rounds=3, warmup=7, progress=False)
    assert len(calls) == 10
    assert len(samples["a"]) == 3


def test_slower_backend_has_the_smaller_ratio() -> None:
    calls: list[str] = []
    backends = [Diary(REFERENCE, calls, 0.004), Diary("slowed", calls, 0.02)]
    samples = measure(backends, rounds=8, warmup=0, progress=False)
    reference, slowed = summarize(backends, samples, {REFERENCE: 1.0, "slowed": 1.0})
    assert reference.ratio == 1.0
    assert slowed.ratio_high < 1.0
    assert min(samples["slowed"]) >= 20


def test_percentiles_and_ratio_of_known_samples() -> None:
    samples: Samples = {REFERENCE: [100.0] * 101, "fast": [float(i) for i in range(1, 102)]}
    backends = [Diary(REFERENCE, []), Diary("fast", [])]
    _, fast = summarize(backends, samples, {REFERENCE: 1.0, "fast": 2.0})
    assert (fast.p50_ms, fast.p90_ms, fast.p99_ms) == (51.0, 91.0, 100.0)
    assert fast.ratio == pytest.approx(100 / 51)
    assert fast.ratio_low < fast.ratio < fast.ratio_high
    assert (fast.runs, fast.peak_mib) == (101, 2.0)


def test_shipped_model_needs_more_memory_than_nothing() -> None:
    artifact = load_artifact()
    name = artifact.manifest.default_variant
    nothing = peak_memory(NullBackend(), threads=1)
    backend = LiteRTBackend(name, artifact.models[name], artifact.manifest.input.size)
    model = peak_memory(backend, threads=1)
    assert 0 < nothing < model
