"""A synthetic thorax: drawn, not filmed. It needs no patient, and is labelled as synthetic.

It serves the demonstration on the kiosk's page, the tests, and the comparison of networks where no
data set is at hand. It is anatomy enough to exercise the software, not to measure it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]


def draw_phantom(seed: int = 0, side: int = 1024, opacities: int = 0) -> Grey:
    """Draw a frontal thorax.

    Args:
        seed: of the small differences between one drawing and another.
        side: height and width in pixels, at least 64.
        opacities: bright patches inside the lungs.

    Returns:
        (side, side) uint8, bright where the film would be bright. The word SYNTHETIC stands in
        its lower corner.

    Raises:
        ValueError: ``side`` is below 64.
    """
    if side < 64:
        raise ValueError(f"side must be at least 64. Received: {side}")
    rng = np.random.default_rng([seed, opacities])
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j].astype(np.float32)
    x = x + rng.uniform(-0.02, 0.02)
    y = y + rng.uniform(-0.02, 0.02)
    breadth = rng.uniform(0.92, 1.08)

    film = 0.15 + 0.45 * _ellipse(x, y, 0.5, 0.62, 0.43 * breadth, 0.62, 0.08)
    lungs = np.maximum(
        _ellipse(x, y, 0.31, 0.5, 0.14 * breadth, 0.3, 0.12),
        _ellipse(x, y, 0.69, 0.5, 0.14 * breadth, 0.3, 0.12),
    )
    lungs *= 1 - _ellipse(x, y, 0.5, 0.93, 0.42, 0.2, 0.15)  # the diaphragm's domes
    film -= 0.42 * lungs
    film += 0.18 * _ribs(x, y, rng) * _ellipse(x, y, 0.5, 0.5, 0.36 * breadth, 0.38, 0.1)
    film += 0.3 * _ellipse(x, y, 0.57, 0.64, 0.14, 0.16, 0.25)  # heart
    film += 0.25 * np.exp(-(((x - 0.5) / 0.035) ** 2))  # spine
    film -= 0.1 * np.exp(-(((x - 0.5) / 0.015) ** 2)) * (y < 0.4)  # trachea
    for _ in range(opacities):
        centre = rng.choice([0.31, 0.69]) + rng.uniform(-0.05, 0.05)
        height = rng.uniform(0.4, 0.68)
        half_width, half_height = rng.uniform(0.06, 0.13, 2)
        film += 0.25 * lungs * _ellipse(x, y, centre, height, half_width, half_height, 0.8)
    film += _texture(rng, side)
    image = (np.clip(film * rng.uniform(0.85, 1.05), 0, 1) * 255).astype(np.uint8)
    return _labelled(image)


def phantom_png(seed: int = 0, side: int = 1024, opacities: int = 0) -> bytes:
    """The drawing as a PNG file."""
    _, data = cv2.imencode(".png", draw_phantom(seed, side, opacities))
    return data.tobytes()


def _ellipse(
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.float32],
    centre_x: float,
    centre_y: float,
    half_width: float,
    half_height: float,
    softness: float,
) -> npt.NDArray[np.float32]:
    """1 inside, 0 outside, with an edge as wide as ``softness`` of the radius."""
    radius = np.sqrt(((x - centre_x) / half_width) ** 2 + ((y - centre_y) / half_height) ** 2)
    steepness = np.clip((radius - 1) / (softness * 0.25), -50, 50)
    return np.asarray(1 / (1 + np.exp(steepness)), np.float32)


def _ribs(
    x: npt.NDArray[np.float32], y: npt.NDArray[np.float32], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Nine pairs of arcs that fall away from the spine."""
    fall = y - 1.1 * (x - 0.5) ** 2 - 0.12 * np.abs(x - 0.5)
    phase = rng.uniform(0, 1)
    return np.asarray(np.clip(np.sin(2 * np.pi * (fall * 14 + phase)) - 0.3, 0, 1), np.float32)


def _texture(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    """Film grain and soft mottle, drawn at one size so that the size asked for changes little."""
    grain = rng.normal(0, 0.012, (256, 256)).astype(np.float32)
    grain += 2 * cv2.GaussianBlur(grain, (0, 0), 4)
    return np.asarray(cv2.resize(grain, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def _labelled(image: Grey) -> Grey:
    side = image.shape[0]
    place = (round(side * 0.03), round(side * 0.97))
    cv2.putText(
        image, "SYNTHETIC", place, cv2.FONT_HERSHEY_SIMPLEX, side / 900, 255, max(1, side // 400)
    )
    return image
