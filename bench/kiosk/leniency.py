"""An artifact that screens drawings: the shipped one, or a copy whose gates warn and never refuse.

The copy still spends the time that its gates need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from edge.artifact import MANIFEST, Artifact, load_artifact
from edge.screening import Screener
from optimize.files import write_folder

SHIPPED = "as shipped"
LENIENT = "a copy whose gates only warn: as shipped, it refuses what is uploaded here"


def artifact_for(films: Iterable[bytes], folder: Path) -> tuple[Path | None, str]:
    """Choose what the kiosk runs.

    Args:
        films: that have to be screened and not refused.
        folder: to write a copy to; must not exist.

    Returns:
        The folder of a copy, or None for the artifact that comes with the kiosk; and which of the
        two it is, in words.

    Raises:
        ArtifactRefused: the one that comes with the kiosk is.
        WorkFailed: ``cannot_write``.
    """
    artifact = load_artifact()
    screener = Screener(artifact)
    if all(screener.screen(film).score is not None for film in films):
        return None, SHIPPED
    return write_lenient(artifact, folder), LENIENT


def write_lenient(artifact: Artifact, folder: Path) -> Path:
    """Copy an artifact; where it has gates, they only warn.

    Raises:
        WorkFailed: ``cannot_write``.
    """
    manifest, gates = artifact.manifest, artifact.manifest.gates
    if gates is not None:
        warning = gates.acting(dict.fromkeys(gates.limits, "warn"))
        manifest = replace(manifest, gates=warning)
    files = {name: (artifact.folder / name).read_bytes() for name in manifest.files}
    write_folder(folder, {**files, MANIFEST: manifest.to_json().encode()})
    return folder
