"""Damaged files: each gets an answer, soon, and without much memory."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.kiosk.check import Check, Plan, Row, Sample
from bench.kiosk.damage import mutant, sound_files
from bench.kiosk.running import Kiosks
from edge.errors import WorkFailed

LIMIT_S, LIMIT_MB = 10.0, 512.0
ANSWERS = (201, 413, 422)
"""Screened, too large, refused: all that may come of a file."""


def _run(kiosks: Kiosks, plan: Plan) -> Iterator[Sample]:
    files = sound_files()
    with tempfile.TemporaryDirectory() as folder, kiosks.start(Path(folder)) as kiosk:
        before = {name: kiosk.screen(data).content.get("score") for name, data in files.items()}
        for number in range(plan.mutants):
            made = mutant(files, plan.seed, number)
            answer = kiosk.screen(made.data)
            if not kiosk.alive:
                raise WorkFailed("kiosk_failed", f"Mutant {number} ended it: {made.damage}.")
            yield {
                "number": number,
                "format": made.format,
                "damage": made.damage,
                "bytes": len(made.data),
                "status": answer.status,
                "code": answer.code,
                "seconds": answer.seconds,
                "peak_mb": kiosk.peak_mb(),
            }
        after = {name: kiosk.screen(data).content.get("score") for name, data in files.items()}
        yield {"before": before, "after": after}


def _score(samples: Sequence[Sample]) -> list[Row]:
    *answers, last = samples
    wrong = [s for s in answers if s["status"] not in ANSWERS]
    said = Counter(s["status"] for s in answers)
    slowest = max(s["seconds"] for s in answers)
    peak = max(s["peak_mb"] for s in answers)
    same = last["before"] == last["after"] and None not in last["before"].values()
    named = ", ".join(
        f"{count} × {status or 'no answer'}" for status, count in sorted(said.items())
    )
    return [
        Row(
            "damaged files: answers",
            "no 500",
            f"{len(wrong)} wrong of {len(answers)}: {named}",
            not wrong,
            {"wrong": len(wrong), "mutants": len(answers)},
        ),
        Row(
            "damaged files: slowest answer",
            f"none over {LIMIT_S:.0f} s",
            f"{slowest:.2f} s",
            slowest <= LIMIT_S,
            {"slowest_s": slowest},
        ),
        Row(
            "damaged files: memory",
            f"none over {LIMIT_MB:.0f} MB",
            f"{peak:.0f} MB at most",
            peak <= LIMIT_MB,
            {"peak_mb": peak},
        ),
        Row(
            "damaged files: sound ones afterwards",
            "screened as before",
            "the same scores" if same else "not the same scores",
            same,
        ),
    ]


MUTANTS = Check(
    "mutants",
    f"2,000 damaged files: no 500, none over {LIMIT_S:.0f} s, none over {LIMIT_MB:.0f} MB",
    lambda plan: plan.mutants + 1,
    _run,
    _score,
)
