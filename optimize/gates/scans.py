"""Drawn medical pictures that are no plain radiographs, and plates without a patient."""

from __future__ import annotations

import cv2
import numpy as np

from optimize.gates.canvas import (
    Draw,
    Picture,
    Rng,
    blob,
    camera,
    colour,
    film,
    grid,
    mottle,
    shape,
    tinted,
)
from optimize.gates.plate import Plate


def breast(rng: Rng) -> Picture:
    """A mammogram, from the left or the right edge."""
    plate = Plate(rng, 0.02)
    side = 0.0 if rng.random() < 0.5 else 1.0
    plate.patch((side, 0.5), (rng.uniform(0.45, 0.75), rng.uniform(0.4, 0.6)), 0.35, 0.02)
    strands = mottle(rng, plate.size, 6, 0.8)
    plate.plane += np.where(plate.plane > 0.25, 0.5 * (strands - 0.4), 0).astype(np.float32)
    return plate.picture()


def chest_slice(rng: Rng) -> Picture:
    """An axial CT slice of the chest."""
    plate = Plate(rng, 0.0)
    plate.patch((0.5, 0.5), (0.46, rng.uniform(0.28, 0.36)), 0.5, 0.004)
    for side in (-1, 1):
        plate.patch((0.5 + side * 0.23, 0.5), (0.16, rng.uniform(0.2, 0.25)), -0.45, 0.004)
    plate.patch((0.5 + rng.uniform(-0.02, 0.08), 0.45), (0.12, 0.12), 0.1, 0.006)
    plate.patch((0.5, 0.72), (0.06, 0.06), 0.4, 0.005)
    for angle in np.linspace(0, 2 * np.pi, 14):
        at = (0.5 + 0.42 * np.cos(angle), 0.5 + 0.29 * np.sin(angle))
        plate.patch(at, (0.03, 0.012), 0.4, 0.004, float(np.rad2deg(angle) + 90))
    return plate.picture()


def head_slice(rng: Rng) -> Picture:
    """An axial slice of the head, CT or MR."""
    plate = Plate(rng, 0.0)
    wide = rng.uniform(0.3, 0.38)
    plate.patch((0.5, 0.5), (wide, 0.43), rng.uniform(0.4, 1.0), 0.004)
    plate.patch((0.5, 0.5), (wide - 0.03, 0.4), -rng.uniform(0.1, 0.5), 0.004)
    folds = mottle(rng, plate.size, 10, 0.7)
    plate.plane += np.where(plate.plane > 0.15, 0.4 * (folds - 0.5), 0).astype(np.float32)
    for side in (-1, 1):
        plate.patch((0.5 + side * 0.06, 0.48), (0.035, 0.12), -0.2, 0.008, -side * 15)
    return plate.picture()


def ultrasound(rng: Rng) -> Picture:
    """A fan of speckle."""
    size = shape(rng)
    x, y = grid(size)
    radius, angle = np.hypot(x - 0.5, y + 0.05), np.arctan2(x - 0.5, y + 0.05)
    speckle = rng.rayleigh(0.3, size) * (0.3 + mottle(rng, size, 4))
    plane = cv2.GaussianBlur(speckle.astype(np.float32), (0, 0), 1.2)
    for _ in range(int(rng.integers(1, 4))):
        hole = np.hypot(x - rng.uniform(0.3, 0.7), y - rng.uniform(0.3, 0.8)) < rng.uniform(
            0.05, 0.15
        )
        plane[hole] *= 0.2
    plane *= (radius > 0.12) & (radius < 0.95) & (np.abs(angle) < rng.uniform(0.5, 0.8))
    return film(plane)


