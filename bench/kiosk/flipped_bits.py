"""A kiosk whose artifact has one flipped bit anywhere screens nothing."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.kiosk.check import Check, Plan, Row, Sample
from bench.kiosk.drawings import little_film
from bench.kiosk.running import Kiosks, RunningKiosk
from edge.artifact import MANIFEST, load_artifact


def _run(kiosks: Kiosks, plan: Plan) -> Iterator[Sample]:
    chance, film = random.Random(plan.seed), little_film(plan.seed)
    artifact = load_artifact()
    names = [MANIFEST, *artifact.manifest.files]
    with tempfile.TemporaryDirectory() as name:
        data, copy = Path(name) / "data", Path(name) / "artifact"
        shutil.copytree(artifact.folder, copy)
        with kiosks.start(data, artifact=copy) as kiosk:
            yield {"file": None, **_answered(kiosk, film)}
        for number in range(plan.bits):
            path = copy / names[number % len(names)]
            whole = path.read_bytes()
            place, bit = chance.randrange(len(whole)), chance.randrange(8)
            path.write_bytes(flipped(whole, place, bit))
            with kiosks.start(data, artifact=copy) as kiosk:
                yield {"file": path.name, "place": place, "bit": bit, **_answered(kiosk, film)}
            path.write_bytes(whole)


def _answered(kiosk: RunningKiosk, film: bytes) -> Sample:
    answer = kiosk.screen(film)
    healthy = kiosk.health.status == 200
    return {"healthy": healthy, "status": answer.status, "code": answer.code}


def flipped(data: bytes, place: int, bit: int) -> bytes:
    """The same bytes with one bit turned over: of the byte at ``place``, ``bit`` of 0 to 7."""
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


def _score(samples: Sequence[Sample]) -> list[Row]:
    sound = [sample for sample in samples if sample["file"] is None]
    harmed = [sample for sample in samples if sample["file"] is not None]
    refusals = sum(not sample["healthy"] and sample["status"] == 503 for sample in harmed)
    # A kiosk that refuses every artifact would refuse these too.
    used = all(sample["healthy"] and sample["status"] != 503 for sample in sound)
    return [
        Row(
            "one flipped bit in the artifact",
            "always refused",
            f"{refusals} refusals of {len(harmed)}; "
            f"without one it is {'used' if used else 'refused as well'}",
            used and refusals == len(harmed),
            {"refusals": refusals, "bits": len(harmed)},
        )
    ]


FLIPPED_BITS = Check(
    "flipped-bits",
    "one flipped bit at 100 places of an artifact: 100 refusals",
    lambda plan: plan.bits + 1,
    _run,
    _score,
)
