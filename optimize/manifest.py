"""The manifest of converted weights, and who has to be named in it."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import edge
from edge.artifact import FileRecord, Manifest, OperatingPoint
from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from edge.runtime import Model
from train.rivals import describe
from train.weights import Weights

LICENCE = "Apache-2.0"
CHILDREN = "Kermany, Zhang, Goldbaum, Mendeley Data, doi 10.17632/rscbjbr9sj.2, CC BY 4.0"
ADULTS = "ChestX-ray14, NIH Clinical Center, Wang et al., 2017, doi 10.1109/CVPR.2017.369"
PACKAGES = ("tensorflow", "tf_keras", "keras", "ai-edge-litert", "numpy")


def make_manifest(
    weights: Weights,
    contents: Mapping[str, bytes],
    reports: Mapping[str, Mapping[str, Any]],
    *,
    name: str,
    release: str,
    conversion_images: str,
    measured: Mapping[str, Any],
) -> Manifest:
    """Say of converted files what they are, what they were made from, and how they compare.

    Args:
        weights: trained, with calibration and operating points.
        contents: file of each variant, int8 among them.
        reports: of each variant's comparison with the network.
        name, release: of the model.
        conversion_images: where they came from, in words.
        measured: an evaluation; may be empty.
    """
    facts = weights.facts
    files = {f"{name}_{variant}.tflite": content for variant, content in contents.items()}
    image = preprocess(draw_phantom(side=256), weights.recipe.input)
    height, width = Model(contents["int8"]).predict(image).attention.shape
    return Manifest(
        name=name,
        version=release,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        input=weights.recipe.input,
        attention_shape=(int(height), int(width)),
        calibration=facts["calibration"],
        operating_points=tuple(OperatingPoint(**p) for p in facts["operating_points"]),
        variants={variant: f"{name}_{variant}.tflite" for variant in contents},
        default_variant="int8",
        files={file: record_of(content) for file, content in files.items()},
        made_from={
            "weights_sha256": weights.sha256,
            "network": describe(weights.recipe),
            "recipe": weights.recipe.to_dict(),
            "trained_on": facts.get("trained_on", {}),
            "trained_by": facts.get("made_by", {}),
            "validation": facts.get("validation", {}),
            "conversion_images": conversion_images,
            "conversion": dict(reports),
            "versions": {"pneumokiosk": edge.__version__} | {p: version(p) for p in PACKAGES},
        },
        measured=dict(measured),
        licence=LICENCE,
        attribution=attribution_of(weights),
    )


def attribution_of(weights: Weights) -> str:
    """Whose data and whose network stand behind weights."""
    sources = [CHILDREN]
    if weights.recipe.chestxray14:
        sources.append(ADULTS)
    if weights.facts.get("trained_on", {}).get("imagenet", False):
        sources.append("begun with weights of ImageNet")
    return f"Trained on: {'; '.join(sources)}. Network: {describe(weights.recipe)}."


def record_of(content: bytes) -> FileRecord:
    """Size and hash of a file."""
    return FileRecord(len(content), hashlib.sha256(content).hexdigest())
