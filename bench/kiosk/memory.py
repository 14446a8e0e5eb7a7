"""Memory, file descriptors and threads over many screenings of all kinds of films."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench.kiosk.check import Check, Plan, Row, Sample
from bench.kiosk.drawings import crowd_films
from bench.kiosk.running import Kiosks
from edge.errors import WorkFailed

LIMIT_MB = 200.0
GROWTH_MB = 5.0
"""In 1,000 screenings, for the middles of the two quarters lie so far apart in 2,000. What a kiosk
takes once and keeps is taken in the first quarter; a film in memory or not is a few MB."""
LEAKED = 2
SERIES = 100
"""Samples of one run."""


def _run(kiosks: Kiosks, plan: Plan) -> Iterator[Sample]:
    films = (plan.jpeg, plan.dicom, *crowd_films(plan.seed, plan.films)[:3])
    between = max(1, plan.screenings // SERIES)
    with tempfile.TemporaryDirectory() as folder, kiosks.start(Path(folder)) as kiosk:
        for done in range(plan.screenings + 1):
            if done % between == 0 or done == plan.screenings:
                yield {
                    "screenings": done,
                    "rss_mb": kiosk.memory_mb(),
                    "peak_mb": kiosk.peak_mb(),
                    "handles": kiosk.handles(),
                    "threads": kiosk.threads(),
                }
            if done < plan.screenings:
                status = kiosk.screen(films[done % len(films)]).status
                if status != 201:
                    raise WorkFailed("kiosk_failed", f"A film was answered {status}.")


def _score(samples: Sequence[Sample]) -> list[Row]:
    last, count = samples[-1], samples[-1]["screenings"]
    second, fourth = (
        [s for s in samples if first <= s["screenings"] / count <= first + 0.25]
        for first in (0.25, 0.75)
    )
    growth = median(s["rss_mb"] for s in fourth) - median(s["rss_mb"] for s in second)
    leaks = {name: last[name] - second[0][name] for name in ("handles", "threads")}
    return [
        Row(
            "resident memory",
            f"≤ {LIMIT_MB:.0f} MB",
            f"{samples[0]['rss_mb']:.0f} MB at start, {last['rss_mb']:.0f} after {count} "
            f"screenings, {last['peak_mb']:.0f} at most",
            last["peak_mb"] <= LIMIT_MB,
            {"end_mb": last["rss_mb"], "peak_mb": last["peak_mb"]},
        ),
        Row(
            "growth of memory once settled",
            f"flat: ≤ {GROWTH_MB:.0f} MB more in the last quarter than in the second",
            f"{growth:+.1f} MB, median against median, over {count} screenings",
            growth <= GROWTH_MB,
            {"growth_mb": growth},
        ),
        Row(
            "leaked file descriptors and threads",
            f"≤ {LEAKED}",
            f"{leaks['handles']:+d} file descriptors, {leaks['threads']:+d} threads",
            sum(max(0, leak) for leak in leaks.values()) <= LEAKED,
            {name: float(leak) for name, leak in leaks.items()},
        ),
    ]


MEMORY = Check(
    "memory",
    f"RSS ≤ {LIMIT_MB:.0f} MB and flat, ≤ {LEAKED} leaked file descriptors or threads",
    lambda plan: min(SERIES, plan.screenings) + 1,
    _run,
    _score,
)
