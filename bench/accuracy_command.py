"""The command ``accuracy``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.options import PATH, json_option, out_option, show, threads_option

if TYPE_CHECKING:
    from bench.contenders import Contenders
    from bench.films import FilmSet

FILE = "accuracy"
QUICK_FILMS = 100


@click.command("accuracy")
@click.option(
    "--artifact", "folders", type=PATH, multiple=True,
    help="Artifact folder; more than once for more. Default: the shipped ones, lite0 and slim.",
)  # fmt: skip
@click.option("--weights", type=PATH, help="Trained full network. Default: the repository's.")
@click.option(
    "--full/--no-full", default=True, show_default=True, help="Compare with the full network."
)
@click.option(
    "--backend", "runtimes", multiple=True,
    help="Further way to run the networks, such as keras or onnxruntime; more than once for more.",
)  # fmt: skip
@click.option(
    "--data", type=PATH,
    help="chest_xray folder as published, or a folder NORMAL beside a folder PNEUMONIA.",
)  # fmt: skip
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
    help="Of a published folder: the test folder, or patients of the training folder.",
)
@click.option(
    "--csv", "table", type=PATH,
    help="Another hospital: a table file,label[,patient]. Files are relative to --data, or to "
    "the table's folder.",
)  # fmt: skip
@click.option(
    "--quick", is_flag=True, help=f"An evenly spaced sample of {QUICK_FILMS} films: a look."
)
@click.option("--resume", is_flag=True, help="Go on with the killed run in --out.")
@click.option("--seed", default=0, show_default=True, help="Of the bootstrap.")
@threads_option
@out_option
@json_option
def accuracy_command(
    folders: tuple[Path, ...],
    weights: Path | None,
    full: bool,
    runtimes: tuple[str, ...],
    data: Path | None,
    split: str,
    table: Path | None,
    quick: bool,
    resume: bool,
    seed: int,
    threads: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Screen the same films with every network; compare each with the full network.

    Raw samples go to OUT/accuracy.jsonl film by film, what they say to OUT/accuracy.json.

    Example: pneumokiosk-bench accuracy --data chest_xray --split test --out runs/accuracy
    """
    from bench.accuracy import screen_films
    from bench.accuracy_score import score_accuracy
    from bench.accuracy_table import accuracy_table
    from bench.backends import shipped_full
    from bench.contenders import choose_contenders, division_of, load_artifacts
    from bench.results import write_run
    from bench.resuming import resumable

    if data is None and table is None:
        raise click.UsageError("Name the films by --data or --csv.")
    artifacts = load_artifacts(folders)
    weights = (weights or shipped_full()) if full else None
    films = _films(data, split, table, division_of(artifacts, weights))
    if quick:
        films = films.sampled(QUICK_FILMS)
    contenders = choose_contenders(artifacts, weights, runtimes, threads)
    settings = {**_settings(contenders, films), "quick": quick, "threads": threads}
    hashes = {each.name: each.sha256 for each in contenders.here}
    path = out / f"{FILE}.jsonl" if out else None
    with resumable(path, "accuracy", hashes, settings, resume) as recorder:
        if len(recorder.lines) == 1:  # the header: this run begins here
            for missing in contenders.missing:
                recorder.add("missing", name=missing.name, why=missing.why)
        screen_films(contenders.here, films.films, recorder)
    result = score_accuracy(recorder.lines, seed=seed)
    if out:
        write_run(out, FILE, result)
    show(result, accuracy_table(result), as_json)


def _films(
    data: Path | None, split: str, table: Path | None, division: tuple[float, int]
) -> FilmSet:
    from bench.films import films_of_table, find_films, require_labels

    if table:
        return require_labels(films_of_table(table, data))
    return require_labels(find_films(data or Path(), split, division))


def _settings(contenders: Contenders, films: FilmSet) -> dict[str, Any]:
    return {
        **films.describe(),
        "reference": contenders.here[0].name,
        "contenders": {each.name: each.describe() for each in contenders.here},
    }
