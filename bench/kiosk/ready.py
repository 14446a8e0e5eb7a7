"""How soon a kiosk answers: the first start, which times the model's variants, and later ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench.kiosk.check import Check, Plan, Row, Sample
from bench.kiosk.running import Kiosks

LIMIT_S = 1.5
FIRST, LATER = "first", "later"


def _run(kiosks: Kiosks, plan: Plan) -> Iterator[Sample]:
    for _ in range(plan.starts):
        with tempfile.TemporaryDirectory() as folder:
            for start in (FIRST, LATER):
                with kiosks.start(Path(folder)) as kiosk:
                    yield {
                        "start": start,
                        "seconds": kiosk.ready_s,
                        "status": kiosk.health.status,
                    }


def _score(samples: Sequence[Sample]) -> list[Row]:
    return [_row(start, [s for s in samples if s["start"] == start]) for start in (FIRST, LATER)]


def _row(start: str, samples: Sequence[Sample]) -> Row:
    seconds = [sample["seconds"] for sample in samples]
    well = all(sample["status"] == 200 for sample in samples)
    found = {"median_s": median(seconds), "worst_s": max(seconds), "starts": len(seconds)}
    return Row(
        f"ready after a {start} start",
        f"each ≤ {LIMIT_S} s",
        f"{found['median_s']:.2f} s median, {found['worst_s']:.2f} s worst of {len(seconds)}"
        + ("" if well else "; not all of them well"),
        well and found["worst_s"] <= LIMIT_S,
        found,
    )


READY = Check("ready", f"ready within {LIMIT_S} s", lambda plan: 2 * plan.starts, _run, _score)
