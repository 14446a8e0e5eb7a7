"""How a kiosk is: its model, its machine, its records."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import edge
from edge.artifact import load_artifact
from edge.backup import last_backup
from edge.clock import timestamp
from edge.database import Database, problems, refusal_of
from edge.errors import ArtifactRefused, RecordsUnavailable
from edge.processor import processor_name
from edge.provenance import manifest_hash
from edge.selftest import run_self_test

Check = Callable[[sqlite3.Connection], tuple[str, ...]]


@dataclass(frozen=True)
class RecordsStatus:
    """How the records are.

    Attributes:
        path: of the file.
        screenings, images: how many there are.
        bytes: of the file.
        problems: what is wrong with it; empty if all is well.
        now, latest: the clock's time, and the latest of any screening (None: there is none).
        clock_doubt: the clock stands before a screening that was made already.
        doubtful: screenings that were stored with a doubtful time.
        last_backup: when it was made; None if never.
        disk_free, disk_total: bytes.
    """

    path: str
    screenings: int
    images: int
    bytes: int
    problems: tuple[str, ...]
    now: str
    latest: str | None
    clock_doubt: bool
    doubtful: int
    last_backup: str | None
    disk_free: int
    disk_total: int


def records_status(database: Database, check: Check = problems) -> RecordsStatus:
    """Look at the records; nothing is made or changed.

    Args:
        database: of the records.
        check: finds what is wrong; `edge.database.problems` reads the whole file.

    Raises:
        RecordsUnavailable: ``disk_full`` or ``records_unavailable``.
    """
    try:
        disk = shutil.disk_usage(database.folder)
        size = database.path.stat().st_size if database.path.exists() else None
    except OSError as error:
        raise refusal_of(error, database.folder) from error
    path, now = str(database.path), timestamp()
    if size is None:
        return RecordsStatus(path, 0, 0, 0, (), now, None, False, 0, None, disk.free, disk.total)
    with database.read() as connection:
        screenings, doubtful, latest = connection.execute(
            "SELECT COUNT(*), coalesce(SUM(clock_doubt), 0), MAX(time) FROM screenings"
        ).fetchone()
        (images,) = connection.execute("SELECT COUNT(*) FROM images").fetchone()
        wrong = check(connection)
    return RecordsStatus(
        path,
        screenings,
        images,
        size,
        wrong,
        now,
        latest,
        latest is not None and now < latest,
        doubtful,
        last_backup(database),
        disk.free,
        disk.total,
    )


def model_status(folder: Path, public_key: Path | None = None) -> dict[str, Any]:
    """What a model is, once its hashes and its self-test hold, or why it is refused."""
    try:
        artifact = load_artifact(folder, public_key)
        self_test = run_self_test(artifact)
    except ArtifactRefused as refusal:
        return {"status": "refused", "code": refusal.code, "message": refusal.message}
    manifest = artifact.manifest
    return {
        "status": "whole",
        "name": manifest.name,
        "version": manifest.version,
        "created": manifest.created,
        "manifest_sha256": manifest_hash(artifact),
        "signature": "verified" if public_key else "not_checked",
        "self_test": self_test.status,
        "variant": manifest.default_variant,
        "variants": sorted(manifest.variants),
    }


def machine_status() -> dict[str, Any]:
    """The processor and what runs on it."""
    return {
        "processor": processor_name(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "kiosk": edge.__version__,
        "python": platform.python_version(),
    }


def kiosk_status(
    database: Database,
    artifact: Path,
    public_key: Path | None = None,
    check: Check = problems,
) -> dict[str, Any]:
    """All of it as it stands in JSON; ``status`` is ``ok`` or ``trouble``.

    Args:
        database: of the records.
        artifact: folder of the model.
        public_key: that it must be signed with, or None.
        check: of the records, as in `records_status`.
    """
    try:
        records: dict[str, Any] = asdict(records_status(database, check))
    except RecordsUnavailable as refusal:
        records = {"problems": (refusal.message,), "code": refusal.code}
    model = model_status(artifact, public_key)
    well = model["status"] == "whole" and not records["problems"]
    return {
        "status": "ok" if well else "trouble",
        "model": model,
        "machine": machine_status(),
        "records": records,
        "notice": edge.STANDING_SENTENCE,
    }
