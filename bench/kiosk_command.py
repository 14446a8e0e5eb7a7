"""The command ``kiosk``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.options import PATH, json_option, out_option, show

if TYPE_CHECKING:
    from bench.kiosk.check import Plan

FILE = "kiosk"
NAMES = (
    "ready", "speed", "crowd", "memory", "power-cut", "mutants", "full-disk", "flipped-bits",
)  # fmt: skip


@click.command("kiosk")
@click.option(
    "--only", multiple=True, type=click.Choice(NAMES),
    help="Only this check; more than once for more.  [default: all]",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="A tenth of the counts: not the whole.")
@click.option("--seed", default=0, show_default=True, help="Of everything left to chance.")
@click.option("--image", type=PATH, help="A full-size JPEG; a drawn one without.")
@out_option
@json_option
def kiosk_command(
    only: tuple[str, ...],
    quick: bool,
    seed: int,
    image: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Start the kiosk and hold it against its limits: times, memory, crowds, power cuts, damage.

    Raw samples go to OUT/kiosk.jsonl as they are measured, what they say to OUT/kiosk.json. A limit
    that is not met is told in the table; the exit status is 0 all the same.

    Example: pneumokiosk-bench kiosk --out runs/kiosk
    """
    import tempfile

    from bench.kiosk.damage import sound_files
    from bench.kiosk.drawings import crowd_films, little_film
    from bench.kiosk.leniency import artifact_for
    from bench.kiosk.running import Kiosks
    from bench.kiosk.suite import CHECKS, run_checks
    from bench.kiosk.verdict import kiosk_table, score_kiosk
    from bench.machine import describe_machine
    from bench.results import write_run
    from bench.samples import model_hashes, recording
    from edge.artifact import load_artifact

    machine = describe_machine()
    plan = _plan(image, seed, quick)
    checks = [check for name, check in CHECKS.items() if not only or name in only]
    with tempfile.TemporaryDirectory() as folder:
        films = [plan.jpeg, plan.dicom, little_film(seed), *sound_files().values()]
        films += crowd_films(seed, plan.films)
        artifact, which = artifact_for(films, Path(folder) / "artifact")
        asked = {**plan.to_dict(), "quick": quick, "checks": [check.name for check in checks]}
        asked |= {"artifact": which, "films_are": "drawn" if image is None else "drawn, and a JPEG"}
        path = out / f"{FILE}.jsonl" if out else None
        hashes = model_hashes(load_artifact())
        with recording(path, FILE, hashes, asked, machine) as recorder:
            run_checks(recorder, Kiosks(artifact), plan, checks)
    result = score_kiosk(recorder.lines)
    if out:
        write_run(out, FILE, result)
    show(result, kiosk_table(result), as_json)


def _plan(image: Path | None, seed: int, quick: bool) -> Plan:
    """What is asked.

    Raises:
        DataRefused: ``missing_image``.
    """
    from bench.kiosk.check import Plan
    from bench.kiosk.drawings import full_size
    from edge.errors import DataRefused

    jpeg, dicom = full_size()
    try:
        jpeg = image.read_bytes() if image else jpeg
    except OSError as error:
        raise DataRefused("missing_image", f"{image} cannot be read: {error.strerror}.") from error
    plan = Plan(jpeg, dicom, seed)
    return plan.quick() if quick else plan
