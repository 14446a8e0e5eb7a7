"""Scoring is pure: right for known samples, and for what a killed run left."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.backends.choice import KERAS, REFERENCE
from bench.intervals import percentiles
from bench.latency_score import score_latency
from bench.latency_table import latency_table
from bench.samples import Line

MACHINE = {"usable_cores": 2, "load_1min": 0.0, "governor": None}


def header(**machine: Any) -> Line:
    settings = {"seed": 0, "as_mlperf": "at least"}
    return {
        "kind": "latency", "format": 1, "settings": settings, "machine": {**MACHINE, **machine},
    }  # fmt: skip


def backend(name: str, network: str = "full network") -> list[Line]:
    return [
        {"sample": "backend", "backend": name, "network": network, "size_bytes": 1},
        {"sample": "warm_up", "backend": name, "threads": 1, "runs": 15, "stable": True},
    ]


def predictions(name: str, times: list[float], threads: int = 1, margin: float = 1.0) -> list[Line]:
    return [
        {
            "sample": "predict", "backend": name, "threads": threads, "round": i, "image": 0,
            "first_ms": 2 * ms, "ms": ms, "margin": margin,
        }
        for i, ms in enumerate(times)
    ]  # fmt: skip


END: Line = {"end": True, "load_after": 1.0, "others_busy": 0.0}


def rows_of(lines: list[Line]) -> dict[str, Any]:
    return {row["backend"]: row for row in score_latency(lines)["rows"]}


def test_percentiles_and_ratio_of_known_samples() -> None:
    lines = [header(), *backend(REFERENCE), *backend("fast", "fast"), *backend(KERAS)]
    lines += predictions(REFERENCE, [100.0] * 101)
    lines += predictions("fast", [float(i) for i in range(1, 102)])
    lines += predictions(KERAS, [300.0] * 101)
    rows = rows_of([*lines, END])
    fast = rows["fast"]
    found = [fast[key]["value"] for key in ("p50_ms", "p90_ms", "p99_ms")]
    assert found == [51.0, 91.0, 100.0]
    assert fast["p50_ms"]["low"] < 51 < fast["p50_ms"]["high"]
    assert fast["times_faster"]["value"] == pytest.approx(100 / 51)
    assert fast["times_faster"]["low"] < 100 / 51 < fast["times_faster"]["high"]
    assert fast["times_faster_than_keras"]["value"] == pytest.approx(300 / 51)
    assert (fast["runs"], fast["p50_after_others_ms"]) == (101, 102.0)
    assert rows[REFERENCE]["times_faster"] == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_ratio_is_within_the_round_and_the_threads() -> None:
    # A machine that slows down by ten in the middle slows both.
    slow = [10.0] * 50 + [100.0] * 50
    lines = [header(), *predictions(REFERENCE, slow), *predictions("b", [ms / 4 for ms in slow])]
    lines += predictions("b", [1.0] * 3, threads=2)
    rows = score_latency([*lines, END])["rows"]
    by_threads = {row["threads"]: row["times_faster"] for row in rows if row["backend"] == "b"}
    assert by_threads[1] == {"value": 4.0, "low": 4.0, "high": 4.0}
    assert by_threads[2] is None


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        (median,) = percentiles(rng.exponential(1.0, 200), (50,), seed, resamples=200)
        covered += median.low <= np.log(2) <= median.high
    assert 0.90 <= covered / 200 <= 0.99


def test_arithmetic_stands_against_the_measured_peak() -> None:
    lines = [header(), *backend("net", "net")]
    lines += [{"sample": "network", "network": "net", "multiplications": 1_000_000_000}]
    for library, gflops in (("numpy", 400.0), ("tensorflow", 300.0)):
        lines += [{"sample": "gemm", "threads": 1, "library": library, "gflops": gflops}]
    net = rows_of([*lines, *predictions("net", [10.0] * 5), END])["net"]
    assert net["gflops"] == pytest.approx(200)
    assert net["share_of_gemm_peak"] == pytest.approx(0.5)


def test_answer_of_a_broken_backend_stands_out() -> None:
    lines = [header()]
    for name, margin in (("net, LiteRT fp32", 1.0), ("net, other", 1.0), ("net, broken", -3.0)):
        lines += [*backend(name, "net"), *predictions(name, [1.0] * 3, margin=margin)]
    rows = rows_of([*lines, END])
    assert rows["net, other"]["margin_difference"] == 0
    assert rows["net, broken"]["margin_difference"] == 4


def test_more_threads_than_cores_are_marked() -> None:
    lines = [header(), *predictions("a", [1.0], threads=2), *predictions("a", [1.0], threads=4)]
    result = score_latency([*lines, END])
    assert [row["more_threads_than_cores"] for row in result["rows"]] == [False, True]
    assert "4 (more than cores)" in latency_table(result)


def test_stages_cold_starts_and_throughput() -> None:
    lines = [header()]
    for i, decode in enumerate((6.0, 5.0, 100.0)):
        stage = {"sample": "stage", "artifact": "a", "file": "JPEG", "threads": 1, "round": i}
        parts = {"decode": decode, "gates": 1.0, "preprocess": 1.0, "inference": 1.0}
        lines.append({**stage, **parts, "total": 12.0})
        cold = {"backend": "a", "threads": 1, "round": i}
        times = {"process_ms": 9.0 + i, "load_ms": 2.0 + i, "first_ms": 1.0 + i}
        lines.append({"sample": "cold_start", **cold, **times})
        lines.append({"sample": "peak_rss", **cold, "mib": 60.0 + i})
    for i in range(2):
        place = {"backend": "a", "processes": 2, "threads": 1, "process": i}
        lines.append({"sample": "throughput", **place, "images": 100, "seconds": 2.0})
    result = score_latency([*lines, END])
    (stage,) = result["stages"]
    assert stage["share"] == pytest.approx(
        {"decode": 0.5, "gates": 1 / 12, "preprocess": 1 / 12, "inference": 1 / 12, "rest": 0.25}
    )
    (cold,) = result["cold_starts"]
    assert (cold["process_ms"], cold["load_ms"], cold["first_ms"]) == (10.0, 3.0, 2.0)
    assert (cold["runs"], cold["peak_mib"]) == (3, 62.0)
    assert result["throughput"][0]["images_per_second"] == pytest.approx(100)
    table = latency_table(result)
    assert "6.0 (50%)" in table
    assert "| a | 2 | 1 | 100.0 |" in table


def test_harness_is_compared_with_the_fastest() -> None:
    lines = [header(), *predictions("nothing (harness)", [0.001] * 3)]
    lines += [*predictions("a", [10.0] * 3), *predictions("b", [1.0] * 3), END]
    (harness,) = score_latency(lines)["harness"]
    assert harness["share_of_fastest"] == pytest.approx(0.001)


def test_killed_run_is_scored_as_far_as_it_went() -> None:
    lines = [header(), *backend(REFERENCE), *backend("a")]
    lines += predictions(REFERENCE, [8.0] * 5)
    lines += predictions("a", [2.0] * 4)  # killed in the fifth round
    place = {"backend": "a", "processes": 2, "threads": 1, "process": 0}
    lines.append({"sample": "throughput", **place, "images": 1, "seconds": 1.0})
    for length in range(1, len(lines) + 1):
        result = score_latency(lines[:length])
        assert not result["finished"]
        assert "cut short" in result["warnings"][0]
        latency_table(result)
    assert rows_of(lines)["a"]["times_faster"]["value"] == 4.0
    assert result["throughput"] == []


def test_reader_is_warned_of_a_busy_machine() -> None:
    quiet = [header(), *backend("a"), *predictions("a", [1.0]), END]
    assert score_latency(quiet)["warnings"] == []
    restless = {"sample": "warm_up", "backend": "a", "threads": 1, "runs": 200, "stable": False}
    busy = [header(load_1min=1.5, governor="powersave"), restless, *predictions("a", [1.0])]
    found = " ".join(score_latency([*busy, {**END, "others_busy": 0.5}])["warnings"])
    for part in ("load 1.5", "50%", "Not stable after the warm-up: a", "powersave"):
        assert part in found


def test_missing_backend_is_named_with_its_reason() -> None:
    missing = {"sample": "not_available", "backend": "openvino", "why": "It is not installed."}
    result = score_latency([header(), missing, END])
    assert result["not_available"] == [{"backend": "openvino", "why": "It is not installed."}]
    assert "not available: openvino: It is not installed." in latency_table(result)
