"""One image becomes one screening: outcome, score, attention map, reasons, timings."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import edge
from edge.artifact import Artifact
from edge.colour import coloured_share
from edge.correction import correct
from edge.errors import ArtifactRefused, ImageRefused, PneumoKioskError
from edge.preprocess import preprocess
from edge.quality import Finding, examine
from edge.radiograph import Radiograph, read_radiograph
from edge.runtime import Floats, Model

OUTCOMES = ("refer", "uncertain", "below_threshold", "refused")


@dataclass(frozen=True)
class Screening:
    """What came of one image.

    Attributes:
        id: unique.
        outcome: one of `OUTCOMES`.
        score: calibrated probability of pneumonia in [0, 1]; None when refused.
        thresholds: by operating point.
        reasons: (code, message) pairs: why it was refused; or, on a screened image, what the
            gates warn of.
        model: name, version and SHA-256 of the model file that spoke.
        timings_ms: decode, preprocess with the gates, inference and total, in milliseconds.
        attention: (height, width) in [0, 1] relative to its largest value; None when refused.
        radiograph: the decoded image, corrected; None when it could not be read.
        corrected: codes of `edge.correction.CORRECTIONS`: what was put right before, in order.
    """

    id: str
    outcome: str
    score: float | None
    thresholds: dict[str, float]
    reasons: tuple[tuple[str, str], ...]
    model: dict[str, str]
    timings_ms: dict[str, float]
    attention: Floats | None = None
    radiograph: Radiograph | None = None
    corrected: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The screening as it stands in JSON; images are left out, the attention map is not."""
        return {
            "id": self.id,
            "outcome": self.outcome,
            "score": self.score,
            "threshold": self.thresholds["refer"],
            "uncertain_threshold": self.thresholds["uncertain"],
            "reasons": [{"code": code, "message": message} for code, message in self.reasons],
            "model": self.model,
            "timings_ms": self.timings_ms,
            "file_says": None if self.radiograph is None else self.radiograph.says.to_dict(),
            "corrected": list(self.corrected),
            "attention": None if self.attention is None else _rounded(self.attention),
            "notice": edge.STANDING_SENTENCE,
        }


def outcome_of(score: float, thresholds: Mapping[str, float]) -> str:
    """What a score in [0, 1] comes to under the thresholds of refer and of uncertain."""
    if score >= thresholds["refer"]:
        return "refer"
    return "uncertain" if score >= thresholds["uncertain"] else "below_threshold"


