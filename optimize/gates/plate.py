"""An X-ray plate to draw on. No patient is shown."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from optimize.gates.canvas import Picture, Plane, Rng, film, letters, mottle, shape


class Plate:
    """An X-ray plate on which tissue and bone add up; places are (x, y) from 0 to 1."""

    def __init__(self, rng: Rng, background: float | None = None) -> None:
        """An empty plate of some shape."""
        self.rng = rng
        self.size = shape(rng)
        dark = rng.uniform(0.02, 0.15) if background is None else background
        self.plane: Plane = np.full(self.size, dark, np.float32)

    @property
    def unit(self) -> float:
        """Pixels of the shorter side."""
        return float(min(self.size))

    def pixels(self, points: object) -> npt.NDArray[np.int32]:
        """Places to whole pixels."""
        return np.asarray(np.asarray(points) * self.size[::-1], np.int32)

    def add(self, mask: npt.NDArray[np.uint8], strength: float, softness: float) -> None:
        """Add a shape, with an edge of some softness in shares of the shorter side."""
        soft = cv2.GaussianBlur(
            mask.astype(np.float32) / 255, (0, 0), max(softness * self.unit, 0.6)
        )
        self.plane += strength * soft

    def tissue(self, points: object, thickness: float, strength: float = 0.25) -> None:
        """Soft tissue along a path."""
        self.add(self._path(points, thickness), strength, 0.012)

    def bone(self, points: object, thickness: float, strength: float = 0.35) -> None:
        """A long bone along a path: bright rim, fainter marrow, thicker ends."""
        outer = self._path(points, thickness)
        for end in self.pixels(points)[[0, -1]]:
            radius = int(thickness * self.unit * 0.62)
            cv2.circle(outer, (int(end[0]), int(end[1])), radius, 255, -1)
        self.add(outer, strength, 0.005)
        self.add(self._path(points, thickness * 0.45), -0.35 * strength, 0.008)

    def patch(
        self,
        centre: object,
        half: tuple[float, float],
        strength: float,
        softness: float = 0.01,
        angle: float = 0.0,
    ) -> None:
        """A filled ellipse; ``half`` are its half axes in shares of the shorter side."""
        mask = np.zeros(self.size, np.uint8)
        x, y = self.pixels(centre)
        axes = (max(1, int(half[0] * self.unit)), max(1, int(half[1] * self.unit)))
        cv2.ellipse(mask, (int(x), int(y)), axes, angle, 0, 360, 255, -1)
        self.add(mask, strength, softness)

    def picture(self) -> Picture:
        """The plate with grain and mottle, often with a marker in a corner."""
        grain = self.rng.normal(0, 0.02, self.size) + 0.06 * mottle(self.rng, self.size, 4)
        image = film(np.asarray((self.plane + grain) * self.rng.uniform(0.8, 1.3), np.float32))
        if self.rng.random() < 0.5:
            place = self.pixels(self.rng.choice([0.04, 0.8], 2) + [0, 0.08])
            cv2.putText(
                image, letters(self.rng, 2), (int(place[0]), int(place[1])),
                cv2.FONT_HERSHEY_SIMPLEX, self.unit / 350, (255,) * 3, 2,
            )  # fmt: skip
        return image

    def _path(self, points: object, thickness: float) -> npt.NDArray[np.uint8]:
        mask = np.zeros(self.size, np.uint8)
        cv2.polylines(mask, [self.pixels(points)], False, 255, max(1, int(thickness * self.unit)))
        return mask
