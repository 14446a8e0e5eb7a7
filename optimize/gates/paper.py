"""Drawn paper and screens: what is photographed or uploaded by mistake."""

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
    letters,
    mottle,
    sheet,
    write_lines,
)


def text_page(rng: Rng) -> Picture:
    """A printed page of one or two columns."""
    image = sheet(rng, grey(rng, 215, 255))
    height, width = image.shape[:2]
    step, columns = int(rng.integers(7, 22)), int(rng.integers(1, 3))
    for i in range(columns):
        left = int(width * (0.08 + i * 0.46))
        right = left + int(width * (0.84 if columns == 1 else 0.38))
        write_lines(
            rng,
            image,
            (left, int(height * 0.06), right, int(height * 0.95)),
            grey(rng, 0, 60),
            step,
        )
    return image


def form(rng: Rng) -> Picture:
    """A ruled form, some of its fields filled in."""
    image = sheet(rng, colour(rng, 205, 255))
    height, width = image.shape[:2]
    ink, row = grey(rng, 0, 90), int(rng.integers(14, 40))
    columns = np.cumsum(rng.uniform(0.15, 0.4, 5)) * width
    for y in range(row, height, row):
        cv2.line(image, (8, y), (width - 8, y), ink, 1)
        for x in [8.0, *columns]:
            if x < width:
                cv2.line(image, (int(x), y - row), (int(x), y), ink, 1)
                if rng.random() < 0.6:
                    text, place = letters(rng, 6), (int(x) + 4, y - 4)
                    cv2.putText(image, text, place, cv2.FONT_HERSHEY_PLAIN, row / 30, ink, 1)
    return image


def handwriting(rng: Rng) -> Picture:
    """Scribbled lines on paper, seen by a camera."""
    image = sheet(rng, colour(rng, 190, 250))
    height, width = image.shape[:2]
    step = int(rng.integers(22, 50))
    for y in range(step, height - 8, step):
        x = np.arange(12, int(width * rng.uniform(0.6, 0.97)), 2.0)
        waves = np.sin(x * rng.uniform(0.3, 0.7)) * step * 0.2 + rng.normal(0, step * 0.08, len(x))
        points = np.stack([x + 3 * np.sin(x * 0.5), y + waves], 1).astype(np.int32)
        cv2.polylines(image, [points], False, colour(rng, 0, 110), int(rng.integers(1, 3)))
    return camera(rng, image)


def barcode(rng: Rng) -> Picture:
    """A bar code label."""
    image = sheet(rng, grey(rng, 225, 255))
    height, width = image.shape[:2]
    x = int(width * 0.08)
    while x < width * 0.92:
        thick = int(rng.integers(1, 7))
        image[int(height * 0.1) : int(height * 0.8), x : x + thick] = 15
        x += thick + int(rng.integers(1, 8))
    place = (int(width * 0.15), int(height * 0.92))
    cv2.putText(image, letters(rng, 12), place, cv2.FONT_HERSHEY_PLAIN, 1.4, (0, 0, 0), 1)
    return image


def square_code(rng: Rng) -> Picture:
    """A two-dimensional code with its three finder squares."""
    cells = int(rng.integers(21, 45))
    code = (rng.random((cells, cells)) < 0.5).astype(np.uint8) * 255
    for y, x in ((0, 0), (0, cells - 7), (cells - 7, 0)):
        code[y : y + 7, x : x + 7] = 0
        code[y + 1 : y + 6, x + 1 : x + 6] = 255
        code[y + 2 : y + 5, x + 2 : x + 5] = 0
    margin = int(rng.integers(10, 60))
    large = cv2.resize(code, (300, 300), interpolation=cv2.INTER_NEAREST)
    framed = cv2.copyMakeBorder(large, *(margin,) * 4, cv2.BORDER_CONSTANT, value=255)
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8)


