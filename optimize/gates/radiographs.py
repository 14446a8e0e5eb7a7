"""Drawn radiographs of other parts of the body, and of the chest from the side."""

from __future__ import annotations

import cv2
import numpy as np

from optimize.gates.canvas import Draw, Picture, Rng, blob
from optimize.gates.plate import Plate


def hand(rng: Rng) -> Picture:
    """A hand from above, all bones."""
    plate = Plate(rng)
    wrist, turn = np.array([0.5, 0.85]), rng.uniform(-0.2, 0.2)
    plate.tissue([wrist, (0.5, 0.65)], 0.36, 0.22)
    plate.bone([(0.46, 1.0), (0.46, 0.86)], 0.07)
    plate.bone([(0.55, 1.0), (0.55, 0.86)], 0.06)
    for angle, reach in zip(
        (-0.85, -0.3, -0.05, 0.2, 0.45), (0.45, 0.72, 0.78, 0.72, 0.6), strict=True
    ):
        way = np.array([np.sin(angle + turn), -np.cos(angle + turn)])
        plate.tissue([wrist, wrist + reach * way], 0.09, 0.2)
        stops = np.array([0.12, 0.46, 0.5, 0.7, 0.73, 0.86, 0.88, 0.97]) * reach
        for a, b in stops.reshape(4, 2):
            plate.bone([wrist + a * way, wrist + b * way], 0.035, 0.4)
    for _ in range(8):
        plate.patch(wrist + rng.uniform(-0.07, 0.07, 2) - [0, 0.05], (0.03, 0.03), 0.25)
    return plate.picture()


def forearm(rng: Rng) -> Picture:
    """Two long bones side by side, upright or lying."""
    plate = Plate(rng)
    lying = rng.random() < 0.4
    for offset, thick in ((-0.06, 0.07), (0.07, rng.uniform(0.04, 0.07))):
        at = 0.5 + offset * rng.uniform(0.8, 1.3)
        path = np.array([(at, -0.05), (at + rng.uniform(-0.03, 0.03), 0.5), (at, 1.05)])
        path = path[:, ::-1] if lying else path
        plate.tissue(path, 0.24, 0.15)
        plate.bone(path, thick, 0.4)
    return plate.picture()


def knee(rng: Rng) -> Picture:
    """The knee from the front."""
    plate = Plate(rng)
    x = rng.uniform(0.42, 0.58)
    plate.tissue([(x, -0.1), (x, 1.1)], rng.uniform(0.4, 0.6), 0.2)
    plate.bone([(x, -0.1), (x, 0.42)], 0.16, 0.3)
    plate.bone([(x, 0.58), (x, 1.1)], 0.15, 0.3)
    plate.bone([(x + 0.16, 0.66), (x + 0.15, 1.1)], 0.05, 0.25)
    for side in (-1, 1):
        plate.patch((x + side * 0.09, 0.43), (0.11, 0.08), 0.2)
        plate.patch((x + side * 0.09, 0.57), (0.11, 0.05), 0.2)
    plate.patch((x, 0.36), (0.08, 0.08), 0.12)
    return plate.picture()


def foot(rng: Rng) -> Picture:
    """The foot from the side."""
    plate = Plate(rng)
    plate.tissue([(0.25, -0.1), (0.28, 0.62), (0.85, 0.82)], 0.26, 0.2)
    plate.bone([(0.27, -0.1), (0.27, 0.5)], 0.11, 0.32)
    plate.patch((0.2, 0.75), (0.13, 0.08), 0.35, angle=-20)
    plate.patch((0.32, 0.6), (0.1, 0.07), 0.35)
    for i in range(4):
        plate.bone([(0.45 + 0.01 * i, 0.66 + 0.02 * i), (0.72, 0.78 + 0.015 * i)], 0.04, 0.22)
        plate.bone([(0.76, 0.8), (0.9, 0.85)], 0.03, 0.15)
    return plate.picture()