class Screener:
    """A verified artifact, ready to screen."""

    def __init__(
        self,
        artifact: Artifact,
        variant: str | None = None,
        threads: int = 2,
        actions: Mapping[str, str] | None = None,
    ) -> None:
        """Load one variant of an artifact.

        Args:
            artifact: verified by `edge.artifact.load_artifact`.
            variant: one of the manifest's; its default if None.
            threads: processor threads that one prediction may use.
            actions: what gates do, where it is not what the manifest says: code to one of
                `edge.quality.ACTIONS`. An artifact without gates refuses and warns of nothing.

        Raises:
            ArtifactRefused: ``unknown_variant`` or ``model_unusable``.
            ValueError: ``actions`` names an unknown gate or action.
        """
        manifest = artifact.manifest
        chosen = variant or manifest.default_variant
        if chosen not in manifest.variants:
            known = ", ".join(sorted(manifest.variants))
            raise ArtifactRefused("unknown_variant", f"No variant {chosen}; there are: {known}.")
        self.manifest = manifest
        self.model_identity = {
            "name": manifest.name,
            "version": manifest.version,
            "variant": chosen,
            "sha256": manifest.files[manifest.variants[chosen]].sha256,
        }
        self._gates = manifest.gates.acting(actions or {}) if manifest.gates else None
        self._model = Model(artifact.models[chosen], threads)
        size = manifest.input.size
        if self._model.input_shape != (1, size, size, 1):
            raise ArtifactRefused(
                "model_unusable",
                f"The model wants input {self._model.input_shape}, its manifest names {size}.",
            )

    def screen(
        self, data: bytes, age_months: int | None = None, corrections: Sequence[str] = ()
    ) -> Screening:
        """Screen the bytes of one image file; a file that cannot be screened comes out refused.

        Args:
            data: the whole file.
            age_months: of the child; where it is not known, what the file says counts.
            corrections: codes of `edge.correction.CORRECTIONS`, put right in this order first.

        Raises:
            ValueError: there is no such correction.
        """
        started = time.perf_counter()
        try:
            radiograph = read_radiograph(data)
        except ImageRefused as refusal:
            return self.refuse(refusal, _timings(started, time.perf_counter()))
        for code in corrections:
            radiograph = replace(radiograph, pixels=correct(radiograph.pixels, code))
        screening = self._screened(data, radiograph, age_months, started)
        return replace(screening, corrected=tuple(corrections))

    def _screened(
        self, data: bytes, radiograph: Radiograph, age_months: int | None, started: float
    ) -> Screening:
        decoded = time.perf_counter()
        findings = self._examined(data, radiograph, age_months)
        reasons = tuple((finding.code, finding.message) for finding in findings)
        if any(finding.refuses for finding in findings):
            timings = _timings(started, decoded, time.perf_counter())
            return self._refused(reasons, timings, radiograph)
        image = preprocess(radiograph.pixels, self.manifest.input)
        preprocessed = time.perf_counter()
        prediction = self._model.predict(image)
        timings = _timings(started, decoded, preprocessed, time.perf_counter())
        # Not-a-number compares as some outcome or other.
        if not (math.isfinite(prediction.margin) and np.isfinite(prediction.attention).all()):
            failure = ImageRefused("model_failed", "The model gave no number for this image.")
            return self.refuse(failure, timings)
        score = self.manifest.score(prediction.margin)
        return Screening(
            id=uuid.uuid4().hex,
            outcome=outcome_of(score, self.manifest.thresholds),
            score=score,
            thresholds=self.manifest.thresholds,
            reasons=reasons,
            model=self.model_identity,
            timings_ms=timings,
            attention=_relative(prediction.attention),
            radiograph=radiograph,
        )

    def score(self, pixels: npt.NDArray[Any]) -> float | None:
        """The score of an image that goes through no gate; None if the model gives no number.

        Args:
            pixels: (height, width), uint8 or uint16.
        """
        margin = self._model.predict(preprocess(pixels, self.manifest.input)).margin
        return self.manifest.score(margin) if math.isfinite(margin) else None

    def _examined(
        self, data: bytes, radiograph: Radiograph, age_months: int | None
    ) -> tuple[Finding, ...]:
        if self._gates is None:
            return ()
        says = radiograph.says
        age = says.age_months if age_months is None else age_months
        return examine(self._gates, radiograph.pixels, coloured_share(data), age, says.view)

    def refuse(
        self, refusal: PneumoKioskError, timings: dict[str, float] | None = None
    ) -> Screening:
        """The screening of something that cannot be screened, with the reason."""
        timings = _timings(0.0, 0.0) if timings is None else timings
        return self._refused(((refusal.code, refusal.message),), timings)

    def _refused(
        self,
        reasons: tuple[tuple[str, str], ...],
        timings: dict[str, float],
        radiograph: Radiograph | None = None,
    ) -> Screening:
        return Screening(
            id=uuid.uuid4().hex,
            outcome="refused",
            score=None,
            thresholds=self.manifest.thresholds,
            reasons=reasons,
            model=self.model_identity,
            timings_ms=timings,
            radiograph=radiograph,
        )


def _timings(
    started: float, decoded: float, preprocessed: float | None = None, done: float | None = None
) -> dict[str, float]:
    """Milliseconds of each stage; a stage that was not reached took none."""
    preprocessed = decoded if preprocessed is None else preprocessed
    done = preprocessed if done is None else done
    stages = {
        "decode": decoded - started,
        "preprocess": preprocessed - decoded,
        "inference": done - preprocessed,
        "total": done - started,
    }
    return {name: round(seconds * 1000, 3) for name, seconds in stages.items()}


def _relative(attention: Floats) -> Floats:
    """Scale a map so that its largest value is 1; a map of zeros stays."""
    largest = float(attention.max())
    return attention / largest if largest > 0 else attention


def _rounded(values: npt.NDArray[Any]) -> list[list[float]]:
    return [[round(float(v), 3) for v in row] for row in np.asarray(values)]
