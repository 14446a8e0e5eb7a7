"""The same films, changed in known ways and screened again; every score is kept as a raw sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tqdm import tqdm

from bench.accuracy import answer_of, unreadable
from bench.changes import CHANGES, COPY, FILED, Change, as_file, small_copy
from bench.contenders import Contender
from bench.films import Film, FilmSet
from bench.robustness_score import SAMPLE
from bench.samples import Recorder, samples_of
from edge.errors import ImageRefused
from edge.radiograph import read_radiograph

Line = dict[str, Any]


def screen_changed(
    contenders: Mapping[int, Sequence[Contender]],
    threads: int,
    sets: Sequence[FilmSet],
    recorder: Recorder,
    changes: Sequence[Change] = CHANGES,
    progress: bool = True,
) -> None:
    """Screen every film as it was filed, with every number of threads, and under every change.

    What the recorder holds already is not asked again. Of a film that cannot be decoded there is
    one sample for each contender, which says so, and none of its changes.

    Args:
        contenders: by the number of threads of a prediction.
        threads: the number with which changed films are screened; a key of ``contenders``.
        sets: films of one hospital each, of different names.
        recorder: where the samples go.
        changes: to screen under.
        progress: show a progress bar for each set.
    """
    done = {key_of(line) for line in samples_of(recorder.lines, SAMPLE)}
    for films in sets:
        for film in tqdm(films.films, f"screening {films.name}", disable=not progress):
            for change, data in _versions(film, changes):
                for count, group in contenders.items():
                    if change == FILED or count == threads:
                        known = {"set": films.name, "file": film.file, "label": film.label}
                        known |= {"change": change, "threads": count}
                        _ask(group, data, known, done, recorder)


def key_of(line: Line) -> tuple[Any, ...]:
    """What tells one sample of a run from another."""
    return tuple(line[name] for name in ("set", "file", "change", "threads", "variant"))


def _ask(
    group: Sequence[Contender],
    data: bytes | OSError,
    known: Line,
    done: set[tuple[Any, ...]],
    recorder: Recorder,
) -> None:
    for each in group:
        line = {**known, "variant": each.name}
        if key_of(line) not in done:
            answer = unreadable(data) if isinstance(data, OSError) else answer_of(each.screen(data))
            del answer["attention"]
            recorder.add(SAMPLE, **line, **answer)


def _versions(film: Film, changes: Sequence[Change]) -> Iterator[tuple[str, bytes | OSError]]:
    """A film's files by the name of the change."""
    try:
        data = film.read()
    except OSError as error:
        yield FILED, error
        return
    yield FILED, data
    try:
        copy = small_copy(read_radiograph(data).pixels)
    except ImageRefused:  # the sample of the file itself says why
        return
    yield COPY, as_file(copy)
    for change in changes:
        yield change.name, as_file(change.apply(copy))
