"""A trained network in fewer bits, and what that changes against its own float network."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import DataRefused, WorkFailed
from optimize.accuracy import measure_accuracy, scores_of
from optimize.artifact import Samples, draw_samples
from optimize.int8 import Int8, Int8Converter
from optimize.quantization_aware import Tuning, learn_int8
from optimize.scoring import film_name, score_variants
from optimize.tflite import census, convert
from optimize.variants import Variant
from train.assessment import SPLITS, samples_of
from train.batches import TrainingBatches
from train.datasets import Sample
from train.splits import load_training_data
from train.weights import Weights

METHODS = ("dynamic", "float16", "int8", "qat")
STORED = {"dynamic": "int8", "float16": "float16"}


@dataclass(frozen=True)
class Quantization:
    """How a network is put into fewer bits.

    Attributes:
        method: ``"float16"`` weights; ``"dynamic"``: int8 weights, activations rounded anew for
            each film; ``"int8"``: all of it but the first convolution, after training; ``"qat"``:
            the same, after training that knows of the rounding.
        calibration: how int8 ranges are chosen, a key of `optimize.calibration.RANGES`.
        images: training films that they are taken from, at most 256.
        epochs: of ``"qat"``; a fraction is a part of one.
    """

    method: str = "int8"
    calibration: str = "mse"
    images: int = 256
    epochs: float = 0.5

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise DataRefused(
                "unknown_method", f"The method is one of {', '.join(METHODS)}. Received: "
                f"{self.method}.",
            )  # fmt: skip
        if not 1 <= self.images <= 256:
            raise DataRefused(
                "invalid_images", f"Images must be in [1, 256]. Received: {self.images}."
            )
        Int8(self.calibration)
        Tuning(self.epochs)


def quantize(
    weights: Weights, how: Quantization, data: Path | None, progress: bool = True
) -> bytes:
    """Convert a trained network to a LiteRT file of fewer bits.

    Args:
        weights: of the network.
        how: in which way.
        data: a ``chest_xray`` folder as published; only training patients are looked at. None
            takes int8 ranges from drawn phantoms, which fits films badly.
        progress: show progress bars.

    Raises:
        DataRefused: ``missing_data``: quantization-aware training without it; or what is wrong
            with it.
        WorkFailed: ``forbidden_operations``, or ``diverged``.
    """
    if how.method in STORED:
        content = convert(weights, stored_as=STORED[how.method])
    elif how.method == "int8":
        content = _int8(weights, how, draw_samples(weights, data))
    else:
        content = _quantization_aware(weights, how, data, progress)
    if forbidden := census(content).forbidden:
        raise WorkFailed("forbidden_operations", f"The graph holds {', '.join(forbidden)}.")
    return content


def report_quantized(
    weights: Weights, content: bytes, data: Path, split: str = "validation", progress: bool = True
) -> dict[str, Any]:
    """Compare a LiteRT file with its own float network.

    Args:
        weights: of the float network.
        content: the file.
        data: a ``chest_xray`` folder as published.
        split: a key of `train.assessment.SPLITS`.
        progress: show progress bars.

    Returns:
        Plain values: bytes, delegate partitions, mean and largest difference of score and margin,
        ``auc_difference_to_network`` with its interval, and the films whose decision (refer or
        not) or outcome (refer, uncertain, below) changed.
    """
    samples = samples_of(split, data, weights)
    variant = Variant("file", weights, content)
    with tempfile.TemporaryDirectory() as folder:
        margins = score_variants([variant], samples, Path(folder), progress)[variant.name]
    own, network = scores_of(variant, margins.file), scores_of(variant, margins.network)
    accuracy = measure_accuracy(variant, margins, samples, network)
    return {
        "data": SPLITS[split],
        "films": len(samples),
        "bytes": len(content),
        "partitions": census(content).partitions,
        "difference": {
            **_difference("score", own - network),
            **_difference("margin", margins.file - margins.network),
        },
        "auc_difference_to_network": accuracy["auc_difference_to_network"],
        "changed_decisions": accuracy["changed"],
        "changed_outcomes": _changed_outcomes(weights, samples, own, network),
    }


def _int8(weights: Weights, how: Quantization, samples: Samples) -> bytes:
    calibration = samples.calibration[: how.images]
    return Int8Converter(weights, calibration).convert(Int8(how.calibration))


def _quantization_aware(
    weights: Weights, how: Quantization, data: Path | None, progress: bool
) -> bytes:
    if data is None:
        raise DataRefused(
            "missing_data", "Quantization-aware training needs the chest_xray folder, --data."
        )
    settings, tuning = Int8(how.calibration), Tuning(how.epochs)
    calibration = draw_samples(weights, data).calibration[: how.images]
    recipe = replace(tuning.recipe(weights), chestxray14=0.0, distillation=0.0, attention=0.0)
    images = load_training_data(data, recipe.validation_fraction, recipe.split_seed, progress)
    batches = TrainingBatches(images.training, recipe)
    converter = Int8Converter(weights, calibration)
    learnt, layers = learn_int8(weights, batches, converter, settings, tuning, progress)
    return Int8Converter(learnt, calibration, layers).convert(settings)


def _difference(what: str, differences: Any) -> dict[str, float]:
    off = np.abs(differences)
    return {f"mean_{what}": float(off.mean()), f"largest_{what}": float(off.max())}


def _changed_outcomes(
    weights: Weights, samples: Sequence[Sample], own: Any, network: Any
) -> list[dict[str, Any]]:
    thresholds = sorted(point["threshold"] for point in weights.facts["operating_points"])
    names = ("below_threshold", "uncertain", "refer")
    before, after = np.digitize(network, thresholds), np.digitize(own, thresholds)
    return [
        {"file": film_name(samples[i]), "network": names[before[i]], "quantized": names[after[i]]}
        for i in np.flatnonzero(before != after).tolist()
    ]
