"""Put fitted gates into an artifact; its model files stay as they are, byte for byte."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from edge.artifact import MANIFEST, Manifest, load_artifact
from edge.errors import DataRefused, WorkFailed
from edge.files import write_atomically
from edge.quality import Gates


def read_gates(path: Path) -> Gates:
    """Gates as ``pneumokiosk-optimize gates`` wrote them.

    Raises:
        DataRefused: ``invalid_gates``.
    """
    try:
        return Gates.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataRefused("invalid_gates", f"{path} holds no gates: {error!r}") from error


def add_gates(artifact: Path, gates: Path, out: Path) -> Manifest:
    """Copy an artifact, its manifest carrying gates.

    Args:
        artifact: folder; a signature of its manifest is not copied, because it no longer holds.
        gates: JSON file of ``pneumokiosk-optimize gates``.
        out: folder to write; must not exist. It appears whole or not at all.

    Raises:
        ArtifactRefused: as `edge.artifact.load_artifact` raises it.
        DataRefused: ``out_exists`` or ``invalid_gates``.
        WorkFailed: ``cannot_write``.
    """
    if out.exists():
        raise DataRefused("out_exists", f"{out} exists already; name another folder.")
    manifest = replace(load_artifact(artifact).manifest, gates=read_gates(gates))
    try:
        _write(artifact, manifest, out)
    except OSError as error:
        raise WorkFailed("cannot_write", f"{out} cannot be written: {error.strerror}.") from error
    return manifest


def _write(artifact: Path, manifest: Manifest, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        for name in manifest.files:
            write_atomically(temporary / name, (artifact / name).read_bytes())
        write_atomically(temporary / MANIFEST, manifest.to_json().encode())
        load_artifact(temporary)  # what was read above may have changed since it was verified
        temporary.chmod(0o755)
        temporary.replace(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
