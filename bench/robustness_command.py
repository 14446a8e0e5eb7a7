"""The command ``robustness``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.options import PATH, json_option, out_option, show, threads_option

if TYPE_CHECKING:
    from bench.films import FilmSet

FILE = "robustness"
QUICK_FILMS = 24
THREADS = (1, 2, 4)


@click.command("robustness")
@click.option(
    "--artifact", "folders", type=PATH, multiple=True,
    help="Artifact folder; more than once for more. Default: the shipped ones, lite0 and slim.",
)  # fmt: skip
@click.option("--full", is_flag=True, help="Screen with the full network as well: far slower.")
@click.option("--weights", type=PATH, help="Trained full network. Default: the repository's.")
@click.option(
    "--backend", "runtimes", multiple=True,
    help="Further way to run the networks, such as onnxruntime; more than once for more.",
)  # fmt: skip
@click.option(
    "--data", type=PATH,
    help="chest_xray folder, folders NORMAL and PNEUMONIA, any folder of images, or a table "
    "file,label[,patient] that ends in .csv. Default: drawn phantoms.",
)  # fmt: skip
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
    help="Of a published folder: the test folder, or patients of the training folder.",
)
@click.option(
    "--other", "others", type=PATH, multiple=True,
    help="Another hospital's films, named as --data; more than once for more.",
)  # fmt: skip
@click.option(
    "--quick", is_flag=True, help=f"An evenly spaced sample of {QUICK_FILMS} films: a look."
)
@click.option("--resume", is_flag=True, help="Go on with the killed run in --out.")
@click.option("--seed", default=0, show_default=True, help="Of the bootstrap.")
@threads_option
@out_option
@json_option
def robustness_command(
    folders: tuple[Path, ...],
    full: bool,
    weights: Path | None,
    runtimes: tuple[str, ...],
    data: Path | None,
    split: str,
    others: tuple[Path, ...],
    quick: bool,
    resume: bool,
    seed: int,
    threads: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Screen films that are blurred, noised, compressed, re-exposed, turned or resampled.

    Raw samples go to OUT/robustness.jsonl film by film, what they say to OUT/robustness.json.

    Example: pneumokiosk-bench robustness --data chest_xray --other clinic/films.csv
    """
    from bench.backends import shipped_full
    from bench.changes import CHANGES, COPY, FILED
    from bench.contenders import choose_contenders, division_of, load_artifacts
    from bench.results import write_run
    from bench.resuming import resumable
    from bench.robustness import screen_changed
    from bench.robustness_score import score_robustness
    from bench.robustness_table import robustness_table

    artifacts = load_artifacts(folders)
    weights = (weights or shipped_full()) if full else None
    paths = [path for path in (data, *others) if path]
    sets = _sets(paths, split, division_of(artifacts, weights), quick)
    every = sorted({*THREADS, threads})
    contenders = {
        count: choose_contenders(artifacts, weights, runtimes, count).here for count in every
    }
    here = contenders[threads]
    settings = {
        "sets": [films.describe() for films in sets],
        "quick": quick,
        "threads": threads,
        "all_threads": every,
        "changes": [FILED, COPY, *(change.name for change in CHANGES)],
        "contenders": {each.name: each.describe() for each in here},
    }
    hashes = {each.name: each.sha256 for each in here}
    path = out / f"{FILE}.jsonl" if out else None
    with resumable(path, "robustness", hashes, settings, resume) as recorder:
        screen_changed(contenders, threads, sets, recorder)
    result = score_robustness(recorder.lines, seed=seed)
    if out:
        write_run(out, FILE, result)
    show(result, robustness_table(result), as_json)


def _sets(paths: list[Path], split: str, division: tuple[float, int], quick: bool) -> list[FilmSet]:
    """The films of every path; drawn ones where none is named.

    Raises:
        DataRefused: ``same_name``: two sets cannot be told apart; or as `bench.films.find_films`.
    """
    from bench.films import drawn_films, find_films
    from edge.errors import DataRefused

    sets = [find_films(path, split, division) for path in paths] or [drawn_films()]
    names = [films.name for films in sets]
    if len(set(names)) < len(names):
        raise DataRefused("same_name", f"Sets of films need different names. Received: {names}")
    return [films.sampled(QUICK_FILMS) if quick else films for films in sets]
