"""A kiosk on a full disk says so, shows its old records, and goes on when there is room again.

The disk is a small one in memory that only the kiosk's own mount namespace has (Linux), which
needs no privileges where the system lets users have namespaces. Uploads are spooled there too, as
on a mini-PC with one disk.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.kiosk.check import Check, NotMeasured, Plan, Row, Sample
from bench.kiosk.drawings import little_film
from bench.kiosk.running import Kiosks, RunningKiosk

DISK_MB = 64
BLOCK = 4096
CLEAR = ("disk_full", "no_room")
"""Codes whose sentences tell the operator to make room."""
UPLOADS = 60
"""At most, until one is refused: the database may have room inside itself."""
MOUNT = f'mount -t tmpfs -o size={DISK_MB}m,mode=700 tmpfs "$0" && exec "$@"'
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT)


def _run(kiosks: Kiosks, plan: Plan) -> Iterator[Sample]:
    small, large = little_film(plan.seed), plan.dicom
    with tempfile.TemporaryDirectory() as disk:
        _try_namespace(disk)
        start = kiosks.start(
            Path(disk) / "data", within=(*NAMESPACE, disk), environment={"TMPDIR": disk}
        )
        with start as kiosk:
            kept: list[dict[str, Any]] = []
            for film in (small, large, small):
                yield {"phase": "before", **_screened(kiosk, film, kept)}
            filler = Path(f"/proc/{kiosk.pid}/root{disk}/filler")
            _fill(filler)
            for _ in range(UPLOADS):
                answer = _screened(kiosk, small, kept)
                yield {"phase": "full", "film": "small", **answer}
                if answer["status"] != 201:
                    break
            _fill(filler)
            yield {"phase": "full", "film": "large", **_screened(kiosk, large, kept)}
            yield {"phase": "old", **_readable(kiosk, kept)}
            filler.unlink()
            for film in (small, large, small):
                yield {"phase": "after", **_screened(kiosk, film, kept)}
            yield {"phase": "old", **_readable(kiosk, kept)}


def _try_namespace(disk: str) -> None:
    """Raise `NotMeasured` where the system does not let this user have a disk of his own."""
    if shutil.which("unshare") is None:
        raise NotMeasured("not_measured", "There is no unshare here: a small disk needs it.")
    done = subprocess.run(
        [*NAMESPACE, disk, "true"], capture_output=True, text=True, check=False, timeout=20
    )
    if done.returncode != 0:
        why = done.stderr.strip().splitlines() or ["no reason was given"]
        raise NotMeasured("not_measured", f"No small disk could be mounted: {why[-1]}.")


def _fill(filler: Path) -> None:
    """Take all room that is left."""
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(BLOCK))


def _screened(kiosk: RunningKiosk, film: bytes, kept: list[dict[str, Any]]) -> Sample:
    answer = kiosk.screen(film, patient_id="K-9")
    if answer.status == 201:
        kept.append({name: answer.content[name] for name in ("id", "score", "outcome", "time")})
    reasons = answer.content.get("reasons") or [{}]
    message = reasons[0].get("message")
    return {"status": answer.status, "code": answer.code, "message": message}


def _readable(kiosk: RunningKiosk, kept: Sequence[dict[str, Any]]) -> Sample:
    """How many acknowledged screenings are shown, as they were acknowledged."""
    answers = [kiosk.get(f"/api/screenings/{each['id']}") for each in kept]
    same = sum(
        answer.status == 200 and each.items() <= answer.content.items()
        for answer, each in zip(answers, kept, strict=True)
    )
    return {"acknowledged": len(kept), "readable": same}


def _score(samples: Sequence[Sample]) -> list[Row]:
    phase = {
        name: [s for s in samples if s["phase"] == name]
        for name in ("before", "full", "old", "after")
    }
    refused = [s for s in phase["full"] if s["status"] != 201]
    clear = [s for s in refused if s["status"] == 503 and s["code"] in CLEAR and s["message"]]
    codes = sorted({str(s["code"] or f"status {s['status']}") for s in refused})
    back = sum(s["status"] == 201 for s in phase["after"])
    whole = all(s["readable"] == s["acknowledged"] for s in phase["old"])
    full, last = phase["old"][0], phase["old"][-1]
    return [
        Row(
            "disk full: what it says",
            "a clear message",
            f"{len(clear)} of {len(refused)} refusals: {', '.join(codes) or 'none'}",
            bool(refused) and len(clear) == len(refused),
            {"refusals": len(refused), "clear": len(clear)},
        ),
        Row(
            "disk full: old records",
            "all readable",
            f"{full['readable']} of {full['acknowledged']}, "
            f"{last['readable']} of {last['acknowledged']} afterwards",
            whole,
            {"readable": full["readable"], "acknowledged": full["acknowledged"]},
        ),
        Row(
            "disk full: room again",
            "recovers",
            f"{back} of {len(phase['after'])} screened",
            back == len(phase["after"]),
            {"screened": back},
        ),
    ]


FULL_DISK = Check(
    "full-disk",
    "a clear message, old records readable, recovers when space is back",
    lambda plan: 12,
    _run,
    _score,
)
