"""Raw samples of a run of ``latency`` become what stands in its table. Nothing is measured here.

A run that was killed is scored as far as it went.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.backends.choice import KERAS, REFERENCE
from bench.backends.null import NullBackend
from bench.intervals import percentiles
from bench.samples import Line, samples_of, was_finished

BUSY_BEFORE = 0.15
"""Load of the last minute, a core, from which a machine was not idle before the run."""
BUSY_DURING = 0.05
"""Share of all cores' time that other processes may take during a run."""
Times = dict[tuple[str, int], dict[int, Line]]
"""Samples by backend and threads, then by round."""


def score_latency(lines: list[Line]) -> dict[str, Any]:
    """Score a run.

    Args:
        lines: from `bench.samples.read_samples`: header, samples and, where it was not cut short,
            the end.

    Returns:
        The header's values; ``finished``; ``warnings``; and, as lists of plain objects, ``rows``
        (a backend at a number of threads), ``cold_starts``, ``stages``, ``throughput``, ``gemm``,
        ``harness`` and ``not_available``. Times are milliseconds. What stands as ``{"value",
        "low", "high"}`` has a 95 % bootstrap interval.
    """
    header = lines[0]
    seed = int(header["settings"].get("seed", 0))
    times = _times(lines)
    gemm = _gemm(lines)
    rows = _rows(lines, times, gemm, seed)
    return {
        "command": "latency",
        "header": header,
        "machine": header["machine"],
        "finished": was_finished(lines),
        "end": lines[-1] if was_finished(lines) else None,
        "warnings": warnings(lines, rows),
        "rows": rows,
        "cold_starts": _cold_starts(lines),
        "stages": _stages(lines),
        "throughput": _throughput(lines),
        "gemm": [{"threads": n, "gflops": value} for n, value in sorted(gemm.items())],
        "harness": _harness(rows),
        "not_available": [_without(line, "sample") for line in samples_of(lines, "not_available")],
    }


