"""The model card: what a model is, what it is for and what it has been measured at, in Markdown.

After Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from __future__ import annotations

from typing import Any

import edge
from edge.artifact import Manifest


def model_card(manifest: Manifest) -> str:
    """Describe the model of a manifest. Every figure comes from the manifest itself."""
    made = manifest.made_from
    trained = made.get("trained_on", {})
    lines = [
        f"# {manifest.name} {manifest.version}",
        "",
        f"**{edge.STANDING_SENTENCE}** No health authority has approved this model.",
        "",
        "## What it is",
        f"Network: {made['network']}. It receives one frontal chest X-ray as "
        f"{manifest.input.size}×{manifest.input.size} grey pixels and gives a score for pneumonia "
        "and a map of what it looked at. The map is no outline of disease.",
        "",
        "## Intended use",
        "Screening of children of one to five years where nobody can read the film, to decide who "
        "is referred. Not for adults, not for side views, not for excluding disease, not for any "
        "other finding.",
        "",
        "## Training",
        f"- Data: {trained.get('data', 'not stated')}; {trained.get('training_images', '?')} "
        f"images of children for training and {trained.get('validation_images', '?')} of held-out "
        "patients for validation, after removal of "
        f"{trained.get('duplicates_removed', '?')} exact copies.",
        *_adults(trained),
        f"- Started from: {trained.get('started_from', 'not stated')}.",
        f"- Seed: {made['recipe']['seed']}. The whole recipe stands in the manifest.",
        "",
        "## Operating points",
        "| name | threshold | rule | chosen on |",
        "|---|---|---|---|",
        *(
            f"| {p.name} | {p.threshold:.4f} | {p.rule} | {p.chosen_on} |"
            for p in manifest.operating_points
        ),
        "",
        "## Measured",
        *_measured(manifest.measured),
        "",
        "## Limits",
        "All children's films come from one hospital, and its normal and pneumonia films differ in "
        "sharpness and size as well. Figures at another hospital will differ, and may be much "
        "lower. Probabilities hold for the share of pneumonia in the training folder.",
        "",
        f"Licence: {manifest.licence}. {manifest.attribution}",
        "",
    ]
    return "\n".join(lines)


def _adults(trained: dict[str, Any]) -> list[str]:
    count = trained.get("chestxray14_images")
    return [] if count is None else [f"- Besides: {count:,} films of ChestX-ray14, of all ages."]


def _measured(measured: dict[str, Any]) -> list[str]:
    if not measured:
        return ["Not measured."]
    rows = [
        f"| {name} | {figure['value']:.3f} | {figure['low']:.3f} to {figure['high']:.3f} |"
        for name, figure in measured["figures"].items()
    ]
    return [
        f"{measured['data']}: {measured['images']} images, {measured['positives']} with pneumonia, "
        f"at the threshold {measured['threshold']:.4f} chosen on validation. Intervals: 95 %, "
        f"bootstrap of {measured['resamples']} resamples over images, seed {measured['seed']}.",
        "",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
        *rows,
    ]
