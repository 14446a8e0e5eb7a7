"""Weights in, a checked artifact out: converted, compared with the network, hashed, described."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edge.artifact import MANIFEST, Manifest
from edge.errors import DataRefused, WorkFailed
from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from edge.quality import Gates
from edge.runtime import Model
from optimize.card import model_card
from optimize.comparison import TOLERANCES, compare, differences
from optimize.division import cost_of_division
from optimize.drawn_scores import drawn_scores
from optimize.files import is_plain, write_folder
from optimize.half_weights import with_half_weights
from optimize.int8 import Int8, Int8Converter
from optimize.manifest import LICENCE, attribution_of, make_manifest, record_of
from optimize.metadata import describe_file, with_metadata
from optimize.tflite import census, convert
from train.splits import load_training_data
from train.weights import Weights

CALIBRATION_IMAGES = 256
CANDIDATES = (Int8("minmax", 16), Int8("minmax"), Int8("percentile"), Int8("mse"))
"""Ranges that an int8 file may have. No rule is best for every network: all are tried, and what
comes closest to the network is kept."""
COMPARISON_IMAGES = 256
SYNTHETIC_COMPARISON_IMAGES = 64
CARD = "MODEL_CARD.md"
FLOATS: dict[str, Callable[[bytes], bytes]] = {"fp32": bytes, "fp16": with_half_weights}
"""Float variants that an artifact may have beside int8: what becomes of the file of float32."""

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
    gates: Gates | None = None,
    float_variant: str = "fp32",
    progress: bool = True,
) -> Manifest:
    """Convert trained weights to float and int8 and write the artifact folder.

    Args:
        weights: trained; their calibration and operating points go into the manifest.
        out: folder to write; must not exist. It appears whole or not at all.
        samples: from `draw_samples`.
        name: of the model.
        release: version of the model.
        measured: an evaluation to carry along, as ``pneumokiosk-train evaluate --json`` gives it.
        gates: what an image has to pass before the model sees it.
        float_variant: what stands beside int8, a key of `FLOATS`.
        progress: show a progress bar.

    Raises:
        DataRefused: ``out_exists``; ``untrained_weights`` without operating points;
            ``not_finite``: weights that are no numbers; or as `require_buildable`.
        WorkFailed: ``forbidden_operations`` or ``output_differs``.
    """
    require_buildable(name, float_variant)
    _refuse_useless(weights, out)
    with tqdm(total=1 + len(CANDIDATES), desc="converting", disable=not progress) as bar:
        contents = {float_variant: FLOATS[float_variant](convert(weights))}
        bar.update()
        chosen, contents["int8"] = _quantized(weights, samples, bar.update)
    contents = _described(weights, contents, name, release)
    reports = _check(weights, contents, samples.comparison)
    images = chosen.images or len(samples.calibration)
    reports["int8"]["ranges"] = {"chosen_by": chosen.ranges, "images": images}
    manifest = make_manifest(
        weights, contents, reports, name=name, release=release, conversion_images=samples.source,
        measured=measured or {},
    )  # fmt: skip
    tested = replace(manifest, gates=gates, self_test=drawn_scores(manifest, contents))
    card = model_card(tested).encode()
    complete = replace(tested, files={**tested.files, CARD: record_of(card)})
    models = {manifest.variants[variant]: content for variant, content in contents.items()}
    write_folder(out, {**models, CARD: card, MANIFEST: complete.to_json().encode()})
    return complete


def require_buildable(name: str, float_variant: str) -> None:
    """Refuse names that no artifact can have.

    Args:
        name: of the model; its files are named after it.
        float_variant: a key of `FLOATS`.

    Raises:
        DataRefused: ``invalid_name`` or ``unknown_variant``.
    """
    if not is_plain(name):
        raise DataRefused(
            "invalid_name", f"A model's name is also a file's, without folders. Received: {name!r}."
        )
    if float_variant not in FLOATS:
        raise DataRefused(
            "unknown_variant",
            f"The float variant is one of {', '.join(FLOATS)}. Received: {float_variant}.",
        )


def _refuse_useless(weights: Weights, out: Path) -> None:
    """Refuse at once what would come to nothing after minutes."""
    if out.exists():
        raise DataRefused("out_exists", f"{out} exists already; name another folder.")
    if "operating_points" not in weights.facts or "calibration" not in weights.facts:
        raise DataRefused("untrained_weights", "The weights carry no operating points.")
    # The delegate makes nonsense of them at best.
    if wrong := [n for n, values in weights.tensors.items() if not np.isfinite(values).all()]:
        raise DataRefused("not_finite", f"Weights are no numbers in {', '.join(wrong)}.")


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
    attribution = attribution_of(weights)
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
