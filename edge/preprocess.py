"""Grey pixels become model input. The only such function: training and kiosk both call it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

RESIZE_RULES = ("area",)
STANDARDISE_RULES = ("per_image", "per_band")

BANDS = ((0.11, 1 / 75), (0.12, 2 / 75), (0.18, 4 / 75), (0.25, 8 / 75))
"""Of each band from fine to coarse: its standard deviation beside the whole image's 1, the median
of the Guangzhou training folder; and the Gaussian that ends it, as a share of the side."""
COARSEST = 0.65
LARGEST_GAIN = 3.0
"""A band that is nearly empty holds noise alone and is raised by no more than this."""


@dataclass(frozen=True)
class InputContract:
    """What a network was trained to receive; part of every manifest.

    Attributes:
        size: side of the square input, in pixels; both axes are squeezed to it.
        blur: standard deviation of a Gaussian applied after resizing, in input pixels; it takes
            away the fine detail that tells one scanner and one file size from another.
        resize: ``"area"``: averaging over the source area of each pixel where the image shrinks,
            linear interpolation where it grows.
        standardise: ``"per_image"``: zero mean and unit variance over the resized image;
            ``"per_band"``: each band of detail besides has the spread that it has in a usual film,
            so that neither sharpness nor contrast of the whole film tells anything.
    """

    size: int = 150
    blur: float = 0.0
    resize: str = "area"
    standardise: str = "per_image"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size must be at least 1. Received: {self.size}")
        if not 0.0 <= self.blur <= 10.0:
            raise ValueError(f"blur must be in [0, 10]. Received: {self.blur}")
        if self.resize not in RESIZE_RULES:
            raise ValueError(f"resize must be one of {RESIZE_RULES}. Received: {self.resize!r}")
        if self.standardise not in STANDARDISE_RULES:
            raise ValueError(
                f"standardise must be one of {STANDARDISE_RULES}. Received: {self.standardise!r}"
            )

    def to_dict(self) -> dict[str, Any]:
        """The contract as it stands in a manifest."""
        return asdict(self)


def preprocess(pixels: npt.NDArray[Any], contract: InputContract) -> npt.NDArray[np.float32]:
    """Turn grey pixels into the input of one network.

    Args:
        pixels: (height, width), uint8 or uint16; any size and shape.
        contract: what the network expects.

    Returns:
        float32 of shape (size, size, 1), of zero mean and unit variance; an image without any
        contrast becomes zeros.

    Raises:
        ValueError: ``pixels`` is not a two-dimensional grey image.
    """
    if pixels.ndim != 2 or pixels.dtype not in (np.uint8, np.uint16) or pixels.size == 0:
        raise ValueError(
            "pixels must be a grey image (height, width) of uint8 or uint16. Received: "
            f"shape {pixels.shape}, {pixels.dtype}"
        )
    image = _resize(pixels, contract.size)
    if contract.blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), contract.blur), np.float32)
    image = _standardised(image)
    if contract.standardise == "per_band":
        image = _standardised(_level_bands(image))
    return image[..., np.newaxis]


def _standardised(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    image = image - image.mean()
    spread = float(image.std())
    return image / spread if spread > 1e-6 else image


def _level_bands(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Give every band of a standardised square image its usual spread."""
    finer, levelled = image, np.zeros_like(image)
    for usual, width in BANDS:
        smooth = np.asarray(cv2.GaussianBlur(image, (0, 0), width * len(image)), np.float32)
        levelled += (finer - smooth) * _gain(finer - smooth, usual)
        finer = smooth
    return levelled + finer * _gain(finer, COARSEST)


def _gain(band: npt.NDArray[np.float32], usual: float) -> float:
    return usual / max(float(band.std()), usual / LARGEST_GAIN)


def _resize(pixels: npt.NDArray[Any], size: int) -> npt.NDArray[np.float32]:
    height, width = pixels.shape
    shrunk = (min(width, size), min(height, size))
    # One axis may shrink while the other grows: OpenCV's area rule holds only for shrinking.
    image = cv2.resize(pixels, shrunk, interpolation=cv2.INTER_AREA).astype(np.float32)
    if shrunk != (size, size):
        grown = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
        image = np.asarray(grown, np.float32)
    return image
