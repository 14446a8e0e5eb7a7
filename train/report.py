"""All tables and pictures of one or more networks on one set of images."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from edge.errors import DataRefused
from edge.files import write_atomically
from train.assessment import SPLITS, samples_of
from train.datasets import Sample, list_samples, load_images, read_pixels
from train.evaluation import Floats, predict_margins
from train.measurement import Plain, compare, labels_of, measure, over_seeds
from train.near_duplicates import near_duplicates
from train.operating import decision_from
from train.other_hospital import assess_adults
from train.page import render
from train.paper import DOI, PAPER, RIVALS
from train.provenance import describe_environment
from train.subtypes import OUTPUT, assess_subtypes
from train.weights import Weights, build_trained, load_weights


@dataclass(frozen=True)
class Request:
    """What to report on.

    Attributes:
        weights: files by the name of their network; several files of one name are seeds of one
            recipe. The first file of the first name is what all others are compared with.
        data: a ``chest_xray`` folder as published.
        split: a key of `train.assessment.SPLITS`.
        out: folder for ``report.html`` and ``report.json``.
        chestxray14: a ChestX-ray14 folder as published, for the other hospital's adults.
        resamples: bootstrap samples behind every interval.
        seed: of the bootstrap.
    """

    weights: dict[str, list[Path]]
    data: Path
    split: str
    out: Path
    chestxray14: Path | None = None
    resamples: int = 2000
    seed: int = 0

    @property
    def command(self) -> str:
        """The command line that makes this report."""
        parts = ["pneumokiosk-train", "report"]
        for name, paths in self.weights.items():
            parts += [part for path in paths for part in ("--weights", f"{name}={path}")]
        parts += ["--data", str(self.data), "--split", self.split]
        if self.chestxray14:
            parts += ["--chestxray14", str(self.chestxray14)]
        if self.resamples != Request.resamples:
            parts += ["--resamples", str(self.resamples)]
        return shlex.join([*parts, "--out", str(self.out)])


def named_weights(options: Iterable[str]) -> dict[str, list[Path]]:
    """Read ``NAME=PATH`` options, in their order.

    Raises:
        DataRefused: ``unnamed_weights``: an option is not of this form.
    """
    found: dict[str, list[Path]] = {}
    for option in options:
        name, _, path = option.partition("=")
        if not name.strip() or not path:
            raise DataRefused("unnamed_weights", f"--weights takes NAME=PATH. Received: {option}")
        found.setdefault(name.strip(), []).append(Path(path))
    return found


def write_report(request: Request) -> Plain:
    """Measure, then write ``report.json`` and ``report.html``.

    Returns:
        What stands in ``report.json``.

    Raises:
        DataRefused: ``untrained_weights``, ``other_patients``, or what is wrong with a file or
            the data; then nothing is written.
    """
    result = build_report(request)
    page = render(result)
    write_atomically(
        request.out / "report.json", (json.dumps(result, allow_nan=False) + "\n").encode()
    )
    write_atomically(request.out / "report.html", page.encode())
    return result


def build_report(request: Request) -> Plain:
    """Measure every network on the same images; plain values that fit into JSON."""
    loaded = {
        name: [load_weights(path) for path in paths] for name, paths in request.weights.items()
    }
    for weights in _all(loaded):
        decision_from(weights.facts)  # refuse before the long work
    samples = common_samples(request.split, request.data, _all(loaded))
    near = _near_duplicates(request, samples, loaded)
    pixels = [read_pixels(sample.path) for sample in samples]
    networks: dict[str, Plain] = {}
    for name, seeds in loaded.items():
        runs = []
        for path, weights in zip(request.weights[name], seeds, strict=True):
            model = build_trained(weights, keras)
            margins = predict_margins(model, pixels, weights.recipe.input, progress=True)
            found = _measured(request, weights, margins, samples, near)
            runs.append({"weights": str(path), **found})
        networks[name] = {"runs": runs, "over_seeds": over_seeds(runs)}
    labels = labels_of(samples)
    files = [f"{sample.path.parent.name}/{sample.path.name}" for sample in samples]
    return {
        "command": request.command,
        "split": request.split,
        "data": SPLITS[request.split],
        "images": len(samples),
        "positives": int(labels.sum()),
        "resamples": request.resamples,
        "bootstrap_seed": request.seed,
        "environment": describe_environment(),
        "paper": {"doi": DOI, "figures": PAPER, "rivals": {name: None for name in RIVALS}},
        "files": files,
        "near_duplicates": [files[i] for i in near],
        "labels": labels.tolist(),
        "subtypes": [sample.subtype for sample in samples],
        "networks": networks,
        "comparisons": _comparisons(request, labels, networks),
    }


def common_samples(split: str, data: Path, weights: Sequence[Weights]) -> tuple[Sample, ...]:
    """The images of a split, which must be the same for all networks.

    Raises:
        DataRefused: ``other_patients``: the networks held out different validation patients, so
            that some would be measured on what they learned from.
    """
    # The test folder is the same for all: list it once.
    asked = weights[:1] if split == "test" else weights
    first, *others = [samples_of(split, data, w) for w in asked]
    if any(other != first for other in others):
        raise DataRefused(
            "other_patients",
            f"The networks were trained with different {split} patients, so they cannot be "
            "compared on them; report on each alone, or on the test folder.",
        )
    return first


def _near_duplicates(
    request: Request, samples: Sequence[Sample], loaded: dict[str, list[Weights]]
) -> list[int]:
    """Indices of the samples that look like an earlier one, or like a film learned from."""
    learned = (
        list_samples(request.data, "train")
        if request.split == "test"
        else samples_of("train", request.data, _all(loaded)[0])
    )
    return near_duplicates(load_images(samples), load_images(learned))


def _measured(
    request: Request,
    weights: Weights,
    margins: Floats,
    samples: Sequence[Sample],
    near: Sequence[int],
) -> Plain:
    found = measure(weights, margins, samples, near, request.resamples, request.seed)
    if request.chestxray14:
        adults = assess_adults(
            weights, request.chestxray14, request.split, request.resamples, request.seed
        )
        found["adults"] = _without_nan(adults)
    if OUTPUT in weights.recipe.outputs:
        found["viral"] = assess_subtypes(
            weights, request.data, request.split, request.resamples, request.seed
        )
    return found


def _comparisons(request: Request, labels: Any, networks: dict[str, Plain]) -> list[Plain]:
    """Every run against the first run of the first network."""
    runs = [(name, run) for name, network in networks.items() for run in network["runs"]]
    (first_name, first), *others = runs
    return [
        {
            "first": {"name": first_name, "training_seed": first["training_seed"]},
            "second": {"name": name, "training_seed": run["training_seed"]},
            **compare(labels, first, run, request.resamples, request.seed),
        }
        for name, run in others
    ]


def _without_nan(adults: Plain) -> Plain:
    """JSON has no NaN: where a view lacks a label, its AUC is None."""
    return {
        key: {**value, "auc": None if math.isnan(value["auc"]["value"]) else value["auc"]}
        if isinstance(value, dict)
        else value
        for key, value in adults.items()
    }


def _all(loaded: dict[str, list[Weights]]) -> list[Weights]:
    return [weights for seeds in loaded.values() for weights in seeds]
