"""The gates before the model: is this an upright frontal chest film that the model can judge?

Three linear scores of an image's description (`edge.appearance`) say how much it looks like a
frontal chest film, a lateral one, and a part of one; the first of them, taken for the eight ways
of holding a film, also says how this one is held. The rest are plain measurements. Every gate
gives one number that grows with the fault, and has a limit from which it warns and one from which
it refuses. Weights and limits are fitted on a workstation and travel in the manifest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.appearance import DESCRIPTION, FEATURES, Appearance, look, poses

SENTENCES = {
    "coloured": "The picture is in colour. Choose the X-ray film itself.",
    "not_a_radiograph": "This does not look like a whole chest X-ray taken from the front or "
    "the back.",
    "rotated_clockwise": "The image lies on its side. Turn it a quarter to the left.",
    "rotated_counterclockwise": "The image lies on its side. Turn it a quarter to the right.",
    "upside_down": "The image is upside down. Turn it by half.",
    "inverted": "Black and white are swapped: on a chest X-ray lungs are dark and bones bright. "
    "Invert the image.",
    "lateral_view": "This looks like a film taken from the side. The model knows films taken "
    "from the front or the back only.",
    "too_small": "The image has very few pixels. Use the original file, not a small copy.",
    "too_blurred": "The image is blurred. Take or export it again, sharper.",
    "too_dark": "Much of the image is black. Take or export it again, brighter.",
    "too_bright": "Much of the image is white. Take or export it again, darker.",
    "cropped": "Part of the chest may be cut off. The image should show both lungs whole.",
    "age_out_of_range": "The child's age is outside the ages that the model has learnt from.",
}
"""Code to what the operator reads, whether it refuses or warns; the most telling come first."""

CONTENT = {
    "coloured", "not_a_radiograph", "rotated_clockwise", "rotated_counterclockwise",
    "upside_down", "inverted", "lateral_view",
}  # fmt: skip
"""What the picture shows: of an image that is refused, one such reason says enough."""
POSES = (
    "upright",
    "rotated_clockwise",
    "upside_down",
    "rotated_counterclockwise",
    *("inverted",) * 4,
)
"""How an image is held when the pose of `edge.appearance.poses` at that place looks best."""
LATERAL_VIEWS = {"LL", "RL", "LLO", "RLO"}
"""As in DICOM's View Position: from the side, or aslant."""
SCORES = ("frontal", "lateral", "cropped")
ACTIONS = ("off", "warn", "refuse")


@dataclass(frozen=True)
class Limits:
    """Where one gate warns and where it refuses; None for never.

    Attributes:
        warn, refuse: the gate acts when its number is greater.
    """

    warn: float | None = None
    refuse: float | None = None

    def __post_init__(self) -> None:
        given = [limit for limit in (self.warn, self.refuse) if limit is not None]
        if not all(map(math.isfinite, given)) or given != sorted(given):
            raise ValueError(f"limits must be finite, warn at most refuse. Received: {self}")

    def acting(self, action: str) -> Limits:
        """The limits of a gate that is switched off, only warns, or refuses where it warned.

        Raises:
            ValueError: ``action`` is none of `ACTIONS`.
        """
        if action not in ACTIONS:
            raise ValueError(f"action must be one of {ACTIONS}. Received: {action!r}")
        first = self.refuse if self.warn is None else self.warn
        last = self.warn if self.refuse is None else self.refuse
        return {"off": Limits(), "warn": Limits(first), "refuse": Limits(None, last)}[action]


@dataclass(frozen=True)
class Finding:
    """A gate that acts on an image.

    Attributes:
        code: one of `SENTENCES`; stable.
        refuses: whether the image is refused, or only warned of.
    """

    code: str
    refuses: bool

    @property
    def message(self) -> str:
        """What the operator reads."""
        return SENTENCES[self.code]


