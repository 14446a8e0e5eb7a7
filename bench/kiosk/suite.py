"""All checks, one after the other, and their samples."""

from __future__ import annotations

from collections.abc import Sequence

from tqdm import tqdm

from bench.kiosk.check import Check, NotMeasured, Plan
from bench.kiosk.crowd import CROWD
from bench.kiosk.flipped_bits import FLIPPED_BITS
from bench.kiosk.full_disk import FULL_DISK
from bench.kiosk.memory import MEMORY
from bench.kiosk.mutants import MUTANTS
from bench.kiosk.power_cut import POWER_CUT
from bench.kiosk.ready import READY
from bench.kiosk.running import Kiosks
from bench.kiosk.speed import SPEED
from bench.samples import Recorder
from edge.errors import PneumoKioskError

CHECKS = {
    check.name: check
    for check in (READY, SPEED, CROWD, MEMORY, POWER_CUT, MUTANTS, FULL_DISK, FLIPPED_BITS)
}
"""By name, in their order."""


def run_checks(
    recorder: Recorder,
    kiosks: Kiosks,
    plan: Plan,
    checks: Sequence[Check],
    progress: bool | None = None,
) -> None:
    """Run checks and record their samples; one that fails does not keep the others from running.

    Args:
        recorder: gets a line ``finished``, ``not_measured`` or ``failed`` after the samples of
            each check.
        kiosks: to be put through it.
        plan: how much is asked.
        checks: of `CHECKS`.
        progress: show progress bars; None where there is a terminal.
    """
    hidden = None if progress is None else not progress
    for check in checks:
        samples = check.run(kiosks, plan)
        try:
            for sample in tqdm(samples, check.name, total=check.count(plan), disable=hidden):
                recorder.add(check.name, **sample)
        except NotMeasured as reason:
            recorder.add("not_measured", check=check.name, why=reason.message)
        except PneumoKioskError as failure:
            recorder.add("failed", check=check.name, why=failure.message)
        else:
            recorder.add("finished", check=check.name)
