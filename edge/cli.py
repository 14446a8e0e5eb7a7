"""The clinic's command line. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

import edge
from edge import batch_command, clinic_commands
from edge.console import Commands
from edge.errors import ArtifactRefused, PneumoKioskError
from edge.serve_command import serve

if TYPE_CHECKING:
    from edge.screening import Screener, Screening

REFUSED = 1
"""Exit status of a command that ran, and refused or failed at some of its work."""

_ARTIFACT = click.option(
    "--artifact",
    type=click.Path(path_type=Path),
    help="Folder of the model artifact.  [default: the one that comes with the kiosk]",
)
_VARIANT = click.option(
    "--variant",
    metavar="[int8|fp16|fp32]",
    help="Numeric type of the model, one of the artifact's.  [default: the artifact's own]",
)
_THREADS = click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Processor threads that one prediction may use.",
)
_PUBLIC_KEY = click.option(
    "--public-key",
    type=click.Path(path_type=Path),
    help="Ed25519 key (PEM): refuse an artifact that its owner has not signed.  [default: none]",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class CommandFailed(PneumoKioskError):
    """The command was right, but this machine did not let it through."""

    exit_status = REFUSED


@click.group(cls=Commands, epilog="Example: pneumokiosk serve")
@click.version_option(edge.__version__, prog_name="pneumokiosk")
def cli() -> None:
    """Screen chest X-rays of young children for pneumonia, offline.

    Screening aid. Not a diagnosis. A clinician decides.
    """


@cli.command(epilog="Example: pneumokiosk screen --json chest.png > outcomes.jsonl")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_JSON
@_ARTIFACT
@_VARIANT
@_THREADS
@_PUBLIC_KEY
def screen(
    files: tuple[Path, ...],
    as_json: bool,
    artifact: Path | None,
    variant: str | None,
    threads: int,
    public_key: Path | None,
) -> None:
    """Screen image files, one line each.

    Exits with 0 when all were screened, 1 when some were refused, 2 when the model was refused.
    """
    from edge.batch import screen_file

    screener = _screener(artifact, variant, threads, public_key)
    refused = False
    for path in files:
        screening = screen_file(screener, path)
        refused = refused or screening.outcome == "refused"
        if as_json:
            click.echo(json.dumps({**screening.to_dict(), "file": str(path)}))
        else:
            click.echo(_line(path, screening))
    sys.exit(REFUSED if refused else 0)


@cli.command(epilog="Example: pneumokiosk verify runs/artifact --public-key clinic.public.pem")
@click.argument("artifact", required=False, type=click.Path(path_type=Path))
@_PUBLIC_KEY
@_JSON
def verify(artifact: Path | None, public_key: Path | None, as_json: bool) -> None:
    """Check an artifact: every hash, the self-test, every variant on the demonstration image.

    With --public-key, its signature comes first.

    Exits with 0 when all holds, 1 when the artifact is refused.
    """
    from edge.artifact import DEFAULT_ARTIFACT
    from edge.verification import verify_artifact

    try:
        report = verify_artifact(artifact or DEFAULT_ARTIFACT, public_key)
    except ArtifactRefused as refusal:
        if as_json:
            reasons = [{"code": refusal.code, "message": refusal.message}]
            click.echo(json.dumps({"status": "refused", "reasons": reasons}))
        refusal.exit_status = REFUSED
        raise
    if as_json:
        click.echo(json.dumps(report))
        return
    click.echo(f"{report['artifact']}: {report['name']} {report['version']}")
    click.echo(f"signature: {report['signature'].replace('_', ' ')}")
    click.echo("manifest: its content matches its own hash")
    for name, record in report["files"].items():
        click.echo(f"{name}: {record['bytes']:,} bytes, SHA-256 {record['sha256']} matches")
    click.echo(f"self-test: {report['self_test']['status'].replace('_', ' ')}")
    for name, test in report["self_test"]["variants"].items():
        click.echo(f"{name}: {len(test['seen'])} drawings, mean score off by {test['off']:.1g}")
    for name, seen in report["variants"].items():
        click.echo(f"{name}: loaded; demonstration image scored in {seen['total_ms']:.0f} ms")
    click.echo("The artifact is whole.")


@cli.command(epilog="Example: pneumokiosk phantom demonstration.png --opacities 2")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the drawing."
)
@click.option(
    "--opacities",
    type=click.IntRange(0, 20),
    default=0,
    show_default=True,
    help="Bright patches in the lungs.",
)
def phantom(out: Path, seed: int, opacities: int) -> None:
    """Draw a demonstration image (PNG). It is synthetic: drawn, not filmed."""
    from edge.files import write_atomically
    from edge.phantom import phantom_png

    try:
        write_atomically(out, phantom_png(seed, opacities=opacities))
    except OSError as error:
        raise CommandFailed(
            "cannot_write", f"{out} cannot be written: {error.strerror}."
        ) from error
    click.echo(f"Drew a synthetic image: {out}")


for command in (serve, batch_command.batch, *clinic_commands.COMMANDS):
    cli.add_command(command)


def main() -> NoReturn:
    """Run the command line."""
    cli(prog_name="pneumokiosk")
    sys.exit(0)


def _screener(
    artifact: Path | None, variant: str | None, threads: int, public_key: Path | None
) -> Screener:
    from edge.artifact import DEFAULT_ARTIFACT, load_artifact
    from edge.screening import Screener

    return Screener(load_artifact(artifact or DEFAULT_ARTIFACT, public_key), variant, threads)


def _line(path: Path, screening: Screening) -> str:
    if screening.score is None:
        code, message = screening.reasons[0]
        found = f"refused: {message} ({code})"
    else:
        outcome = screening.outcome.replace("_", " ")
        refer, uncertain = screening.thresholds["refer"], screening.thresholds["uncertain"]
        found = (
            f"{outcome}, score {screening.score:.3f} (uncertain from {uncertain:.3f}, refer from "
            f"{refer:.3f}), {screening.timings_ms['total']:.0f} ms, "
            f"{screening.model['name']} {screening.model['version']}"
        )
    return f"{path}: {found} – {edge.STANDING_SENTENCE}"
