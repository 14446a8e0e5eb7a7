"""Raw samples as JSON lines, each written out as soon as it was measured.

The first line is a header: what was measured, by which command, on which machine, of which
artifacts. Then comes one line a sample, and at the end one that says that the run was not cut
short. What a killed run leaves is read like any other. Scoring is a separate step, and pure.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from bench.machine import Others, describe_machine, load, temperature
from edge.artifact import Artifact
from edge.errors import DataRefused, WorkFailed

FORMAT = 1

Line = dict[str, Any]


@dataclass
class Recorder:
    """Where samples go: into a file line by line, and into memory for the scoring."""

    lines: list[Line] = field(default_factory=list)
    file: TextIO | None = None

    def add(self, sample: str, **values: Any) -> None:
        """Write one sample.

        Args:
            sample: its kind, such as ``"predict"``.
            values: what was measured, as values that JSON knows; all numbers finite.
        """
        self.write({"sample": sample, **values})

    def write(self, line: Line) -> None:
        """Write one line and hand it to the system, so that it outlives this process."""
        text = json.dumps(line, allow_nan=False)
        self.lines.append(json.loads(text))  # what is scored now is what is read later
        if self.file:
            self.file.write(text + "\n")
            self.file.flush()


@contextmanager
def recording(
    path: Path | None,
    kind: str,
    artifacts: Mapping[str, str],
    settings: Mapping[str, Any],
    machine: Mapping[str, Any] | None = None,
) -> Iterator[Recorder]:
    """Open a run: its header is written at once, its end only where the block came to its end.

    The end says how busy the machine was: ``load_after``, and ``others_busy``, the share of all
    cores' time that processes other than this one and its children took.

    Args:
        path: of the file, which must not be there yet; None keeps the lines in memory alone.
        kind: of run, such as ``"latency"``.
        artifacts: SHA-256 of every model file that is measured, by name.
        settings: what the run was asked for.
        machine: described before the run's own preparations, which are load as well; None
            describes it now.

    Raises:
        DataRefused: ``samples_exist``.
        WorkFailed: ``cannot_write``: the file cannot be begun.
    """
    header = {
        "kind": kind,
        "format": FORMAT,
        "command": shlex.join(["pneumokiosk-bench", *sys.argv[1:]]),
        "machine": dict(machine or describe_machine()),
        "artifacts": dict(artifacts),
        "settings": dict(settings),
    }
    others = Others()
    recorder = Recorder(file=_begin(path) if path else None)
    try:
        recorder.write(header)
        yield recorder
        after = {"load_after": load(), "temperature_after_c": temperature()}
        recorder.write({"end": True, **after, "others_busy": others.share()})
    finally:
        if recorder.file:
            recorder.file.close()


def read_samples(path: Path, kind: str | None = None) -> list[Line]:
    """Read a run, finished or not; a last line that was being written when it died is left out.

    Args:
        path: of the file.
        kind: of run that it must hold; None reads any.

    Returns:
        The header, the samples, and the end where there is one.

    Raises:
        DataRefused: ``missing_samples`` or ``invalid_samples``.
    """
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise DataRefused("missing_samples", f"{path} cannot be read: {error.strerror}.") from error
    lines = [_parsed(path, number, text) for number, text in enumerate(texts[:-1], 1)]
    header = lines[0] if lines else {}
    if header.get("format") != FORMAT or header.get("kind") != (kind or header.get("kind")):
        raise DataRefused(
            "invalid_samples",
            f"{path} must begin with the header of a run of kind {kind or 'any'}, format {FORMAT}. "
            f"Received: kind {header.get('kind')}, format {header.get('format')}",
        )
    return lines


def samples_of(lines: list[Line], sample: str) -> list[Line]:
    """The samples of one kind, in the order in which they were measured."""
    return [line for line in lines if line.get("sample") == sample]


def was_finished(lines: list[Line]) -> bool:
    """Whether the run came to its end."""
    return bool(lines) and lines[-1].get("end") is True


def model_hashes(artifact: Artifact) -> dict[str, str]:
    """SHA-256 of every model file of an artifact by its name and variant: ``"lite0 int8"``."""
    manifest = artifact.manifest
    return {
        f"{manifest.name} {variant}": manifest.files[file].sha256
        for variant, file in sorted(manifest.variants.items())
    }


def _begin(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("x", encoding="utf-8")
    except FileExistsError as error:
        raise DataRefused(
            "samples_exist", f"{path} holds the samples of another run. Name another folder."
        ) from error
    except OSError as error:
        raise WorkFailed("cannot_write", f"{path} cannot be written: {error.strerror}.") from error


def _parsed(path: Path, number: int, text: str) -> Line:
    try:
        line = json.loads(text)
        if not isinstance(line, dict):
            raise ValueError("no object")
    except ValueError as error:
        raise DataRefused(
            "invalid_samples", f"{path}, line {number}, is not a sample: {error}."
        ) from error
    return line
