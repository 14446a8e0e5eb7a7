"""Put fitted gates and a self-test into an artifact; its model files stay, byte for byte."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from edge.artifact import MANIFEST, Manifest, load_artifact
from edge.errors import DataRefused
from edge.quality import Gates
from optimize.drawn_scores import drawn_scores
from optimize.files import write_folder


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
    """Copy an artifact, its manifest carrying gates and a self-test, which is made anew.

    Args:
        artifact: folder; a signature of its manifest is not copied, because it no longer holds.
        gates: JSON file of ``pneumokiosk-optimize gates``.
        out: folder to write; must not exist. It appears whole or not at all.

    Raises:
        ArtifactRefused: as `edge.artifact.load_artifact` raises it; ``model_unusable``.
        DataRefused: ``out_exists`` or ``invalid_gates``.
        WorkFailed: ``cannot_write``.
    """
    if out.exists():
        raise DataRefused("out_exists", f"{out} exists already; name another folder.")
    loaded = load_artifact(artifact)
    before = loaded.manifest
    manifest = replace(
        before, gates=read_gates(gates), self_test=drawn_scores(before, loaded.models)
    )
    files = {before.variants[variant]: content for variant, content in loaded.models.items()}
    others = {name: (artifact / name).read_bytes() for name in before.files if name not in files}
    write_folder(out, {**files, **others, MANIFEST: manifest.to_json().encode()})
    return manifest
