"""What all pages of one kiosk share: the model, or why there is none, the records, the settings."""

from __future__ import annotations

import functools
import io
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from flask import current_app

import edge
from edge import operating
from edge.accounts import ROLES, Accounts
from edge.artifact import DEFAULT_ARTIFACT, Artifact, load_artifact
from edge.choice import Choice
from edge.database import problems
from edge.errors import ArtifactRefused, PneumoKioskError
from edge.phantom import phantom_png
from edge.provenance import manifest_hash, provenance_of
from edge.radiograph import MAX_BYTES
from edge.readiness import ready_screener
from edge.records import Patient, Records
from edge.retention import Retention
from edge.screening import Screener, Screening
from edge.selftest import SelfTest
from edge.settings import Settings, load_settings, save_settings
from edge.web.pictures import RecentPictures
from edge.web.sparing import Sparing


@dataclass(frozen=True)
class KioskConfig:
    """How one kiosk is set up; what is None is as the settings in the data folder say.

    Attributes:
        data_dir: an existing folder for the records.
        artifact: folder of the model artifact.
        variant: numeric type of the model.
        threads: processor threads that one prediction may use.
        loopback_only: answer only requests addressed to this machine by a loopback name.
        public_key: PEM file; an artifact that its owner has not signed is refused.
    """

    data_dir: Path
    artifact: Path | None = None
    variant: str | None = None
    threads: int | None = None
    loopback_only: bool = True
    public_key: Path | None = None


class Kiosk:
    """A running kiosk.

    Attributes:
        data_dir: where its records and settings are.
        loopback_only: this machine alone can reach it.
        settings: that hold now.
        records: where screenings are stored.
        accounts: roles, PINs and sessions.
        known_pins: which role has a PIN, as last read.
        artifact_folder: where the model is to come from.
        public_key: that it must be signed with, or None.
        artifact: the verified model; None when it was refused.
        screener: None when the artifact was refused.
        refusal: why there is no screener.
        self_test: how its variants did at start; None without a screener.
        choice: which variant runs, and what was timed; None without a screener.
        pictures: the last films that were screened, in memory.
        check_records: finds what is wrong with the records' file.
    """

    def __init__(self, config: KioskConfig) -> None:
        """Load the settings and the model, or keep the reason why it was refused.

        Raises:
            PneumoKioskError: ``settings_invalid``.
        """
        self.data_dir = config.data_dir
        self.loopback_only = config.loopback_only
        self.settings = load_settings(config.data_dir)
        self.records = Records(config.data_dir, retention_of(self.settings))
        self.accounts = Accounts(self.records.database)
        self.known_pins = dict.fromkeys(ROLES, False)
        self.artifact_folder = config.artifact or _path(self.settings.artifact) or DEFAULT_ARTIFACT
        self.public_key = config.public_key or _path(self.settings.public_key)
        self.pictures = RecentPictures()
        self.check_records = Sparing(problems)
        self.artifact: Artifact | None = None
        self.screener: Screener | None = None
        self.refusal: ArtifactRefused | None = None
        self.self_test: SelfTest | None = None
        self.choice: Choice | None = None
        self._turn = threading.Lock()
        try:
            self._load_model(config)
        except ArtifactRefused as refusal:
            self.artifact, self.refusal = None, refusal

    def _load_model(self, config: KioskConfig) -> None:
        self.artifact = load_artifact(self.artifact_folder, self.public_key)
        self.screener, self.self_test, self.choice = ready_screener(
            self.artifact,
            self.data_dir,
            config.variant or self.settings.variant,
            config.threads or self.settings.threads,
            {"age_out_of_range": self.settings.age_gate},
        )

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
        corrections: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Screen one file and store what came of it.

        Args:
            image: is read to its end, or as far as is accepted.
            patient: what was typed about the child.
            synthetic: the image was drawn, not filmed.
            corrections: what to put right before, as `edge.correction.CORRECTIONS`.

        Returns:
            The screening as it stands in JSON.

        Raises:
            ArtifactRefused: there is no model.
            RecordsUnavailable: it could not be stored.
        """
        screener = self.ready()
        data = image.read(MAX_BYTES + 1)
        # One at a time: a decoded radiograph may have 80 MB, and the model takes turns anyway.
        with self._turn:
            screening = screener.screen(data, patient.age_months, corrections)
            record = self._store(screening, patient, synthetic)
        self.pictures.keep(screening, data)
        return record

    def _store(self, screening: Screening, patient: Patient, synthetic: bool) -> dict[str, Any]:
        artifact = cast(Artifact, self.artifact)
        choice = operating.chosen(self.records.database, manifest_hash(artifact))
        provenance = provenance_of(artifact, choice.name if choice else "manifest")
        screening = operating.applied(screening, choice)
        return self.records.add(screening, patient, synthetic, provenance)

    def demonstrate(self) -> dict[str, Any]:
        """Screen the demonstration image, which is drawn and not filmed.

        Raises:
            ArtifactRefused: there is no model.
            RecordsUnavailable: it could not be stored.
        """
        return self.screen(io.BytesIO(_demonstration()), Patient(), synthetic=True)

    def change_settings(self, new: Settings, who: str) -> None:
        """Write other settings; what needs no restart holds from now on.

        Raises:
            FieldRefused: ``invalid_field``: ``who`` is no name.
            RecordsUnavailable: they could not be written.
        """
        with self._turn:
            save_settings(self.data_dir, self.records.database, self.settings, new, who)
            self.settings = new
            self.records.retention = retention_of(new)

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
            "file_says": None,
            "corrected": [],
            "attention": None,
            "notice": edge.STANDING_SENTENCE,
        }

    def close(self) -> None:
        """Close the records; the next request opens them again."""
        self.records.close()

    def _refusal(self) -> ArtifactRefused:
        known = self.refusal or ArtifactRefused("model_missing", "No model is loaded.")
        return ArtifactRefused(known.code, known.message)


def current_kiosk() -> Kiosk:
    """The kiosk of the request that is being answered."""
    return cast(Kiosk, current_app.extensions["kiosk"])


def reasons(refusal: PneumoKioskError) -> list[dict[str, str]]:
    """A refusal as it stands in JSON."""
    return [{"code": refusal.code, "message": refusal.message}]


def retention_of(settings: Settings) -> Retention:
    """What the settings say of keeping images."""
    return Retention(settings.keep_images, settings.keep_images_days)


def _path(typed: str) -> Path | None:
    return Path(typed) if typed else None


@functools.cache
def _demonstration() -> bytes:
    return phantom_png(opacities=2)
