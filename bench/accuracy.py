"""How right every variant of an artifact is, on the same images, as the kiosk would screen them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from edge.artifact import Artifact
from edge.errors import DataRefused
from edge.screening import Screener, Screening
from train.datasets import Sample, list_samples
from train.evaluation import evaluate


@dataclass(frozen=True)
class Screened:
    """Every file of a data set screened by one variant."""

    variant: str
    samples: list[Sample]
    screenings: list[Screening]


def screen_folder(
    artifact: Artifact, variant: str, data: Path, folder: str, progress: bool = True
) -> Screened:
    """Screen ``DATA/folder/{NORMAL,PNEUMONIA}/`` by the kiosk's own code.

    Raises:
        DataRefused: a folder is missing, or ``refused_image`` names a file the kiosk refuses.
    """
    screener = Screener(artifact, variant)
    samples = list_samples(data, folder)
    screenings = []
    for sample in tqdm(samples, f"screening, {variant}", disable=not progress):
        screening = screener.screen(sample.path.read_bytes())
        if screening.score is None:
            raise DataRefused("refused_image", f"{sample.path}: {screening.reasons[0][1]}")
        screenings.append(screening)
    return Screened(variant, samples, screenings)


def compare_variants(artifact: Artifact, data: Path, folder: str = "test") -> dict[str, Any]:
    """Evaluate every variant; list the files whose outcome depends on the variant.

    Returns:
        ``variants``: an evaluation each, at the manifest's threshold; ``changed``: files whose
        outcome differs from the first variant's, with both outcomes and scores.
    """
    screened = [
        screen_folder(artifact, variant, data, folder) for variant in sorted(artifact.models)
    ]
    threshold = artifact.manifest.thresholds["refer"]
    return {
        "artifact": artifact.manifest.name,
        "version": artifact.manifest.version,
        "data": f"Guangzhou, {folder} folder",
        "threshold": threshold,
        "variants": {s.variant: _evaluated(s, threshold) for s in screened},
        "changed": [_change(screened, i) for i in _changed(screened)],
    }


def _evaluated(screened: Screened, threshold: float) -> dict[str, Any]:
    labels = np.array([sample.label for sample in screened.samples], np.int64)
    scores = np.array([screening.score for screening in screened.screenings], np.float64)
    outcomes = [screening.outcome for screening in screened.screenings]
    return {
        **evaluate(labels, scores, threshold).to_dict(),
        "outcomes": {name: outcomes.count(name) for name in sorted(set(outcomes))},
    }


def _changed(screened: list[Screened]) -> list[int]:
    return [
        i
        for i in range(len(screened[0].samples))
        if len({s.screenings[i].outcome for s in screened}) > 1
    ]


def _change(screened: list[Screened], i: int) -> dict[str, Any]:
    path = screened[0].samples[i].path
    return {
        "file": f"{path.parent.name}/{path.name}",
        **{
            s.variant: {"outcome": s.screenings[i].outcome, "score": s.screenings[i].score}
            for s in screened
        },
    }
