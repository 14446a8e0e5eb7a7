"""What a command made is written whole, or the reason why not is told."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from edge.errors import WorkFailed
from edge.files import write_atomically
from optimize.exchange import put_in_place

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def writing(what: Path | None = None) -> Iterator[None]:
    """Tell in one sentence what the system answers instead of writing.

    Args:
        what: is written; the sentence names it, or else what the system names.

    Raises:
        WorkFailed: ``disk_full`` or ``cannot_write``.
    """
    try:
        yield
    except OSError as error:
        code = "disk_full" if error.errno in FULL else "cannot_write"
        name = what or error.filename or "A file"
        sentence = f"{name} cannot be written: {error.strerror or error}."
        raise WorkFailed(code, sentence) from error


def is_plain(name: object) -> bool:
    """Whether a name stands for one file or folder inside the folder that it is put in."""
    return (
        isinstance(name, str)
        and name.isprintable()
        and name not in ("", "..")
        and Path(name).name == name
    )


def write_result(path: Path, data: bytes) -> None:
    """Write a file as `edge.files.write_atomically` does.

    Raises:
        WorkFailed: ``disk_full`` or ``cannot_write``.
    """
    with writing(path):
        write_atomically(path, data)


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder beside its place and rename it there: it appears whole or not at all.

    Args:
        out: folder to write; must not exist, or be empty.
        files: content by plain name.

    Raises:
        WorkFailed: ``disk_full`` or ``cannot_write``.
    """
    temporary = None
    try:
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
            for name, content in files.items():
                write_atomically(temporary / name, content)
            temporary.chmod(0o755)
            temporary.replace(out)
    finally:
        if temporary is not None:  # its own name is free where it was renamed
            shutil.rmtree(temporary, ignore_errors=True)


def same_files(first: Path, second: Path, but: str) -> bool:
    """Whether two folders hold the same files.

    Args:
        first, second: the folders; what does not exist holds nothing.
        but: name of a file that does not count.
    """
    held = [
        {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and path.name != but
        }
        for folder in (first, second)
    ]
    return held[0] == held[1]


def publish_folders(sources: Mapping[Path, Path]) -> None:
    """Copy folders beside their targets, then put all there by renaming; older ones give way.

    Args:
        sources: folder to copy, by where it shall appear.

    Raises:
        WorkFailed: ``disk_full`` or ``cannot_write``: before all is copied nothing is changed, and
            what could not be replaced stands there still.
    """
    with ExitStack() as stack:
        copies = {target: _copy_beside(stack, source, target) for target, source in sources.items()}
        for target, copy in copies.items():
            with writing(target):
                put_in_place(copy, target)


def _copy_beside(stack: ExitStack, source: Path, target: Path) -> Path:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = stack.enter_context(
            tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.")
        )
        return Path(shutil.copytree(source, Path(beside) / "new", copy_function=_copy_durably))


def _copy_durably(source: str, target: str) -> None:
    write_atomically(Path(target), Path(source).read_bytes())
