"""Runs that were written by the other commands, found again by their raw samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.accuracy_score import score_accuracy
from bench.accuracy_table import accuracy_table
from bench.kiosk.verdict import kiosk_table, score_kiosk
from bench.latency_score import score_latency
from bench.latency_table import latency_table
from bench.robustness_score import score_robustness
from bench.robustness_table import robustness_table
from bench.samples import Line, read_samples, was_finished
from edge.errors import DataRefused

Result = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of run: what it is called, how it is scored, and its result as Markdown."""

    title: str
    score: Callable[[list[Line]], Result]
    table: Callable[[Result], str]


KINDS = {
    "latency": Kind("Latency", score_latency, latency_table),
    "accuracy": Kind("Accuracy", score_accuracy, accuracy_table),
    "robustness": Kind("Robustness", score_robustness, robustness_table),
    "kiosk": Kind("The kiosk", score_kiosk, kiosk_table),
}
"""By the name of the command, which is that of its samples' file, in the order of the page."""


@dataclass(frozen=True)
class Run:
    """Raw samples of one run, and what they say.

    Attributes:
        kind: of `KINDS`.
        path: of the samples.
        lines: from `bench.samples.read_samples`.
        result: what ``KINDS[kind].score`` found.
    """

    kind: str
    path: Path
    lines: list[Line]
    result: Result

    @property
    def header(self) -> Line:
        """What was measured, on which machine, by which command."""
        return self.lines[0]

    @property
    def quick(self) -> bool:
        """Whether it was a look and no measurement."""
        return bool(self.header["settings"].get("quick"))

    @property
    def finished(self) -> bool:
        """Whether it was not cut short."""
        return was_finished(self.lines)

    def table(self) -> str:
        """The result as Markdown."""
        return KINDS[self.kind].table(self.result)


def read_runs(places: Sequence[Path]) -> list[Run]:
    """Read and score runs, in the order of the page.

    Args:
        places: folders that commands wrote to by ``--out``, or files of samples.

    Raises:
        DataRefused: ``no_samples``: there are none in one of the places; or as
            `bench.samples.read_samples`.
    """
    runs = [_read(path) for place in places for path in _files(place)]
    order = list(KINDS)
    return sorted(runs, key=lambda run: order.index(run.kind))


def _files(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        return
    found = [place / f"{kind}.jsonl" for kind in KINDS if (place / f"{kind}.jsonl").is_file()]
    if not found:
        raise DataRefused(
            "no_samples",
            f"{place} holds no raw samples: none of {', '.join(f'{kind}.jsonl' for kind in KINDS)}",
        )
    yield from found


def _read(path: Path) -> Run:
    lines = read_samples(path)
    kind = lines[0]["kind"]
    if kind not in KINDS:
        raise DataRefused("invalid_samples", f"{path} holds samples of an unknown kind: {kind}")
    return Run(kind, path, lines, KINDS[kind].score(lines))
