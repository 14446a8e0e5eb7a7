"""What a screening was made with, so that its record can be understood years later."""

from __future__ import annotations

import hashlib
import platform
import sqlite3
from dataclasses import dataclass

import edge
from edge.artifact import Artifact


@dataclass(frozen=True)
class Provenance:
    """What stood behind one screening, besides the model file that the screening names.

    Attributes:
        manifest_sha256: of the manifest's file (hex): thresholds and calibration belong to it.
        operating_point: name of the thresholds in use; ``"manifest"`` for the manifest's own.
        calibration: slope and intercept from the model's margin to the score.
        versions: of the kiosk and of what it runs on.
    """

    manifest_sha256: str
    operating_point: str
    calibration: dict[str, float]
    versions: dict[str, str]


def provenance_of(artifact: Artifact, operating_point: str = "manifest") -> Provenance:
    """What screenings by a verified artifact are made with."""
    calibration = artifact.manifest.calibration
    return Provenance(
        manifest_hash(artifact),
        operating_point,
        {name: float(calibration[name]) for name in ("slope", "intercept")},
        {
            "kiosk": edge.__version__,
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
    )


def manifest_hash(artifact: Artifact) -> str:
    """SHA-256 (hex) of the manifest's file: the name of a model with all that belongs to it."""
    return hashlib.sha256(artifact.manifest_bytes).hexdigest()
