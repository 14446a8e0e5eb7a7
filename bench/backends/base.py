"""The interface that every backend has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge.errors import ArtifactRefused, WorkFailed
from edge.runtime import Prediction

Image = npt.NDArray[np.float32]
Predict = Callable[[Image], Prediction]
"""From (size, size, 1) to a margin and an attention map."""

NO_MAP: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)
"""The attention map of a backend that gives none."""


def version_of(*packages: str) -> str:
    """Name and version of the first of some packages that is installed as one.

    A vendor's own copy, such as TensorRT's in JetPack, may come without a version.
    """
    for package in packages:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return f"{packages[0]} of unknown version"


class NotAvailable(WorkFailed):
    """A backend cannot run here; the message says why. Its code is ``not_available``."""


class Backend(Protocol):
    """One way to run one network on one image at a time.

    It holds no more than names and paths, so that it is sent to another process for nothing.
    """

    @property
    def name(self) -> str:
        """As it stands in the table: network, runtime and precision."""
        ...

    @property
    def network(self) -> str:
        """Whose margins it gives."""
        ...

    @property
    def runtime(self) -> str:
        """One of `bench.backends.choice.RUNTIMES`."""
        ...

    @property
    def version(self) -> str:
        """Of the library that runs it."""
        ...

    @property
    def size_bytes(self) -> int | None:
        """Of the model file; None where there is none."""
        ...

    @property
    def sha256(self) -> str | None:
        """Of the model file, or of the weights where there is none."""
        ...

    @property
    def input_size(self) -> int:
        """Side of the square image that it takes, in pixels."""
        ...

    def load(self, threads: int) -> Predict:
        """Load the network, to run on so many processor threads.

        Raises:
            NotAvailable: the library or the machine for it is not there.
            ArtifactRefused: the file cannot be loaded, or is not the one that was chosen.
        """
        ...


@dataclass(frozen=True)
class Missing:
    """A backend that cannot run here, and why not."""

    name: str
    why: str


@dataclass(frozen=True)
class ModelFile:
    """A model file as it was when it was chosen.

    Attributes:
        path: of the file.
        sha256: of its bytes.
        size_bytes: how many these are.
    """

    path: Path
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> ModelFile:
        """Describe a file."""
        content = path.read_bytes()
        return cls(path, hashlib.sha256(content).hexdigest(), len(content))

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            ArtifactRefused: ``file_missing`` or ``hash_mismatch``.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ArtifactRefused("file_missing", f"{self.path} cannot be read.") from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ArtifactRefused("hash_mismatch", f"{self.path} was altered since it was chosen.")
        return content
