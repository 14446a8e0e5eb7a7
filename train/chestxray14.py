"""ChestX-ray14 as it is published: adults of another hospital, fourteen findings.

Wang et al., "ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks on
Weakly-Supervised Classification and Localization of Common Thorax Diseases", CVPR 2017.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from edge.errors import DataRefused
from train.datasets import Sample
from train.splits import split_by_patient

FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
NO_FINDING = "No Finding"
COLUMNS = ("Image Index", "Finding Labels", "Patient ID", "View Position")
"""Of the published table, in its order."""
PNEUMONIA_LIKE = frozenset({"Pneumonia", "Consolidation"})
UNDECIDED = -1
"""Label of a film that shows neither pneumonia nor consolidation, yet is not free of findings."""

HELD_OUT = 0.2
HELD_OUT_SEED = 14
"""One fifth of the patients, the same for every recipe: no training and no choice sees them."""


@dataclass(frozen=True)
class AdultSample(Sample):
    """One published image.

    Attributes:
        label: 1 for pneumonia or consolidation, 0 for no finding, `UNDECIDED` otherwise.
        subtype: ``"pneumonia"``, ``"no finding"`` or ``"other"``.
        findings: of `FINDINGS`; empty for none.
        view: ``"AP"`` or ``"PA"``.
    """

    findings: frozenset[str]
    view: str

    @property
    def group(self) -> str:
        """Balanced within each view, so that the view tells nothing of the label."""
        return f"{self.subtype} {self.view}"

    @property
    def known(self) -> dict[str, float]:
        """Every finding; normal and pneumonia only where the film decides them."""
        values = {finding: float(finding in self.findings) for finding in FINDINGS}
        if self.label != UNDECIDED:
            values |= {"normal": 1.0 - self.label, "pneumonia": float(self.label)}
        return values


@dataclass(frozen=True)
class ChestXray14:
    """The samples of a ChestX-ray14 folder.

    Attributes:
        samples: those whose image is there, in the order of the table.
        rows: rows of the published table; ``rows - len(samples)`` have no image.
    """

    samples: tuple[AdultSample, ...]
    rows: int

    def __str__(self) -> str:
        return f"{len(self.samples):,} of {self.rows:,} rows have an image"


def list_chestxray14(root: Path) -> ChestXray14:
    """Read ``ROOT/Data_Entry_2017*.csv`` and look for each image in ``ROOT/images/``.

    Raises:
        DataRefused: ``missing_folder``, ``missing_table``, ``invalid_table``,
            ``unknown_finding``, or ``no_images``.
    """
    folder = root / "images"
    if not folder.is_dir():
        raise DataRefused("missing_folder", f"{folder} is not a folder of ChestX-ray14 images.")
    tables = sorted(root.glob("Data_Entry_2017*.csv"))
    if not tables:
        raise DataRefused("missing_table", f"{root} holds no Data_Entry_2017*.csv.")
    there = {path.name: path for path in folder.iterdir()}
    rows, samples = 0, []
    try:
        with tables[0].open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                rows += 1
                name, text, patient, view = (row[column] for column in COLUMNS)
                if view is None:
                    raise ValueError(f"row {rows} is cut short")
                findings = _findings(text, f"{tables[0]}, row {rows}")
                if path := there.get(name):
                    samples.append(_sample(path, patient, findings, view))
    except (KeyError, csv.Error, ValueError) as error:  # no text at all is a ValueError too
        raise DataRefused(
            "invalid_table", f"{tables[0]} is not the published table: {error!r}"
        ) from error
    if not samples:
        raise DataRefused("no_images", f"{folder} holds no image that {tables[0].name} names.")
    return ChestXray14(tuple(samples), rows)


@dataclass(frozen=True)
class AdultData:
    """ChestX-ray14 split by patient, before any pixel is read.

    Attributes:
        training, validation: for learning and choosing.
        held_out: the fifth that only measures.
        summary: how many rows have an image.
    """

    training: tuple[AdultSample, ...]
    validation: tuple[AdultSample, ...]
    held_out: tuple[AdultSample, ...]
    summary: str


def split_chestxray14(root: Path, fraction: float, seed: int) -> AdultData:
    """Hold out the fixed fifth of the patients, then validation patients of the rest.

    Args:
        root: the published folder.
        fraction: share of the remaining patients for validation, in (0, 1).
        seed: of the validation split.
    """
    listed = list_chestxray14(root)
    rest, held_out = split_by_patient(listed.samples, HELD_OUT, HELD_OUT_SEED)
    remaining = [listed.samples[i] for i in rest]
    training, validation = split_by_patient(remaining, fraction, seed)
    return AdultData(
        tuple(remaining[i] for i in training),
        tuple(remaining[i] for i in validation),
        tuple(listed.samples[i] for i in held_out),
        str(listed),
    )


def decided(samples: tuple[AdultSample, ...]) -> tuple[AdultSample, ...]:
    """The films that show pneumonia or consolidation, or no finding at all."""
    return tuple(sample for sample in samples if sample.label != UNDECIDED)


def _findings(text: str, where: str) -> frozenset[str]:
    names = frozenset(text.split("|")) - {NO_FINDING}
    if unknown := names - set(FINDINGS):
        raise DataRefused(
            "unknown_finding",
            f"{where}: {', '.join(sorted(unknown))} is none of the fourteen findings.",
        )
    return names


def _sample(path: Path, patient: str, findings: frozenset[str], view: str) -> AdultSample:
    label = 1 if findings & PNEUMONIA_LIKE else UNDECIDED if findings else 0
    subtype = {1: "pneumonia", 0: "no finding", UNDECIDED: "other"}[label]
    return AdultSample(path, label, patient, subtype, findings, view)