@dataclass(frozen=True)
class Gates:
    """Fitted gates.

    Attributes:
        weights: of each of `SCORES`, 193: one for each number of the description, and one to
            add.
        limits: by code; a code that is left out never acts.
        trained_age_months: the youngest and the oldest age that the model has learnt from.
        facts: from what, how and when they were fitted, and the rates that were measured.
    """

    weights: dict[str, tuple[float, ...]]
    limits: dict[str, Limits]
    trained_age_months: tuple[int, int]
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.weights) != set(SCORES):
            raise ValueError(f"gates must carry the weights of {', '.join(SCORES)}")
        for weights in self.weights.values():
            if len(weights) != FEATURES + 1 or not all(map(math.isfinite, weights)):
                raise ValueError(f"the weights of a gate must be {FEATURES + 1} finite numbers")
        if unknown := set(self.limits) - set(SENTENCES):
            raise ValueError(f"there is no gate {', '.join(sorted(unknown))}")
        youngest, oldest = self.trained_age_months
        if not 0 <= youngest <= oldest:
            raise ValueError("trained_age_months must be an age and a greater one")

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Gates:
        """Gates as they stand in a manifest.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: they make no sense.
        """
        if content["description"] != DESCRIPTION:
            raise ValueError(f"gates must be fitted to {DESCRIPTION!r}")
        youngest, oldest = (int(months) for months in content["trained_age_months"])
        return cls(
            {
                name: tuple(map(float, numbers.split()))
                for name, numbers in content["weights"].items()
            },
            {code: Limits(**limits) for code, limits in content["limits"].items()},
            (youngest, oldest),
            dict(content["facts"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """The gates as they stand in a manifest; the weights of a score are one line of text."""
        return {
            "description": DESCRIPTION,
            "weights": {
                name: " ".join(f"{number:.6g}" for number in numbers)
                for name, numbers in self.weights.items()
            },
            "limits": {code: vars(limits) for code, limits in self.limits.items()},
            "trained_age_months": list(self.trained_age_months),
            "facts": self.facts,
        }

    def acting(self, actions: Mapping[str, str]) -> Gates:
        """The same gates, some of them switched off, only warning, or refusing.

        Args:
            actions: code to one of `ACTIONS`.

        Raises:
            ValueError: no such gate or action.
        """
        if unknown := set(actions) - set(SENTENCES):
            raise ValueError(f"there is no gate {', '.join(sorted(unknown))}")
        changed = {
            code: self.limits.get(code, Limits()).acting(action) for code, action in actions.items()
        }
        return replace(self, limits={**self.limits, **changed})

    def scores(self, features: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
        """One of `SCORES` for descriptions (..., 192): (...)."""
        *weights, constant = self.weights[name]
        return np.asarray(features @ np.array(weights, np.float32) + constant)


def examine(
    gates: Gates,
    pixels: npt.NDArray[Any],
    coloured: float = 0.0,
    age_months: int | None = None,
    view: str | None = None,
) -> tuple[Finding, ...]:
    """Put one image through the gates.

    Args:
        gates: fitted.
        pixels: (height, width), uint8 or uint16, bright where the film is bright.
        coloured: share of the picture that is coloured, from `edge.colour.coloured_share`.
        age_months: of the child, where it is known.
        view: what the file says of it, as in DICOM's View Position.

    Returns:
        What refuses the image, the most telling reason first; or, where nothing does, what warns
        of it; or nothing.
    """
    numbers = measure(gates, look(pixels))
    numbers["coloured"] = coloured
    if view in LATERAL_VIEWS:
        numbers["lateral_view"] = math.inf
    if age_months is not None:
        youngest, oldest = gates.trained_age_months
        numbers["age_out_of_range"] = max(youngest - age_months, age_months - oldest, 0)
    return decide(gates, numbers)


def measure(gates: Gates, appearance: Appearance) -> dict[str, float]:
    """The number of every gate that looks at grey levels, by code; greater is worse."""
    held = poses(appearance.features)
    frontal = gates.scores(held, "frontal")
    best = int(frontal.argmax())
    numbers = {
        "not_a_radiograph": -float(frontal[best]),
        "lateral_view": float(gates.scores(held[best], "lateral")),
        "cropped": float(gates.scores(held[best], "cropped")),
        "too_dark": appearance.dark,
        "too_bright": appearance.bright,
        "too_blurred": appearance.softness,
        "too_small": appearance.enlargement,
    }
    if best:
        numbers[POSES[best]] = float(frontal[best] - frontal[0])
    return numbers


def decide(gates: Gates, numbers: Mapping[str, float]) -> tuple[Finding, ...]:
    """What acts on an image, as `examine` returns it, from the numbers of its gates by code."""

    def beyond(code: str, limit: float | None) -> bool:
        return limit is not None and numbers[code] > limit

    known = [code for code in SENTENCES if code in numbers and code in gates.limits]
    refusing = [code for code in known if beyond(code, gates.limits[code].refuse)]
    acting = refusing or [code for code in known if beyond(code, gates.limits[code].warn)]
    if refusing:
        first = [code for code in acting if code in CONTENT][:1]
        acting = first + [code for code in acting if code not in CONTENT]
    return tuple(Finding(code, bool(refusing)) for code in acting)
