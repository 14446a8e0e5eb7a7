"""One recipe in, checked artifacts out: a step is done once and kept until what it needs changes.

A run's folder holds ``recipe.json`` and ``environment.json`` (what is done, on what), ``log.txt``,
``steps/NAME/`` with what each step made, and ``table/`` with the comparison. Nothing is written
elsewhere before all is done; then whole artifacts are renamed into place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import edge
from edge.errors import DataRefused, PneumoKioskError, WorkFailed
from edge.signature import SIGNATURE
from optimize.files import publish_folders, same_files, writing
from optimize.once import VERSIONS, digest, do_once, key_of, listing, write_json
from optimize.pipeline_recipe import Pipeline, Step
from optimize.pipeline_table import Built, write_table
from optimize.processes import only_one
from optimize.runlog import RunLog
from optimize.stage import ARTIFACT, LITERT, Job
from train.provenance import describe_environment
from train.weights import weights_exist

STEPS, TABLE = "steps", "table"


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
            DataRefused: ``missing_weights``, ``missing_data``, ``missing_chestxray14``,
                ``run_in_use``, or as the stages.
            WorkFailed: ``disk_full``, ``cannot_write``, ``step_killed``, ``nothing_to_publish``, or
                as the stages.
        """
        self._check_inputs()
        with only_one(self.folder), writing(self.folder):
            say = RunLog(self.folder / "log.txt")
            try:
                return self._run(publish, say)
            except PneumoKioskError as refusal:
                say.keep(f"stopped: {refusal.message} ({refusal.code})")
                raise

    def _run(self, publish: Path | None, say: RunLog) -> dict[str, Any]:
        write_json(self.folder / "recipe.json", self.pipeline.to_dict())
        write_json(self.folder / "environment.json", describe_environment(VERSIONS))
        steps: dict[str, str] = {}
        for number, step in enumerate(self.pipeline.steps, 1):
            title = f"step {number} of {len(self.pipeline.steps)}: {step.name} ({step.do})"
            steps[step.name] = self._do(step, say)
            say(f"{title}: {steps[step.name]}")
        if self.pipeline.against:
            say(f"table: {'made' if self._compare() else 'kept'}")
        published = [] if publish is None else self._publish(publish, say)
        return {"steps": steps, "published": published}

    def _publish(self, folder: Path, say: RunLog) -> list[str]:
        sources = {
            folder / name: self._output(step) for name, step in self.pipeline.publish.items()
        }
        for target, source in sources.items():
            if digest(source) is None:
                raise WorkFailed(
                    "nothing_to_publish", f"{target} cannot be published: {source} was not made."
                )
        # What is there already may have been signed since.
        changed = {
            target: source
            for target, source in sources.items()
            if not same_files(source, target, but=SIGNATURE)
        }
        publish_folders(changed)
        for target in sources:
            say(f"published: {target}" if target in changed else f"published before: {target}")
        return [str(target) for target in sources]

    def _check_inputs(self) -> None:
        """Everything that can be missing is missed before the first step, not after hours."""
        for name, path in self.pipeline.weights.items():
            if not weights_exist(path):
                raise DataRefused("missing_weights", f"{path} ({name}) is not there.")
        for name, folder in (("data", self.data), ("chestxray14", self.chestxray14)):
            if folder is not None and not folder.is_dir():
                raise DataRefused(f"missing_{name}", f"{folder} is not a folder.")
            wanting = [step.name for step in self.pipeline.steps if name in step.stage.needs()]
            if name == "data" and self.pipeline.against:
                wanting.append("the table")
            if folder is None and wanting:
                raise DataRefused(
                    f"missing_{name}", f"{', '.join(wanting)}: needs the folder of --{name}."
                )

    def _do(self, step: Step, say: RunLog) -> str:
        """Do a step, unless it was done with the very same inputs."""
        key = self._key(step)
        if key is None:
            return "not available: what it starts from is not"
        folder = self.folder / STEPS / step.name
        job = Job(
            folder, self._path(step.source), [self._output(name) for name in step.teachers],
            self.data, self.chestxray14, say,
        )  # fmt: skip
        try:
            made = do_once(folder, step.stage.output, key, step.stage.work, job)
        except WorkFailed as failure:
            if not step.optional:
                raise
            return f"not available: {failure.message}"
        return "made" if made else "kept"

    def _key(self, step: Step) -> str | None:
        """Stands for all that decides what a step makes; None where what it starts from is not."""
        names = [name for name in (step.source, *step.teachers) if name]
        inputs = {name: digest(self._output(name)) for name in names}
        if None in inputs.values():
            return None
        return key_of(
            {
                "do": step.do,
                "settings": step.stage.resolved(),
                "source": inputs.get(step.source),
                "teachers": [inputs[name] for name in step.teachers],
                **self._listings,
                "pneumokiosk": edge.__version__,
            }
        )

    @cached_property
    def _listings(self) -> dict[str, str | None]:
        """What the folders of images hold, looked at once: they may be large."""
        return {"data": listing(self.data), "chestxray14": listing(self.chestxray14)}

    def _compare(self) -> bool:
        """Compare every LiteRT file that was made, unless these very files were compared."""
        against = self._output(self.pipeline.against)
        built = [
            Built(step.name, self._output(step.source), self._output(step.name))
            for step in self.pipeline.steps
            if step.stage.output in (LITERT, ARTIFACT) and digest(self._output(step.name))
        ]
        key = key_of(
            {
                "against": digest(against),
                "built": [[b.name, digest(b.weights), digest(b.output)] for b in built],
                "data": self._listings["data"],
                "split": self.pipeline.split,
                "pneumokiosk": edge.__version__,
            }
        )
        folder = self.folder / TABLE
        return do_once(
            folder, "table.json", key, write_table, against, built, self.data, self.pipeline.split,
            folder,
        )  # fmt: skip

    def _path(self, name: str) -> Path | None:
        return self._output(name) if name else None

    def _output(self, name: str) -> Path:
        """The weights of that name, or what the step of that name leaves."""
        step = self.pipeline.step(name)
        if step is None:
            return self.pipeline.weights[name]
        return self.folder / STEPS / name / step.stage.output
