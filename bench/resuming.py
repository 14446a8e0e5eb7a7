"""A run that was killed goes on where it stopped, on the same films with the same models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.machine import load
from bench.samples import Recorder, read_samples, recording, was_finished
from edge.errors import DataRefused
from optimize.files import write_result


@contextmanager
def resumable(
    path: Path | None,
    kind: str,
    artifacts: Mapping[str, str],
    settings: Mapping[str, Any],
    resume: bool,
) -> Iterator[Recorder]:
    """Open a run as `bench.samples.recording` does, or go on with the one that stands there.

    Args:
        path: of the samples; None keeps them in memory alone.
        kind: of run.
        artifacts: SHA-256 of every model file, by name.
        settings: what the run was asked for.
        resume: go on with what ``path`` holds, where it holds anything.

    Yields:
        The recorder; its ``lines`` hold what was measured before.

    Raises:
        DataRefused: ``samples_exist`` without ``resume``; ``other_run``: what is there was asked
            for otherwise; or as `bench.samples.read_samples`.
        WorkFailed: ``cannot_write``.
    """
    if not (resume and path and path.is_file()):
        with recording(path, kind, artifacts, settings) as recorder:
            yield recorder
        return
    lines = read_samples(path, kind)
    if lines[0]["artifacts"] != dict(artifacts) or lines[0]["settings"] != dict(settings):
        raise DataRefused(
            "other_run",
            f"{path} holds samples of other models, films or settings. Name another folder.",
        )
    _cut_torn_line(path)
    with path.open("a", encoding="utf-8") as file:
        recorder = Recorder(lines, file)
        yield recorder
        if not was_finished(lines):
            recorder.write({"end": True, "load_after": load()})


def _cut_torn_line(path: Path) -> None:
    """Take away what was being written when the run died."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        write_result(path, whole)