def skull(rng: Rng) -> Picture:
    """The skull from the front."""
    plate = Plate(rng)
    x, y = rng.uniform(0.45, 0.55), rng.uniform(0.38, 0.46)
    plate.patch((x, y), (0.34, 0.38), 0.55, 0.008)
    plate.patch((x, y), (0.31, 0.35), -0.22, 0.01)
    plate.patch((x, y + 0.33), (0.2, 0.22), 0.3)
    for side in (-1, 1):
        plate.patch((x + side * 0.13, y + 0.12), (0.09, 0.07), -0.16)
        plate.patch((x + side * 0.12, y + 0.28), (0.06, 0.08), -0.1)
    plate.patch((x, y + 0.24), (0.04, 0.09), -0.18)
    for i in range(-5, 6):
        plate.bone([(x + i * 0.024, y + 0.38), (x + i * 0.024, y + 0.46)], 0.016, 0.25)
    return plate.picture()


def skull_from_the_side(rng: Rng) -> Picture:
    """The skull in profile, facing left or right."""
    plate = Plate(rng)
    s = 1 if rng.random() < 0.5 else -1
    plate.patch((0.5 + 0.05 * s, 0.4), (0.42, 0.34), 0.55, 0.008)
    plate.patch((0.5 + 0.05 * s, 0.4), (0.38, 0.3), -0.22, 0.01)
    plate.patch((0.5 - 0.25 * s, 0.62), (0.14, 0.18), 0.3)
    plate.patch((0.5 - 0.28 * s, 0.52), (0.06, 0.05), -0.15)
    plate.bone([(0.5, 0.65), (0.5 - 0.12 * s, 0.86), (0.5 - 0.32 * s, 0.86)], 0.07, 0.3)
    for i in range(5):
        plate.patch((0.5 + 0.08 * s, 0.76 + 0.06 * i), (0.06, 0.025), 0.3)
    return plate.picture()


def spine(rng: Rng) -> Picture:
    """A row of vertebrae, from the front or the side."""
    plate = Plate(rng)
    bend, count = rng.uniform(-0.15, 0.15), int(rng.integers(5, 10))
    plate.tissue([(0.5, -0.1), (0.5, 1.1)], rng.uniform(0.45, 0.9), 0.25)
    for i in range(count):
        y = (i + 0.5) / count
        x = 0.5 + bend * np.sin(np.pi * y)
        plate.patch((x, y), (0.11, 0.36 / count), 0.35)
        plate.patch((x, y), (0.08, 0.26 / count), -0.1)
        for side in (-1, 1):
            plate.bone([(x, y), (x + side * 0.2, y + 0.02)], 0.025, 0.18)
    return plate.picture()


def pelvis(rng: Rng) -> Picture:
    """Hips and thighs."""
    plate = Plate(rng, rng.uniform(0.1, 0.25))
    plate.patch((0.5, 0.5), (0.6, 0.55), 0.2, 0.05)
    plate.patch((0.5, 0.28), (0.1, 0.22), 0.3)
    for side in (-1, 1):
        plate.patch((0.5 + side * 0.24, 0.32), (0.18, 0.2), 0.28, angle=side * 30)
        plate.patch((0.5 + side * 0.13, 0.68), (0.11, 0.1), 0.3)
        plate.patch((0.5 + side * 0.13, 0.69), (0.06, 0.055), -0.3)
        plate.patch((0.5 + side * 0.28, 0.56), (0.07, 0.07), 0.3)
        plate.bone(
            [(0.5 + side * 0.28, 0.56), (0.5 + side * 0.38, 0.66), (0.5 + side * 0.34, 1.1)], 0.09
        )
    return plate.picture()


