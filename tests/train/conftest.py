"""A tiny published-looking data set of drawn thoraces, and recipes small enough for any machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.phantom import draw_phantom
from edge.preprocess import InputContract
from train.augmentation import Augmentation
from train.datasets import LabelledImages, Sample
from train.network import NetworkConfig
from train.recipe import Recipe

ROOT = Path(__file__).parents[2]
NORMAL = [f"{hospital}IM-{n:04d}" for hospital in ("", "NORMAL2-") for n in (115, 117, 804, 901)]
BACTERIA = [f"person{n}_bacteria" for n in (1, 2, 3, 10)]
VIRUS = [f"person{n}_virus" for n in (2, 21, 22, 23)]
"""Person 2 has films of both kinds, as happens in the published set."""


def write_phantom(path: Path, seed: int, opacities: int, side: int = 96) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), draw_phantom(seed, side, opacities))


def draw_data_set(root: Path) -> Path:
    """Two films a patient; three exact copies in the training folder."""
    for f, folder in enumerate(("train", "test")):
        normal, pneumonia = root / folder / "NORMAL", root / folder / "PNEUMONIA"
        for p, patient in enumerate(NORMAL):
            for film in (1, 2):
                seed = 1000 * f + 10 * p + film
                write_phantom(normal / f"{patient}-{film:04d}.jpeg", seed, 0)
        for p, patient in enumerate(BACTERIA + VIRUS):
            for film in (1, 2):
                seed = 1000 * f + 500 + 10 * p + film
                write_phantom(pneumonia / f"{patient}_{film}.jpeg", seed, 3)
    train = root / "train"
    shutil.copy(train / "NORMAL/IM-0115-0001.jpeg", train / "NORMAL/IM-0115-0009.jpeg")
    shutil.copy(train / "NORMAL/IM-0117-0001.jpeg", train / "NORMAL/IM-0117-0008.jpeg")
    shutil.copy(
        train / "PNEUMONIA/person1_bacteria_1.jpeg", train / "PNEUMONIA/person1_bacteria_9.jpeg"
    )
    return root


@pytest.fixture(scope="session")
def chest_xray(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_data_set(tmp_path_factory.mktemp("published") / "chest_xray")


ADULTS = 60
ADULT_FINDINGS = (
    "No Finding", "Pneumonia", "No Finding", "Mass|Effusion", "Consolidation|Edema", "No Finding",
)  # fmt: skip
"""Of one patient after another, in turns."""
WITHOUT_IMAGE = 5
"""Rows at the end of the table, as of a folder that was downloaded in part."""


def draw_chestxray14(root: Path) -> Path:
    """Two films a patient, one from each side; findings and view do not go together."""
    columns = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,View Position"
    lines = [columns]
    for patient in range(1, ADULTS + 1):
        findings = ADULT_FINDINGS[patient % len(ADULT_FINDINGS)]
        for film, view in enumerate(("AP", "PA")):
            name = f"{patient:08d}_{film:03d}.png"
            lines.append(f"{name},{findings},{film},{patient},058Y,{view}")
            if patient <= ADULTS - WITHOUT_IMAGE:
                opacities = 4 if "Pneumonia" in findings or "Consolidation" in findings else 0
                write_phantom(root / "images" / name, 5000 + 10 * patient + film, opacities, 64)
    (root / "Data_Entry_2017_v2020.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def chestxray14(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """110 films of 55 adults; the table names ten more of five."""
    return draw_chestxray14(tmp_path_factory.mktemp("published") / "chestxray14")


@pytest.fixture(scope="session")
def tiny_recipe() -> Recipe:
    return Recipe(
        network=NetworkConfig(
            width=1, depths=(1, 1), strides=(1, 2), dilations=(1, 2), input_size=32, dense=4
        ),
        input=InputContract(size=32),
        augmentation=Augmentation(exposure=0.3, noise=4.0, jpeg=0.5),
        epochs=4,
        batch=4,
        learning_rate=1e-2,
        schedule="cosine",
        validation_fraction=0.3,
        seed=5,
    )


@pytest.fixture(scope="session")
def tiny_settings() -> tuple[str, ...]:
    """The tiny recipe as the command line takes it, on top of the recipe "compact"."""
    overrides = (
        "network.width=1",
        "network.depths=[1, 1]",
        "network.strides=[1, 2]",
        "network.dilations=[1, 2]",
        "network.input_size=32",
        "network.dense=4",
        "input.size=32",
        "epochs=1",
        "batch=4",
        "warmup=1",
        "validation_fraction=0.3",
    )
    return tuple(part for override in overrides for part in ("--set", override))


@pytest.fixture(scope="session")
def phantom_images() -> LabelledImages:
    """Seven normal and five pneumonia images of 64 pixels a side, in memory."""
    labels = [0] * 7 + [1] * 5
    samples = tuple(Sample(Path(f"{i}.png"), y, f"p{i}", "x") for i, y in enumerate(labels))
    pixels = np.stack([draw_phantom(i, 64, 3 * y) for i, y in enumerate(labels)])
    return LabelledImages(samples, pixels)


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def command() -> Command:
    """Run ``python -m MODULE ARGUMENTS`` in a process of its own."""

    def run(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "default"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
