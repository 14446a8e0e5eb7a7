"""Who is in a data folder: many may work there together, or one alone.

Held by the kernel's advisory lock on the folder itself, so that a process that dies, however it
dies, lets go, and a full disk is no obstacle.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from edge.errors import RecordsUnavailable


def enter(folder: Path) -> int:
    """Work in a folder together with others.

    Returns:
        What `leave` takes.

    Raises:
        RecordsUnavailable: ``records_in_use``: someone works there alone.
        OSError: there is no such folder.
    """
    return _locked(folder, fcntl.LOCK_SH, "They are being restored.")


def leave(held: int) -> None:
    """Let go of a folder."""
    os.close(held)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Work in a folder with nobody else there.

    Raises:
        RecordsUnavailable: ``records_in_use``.
        OSError: there is no such folder.
    """
    held = _locked(folder, fcntl.LOCK_EX, "Stop the kiosk first.")
    try:
        yield
    finally:
        leave(held)


def _locked(folder: Path, how: int, advice: str) -> int:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, how | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(held)
        raise RecordsUnavailable(
            "records_in_use", f"The records in {folder} are in use. {advice}"
        ) from error
    except BaseException:
        os.close(held)
        raise
    return held
