"""What a command made is written whole, or the reason why not is told."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
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


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder beside its place and rename it there: it appears whole or not at all.

    Args:
        out: folder to write; must not exist, or be empty.
        files: content by plain name.

    Raises:
        WorkFailed: ``cannot_write``.
    """
    temporary = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        for name, content in files.items():
            write_atomically(temporary / name, content)
        temporary.chmod(0o755)
        temporary.replace(out)
    except OSError as error:
        raise WorkFailed("cannot_write", f"{out} cannot be written: {error.strerror}.") from error
    finally:
        if temporary is not None:  # its own name is free where it was renamed
            shutil.rmtree(temporary, ignore_errors=True)


def publish_folder(source: Path, target: Path) -> None:
    """Copy a folder beside its target, then put it there by renaming; an older one gives way.

    Raises:
        WorkFailed: ``cannot_write``; what stood there stands there still.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as beside:
            new, old = Path(beside) / "new", Path(beside) / "old"
            shutil.copytree(source, new)
            if target.exists():
                target.replace(old)
            try:
                new.replace(target)
            except OSError:
                if old.exists():
                    old.replace(target)
                raise
    except OSError as error:
        raise WorkFailed(
            "cannot_write", f"{target} cannot be written: {error.strerror}."
        ) from error
