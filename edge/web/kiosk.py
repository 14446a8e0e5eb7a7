"""What all pages of one kiosk share: the model, or why there is none, and the records."""

from __future__ import annotations

import functools
import io
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from flask import current_app

import edge
from edge.artifact import Artifact, load_artifact
from edge.errors import ArtifactRefused, PneumoKioskError
from edge.phantom import phantom_png
from edge.radiograph import MAX_BYTES
from edge.records import Patient, Records
from edge.screening import Screener
from edge.web.pictures import Pictures, draw

if TYPE_CHECKING:
    from edge.web import KioskConfig


@dataclass(frozen=True)
class Answer:
    """One stored screening, and what to show with it.

    Attributes:
        record: the screening as it stands in JSON.
        pictures: None when they were not asked for or nothing could be decoded.
    """

    record: dict[str, Any]
    pictures: Pictures | None


@dataclass(frozen=True)
class Kiosk:
    """A running kiosk.

    Attributes:
        screener: None when the artifact was refused.
        refusal: why there is no screener.
        records: where screenings are stored.
    """

    screener: Screener | None
    refusal: ArtifactRefused | None
    records: Records
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def ready(self) -> Screener:
        """The screener.

        Raises:
            ArtifactRefused: the reason why there is none.
        """
        if self.screener is None:
            # Not the stored refusal itself: raising one exception again grows its traceback.
            raise self._refusal()
        return self.screener

    def screen(
        self,
        image: BinaryIO,
        patient: Patient,
        synthetic: bool = False,
        with_pictures: bool = False,
    ) -> Answer:
        """Screen one file and store what came of it.

        Raises:
            ArtifactRefused: there is no model.
            RecordsUnavailable: it could not be stored.
        """
        screener = self.ready()
        # One at a time: a decoded radiograph may have 80 MB, and the model takes turns anyway.
        with self._turn:
            screening = screener.screen(image.read(MAX_BYTES + 1))
            pictures = draw(screening) if with_pictures else None
        return Answer(self.records.add(screening, patient, synthetic), pictures)

    def demonstrate(self, with_pictures: bool = False) -> Answer:
        """Screen the demonstration image, which is drawn and not filmed.

        Raises:
            ArtifactRefused: there is no model.
            RecordsUnavailable: it could not be stored.
        """
        return self.screen(io.BytesIO(_demonstration()), Patient(), True, with_pictures)

    def refused(self, refusal: PneumoKioskError) -> dict[str, Any]:
        """A refusal that came before there was anything to screen, in a screening's shape."""
        if self.screener is not None:
            return {**self.screener.refuse(refusal).to_dict(), "id": None}
        return {
            "id": None,
            "outcome": "refused",
            "score": None,
            "threshold": None,
            "uncertain_threshold": None,
            "reasons": reasons(refusal),
            "model": None,
            "timings_ms": None,
            "attention": None,
            "notice": edge.STANDING_SENTENCE,
        }

    def _refusal(self) -> ArtifactRefused:
        known = self.refusal or ArtifactRefused("model_missing", "No model is loaded.")
        return ArtifactRefused(known.code, known.message)


def open_kiosk(config: KioskConfig) -> Kiosk:
    """Load the model, or keep the reason why it was refused."""
    records = Records(config.data_dir)
    try:
        artifact: Artifact = load_artifact(config.artifact, config.public_key)
        return Kiosk(Screener(artifact, config.variant, config.threads), None, records)
    except ArtifactRefused as refusal:
        return Kiosk(None, refusal, records)


def current_kiosk() -> Kiosk:
    """The kiosk of the request that is being answered."""
    return cast(Kiosk, current_app.extensions["kiosk"])


def reasons(refusal: PneumoKioskError) -> list[dict[str, str]]:
    """A refusal as it stands in JSON."""
    return [{"code": refusal.code, "message": refusal.message}]


@functools.cache
def _demonstration() -> bytes:
    return phantom_png(opacities=2)
