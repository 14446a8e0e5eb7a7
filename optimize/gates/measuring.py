"""How often the gates refuse what they should pass, and pass what they should refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from edge.colour import coloured_share
from edge.errors import DataRefused, ImageRefused
from edge.quality import Finding, Gates, examine
from edge.radiograph import read_radiograph
from optimize.gates.canvas import Picture
from optimize.gates.faults import FAULTS, Pixels
from optimize.gates.films import Images
from optimize.gates.kinds import FITTED, UNSEEN, draw, photographs
from train.datasets import WORKING_SIDE
from train.reporting.reliability import share_with_interval
from train.shifts import SHIFTS

SECTIONS = 8
DRAWING_SEED_OFFSET = 1000
"""Drawings to measure on are others than those to fit to."""

Found = Iterable[tuple[Finding, ...]]


def rates(found: Found, named: str = "") -> dict[str, Any]:
    """Shares of images that were refused, warned of, and given the code that is due.

    Args:
        found: what `edge.quality.examine` said of each image.
        named: the code that is due, where there is one.
    """
    listed = list(found)
    refused = [bool(each) and each[0].refuses for each in listed]
    warned = [bool(each) and not each[0].refuses for each in listed]
    result = {
        "images": len(listed),
        "refused": asdict(share_with_interval(sum(refused), len(listed))),
        "warned": asdict(share_with_interval(sum(warned), len(listed))),
        "codes": dict(Counter(finding.code for each in listed for finding in each).most_common()),
    }
    if named:
        hits = sum(any(finding.code == named for finding in each) for each in listed)
        result["named"] = {"code": named, **asdict(share_with_interval(hits, len(listed)))}
    return result


def measure_films(gates: Gates, films: Mapping[str, Images], progress: bool) -> dict[str, Any]:
    """What happens to films that should pass, as they are: by hospital."""
    return {
        name: rates(examine(gates, image) for image in _shown(images, name, progress))
        for name, images in films.items()
    }


def measure_shifts(gates: Gates, images: Images, progress: bool) -> dict[str, Any]:
    """What happens to the same films as another clinic would have taken them: by shift."""
    square = [
        cv2.resize(image, (WORKING_SIDE,) * 2, interpolation=cv2.INTER_AREA) for image in images
    ]
    return {
        name: rates(
            examine(gates, shift(np.asarray(image, np.uint8)))
            for image in _shown(square, name, progress)
        )
        for name, shift in SHIFTS.items()
    }


def measure_faults(gates: Gates, images: Images, seed: int, progress: bool) -> dict[str, Any]:
    """What happens to films with a fault: by fault."""
    result = {}
    for name, (code, spoil) in FAULTS.items():
        rng = np.random.default_rng(seed)
        shown = _shown(images, name, progress)
        result[name] = rates((examine(gates, spoil(image, rng)) for image in shown), code)
    return result


def measure_others(gates: Gates, seed: int, each: int, progress: bool) -> dict[str, Any]:
    """What happens to what is no frontal chest film: drawn kinds and real pictures.

    Args:
        gates: fitted.
        seed: that they were fitted with.
        each: drawings of every kind.
        progress: show progress bars.
    """
    other = seed + DRAWING_SEED_OFFSET
    groups = {
        "drawn, kinds never fitted": draw(UNSEEN, each, other),
        "drawn, other drawings of the kinds that were fitted": draw(FITTED, each, other),
        "photographs and sections of them": photographs(SECTIONS, other),
    }
    return {
        name: _pictures(gates, _shown(pictures, name, progress))
        for name, pictures in groups.items()
    }


def measure_folder(gates: Gates, root: Path, progress: bool) -> dict[str, Any]:
    """What happens to the files under a folder that hold no frontal chest film.

    Raises:
        DataRefused: ``no_images``.
    """
    found, unread = [], 0
    for path in _shown(sorted(p for p in root.rglob("*") if p.is_file()), root.name, progress):
        data = path.read_bytes()
        try:
            pixels: Pixels = read_radiograph(data).pixels
        except ImageRefused:
            unread += 1
            continue
        found.append(examine(gates, pixels, coloured_share(data)))
    if not found:
        raise DataRefused("no_images", f"{root} holds no file that the kiosk can read.")
    return {**rates(found), "refused_before_the_gates": unread}


def _pictures(gates: Gates, pictures: Iterable[tuple[str, Picture]]) -> dict[str, Any]:
    """With their colours, as they would come; and without, so that shape alone decides."""
    coloured, grey, passed = [], [], Counter[str]()
    for kind, picture in pictures:
        pixels = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        _, data = cv2.imencode(".png", picture)
        grey.append(examine(gates, pixels))
        coloured.append(examine(gates, pixels, coloured_share(data.tobytes())))
        if not (grey[-1] and grey[-1][0].refuses):
            passed[kind] += 1
    return {"coloured": rates(coloured), "grey": rates(grey), "passed_in_grey": dict(passed)}


def _shown(items: Iterable[Any], what: str, progress: bool) -> Iterator[Any]:
    return iter(tqdm(items, what, disable=not progress))
