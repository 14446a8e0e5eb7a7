"""Films of a hospital: a ``chest_xray`` folder, a folder with a table, or a plain folder.

Nothing is decoded here: a damaged file is a film like any other until somebody screens it.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import DataRefused
from edge.phantom import phantom_png
from train.datasets import CLASSES, Sample, list_samples
from train.splits import load_training_data

SPLITS = ("test", "validation", "train")
SUFFIXES = {".jpeg", ".jpg", ".png", ".dcm"}
LABELS = {"0": 0, "1": 1, **{name.lower(): label for label, name in enumerate(CLASSES)}}
"""How a table may say whether a film shows pneumonia."""
PHANTOMS = 12


@dataclass(frozen=True)
class Film:
    """One file to screen.

    Attributes:
        file: its name in every report; unique within its set.
        path: of the file; None where it was drawn, then ``drawn`` holds its bytes.
        label: 0 for normal, 1 for pneumonia, None where nobody says.
        patient: as the data set names the child.
        drawn: bytes of a drawing.
    """

    file: str
    path: Path | None
    label: int | None
    patient: str
    drawn: bytes = b""

    def read(self) -> bytes:
        """The whole file.

        Raises:
            OSError: it cannot be read.
        """
        return self.path.read_bytes() if self.path else self.drawn


@dataclass(frozen=True)
class FilmSet:
    """Films of one origin.

    Attributes:
        name: for reports, in words; no path of this machine.
        films: in a fixed order.
        listed: how many there were before a sample was taken of them.
    """

    name: str
    films: tuple[Film, ...]
    listed: int

    @property
    def digest(self) -> str:
        """Hash of names, labels and sizes: a run goes on with the same films only."""
        lines = (f"{film.file} {film.label} {_size(film)}" for film in self.films)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """What stands of the films in the header of a run."""
        return {
            "data": self.name,
            "films": len(self.films),
            "listed": self.listed,
            "films_sha256": self.digest,
        }

    def sampled(self, count: int) -> FilmSet:
        """An evenly spaced sample of at most so many films; both ends are in it."""
        places = np.linspace(0, self.listed - 1, min(count, self.listed)).round().astype(int)
        return replace(self, films=tuple(self.films[i] for i in places))


def find_films(data: Path, split: str = "test", division: tuple[float, int] = (0.15, 1)) -> FilmSet:
    """The films that a path of the command line stands for.

    Args:
        data: a ``.csv`` file (`films_of_table`); a ``chest_xray`` folder as published; a folder
            of its two classes; or a folder that holds images and says nothing of them.
        split: of a published folder: ``"test"``, or the patients of the training folder that
            were held out of training (``"validation"``) or not (``"train"``).
        division: fraction of the patients that were held out, and the seed of that choice.

    Raises:
        DataRefused: ``missing_folder``, ``empty_class``, ``no_images``, or as
            `films_of_table` or `train.splits.load_training_data`.
    """
    if data.suffix.lower() == ".csv":
        return films_of_table(data)
    if any((data / name).is_dir() for name in ("train", "test")):
        return _published(data, split, division)
    if all((data / name).is_dir() for name in CLASSES):
        return _labelled(f"{data.name}, both classes", list_samples(data, "."))
    if not data.is_dir():
        raise DataRefused("missing_folder", f"{data} is no folder and no .csv table of films.")
    paths = sorted(path for path in data.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataRefused("no_images", f"{data} holds no JPEG, PNG or DICOM image.")
    names = [path.relative_to(data).as_posix() for path in paths]
    films = (Film(name, path, None, name) for name, path in zip(names, paths, strict=True))
    return _set(f"{data.name}, without labels", films)


def films_of_table(table: Path, folder: Path | None = None) -> FilmSet:
    """Films that a table with the columns ``file,label[,patient]`` names.

    Args:
        table: a CSV file. ``label`` is 0 or NORMAL, 1 or PNEUMONIA, or empty. Without
            ``patient`` every film counts as a child of its own.
        folder: what ``file`` is relative to; the table's own folder if None.

    Raises:
        DataRefused: ``missing_table`` or ``invalid_table``, which names the row.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataRefused("missing_table", f"{table} cannot be read as text: {error}") from error
    rows = list(csv.DictReader(text.splitlines()))
    films = [_film_of(row, table, i, folder or table.parent) for i, row in enumerate(rows, 2)]
    if not films:
        raise DataRefused("invalid_table", f"{table} has no row beneath file,label[,patient].")
    if len({film.file for film in films}) < len(films):
        raise DataRefused("invalid_table", f"{table} names a file twice.")
    return _set(table.name, films)


def require_labels(films: FilmSet) -> FilmSet:
    """The films, every one of them labelled.

    Raises:
        DataRefused: ``missing_labels``.
    """
    silent = [film.file for film in films.films if film.label is None]
    if silent:
        raise DataRefused(
            "missing_labels",
            f"Accuracy needs a label for every film; {len(silent)} have none, such as {silent[0]}.",
        )
    return films


def drawn_films(count: int = PHANTOMS, side: int = 512) -> FilmSet:
    """Phantoms, half of them with drawn opacities: enough to see scores move, not to be right.

    So they carry no label.
    """
    films = [
        Film(f"phantom-{i}.png", None, None, str(i), phantom_png(i, side, 3 * (i % 2)))
        for i in range(count)
    ]
    return _set("drawn phantoms", films)


def _published(data: Path, split: str, division: tuple[float, int]) -> FilmSet:
    if split == "test":
        return _labelled(f"{data.name}, test folder", list_samples(data, "test"))
    images = load_training_data(data, *division)
    part = images.training if split == "train" else images.validation
    words = {"train": "training patients", "validation": "held-out patients"}[split]
    return _labelled(f"{data.name}, {words} of the training folder", part.samples)


def _labelled(name: str, samples: Sequence[Sample]) -> FilmSet:
    return _set(
        name,
        (Film(f"{s.path.parent.name}/{s.path.name}", s.path, s.label, s.patient) for s in samples),
    )


def _film_of(row: dict[str, str | None], table: Path, number: int, folder: Path) -> Film:
    file, label = (row.get("file") or "").strip(), (row.get("label") or "").strip().lower()
    if not file or "label" not in row or (label and label not in LABELS):
        raise DataRefused(
            "invalid_table",
            f"{table}, row {number}, needs a file and a label of 0, 1, {' or '.join(CLASSES)}. "
            f"Received: {row}",
        )
    return Film(file, folder / file, LABELS.get(label), (row.get("patient") or "").strip() or file)


def _set(name: str, films: Iterable[Film]) -> FilmSet:
    found = tuple(films)
    return FilmSet(name, found, len(found))


def _size(film: Film) -> int:
    try:
        return film.path.stat().st_size if film.path else len(film.drawn)
    except OSError:
        return -1
