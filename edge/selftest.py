"""The self-test at start: every variant must make of drawn images what its manifest says.

Hashes say that a model's files are those that were shipped. Only running them says that this
processor, with this runtime, computes with them what was computed where they were made. The images
are drawn anew each time, from parameters in the manifest; no radiograph is shipped.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.artifact import Artifact, DrawnScore
from edge.errors import ArtifactRefused
from edge.phantom import draw_phantom
from edge.screening import Screener

TOLERANCE = 1e-3
"""Largest difference allowed between the mean score of a variant's drawings and the manifest's."""
EACH = 1e-2
"""The same of every single score. Processors of one kind agree to the last digit. Those of another
round the first, float layer of an int8 file otherwise; one value that falls on the other side of a
step of int8 moves a single score by a few thousandths, and their mean hardly."""


@dataclass(frozen=True)
class VariantTest:
    """How one variant did.

    Attributes:
        expected: the manifest's scores, one a drawing.
        seen: this machine's; None where the model gave no number. Empty if it cannot be loaded.
        off: difference of their means; None where a number is missing.
        worst: largest difference of one drawing; None where a number is missing.
        milliseconds: for loading it and for all drawings.
        problem: why it cannot be loaded; empty if it can.
    """

    expected: tuple[float, ...]
    seen: tuple[float | None, ...]
    off: float | None
    worst: float | None
    milliseconds: float
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether the scores are the manifest's, within `TOLERANCE` and `EACH`."""
        if self.off is None or self.worst is None:
            return False
        return self.off <= TOLERANCE and self.worst <= EACH


@dataclass(frozen=True)
class SelfTest:
    """How an artifact did.

    Attributes:
        status: ``"passed"``; ``"failed_in_part"``: some variants are not to be used; or
            ``"not_available"``: an older artifact without drawings, nothing was tested.
        usable: the variants that may be used, at least one, in alphabetical order.
        variants: what was seen, by variant; empty where nothing was tested.
    """

    status: str
    usable: tuple[str, ...]
    variants: dict[str, VariantTest]

    @property
    def passed(self) -> bool:
        """Whether every variant was tested and passed."""
        return self.status == "passed"

    def to_dict(self) -> dict[str, Any]:
        """The self-test as it stands in JSON."""
        tests = {name: {"passed": t.passed, **asdict(t)} for name, t in self.variants.items()}
        return {
            "status": self.status,
            "allowed": TOLERANCE,
            "allowed_each": EACH,
            "variants": tests,
        }


def run_self_test(artifact: Artifact) -> SelfTest:
    """Load every variant of a verified artifact and let it score the manifest's drawings.

    Raises:
        ArtifactRefused: ``self_test_failed``: no variant may be used.
    """
    manifest = artifact.manifest
    if manifest.self_test is None:
        return SelfTest("not_available", tuple(sorted(manifest.variants)), {})
    tests = {
        variant: _tested(artifact, variant, manifest.self_test[variant])
        for variant in sorted(manifest.variants)
    }
    usable = tuple(variant for variant, test in tests.items() if test.passed)
    if not usable:
        raise ArtifactRefused(
            "self_test_failed",
            f"On this machine no variant of the model gives the scores that it has to give: "
            f"{'; '.join(f'{name}: {failure(test)}' for name, test in tests.items())}.",
        )
    return SelfTest("passed" if len(usable) == len(tests) else "failed_in_part", usable, tests)


def failure(test: VariantTest) -> str:
    """Why a variant that did not pass did not, in words."""
    if test.problem:
        return test.problem.rstrip(".")
    if test.off is None or test.worst is None:
        return "it gives no number"
    return (
        f"its scores are off by {test.off:.4f} in the mean, {TOLERANCE:g} is allowed, and by "
        f"{test.worst:.4f} at most, {EACH:g} is allowed"
    )


def _tested(artifact: Artifact, variant: str, drawings: Sequence[DrawnScore]) -> VariantTest:
    images = [_drawn(drawing.seed, drawing.side, drawing.opacities) for drawing in drawings]
    expected = tuple(drawing.score for drawing in drawings)
    started = time.perf_counter()
    try:
        screener = Screener(artifact, variant)
    except ArtifactRefused as refusal:
        return VariantTest(expected, (), None, None, _since(started), refusal.message)
    seen = tuple(screener.score(image) for image in images)
    numbers = [score for score in seen if score is not None]
    if len(numbers) < len(seen):
        return VariantTest(expected, seen, None, None, _since(started))
    differences = np.subtract(numbers, expected)
    off, worst = abs(float(differences.mean())), float(np.abs(differences).max())
    return VariantTest(expected, seen, off, worst, _since(started))


@functools.lru_cache(maxsize=32)  # the variants of a manifest share their drawings
def _drawn(seed: int, side: int, opacities: int) -> npt.NDArray[np.uint8]:
    return draw_phantom(seed, side, opacities)


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
