"""Channels are taken out of a trained network at once, or step by step with training between."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras

from edge.errors import DataRefused
from edge.files import write_atomically
from optimize.channels import Scores, plan_channels, prunable, remove_channels
from optimize.importance import importance, require_known
from optimize.latency import largest_share, relative_latency
from optimize.tflite import convert
from train.batches import Batch, TrainingBatches
from train.fit import Beginning, fit
from train.recipe import Recipe
from train.rivals import build_network
from train.splits import load_training_data
from train.throughput import multiply_accumulates
from train.transfer import require_same_patients
from train.weights import Weights, load_weights, save_weights, weights_exist

TAYLOR_IMAGES = 512
TAYLOR_BATCH = 16
STEP, CUT = "step-{:02d}", "pruned.safetensors"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Goal:
    """How small a network shall become, and how.

    Attributes:
        macs: share of the multiplications that may be left, in (0, 1].
        latency: share of the time in LiteRT fp32 on this machine, in (0, 1]; 1 where ``macs``
            alone decides. The share of multiplications that keeps it is measured once, before the
            first step.
        importance: one of `optimize.importance.CRITERIA`.
        steps: in how many steps channels go, each taking an equal share of what is left.
        multiple: groups of channels shrink to multiples of this.
    """

    macs: float = 1.0
    latency: float = 1.0
    importance: str = "taylor"
    steps: int = 1
    multiple: int = 1

    def __post_init__(self) -> None:
        if not (0.0 < self.macs <= 1.0 and 0.0 < self.latency <= 1.0):
            raise DataRefused(
                "invalid_budget",
                f"A share that is left must be in (0, 1]. Received: {self.macs}, {self.latency}.",
            )
        if (self.macs < 1.0) == (self.latency < 1.0):
            raise DataRefused(
                "invalid_budget", "One share below 1 is needed: of multiplications or of latency."
            )
        if min(self.steps, self.multiple) < 1:
            raise DataRefused(
                "invalid_budget",
                f"Steps and multiple must be at least 1. Received: {self.steps}, {self.multiple}.",
            )
        require_known(self.importance)


@dataclass(frozen=True)
class FineTuning:
    """How a network is trained after each step.

    Attributes:
        recipe: its network, input and outputs are those of the pruned network, whatever it says.
        data: a ``chest_xray`` folder as published.
        folder: of the runs, one a step.
        chestxray14: where the recipe draws from it.
        teachers: where the recipe learns from them.
    """

    recipe: Recipe
    data: Path
    folder: Path
    chestxray14: Path | None = None
    teachers: Sequence[Weights] = ()

    def claim(
        self, weights: Weights, goal: Goal, resume: bool, share: Callable[[], float]
    ) -> float:
        """Make the folder, or make sure that a resumed one holds steps of the same pruning.

        A folder in which no channel was taken out yet is taken over.

        Returns:
            What ``share`` gave when the folder was made: measured again, it would differ.

        Raises:
            DataRefused: ``run_exists`` or ``pruning_changed``.
        """
        settings = {
            "from": weights.sha256,
            **asdict(goal),
            "recipe": self.recipe.to_dict(),
            "teachers": [teacher.sha256 for teacher in self.teachers],
        }
        path = self.folder / "pruning.json"
        if not path.exists() or not weights_exist(self.folder / STEP.format(1) / CUT):
            settings["share"] = share()
            write_atomically(path, json.dumps(settings, indent=2).encode())
            return float(settings["share"])
        if not resume:
            raise DataRefused(
                "run_exists",
                f"{self.folder} already holds steps; name another file or use --resume.",
            )
        held = json.loads(path.read_text(encoding="utf-8"))
        found = float(held.pop("share"))
        if held != json.loads(json.dumps(settings)):
            raise DataRefused(
                "pruning_changed", f"{path} differs from what is asked; resume needs the same."
            )
        return found

    def step(self, number: int, cut: Callable[[], Weights], say: Say) -> Weights:
        """Train what ``cut`` gives, in a folder of its own; what is there already is taken."""
        folder = self.folder / STEP.format(number)
        if not weights_exist(folder / CUT):
            save_weights(folder / CUT, cut())
        path = folder / "weights.safetensors"
        if not weights_exist(path):
            pruned = load_weights(folder / CUT)
            recipe = replace(
                self.recipe,
                architecture=pruned.recipe.architecture,
                network=pruned.recipe.network,
                input=pruned.recipe.input,
                outputs=pruned.recipe.outputs,
            )
            fit(
                recipe, self.data, folder, chestxray14=self.chestxray14, resume=True,
                beginning=Beginning(pruned), teachers=self.teachers, say=say,
            )  # fmt: skip
        return load_weights(path)


def prune(
    weights: Weights,
    goal: Goal,
    *,
    data: Path | None = None,
    tuning: FineTuning | None = None,
    resume: bool = False,
    say: Say = lambda text: None,
) -> Weights:
    """Take channels out of a trained network.

    Args:
        weights: of a dilated residual network.
        goal: how small, and how.
        data: a ``chest_xray`` folder as published, for Taylor importance; only training patients
            are looked at.
        tuning: train after each step; none leaves the weights as they are.
        resume: go on with the runs in the folder of ``tuning``.
        say: receives what was done, in sentences.

    Returns:
        Weights of the smaller network. Their facts are those of the last fine-tuning, or none, and
        besides ``pruned``: from what, how, and the multiplications before and after.

    Raises:
        DataRefused: as `optimize.channels.plan_channels` and `optimize.importance.importance`;
            ``run_exists``, ``pruning_changed``: the folder holds other runs; or as
            `train.fit.fit`.
    """
    prunable(weights)
    if tuning is None:
        share = _share(weights, goal, data, say)
    else:
        require_same_patients(weights, tuning.recipe)
        share = tuning.claim(weights, goal, resume, lambda: _share(weights, goal, data, say))
    whole = macs(weights)
    pruned = weights
    for step in range(1, goal.steps + 1):
        left = share ** (step / goal.steps)
        say(f"step {step} of {goal.steps}: to {left:.1%} of the multiplications")
        cut = partial(_cut, pruned, goal, left * whole, data)
        pruned = cut() if tuning is None else tuning.step(step, cut, say)
    made: dict[str, Any] = {
        "from": weights.sha256,
        **asdict(goal),
        "fine_tuned": tuning is not None,
        "macs_before": whole,
        "macs_after": macs(pruned),
    }
    if goal.latency < 1.0:
        made["latency_measured"] = _latency(pruned, convert(weights))
    return replace(pruned, facts={**pruned.facts, "pruned": made}, sha256="")


def macs(weights: Weights) -> int:
    """Multiplications for one image of the network that the weights are of."""
    return multiply_accumulates(build_network(weights.recipe, keras))


def _cut(weights: Weights, goal: Goal, budget: float, data: Path | None) -> Weights:
    """Take out the least important channels until so many multiplications are left."""
    share = min(1.0, budget / macs(weights))
    plan = plan_channels(weights, _scores(weights, goal, data), share, goal.multiple)
    # Facts say that it has learnt from patients, so that none of them may validate it.
    return replace(remove_channels(weights, plan), facts={"pruned": {"from": weights.sha256}})


def _scores(weights: Weights, goal: Goal, data: Path | None) -> Scores:
    images = [] if data is None or goal.importance != "taylor" else _batches(weights.recipe, data)
    return importance(weights, goal.importance, images)


def _batches(recipe: Recipe, data: Path) -> list[Batch]:
    """Training images and targets as training makes them, the same for one recipe."""
    images = load_training_data(data, recipe.validation_fraction, recipe.split_seed).training
    size = min(TAYLOR_BATCH, len(images.samples) // 2)
    batches = TrainingBatches(images, replace(recipe, batch=size))
    return [batches[i] for i in range(min(len(batches), TAYLOR_IMAGES // size))]


def _share(weights: Weights, goal: Goal, data: Path | None, say: Say) -> float:
    """The share of the multiplications that may be left."""
    if goal.latency == 1.0:
        return goal.macs
    scores = _scores(weights, goal, data)
    reference = convert(weights)

    def latency(share: float) -> float:
        plan = plan_channels(weights, scores, share, goal.multiple)
        found = _latency(remove_channels(weights, plan), reference)
        say(f"{share:.1%} of the multiplications take {found:.1%} of the time")
        return found

    found = largest_share(latency, goal.latency)
    if found is None:
        raise DataRefused(
            "budget_unreachable", f"No network that was tried takes {goal.latency:.1%} of the time."
        )
    return found


def _latency(weights: Weights, reference: bytes) -> float:
    return relative_latency(convert(weights), reference, weights.recipe.input)
