"""An artifact that screens drawings: the shipped one, or a copy whose gates warn and never refuse.

The copy still spends the time that its gates need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edge.artifact import MANIFEST, Artifact, load_artifact
from edge.errors import DataRefused
from edge.screening import Screener
from optimize.files import write_folder

SHIPPED = "as shipped"
LENIENT = "a copy whose gates only warn: as shipped, it refuses what is uploaded here"


def artifact_for(films: Sequence[bytes], folder: Path) -> tuple[Path | None, str]:
    """Choose what the kiosk runs.

    Args:
        films: that have to be screened and not refused.
        folder: to write a copy to; must not exist.

    Returns:
        The folder of a copy, or None for the artifact that comes with the kiosk; and which of the
        two it is, in words.

    Raises:
        ArtifactRefused: the one that comes with the kiosk is.
        DataRefused: ``image_refused``: a film cannot be screened even so.
        WorkFailed: ``cannot_write``.
    """
    artifact = load_artifact()
    if _refused(artifact, films) is None:
        return None, SHIPPED
    lenient = load_artifact(write_lenient(artifact, folder))
    if (why := _refused(lenient, films)) is not None:
        raise DataRefused("image_refused", f"A film that is to be uploaded is refused: {why}")
    return lenient.folder, LENIENT


def _refused(artifact: Artifact, films: Sequence[bytes]) -> str | None:
    """Why the first film that is refused is."""
    screener = Screener(artifact)
    screenings = map(screener.screen, films)
    return next((each.reasons[0][1] for each in screenings if each.score is None), None)


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
