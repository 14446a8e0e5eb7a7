"""``pneumokiosk batch``: a folder of films becomes a table. Heavy imports wait until it runs."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

import edge
from edge.errors import PneumoKioskError

if TYPE_CHECKING:
    from edge.artifact import Artifact
    from edge.batch_table import Table
    from edge.batch_workers import Setting

REFUSED = 1
"""Exit status where some files were refused."""
_PATH = click.Path(path_type=Path)


@click.command(epilog="Example: pneumokiosk batch /media/usb/films --out results.csv --jobs 2")
@click.argument("folder", metavar="DIR", type=_PATH)
@click.option(
    "--out",
    type=_PATH,
    default=Path("results.csv"),
    show_default=True,
    help="The table. Until it is finished, its name ends in .part.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that screen side by side.",
)
@click.option("--restart", is_flag=True, help="Begin anew instead of going on.")
@click.option("--json", "as_json", is_flag=True, help="Print each screening as JSON as well.")
@click.option(
    "--artifact",
    type=_PATH,
    help="Folder of the model artifact.  [default: the one that comes with the kiosk]",
)
@click.option("--variant", help="Numeric type of the model.  [default: the artifact's own]")
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    help="Processor threads of each process.  [default: 2, or 1 beside other processes]",
)
@click.option(
    "--public-key",
    type=_PATH,
    help="Ed25519 key (PEM): refuse an artifact that its owner has not signed.  [default: none]",
)
def batch(
    folder: Path,
    out: Path,
    jobs: int,
    restart: bool,
    as_json: bool,
    artifact: Path | None,
    variant: str | None,
    threads: int | None,
    public_key: Path | None,
) -> None:
    """Screen every file below DIR; each becomes one line of a table (CSV), the refused included.

    A run that was stopped or killed goes on when the command is given again; --json then prints
    what is new. Hidden files and symbolic links are left out. Thresholds are those of the artifact,
    whatever others a kiosk may have chosen for itself.

    Exits with 0 when all were screened, 1 when some were refused, 2 when nothing could begin, 3
    when the work broke off.
    """
    from edge.artifact import DEFAULT_ARTIFACT, load_artifact
    from edge.batch_table import Table
    from edge.batch_workers import Setting

    loaded = load_artifact(artifact or DEFAULT_ARTIFACT, public_key)
    number = threads or (2 if jobs == 1 else 1)
    setting = Setting(folder, loaded, variant, number, as_json)
    total = _counted(folder, out)
    with Table(out, restart) as table:
        tally = _run(table, setting, jobs, total)
        done_before = table.finished
    told = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in tally.items())
    click.echo(
        f"{'All done before' if done_before else 'Done'}: {out}: {told}. {edge.STANDING_SENTENCE}",
        err=as_json,
    )
    sys.exit(REFUSED if tally["refused"] else 0)


def _counted(folder: Path, out: Path) -> int:
    total = sum(1 for _ in _films(folder, out))
    if not total:
        raise PneumoKioskError("folder_empty", f"There is no file in {folder}.")
    return total


def _films(folder: Path, out: Path) -> Iterator[Path]:
    from edge.batch import list_files
    from edge.batch_table import part_of

    return list_files(folder, (out, part_of(out)))


def _run(table: Table, setting: Setting, jobs: int, total: int) -> Counter[str]:
    """Write the lines that are missing; how many there are of each outcome then."""
    from edge.batch_workers import screen_files

    films = _films(setting.folder, table.path)
    tally: Counter[str] = Counter()
    with _progress(total, setting.as_json) as advance:
        for outcome in _kept(table, films, setting):
            tally[outcome] += 1
            advance(1)
        following = next(films, None)
        if table.finished:
            if following is not None:
                raise _changed(table)
            return tally
        if following is not None:
            rest = itertools.chain((following,), films)
            for screened in screen_files(rest, setting, jobs, tally.total() + 1):
                table.append(screened.line)
                tally[screened.outcome] += 1
                if screened.json is not None:
                    click.echo(screened.json)
                advance(1)
    table.finish()
    return tally


def _kept(table: Table, films: Iterator[Path], setting: Setting) -> Iterator[str]:
    """The outcomes of the lines that are there, which must be of these films and this model.

    Raises:
        PneumoKioskError: ``folder_changed`` or ``other_model``.
    """
    from edge.batch import shown_name
    from edge.export import neutralised

    made_with = _made_with(setting.artifact, setting.variant)
    for line in table.lines():
        film = next(films, None)
        if film is None or line["file"] != neutralised(shown_name(film, setting.folder)):
            raise _changed(table)
        if any(line[column] != value for column, value in made_with.items()):
            raise PneumoKioskError(
                "other_model",
                f"{table.path} was begun with another model, variant or version of the kiosk: "
                f"{line['model']} {line['model_version']} {line['variant']}, kiosk "
                f"{line['kiosk_version']}. Name another table by --out, or begin it anew by "
                "--restart.",
            )
        yield line["outcome"]


def _made_with(artifact: Artifact, variant: str | None) -> dict[str, str]:
    """What the lines of one table have in common, by column."""
    from edge.provenance import manifest_hash

    return {
        "manifest_sha256": manifest_hash(artifact),
        "variant": variant or artifact.manifest.default_variant,
        "kiosk_version": edge.__version__,
    }


def _changed(table: Table) -> PneumoKioskError:
    return PneumoKioskError(
        "folder_changed",
        f"{table.path} is of other files than there are now. Name another table by --out, or "
        "begin it anew by --restart.",
    )


@contextlib.contextmanager
def _progress(total: int, as_json: bool) -> Iterator[Callable[[int], object]]:
    """A bar where someone watches, and where it crosses no other output."""
    if not sys.stderr.isatty() or (as_json and sys.stdout.isatty()):
        yield lambda _: None
        return
    with click.progressbar(length=total, label="Screening", file=sys.stderr, show_pos=True) as bar:
        yield bar.update
