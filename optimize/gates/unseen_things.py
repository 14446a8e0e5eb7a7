"""Drawn things that no fit ever sees."""

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
    letters,
    mottle,
    shape,
    sheet,
    tinted,
    write_lines,
)


def newspaper(rng: Rng) -> Picture:
    """Columns of print around a picture."""
    image = sheet(rng, (200, 215, 220))
    height, width = image.shape[:2]
    cv2.putText(image, letters(rng, 9), (8, 30), cv2.FONT_HERSHEY_TRIPLEX, 1, (20, 20, 20), 2)
    for i in range(3):
        left = 8 + i * width // 3
        write_lines(rng, image, (left, 40, left + width // 3 - 14, height - 6), (40, 40, 40), 8)
    top, left = int(height * rng.uniform(0.2, 0.5)), int(width * rng.uniform(0.05, 0.4))
    picture = film(mottle(rng, (height // 3, width // 2), 3))
    image[top : top + height // 3, left : left + width // 2] = picture
    return image


def music(rng: Rng) -> Picture:
    """Staves with notes."""
    image = sheet(rng, grey(rng, 230, 255))
    height, width = image.shape[:2]
    gap = int(rng.integers(5, 9))
    for top in range(20, height - 6 * gap, 9 * gap):
        for i in range(5):
            cv2.line(image, (10, top + i * gap), (width - 10, top + i * gap), (0, 0, 0), 1)
        for x in range(24, width - 20, int(rng.integers(16, 34))):
            y = top + int(rng.integers(0, 9)) * gap // 2
            cv2.ellipse(image, (x, y), (gap // 2 + 1, gap // 2), 0, 0, 360, (0, 0, 0), -1)
            cv2.line(image, (x + gap // 2, y), (x + gap // 2, y - 4 * gap), (0, 0, 0), 1)
    return image


def crossword(rng: Rng) -> Picture:
    """A square of black and white fields with small numbers."""
    image = sheet(rng, (255, 255, 255))
    height, width = image.shape[:2]
    count = int(rng.integers(9, 16))
    tall, broad = height // count, width // count
    for i in range(count):
        for j in range(count):
            corner, end = (j * broad, i * tall), ((j + 1) * broad, (i + 1) * tall)
            full = -1 if rng.random() < 0.25 else 1
            cv2.rectangle(image, corner, end, (0, 0, 0), full)
    return image


def keyboard(rng: Rng) -> Picture:
    """Rows of keys."""
    image = sheet(rng, grey(rng, 10, 90))
    height, width = image.shape[:2]
    rows, tone = int(rng.integers(4, 7)), grey(rng, 90, 250)
    for i in range(rows):
        keys, shift = int(rng.integers(9, 15)), rng.uniform(0, 0.03)
        for j in range(keys):
            left, right = (shift + j / keys) * width + 3, (shift + (j + 1) / keys) * width - 3
            top, bottom = i * height // rows + 4, (i + 1) * height // rows - 4
            cv2.rectangle(image, (int(left), top), (int(right), bottom), tone, -1)
            place = (int(left) + 4, (top + bottom) // 2)
            cv2.putText(image, letters(rng, 1), place, cv2.FONT_HERSHEY_PLAIN, 1, (128,) * 3, 1)
    return camera(rng, image)


def cup(rng: Rng) -> Picture:
    """A cup on a table, before a wall."""
    image = sheet(rng, colour(rng, 100, 240))
    height, width = image.shape[:2]
    table = int(height * rng.uniform(0.55, 0.75))
    cv2.rectangle(image, (0, table), (width, height), colour(rng, 30, 170), -1)
    x, y, tone = int(width * rng.uniform(0.35, 0.65)), int(table * 0.95), colour(rng)
    w, h = int(width * 0.16), int(height * 0.2)
    cv2.ellipse(image, (x + w, y), (w // 2, h // 2), 0, 0, 360, tone, w // 6)
    cv2.rectangle(image, (x - w, y - h), (x + w, y + h), tone, -1)
    cv2.ellipse(image, (x, y + h), (w, h // 4), 0, 0, 360, tone, -1)
    cv2.ellipse(image, (x, y - h), (w, h // 4), 0, 0, 360, colour(rng, 0, 120), -1)
    return camera(rng, image)


def car(rng: Rng) -> Picture:
    """A car from the side, on a road."""
    image = sheet(rng, colour(rng, 140, 250))
    height, width = image.shape[:2]
    road = int(height * rng.uniform(0.6, 0.8))
    cv2.rectangle(image, (0, road), (width, height), grey(rng, 60, 130), -1)
    left, right, tone = int(width * 0.12), int(width * 0.88), colour(rng)
    top = road - int(height * 0.17)
    cabin = np.array([[0.3, 0], [0.4, -0.16], [0.65, -0.16], [0.75, 0]]) * [width, height]
    cv2.fillPoly(image, [np.asarray(cabin + [0, top], np.int32)], tone)
    cv2.rectangle(image, (left, top), (right, road), tone, -1)
    for x in (0.3, 0.72):
        cv2.circle(image, (int(x * width), road), int(height * 0.08), (20, 20, 20), -1)
        cv2.circle(image, (int(x * width), road), int(height * 0.035), (170, 170, 170), -1)
    return camera(rng, image)


def fish(rng: Rng) -> Picture:
    """Fish in water."""
    size = shape(rng)
    image = tinted(mottle(rng, size, 3, 0.3), (90, 50, 0), (210, 170, 60))
    for _ in range(int(rng.integers(1, 6))):
        x, y = int(rng.uniform(0.2, 0.8) * size[1]), int(rng.uniform(0.2, 0.8) * size[0])
        long, tone = int(rng.uniform(25, 70)), colour(rng, 40, 255)
        cv2.ellipse(image, (x, y), (long, long // 2), 0, 0, 360, tone, -1)
        tail = np.array(
            [[x + long - 6, y], [x + 2 * long, y - long // 2], [x + 2 * long, y + long // 2]]
        )
        cv2.fillPoly(image, [tail.astype(np.int32)], tone)
        cv2.circle(image, (x - long // 2, y - long // 8), 4, (0, 0, 0), -1)
    return camera(rng, image)


def leaf(rng: Rng) -> Picture:
    """One leaf with its veins."""
    image = sheet(rng, grey(rng, 150, 255))
    height, width = image.shape[:2]
    x, y, tone = width // 2, height // 2, colour(rng, 20, 150)
    cv2.ellipse(image, (x, y), (int(width * 0.28), int(height * 0.42)), 0, 0, 360, tone, -1)
    vein = colour(rng, 120, 220)
    cv2.line(image, (x, int(height * 0.05)), (x, int(height * 0.98)), vein, 3)
    for i in range(2, 10):
        at = int(height * i / 11)
        for side in (-1, 1):
            cv2.line(image, (x, at + 20), (x + side * int(width * 0.2), at - 10), vein, 1)
    return camera(rng, image)


def fields(rng: Rng) -> Picture:
    """Farmland from the air."""
    image = sheet(rng, (60, 110, 90))
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(12, 30))):
        box = (
            (rng.uniform(0, width), rng.uniform(0, height)),
            (rng.uniform(40, 160), rng.uniform(30, 120)),
            rng.uniform(-10, 10),
        )
        tone = tuple(int(v) for v in rng.uniform([20, 70, 60], [120, 190, 200]))
        cv2.fillPoly(image, [np.asarray(cv2.boxPoints(box), np.int32)], tone)
    return camera(rng, image)


def calendar(rng: Rng) -> Picture:
    """A month on a wall."""
    image = sheet(rng, grey(rng, 225, 255))
    height, width = image.shape[:2]
    head = int(height * rng.uniform(0.15, 0.4))
    image[:head] = colour(rng, 30, 230)
    for i in range(35):
        left, top = (i % 7) * width // 7, head + (i // 7) * (height - head) // 5
        place = (left + width // 28, top + (height - head) // 8)
        cv2.putText(image, str(i + 1), place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1)
        cv2.rectangle(image, (left, top), (left + width // 7, top + height // 5), (160,) * 3, 1)
    return image


def clock(rng: Rng) -> Picture:
    """A clock face."""
    image = sheet(rng, colour(rng, 20, 200))
    height, width = image.shape[:2]
    centre, radius = (width // 2, height // 2), int(min(height, width) * rng.uniform(0.3, 0.45))
    cv2.circle(image, centre, radius, grey(rng, 200, 255), -1)
    for hour in range(12):
        angle = np.pi * hour / 6
        at = (centre[0] + 0.85 * radius * np.sin(angle), centre[1] - 0.85 * radius * np.cos(angle))
        cv2.circle(image, (int(at[0]), int(at[1])), 4, (0, 0, 0), -1)
    for long, angle in ((0.5, rng.uniform(0, 6.3)), (0.8, rng.uniform(0, 6.3))):
        tip = (centre[0] + long * radius * np.sin(angle), centre[1] - long * radius * np.cos(angle))
        cv2.line(image, centre, (int(tip[0]), int(tip[1])), (10, 10, 10), 4)
    return camera(rng, image)


def slide(rng: Rng) -> Picture:
    """A lecture slide: a title, points and a picture."""
    image = sheet(rng, colour(rng, 180, 255))
    height, width = image.shape[:2]
    image[: height // 6] = colour(rng, 0, 120)
    cv2.putText(
        image, letters(rng, 12), (10, height // 9), cv2.FONT_HERSHEY_DUPLEX, 0.8, (255,) * 3, 2
    )
    write_lines(rng, image, (16, height // 5, width // 2, height - 20), (30, 30, 30), 26)
    picture = tinted(mottle(rng, (height // 2, width // 3)), colour(rng), colour(rng))
    left = width - width // 3 - 10
    image[height // 3 : height // 3 + height // 2, left : left + width // 3] = picture
    return image


UNSEEN_THINGS: dict[str, Draw] = {
    draw.__name__: draw
    for draw in (
        newspaper, music, crossword, keyboard, cup, car, fish, leaf, fields, calendar, clock, slide,
    )
}  # fmt: skip
"""Kind to drawing."""
