"""From a verified artifact to a model that may speak."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge.artifact import Artifact
from edge.choice import Choice, choose
from edge.screening import Screener
from edge.selftest import SelfTest, run_self_test


def ready_screener(
    artifact: Artifact,
    data_dir: Path,
    variant: str | None = None,
    threads: int | None = None,
    actions: Mapping[str, str] | None = None,
) -> tuple[Screener, SelfTest, Choice]:
    """Test an artifact, choose how to run it, and load it so.

    Args:
        artifact: verified by `edge.artifact.load_artifact`.
        data_dir: folder in which the choice is remembered.
        variant: to run; None or ``"auto"`` for the fastest that passes.
        threads: of one prediction; None or 0 for what is fastest.
        actions: what gates do, as `edge.screening.Screener` takes it.

    Raises:
        ArtifactRefused: as `edge.selftest.run_self_test` and `edge.choice.choose` raise it.
        ValueError: ``actions`` names an unknown gate or action.
    """
    wanted = None if variant == "auto" else variant
    self_test = run_self_test(artifact)
    choice = choose(artifact, self_test.usable, data_dir, wanted, threads or None)
    screener = Screener(artifact, choice.variant, choice.threads, actions)
    return screener, self_test, choice
