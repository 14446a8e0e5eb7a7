"""Runs take turns, and the interval of a median holds what it promises."""

from __future__ import annotations

import time

import numpy as np

from optimize.timing import interleave, median_interval


def test_runs_take_turns_in_shuffled_order() -> None:
    calls: list[str] = []
    runs = {name: lambda name=name: calls.append(name) for name in "abc"}
    samples = interleave(runs, 40, warmup=0)
    assert {name: len(times) for name, times in samples.items()} == {"a": 40, "b": 40, "c": 40}
    rounds = [tuple(calls[i : i + 3]) for i in range(0, 120, 3)]
    assert all(sorted(turn) == ["a", "b", "c"] for turn in rounds)
    assert len(set(rounds)) > 1
    again, calls[:] = list(calls), []
    interleave(runs, 40, warmup=0)
    assert calls == again


def test_warm_up_is_not_counted() -> None:
    calls: list[int] = []
    samples = interleave({1: lambda: calls.append(1)}, 3, warmup=7)
    assert (len(calls), len(samples[1])) == (10, 3)


def test_times_are_milliseconds() -> None:
    samples = interleave({"slow": lambda: time.sleep(0.02), "fast": lambda: None}, 5)
    assert min(samples["slow"]) >= 20
    assert min(samples["fast"]) < 1


def test_interval_covers_the_true_median_and_shrinks_with_more_samples() -> None:
    rng = np.random.default_rng(0)
    intervals = [median_interval(rng.normal(10, 1, 100), seed) for seed in range(60)]
    covered = sum(low <= 10 <= high for _, low, high in intervals)
    assert 51 <= covered <= 60  # 57 expected at 95 %
    _, low, high = median_interval(rng.normal(10, 1, 4000), seed=1)
    widths = [high - low for _, low, high in intervals]
    assert high - low < min(widths)
