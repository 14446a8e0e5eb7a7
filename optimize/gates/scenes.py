"""Drawn scenes such as a camera sees."""

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
    grey,
    grid,
    mottle,
    shape,
    sheet,
    tinted,
)


def landscape(rng: Rng) -> Picture:
    """Sky over hills."""
    size = shape(rng)
    x, y = grid(size)
    image = tinted(y + 0.3 * mottle(rng, size), colour(rng, 150, 255), colour(rng, 180, 255))
    for level in np.sort(rng.uniform(0.35, 0.9, int(rng.integers(2, 5)))):
        ridge = level + 0.12 * (mottle(rng, (2, size[1]), 2)[0] - 0.5)
        below = y > ridge[None, :]
        ground = tinted(mottle(rng, size, 6, 0.8), colour(rng, 0, 110), colour(rng, 40, 170))
        image[below] = ground[below]
    return camera(rng, image)


def trees(rng: Rng) -> Picture:
    """Trunks and crowns against a bright sky."""
    image = sheet(rng, colour(rng, 170, 255))
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(2, 7))):
        x, top = int(rng.uniform(0.05, 0.95) * width), rng.uniform(0.15, 0.5) * height
        cv2.line(image, (x, int(top)), (x, height), colour(rng, 10, 70), int(rng.integers(6, 24)))
        for _ in range(14):
            centre = rng.normal((x, top), height * 0.08)
            points = blob(rng, (centre[0], centre[1]), rng.uniform(10, 40))
            cv2.fillPoly(image, [points], colour(rng, 10, 120))
    return camera(rng, image)


def facade(rng: Rng) -> Picture:
    """A house front with rows of windows."""
    image = sheet(rng, colour(rng, 90, 220))
    height, width = image.shape[:2]
    rows, columns = (int(v) for v in rng.integers(2, 7, 2))
    pane = colour(rng, 10, 110)
    for i in range(rows):
        for j in range(columns):
            top, left = int((i + 0.2) * height / rows), int((j + 0.25) * width / columns)
            bottom, right = int((i + 0.75) * height / rows), int((j + 0.75) * width / columns)
            cv2.rectangle(image, (left, top), (right, bottom), pane, -1)
            cv2.rectangle(image, (left, top), (right, bottom), grey(rng, 180, 255), 2)
    return camera(rng, image)


