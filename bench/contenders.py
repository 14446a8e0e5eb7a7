"""What screens the films: every variant of every artifact, the full network, further backends.

The variants go through the kiosk's own code, gates and all. Another backend takes over from it
where the model begins: what its network's kiosk refuses, it refuses as well.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bench.backends import Backend, Missing, Predict, choose_backends, full_litert
from bench.backends.full import FULL_NAME
from edge.artifact import (
    DEFAULT_ARTIFACT,
    Artifact,
    FileRecord,
    Manifest,
    OperatingPoint,
    load_artifact,
)
from edge.errors import DataRefused, PneumoKioskError
from edge.preprocess import preprocess
from edge.runtime import Model
from edge.screening import Screener, Screening, outcome_of
from train.operating import decision_from
from train.weights import load_weights

Screen = Callable[[bytes], Screening]

SHIPPED = (DEFAULT_ARTIFACT, DEFAULT_ARTIFACT.with_name("slim"))
"""Artifact folders that are measured where none is named."""
DIVISION = (0.15, 1)
"""Of the training folder, where no artifact says: the fraction of its patients that were held out,
and the seed of that choice."""


@dataclass(frozen=True)
class Contender:
    """One network on one runtime in one precision.

    Attributes:
        name: as it stands in every table, such as ``"lite0, LiteRT int8"``.
        network: whose margins it gives, such as ``"lite0"``.
        version: of the library that runs it.
        sha256: of the model file.
        manifest: its network's thresholds and calibration.
        screen: from the bytes of a file to a screening.
    """

    name: str
    network: str
    version: str
    sha256: str
    manifest: Manifest
    screen: Screen

    def describe(self) -> dict[str, Any]:
        """What a report says of it, as plain values."""
        point = next(p for p in self.manifest.operating_points if p.name == "refer")
        return {
            "network": self.network,
            "network_version": self.manifest.version,
            "runtime": self.version,
            "thresholds": self.manifest.thresholds,
            "threshold_chosen_on": point.chosen_on,
            "gates": self.manifest.gates is not None,
        }


@dataclass(frozen=True)
class Contenders:
    """Those that can run here, the one that all are compared with first; and those that cannot."""

    here: tuple[Contender, ...]
    missing: tuple[Missing, ...] = ()


def load_artifacts(folders: Sequence[Path]) -> list[Artifact]:
    """The artifacts of these folders, or the shipped ones where none is named.

    Raises:
        ArtifactRefused: as `edge.artifact.load_artifact`.
    """
    return [load_artifact(folder) for folder in folders or SHIPPED]


def full_artifact(weights: Path) -> Artifact:
    """The trained full network as an artifact in memory: LiteRT in float32, no gates.

    Raises:
        DataRefused: ``untrained_weights``, or what is wrong with the file.
    """
    trained = load_weights(weights)
    decision_from(trained.facts)  # refuses what nobody has calibrated
    content = full_litert(weights).read_bytes()
    contract = trained.recipe.input
    record = FileRecord(len(content), hashlib.sha256(content).hexdigest())
    blank = np.zeros((contract.size, contract.size, 1), np.float32)
    height, width = Model(content).predict(blank).attention.shape
    manifest = Manifest(
        name=FULL_NAME,
        version=trained.sha256[:12],
        created="",
        input=contract,
        attention_shape=(height, width),
        calibration=trained.facts["calibration"],
        operating_points=tuple(OperatingPoint(**p) for p in trained.facts["operating_points"]),
        variants={"fp32": "full.tflite"},
        default_variant="fp32",
        files={"full.tflite": record},
        made_from={"weights_sha256": trained.sha256, "recipe": trained.recipe.to_dict()},
    )
    return Artifact(weights.parent, manifest, {"fp32": content}, b"")


def choose_contenders(
    artifacts: Sequence[Artifact],
    weights: Path | None,
    runtimes: Sequence[str] = (),
    threads: int = 2,
) -> Contenders:
    """The full network first, then every variant of every artifact, then further backends.

    Args:
        artifacts: verified; of different names.
        weights: of the trained full network; None leaves it out.
        runtimes: of `bench.backends.RUNTIMES`, besides LiteRT.
        threads: processor threads that one prediction may use.

    Raises:
        DataRefused: ``same_name``: two artifacts have one name; or as `full_artifact`.
        ArtifactRefused: a model file cannot be loaded.
    """
    networks = [full_artifact(weights)] if weights else []
    networks += artifacts
    names = [network.manifest.name for network in networks]
    if len(set(names)) < len(names):
        raise DataRefused("same_name", f"Networks need different names. Received: {names}")
    screens = {network.manifest.name: _variants(network, threads) for network in networks}
    found = [contender for variants in screens.values() for contender in variants]
    further = [name for name in runtimes if name not in ("litert", "null")]
    if not further:
        return Contenders(tuple(found))
    chosen = choose_backends(artifacts, weights, further)
    known = {contender.name for contender in found}
    missing = list(chosen.missing)
    for backend in chosen.backends:
        if backend.network in screens and backend.name not in known:
            try:
                found.append(_further(backend, screens[backend.network][0], threads))
            except PneumoKioskError as error:
                missing.append(Missing(backend.name, error.message))
    return Contenders(tuple(found), tuple(missing))


def division_of(artifacts: Sequence[Artifact], weights: Path | None) -> tuple[float, int]:
    """How the patients of the training folder were divided for these networks.

    Args:
        artifacts: those to measure.
        weights: of the full network, where it is measured as well.

    Returns:
        The fraction of the patients that were held out, and the seed of that choice.

    Raises:
        DataRefused: ``other_patients``: not alike, so that one would be asked what another learnt.
    """
    recipes = [artifact.manifest.made_from.get("recipe", {}) for artifact in artifacts]
    recipes += [load_weights(weights).recipe.to_dict()] if weights else []
    found = {
        (float(recipe["validation_fraction"]), int(recipe["split_seed"]))
        for recipe in recipes
        if {"validation_fraction", "split_seed"} <= recipe.keys()
    }
    if len(found) > 1:
        raise DataRefused(
            "other_patients", f"The networks held out different patients: {sorted(found)}."
        )
    return found.pop() if found else DIVISION


def _variants(network: Artifact, threads: int) -> list[Contender]:
    manifest = network.manifest
    return [
        Contender(
            f"{manifest.name}, LiteRT {variant}",
            manifest.name,
            f"ai-edge-litert {version('ai-edge-litert')}",
            manifest.files[file].sha256,
            manifest,
            # A further backend of this network asks for the same film again.
            lru_cache(maxsize=1)(Screener(network, variant, threads).screen),
        )
        for variant, file in sorted(manifest.variants.items())
    ]


def _further(backend: Backend, kiosk: Contender, threads: int) -> Contender:
    """Another backend of a network, behind the doors of its kiosk."""
    screen = _taken_over(kiosk, backend.load(threads))
    return Contender(
        backend.name,
        backend.network,
        backend.version,
        backend.sha256 or "",
        kiosk.manifest,
        screen,
    )


def _taken_over(kiosk: Contender, predict: Predict) -> Screen:
    manifest = kiosk.manifest

    def screen(data: bytes) -> Screening:
        seen = kiosk.screen(data)
        if seen.radiograph is None or seen.score is None:
            return seen
        prediction = predict(preprocess(seen.radiograph.pixels, manifest.input))
        seeing = prediction.attention
        if not (math.isfinite(prediction.margin) and np.isfinite(seeing).all()):
            reasons = (("model_failed", "The model gave no number for this image."),)
            return replace(seen, outcome="refused", score=None, reasons=reasons, attention=None)
        score = manifest.score(prediction.margin)
        outcome = outcome_of(score, manifest.thresholds)
        shown = seeing / max(float(seeing.max()), 1e-12) if seeing.size else None
        return replace(seen, outcome=outcome, score=score, attention=shown)

    return screen
