"""``pneumokiosk batch``: a folder of films becomes a table. Heavy imports wait until it runs."""

from __future__ import annotations

import contextlib
import itertools
import os
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
    from edge.operating import OperatingChoice

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
@click.option(
    "--data-dir",
    type=_PATH,
    help="Folder of a kiosk, whose chosen thresholds hold.  [default: the user's data folder]",
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
    data_dir: Path | None,
) -> None:
    """Screen every file below DIR; each becomes one line of a table (CSV), the refused included.

    A run that was stopped or killed goes on when the command is given again; --json then prints
    what is new. Hidden files and symbolic links are left out. Thresholds are those that the kiosk
    has chosen for this artifact, or else the artifact's own; the table names them.

    Exits with 0 when all were screened, 1 when some were refused, 2 when nothing could begin, 3
    when the work broke off.
    """
    from edge.artifact import DEFAULT_ARTIFACT, load_artifact
    from edge.batch_table import Table
    from edge.batch_workers import Setting

    loaded = load_artifact(artifact or DEFAULT_ARTIFACT, public_key)
    number = threads or (2 if jobs == 1 else 1)
    choice = _thresholds(data_dir, loaded)
    setting = Setting(folder, loaded, choice, variant, number, as_json)
    total = _counted(folder, out)
    with Table(out, restart) as table:
        tally = _run(table, setting, jobs, total)
        done_before = table.finished
    told = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in tally.items())
    click.echo(
        f"{'All done before' if done_before else 'Done'}: {out}: {told}. Refer from "
        f"{choice.refer:.3f}, uncertain from {choice.uncertain:.3f} ({choice.name}). "
        f"{edge.STANDING_SENTENCE}",
        err=as_json,
    )
    sys.exit(REFUSED if tally["refused"] else 0)


def _thresholds(data_dir: Path | None, artifact: Artifact) -> OperatingChoice:
    """What a kiosk has chosen for an artifact, or the artifact's own; no kiosk is made by asking.

    Raises:
        PneumoKioskError: ``no_records``: there is no kiosk in the folder that was named.
        RecordsUnavailable: as `Database.read`.
    """
    from edge import operating
    from edge.database import DATABASE, Database
    from edge.places import default_data_dir
    from edge.provenance import manifest_hash

    home, model = data_dir or default_data_dir(), manifest_hash(artifact)
    own = operating.manifest_choice(artifact.manifest, model)
    if not os.path.isfile(home / DATABASE):  # the method of Path raises where it may not look
        if data_dir is None:
            return own
        raise PneumoKioskError("no_records", f"There are no records of a kiosk in {data_dir}.")
    with contextlib.closing(Database(home)) as database:
        return operating.chosen(database, model) or own


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

    made_with = _made_with(setting)
    for line in table.lines():
        film = next(films, None)
        if film is None or line["file"] != neutralised(shown_name(film, setting.folder)):
            raise _changed(table)
        if any(line[column] != value for column, value in made_with.items()):
            raise PneumoKioskError(
                "other_model",
                f"{table.path} was begun with another model, variant, thresholds or version of the "
                f"kiosk: {line['model']} {line['model_version']} {line['variant']}, refer from "
                f"{line['threshold']}, kiosk {line['kiosk_version']}. Name another table by --out, "
                "or begin it anew by --restart.",
            )
        yield line["outcome"]


def _made_with(setting: Setting) -> dict[str, str]:
    """What the lines of one table have in common, by column."""
    return {
        "manifest_sha256": setting.choice.manifest_sha256,
        "variant": setting.variant or setting.artifact.manifest.default_variant,
        "kiosk_version": edge.__version__,
        "threshold": str(setting.choice.refer),
        "uncertain_threshold": str(setting.choice.uncertain),
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
