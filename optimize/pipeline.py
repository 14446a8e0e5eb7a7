"""One recipe in, checked artifacts out: a step is done once and kept until what it needs changes.

A run's folder holds ``recipe.json`` and ``environment.json`` (what is done, on what), ``log.txt``,
``steps/NAME/`` with what each step made, and ``table/`` with the comparison. Nothing is written
elsewhere before all is done; then whole artifacts are renamed into place.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edge
from edge.errors import DataRefused, WorkFailed
from edge.files import write_atomically
from optimize.files import publish_folder
from optimize.pipeline_recipe import Pipeline, Step
from optimize.processes import fresh_process, only_one
from optimize.runlog import RunLog
from optimize.stages import Job
from train.provenance import PACKAGES, describe_environment
from train.weights import load_weights, parts_of, weights_exist

STEPS, BEGUN, DONE, REPORT = "steps", "begun.json", "done.json", "report.json"
ROOM = 500_000_000
"""Bytes of disk that must be free before a step."""


@dataclass(frozen=True)
class Run:
    """A pipeline in a folder.

    Attributes:
        pipeline: what to do.
        folder: of the run.
        data: ``chest_xray`` folder as published, where steps want it.
        chestxray14: folder as published, where training recipes draw from it.
    """

    pipeline: Pipeline
    folder: Path
    data: Path | None = None
    chestxray14: Path | None = None

    def run(self, publish: Path | None = None) -> dict[str, Any]:
        """Do what is not done yet.

        Args:
            publish: folder in which the recipe's artifacts appear at the end; None for nowhere.

        Returns:
            ``steps``: for each ``"kept"``, ``"made"`` or ``"not available: ..."``; ``published``:
            the folders.

        Raises:
            DataRefused: ``missing_weights``, ``missing_data``, ``run_in_use``, or as the stages.
            WorkFailed: ``disk_full``, ``step_killed``, or as the stages.
        """
        self._check_inputs()
        with only_one(self.folder), _disk_errors(self.folder):
            packages = (*PACKAGES, "ai-edge-litert", "tf_keras", "onnx", "onnxruntime")
            _write(self.folder / "recipe.json", self.pipeline.to_dict())
            _write(self.folder / "environment.json", describe_environment(packages))
            say = RunLog(self.folder / "log.txt")
            steps: dict[str, str] = {}
            for number, step in enumerate(self.pipeline.steps, 1):
                title = f"step {number} of {len(self.pipeline.steps)}: {step.name} ({step.do})"
                steps[step.name] = self._do(step, say)
                say(f"{title}: {steps[step.name]}")
            published = [] if publish is None else self._publish(publish, say)
        return {"steps": steps, "published": published}

    def _publish(self, folder: Path, say: RunLog) -> list[str]:
        for name, source in self.pipeline.publish.items():
            publish_folder(self._output(source), folder / name)
            say(f"published: {folder / name}")
        return [str(folder / name) for name in self.pipeline.publish]

    def _check_inputs(self) -> None:
        """Everything that can be missing is missed before the first step, not after hours."""
        for name, path in self.pipeline.weights.items():
            if not weights_exist(path):
                raise DataRefused("missing_weights", f"{path} ({name}) is not there.")
        for name, folder in (("data", self.data), ("chestxray14", self.chestxray14)):
            if folder is not None and not folder.is_dir():
                raise DataRefused(f"missing_{name}", f"{folder} is not a folder.")

    def _do(self, step: Step, say: RunLog) -> str:
        """Do a step, unless it was done with the very same inputs."""
        folder = self.folder / STEPS / step.name
        key = self._key(step)
        if key is None:
            return "not available: what it starts from is not"
        if _read(folder / DONE) == {"key": key, "output": _digest(folder / step.stage.output)}:
            return "kept"
        if _read(folder / BEGUN) != {"key": key}:
            shutil.rmtree(folder, ignore_errors=True)
            _write(folder / BEGUN, {"key": key})
        _require_room(folder)
        job = Job(
            folder, self._path(step.source), [self._output(name) for name in step.teachers],
            self.data, self.chestxray14, say,
        )  # fmt: skip
        started = time.monotonic()
        try:
            report = _in_own_process(step, job)
        except WorkFailed as failure:
            if not step.optional:
                raise
            return f"not available: {failure.message}"
        _write(folder / REPORT, {"seconds": round(time.monotonic() - started, 1), **report})
        _write(folder / DONE, {"key": key, "output": _digest(folder / step.stage.output)})
        return "made"

    def _key(self, step: Step) -> str | None:
        """Hash of all that decides what a step makes; None where an optional input is not there."""
        names = [name for name in (step.source, *step.teachers) if name]
        inputs = {name: self._input_digest(name) for name in names}
        if None in inputs.values():
            return None
        settings = {
            "do": step.do,
            "settings": step.stage.resolved(),
            "source": inputs.get(step.source),
            "teachers": [inputs[name] for name in step.teachers],
            "data": _listing(self.data),
            "chestxray14": _listing(self.chestxray14),
            "pneumokiosk": edge.__version__,
        }
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def _input_digest(self, name: str) -> str | None:
        if name in self.pipeline.weights:
            return load_weights(self.pipeline.weights[name]).sha256
        return _digest(self._output(name))

    def _path(self, name: str) -> Path | None:
        return self._output(name) if name else None

    def _output(self, name: str) -> Path:
        """The weights of that name, or what the step of that name leaves."""
        step = self.pipeline.step(name)
        if step is None:
            return self.pipeline.weights[name]
        return self.folder / STEPS / name / step.stage.output


def _in_own_process(step: Step, job: Job) -> dict[str, Any]:
    """A converter that crashes takes its own process with it, and no other's memory."""
    try:
        with fresh_process() as pool:
            return pool.submit(step.stage.work, job).result()
    except BrokenProcessPool as error:
        raise WorkFailed(
            "step_killed",
            f"The process of step {step.name} was killed, perhaps for want of memory. "
            "The same command goes on from here.",
        ) from error


def _digest(path: Path) -> str | None:
    """Hash of a file, its shards, or a folder's files with their names; None where nothing is."""
    parts = sorted(path.rglob("*")) if path.is_dir() else parts_of(path)
    files = [part for part in parts if part.is_file()]
    total = hashlib.sha256()
    for file in files:
        total.update(file.relative_to(path.parent).as_posix().encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest() if files else None


def _listing(folder: Path | None) -> str | None:
    """Hash of the names and sizes of a data set's files: other images have other sizes."""
    if folder is None:
        return None
    files = (path for path in folder.rglob("*") if path.is_file())
    lines = sorted(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}" for path in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WorkFailed("disk_full", f"The disk of {folder} is full.") from error
        raise WorkFailed("cannot_write", f"{folder}: {error}.") from error


def _require_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise WorkFailed(
            "disk_full",
            f"{free / 1e6:.0f} MB are free on the disk of {folder}, {ROOM / 1e6:.0f} are needed.",
        )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write(path: Path, value: Any) -> None:
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())
