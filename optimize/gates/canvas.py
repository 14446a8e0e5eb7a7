"""What all drawings of things that are no chest radiographs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Rng = np.random.Generator
Picture = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Draw = Callable[[Rng], Picture]
"""Draws one picture of a kind: (height, width, 3) uint8, blue-green-red."""

Colour = tuple[int, int, int]


def colour(rng: Rng, low: int = 0, high: int = 255) -> Colour:
    """A colour whose three channels lie in [low, high]."""
    blue, green, red = (int(v) for v in rng.integers(low, high + 1, 3))
    return blue, green, red


def grey(rng: Rng, low: int = 0, high: int = 255) -> Colour:
    """A grey level in [low, high], as a colour."""
    return (int(rng.integers(low, high + 1)),) * 3


def shape(rng: Rng) -> tuple[int, int]:
    """Height and width, each 240 to 480 pixels."""
    height, width = rng.integers(240, 481, 2)
    return int(height), int(width)


def sheet(rng: Rng, fill: Colour) -> Picture:
    """An empty picture of some shape."""
    return np.full((*shape(rng), 3), fill, np.uint8)


def grid(size: tuple[int, int]) -> tuple[Plane, Plane]:
    """The x and y of every pixel, each from 0 to 1."""
    y, x = np.mgrid[0 : 1 : size[0] * 1j, 0 : 1 : size[1] * 1j].astype(np.float32)
    return x, y


def mottle(rng: Rng, size: tuple[int, int], coarsest: int = 3, roughness: float = 0.55) -> Plane:
    """Clouds: noise of halving size and falling strength, scaled to [0, 1]."""
    found = np.zeros(size, np.float32)
    strength, cells = 1.0, coarsest
    while cells < min(size):
        noise = rng.random((cells, cells), np.float32)
        found += strength * cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)
        strength, cells = strength * roughness, cells * 2
    return np.asarray((found - found.min()) / max(float(np.ptp(found)), 1e-6), np.float32)


def tinted(plane: npt.NDArray[Any], dark: Colour, bright: Colour) -> Picture:
    """A plane of [0, 1] between two colours."""
    low, high = np.array(dark, np.float32), np.array(bright, np.float32)
    return np.asarray(low + np.clip(plane, 0, 1)[..., None] * (high - low), np.uint8)


def film(plane: npt.NDArray[Any]) -> Picture:
    """A plane of [0, 1] as a grey picture."""
    return tinted(plane, (0, 0, 0), (255, 255, 255))


def blob(rng: Rng, centre: tuple[float, float], radius: float, wobble: float = 0.25) -> Picture:
    """Corner points of a rounded outline, for `cv2.fillPoly`; centre (x, y), in pixels."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    lengths = np.ones(40)
    for waves in (2, 3, 5):
        lengths += (
            wobble / waves * np.sin(waves * angles + rng.uniform(0, 2 * np.pi)) * rng.random()
        )
    stretch = rng.uniform(0.7, 1.4)
    points = np.stack([np.cos(angles) * stretch, np.sin(angles) / stretch], 1) * lengths[:, None]
    return np.asarray(np.asarray(centre) + radius * points, np.int32)


def letters(rng: Rng, count: int) -> str:
    """A made-up line of words."""
    alphabet = np.array(list("abcdefghijklmnoprstuvw    ABCDE0123456789"))
    return "".join(rng.choice(alphabet, count))


def write_lines(
    rng: Rng, image: Picture, box: tuple[int, int, int, int], ink: Colour, step: int
) -> None:
    """Fill a box (left, top, right, bottom) with lines of text, ``step`` pixels apart."""
    left, top, right, bottom = box
    scale = step / 40
    for y in range(top + step, bottom, step):
        if rng.random() < 0.12:  # the end of a paragraph
            continue
        length = int((right - left) / (18 * scale) * rng.uniform(0.7, 1.0))
        cv2.putText(
            image, letters(rng, max(1, length)), (left, y), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1,
            cv2.LINE_AA,
        )  # fmt: skip


def camera(rng: Rng, image: Picture) -> Picture:
    """As a camera would see it: uneven light, softness, noise."""
    x, y = grid(image.shape[:2])
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.35) * (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5))
    light *= 1 - rng.uniform(0, 0.6) * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.5)).astype(np.float32)
    noise = rng.normal(0, rng.uniform(1, 8), image.shape)
    return np.asarray(np.clip(soft * light[..., None] + noise, 0, 255), np.uint8)
