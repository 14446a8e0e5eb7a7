"""Raw samples of a robustness run become its figures: a pure step, done again at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.accuracy_score import labels_and_scores, refusals
from bench.changes import COPY, FILED
from bench.samples import samples_of, was_finished
from train.evaluation import evaluate

SAMPLE = "film"
"""The kind of every sample: one film under one change, seen by one contender."""
RESAMPLES = 500

Line = dict[str, Any]
Films = Mapping[str, Line]
"""What one contender said of each film under one change, by the name of its file."""
Group = tuple[str, str, int, str]
"""Set, contender, threads, change."""


def score_robustness(lines: list[Line], resamples: int = RESAMPLES, seed: int = 0) -> Line:
    """Score a run, finished or not.

    Args:
        lines: from `bench.samples.read_samples`, of kind ``"robustness"``.
        resamples: bootstrap samples behind every interval.
        seed: of the bootstrap.

    Returns:
        The run's description, and ``sets``: for each set of films by name its description and

        - ``variants``: by contender and change what `_under` says;
        - ``between_variants``: by contender how its scores of unchanged films differ from those of
          the first contender of its network (`_moved`);
        - ``between_threads``: by contender and number of threads how they differ from those with
          the run's own number.
    """
    header = lines[0]
    settings = header["settings"]
    groups: dict[Group, dict[str, Line]] = {}
    for line in samples_of(lines, SAMPLE):
        group = (line["set"], line["variant"], line["threads"], line["change"])
        groups.setdefault(group, {})[line["file"]] = line
    sets = {
        films["data"]: {**films, **_of_set(films["data"], settings, groups, resamples, seed)}
        for films in settings["sets"]
    }
    return {
        "finished": was_finished(lines),
        "command": header["command"],
        "machine": header["machine"],
        "artifacts": header["artifacts"],
        "quick": settings["quick"],
        "threads": settings["threads"],
        "contenders": settings["contenders"],
        "resamples": resamples,
        "seed": seed,
        "sets": sets,
    }


def _of_set(
    name: str, settings: Line, groups: Mapping[Group, Films], resamples: int, seed: int
) -> Line:
    contenders, threads = settings["contenders"], settings["threads"]

    def films(variant: str, change: str = FILED, count: int = threads) -> Films:
        return groups.get((name, variant, count, change), {})

    variants, between_variants, between_threads = {}, {}, {}
    firsts: dict[str, str] = {}
    for variant, described in contenders.items():
        threshold = described["thresholds"]["refer"]
        variants[variant] = {
            change: {
                "against": _base(change),
                **_under(films(variant, change), threshold, resamples, seed),
                **_moved(films(variant, _base(change)), films(variant, change)),
            }
            for change in settings["changes"]
        }
        first = firsts.setdefault(described["network"], variant)
        if first != variant:
            moved = _moved(films(first), films(variant))
            between_variants[variant] = {"against": first, **moved}
        between_threads[variant] = {
            str(count): _moved(films(variant), films(variant, count=count))
            for count in settings["all_threads"]
            if count != threads
        }
    return {
        "variants": variants,
        "between_variants": between_variants,
        "between_threads": between_threads,
    }


def _base(change: str) -> str:
    return FILED if change in (FILED, COPY) else COPY


def _moved(before: Films, after: Films) -> Line:
    """How far scores moved, over the films that were screened both times.

    Returns:
        ``pairs``; ``mean``, ``p95`` and ``largest`` absolute difference of the score, None without
        a pair; ``largest_in``, the file of the last; and, over all films, ``changed_outcomes``
        (a refusal is an outcome as well) with the ``changed`` files.
    """
    common = [file for file in after if file in before]
    pairs = [f for f in common if None not in (before[f]["score"], after[f]["score"])]
    moves = np.array([abs(after[f]["score"] - before[f]["score"]) for f in pairs])
    changed = [f for f in common if before[f]["outcome"] != after[f]["outcome"]]
    return {
        "pairs": len(pairs),
        "mean": float(moves.mean()) if pairs else None,
        "p95": float(np.percentile(moves, 95)) if pairs else None,
        "largest": float(moves.max()) if pairs else None,
        "largest_in": pairs[int(moves.argmax())] if pairs else None,
        "changed_outcomes": len(changed),
        "changed": [
            {"file": f, "before": before[f]["outcome"], "after": after[f]["outcome"]}
            for f in changed
        ],
    }


def _under(films: Films, threshold: float, resamples: int, seed: int) -> Line:
    """Refusals under one change and, where both labels occur, the figures."""
    return {
        "refusals": refusals(films),
        "evaluation": _evaluated(list(films.values()), threshold, resamples, seed),
    }


def _evaluated(films: Sequence[Line], threshold: float, resamples: int, seed: int) -> Line | None:
    known = [line for line in films if line["score"] is not None and line["label"] is not None]
    labels, scores = labels_and_scores(known)
    if len(np.unique(labels)) < 2:
        return None
    return evaluate(labels, scores, threshold, resamples, seed).to_dict()
