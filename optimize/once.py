"""Work that is done once, in a process of its own, and kept until what it needs changes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.errors import WorkFailed
from edge.files import write_atomically
from optimize.processes import do_apart
from train.provenance import PACKAGES, describe_environment
from train.weights import parts_of

BEGUN, DONE, REPORT, SCRATCH = "begun.json", "done.json", "report.json", "scratch"
VERSIONS = (
    *PACKAGES, "ai-edge-litert", "tf_keras", "tensorflow-model-optimization", "onnx", "onnxruntime",
    "tensorrt",
)  # fmt: skip
"""Packages that decide what comes out."""
ROOM = 500_000_000
"""Bytes of disk that must be free before work begins."""


def do_once(
    folder: Path, output: str, key: str, work: Callable[..., dict[str, Any]], *arguments: Any
) -> bool:
    """Do work, unless its output is there, whole, and was made with the same key.

    What interrupted work of the same key left in the folder is still there when it begins again;
    what work of another key left is not.

    Args:
        folder: of the work; it also keeps ``report.json``, and what the work and the libraries
            that it calls would put into the system's folder for temporary files.
        output: file, weights or folder that the work leaves there.
        key: stands for all that decides what comes out.
        work: receives ``arguments``, in a process of its own: a converter that crashes takes no
            other with it. What it returns becomes the report, besides how long it took and with
            which versions on which machine.

    Returns:
        Whether there was anything to do.

    Raises:
        WorkFailed: ``disk_full``, ``step_killed``, or as ``work``.
    """
    if _read(folder / DONE) == {"key": key, "output": digest(folder / output)}:
        return False
    if _read(folder / BEGUN) != {"key": key}:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(folder / BEGUN, {"key": key})
    _require_room(folder)
    started = time.monotonic()
    report = do_apart(folder.name, _work_aside, folder / SCRATCH, work, *arguments)
    made = {
        "seconds": round(time.monotonic() - started, 1),
        "made_by": describe_environment(VERSIONS),
    }
    write_json(folder / REPORT, {**made, **report})
    write_json(folder / DONE, {"key": key, "output": digest(folder / output)})
    return True


def _work_aside(
    scratch: Path, work: Callable[..., dict[str, Any]], *arguments: Any
) -> dict[str, Any]:
    """Work with a folder of its own for temporary files, which a killed run leaves to the next."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    tempfile.tempdir = os.environ["TMPDIR"] = str(scratch.resolve())
    try:
        return work(*arguments)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def key_of(settings: dict[str, Any]) -> str:
    """Hash of plain values."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def digest(path: Path) -> str | None:
    """Hash of a file, its shards, or a folder's files with their names; None where nothing is."""
    parts = sorted(path.rglob("*")) if path.is_dir() else parts_of(path)
    files = [part for part in parts if part.is_file()]
    total = hashlib.sha256()
    for file in files:
        total.update(file.relative_to(path.parent).as_posix().encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest() if files else None


def listing(folder: Path | None) -> str | None:
    """Hash of the names and sizes of a data set's files: other images have other sizes."""
    if folder is None:
        return None
    files = (path for path in folder.rglob("*") if path.is_file())
    lines = sorted(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}" for path in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write plain values atomically."""
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _require_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise WorkFailed(
            "disk_full",
            f"{free / 1e6:.0f} MB are free on the disk of {folder}, {ROOM / 1e6:.0f} are needed.",
        )
