"""Fit gates and measure them, on patients that are in one of the two only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.quality import Gates, examine
from optimize.gates.films import adults, children, folder, laterals
from optimize.gates.fit import DRAWINGS, fit_gates
from optimize.gates.measuring import (
    measure_faults,
    measure_films,
    measure_folder,
    measure_others,
    measure_shifts,
    rates,
)
from train.provenance import describe_environment

MEASURED = 6
"""Drawings of every kind to measure on, at most."""
CHILDREN = "children, validation patients"
ADULTS = "adults of another hospital, held-out fifth"
FITTED_ON = (
    "Guangzhou training folder without validation patients; ChestX-ray14 without its held-out "
    "fifth; synthetic phantoms; drawings of what is no chest film"
)
NOT_MEASURED = (
    "Lateral films of children. The score was fitted to drawings; the few adults' films that "
    "measure it were found by eye, partly by what the gates said of them.",
    "Radiographs of other parts of the body: they are drawn, but for what --others may add.",
)


@dataclass(frozen=True)
class Request:
    """What to fit to and to measure on.

    Attributes:
        data: ``chest_xray`` folder as published; its test folder is not opened.
        chestxray14: folder as published.
        films: folders of more frontal chest films.
        others: folders of pictures that are none.
        seed: of the drawings, the changes and the choice of adults.
        drawings: of every kind of what is no frontal chest film, to fit to.
    """

    data: Path
    chestxray14: Path
    films: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()
    seed: int = 0
    drawings: int = DRAWINGS


@dataclass(frozen=True)
class Study:
    """What came of it.

    Attributes:
        gates: fitted; their facts hold the rates in short.
        measured: the rates with their intervals, by topic and by group of images.
    """

    gates: Gates
    measured: dict[str, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """The gates as they stand in a manifest, and the rates beside them."""
        return {**self.gates.to_dict(), "measured": self.measured}


def study(request: Request, progress: bool = True) -> Study:
    """Fit gates and measure them.

    Raises:
        DataRefused: a folder is not what it should be.
    """
    more = {root.name: folder(root, progress) for root in request.films}
    young = children(request.data, progress)
    old = adults(request.chestxray14, request.seed, progress)
    gates = fit_gates(young, old, request.seed, request.drawings, progress)
    films = {CHILDREN: young.measuring, ADULTS: old.measuring, **more}
    measured: dict[str, dict[str, Any]] = {
        "films that should pass": measure_films(gates, films, progress),
        f"{CHILDREN}, changed": measure_shifts(gates, young.measuring, progress),
        f"{CHILDREN}, with a fault": measure_faults(gates, young.measuring, request.seed, progress),
        f"{ADULTS}, with a fault": measure_faults(gates, old.measuring, request.seed, progress),
        "what is no frontal chest film": {
            **_lateral_films(gates, request.chestxray14),
            **measure_others(gates, request.seed, min(MEASURED, request.drawings), progress),
            **{root.name: measure_folder(gates, root, progress) for root in request.others},
        },
    }
    facts = {
        "fitted_on": FITTED_ON,
        "fitted_films": {"children": len(young.fitting), "adults": len(old.fitting)},
        "limits_set_on": {"children": len(young.limits), "adults": len(old.limits)},
        "drawings_of_each_kind": request.drawings,
        "seed": request.seed,
        "refused": _in_short(measured),
        "not_measured": list(NOT_MEASURED),
        "made_by": describe_environment(),
    }
    return Study(replace(gates, facts=facts), measured)


def _lateral_films(gates: Gates, chestxray14: Path) -> dict[str, Any]:
    images = laterals(chestxray14)
    found = [examine(gates, image) for image in images]
    return {"adults, lateral by eye": rates(found, "lateral_view")} if images else {}


def _in_short(measured: dict[str, dict[str, Any]]) -> dict[str, str]:
    """A line for every group of images."""
    lines = {}
    for topic, groups in measured.items():
        for name, found in groups.items():
            for part, shown in parts(found).items():
                refused = shown["refused"]
                lines[f"{topic}: {name}{part}"] = (
                    f"{refused['value']:.2%} of {shown['images']} (95 %: {refused['low']:.2%} to "
                    f"{refused['high']:.2%})"
                )
    return lines


def parts(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The results of a group by what to add to its name: it may come with and without colours."""
    if "images" in found:
        return {"": found}
    return {f", {part}": found[part] for part in ("coloured", "grey")}
