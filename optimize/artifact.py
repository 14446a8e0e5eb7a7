"""Weights in, a checked artifact out: converted, compared with the network, hashed, described."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

import edge
from edge.artifact import MANIFEST, FileRecord, Manifest, OperatingPoint
from edge.errors import DataRefused, WorkFailed
from edge.files import write_atomically
from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from edge.runtime import Model
from optimize.card import model_card
from optimize.comparison import TOLERANCES, compare, differences
from optimize.division import cost_of_division
from optimize.int8 import Int8, Int8Converter
from optimize.metadata import describe_file, with_metadata
from optimize.tflite import census, convert
from train.rivals import describe
from train.splits import load_training_data
from train.weights import Weights

CALIBRATION_IMAGES = 256
CANDIDATES = (Int8("minmax", 16), Int8("minmax"), Int8("percentile"), Int8("mse"))
"""Ranges that an int8 file may have. No rule is best for every network: all are tried, and what
comes closest to the network is kept."""
COMPARISON_IMAGES = 256
SYNTHETIC_COMPARISON_IMAGES = 64
LICENCE = "Apache-2.0"
CHILDREN = "Kermany, Zhang, Goldbaum, Mendeley Data, doi 10.17632/rscbjbr9sj.2, CC BY 4.0"
ADULTS = "ChestX-ray14, NIH Clinical Center, Wang et al., 2017, doi 10.1109/CVPR.2017.369"

Images = list[npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Samples:
    """Preprocessed images for a conversion, each (size, size, 1).

    Attributes:
        calibration: to take int8 ranges from; of training patients only.
        comparison: to compare the converted files with the network on; of validation patients.
        source: where both come from, in words.
    """

    calibration: Images
    comparison: Images
    source: str


def draw_samples(weights: Weights, data: Path | None, seed: int = 0) -> Samples:
    """Choose images for a conversion.

    Args:
        weights: name the input contract and the split.
        data: a ``chest_xray`` folder as published; None draws seeded synthetic phantoms.
        seed: of the choice.
    """
    recipe = weights.recipe
    contract = recipe.input
    if data is None:
        drawn = [
            preprocess(draw_phantom(seed + i, 256, opacities=i % 4), contract)
            for i in range(CALIBRATION_IMAGES + SYNTHETIC_COMPARISON_IMAGES)
        ]
        return Samples(
            drawn[:CALIBRATION_IMAGES],
            drawn[CALIBRATION_IMAGES:],
            f"synthetic phantoms from seed {seed}",
        )
    images = load_training_data(data, recipe.validation_fraction, recipe.split_seed)
    rng = np.random.default_rng(seed)

    def some(pixels: npt.NDArray[Any], count: int) -> Images:
        chosen = rng.permutation(len(pixels))[:count]
        return [preprocess(pixels[i], contract) for i in chosen]

    return Samples(
        some(images.training.pixels, CALIBRATION_IMAGES),
        some(images.validation.pixels, COMPARISON_IMAGES),
        "calibration on training patients, comparison on validation patients, Guangzhou "
        f"training folder, seed {seed}",
    )


def read_evaluation(path: Path, weights_sha256: str) -> dict[str, Any]:
    """An evaluation of these very weights, without its list of single scores.

    Raises:
        DataRefused: ``invalid_evaluation`` or ``other_evaluation``.
    """
    try:
        evaluation = dict(json.loads(path.read_text(encoding="utf-8")))
        made_of = evaluation["weights_sha256"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataRefused("invalid_evaluation", f"{path} is not an evaluation: {error}") from error
    if made_of != weights_sha256:
        raise DataRefused("other_evaluation", f"{path} is an evaluation of other weights.")
    evaluation.pop("scores", None)
    return evaluation


def build_artifact(
    weights: Weights,
    out: Path,
    samples: Samples,
    *,
    name: str,
    release: str,
    measured: dict[str, Any] | None = None,
    progress: bool = True,
) -> Manifest:
    """Convert trained weights to fp32 and int8 and write the artifact folder.

    Args:
        weights: trained; their calibration and operating points go into the manifest.
        out: folder to write; must not exist. It appears whole or not at all.
        samples: from `draw_samples`.
        name: of the model.
        release: version of the model.
        measured: an evaluation to carry along, as ``pneumokiosk-train evaluate --json`` gives it.
        progress: show a progress bar.

    Raises:
        DataRefused: ``out_exists``, or ``untrained_weights`` without operating points.
        WorkFailed: ``forbidden_operations`` or ``output_differs``.
    """
    if out.exists():
        raise DataRefused("out_exists", f"{out} exists already; name another folder.")
    facts = weights.facts
    if "operating_points" not in facts or "calibration" not in facts:
        raise DataRefused("untrained_weights", "The weights carry no operating points.")
    with tqdm(total=1 + len(CANDIDATES), desc="converting", disable=not progress) as bar:
        contents = {"fp32": convert(weights)}
        bar.update()
        chosen, contents["int8"] = _quantized(weights, samples, bar.update)
    contents = _described(weights, contents, name, release)
    reports = _check(weights, contents, samples.comparison)
    images = chosen.images or len(samples.calibration)
    reports["int8"]["ranges"] = {"chosen_by": chosen.ranges, "images": images}
    files = {f"{name}_{variant}.tflite": content for variant, content in contents.items()}
    manifest = _manifest(weights, files, reports, samples, name, release, measured or {})
    card = model_card(manifest).encode()
    files["MODEL_CARD.md"] = card
    manifest = replace(manifest, files={**manifest.files, "MODEL_CARD.md": _record(card)})
    _write_folder(out, {**files, MANIFEST: manifest.to_json().encode()})
    return manifest


def _quantized(
    weights: Weights, samples: Samples, done: Callable[[], object]
) -> tuple[Int8, bytes]:
    """The int8 file that comes closest to the network, and how its ranges were chosen."""
    converter = Int8Converter(weights, samples.calibration)
    files = {}
    for number, candidate in enumerate(CANDIDATES):
        files[str(number)] = converter.convert(candidate)
        done()
    models = {number: Model(content).predict for number, content in files.items()}
    found = differences(weights, models, samples.comparison)
    # By margins: scores near 0 and 1 hide differences.
    best = min(files, key=lambda number: found[number]["mean_margin"])
    return CANDIDATES[int(best)], files[best]


def _described(
    weights: Weights, contents: dict[str, bytes], name: str, release: str
) -> dict[str, bytes]:
    """The files, with what each one is written into it."""
    attribution = _attribution(weights)
    return {
        variant: with_metadata(
            content,
            describe_file(
                weights, name=name, release=release, variant=variant, licence=LICENCE,
                attribution=attribution,
            ),
        )
        for variant, content in contents.items()
    }  # fmt: skip


def _check(
    weights: Weights, contents: dict[str, bytes], images: Images
) -> dict[str, dict[str, Any]]:
    """Compare every converted file with the Keras network; refuse what may not ship."""
    for variant, content in contents.items():
        forbidden = census(content).forbidden
        if forbidden:
            raise WorkFailed(
                "forbidden_operations", f"The {variant} graph holds {', '.join(forbidden)}."
            )
    models = {variant: Model(content).predict for variant, content in contents.items()}
    found = compare(weights, models, images)
    return {
        variant: {
            "difference_from_network": found[variant],
            "allowed": TOLERANCES[variant],
            "images": len(images),
            **_delegated(content),
        }
        for variant, content in contents.items()
    }


def _delegated(content: bytes) -> dict[str, Any]:
    """The census of a file, and what it costs where the delegate does not take it whole."""
    found = census(content)
    cost = {} if found.partitions == 1 else {"cost_of_division": cost_of_division(content)}
    return {**asdict(found), **cost}


def _manifest(
    weights: Weights,
    files: dict[str, bytes],
    reports: dict[str, dict[str, Any]],
    samples: Samples,
    name: str,
    release: str,
    measured: dict[str, Any],
) -> Manifest:
    variants = {variant: f"{name}_{variant}.tflite" for variant in reports}
    facts = weights.facts
    packages = ("tensorflow", "tf_keras", "keras", "ai-edge-litert", "numpy")
    side = int(Model(files[variants["fp32"]]).predict(samples.comparison[0]).attention.shape[0])
    return Manifest(
        name=name,
        version=release,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        input=weights.recipe.input,
        attention_shape=(side, side),
        calibration=facts["calibration"],
        operating_points=tuple(OperatingPoint(**p) for p in facts["operating_points"]),
        variants=variants,
        default_variant="int8",
        files={file: _record(content) for file, content in files.items()},
        made_from={
            "weights_sha256": weights.sha256,
            "network": describe(weights.recipe),
            "recipe": weights.recipe.to_dict(),
            "trained_on": facts.get("trained_on", {}),
            "trained_by": facts.get("made_by", {}),
            "validation": facts.get("validation", {}),
            "conversion_images": samples.source,
            "conversion": reports,
            "versions": {"pneumokiosk": edge.__version__} | {p: version(p) for p in packages},
        },
        measured=measured,
        licence=LICENCE,
        attribution=_attribution(weights),
    )


def _attribution(weights: Weights) -> str:
    sources = [CHILDREN]
    if weights.recipe.chestxray14:
        sources.append(ADULTS)
    if weights.facts.get("trained_on", {}).get("imagenet", False):
        sources.append("begun with weights of ImageNet")
    return f"Trained on: {'; '.join(sources)}. Network: {describe(weights.recipe)}."


def _record(content: bytes) -> FileRecord:
    return FileRecord(len(content), hashlib.sha256(content).hexdigest())


def _write_folder(out: Path, files: dict[str, bytes]) -> None:
    """Write a folder beside its place and rename it there: it appears whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        for name, content in files.items():
            write_atomically(temporary / name, content)
        temporary.chmod(0o755)
        temporary.replace(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