def warnings(lines: list[Line], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader has to know before believing a figure, in sentences."""
    machine, settings, end = lines[0]["machine"], lines[0]["settings"], lines[-1]
    found = []
    if not was_finished(lines):
        found.append("The run was cut short; these are the samples that it left.")
    if "a look" in settings.get("as_mlperf", ""):
        found.append(f"This is {settings['as_mlperf']}.")
    if machine["load_1min"] > BUSY_BEFORE * machine["usable_cores"]:
        found.append(f"The machine was not idle before: load {machine['load_1min']}.")
    if end.get("others_busy", 0.0) > BUSY_DURING:
        share = f"{end['others_busy']:.0%}"
        found.append(f"Other processes took {share} of the machine's time during the run.")
    if restless := sorted({row["backend"] for row in rows if not row["warm"]}):
        found.append(f"Not stable after the warm-up: {', '.join(restless)}.")
    if machine.get("governor") not in (None, "performance"):
        found.append(f"The clock's governor is {machine['governor']}, not performance.")
    return found


def _rows(
    lines: list[Line], times: Times, gemm: Mapping[int, float], seed: int
) -> list[dict[str, Any]]:
    described = {line["backend"]: _without(line, "sample") for line in samples_of(lines, "backend")}
    warm = {(s["backend"], s["threads"]): s["stable"] for s in samples_of(lines, "warm_up")}
    work = {line["network"]: line["multiplications"] for line in samples_of(lines, "network")}
    cores = lines[0]["machine"]["usable_cores"]
    rows = []
    order = {name: place for place, name in enumerate(described)}
    for backend, threads in sorted(times, key=lambda key: (key[1], order.get(key[0], len(order)))):
        samples = times[backend, threads]
        row = {**described.get(backend, {"backend": backend}), "threads": threads}
        row["more_threads_than_cores"] = threads > cores
        row["warm"] = warm.get((backend, threads), False)
        row |= _percentiles(samples, seed)
        row["times_faster"] = _ratio(times.get((REFERENCE, threads)), samples, seed)
        row["times_faster_than_keras"] = _ratio(times.get((KERAS, threads)), samples, seed)
        if multiplications := work.get(row.get("network")):
            row["gflops"] = 2e-6 * multiplications / row["p50_ms"]["value"]
            row["share_of_gemm_peak"] = row["gflops"] / gemm[threads] if threads in gemm else None
        row["margin_difference"] = _margin_difference(times, described, backend, threads)
        rows.append(row)
    return rows


def _percentiles(samples: Mapping[int, Line], seed: int) -> dict[str, Any]:
    values = [sample["ms"] for sample in samples.values()]
    p50, p90, p99 = (each.to_dict() for each in percentiles(values, (50, 90, 99), seed))
    first = [sample["first_ms"] for sample in samples.values() if "first_ms" in sample]
    return {
        "runs": len(values),
        "p50_ms": p50,
        "p90_ms": p90,
        "p99_ms": p99,
        "p50_after_others_ms": median(first) if first else None,
    }


def _ratio(
    slow: Mapping[int, Line] | None, fast: Mapping[int, Line], seed: int
) -> dict[str, Any] | None:
    """Median over the rounds of the ratio within a round."""
    rounds = sorted(slow.keys() & fast.keys()) if slow else []
    if slow is None or not rounds:
        return None
    ratios: npt.NDArray[np.float64] = _ms(slow, rounds) / _ms(fast, rounds)
    return percentiles(ratios, (50,), seed)[0].to_dict()


def _ms(samples: Mapping[int, Line], rounds: Sequence[int]) -> npt.NDArray[np.float64]:
    return np.array([samples[i]["ms"] for i in rounds], np.float64)


def _margin_difference(
    times: Times, described: Mapping[str, Line], backend: str, threads: int
) -> float | None:
    """Largest difference of what it answered from the same network in LiteRT float, on an image."""
    network = described.get(backend, {}).get("network")
    floats = ((f"{network}, LiteRT {precision}", threads) for precision in ("fp32", "fp16"))
    answers = _answers(next((times[key] for key in floats if key in times), {}))
    own = _answers(times[backend, threads])
    return max((abs(own[i] - answers[i]) for i in own.keys() & answers.keys()), default=None)


def _answers(samples: Mapping[int, Line]) -> dict[int, float]:
    return {s["image"]: s["margin"] for s in samples.values() if "margin" in s and "image" in s}


def _harness(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the harness itself takes of the fastest backend's time, by threads."""
    found = []
    for threads in sorted({row["threads"] for row in rows}):
        by_name = {r["backend"]: r["p50_ms"]["value"] for r in rows if r["threads"] == threads}
        nothing = by_name.pop(NullBackend.name, None)
        if nothing is not None and by_name:
            share = nothing / min(by_name.values())
            found.append({"threads": threads, "ms": nothing, "share_of_fastest": share})
    return found


def _cold_starts(lines: list[Line]) -> list[dict[str, Any]]:
    peaks = _grouped(samples_of(lines, "peak_rss"), "backend", "threads")
    return [
        {
            "backend": backend,
            "threads": threads,
            "runs": len(samples),
            **{key: median(s[key] for s in samples) for key in ("process_ms", "load_ms")},
            "first_ms": median(s["first_ms"] for s in samples),
            "peak_mib": max((s["mib"] for s in peaks.get((backend, threads), [])), default=None),
        }
        for (backend, threads), samples in _grouped(
            samples_of(lines, "cold_start"), "backend", "threads"
        ).items()
    ]


def _stages(lines: list[Line]) -> list[dict[str, Any]]:
    """Medians of each stage and its share of the whole; ``rest`` is what no stage accounts for."""
    found = []
    grouped = _grouped(samples_of(lines, "stage"), "artifact", "file", "threads")
    for (artifact, file, threads), samples in grouped.items():
        parts = [key for key in samples[0] if key not in _STAGE_PLACE]
        medians = {key: median(s[key] for s in samples) for key in parts}
        total = medians.pop("total")
        medians["rest"] = max(0.0, total - sum(medians.values()))
        found.append(
            {
                "artifact": artifact,
                "file": file,
                "threads": threads,
                "runs": len(samples),
                "total_ms": total,
                "ms": medians,
                "share": {key: value / total for key, value in medians.items()},
            }
        )
    return found


_STAGE_PLACE = ("sample", "artifact", "file", "threads", "round")


def _throughput(lines: list[Line]) -> list[dict[str, Any]]:
    """Images a second of the whole machine: the processes' own rates together."""
    grouped = _grouped(samples_of(lines, "throughput"), "backend", "processes", "threads")
    return [
        {
            "backend": backend,
            "processes": processes,
            "threads": threads,
            "images": sum(s["images"] for s in samples),
            "images_per_second": sum(s["images"] / s["seconds"] for s in samples),
        }
        for (backend, processes, threads), samples in grouped.items()
        if len(samples) == processes  # the last one may have been cut short
    ]


def _gemm(lines: list[Line]) -> dict[int, float]:
    """The most that any library reached at any time, by threads, in GFLOP/s."""
    found: dict[int, float] = {}
    for line in samples_of(lines, "gemm"):
        found[line["threads"]] = max(found.get(line["threads"], 0.0), line["gflops"])
    return found


def _times(lines: list[Line]) -> Times:
    found: Times = {}
    for line in samples_of(lines, "predict"):
        found.setdefault((line["backend"], line["threads"]), {})[line["round"]] = line
    return found


def _grouped(samples: list[Line], *keys: str) -> dict[tuple[Any, ...], list[Line]]:
    found: dict[tuple[Any, ...], list[Line]] = {}
    for sample in samples:
        found.setdefault(tuple(sample[key] for key in keys), []).append(sample)
    return found


def _without(line: Line, key: str) -> Line:
    return {name: value for name, value in line.items() if name != key}
