"""What a run says goes to the terminal and, with the time, into its log."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True)
class RunLog:
    """A log that every process of a run can write to."""

    path: Path

    def __call__(self, text: str) -> None:
        """Say one sentence."""
        click.echo(text, err=True)
        self.keep(text)

    def keep(self, text: str) -> None:
        """Write one sentence into the log alone."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{now} {text}\n")
