"""All tables and pictures of one or more networks on one set of images."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from edge.errors import DataRefused
from edge.files import write_atomically
from train.assessment import SPLITS, samples_of
from train.datasets import LabelledImages, Sample, list_samples, load_images, read_pixels
from train.evaluation import predict_margins
from train.operating import decision_from
from train.other_hospital import assess_adults
from train.provenance import describe_environment
from train.reporting.audit import audit
from train.reporting.measurement import Plain, compare, labels_of, measure, over_seeds
from train.reporting.near_duplicates import near_duplicates
from train.reporting.page import render
from train.reporting.paper import DOI, PAPER, RIVALS
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
        audit: whether to look for shortcuts; the first run of each network is then scored some
            twenty times more.
        resamples: bootstrap samples behind every interval.
        seed: of the bootstrap.
    """

    weights: dict[str, list[Path]]
    data: Path
    split: str
    out: Path
    chestxray14: Path | None = None
    audit: bool = True
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
        if not self.audit:
            parts += ["--no-audit"]
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
    films = _read(request, samples, _all(loaded)[0])
    networks: dict[str, Plain] = {}
    for name, seeds in loaded.items():
        runs: list[Plain] = []
        for path, weights in zip(request.weights[name], seeds, strict=True):
            found = _measured(request, films, weights, audited=request.audit and not runs)
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
        "near_duplicates": [files[i] for i in films.near_duplicates],
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


@dataclass(frozen=True)
class _Films:
    """The images of a report.

    Attributes:
        pixels: at the size of each file, as the kiosk reads it.
        copies: working copies, with their samples.
        near_duplicates: indices of those that look like an earlier one, or like one learned from.
    """

    pixels: list[Any]
    copies: LabelledImages
    near_duplicates: list[int]


def _read(request: Request, samples: Sequence[Sample], weights: Weights) -> _Films:
    learned = (
        list_samples(request.data, "train")
        if request.split == "test"
        else samples_of("train", request.data, weights)
    )
    copies = load_images(samples)
    pixels = [read_pixels(sample.path) for sample in samples]
    return _Films(pixels, copies, near_duplicates(copies, load_images(learned)))


def _measured(request: Request, films: _Films, weights: Weights, audited: bool) -> Plain:
    model = build_trained(weights, keras)
    contract, again = weights.recipe.input, (request.resamples, request.seed)
    margins = predict_margins(model, films.pixels, contract, progress=True)
    found = measure(weights, margins, films.copies.samples, films.near_duplicates, *again)
    if audited:
        sizes = [pixels.shape for pixels in films.pixels]
        decision = decision_from(weights.facts)
        found["audit"] = audit(
            model, contract, decision, films.copies, sizes, *again, progress=True
        )
    if request.chestxray14:
        found["adults"] = assess_adults(weights, request.chestxray14, request.split, *again)
    if OUTPUT in weights.recipe.outputs:
        found["viral"] = assess_subtypes(weights, request.data, request.split, *again)
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


def _all(loaded: dict[str, list[Weights]]) -> list[Weights]:
    return [weights for seeds in loaded.values() for weights in seeds]
