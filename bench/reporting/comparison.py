"""Two runs of one kind side by side, and whether the second is worse than stated limits allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.accuracy_score import labels_and_scores
from bench.backends.choice import REFERENCE
from bench.backends.null import NullBackend
from bench.intervals import RESAMPLES, Estimate
from bench.reporting.runs import Run
from bench.samples import Line, samples_of
from edge.errors import DataRefused
from train.reporting.comparison import delong_test

Floats = npt.NDArray[np.float64]
Place = tuple[str, ...]
"""What a row is about: backend and threads, or set, network, threads and change."""


@dataclass(frozen=True)
class Limits:
    """How much worse the second run may be; what is beyond is a regression.

    Attributes:
        slower: times as long, where the whole 95 % interval is beyond.
        auc: loss of AUC, where the whole 95 % interval is a loss.
        changed: share of the films that come out otherwise.
        score: mean absolute difference of the films' scores.
        answer: largest difference between the margins that were given to one image.
    """

    slower: float = 1.1
    auc: float = 0.003
    changed: float = 0.01
    score: float = 0.01
    answer: float = 0.1

    def to_dict(self) -> dict[str, float]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Row:
    """One thing that both runs measured.

    Attributes:
        what: it is.
        measure: ``"time"``, ``"answer"``, ``"outcomes"``, ``"scores"``, ``"AUC"``,
            ``"limit"`` or ``"measured"``.
        first, second: in each run, in words.
        change: from the first to the second, in words, with an interval where there is one.
        regressed: whether it is beyond its limit; None where none is set.
    """

    what: str
    measure: str
    first: str
    second: str
    change: str
    regressed: bool | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def compare_runs(first: Run, second: Run, limits: Limits, seed: int = 0) -> list[Row]:
    """Compare two runs of one kind.

    Args:
        first: what is the measure.
        second: what is judged.
        limits: how much worse it may be.
        seed: of the bootstrap.

    Raises:
        DataRefused: ``different_kinds``, or ``nothing_in_common``.
    """
    if first.kind != second.kind:
        raise DataRefused(
            "different_kinds",
            f"{first.path} is a run of {first.kind}, {second.path} one of {second.kind}.",
        )
    rows = list(_COMPARED[first.kind](first, second, limits, seed))
    if all(row.measure == "measured" for row in rows):
        raise DataRefused(
            "nothing_in_common", f"{first.path} and {second.path} measured nothing that is the same"
        )
    return rows


def _latency(first: Run, second: Run, limits: Limits, seed: int) -> Iterator[Row]:
    """Times are compared in units of the full network's, where both runs timed it.

    A machine that was slower on the second day was slower for both.
    """
    ours, theirs = (_predictions(run.lines) for run in (first, second))
    for place, (before, after) in _both(ours, theirs):
        backend, threads = place
        yardstick = (REFERENCE, threads)
        relative = yardstick in ours and yardstick in theirs and backend != REFERENCE
        unit = "of the full network's time" if relative else "ms"
        if relative:
            times = _ratios(before, ours[yardstick]), _ratios(after, theirs[yardstick])
        else:
            times = _values(before, "ms"), _values(after, "ms")
        what = f"{backend}, {threads} thread(s)"
        # The yardstick and the harness say how fast the day was; nothing of ours is slower by it.
        judged = backend not in (REFERENCE, NullBackend.name)
        yield _slower(what, unit, times, limits.slower if judged else None, seed)
        yield from _answers(what, before, after, limits.answer)
    yield from _gone(ours, theirs)
    for place, (before, after) in _both(_stages(first.lines), _stages(second.lines)):
        times = _values(before, "total"), _values(after, "total")
        what = f"one screening: {', '.join(place)} thread(s)"
        yield _slower(what, "ms", times, limits.slower, seed)


def _films(first: Run, second: Run, limits: Limits, seed: int) -> Iterator[Row]:
    ours, theirs = (_by_place(run.lines) for run in (first, second))
    for place, (before, after) in _both(ours, theirs):
        common = [film for film in after if film in before]
        if common:
            pairs = [(before[film], after[film]) for film in common]
            yield from _outcomes(", ".join(place), pairs, limits)
    yield from _gone(ours, theirs)


def _kiosk(first: Run, second: Run, limits: Limits, seed: int) -> Iterator[Row]:
    words = {True: "met", False: "not met", None: "not measured"}
    ours, theirs = ({row["what"]: row for row in run.result["rows"]} for run in (first, second))
    for what in (name for name in ours if name in theirs):
        before, after = ours[what], theirs[what]
        yield Row(
            what, "limit", before["value"], after["value"],
            f"{words[before['met']]}, then {words[after['met']]}",
            before["met"] is True and after["met"] is False,
        )  # fmt: skip
    yield from _gone({(name,): None for name in ours}, {(name,): None for name in theirs})


_COMPARED: Mapping[str, Callable[[Run, Run, Limits, int], Iterator[Row]]] = {
    "latency": _latency,
    "accuracy": _films,
    "robustness": _films,
    "kiosk": _kiosk,
}


def _slower(
    what: str, unit: str, times: tuple[Floats, Floats], limit: float | None, seed: int
) -> Row:
    """The ratio of two medians; runs are independent, so each is resampled by itself."""
    rng = np.random.default_rng(seed)
    before, after = (_medians(values, rng) for values in times)
    low, high = np.percentile(after / before, [2.5, 97.5])
    first, second = (float(np.median(values)) for values in times)
    ratio = Estimate(second / first, float(low), float(high))
    return Row(
        what,
        "time",
        f"{first:.4g} {unit}",
        f"{second:.4g} {unit}",
        f"× {ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})",
        None if limit is None else ratio.low > limit,
    )


def _medians(values: Floats, rng: np.random.Generator) -> Floats:
    drawn = rng.integers(0, len(values), (RESAMPLES, len(values)))
    return np.asarray(np.median(values[drawn], axis=1), np.float64)


def _answers(
    what: str, before: Sequence[Line], after: Sequence[Line], limit: float
) -> Iterator[Row]:
    """Accuracy on the very outputs of the timed runs: both were given the same images."""
    ours, theirs = (
        {s["image"]: s["margin"] for s in run if "margin" in s} for run in (before, after)
    )
    common = [image for image in ours if image in theirs]
    if common:
        largest = max(abs(ours[image] - theirs[image]) for image in common)
        yield Row(
            what, "answer", f"{len(ours)} images", f"{len(theirs)} images",
            f"margins differ by {largest:.4f} at most", largest > limit,
        )  # fmt: skip


def _outcomes(what: str, pairs: Sequence[tuple[Line, Line]], limits: Limits) -> Iterator[Row]:
    changed = sum(before["outcome"] != after["outcome"] for before, after in pairs)
    share = changed / len(pairs)
    yield Row(
        what, "outcomes", f"{len(pairs):,} films", f"{len(pairs):,} films",
        f"{changed:,} changed ({share:.1%})", share > limits.changed,
    )  # fmt: skip
    scored = [p for p in pairs if None not in (p[0]["score"], p[1]["score"])]
    if scored:
        moved = float(np.mean([abs(b["score"] - a["score"]) for a, b in scored]))
        count = f"{len(scored):,} films"
        yield Row(
            what, "scores", count, count, f"moved by {moved:.4f} on average", moved > limits.score
        )
    both = [pair for pair in scored if pair[0]["label"] is not None]
    labels, before = labels_and_scores([pair[0] for pair in both])
    _, after = labels_and_scores([pair[1] for pair in both])
    if min(np.bincount(labels, minlength=2)) < 2:
        return
    found = delong_test(labels, before, after)
    difference = found.difference
    yield Row(
        what, "AUC", f"{found.first:.3f}", f"{found.second:.3f}",
        f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})",
        difference.value < -limits.auc and difference.high < 0,
    )  # fmt: skip


def _gone(ours: Mapping[Place, Any], theirs: Mapping[Place, Any]) -> Iterator[Row]:
    """What worked in the first run and is not in the second: it may be broken."""
    for place in ours:
        if place not in theirs:
            yield Row(", ".join(place), "measured", "yes", "no", "missing", True)


def _both(
    ours: Mapping[Place, Any], theirs: Mapping[Place, Any]
) -> Iterator[tuple[Place, tuple[Any, Any]]]:
    for place in ours:
        if place in theirs:
            yield place, (ours[place], theirs[place])


def _predictions(lines: Sequence[Line]) -> dict[Place, list[Line]]:
    return _grouped(samples_of(list(lines), "predict"), "backend", "threads")


def _stages(lines: Sequence[Line]) -> dict[Place, list[Line]]:
    return _grouped(samples_of(list(lines), "stage"), "artifact", "file", "threads")


def _by_place(lines: Sequence[Line]) -> dict[Place, dict[str, Line]]:
    """What was said of every film, by everything else that makes a sample what it is."""
    keys = ("set", "variant", "threads", "change")
    found: dict[Place, dict[str, Line]] = {}
    for line in samples_of(list(lines), "film"):
        place = tuple(str(line[key]) for key in keys if key in line)
        found.setdefault(place, {})[line["file"]] = line
    return found


def _grouped(samples: Sequence[Line], *keys: str) -> dict[Place, list[Line]]:
    found: dict[Place, list[Line]] = {}
    for sample in samples:
        found.setdefault(tuple(str(sample[key]) for key in keys), []).append(sample)
    return found


def _values(samples: Sequence[Line], key: str) -> Floats:
    return np.array([sample[key] for sample in samples], np.float64)


def _ratios(samples: Sequence[Line], yardstick: Sequence[Line]) -> Floats:
    """Of the times within a round: what slowed the machine for a moment slowed both."""
    of_round = {sample["round"]: sample["ms"] for sample in yardstick}
    pairs = [(s["ms"], of_round[s["round"]]) for s in samples if s["round"] in of_round]
    return np.array([own / full for own, full in pairs], np.float64)
