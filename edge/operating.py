"""Which thresholds a clinic works with: the manifest's, or others that its administrator chose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from edge import changes
from edge.artifact import Manifest
from edge.changes import Change
from edge.database import Database
from edge.followup import Case
from edge.performance import FEWEST
from edge.screening import Screening, outcome_of

SETTING = "operating_point"
"""Its name among the changes."""
LOCAL_RECALLS = (0.967, 0.99)
"""Of refer and of uncertain: what the manifests' own thresholds are chosen for as well."""


@dataclass(frozen=True)
class OperatingChoice:
    """Two thresholds of one model.

    Attributes:
        name: ``"manifest"``, ``"local"`` or another that the administrator reads.
        refer, uncertain: scores at or above them, with 0 <= uncertain <= refer <= 1.
        rule: what they were chosen for, and on what.
        manifest_sha256: of the model that they belong to; they mean nothing for another.
    """

    name: str
    refer: float
    uncertain: float
    rule: str
    manifest_sha256: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.uncertain <= self.refer <= 1.0:
            raise ValueError(
                "thresholds must satisfy 0 <= uncertain <= refer <= 1. Received: "
                f"uncertain {self.uncertain}, refer {self.refer}"
            )


def manifest_choice(manifest: Manifest, manifest_sha256: str) -> OperatingChoice:
    """The thresholds that a model came with."""
    points = {point.name: point for point in manifest.operating_points}
    rule = f"{points['refer'].rule}; chosen on {points['refer'].chosen_on}"
    thresholds = manifest.thresholds
    return OperatingChoice(
        "manifest", thresholds["refer"], thresholds["uncertain"], rule, manifest_sha256
    )


def local_choice(cases: Sequence[Case], manifest_sha256: str) -> OperatingChoice | None:
    """The highest thresholds that catch as much of this clinic's pneumonia as they should.

    Figures measured afterwards on the same cases flatter these thresholds: only later cases tell.

    Args:
        cases: followed-up screenings of the model.
        manifest_sha256: of the model.

    Returns:
        None with fewer than `edge.performance.FEWEST` cases of pneumonia.
    """
    scores = sorted((case.score for case in cases if case.pneumonia), reverse=True)
    if len(scores) < FEWEST:
        return None
    # A small step under the product, which rounding may have lifted over a whole number.
    needed = [math.ceil(recall * len(scores) - 1e-9) for recall in LOCAL_RECALLS]
    refer, uncertain = (scores[number - 1] for number in needed)
    recalls = " and ".join(f"{recall:g}" for recall in LOCAL_RECALLS)
    rule = f"recall {recalls} or more; chosen on {len(scores)} followed-up cases of pneumonia"
    return OperatingChoice("local", refer, uncertain, rule, manifest_sha256)


def choose(database: Database, choice: OperatingChoice, who: str) -> Change:
    """Work with these thresholds from now on; `edge.changes.revert` undoes it.

    Raises:
        FieldRefused: ``invalid_field``: ``who`` is no name.
        RecordsUnavailable: as `Database.write`.
    """
    return changes.change(database, SETTING, asdict(choice), who)


def chosen(database: Database, manifest_sha256: str) -> OperatingChoice | None:
    """What was chosen for a model; None where its manifest's own thresholds hold.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    last = changes.latest(database, SETTING)
    if last is None or last.value is None:
        return None
    choice = OperatingChoice(**last.value)
    return choice if choice.manifest_sha256 == manifest_sha256 else None


def applied(screening: Screening, choice: OperatingChoice | None) -> Screening:
    """A screening under other thresholds than the manifest's; as it is where none were chosen."""
    if choice is None:
        return screening
    thresholds = {"refer": choice.refer, "uncertain": choice.uncertain}
    if screening.score is None:
        return replace(screening, thresholds=thresholds)
    outcome = outcome_of(screening.score, thresholds)
    return replace(screening, outcome=outcome, thresholds=thresholds)
