"""Changes of a training image that another child, film, scanner or clinic could have made.

Flips, rotations and scaling are the paper's. The rest answers a fault of the data: normal and
pneumonia films differ in sharpness, size and exposure, and a network that learns these fails at
the next clinic. So each image is, at random, resampled, blurred or sharpened, re-exposed, noised,
collimated and compressed anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """How strongly to change an image; zero everywhere changes nothing.

    Attributes:
        flip: probability of mirroring left and right.
        rotation: largest turn, in degrees.
        scale: largest relative change of each axis, independently.
        shift: largest move, as a share of the side.
        exposure: largest absolute log of the gamma, and share of the grey range that clips.
        resample: probability of a passage through a smaller size.
        sharpness: probability of blurring or sharpening.
        noise: largest standard deviation of added noise, in grey levels of 255.
        collimation: probability of black borders of up to 12 % a side.
        jpeg: probability of compression at quality 25 to 95.
        untouched: probability that nothing but the flip happens: a film as it comes, which every
            other change makes softer or noisier than any film of the clinic is.
    """

    flip: float = field(default=0.5)
    rotation: float = 15.0
    scale: float = 0.15
    shift: float = 0.06
    exposure: float = 0.0
    resample: float = 0.0
    sharpness: float = 0.0
    noise: float = 0.0
    collimation: float = 0.0
    jpeg: float = 0.0
    untouched: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "resample", "sharpness", "collimation", "jpeg", "untouched"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(
                    f"{name} is a probability in [0, 1]. Received: {getattr(self, name)}"
                )
        strengths = (self.rotation, self.shift, self.exposure, self.noise)
        if not 0.0 <= self.scale < 1.0 or not all(0.0 <= s < math.inf for s in strengths):
            raise ValueError(
                f"Strengths must be finite and not negative, scale below 1. Received: {self}"
            )


def augment(pixels: Pixels, settings: Augmentation, rng: np.random.Generator) -> Pixels:
    """Change one square grey image at random.

    Args:
        pixels: (side, side) uint8.
        settings: how strongly.
        rng: where the chance comes from; the same state gives the same image.

    Returns:
        A new image of the same shape and type.
    """
    if settings.untouched and rng.random() < settings.untouched:
        return pixels[:, ::-1].copy() if rng.random() < settings.flip else pixels.copy()
    image = _move(pixels, settings, rng)
    if settings.exposure:
        image = _expose(image, settings.exposure, rng)
    if rng.random() < settings.collimation:
        image = _collimate(image, rng)
    if rng.random() < settings.resample:
        image = _resample(image, rng)
    if rng.random() < settings.sharpness:
        image = _sharpness(image, rng)
    if settings.noise:
        noise = rng.normal(0.0, rng.uniform(0.0, settings.noise), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < settings.jpeg:
        image = compress(image, int(rng.integers(25, 96)))
    return image


def compress(pixels: Pixels, quality: int) -> Pixels:
    """Pass an image through JPEG at a quality of 1 to 100."""
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def resample(pixels: Pixels, side: int, rule: int = cv2.INTER_AREA) -> Pixels:
    """Pass an image through a smaller square size and back."""
    full = (pixels.shape[1], pixels.shape[0])
    small = cv2.resize(pixels, (side, side), interpolation=rule)
    return np.asarray(cv2.resize(small, full, interpolation=cv2.INTER_LINEAR), np.uint8)


def blur_or_sharpen(pixels: Pixels, sigma: float, amount: float) -> Pixels:
    """Blur (``amount`` -1) or sharpen (``amount`` > 0) by the unsharp rule at one sigma (px)."""
    image = pixels.astype(np.float32)
    soft = cv2.GaussianBlur(image, (0, 0), sigma)
    return np.clip(image + amount * (image - soft), 0, 255).astype(np.uint8)


def change_gamma(pixels: Pixels, gamma: float) -> Pixels:
    """Apply ``(p / 255) ** gamma`` to every grey level."""
    table = 255.0 * (np.arange(256) / 255.0) ** gamma
    return np.asarray(cv2.LUT(pixels, table.astype(np.uint8)), np.uint8)


def _move(pixels: Pixels, settings: Augmentation, rng: np.random.Generator) -> Pixels:
    """Flip, turn, stretch and shift in one interpolation about the centre."""
    side = pixels.shape[0]
    angle = np.deg2rad(rng.uniform(-settings.rotation, settings.rotation))
    stretch = 1.0 + rng.uniform(-settings.scale, settings.scale, 2)
    offset = rng.uniform(-settings.shift, settings.shift, 2) * side
    if rng.random() < settings.flip:
        stretch[0] = -stretch[0]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag(stretch)
    centre = np.full(2, (side - 1) / 2)
    affine = np.column_stack([matrix, centre + offset - matrix @ centre])
    moved = cv2.warpAffine(pixels, affine, (side, side), flags=cv2.INTER_LINEAR)
    return np.asarray(moved, np.uint8)


def _expose(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Gamma, clipping at both ends, and a smooth gradient across the film."""
    low, high = np.percentile(pixels, [rng.uniform(0, 10), 100 - rng.uniform(0, 10)])
    clip = strength * 0.5
    low, high = low * clip, 255 - (255 - high) * clip
    levels = np.clip((np.arange(256) - low) / max(high - low, 1.0), 0, 1)
    table = (255 * levels ** np.exp(rng.uniform(-strength, strength))).astype(np.uint8)
    image: npt.NDArray[Any] = cv2.LUT(pixels, table)
    if rng.random() < strength:
        side = image.shape[0]
        ramp = np.linspace(-1, 1, side, dtype=np.float32)
        angle = rng.uniform(0, 2 * np.pi)
        field_ = np.cos(angle) * ramp[None, :] + np.sin(angle) * ramp[:, None]
        image = np.clip(image * (1 + rng.uniform(0, 0.3) * field_), 0, 255)
    return image.astype(np.uint8)


def _collimate(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    image = pixels.copy()
    side = image.shape[0]
    top, bottom, left, right = (rng.uniform(0, 0.12, 4) * side).astype(int)
    image[:top] = image[side - bottom :] = 0
    image[:, :left] = image[:, side - right :] = 0
    return image


def _resample(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    rules = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
    return resample(pixels, int(rng.integers(80, 224)), rules[rng.integers(len(rules))])


def _sharpness(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    sigma = rng.uniform(0.5, 2.0)
    return blur_or_sharpen(pixels, sigma, -1.0 if rng.random() < 0.5 else rng.uniform(0.2, 2.0))
