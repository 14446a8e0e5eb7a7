"""Drawn medical pictures, and what is alike to them, that no fit ever sees."""

from __future__ import annotations

import cv2
import numpy as np

from optimize.gates.canvas import (
    Draw,
    Picture,
    Rng,
    blob,
    camera,
    grey,
    grid,
    mottle,
    shape,
    sheet,
)
from optimize.gates.plate import Plate


def thermal(rng: Rng) -> Picture:
    """A false-colour picture of warm things."""
    size = shape(rng)
    plane = 0.3 * mottle(rng, size, 3, 0.3)
    x, y = grid(size)
    for _ in range(int(rng.integers(2, 6))):
        a, b, width = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), rng.uniform(0.05, 0.25)
        plane = np.maximum(plane, np.exp(-(((x - a) ** 2 + (y - b) ** 2) / width**2)))
    grey_levels = np.asarray(np.clip(plane, 0, 1) * 255, np.uint8)
    return np.asarray(cv2.applyColorMap(grey_levels, cv2.COLORMAP_INFERNO), np.uint8)


def moon(rng: Rng) -> Picture:
    """A bright disc with craters in the dark."""
    image = sheet(rng, (0, 0, 0))
    height, width = image.shape[:2]
    radius = min(height, width) * rng.uniform(0.25, 0.48)
    cv2.circle(image, (width // 2, height // 2), int(radius), grey(rng, 150, 230), -1)
    for _ in range(40):
        at = rng.normal([width / 2, height / 2], radius * 0.45)
        cv2.circle(
            image, (int(at[0]), int(at[1])), int(rng.integers(2, 14)), grey(rng, 90, 200), -1
        )
    return camera(rng, image)


def elbow(rng: Rng) -> Picture:
    """A bent arm on a plate."""
    plate = Plate(rng)
    s = 1 if rng.random() < 0.5 else -1
    joint = (0.5 - 0.15 * s, rng.uniform(0.55, 0.7))
    for path in ([(0.5 - 0.2 * s, -0.1), joint], [joint, (0.5 + 0.6 * s, joint[1] + 0.05)]):
        plate.tissue(path, 0.24, 0.22)
    plate.bone([(0.5 - 0.2 * s, -0.1), joint], 0.1)
    plate.bone([joint, (0.5 + 0.6 * s, joint[1])], 0.07)
    plate.bone([(joint[0] + 0.08 * s, joint[1] + 0.08), (0.5 + 0.6 * s, joint[1] + 0.12)], 0.06)
    return plate.picture()


def hip(rng: Rng) -> Picture:
    """One hip joint, closely."""
    plate = Plate(rng, 0.2)
    s = 1 if rng.random() < 0.5 else -1
    plate.patch((0.5 - 0.3 * s, 0.15), (0.4, 0.4), 0.3, 0.02, 20 * s)
    plate.patch((0.5, 0.45), (0.17, 0.17), 0.35)
    plate.patch((0.5 - 0.35 * s, 0.8), (0.17, 0.15), 0.3)
    plate.patch((0.5 - 0.35 * s, 0.8), (0.1, 0.09), -0.3)
    plate.bone([(0.5, 0.45), (0.5 + 0.2 * s, 0.6), (0.5 + 0.2 * s, 1.1)], 0.16, 0.3)
    return plate.picture()


def urogram(rng: Rng) -> Picture:
    """Kidneys and ureters filled with contrast medium."""
    plate = Plate(rng, rng.uniform(0.25, 0.4))
    for i in range(7):
        plate.patch((0.5, i / 6), (0.07, 0.05), 0.15)
    for side in (-1, 1):
        plate.patch((0.5 + side * 0.22, 0.35), (0.09, 0.15), 0.12, 0.01, side * 15)
        plate.patch((0.5 + side * 0.19, 0.36), (0.035, 0.05), 0.4)
        way = [(0.5 + side * 0.17, 0.4), (0.5 + side * 0.11, 0.65), (0.5 + side * 0.06, 0.88)]
        plate.tissue(way, 0.012, 0.5)
    plate.patch((0.5, 0.93), (0.13, 0.09), 0.45)
    return plate.picture()


def vessels(rng: Rng) -> Picture:
    """Vessels of one organ, dark with contrast medium."""
    plate = Plate(rng, rng.uniform(0.5, 0.7))

    def grow(at: tuple[float, float], angle: float, thick: float) -> None:
        if thick < 0.004:
            return
        end = (at[0] + 6 * thick * np.cos(angle), at[1] + 6 * thick * np.sin(angle))
        plate.tissue([at, end], thick, -0.35)
        for turn in (-rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8)):
            grow(end, angle + turn, thick * rng.uniform(0.6, 0.8))

    grow((0.5, 0.05), np.pi / 2, rng.uniform(0.03, 0.045))
    return plate.picture()


def belly_slice(rng: Rng) -> Picture:
    """An axial CT slice of the belly."""
    plate = Plate(rng, 0.0)
    plate.patch((0.5, 0.5), (0.45, rng.uniform(0.3, 0.38)), 0.45, 0.004)
    plate.patch((0.33, 0.45), (0.22, 0.2), 0.12, 0.006)
    plate.patch((0.72, 0.52), (0.1, 0.12), 0.15, 0.006)
    plate.patch((0.58, 0.36), (0.1, 0.07), -0.3, 0.006)
    for side in (-1, 1):
        plate.patch((0.5 + side * 0.18, 0.66), (0.06, 0.07), 0.2, 0.006)
    plate.patch((0.5, 0.7), (0.06, 0.055), 0.35, 0.005)
    return plate.picture()


def beetle(rng: Rng) -> Picture:
    """A beetle on paper, alike on both sides as a chest is."""
    image = sheet(rng, grey(rng, 170, 250))
    height, width = image.shape[:2]
    x, y, tone = width // 2, int(height * 0.55), grey(rng, 10, 110)
    for i, side in ((i, side) for i in range(3) for side in (-1, 1)):
        knee = (x + side * int(width * 0.3), y + (i - 1) * height // 6 - 20)
        cv2.polylines(
            image,
            [np.array([(x, y + (i - 1) * 30), knee, (knee[0], knee[1] + 50)])],
            False,
            tone,
            4,
        )
    cv2.ellipse(image, (x, y), (int(width * 0.2), int(height * 0.28)), 0, 0, 360, tone, -1)
    cv2.circle(image, (x, y - int(height * 0.33)), int(width * 0.1), tone, -1)
    cv2.line(
        image, (x, y - int(height * 0.28)), (x, y + int(height * 0.28)), grey(rng, 120, 200), 2
    )
    cv2.fillPoly(image, [blob(rng, (x + 10.0, y + 10.0), 8)], grey(rng, 120, 200))
    return camera(rng, image)


UNSEEN_SCANS: dict[str, Draw] = {
    draw.__name__: draw
    for draw in (
        thermal, moon, elbow, hip, urogram, vessels, belly_slice, beetle,
    )
}  # fmt: skip
"""Kind to drawing."""
