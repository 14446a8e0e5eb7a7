"""The stages that a pipeline is made of: settings in, one file or folder out.

Each class is one value of ``do`` in a recipe; its fields are the settings of such a step.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import train
from edge.errors import DataRefused
from optimize.artifact import (
    build_artifact,
    draw_samples,
    read_evaluation,
    require_buildable,
)
from optimize.distillation import student_of
from optimize.files import write_result
from optimize.gates.attach import read_gates
from optimize.once import digest
from optimize.onnx_graph import write_onnx
from optimize.pruning import FineTuning, Goal, prune
from optimize.quantization import Quantization, quantize, report_quantized
from optimize.sparsity import Sparsity, sparsify
from optimize.stage import ARTIFACT, ENGINE, LITERT, ONNX, WEIGHTS, Job, Stage
from optimize.tensorrt_engine import EngineSettings, build_engine
from train.fit import Beginning, fit
from train.recipe import Recipe, load_recipe
from train.weights import load_weights, save_weights

SHIPPED = Path(train.__file__).parent / "weights"
EVALUATIONS = SHIPPED / "evaluations"


@dataclass(frozen=True)
class Distill(Stage):
    """A student taught by other networks; it starts from weights or at random.

    Attributes:
        student: its recipe, of `train.recipe`, by name or path.
        set: overrides of it.
    """

    may_start_anew: ClassVar[bool] = True
    must_be_taught: ClassVar[bool] = True
    student: str = "student"
    set: tuple[str, ...] = ()

    def may_be_taught(self) -> bool:
        """Always."""
        return True

    def needs(self) -> tuple[str, ...]:
        """Films, and those of adults where the recipe draws from them."""
        return _films_of(student_of(self.student, self.set))

    def resolved(self) -> dict[str, Any]:
        """The recipe in full."""
        return {"student": student_of(self.student, self.set).to_dict()}

    def work(self, job: Job) -> dict[str, Any]:
        """Train; an interrupted training goes on."""
        start = job.load() if job.source else None
        path = fit(
            student_of(self.student, self.set, start), job.required_data(), job.folder,
            chestxray14=job.chestxray14, resume=True, beginning=Beginning(start),
            teachers=job.load_teachers(), say=job.say,
        )  # fmt: skip
        return load_weights(path).facts


@dataclass(frozen=True)
class Prune(Goal, Stage):
    """Channels taken out, and training between where a recipe is named.

    Attributes:
        finetune: recipe to train by after each step, by name or path; none trains not.
        set: overrides of it.
    """

    finetune: str = ""
    set: tuple[str, ...] = ()

    def may_be_taught(self) -> bool:
        """Where it trains after a step."""
        return self.finetune != ""

    def needs(self) -> tuple[str, ...]:
        """Films where something is trained or judged by them."""
        recipe = self._recipe()
        if recipe is not None:
            return _films_of(recipe)
        return ("data",) if self.importance == "taylor" else ()

    def resolved(self) -> dict[str, Any]:
        """The goal, and the recipe in full."""
        recipe = self._recipe()
        return {**asdict(self), "finetune": recipe.to_dict() if recipe else None}

    def work(self, job: Job) -> dict[str, Any]:
        """Prune; interrupted training goes on."""
        tuning, recipe = None, self._recipe()
        if recipe is not None:
            tuning = FineTuning(
                recipe, job.required_data(), job.folder / "steps", job.chestxray14,
                job.load_teachers(),
            )  # fmt: skip
        goal = Goal(**{f.name: getattr(self, f.name) for f in fields(Goal)})
        pruned = prune(job.load(), goal, data=job.data, tuning=tuning, resume=True, say=job.say)
        save_weights(job.folder / WEIGHTS, pruned)
        return pruned.facts

    def _recipe(self) -> Recipe | None:
        return load_recipe(self.finetune, self.set) if self.finetune else None


@dataclass(frozen=True)
class Sparsify(Sparsity, Stage):
    """Zeros among the weights, while training goes on."""

    def may_be_taught(self) -> bool:
        """Where it trains meanwhile."""
        return self.epochs > 0

    def needs(self) -> tuple[str, ...]:
        """Films to learn from and to choose thresholds on."""
        return ("data",)

    def work(self, job: Job) -> dict[str, Any]:
        """Train; an interrupted training goes on."""
        goal = Sparsity(**{f.name: getattr(self, f.name) for f in fields(Sparsity)})
        sparse = sparsify(
            job.load(), goal, data=job.required_data(), chestxray14=job.chestxray14,
            teachers=job.load_teachers(), folder=job.folder / "epochs", say=job.say,
        )  # fmt: skip
        save_weights(job.folder / WEIGHTS, sparse)
        return sparse.facts


@dataclass(frozen=True)
class Quantize(Quantization, Stage):
    """A LiteRT file of fewer bits."""

    output: ClassVar[str] = LITERT

    def needs(self) -> tuple[str, ...]:
        """Films to compare on."""
        return ("data",)

    def work(self, job: Job) -> dict[str, Any]:
        """Convert; compared with its own float network on validation patients."""
        weights = job.load()
        how = Quantization(**{f.name: getattr(self, f.name) for f in fields(Quantization)})
        content = quantize(weights, how, job.data)
        write_result(job.folder / LITERT, content)
        return report_quantized(weights, content, job.required_data())


@dataclass(frozen=True)
class Convert(Stage):
    """An artifact for the kiosk.

    Attributes:
        model: its name.
        release: its version.
        measured: shipped evaluation of the weights to carry along, by name; none carries none.
        gates: shipped gates that stand before the model, by name; none sets none.
        float_variant: what stands beside int8, a key of `optimize.artifact.FLOATS`.
    """

    output: ClassVar[str] = ARTIFACT
    model: str = "model"
    release: str = "1"
    measured: str = ""
    gates: str = ""
    float_variant: str = "fp32"

    def __post_init__(self) -> None:
        """Refuse what `build_artifact` would refuse, and what does not ship."""
        require_buildable(self.model, self.float_variant)
        for path in self._carried().values():
            if not path.is_file():
                raise DataRefused("missing_file", f"{path} is not a file.")

    def resolved(self) -> dict[str, Any]:
        """The settings, and the hashes of what is carried along."""
        return {**asdict(self), **{f"{n}_sha256": digest(p) for n, p in self._carried().items()}}

    def work(self, job: Job) -> dict[str, Any]:
        """Convert and compare with the network."""
        shutil.rmtree(job.folder / ARTIFACT, ignore_errors=True)
        weights, carried = job.load(), self._carried()
        measured = None
        if self.measured:
            measured = read_evaluation(carried["measured"], weights.sha256)
        manifest = build_artifact(
            weights, job.folder / ARTIFACT, draw_samples(weights, job.data),
            name=self.model, release=self.release, measured=measured,
            gates=read_gates(carried["gates"]) if self.gates else None,
            float_variant=self.float_variant,
        )  # fmt: skip
        return dict(manifest.made_from["conversion"])

    def _carried(self) -> dict[str, Path]:
        """Files that ship and are put into the artifact."""
        named = {"measured": (EVALUATIONS, self.measured), "gates": (SHIPPED, self.gates)}
        return {setting: folder / f"{n}.json" for setting, (folder, n) in named.items() if n}


@dataclass(frozen=True)
class Onnx(Stage):
    """An ONNX graph.

    Attributes:
        int8: quantized by Q/DQ nodes.
    """

    output: ClassVar[str] = ONNX
    int8: bool = False

    def work(self, job: Job) -> dict[str, Any]:
        """Write the graph and compare it with the network."""
        weights = job.load()
        samples = draw_samples(weights, job.data)
        return write_onnx(weights, job.folder / ONNX, samples, int8=self.int8)


@dataclass(frozen=True)
class TensorRT(Stage):
    """An engine for this machine's GPU; the settings are those of `EngineSettings`."""

    output: ClassVar[str] = ENGINE
    takes: ClassVar[str] = ONNX
    precision: str = "fp32"
    sparse: bool = False
    workspace_mib: int = 1024
    version_compatible: bool = False

    def __post_init__(self) -> None:
        """Refuse what `EngineSettings` refuses."""
        self._settings(None)

    def work(self, job: Job) -> dict[str, Any]:
        """Build the engine; its timing cache lies beside it."""
        settings = self._settings(job.folder / "timing.cache")
        return asdict(build_engine(job.required_source(), job.folder / ENGINE, settings))

    def _settings(self, cache: Path | None) -> EngineSettings:
        return EngineSettings(
            self.precision, self.sparse, self.workspace_mib, cache, self.version_compatible
        )


def _films_of(recipe: Recipe) -> tuple[str, ...]:
    return ("data", "chestxray14") if recipe.chestxray14 else ("data",)


STAGES: dict[str, type[Stage]] = {
    "prune": Prune,
    "distill": Distill,
    "sparsify": Sparsify,
    "quantize": Quantize,
    "convert": Convert,
    "onnx": Onnx,
    "tensorrt": TensorRT,
}
"""Kinds of step by their name in a recipe."""
