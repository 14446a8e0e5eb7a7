"""Raw samples of an accuracy run become its figures: a pure step, done again at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from bench.attention_agreement import agreement_over_films
from bench.samples import samples_of, was_finished
from edge.quality import SENTENCES
from train.evaluation import Floats, Labels, evaluate, figures_at
from train.reporting.measurement import compare
from train.reporting.reliability import reliability, share_with_interval

SAMPLE = "film"
"""The kind of every sample: one film, seen by one contender."""
RECALL = 0.967
"""Of the paper's network."""
RESAMPLES = 2000

Line = dict[str, Any]
Films = Mapping[str, Line]
"""What one contender said of each film, by the name of its file."""


def score_accuracy(lines: list[Line], resamples: int = RESAMPLES, seed: int = 0) -> Line:
    """Score a run, finished or not.

    Args:
        lines: from `bench.samples.read_samples`, of kind ``"accuracy"``.
        resamples: bootstrap samples behind every interval.
        seed: of the bootstrap.

    Returns:
        The run's description; ``variants``: by name what `_measured` and `_compared` say; and
        ``missing``: backends that are not available here, with the reason.
    """
    header = lines[0]
    settings = header["settings"]
    contenders: Mapping[str, Line] = settings["contenders"]
    said = by_variant(samples_of(lines, SAMPLE))
    reference = settings["reference"]
    variants = {}
    for name, described in contenders.items():
        films = said.get(name, {})
        threshold = described["thresholds"]["refer"]
        variants[name] = {**described, **_measured(films, threshold, resamples, seed)}
        if name != reference:
            base = said.get(reference, {})
            thresholds = contenders[reference]["thresholds"]["refer"], threshold
            variants[name]["against_reference"] = _compared(
                base, films, thresholds, resamples, seed
            )
    return {
        **{key: settings[key] for key in ("data", "films", "listed", "quick", "threads")},
        "finished": was_finished(lines),
        "command": header["command"],
        "machine": header["machine"],
        "reference": reference,
        "recall": RECALL,
        "resamples": resamples,
        "seed": seed,
        "artifacts": header["artifacts"],
        "variants": variants,
        "missing": [
            {"name": line["name"], "why": line["why"]} for line in samples_of(lines, "missing")
        ],
    }


def by_variant(samples: Sequence[Line]) -> dict[str, dict[str, Line]]:
    """Samples by contender, then by file, in the order in which they came."""
    found: dict[str, dict[str, Line]] = {}
    for line in samples:
        found.setdefault(line["variant"], {})[line["file"]] = line
    return found


def refusals(films: Films) -> Line:
    """Which films were refused, and how many of those that could be read the gates refused.

    Every film of a data set of chest X-rays that a gate refuses is refused falsely; a file that
    is damaged is not.

    Returns:
        ``films``, ``screened``, ``refused`` (file and reasons), ``reasons`` (films by code), and
        ``false_refusals``: share of the readable films that a gate refused, with its interval;
        None where no film could be read.
    """
    refused = [line for line in films.values() if line["score"] is None]
    codes = [[reason["code"] for reason in line["reasons"]] for line in refused]
    by_gate = sum(any(code in SENTENCES for code in each) for each in codes)
    readable = len(films) - len(refused) + by_gate
    return {
        "films": len(films),
        "screened": len(films) - len(refused),
        "refused": [{"file": line["file"], "reasons": line["reasons"]} for line in refused],
        "reasons": dict(Counter(code for each in codes for code in each)),
        "false_refusals": asdict(share_with_interval(by_gate, readable)) if readable else None,
    }


def labels_and_scores(films: Sequence[Line]) -> tuple[Labels, Floats]:
    """(n,) labels and (n,) scores of films that were screened."""
    labels = np.array([line["label"] for line in films], np.int64)
    return labels, np.array([line["score"] for line in films], np.float64)


def _measured(films: Films, threshold: float, resamples: int, seed: int) -> Line:
    """What one contender reached, on the films that it screened."""
    screened = [line for line in films.values() if line["score"] is not None]
    found = {
        "refusals": refusals(films),
        "outcomes": dict(Counter(line["outcome"] for line in films.values())),
        "evaluation": None,
    }
    labels, scores = labels_and_scores(screened)
    if len(np.unique(labels)) < 2:
        return found
    calibration = reliability(labels, scores, resamples, seed)
    return {
        **found,
        "evaluation": evaluate(labels, scores, threshold, resamples, seed).to_dict(),
        "at_recall": _at_recall(labels, scores),
        "ece": asdict(calibration.ece),
        "brier": asdict(calibration.brier),
    }


def _at_recall(labels: Labels, scores: Floats) -> Line:
    """The figures at the highest threshold that keeps `RECALL` on these very films."""
    positives = np.sort(scores[labels == 1])
    given_up = int((1 - RECALL) * len(positives) + 1e-9)
    threshold = float(positives[given_up])
    return {"threshold": threshold, **figures_at(labels, scores, threshold)}


def _compared(
    reference: Films, films: Films, thresholds: tuple[float, float], resamples: int, seed: int
) -> Line:
    """One contender against the reference, on the films that both screened."""
    common = [file for file in films if file in reference]
    pairs = [(reference[file], films[file]) for file in common]
    both = [pair for pair in pairs if None not in (pair[0]["score"], pair[1]["score"])]
    one_side = [
        second["file"]
        for first, second in pairs
        if (first["score"] is None) != (second["score"] is None)
    ]
    labels, first = labels_and_scores([pair[0] for pair in both])
    _, second = labels_and_scores([pair[1] for pair in both])
    decided = [s >= t for s, t in zip((first, second), thresholds, strict=True)]
    enough = len(both) and min(np.bincount(labels, minlength=2)) >= 2
    one, other = (
        {"scores": s, "threshold": t} for s, t in zip((first, second), thresholds, strict=True)
    )
    return {
        "films": len(both),
        "refused_by_one_side": one_side,
        "changed_decisions": int((decided[0] != decided[1]).sum()),
        "changed": [_change(*pair) for pair in pairs if pair[0]["outcome"] != pair[1]["outcome"]],
        "tests": compare(labels, one, other, resamples, seed) if enough else None,
        "attention": agreement_over_films(_maps(both), resamples, seed),
    }


def _change(reference: Line, own: Line) -> Line:
    return {
        "file": own["file"],
        "label": own["label"],
        "outcome": own["outcome"],
        "score": own["score"],
        "reference_outcome": reference["outcome"],
        "reference_score": reference["score"],
    }


def _maps(pairs: Sequence[tuple[Line, Line]]) -> list[tuple[Any, Any]]:
    return [
        (np.array(own["attention"]), np.array(reference["attention"]))
        for reference, own in pairs
        if own["attention"] is not None and reference["attention"] is not None
    ]
