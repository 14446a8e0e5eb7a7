"""What a command made is written whole, or the reason why not is told."""

from __future__ import annotations

from pathlib import Path

from edge.errors import WorkFailed
from edge.files import write_atomically


def write_result(path: Path, data: bytes) -> None:
    """Write a file as `edge.files.write_atomically` does.

    Raises:
        WorkFailed: ``cannot_write``.
    """
    try:
        write_atomically(path, data)
    except OSError as error:
        raise WorkFailed("cannot_write", f"{path} cannot be written: {error.strerror}.") from error
