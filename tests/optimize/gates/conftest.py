"""Drawn folders as the data sets are published, small enough to fit gates in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from edge.phantom import draw_phantom
from edge.quality import Gates
from optimize.gates.films import LATERALS, Films
from optimize.gates.fit import fit_gates


@pytest.fixture(scope="session")
def chestxray14(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty adults with one film each; two of these are known to be lateral."""
    root = tmp_path_factory.mktemp("published") / "chestxray14"
    (root / "images").mkdir(parents=True)
    names = [f"{n:08d}_000.png" for n in range(1, 31)] + list(LATERALS[:2])
    lines = ["Image Index,Finding Labels,Patient ID,View Position"]
    for i, name in enumerate(names):
        finding = "Pneumonia" if i % 2 else "No Finding"
        lines.append(f"{name},{finding},{i + 1},PA")
        cv2.imwrite(str(root / "images" / name), draw_phantom(500 + i, 128, 2 * (i % 2)))
    (root / "Data_Entry_2017.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def drawn(first: int) -> Films:
    """Thirty phantoms to fit to, ten to set limits by, ten to measure on."""
    films = [draw_phantom(i, 224, i % 4) for i in range(first, first + 50)]
    return Films(films[:30], films[30:40], films[40:])


@pytest.fixture(scope="session")
def young() -> Films:
    return drawn(1000)


@pytest.fixture(scope="session")
def fit(young: Films) -> Callable[[int, int], Gates]:
    """Fit gates to phantoms, by a seed, with so many drawings of every kind."""
    old = drawn(2000)
    return lambda seed, drawings: fit_gates(young, old, seed, drawings, progress=False)


@pytest.fixture(scope="session")
def fitted(fit: Callable[[int, int], Gates]) -> Gates:
    return fit(1, 4)
