"""Fit the three scores of the gates, and set their limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from edge.appearance import look, poses
from edge.phantom import draw_phantom
from edge.quality import POSES, Gates, Limits, measure
from optimize.gates.canvas import Draw, Rng
from optimize.gates.faults import cut
from optimize.gates.films import Films
from optimize.gates.kinds import FITTED, LATERAL, draw
from train.augmentation import Augmentation, augment

Described = npt.NDArray[np.float32]
"""(n, 192) descriptions."""

OTHER_CLINICS = Augmentation(
    rotation=10.0, scale=0.15, shift=0.06, exposure=0.5, resample=0.3, sharpness=0.5, noise=8.0,
    collimation=0.3, jpeg=0.2, untouched=0.3,
)  # fmt: skip
"""Films are fitted, and limits set, as other clinics would have taken them."""

DRAWINGS = 60
"""Of every kind."""
LATERALS, PHANTOMS = 7, 5
"""So many times as many. The demonstration drawing has to pass; and what is drawn should not be
refused for being drawn."""
STRENGTH = 0.01
"""Inverse strength of the logistic regression's penalty (L2, on standardised numbers). From
0.0003 to 0.03 the rates of left-out kinds changed by less than 3 points."""
OTHER_POSES = 0.35
"""Share of the films that also stand, in each of the seven other poses, for what is refused."""

TRAINED_AGE_MONTHS = (12, 71)
"""One to five years: the Guangzhou set."""

FIXED = {
    "coloured": Limits(refuse=0.3),
    # Shorter sides below 122 and 96 pixels.
    "too_small": Limits(warn=1.05, refuse=1.34),
    # No film of either hospital lies above 45. Blurred by 2 % of its width a film lies near 70,
    # and the shipped network changes 6 % of its outcomes; by 3 %, near 100, and 20 %.
    "too_blurred": Limits(warn=50.0, refuse=70.0),
    # No film lies above 0.25 (dark) and 0.5 (bright). Twice too bright lies near 0.7, and the
    # network changes 28 % of its outcomes.
    "too_dark": Limits(warn=0.35, refuse=0.6),
    "too_bright": Limits(warn=0.5, refuse=0.6),
    "age_out_of_range": Limits(warn=0.0),
    **{code: Limits(refuse=1.0) for code in dict.fromkeys(POSES[1:])},
}
"""Limits that no statistics of films can set: their numbers mean something by themselves."""

REFUSED = {"children": 0.002, "adults": 0.005}
"""Share of each hospital's films, the children's as other clinics would have taken them, that the
limits of "not_a_radiograph" would refuse. Some of the adults' films do lie on their side, stand on
their head, are swapped or lateral."""
LENIENCY = 0.5
"""Added to that limit, because no two hospitals stand for all: natural logarithm of odds."""
WARNED = 0.01
LATERAL_WARNED = 0.005
LATERAL_REFUSED = 2.0
"""So much above its warning, in logarithms of odds, a lateral film is refused."""


def fit_gates(
    young: Films, old: Films, seed: int, drawings: int = DRAWINGS, progress: bool = True
) -> Gates:
    """Fit weights, and set limits on films that the weights have not seen.

    Args:
        young: children's films.
        old: adults' films of another hospital.
        seed: of the drawings and of the films' changes.
        drawings: of every kind of what is no frontal chest film.
        progress: show progress bars.
    """
    rng = np.random.default_rng(seed)
    fitting = young.fitting + old.fitting
    fitting += [draw_phantom(seed + i, 224, opacities=i % 4) for i in range(PHANTOMS * drawings)]
    elsewhere = [augment(image, OTHER_CLINICS, rng) for image in fitting]
    frontal = _described(elsewhere, len(fitting), progress)
    parts = _described((cut(image, rng) for image in elsewhere), len(fitting), progress)
    others = _drawn(FITTED, drawings, seed, progress)
    lateral = _drawn({LATERAL: FITTED[LATERAL]}, LATERALS * drawings, seed, progress)
    turned = poses(frontal)[:, 1:][rng.random((len(frontal), 7)) < OTHER_POSES]
    weights = {
        # Drawings are fewer than films, and what they stand for is more.
        "frontal": _fit(frontal, [(turned, 1.0), (others, 2.5)]),
        "lateral": _fit(lateral, [(frontal, 1.0)], balanced=True),
        "cropped": _fit(parts, [(frontal, 1.0)]),
    }
    gates = Gates(weights, FIXED, TRAINED_AGE_MONTHS)
    return replace(gates, limits={**FIXED, **_limits(gates, young, old, rng)})


def _limits(gates: Gates, young: Films, old: Films, rng: Rng) -> dict[str, Limits]:
    """Limits of the fitted scores, from films that the weights have not seen."""
    changed = [augment(image, OTHER_CLINICS, rng) for image in young.limits]
    numbers = {
        "children": [measure(gates, look(image)) for image in young.limits + changed],
        "adults": [measure(gates, look(image)) for image in old.limits],
    }

    def passed_by(code: str, beyond: float | dict[str, float]) -> float:
        """What all but a share of each hospital's films stay below."""
        shares = beyond if isinstance(beyond, dict) else dict.fromkeys(numbers, beyond)
        return max(
            float(np.quantile([each[code] for each in found], 1 - shares[hospital]))
            for hospital, found in numbers.items()
        )

    lateral = passed_by("lateral_view", LATERAL_WARNED)
    refused = passed_by("not_a_radiograph", REFUSED) + LENIENCY
    return {
        "not_a_radiograph": Limits(min(passed_by("not_a_radiograph", WARNED), refused), refused),
        "lateral_view": Limits(lateral, lateral + LATERAL_REFUSED),
        "cropped": Limits(warn=passed_by("cropped", WARNED)),
    }


def _described(images: Iterable[npt.NDArray[Any]], count: int, progress: bool) -> Described:
    bar = tqdm(images, "describing", count, disable=not progress)
    return np.stack([look(image).features for image in bar])


def _drawn(kinds: Mapping[str, Draw], each: int, seed: int, progress: bool) -> Described:
    drawn = (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for _, picture in draw(kinds, each, seed))
    return _described(drawn, each * len(kinds), progress)


def _fit(
    wanted: Described, unwanted: list[tuple[Described, float]], balanced: bool = False
) -> tuple[float, ...]:
    """Logistic regression: one weight for each number as it comes, and one to add."""
    numbers = np.concatenate([wanted, *(part for part, _ in unwanted)])
    labels = np.repeat([1, 0], [len(wanted), len(numbers) - len(wanted)])
    counts = np.concatenate([np.ones(len(wanted)), *(np.full(len(p), w) for p, w in unwanted)])
    mean, spread = wanted.mean(0), wanted.std(0) + 0.01
    model = LogisticRegression(
        C=STRENGTH, max_iter=1000, class_weight="balanced" if balanced else None
    )
    model.fit((numbers - mean) / spread, labels, sample_weight=counts)
    weights = model.coef_[0] / spread
    return (*map(float, weights), float(model.intercept_[0] - weights @ mean))
