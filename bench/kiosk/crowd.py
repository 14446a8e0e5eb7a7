"""Several clients at once: no error, no answer that belongs to another's film, exact records."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from bench.kiosk.check import Check, Plan, Row, Sample
from bench.kiosk.drawings import crowd_films
from bench.kiosk.running import Kiosks, RunningKiosk
from edge.records import Records


def _run(kiosks: Kiosks, plan: Plan) -> Iterator[Sample]:
    films = crowd_films(plan.seed, plan.films)
    chance = random.Random(plan.seed)
    chosen = [chance.randrange(len(films)) for _ in range(plan.uploads)]
    answered = []
    with tempfile.TemporaryDirectory() as folder:
        with kiosks.start(Path(folder)) as kiosk:
            for number, film in enumerate(films):
                answered.append(_uploaded(kiosk, film, number, f"ALONE-{number}"))
                yield {"phase": "alone", **answered[-1]}
            for sample in _together(kiosk, films, chosen, plan.clients):
                answered.append(sample)
                yield {"phase": "together", **sample}
        yield {"phase": "records", "clients": plan.clients, **_kept(Path(folder), answered)}


def _together(
    kiosk: RunningKiosk, films: Sequence[bytes], chosen: Sequence[int], clients: int
) -> Iterator[Sample]:
    pool = ThreadPoolExecutor(clients)
    try:
        uploads = [
            pool.submit(_uploaded, kiosk, films[film], film, f"CROWD-{number}")
            for number, film in enumerate(chosen)
        ]
        for upload in as_completed(uploads):
            yield upload.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _uploaded(kiosk: RunningKiosk, film: bytes, number: int, patient: str) -> Sample:
    answer = kiosk.screen(film, patient_id=patient)
    named = ("id", "score", "outcome", "patient_id")
    said = {name: answer.content.get(name) for name in named}
    return {
        "film": number,
        "patient": patient,
        "status": answer.status,
        "ms": answer.seconds * 1000,
        **said,
    }


def _kept(folder: Path, answered: Sequence[Sample]) -> Sample:
    """How many records there are, and how many answers stand there as they were given."""
    records = Records(folder)
    try:
        same = 0
        for sample in answered:
            record = records.get(sample["id"]) or {}
            same += bool(record) and all(
                record[name] == sample[name] for name in ("score", "outcome", "patient_id")
            )
        return {"records": records.count(), "as_answered": same}
    finally:
        records.close()


def _score(samples: Sequence[Sample]) -> list[Row]:
    alone = {s["film"]: s["score"] for s in samples if s["phase"] == "alone"}
    together = [s for s in samples if s["phase"] == "together"]
    uploads = len(alone) + len(together)
    errors = sum(s["status"] != 201 for s in samples if s["phase"] != "records")
    mixed = sum(
        s["status"] == 201 and (s["score"], s["patient_id"]) != (alone[s["film"]], s["patient"])
        for s in together
    )
    ids = {s["id"] for s in samples if s["phase"] != "records"}
    kept = next(s for s in samples if s["phase"] == "records")
    scores = len(set(alone.values()))
    # Were most scores alike, a mixed-up one would not be seen.
    told_apart = scores > len(alone) / 2
    exact = kept["records"] == kept["as_answered"] == len(ids) == uploads
    return [
        Row(
            f"{kept['clients']} clients at once: answers",
            "no error, no mixed-up result",
            f"{errors} errors, {mixed} mixed up of {len(together)}; "
            f"{scores} scores of {len(alone)} films",
            errors == mixed == 0 and told_apart,
            {"errors": errors, "mixed_up": mixed, "uploads": len(together), "scores": scores},
        ),
        Row(
            f"{kept['clients']} clients at once: records",
            "one for each upload, as it was answered",
            f"{kept['records']} records, {kept['as_answered']} as answered, of {uploads} uploads",
            exact,
            {"records": kept["records"], "as_answered": kept["as_answered"]},
        ),
    ]


CROWD = Check(
    "crowd",
    "no error, no mixed-up result, one record for each upload",
    lambda plan: plan.films + plan.uploads + 1,
    _run,
    _score,
)
