"""Known times give known ratios; every variant is timed with every number of threads."""

from __future__ import annotations

import pytest

from optimize.speed import Samples, summarize, time_variants
from optimize.tflite import convert
from optimize.variants import Variant
from train.weights import Weights


def test_ratio_is_of_the_same_threads_and_round() -> None:
    samples: Samples = {
        ("full", 1): [100.0 + i for i in range(101)],
        ("small", 1): [(100.0 + i) / 40 for i in range(101)],
        ("full", 2): [60.0] * 101,
        ("small", 2): [float(i) for i in range(1, 102)],
    }
    found = summarize(samples, "full")
    assert found["full"]["1"]["times_faster"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    one, two = found["small"]["1"], found["small"]["2"]
    assert one["times_faster"]["value"] == pytest.approx(40)
    assert one["times_faster"]["low"] == pytest.approx(one["times_faster"]["high"])
    assert (two["p50_ms"], two["p90_ms"]) == (51.0, 91.0)
    assert two["times_faster"]["value"] == pytest.approx(60 / 51)
    assert two["times_faster"]["low"] < 60 / 51 < two["times_faster"]["high"]


def test_every_variant_is_timed_with_every_number_of_threads(tiny_weights: Weights) -> None:
    content = convert(tiny_weights)
    variants = [Variant(name, tiny_weights, content) for name in ("a", "b")]
    samples = time_variants(variants, 3, progress=False)
    assert samples.keys() == {("a", 1), ("a", 2), ("b", 1), ("b", 2)}
    assert all(len(times) == 3 and min(times) > 0 for times in samples.values())
