"""A kiosk that is killed at any moment of writing has kept all that it acknowledged."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.kiosk.check import Check, Plan, Row, Sample
from bench.kiosk.drawings import little_film
from bench.kiosk.running import START_LIMIT_S, Kiosks, RunningKiosk
from edge.database import problems
from edge.errors import WorkFailed
from edge.records import Records
from edge.settings import FILE

CLIENTS = 2
"""One writes while the other's film is read."""
MOST_BEFORE = 6
"""Screenings that are waited for before the moment comes."""


def _run(kiosks: Kiosks, plan: Plan) -> Iterator[Sample]:
    chance, film = random.Random(plan.seed), little_film(plan.seed)
    acknowledged: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Films are kept too: there is more to write, and more moments to be killed at.
        (folder / FILE).write_text("keep_images = true\n", encoding="utf-8")
        for _ in range(plan.kills):
            before, later = chance.randint(1, MOST_BEFORE), chance.random()
            with kiosks.start(folder) as kiosk:
                ids = _acknowledged_until_killed(kiosk, film, before, later)
            acknowledged += ids
            yield {"acknowledged": len(ids), **_state(folder, acknowledged)}


def _acknowledged_until_killed(
    kiosk: RunningKiosk, film: bytes, before: int, later: float
) -> list[str]:
    """Upload without a pause; kill so many screenings on, and a share of one screening's time.

    Raises:
        WorkFailed: ``kiosk_failed``: it did not acknowledge a film, or ended by itself.
    """
    ids: list[str] = []
    refusals: list[int] = []

    def upload() -> None:
        while (answer := kiosk.screen(film, patient_id="K-9")).status == 201:
            ids.append(answer.content["id"])
        if answer.status:  # none where the kill was faster
            refusals.append(answer.status)

    clients = [threading.Thread(target=upload) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for client in clients:
        client.start()
    while len(ids) < before and any(client.is_alive() for client in clients):
        time.sleep(0.001)
        if time.perf_counter() - started > START_LIMIT_S:
            break
    time.sleep(later * (time.perf_counter() - started) / before)
    alive = kiosk.alive
    kiosk.kill()
    for client in clients:
        client.join()
    if not alive or refusals or len(ids) < before:
        what = f"answered {refusals[0]}" if refusals else "stopped to answer"
        raise WorkFailed("kiosk_failed", f"The kiosk {what} while it was sent films.")
    return ids


def _state(folder: Path, acknowledged: Sequence[str]) -> Sample:
    """What a fresh start finds on the disk."""
    records = Records(folder)
    try:
        with records.database.read() as connection:
            wrong = problems(connection)
            kept = {str(row[0]) for row in connection.execute("SELECT id FROM screenings")}
            films = int(connection.execute("SELECT COUNT(*) FROM images").fetchone()[0])
    finally:
        records.close()
    missing = sum(each not in kept for each in acknowledged)
    return {"missing": missing, "records": len(kept), "films": films, "problems": list(wrong)}


def _score(samples: Sequence[Sample]) -> list[Row]:
    acknowledged = sum(sample["acknowledged"] for sample in samples)
    missing = max(sample["missing"] for sample in samples)
    broken = sum(bool(s["problems"]) or s["films"] != s["records"] for s in samples)
    # Records that were written when their answers were not yet sent: how near the kills came.
    written = samples[-1]["records"] + missing - acknowledged
    return [
        Row(
            "killed by SIGKILL while it writes",
            "integrity check ok, every acknowledged record there",
            f"{len(samples)} kills: {broken} damaged, {missing} missing of {acknowledged} "
            f"acknowledged; {written} there that were not acknowledged yet",
            broken == missing == 0,
            {
                "kills": len(samples),
                "damaged": broken,
                "missing": missing,
                "acknowledged": acknowledged,
                "unacknowledged": written,
            },
        )
    ]


POWER_CUT = Check(
    "power-cut",
    "killed at 50 moments of writing: integrity check ok, every acknowledged record there",
    lambda plan: plan.kills,
    _run,
    _score,
)
