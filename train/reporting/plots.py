"""The pictures of the report, each as the text of one SVG file.

`train.reporting.drawing` says how they look.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from train.evaluation import Floats
from train.reporting.drawing import (
    LINES,
    MARKERS,
    as_svg,
    colour_of,
    error_bars,
    new_figure,
    styled,
    with_interval,
)

SUBTYPES = {"normal": "normal", "bacteria": "bacterial", "virus": "viral"}
"""How a subtype of `train.datasets.Sample` is called on paper."""

Plain = dict[str, Any]


@styled
def confusion_plot(confusion: dict[str, int]) -> str:
    """Four counts as a table, shaded by their share of the row."""
    counts = np.array(
        [
            [confusion["true_negative"], confusion["false_positive"]],
            [confusion["false_negative"], confusion["true_positive"]],
        ]
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = new_figure(2.3, 2.1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.2)
    for row, column in np.ndindex(2, 2):
        axes.text(
            column,
            row,
            f"{counts[row, column]}\n{shares[row, column]:.1%}",
            ha="center",
            va="center",
            color="white" if shares[row, column] > 0.6 else "black",
        )
    axes.set_xticks([0, 1], ["below\nthreshold", "refer"])
    axes.set_yticks([0, 1], ["normal", "pneumonia"], rotation=90, va="center")
    axes.set_xlabel("decision")
    axes.set_ylabel("label")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return as_svg(figure)


@styled
def roc_plot(curves: dict[str, Plain], operating: dict[str, tuple[float, float]]) -> str:
    """ROC curves of all networks with their bands, where each one works, and the corner enlarged.

    Args:
        curves: by network, each a `train.reporting.curves.Curve` as plain values.
        operating: by network, rate of false positives and recall at its threshold.
    """
    figure, axes = new_figure(3.4, 3.3 + 0.15 * len(curves))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.6)
    corner = axes.inset_axes((0.42, 0.12, 0.56, 0.56))
    for i, (name, curve) in enumerate(curves.items()):
        for part in (axes, corner):
            _draw(part, i, curve, f"{name}: AUC {with_interval(curve['area'])}", "post")
            part.plot(*operating[name], MARKERS[i % len(MARKERS)], color=colour_of(i), markersize=5)
    corner.set(xlim=(-0.005, 0.4), ylim=(0.8, 1.004), yticks=(0.8, 0.9, 1.0))
    corner.tick_params(labelsize=6)
    corner.spines[:].set_visible(True)
    axes.indicate_inset((-0.005, 0.8, 0.405, 0.204), edgecolor="0.5", linewidth=0.5)
    axes.set(xlabel="1 \N{MINUS SIGN} specificity", ylabel="recall", aspect="equal")
    axes.set(xlim=(-0.01, 1), ylim=(0, 1.01))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center")
    return as_svg(figure)


@styled
def precision_recall_plot(curves: dict[str, Plain], share: float) -> str:
    """Precision over recall of all networks with their bands.

    Args:
        curves: by network, each a `train.reporting.curves.Curve` as plain values.
        share: of pneumonia among the images, the precision of a coin.
    """
    figure, axes = new_figure(3.4, 3.3 + 0.15 * len(curves))
    axes.axhline(share, color="0.7", linewidth=0.6)
    for i, (name, curve) in enumerate(curves.items()):
        label = f"{name}: average precision {with_interval(curve['area'])}"
        _draw(axes, i, curve, label, "pre")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(min(share, 0.5), 1.005))
    figure.legend(loc="outside lower center")
    return as_svg(figure)


@styled
def reliability_plot(before: Plain, after: Plain) -> str:
    """Share of pneumonia over score, before and after Platt scaling, with images a bin below.

    Args:
        before: a `train.reporting.reliability.Reliability` as plain values.
        after: likewise.
    """
    figure = Figure(figsize=(3.2, 3.6), layout="constrained")
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.6)
    for i, (name, found) in enumerate((("before", before), ("after", after))):
        bins = found["bins"]
        x = np.array([b["score"] for b in bins])
        share, errors = error_bars([b["share"] for b in bins])
        label = f"{name} Platt scaling: ECE {with_interval(found['ece'])}"
        # Aside by a hair, so that the bars of one do not cover the other's.
        axes.errorbar(
            x, share, errors, label=label, color=colour_of(i), marker=MARKERS[i], markersize=4,
            linestyle="none", elinewidth=0.8, capsize=2,
        )  # fmt: skip
        centres = [(b["low"] + b["high"]) / 2 + (i - 0.5) * 0.035 for b in bins]
        counts.bar(centres, [b["images"] for b in bins], 0.035, color=colour_of(i))
    axes.set(ylabel="share of pneumonia", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center")
    counts.set(xlabel="score", ylabel="images", yscale="log")
    return as_svg(figure)


@styled
def histogram_plot(scores: Floats, subtypes: list[str], threshold: float) -> str:
    """How the scores of normal, bacterial and viral films lie about the threshold.

    Args:
        scores: (n,) in [0, 1].
        subtypes: n of `train.datasets.Sample.subtype`.
        threshold: at or above it a film counts as pneumonia.
    """
    figure, axes = new_figure(3.4, 2.4)
    kinds = np.array(subtypes)
    for i, kind in enumerate(k for k in (*SUBTYPES, "pneumonia") if k in subtypes):
        chosen = scores[kinds == kind]
        axes.hist(
            chosen,
            bins=list(np.linspace(0, 1, 26)),
            histtype="step",
            label=f"{SUBTYPES.get(kind, kind)} ({len(chosen)})",
            color=colour_of(i),
            linestyle=LINES[i % len(LINES)],
            linewidth=1.3,
        )
    axes.axvline(threshold, color="0.3", linewidth=0.8)
    axes.annotate(
        "threshold", (threshold, 1), xycoords=("data", "axes fraction"), xytext=(3, -2),
        textcoords="offset points", va="top", fontsize=7, color="0.3",
    )  # fmt: skip
    axes.set(xlabel="score", ylabel="images", yscale="log", xlim=(0, 1))
    figure.legend(loc="outside upper center", ncols=3)
    return as_svg(figure)


@styled
def recall_plot(recalls: dict[str, dict[str, Plain]]) -> str:
    """Recall of each subtype by network, with intervals.

    Args:
        recalls: by network, then by subtype: an `train.evaluation.Estimate` as plain values.
    """
    kinds = list(dict.fromkeys(kind for by_kind in recalls.values() for kind in by_kind))
    figure, axes = new_figure(3.4, 0.9 + 0.35 * len(recalls) * len(kinds) / 2)
    for i, kind in enumerate(kinds):
        names = [name for name in recalls if kind in recalls[name]]
        x, errors = error_bars([recalls[name][kind] for name in names])
        y = np.array([list(recalls).index(name) for name in names]) + 0.15 * (
            2 * i - len(kinds) + 1
        )
        axes.errorbar(
            x, y, xerr=errors, label=SUBTYPES.get(kind, kind), color=colour_of(i),
            marker=MARKERS[i], markersize=4, linestyle="none", elinewidth=0.9, capsize=2,
        )  # fmt: skip
    axes.set_yticks(range(len(recalls)), list(recalls))
    axes.set(xlabel="recall at the threshold", ylim=(len(recalls) - 0.5, -0.5))
    axes.grid(axis="x", linewidth=0.3, color="0.8")
    figure.legend(loc="outside upper center", ncols=len(kinds))
    return as_svg(figure)


@styled
def audit_plot(changes: dict[str, dict[str, Plain]]) -> str:
    """AUC under every change of the films, by network.

    Args:
        changes: by network, the part ``changes`` of `train.reporting.audit.audit`.
    """
    names = list(next(iter(changes.values())))
    figure, axes = new_figure(5.2, 0.8 + (0.13 + 0.06 * len(changes)) * len(names))
    for i, (network, by_change) in enumerate(changes.items()):
        x, errors = error_bars([by_change[name]["auc"] for name in names])
        y = np.arange(len(names)) + 0.12 * (2 * i - len(changes) + 1)
        axes.errorbar(
            x, y, xerr=errors, label=network, color=colour_of(i), marker=MARKERS[i % len(MARKERS)],
            markersize=3, linestyle="none", elinewidth=0.8, capsize=1.5,
        )  # fmt: skip
        axes.axvline(x[0], color=colour_of(i), linewidth=0.5, linestyle=LINES[i % len(LINES)])
    axes.set_yticks(range(len(names)), ["the film as it is", *names[1:]])
    axes.set(xlabel="AUC", ylim=(len(names) - 0.5, -0.5))
    axes.grid(axis="y", linewidth=0.3, color="0.9")
    figure.legend(loc="outside upper center", ncols=3)
    return as_svg(figure)


@styled
def attention_plot(mean_map: list[list[float]]) -> str:
    """Where attention lies on average, from none (dark) to the most (bright).

    Args:
        mean_map: rows of a map over the film, as in `train.reporting.audit.audit`.
    """
    figure, axes = new_figure(1.9, 1.9)
    axes.imshow(np.array(mean_map), cmap="cividis", vmin=0, interpolation="bilinear")
    axes.set_axis_off()
    return as_svg(figure)


def _draw(axes: Axes, place: int, curve: Plain, label: str, steps: Literal["pre", "post"]) -> None:
    """One curve with its band."""
    colour, line = colour_of(place), LINES[place % len(LINES)]
    axes.fill_between(
        curve["x"], curve["low"], curve["high"], step=steps, color=colour, alpha=0.15, linewidth=0
    )
    axes.step(curve["x"], curve["y"], where=steps, color=colour, linestyle=line, label=label)