def fundus(rng: Rng) -> Picture:
    """The back of an eye."""
    size = shape(rng)
    x, y = grid(size)
    disc = np.hypot(x - 0.5, y - 0.5)
    plane = 0.5 + 0.3 * mottle(rng, size, 3, 0.3) - 0.5 * disc
    spot = np.hypot(x - rng.choice([0.3, 0.7]), y - 0.5)
    plane += 0.5 * np.exp(-((spot / 0.06) ** 2))
    image = tinted(np.asarray(plane, np.float32), (0, 10, 40), (90, 160, 255))
    for _ in range(10):
        walk = np.cumsum(rng.normal(0, 0.02, (30, 2)) + rng.normal(0, 0.015, 2), 0) + [0.35, 0.5]
        cv2.polylines(image, [np.asarray(walk * size[::-1], np.int32)], False, (20, 30, 110), 2)
    image[disc > 0.46] = 0
    return image


def cells(rng: Rng) -> Picture:
    """Stained cells under a microscope."""
    size = shape(rng)
    image = tinted(mottle(rng, size, 4, 0.5), colour(rng, 180, 230), colour(rng, 220, 255))
    for _ in range(int(rng.integers(20, 90))):
        at = (rng.uniform(0, size[1]), rng.uniform(0, size[0]))
        radius = rng.uniform(8, 24)
        cv2.fillPoly(image, [blob(rng, at, radius)], colour(rng, 120, 220))
        cv2.fillPoly(image, [blob(rng, at, radius * 0.45)], colour(rng, 30, 130))
    return camera(rng, image)


def endoscopy(rng: Rng) -> Picture:
    """Moist red walls around a dark opening."""
    size = shape(rng)
    x, y = grid(size)
    depth = np.hypot(x - rng.uniform(0.35, 0.65), y - rng.uniform(0.35, 0.65))
    plane = np.clip(1.8 * depth, 0, 0.8) + 0.25 * (mottle(rng, size, 5) - 0.5)
    image = tinted(np.asarray(plane, np.float32), (10, 10, 40), (150, 170, 255))
    image[np.hypot(x - 0.5, y - 0.5) > 0.52] = 0
    return image


def bone_scan(rng: Rng) -> Picture:
    """A whole skeleton, small, dark on bright or bright on dark."""
    plate = Plate(rng, 0.05)
    plate.patch((0.5, 0.12), (0.07, 0.08), 0.4)
    plate.bone([(0.5, 0.2), (0.5, 0.55)], 0.05, 0.5)
    for i in range(7):
        plate.patch((0.5, 0.26 + 0.03 * i), (0.12, 0.012), 0.2)
    for side in (-1, 1):
        plate.bone([(0.5 + side * 0.14, 0.24), (0.5 + side * 0.24, 0.58)], 0.03, 0.3)
        plate.bone([(0.5 + side * 0.06, 0.58), (0.5 + side * 0.08, 0.98)], 0.04, 0.3)
    plate.patch((0.5, 0.56), (0.1, 0.05), 0.3)
    image = plate.picture()
    return image if rng.random() < 0.5 else np.asarray(255 - image, np.uint8)


def blank_plate(rng: Rng) -> Picture:
    """An exposure without a patient: unevenly grey, with a marker."""
    plate = Plate(rng, rng.uniform(0.0, 0.9))
    plate.plane += 0.15 * mottle(rng, plate.size, 2, 0.3)
    return plate.picture()


def implements(rng: Rng) -> Picture:
    """Metal things on a plate, as in a luggage scan."""
    plate = Plate(rng, rng.uniform(0.05, 0.6))
    for _ in range(int(rng.integers(3, 10))):
        ends = rng.uniform(0.05, 0.95, (2, 2))
        plate.tissue(ends, rng.uniform(0.01, 0.1), rng.choice([-0.4, 0.5]))
        plate.patch(
            rng.uniform(0.1, 0.9, 2),
            (rng.uniform(0.02, 0.2), rng.uniform(0.02, 0.2)),
            rng.uniform(-0.3, 0.4),
        )
    return plate.picture()


SCANS: dict[str, Draw] = {
    draw.__name__: draw
    for draw in (
        breast, chest_slice, head_slice, ultrasound, fundus, cells, endoscopy, bone_scan,
        blank_plate, implements,
    )
}  # fmt: skip
"""Kind to drawing."""
