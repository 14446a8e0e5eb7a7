"""What every kind of step in a pipeline has in common, and what it is given to work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from edge.errors import DataRefused
from optimize.runlog import RunLog
from train.weights import Weights, load_weights

WEIGHTS, ARTIFACT = "weights.safetensors", "artifact"
LITERT, ONNX, ENGINE = "model.tflite", "model.onnx", "model.engine"
"""What steps leave in their folders."""


@dataclass(frozen=True)
class Job:
    """One stage's work, in a folder of its own.

    Attributes:
        folder: to work in; an interrupted job of the same settings left there what it had.
        source: weights, or what another stage made, to start from; None starts at random.
        teachers: weights to learn from.
        data: ``chest_xray`` folder as published.
        chestxray14: folder as published.
        say: shows and keeps what is done.
    """

    folder: Path
    source: Path | None
    teachers: Sequence[Path]
    data: Path | None
    chestxray14: Path | None
    say: RunLog

    def load(self) -> Weights:
        """The weights to start from."""
        return load_weights(self.required_source())

    def load_teachers(self) -> list[Weights]:
        """The weights to learn from."""
        return [load_weights(teacher) for teacher in self.teachers]

    def required_source(self) -> Path:
        """What to start from.

        Raises:
            DataRefused: ``missing_source``.
        """
        if self.source is None:
            raise DataRefused("missing_source", "This stage starts from another's output.")
        return self.source

    def required_data(self) -> Path:
        """The ``chest_xray`` folder.

        Raises:
            DataRefused: ``missing_data``.
        """
        if self.data is None:
            raise DataRefused("missing_data", "This stage needs the chest_xray folder, --data.")
        return self.data


@dataclass(frozen=True)
class Stage:
    """One kind of step."""

    output: ClassVar[str] = WEIGHTS
    """Name of what it leaves in its folder."""
    takes: ClassVar[str] = WEIGHTS
    """Name of what it starts from."""
    may_start_anew: ClassVar[bool] = False
    """Whether it can also start from nothing."""
    must_be_taught: ClassVar[bool] = False
    """Whether it cannot do without other networks to learn from."""

    def may_be_taught(self) -> bool:
        """Whether it can learn from other networks: it trains one."""
        return False

    def needs(self) -> tuple[str, ...]:
        """Folders that it cannot do without: ``data``, ``chestxray14``."""
        return ()

    def resolved(self) -> dict[str, Any]:
        """All that decides what comes out, training recipes written out in full."""
        return asdict(self)

    def work(self, job: Job) -> dict[str, Any]:
        """Make the output; returns what is worth keeping besides, as plain values."""
        raise NotImplementedError
