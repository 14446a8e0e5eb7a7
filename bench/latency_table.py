"""A scored run of ``latency`` as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.backends.null import NullBackend
from bench.stages import STAGES

Object = Mapping[str, Any]


def latency_table(result: Object) -> str:
    """What `bench.latency_score.score_latency` found, as Markdown tables."""
    parts = [
        [f"**{warning}**" for warning in result["warnings"]],
        list(_stream(result)),
        list(_gemm(result)),
        list(_cold_starts(result)),
        list(_stages(result)),
        list(_throughput(result)),
        [f"- not available: {each['backend']}: {each['why']}" for each in result["not_available"]],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _stream(result: Object) -> Iterator[str]:
    if not result["rows"]:
        return
    yield (
        "| backend | threads | p50 ms (95 %) | p90 ms | p99 ms | times faster than the full "
        "network (95 %) | than keras predict | GFLOP/s | of the fp32 peak | size MB |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for row in result["rows"]:
        threads = (
            f"{row['threads']}{' (more than cores)' if row['more_threads_than_cores'] else ''}"
        )
        faster = (_interval(row["times_faster"], 1), _value(row["times_faster_than_keras"]))
        if row["backend"] == NullBackend.name:  # the harness is no network to be faster than
            faster = ("-", "-")
        size = row.get("size_bytes")
        peak = row.get("share_of_gemm_peak")
        cells = (
            row["backend"],
            threads,
            _interval(row["p50_ms"], 2 if row["p50_ms"]["value"] >= 0.1 else 4),
            f"{row['p90_ms']['value']:.2f}",
            f"{row['p99_ms']['value']:.2f}",
            *faster,
            f"{row['gflops']:.0f}" if "gflops" in row else "-",
            f"{peak:.0%}" if peak is not None else "-",
            f"{size / 1e6:.2f}" if size else "-",
        )
        yield _row(cells)


def _gemm(result: Object) -> Iterator[str]:
    for each in result["gemm"]:
        yield (
            f"- product of float32 matrices, {each['threads']} thread(s): "
            f"{each['gflops']:.0f} GFLOP/s at most"
        )
    for each in result["harness"]:
        yield (
            f"- the harness, {each['threads']} thread(s): {each['ms'] * 1000:.1f} µs a prediction, "
            f"{each['share_of_fastest']:.2%} of the fastest backend's time"
        )


def _cold_starts(result: Object) -> Iterator[str]:
    if not result["cold_starts"]:
        return
    yield "| fresh process | threads | load ms | first prediction ms | all ms | peak MiB |"
    yield "|---|---:|---:|---:|---:|---:|"
    for each in result["cold_starts"]:
        times = (f"{each[key]:.0f}" for key in ("load_ms", "first_ms", "process_ms"))
        peak = "-" if each["peak_mib"] is None else f"{each['peak_mib']:.0f}"
        yield _row((each["backend"], each["threads"], *times, peak))


def _stages(result: Object) -> Iterator[str]:
    if not result["stages"]:
        return
    names = (*STAGES, "rest")
    yield f"| one screening | file | threads | total ms | {' | '.join(names)} |"
    yield "|---|---|---:|---:|" + "---:|" * len(names)
    for each in result["stages"]:
        shares = (f"{each['ms'][name]:.1f} ({each['share'][name]:.0%})" for name in names)
        place = (each["artifact"], each["file"], each["threads"])
        yield _row((*place, f"{each['total_ms']:.1f}", *shares))


def _throughput(result: Object) -> Iterator[str]:
    if not result["throughput"]:
        return
    yield "| all cores | processes | threads of each | images a second |"
    yield "|---|---:|---:|---:|"
    for each in result["throughput"]:
        rate = f"{each['images_per_second']:.1f}"
        yield _row((each["backend"], each["processes"], each["threads"], rate))


def _row(cells: tuple[Any, ...]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _interval(estimate: Object | None, digits: int) -> str:
    if estimate is None:
        return "-"
    value, low, high = (f"{estimate[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _value(estimate: Object | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.1f}"