def windows(rng: Rng) -> Picture:
    """A desktop with a few windows."""
    image = sheet(rng, colour(rng, 30, 200))
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(2, 5))):
        left, top = int(rng.uniform(0, 0.5) * width), int(rng.uniform(0, 0.5) * height)
        right = left + int(rng.uniform(0.3, 0.6) * width)
        bottom = top + int(rng.uniform(0.3, 0.6) * height)
        cv2.rectangle(image, (left, top), (right, bottom), grey(rng, 200, 255), -1)
        cv2.rectangle(image, (left, top), (right, top + 16), colour(rng), -1)
        write_lines(rng, image, (left + 6, top + 20, right - 6, bottom - 4), grey(rng, 0, 90), 12)
    cv2.rectangle(image, (0, height - 18), (width, height), grey(rng, 10, 80), -1)
    return image


def terminal(rng: Rng) -> Picture:
    """Bright text on a dark screen."""
    image = sheet(rng, grey(rng, 0, 45))
    height, width = image.shape[:2]
    right = int(width * rng.uniform(0.5, 1))
    write_lines(
        rng, image, (6, 2, right, height - 4), colour(rng, 120, 255), int(rng.integers(9, 18))
    )
    return image


def chat(rng: Rng) -> Picture:
    """Speech bubbles left and right, as on a phone."""
    image = sheet(rng, colour(rng, 170, 250))
    height, width = image.shape[:2]
    y = 10
    while y < height - 40:
        tall, broad = int(rng.integers(24, 80)), int(width * rng.uniform(0.3, 0.65))
        left = 8 if rng.random() < 0.5 else width - broad - 8
        cv2.rectangle(image, (left, y), (left + broad, y + tall), colour(rng, 120, 255), -1)
        write_lines(rng, image, (left + 6, y, left + broad - 6, y + tall), grey(rng, 0, 80), 13)
        y += tall + 12
    return image


def bar_chart(rng: Rng) -> Picture:
    """Bars over an axis."""
    image = sheet(rng, grey(rng, 235, 255))
    height, width = image.shape[:2]
    base, count = int(height * 0.88), int(rng.integers(4, 14))
    for i in range(count):
        left = int(width * (0.1 + 0.85 * i / count))
        top = int(base - rng.uniform(0.05, 0.8) * height)
        right = left + int(width * 0.6 / count)
        cv2.rectangle(image, (left, top), (right, base), colour(rng, 20, 220), -1)
    cv2.line(image, (int(width * 0.08), base), (int(width * 0.97), base), (0, 0, 0), 1)
    cv2.line(image, (int(width * 0.08), 8), (int(width * 0.08), base), (0, 0, 0), 1)
    return image


def line_chart(rng: Rng) -> Picture:
    """Curves on a grid, light or dark."""
    dark = rng.random() < 0.3
    image = sheet(rng, grey(rng, 10, 40) if dark else grey(rng, 235, 255))
    height, width = image.shape[:2]
    for at in np.linspace(0.1, 0.9, 7):
        for a, b in (((at, 0.05), (at, 0.95)), ((0.05, at), (0.95, at))):
            ends = [(int(p[0] * width), int(p[1] * height)) for p in (a, b)]
            cv2.line(image, ends[0], ends[1], (128, 128, 128), 1)
    for _ in range(int(rng.integers(1, 6))):
        walk = np.cumsum(rng.normal(0, 0.03, 60)) + rng.uniform(0.3, 0.7)
        points = np.stack([np.linspace(0.05, 0.95, 60) * width, walk * height], 1)
        cv2.polylines(image, [points.astype(np.int32)], False, colour(rng), 2, cv2.LINE_AA)
    return image


