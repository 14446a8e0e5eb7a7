"""Every kind of thing that is no frontal chest radiograph, drawn or found in installed packages."""

from __future__ import annotations

import importlib.resources
import zlib
from collections.abc import Iterator, Mapping

import cv2
import numpy as np

from optimize.gates.canvas import Draw, Picture, Rng
from optimize.gates.paper import PAPER
from optimize.gates.patterns import PATTERNS
from optimize.gates.radiographs import RADIOGRAPHS
from optimize.gates.scans import SCANS
from optimize.gates.scenes import SCENES
from optimize.gates.unseen_scans import UNSEEN_SCANS
from optimize.gates.unseen_things import UNSEEN_THINGS

LATERAL = "lateral_chest"
FITTED: dict[str, Draw] = {**PAPER, **SCENES, **PATTERNS, **RADIOGRAPHS, **SCANS}
UNSEEN: dict[str, Draw] = {**UNSEEN_THINGS, **UNSEEN_SCANS}
"""Gates are fitted to the first; the second only measures how they do on what nobody thought of."""

PHOTOGRAPHS = (
    ("sklearn.datasets.images", "china.jpg"),
    ("sklearn.datasets.images", "flower.jpg"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    ("matplotlib", "mpl-data/sample_data/Minduka_Present_Blue_Pack.png"),
    ("matplotlib", "mpl-data/sample_data/logo2.png"),
)
"""Package and path of real pictures that come with what the workstation has installed."""


def draw(kinds: Mapping[str, Draw], each: int, seed: int) -> Iterator[tuple[str, Picture]]:
    """Draw so many pictures of every kind; yields (kind, picture).

    A kind's pictures depend on its name and the seed only, not on which other kinds there are.
    """
    for name, drawing in kinds.items():
        for i in range(each):
            rng = np.random.default_rng([seed, zlib.crc32(name.encode()), i])
            yield name, vary(drawing(rng), rng)


def vary(picture: Picture, rng: Rng) -> Picture:
    """Another section, side, exposure or polarity of a picture, at random."""
    height, width = picture.shape[:2]
    if rng.random() < 0.5:
        share = rng.uniform(0.5, 1.0)
        top, left = (int(rng.uniform(0, 1 - share) * side) for side in (height, width))
        picture = picture[top : top + int(share * height), left : left + int(share * width)]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    if rng.random() < 0.2:
        picture = np.asarray(255 - picture, np.uint8)
    if rng.random() < 0.4:
        levels = (np.arange(256) / 255) ** np.exp(rng.uniform(-0.7, 0.7))
        picture = np.asarray(255 * levels, np.uint8)[picture]
    return np.ascontiguousarray(picture)


def photographs(each: int, seed: int) -> Iterator[tuple[str, Picture]]:
    """Real pictures and random sections of them; yields (file name, picture).

    Files that an installed version does not carry are left out.
    """
    for package, path in PHOTOGRAPHS:
        file = importlib.resources.files(package).joinpath(path)
        if not file.is_file():
            continue
        picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            continue
        for i in range(each):
            rng = np.random.default_rng([seed, zlib.crc32(path.encode()), i])
            whole = np.asarray(picture, np.uint8)
            yield file.name, whole if i == 0 else vary(whole, rng)
