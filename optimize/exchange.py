"""Two folders change places in one step, so that a kill finds either the old one or the new one."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

HERE, SWAP = -100, 2
"""Linux' ``AT_FDCWD`` and ``RENAME_EXCHANGE``; Python's `os` has no call that takes the latter."""


def put_in_place(new: Path, target: Path) -> None:
    """Let a folder take the place of another, which lies where the folder was from then on.

    Where the system knows no exchange, an instant passes in which there is none.

    Args:
        new: folder, on the file system of ``target``.
        target: need not exist.

    Raises:
        OSError: ``target`` stands as it stood.
    """
    if not target.exists():
        new.replace(target)
        return
    if _exchange(new, target):
        return
    old = new.with_name(f"{new.name}.old")
    target.replace(old)
    try:
        new.replace(target)
    except OSError:
        old.replace(target)
        raise
    old.replace(new)


def _exchange(first: Path, second: Path) -> bool:
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    return rename is not None and not rename(
        HERE, os.fsencode(first), HERE, os.fsencode(second), SWAP
    )