def abdomen(rng: Rng) -> Picture:
    """The belly from the front, with gas."""
    plate = Plate(rng, rng.uniform(0.03, 0.15))
    plate.patch((0.5, 0.5), (0.46, 0.75), rng.uniform(0.3, 0.5), 0.03)
    for i in range(8):
        plate.patch((0.5, i / 7), (0.06, 0.045), 0.2)
    for _ in range(int(rng.integers(5, 14))):
        centre = (rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.85))
        mask = np.zeros(plate.size, np.uint8)
        x, y = plate.pixels(centre)
        cv2.fillPoly(mask, [blob(rng, (x, y), plate.unit * rng.uniform(0.03, 0.08), 0.5)], 255)
        plate.add(mask, -rng.uniform(0.1, 0.25), 0.012)
    for side in (-1, 1):
        plate.patch((0.5 + side * 0.28, 0.95), (0.2, 0.17), 0.25, angle=side * 30)
    return plate.picture()


def shoulder(rng: Rng) -> Picture:
    """One shoulder with its collar bone, left or right."""
    plate = Plate(rng)
    s = 1 if rng.random() < 0.5 else -1
    plate.patch((0.5 - 0.3 * s, 0.75), (0.6, 0.55), 0.25, 0.03)
    plate.bone([(0.5 + 0.18 * s, 0.42), (0.5 + 0.25 * s, 1.1)], 0.12, 0.35)
    plate.patch((0.5 + 0.15 * s, 0.38), (0.1, 0.1), 0.3)
    plate.bone([(0.5 + 0.15 * s, 0.25), (0.5 - 0.2 * s, 0.3), (0.5 - 0.6 * s, 0.4)], 0.05, 0.3)
    plate.patch((0.5 - 0.08 * s, 0.55), (0.12, 0.22), 0.2, angle=20 * s)
    for i in range(5):
        y = 0.45 + 0.13 * i
        plate.bone(
            [(0.5 - 0.6 * s, y - 0.05), (0.5 - 0.2 * s, y), (0.5 - 0.1 * s, y + 0.1)], 0.03, 0.15
        )
    return plate.picture()


def jaws(rng: Rng) -> Picture:
    """A panoramic picture of the teeth."""
    plate = Plate(rng, rng.uniform(0.2, 0.35))
    x = np.linspace(0.15, 0.85, 15)
    for row, way in ((0.42, -1), (0.6, 1)):
        bend = 0.25 * (x - 0.5) ** 2
        plate.tissue(np.stack([x, row + bend + 0.09 * way], 1), 0.16, 0.2)
        for a, b in zip(x, row + bend, strict=True):
            plate.bone([(a, b), (a, b + way * 0.12)], rng.uniform(0.025, 0.04), 0.35)
    plate.bone([(0.05, 0.25), (0.1, 0.75), (0.5, 0.95), (0.9, 0.75), (0.95, 0.25)], 0.08, 0.25)
    return plate.picture()


def lateral_chest(rng: Rng) -> Picture:
    """A chest from the side: spine behind, heart before, one dark field between."""
    plate = Plate(rng)
    s = 1 if rng.random() < 0.5 else -1
    plate.patch((0.5, 0.6), (0.38, 0.62), 0.5, 0.03)
    plate.patch((0.5 + 0.03 * s, 0.48), (0.27, 0.36), -0.32, 0.05)
    plate.patch((0.5 - 0.16 * s, 0.62), (0.17, 0.15), 0.25, 0.04)
    plate.patch((0.5, 0.98), (0.5, 0.25), 0.3, 0.03)
    for i in range(12):
        y = 0.12 + 0.065 * i
        plate.patch((0.5 + (0.24 + 0.06 * np.sin(np.pi * y)) * s, y), (0.05, 0.024), 0.2)
    for i in range(8):
        y = 0.18 + 0.08 * i
        plate.bone([(0.5 + 0.26 * s, y), (0.5, y + 0.1), (0.5 - 0.28 * s, y + 0.16)], 0.02, 0.08)
    return plate.picture()


RADIOGRAPHS: dict[str, Draw] = {
    draw.__name__: draw
    for draw in (
        hand, forearm, knee, foot, skull, skull_from_the_side, spine, pelvis, abdomen, shoulder,
        jaws, lateral_chest,
    )
}  # fmt: skip
"""Kind to drawing."""