def pie_chart(rng: Rng) -> Picture:
    """Sectors of a disc, with a legend."""
    image = sheet(rng, grey(rng, 230, 255))
    height, width = image.shape[:2]
    centre, radius = (
        (int(width * rng.uniform(0.35, 0.6)), height // 2),
        int(min(image.shape[:2]) * 0.36),
    )
    start = rng.uniform(0, 360)
    for share in rng.dirichlet(np.ones(int(rng.integers(3, 8)))):
        end = start + 360 * share
        cv2.ellipse(image, centre, (radius, radius), 0, start, end, colour(rng, 20, 230), -1)
        start = end
    write_lines(rng, image, (width - 70, 10, width - 4, height // 3), (0, 0, 0), 14)
    return image


def electrocardiogram(rng: Rng) -> Picture:
    """Traces on ruled paper."""
    image = sheet(rng, (200, 200, 255))
    height, width = image.shape[:2]
    for step, ink in ((6, (190, 190, 245)), (30, (140, 140, 235))):
        image[::step] = ink
        image[:, ::step] = ink
    rows, beat = int(rng.integers(2, 5)), rng.uniform(40, 90)
    x = np.arange(width, dtype=np.float64)
    for i in range(rows):
        phase = (x + rng.uniform(0, beat)) % beat / beat
        trace = 30 * np.exp(-(((phase - 0.4) / 0.02) ** 2)) + 6 * np.exp(
            -(((phase - 0.7) / 0.06) ** 2)
        )
        y = (i + 0.7) * height / rows - trace * height / rows / 45
        cv2.polylines(image, [np.stack([x, y], 1).astype(np.int32)], False, (20, 20, 20), 1)
    return image


def identity_card(rng: Rng) -> Picture:
    """A card with a portrait and some lines, on a table."""
    image = sheet(rng, colour(rng, 20, 160))
    height, width = image.shape[:2]
    left, top, right, bottom = width // 10, height // 5, width * 9 // 10, height * 4 // 5
    cv2.rectangle(image, (left, top), (right, bottom), colour(rng, 180, 255), -1)
    centre = (left + (right - left) // 4, (top + bottom) // 2)
    cv2.fillPoly(image, [blob(rng, centre, height / 10)], colour(rng, 60, 200))
    middle = (left + right) // 2
    write_lines(rng, image, (middle, top + 8, right - 6, bottom - 6), (20, 20, 20), 16)
    return camera(rng, image)


def street_map(rng: Rng) -> Picture:
    """Roads and blocks of a map."""
    image = sheet(rng, colour(rng, 205, 245))
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(3, 8))):
        centre = (rng.uniform(0, width), rng.uniform(0, height))
        cv2.fillPoly(image, [blob(rng, centre, rng.uniform(20, 80))], colour(rng, 150, 235))
    for _ in range(int(rng.integers(10, 26))):
        ends = rng.uniform(-0.1, 1.1, (4,)) * [width, height, width, height]
        a, b = (int(ends[0]), int(ends[1])), (int(ends[2]), int(ends[3]))
        cv2.line(image, a, b, grey(rng, 120, 255), int(rng.integers(1, 7)), cv2.LINE_AA)
    return image


def crumpled_paper(rng: Rng) -> Picture:
    """A blank sheet with folds and shadows."""
    image = sheet(rng, (0, 0, 0))
    size = image.shape[:2]
    x, y = grid(size)
    plane = 0.75 + 0.15 * (mottle(rng, size, 2, 0.4) - 0.5)
    for _ in range(int(rng.integers(2, 7))):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-0.3, 0.3)
        plane += rng.uniform(-0.06, 0.06) * np.sign(
            np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5) - offset
        )
    return camera(rng, np.asarray(np.clip(plane, 0, 1)[..., None] * (235, 245, 250), np.uint8))


PAPER: dict[str, Draw] = {
    draw.__name__: draw
    for draw in (
        text_page, form, handwriting, barcode, square_code, windows, terminal, chat, bar_chart,
        line_chart, pie_chart, electrocardiogram, identity_card, street_map, crumpled_paper,
    )
}  # fmt: skip
"""Kind to drawing."""
