"""How long one screening of a full-size film takes a client: from request to parsed JSON."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.kiosk.check import Check, Plan, Row, Sample
from bench.kiosk.running import Kiosks
from edge.errors import WorkFailed

JPEG_MEDIAN_MS, JPEG_P99_MS, DICOM_P99_MS = 60.0, 120.0, 250.0
WARM_UP = 10
"""Screenings of each film before the clock runs: the first loads what reads DICOM."""


def _run(kiosks: Kiosks, plan: Plan) -> Iterator[Sample]:
    films = {"jpeg": plan.jpeg, "dicom": plan.dicom}
    with tempfile.TemporaryDirectory() as folder, kiosks.start(Path(folder)) as kiosk:
        for number in range(-WARM_UP, plan.requests):
            for kind, film in films.items():  # in turns: what else the machine does slows both
                answer = kiosk.screen(film)
                if answer.status != 201:
                    raise WorkFailed(
                        "kiosk_failed", f"The {kind} film was answered {answer.status}."
                    )
                if number >= 0:
                    inside = answer.content["timings_ms"]
                    yield {"film": kind, "ms": answer.seconds * 1000, "inside_ms": inside}


def _score(samples: Sequence[Sample]) -> list[Row]:
    jpeg, dicom = (
        np.array([s["ms"] for s in samples if s["film"] == kind]) for kind in ("jpeg", "dicom")
    )
    p50, p99 = np.percentile(jpeg, [50, 99])
    slow50, slow99 = np.percentile(dicom, [50, 99])
    return [
        Row(
            "full-size JPEG, request to JSON",
            f"median ≤ {JPEG_MEDIAN_MS:.0f} ms, p99 ≤ {JPEG_P99_MS:.0f} ms",
            f"{p50:.1f} ms median, {p99:.1f} ms p99 of {len(jpeg)}",
            bool(p50 <= JPEG_MEDIAN_MS and p99 <= JPEG_P99_MS),
            {"median_ms": float(p50), "p99_ms": float(p99)},
        ),
        Row(
            "full-size 16-bit DICOM, request to JSON",
            f"p99 ≤ {DICOM_P99_MS:.0f} ms",
            f"{slow50:.1f} ms median, {slow99:.1f} ms p99 of {len(dicom)}",
            bool(slow99 <= DICOM_P99_MS),
            {"median_ms": float(slow50), "p99_ms": float(slow99)},
        ),
    ]


SPEED = Check(
    "speed",
    f"JPEG median ≤ {JPEG_MEDIAN_MS:.0f} ms and p99 ≤ {JPEG_P99_MS:.0f} ms, "
    f"DICOM ≤ {DICOM_P99_MS:.0f} ms",
    lambda plan: 2 * plan.requests,
    _run,
    _score,
)
