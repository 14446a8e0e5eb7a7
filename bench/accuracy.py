"""Every contender screens the same films; what each says of each film is kept as a raw sample."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy.typing as npt
from tqdm import tqdm

from bench.accuracy_score import SAMPLE
from bench.contenders import Contender
from bench.films import Film
from bench.samples import Recorder, samples_of
from edge.screening import Screening

DECIMALS = 3
"""Of an attention map, whose largest value is 1."""


def screen_films(
    contenders: Iterable[Contender],
    films: Iterable[Film],
    recorder: Recorder,
    progress: bool = True,
) -> None:
    """Screen every film by every contender and record one sample for each pair.

    All contenders see a film before the next one is read, so that a killed run leaves pairs. What
    the recorder holds already is not asked again. A film that cannot be read or screened becomes
    a sample that says so.

    Args:
        contenders: from `bench.contenders.choose_contenders`.
        films: to screen.
        recorder: where the samples go.
        progress: show a progress bar.
    """
    done = {(line["file"], line["variant"]) for line in samples_of(recorder.lines, SAMPLE)}
    contenders, films = tuple(contenders), tuple(films)
    for film in tqdm(films, "screening", disable=not progress):
        left = [each for each in contenders if (film.file, each.name) not in done]
        for name, answer in _answers(film, left):
            recorder.add(
                SAMPLE,
                file=film.file,
                label=film.label,
                patient=film.patient,
                variant=name,
                **answer,
            )


def answer_of(screening: Screening) -> dict[str, Any]:
    """What a sample keeps of a screening: score, outcome, reasons and attention map."""
    return {
        "score": screening.score,
        "outcome": screening.outcome,
        "reasons": [{"code": code, "message": message} for code, message in screening.reasons],
        "attention": None if screening.attention is None else _rounded(screening.attention),
    }


def unreadable(error: OSError) -> dict[str, Any]:
    """What a sample says of a file that the system does not hand out."""
    reason = {"code": "unreadable_file", "message": f"The file cannot be read: {error.strerror}."}
    return {"score": None, "outcome": "refused", "reasons": [reason], "attention": None}


def _answers(film: Film, contenders: list[Contender]) -> Iterable[tuple[str, dict[str, Any]]]:
    if not contenders:
        return
    try:
        data = film.read()
    except OSError as error:
        yield from ((each.name, unreadable(error)) for each in contenders)
        return
    for each in contenders:
        yield each.name, answer_of(each.screen(data))


def _rounded(attention: npt.NDArray[Any]) -> list[list[float]]:
    return [[round(float(value), DECIMALS) for value in row] for row in attention]
