"""Which folders of films the page may offer: those below one root, such as where sticks appear."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from edge.batch import list_files, shown_name
from edge.errors import PneumoKioskError

MOST_COUNTED = 10_000
"""Files of one folder that are counted before it is shown; a full disk is not walked to its end."""


@dataclass(frozen=True)
class Folder:
    """A folder below the root.

    Attributes:
        name: below the root, with slashes between; None where it cannot be chosen, because the
            name does not survive a form.
        shown: the same, in printable characters.
        files: how many it holds, those of its own folders included, at most `MOST_COUNTED`; None
            where it cannot be read.
    """

    name: str | None
    shown: str
    files: int | None


def place_of(root: Path, name: str) -> Path:
    """The folder of that name below a root, its links followed.

    Raises:
        PneumoKioskError: ``folder_unreadable``: there is none, or it lies elsewhere.
    """
    try:
        top = root.resolve(strict=True)
        place = (top / name).resolve(strict=True)
        if place.is_relative_to(top) and place.is_dir():
            return place
    except (OSError, ValueError):  # no such place; a name that no file can have
        pass
    raise PneumoKioskError(
        "folder_unreadable", f"There is no such folder in {root}. Is the stick plugged in?"
    )


def look_at(root: Path, name: str) -> tuple[Folder, tuple[Folder, ...]]:
    """A folder below the root, and those in it by name; links are left out, and hidden ones.

    Raises:
        PneumoKioskError: ``folder_unreadable``: as `place_of`, or not for this user.
    """
    top, place = place_of(root, ""), place_of(root, name)
    try:
        with os.scandir(place) as entries:
            inner = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))
    except OSError as error:
        raise PneumoKioskError(
            "folder_unreadable", f"The folder {name or root} cannot be read: {error.strerror}."
        ) from error
    shown = [place / folder for folder in inner if not folder.startswith(".")]
    return _folder(place, top), tuple(_folder(path, top) for path in shown)


def _folder(place: Path, top: Path) -> Folder:
    name = "" if place == top else place.relative_to(top).as_posix()
    try:
        files = sum(1 for _ in islice(list_files(place), MOST_COUNTED))
    except PneumoKioskError:
        files = None
    shown = "" if place == top else shown_name(place, top)
    return Folder(name if name == shown else None, shown, files)
