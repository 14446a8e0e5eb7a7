"""What every check of the kiosk is: a run that yields samples, and a score of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from bench.kiosk.running import Kiosks
from edge.errors import WorkFailed

Sample = dict[str, Any]
"""What was measured once, as values that JSON knows."""


class NotMeasured(WorkFailed):
    """This machine does not allow the check."""


@dataclass(frozen=True)
class Plan:
    """How much is asked of a kiosk; the defaults are what its figures are stated for.

    Attributes:
        jpeg, dicom: a full-size film as each.
        seed: of everything that is left to chance.
        starts: with an empty data folder, and as many with what such a start has left.
        requests: screenings of each full-size film that are timed.
        clients: that upload at once.
        films: that the clients choose from.
        uploads: of all clients together.
        screenings: over which memory is watched.
        kills: moments at which a kiosk that writes is killed.
        mutants: damaged files.
        bits: that are flipped in an artifact, one at a time.
    """

    jpeg: bytes
    dicom: bytes
    seed: int = 0
    starts: int = 10
    requests: int = 500
    clients: int = 8
    films: int = 40
    uploads: int = 1600
    screenings: int = 2000
    kills: int = 50
    mutants: int = 2000
    bits: int = 100

    def quick(self) -> Plan:
        """The same with a tenth of the counts."""
        counts = {name: max(1, getattr(self, name) // 10) for name in COUNTS}
        return replace(self, **counts)

    def to_dict(self) -> dict[str, Any]:
        """The plan without its films."""
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in ("jpeg", "dicom")
        }


COUNTS = ("starts", "requests", "films", "uploads", "screenings", "kills", "mutants", "bits")
"""What of a plan says how often."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: was measured.
        limit: that it is held against, in words.
        value: that was found, in words.
        met: whether the limit holds; None where it was not measured.
        figures: the numbers behind ``value``.
    """

    what: str
    limit: str
    value: str
    met: bool | None
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One thing that a clinic's kiosk has to stand.

    Attributes:
        name: on the command line.
        limit: all that it demands, in words.
        count: how many samples a plan asks for, about.
        run: starts kiosks and yields samples as they are measured; raises `NotMeasured` where the
            machine does not allow it, and another `edge.errors.PneumoKioskError` where the kiosk
            gives up or what it left cannot be read.
        score: samples to rows, purely; all samples of a run that came to its end.
    """

    name: str
    limit: str
    count: Callable[[Plan], int]
    run: Callable[[Kiosks, Plan], Iterator[Sample]]
    score: Callable[[Sequence[Sample]], list[Row]]
