"""How right a variant is, and where it decides otherwise than the network that it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from tqdm import tqdm

from optimize.scoring import Margins, film_name
from optimize.variants import Variant
from train.datasets import Sample
from train.evaluation import Floats, evaluate
from train.operating import calibrate, decision_from
from train.reporting.comparison import delong_test
from train.reporting.measurement import labels_of

RESAMPLES = 2000


def measure_accuracies(
    variants: Sequence[Variant],
    margins: Mapping[str, Margins],
    samples: Sequence[Sample],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: bool = True,
) -> dict[str, dict[str, Any]]:
    """Measure several variants.

    Args:
        variants: the first is the full network, which the others are compared with.
        margins: from `optimize.scoring.score_variants`.
        samples: the n films.
        seed: of the bootstrap.
        resamples: bootstrap samples.
        progress: show a progress bar.

    Returns:
        What `measure_accuracy` says, by the name of the variant.

    Raises:
        ValueError: a label occurs fewer than two times.
    """
    reference = scores_of(variants[0], margins[variants[0].name].file)
    return {
        variant.name: measure_accuracy(
            variant, margins[variant.name], samples, reference, seed, resamples
        )
        for variant in tqdm(variants, "comparing", disable=not progress)
    }


def measure_accuracy(
    variant: Variant,
    margins: Margins,
    samples: Sequence[Sample],
    reference: Floats,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Measure one variant, at the threshold of its own weights.

    Args:
        variant: the file with its weights.
        margins: from `optimize.scoring.score_variants`.
        samples: the n films.
        reference: (n,) scores of the full network on the same films.
        seed: of the bootstrap.
        resamples: bootstrap samples.

    Returns:
        Plain values: ``evaluation`` as `train.evaluation.evaluate` gives it; ``auc_difference`` to
        the reference and ``auc_difference_to_network`` to the variant's own float network, each
        with its 95 % interval and the p-value of DeLong's test; ``changed``: films about which
        file and float network decide differently, with both scores.

    Raises:
        ValueError: a label occurs fewer than two times.
    """
    decision = decision_from(variant.weights.facts)
    labels = labels_of(samples)
    own, network = scores_of(variant, margins.file), scores_of(variant, margins.network)
    changed = np.flatnonzero((own >= decision.threshold) != (network >= decision.threshold))
    return {
        "evaluation": evaluate(labels, own, decision.threshold, resamples, seed).to_dict(),
        "threshold_chosen_on": decision.chosen_on,
        "auc_difference": _difference(labels, reference, own),
        "auc_difference_to_network": _difference(labels, network, own),
        "changed": [
            {
                "file": film_name(samples[i]),
                "score": float(own[i]),
                "network_score": float(network[i]),
            }
            for i in changed.tolist()
        ],
    }


def scores_of(variant: Variant, margins: Floats) -> Floats:
    """(n,) margins to (n,) calibrated scores."""
    return calibrate(margins, decision_from(variant.weights.facts).calibration)


def _difference(labels: Any, first: Floats, second: Floats) -> dict[str, Any]:
    found = delong_test(labels, first, second)
    return {**asdict(found.difference), "p_value": found.p_value}
