"""The drawings of an artifact's self-test, and what each variant makes of them.

A step of int8 is coarse: a disturbance of a millionth of the input, as another processor's rounding
is, pushes some values over to the next step, and the score moves by a few thousandths for some
drawings and hardly for others. The self-test wants those for which it hardly moves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edge.artifact import DrawnScore, Manifest
from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from edge.runtime import Model

OPACITIES = (0, 2, 6, 15)
SEEDS = 32
KEPT = 6
"""Drawings of each of `OPACITIES` that are kept, out of `SEEDS`."""
SIDE = 192
DISTURBANCE = 1e-6
DISTURBED = 6
"""How often each drawing is disturbed."""

Image = npt.NDArray[np.float32]


def drawn_scores(
    manifest: Manifest, models: Mapping[str, bytes]
) -> dict[str, tuple[DrawnScore, ...]]:
    """Choose drawings and let every variant score them, for `edge.artifact.Manifest.self_test`.

    Args:
        manifest: names input and calibration.
        models: file of each variant.
    """
    loaded = {variant: Model(content) for variant, content in models.items()}
    chosen = [
        (seed, SIDE, opacities)
        for opacities in OPACITIES
        for seed in _calmest(manifest, loaded, opacities)
    ]
    return {
        variant: tuple(
            DrawnScore(*drawing, _score(manifest, model, _input(manifest, *drawing)))
            for drawing in chosen
        )
        for variant, model in loaded.items()
    }


def _calmest(manifest: Manifest, models: Mapping[str, Model], opacities: int) -> list[int]:
    """Seeds of the drawings whose scores move least."""
    unrest = []
    for seed in range(SEEDS):
        image = _input(manifest, seed, SIDE, opacities)
        unrest.append(max(_unrest(manifest, model, image) for model in models.values()))
    return sorted(np.argsort(unrest, kind="stable")[:KEPT].tolist())


def _unrest(manifest: Manifest, model: Model, image: Image) -> float:
    """How far the score moves at most when the input is disturbed."""
    rng = np.random.default_rng(0)
    score = _score(manifest, model, image)
    disturbed = (
        np.asarray(image * (1 + DISTURBANCE * rng.standard_normal(image.shape)), np.float32)
        for _ in range(DISTURBED)
    )
    return max(abs(_score(manifest, model, other) - score) for other in disturbed)


def _score(manifest: Manifest, model: Model, image: Image) -> float:
    return manifest.score(model.predict(image).margin)


def _input(manifest: Manifest, seed: int, side: int, opacities: int) -> Image:
    return preprocess(draw_phantom(seed, side, opacities), manifest.input)
