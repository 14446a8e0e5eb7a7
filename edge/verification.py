"""All checks of an artifact at once: signature, hashes, self-test, every variant on an image."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import edge
from edge.artifact import Artifact, load_artifact
from edge.errors import ArtifactRefused
from edge.phantom import draw_phantom
from edge.screening import Screener
from edge.selftest import failure, run_self_test


def verify_artifact(folder: Path, public_key: Path | None = None) -> dict[str, Any]:
    """Load everything; what is returned is what was checked, as plain values.

    Args:
        folder: of the artifact.
        public_key: as `edge.artifact.load_artifact` takes it.

    Raises:
        ArtifactRefused: as `edge.artifact.load_artifact` raises it; ``self_test_failed`` if any
            variant fails; ``model_unusable``.
    """
    artifact = load_artifact(folder, public_key)
    manifest = artifact.manifest
    self_test = run_self_test(artifact)
    failed = [name for name, test in self_test.variants.items() if not test.passed]
    if failed:
        raise ArtifactRefused(
            "self_test_failed",
            "; ".join(f"{name}: {failure(self_test.variants[name])}" for name in failed) + ".",
        )
    return {
        "status": "ok",
        "artifact": str(artifact.folder),
        "name": manifest.name,
        "version": manifest.version,
        "signature": "verified" if public_key else "not_checked",
        "self_test": self_test.to_dict(),
        "files": {name: vars(record) for name, record in manifest.files.items()},
        "variants": {v: _demonstrated(artifact, v) for v in sorted(manifest.variants)},
        "notice": edge.STANDING_SENTENCE,
    }


def _demonstrated(artifact: Artifact, variant: str) -> dict[str, float]:
    """One variant on the demonstration image, past the gates: they judge images, not models."""
    screener, image = Screener(artifact, variant), draw_phantom()
    started = time.perf_counter()
    score = screener.score(image)
    if score is None:
        raise ArtifactRefused("model_unusable", f"Variant {variant} gives no number.")
    return {"demonstration_score": score, "total_ms": (time.perf_counter() - started) * 1000}
