"""The pictures of the benchmark's page, each as the text of one SVG file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from bench.reporting.runs import Run
from bench.samples import samples_of
from bench.stages import STAGES
from optimize.pareto import Point, pareto_plot
from train.reporting.drawing import (
    LINES,
    MARKERS,
    as_svg,
    colour_of,
    error_bars,
    new_figure,
    styled,
)

Object = Mapping[str, Any]
Times = dict[str, list[float]]


def pareto_pictures(latency: Sequence[Run], accuracy: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """Accuracy against latency, a picture for every pair of runs that have files in common.

    What was timed and what was measured are joined by the hash of the model file.

    Returns:
        Pairs of title and SVG.
    """
    for right in accuracy:
        by_hash = {sha256: name for name, sha256 in right.result["artifacts"].items()}
        for fast in latency:
            threads = most_threads(fast.result["rows"])
            points = [
                point
                for row in fast.result["rows"]
                if row["threads"] == threads and row["sha256"] in by_hash
                for point in _points(row, right.result["variants"][by_hash[row["sha256"]]])
            ]
            if len(points) > 1:
                title = f"{right.result['data']}, {right.result['films']:,} films"
                label = f"ms a film, p50, {threads} thread(s), logarithmic"
                yield (
                    f"Accuracy against latency, {threads} thread(s)",
                    pareto_plot(points, title, label, "AUC, 95 % intervals"),
                )


@styled
def latency_picture(run: Run, threads: int) -> str:
    """Every raw sample of one number of threads: the share of images that took no longer."""
    times = _samples(run, threads)
    figure, axes = new_figure(7.0, 3.0 + 0.1 * len(times))
    for i, (name, values) in enumerate(times.items()):
        share = np.arange(1, len(values) + 1) / len(values)
        axes.step(
            np.sort(values), share, where="post", label=name, color=colour_of(i),
            linestyle=LINES[i // 7 % len(LINES)], linewidth=1.1,
        )  # fmt: skip
    _logarithmic(axes)
    axes.set(xlabel=f"ms an image, {threads} thread(s)", ylabel="share of images", ylim=(0, 1.01))
    axes.grid(linewidth=0.3, color="0.9")
    figure.legend(loc="outside right center", fontsize=6.5)
    return as_svg(figure)


@styled
def stages_picture(stages: Sequence[Object]) -> str:
    """Where the time of one screening goes: a bar for each artifact, file and number of threads."""
    names = (*STAGES, "rest")
    figure, axes = new_figure(7.0, 0.9 + 0.28 * len(stages))
    left = np.zeros(len(stages))
    for i, name in enumerate(names):
        widths = np.array([each["ms"][name] for each in stages])
        axes.barh(
            range(len(stages)), widths, left=left, label=name, color=colour_of(i),
            hatch=("", "///", "...", "xxx", "")[i], edgecolor="white", linewidth=0.5,
        )  # fmt: skip
        left += widths
    for i, each in enumerate(stages):
        axes.annotate(f" {each['total_ms']:.1f} ms", (left[i], i), va="center", fontsize=7)
    axes.set_yticks(
        range(len(stages)), [f"{e['artifact']}, {e['file']}, {e['threads']}" for e in stages]
    )
    axes.set(xlabel="ms of one screening, medians; the last number: threads")
    axes.set_xlim(0, float(left.max()) * 1.12)
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=len(names))
    return as_svg(figure)


@styled
def robustness_picture(changes: Mapping[str, Mapping[str, Object]]) -> str | None:
    """AUC of one set of films under every change, by network; None where there is no AUC.

    Args:
        changes: by network and change, of `bench.robustness_score.score_robustness`.
    """
    measured = {
        name: {change: row for change, row in rows.items() if row["evaluation"]}
        for name, rows in changes.items()
    }
    names = list(dict.fromkeys(change for rows in measured.values() for change in rows))
    if not names:
        return None
    figure, axes = new_figure(7.0, 0.8 + (0.12 + 0.06 * len(measured)) * len(names))
    for i, (network, rows) in enumerate(measured.items()):
        found = [change for change in names if change in rows]
        x, errors = error_bars([rows[c]["evaluation"]["figures"]["auc"] for c in found])
        y = np.array([names.index(change) for change in found])
        axes.errorbar(
            x, y + 0.12 * (2 * i - len(measured) + 1), xerr=errors, label=network,
            color=colour_of(i), marker=MARKERS[i % len(MARKERS)], markersize=3,
            linestyle="none", elinewidth=0.8, capsize=1.5,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="AUC, 95 % intervals", ylim=(len(names) - 0.5, -0.5))
    axes.grid(axis="y", linewidth=0.3, color="0.9")
    figure.legend(loc="outside upper center", ncols=3)
    return as_svg(figure)


def most_threads(rows: Sequence[Object]) -> int:
    """The largest number of threads that had a core for each; else the smallest."""
    each = {row["threads"]: row["more_threads_than_cores"] for row in rows}
    return max((n for n, too_many in each.items() if not too_many), default=min(each, default=1))


def _points(row: Object, variant: Object) -> Iterator[Point]:
    """One, or none where the films had one label only."""
    if variant["evaluation"]:
        auc = variant["evaluation"]["figures"]["auc"]
        yield Point(row["backend"], row["p50_ms"]["value"], auc["value"], auc["low"], auc["high"])


def _samples(run: Run, threads: int) -> Times:
    found: Times = {}
    for sample in samples_of(run.lines, "predict"):
        if sample["threads"] == threads:
            found.setdefault(sample["backend"], []).append(sample["ms"])
    return dict(sorted(found.items(), key=lambda item: float(np.median(item[1]))))


def _logarithmic(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1,)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
