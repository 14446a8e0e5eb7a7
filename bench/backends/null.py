"""The backend that does nothing."""

from __future__ import annotations

from dataclasses import dataclass

from bench.backends.base import NO_MAP, Predict
from edge.runtime import Prediction

NOTHING = Prediction(0.0, NO_MAP)


@dataclass(frozen=True)
class NullBackend:
    """Does nothing: what is timed is the harness itself."""

    name: str = "nothing (harness)"
    network: str = "nothing"
    runtime: str = "null"
    version: str = "-"
    size_bytes: int | None = None
    sha256: str | None = None
    input_size: int = 150

    def load(self, threads: int) -> Predict:
        """Load nothing."""
        return lambda image: NOTHING
