"""Drawn surfaces and plain patterns."""

from __future__ import annotations

import cv2
import numpy as np

from optimize.gates.canvas import (
    Draw,
    Picture,
    Rng,
    camera,
    colour,
    film,
    grey,
    grid,
    mottle,
    shape,
    sheet,
    tinted,
)


def clouds(rng: Rng) -> Picture:
    """A sky."""
    return camera(
        rng,
        tinted(mottle(rng, shape(rng), int(rng.integers(2, 6))), colour(rng, 60, 220), (255,) * 3),
    )


def stars(rng: Rng) -> Picture:
    """Points of light in the dark."""
    image = sheet(rng, grey(rng, 0, 25))
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(40, 300))):
        at = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.circle(image, at, int(rng.integers(0, 3)), grey(rng, 90, 255), -1)
    return image


def bricks(rng: Rng) -> Picture:
    """A wall."""
    image = sheet(rng, grey(rng, 120, 220))
    height, width = image.shape[:2]
    tall, broad = int(rng.integers(14, 40)), int(rng.integers(40, 90))
    for i, y in enumerate(range(0, height, tall)):
        for x in range(-broad * (i % 2) // 2, width, broad):
            tone = tuple(int(v) for v in np.array([60, 70, 150]) * rng.uniform(0.6, 1.3))
            cv2.rectangle(image, (x + 2, y + 2), (x + broad - 2, y + tall - 2), tone, -1)
    return camera(rng, image)


def fabric(rng: Rng) -> Picture:
    """A weave, with folds."""
    size = shape(rng)
    x, y = grid(size)
    waves = np.sin(x * rng.uniform(60, 300)) * np.sin(y * rng.uniform(60, 300))
    folds = mottle(rng, size, 3, 0.4)
    return camera(rng, tinted(0.25 * waves + folds, colour(rng, 0, 120), colour(rng, 100, 255)))


def stones(rng: Rng) -> Picture:
    """Cells of all sizes with dark joints."""
    size = shape(rng)
    seeds = rng.uniform(0, 1, (int(rng.integers(15, 90)), 2)).astype(np.float32)
    x, y = grid(size)
    far = np.sort([(x - a) ** 2 + (y - b) ** 2 for a, b in seeds], axis=0)
    plane = np.clip(12 * (np.sqrt(far[1]) - np.sqrt(far[0])), 0, 1) * (
        0.5 + 0.5 * mottle(rng, size, 8)
    )
    return camera(rng, tinted(plane, colour(rng, 0, 60), colour(rng, 120, 255)))


def wood(rng: Rng) -> Picture:
    """Grain along one direction."""
    size = shape(rng)
    x, y = grid(size)
    rings = np.sin(rng.uniform(30, 120) * (x + 0.12 * mottle(rng, size, 3)) + 3 * y)
    return camera(rng, tinted(0.5 + 0.5 * rings, colour(rng, 10, 90), colour(rng, 100, 220)))


def gradient(rng: Rng) -> Picture:
    """Light that runs across or out from the middle."""
    x, y = grid(shape(rng))
    angle = rng.uniform(0, 2 * np.pi)
    plane = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5) + 0.5
    if rng.random() < 0.5:
        plane = 1 - 1.6 * np.hypot(x - rng.uniform(0.3, 0.7), y - rng.uniform(0.3, 0.7))
    plane = plane if rng.random() < 0.5 else 1 - plane
    return tinted(np.asarray(plane, np.float32), colour(rng, 0, 120), colour(rng, 120, 255))


def stripes(rng: Rng) -> Picture:
    """Parallel stripes of any direction."""
    x, y = grid(shape(rng))
    angle = rng.uniform(0, np.pi)
    waves = np.sin(rng.uniform(10, 120) * (np.cos(angle) * x + np.sin(angle) * y))
    if rng.random() < 0.5:
        waves = np.sign(waves)
    return tinted(0.5 + 0.5 * waves, colour(rng), colour(rng))


def checks(rng: Rng) -> Picture:
    """A board of squares."""
    x, y = grid(shape(rng))
    cells = rng.integers(2, 16)
    return film(np.asarray((np.floor(x * cells) + np.floor(y * cells)) % 2, np.float32))


def rings(rng: Rng) -> Picture:
    """Circles about one point."""
    x, y = grid(shape(rng))
    distance = np.hypot(x - rng.uniform(0.2, 0.8), y - rng.uniform(0.2, 0.8))
    return film(np.asarray(0.5 + 0.5 * np.sin(distance * rng.uniform(15, 120)), np.float32))


def noise(rng: Rng) -> Picture:
    """Snow, fine or coarse."""
    size = shape(rng)
    cells = (int(rng.integers(20, size[0])), int(rng.integers(20, size[1])))
    coarse = rng.random(cells, np.float32)
    return film(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_NEAREST))


def mist(rng: Rng) -> Picture:
    """Grey clouds of no form."""
    size = shape(rng)
    plane = mottle(rng, size, int(rng.integers(2, 8)), rng.uniform(0.2, 0.8))
    return film(rng.uniform(0, 0.4) + rng.uniform(0.2, 0.6) * plane)


def test_card(rng: Rng) -> Picture:
    """Grey wedge, colour bars and circles of a monitor test."""
    image = sheet(rng, grey(rng, 60, 180))
    height, width = image.shape[:2]
    count = int(rng.integers(5, 12))
    for i in range(count):
        left, right = i * width // count, (i + 1) * width // count
        image[height // 6 : height // 2, left:right] = int(255 * i / (count - 1))
        image[height * 2 // 3 : height * 5 // 6, left:right] = colour(rng)
    cv2.circle(image, (width // 2, height // 2), min(height, width) // 3, (255, 255, 255), 2)
    return image


PATTERNS: dict[str, Draw] = {
    draw.__name__: draw
    for draw in (
        clouds, stars, bricks, fabric, stones, wood, gradient, stripes, checks, rings, noise, mist,
        test_card,
    )
}  # fmt: skip
"""Kind to drawing."""