def street(rng: Rng) -> Picture:
    """A road that runs to the horizon between walls."""
    image = sheet(rng, colour(rng, 150, 250))
    height, width = image.shape[:2]
    far = (int(width * rng.uniform(0.35, 0.65)), int(height * rng.uniform(0.3, 0.55)))
    road = np.array([far, (0, height), (width, height)], np.int32)
    cv2.fillPoly(image, [np.array([far, (0, 0), (0, height)], np.int32)], colour(rng, 40, 200))
    right = np.array([far, (width, 0), (width, height)], np.int32)
    cv2.fillPoly(image, [right], colour(rng, 40, 200))
    cv2.fillPoly(image, [road], grey(rng, 50, 130))
    cv2.line(image, far, (width // 2, height), (240, 240, 240), 2)
    for _ in range(5):
        x, y = int(rng.uniform(0.2, 0.8) * width), int(rng.uniform(0.55, 0.9) * height)
        cv2.rectangle(image, (x, y), (x + 40, y + 20), colour(rng), -1)
    return camera(rng, image)


def room(rng: Rng) -> Picture:
    """Walls, floor, a window, a table."""
    image = sheet(rng, colour(rng, 130, 230))
    height, width = image.shape[:2]
    floor = int(height * rng.uniform(0.55, 0.8))
    cv2.rectangle(image, (0, floor), (width, height), colour(rng, 40, 150), -1)
    for _ in range(int(rng.integers(2, 6))):
        left, top = int(rng.uniform(0, 0.8) * width), int(rng.uniform(0.1, 0.7) * height)
        right = left + int(rng.uniform(0.1, 0.35) * width)
        bottom = top + int(rng.uniform(0.1, 0.4) * height)
        cv2.rectangle(image, (left, top), (right, bottom), colour(rng, 20, 250), -1)
        cv2.rectangle(image, (left, top), (right, bottom), grey(rng, 0, 90), 2)
    return camera(rng, image)


def face(rng: Rng) -> Picture:
    """Head and shoulders before a wall."""
    image = sheet(rng, colour(rng, 60, 240))
    height, width = image.shape[:2]
    x, y = int(width * rng.uniform(0.4, 0.6)), int(height * rng.uniform(0.35, 0.5))
    radius = int(min(height, width) * rng.uniform(0.18, 0.32))
    skin = tuple(int(v) for v in np.array([130, 160, 210]) * rng.uniform(0.35, 1.15))
    cv2.ellipse(
        image, (x, height), (2 * radius, height - y - radius // 2), 0, 0, 360, colour(rng), -1
    )
    cv2.ellipse(
        image,
        (x, y - radius // 4),
        (int(radius * 1.05), int(radius * 1.25)),
        0,
        0,
        360,
        colour(rng, 0, 90),
        -1,
    )
    cv2.ellipse(image, (x, y), (int(radius * 0.85), int(radius * 1.15)), 0, 0, 360, skin, -1)
    for side in (-1, 1):
        eye = (x + side * radius // 3, y - radius // 5)
        cv2.ellipse(image, eye, (radius // 7, radius // 12), 0, 0, 360, (240, 240, 240), -1)
        cv2.circle(image, eye, radius // 14, (30, 30, 30), -1)
    cv2.ellipse(
        image, (x, y + radius // 2), (radius // 3, radius // 10), 0, 0, 180, (70, 70, 160), 2
    )
    return camera(rng, image)


def table_top(rng: Rng) -> Picture:
    """Bottles, boxes and tools on a table."""
    size = shape(rng)
    image = tinted(mottle(rng, size, 8, 0.8), colour(rng, 30, 150), colour(rng, 80, 220))
    height, width = size
    for _ in range(int(rng.integers(4, 12))):
        centre = (rng.uniform(0, width), rng.uniform(0, height))
        if rng.random() < 0.5:
            points = blob(rng, centre, rng.uniform(15, 70), 0.5)
        else:
            box = (centre, tuple(rng.uniform(15, 130, 2)), rng.uniform(0, 180))
            points = np.asarray(cv2.boxPoints(box), np.int32)
        cv2.fillPoly(image, [points], colour(rng))
    return camera(rng, image)


def flower(rng: Rng) -> Picture:
    """Petals about a centre, before a soft background."""
    size = shape(rng)
    image = tinted(mottle(rng, size, 3, 0.3), colour(rng, 0, 90), colour(rng, 40, 160))
    middle = (size[1] / 2, size[0] / 2)
    radius, petals = min(size) * rng.uniform(0.15, 0.25), int(rng.integers(5, 12))
    tint = colour(rng, 90, 255)
    for i in range(petals):
        angle = 2 * np.pi * i / petals
        at = (middle[0] + 1.2 * radius * np.cos(angle), middle[1] + 1.2 * radius * np.sin(angle))
        ring = tuple(int(v * rng.uniform(0.8, 1)) for v in tint)
        cv2.ellipse(
            image, (int(at[0]), int(at[1])), (int(radius), int(radius * 0.45)),
            float(np.rad2deg(angle)), 0, 360, ring, -1,
        )  # fmt: skip
    cv2.circle(image, (int(middle[0]), int(middle[1])), int(radius * 0.5), colour(rng), -1)
    return camera(rng, image)


def hand_photo(rng: Rng) -> Picture:
    """A hand with spread fingers, before a plain ground."""
    image = sheet(rng, colour(rng, 0, 255))
    height, width = image.shape[:2]
    skin = tuple(int(v) for v in np.array([130, 160, 210]) * rng.uniform(0.35, 1.15))
    palm, unit = (width // 2, int(height * 0.68)), min(height, width)
    cv2.ellipse(image, palm, (unit // 6, unit // 5), 0, 0, 360, skin, -1)
    for angle in np.deg2rad(np.array([-150, -112, -92, -72, -45]) + rng.uniform(-6, 6)):
        tip = (
            int(palm[0] + unit * 0.45 * np.cos(angle)),
            int(palm[1] + unit * 0.5 * np.sin(angle)),
        )
        cv2.line(image, palm, tip, skin, unit // 13, cv2.LINE_AA)
    return camera(rng, image)


SCENES: dict[str, Draw] = {
    draw.__name__: draw
    for draw in (
        landscape, trees, facade, street, room, face, table_top, flower, hand_photo,
    )
}  # fmt: skip
"""Kind to drawing."""
