"""The folder of one training run: what it is, how far it got, and where to go on."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from edge.errors import DataRefused
from edge.files import write_atomically
from train.recipe import Recipe, recipe_from

RANDOM_START = "random weights"
Row = dict[str, float]


@dataclass(frozen=True)
class Run:
    """A folder with ``recipe.json``, ``started_from.txt``, ``log.csv`` and a checkpoint."""

    folder: Path

    def claim(self, recipe: Recipe, started_from: str, resume: bool) -> None:
        """Make the folder, or make sure that a resumed one has the same recipe and beginning.

        A folder whose run has finished no epoch is taken over.

        Raises:
            DataRefused: ``run_exists``, ``recipe_changed`` or ``start_changed``.
        """
        path = self.folder / "recipe.json"
        beginning = self.folder / "started_from.txt"
        text = json.dumps(recipe.to_dict(), indent=2)
        # What was refused before it learned anything leaves nothing to keep.
        if not path.exists() or not (self.folder / "log.csv").exists():
            write_atomically(beginning, started_from.encode())
            write_atomically(path, text.encode())
            return
        if not resume:
            raise DataRefused(
                "run_exists",
                f"{self.folder} already holds a run; name another folder or use --resume.",
            )
        if not _is_recipe(path, recipe):
            raise DataRefused(
                "recipe_changed", f"{path} differs from the recipe given; resume needs the same."
            )
        begun = beginning.read_text(encoding="utf-8") if beginning.exists() else RANDOM_START
        if begun != started_from:
            raise DataRefused(
                "start_changed",
                f"The run in {self.folder} started from {begun}; resume needs the same. "
                f"Received: {started_from}.",
            )

    def checkpoint(self, model: Any, log: Sequence[Row]) -> None:
        """Keep weights, optimizer and log of the finished epochs; drop the checkpoint before."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(log[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(log)
        write_atomically(self.folder / "log.csv", text.getvalue().encode())
        temporary = self.folder / "writing.keras"
        model.save(temporary)
        temporary.replace(self.folder / f"checkpoint-{len(log):04d}.keras")
        for old in self.folder.glob("checkpoint-*.keras"):
            if _epoch_of(old) < len(log):
                old.unlink()

    def latest(self) -> tuple[Any, list[Row]]:
        """Model and log after the last finished epoch; (None, []) where there is none."""
        found = sorted(self.folder.glob("checkpoint-*.keras"), key=_epoch_of)
        if not found:
            return None, []
        return keras.saving.load_model(found[-1]), self._log()[: _epoch_of(found[-1])]

    def _log(self) -> list[Row]:
        with (self.folder / "log.csv").open(encoding="utf-8", newline="") as file:
            return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _is_recipe(path: Path, recipe: Recipe) -> bool:
    """Whether a run has this recipe; what did not exist when it began had its default."""
    try:
        return recipe_from(json.loads(path.read_text(encoding="utf-8"))) == recipe
    except ValueError:
        return False


def _epoch_of(path: Path) -> int:
    match = re.search(r"(\d+)$", path.stem)
    return int(match.group(1)) if match else 0
