"""Two networks on the same images: paired tests and paired differences.

Intervals of two networks may overlap although one is better on the same images; these tests take
the pairing into account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm, rankdata

from train.evaluation import Estimate, Floats, Labels, bootstrap

Figures = Callable[[Labels, Floats], dict[str, float]]


@dataclass(frozen=True)
class AucComparison:
    """DeLong's test of two AUCs.

    Attributes:
        first: AUC of the first scores.
        second: AUC of the second scores.
        difference: second minus first, with its 95 % interval.
        p_value: two-sided, of no difference.
    """

    first: float
    second: float
    difference: Estimate
    p_value: float


@dataclass(frozen=True)
class DecisionComparison:
    """McNemar's exact test of two decisions.

    Attributes:
        first_only: images that only the first network decided rightly.
        second_only: images that only the second decided rightly.
        p_value: two-sided, of equal accuracy.
    """

    first_only: int
    second_only: int
    p_value: float


def delong_covariance(labels: Labels, scores: Floats) -> tuple[Floats, Floats]:
    """AUCs of several scores of the same images, and their covariance.

    DeLong, DeLong and Clarke-Pearson, Biometrics 1988, doi 10.2307/2531595, by the ranks of Sun
    and Xu, IEEE Signal Processing Letters 2014, doi 10.1109/LSP.2014.2337313.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia.
        scores: (n, k) higher for pneumonia.

    Returns:
        (k,) AUCs and their (k, k) covariance.

    Raises:
        ValueError: a label occurs fewer than two times.
    """
    positives, negatives = scores[labels == 1], scores[labels == 0]
    m, n = len(positives), len(negatives)
    if min(m, n) < 2:
        raise ValueError(f"Each label must occur at least twice. Received: {n} and {m}.")
    ranks = rankdata(np.concatenate([positives, negatives]), axis=0)
    aucs = (ranks[:m].sum(axis=0) - m * (m + 1) / 2) / (m * n)
    # The share of the other class that each image is ordered rightly against.
    of_positives = (ranks[:m] - rankdata(positives, axis=0)) / n
    of_negatives = 1 - (ranks[m:] - rankdata(negatives, axis=0)) / m
    covariance = np.cov(of_positives, rowvar=False) / m + np.cov(of_negatives, rowvar=False) / n
    return np.asarray(aucs, np.float64), np.atleast_2d(covariance)


def delong_test(labels: Labels, first: Floats, second: Floats) -> AucComparison:
    """Whether two AUCs on the same images differ.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia.
        first: (n,) scores of one network.
        second: (n,) scores of the other.

    Raises:
        ValueError: a label occurs fewer than two times.
    """
    aucs, covariance = delong_covariance(labels, np.stack([first, second], axis=1))
    difference = float(aucs[1] - aucs[0])
    deviation = float(np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0)))
    if deviation < 1e-9:  # the two order all images alike, or both without an error
        p_value = 1.0 if abs(difference) < 1e-9 else 0.0
    else:
        p_value = 2 * float(norm.sf(abs(difference) / deviation))
    reach = float(norm.ppf(0.975)) * deviation
    interval = Estimate(difference, difference - reach, difference + reach)
    return AucComparison(float(aucs[0]), float(aucs[1]), interval, p_value)


def mcnemar_test(labels: Labels, first: Labels, second: Labels) -> DecisionComparison:
    """Whether two decisions about the same images are right equally often.

    McNemar, Psychometrika 1947, in its exact binomial form.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia.
        first: (n,) what one network decided, 0 or 1.
        second: (n,) what the other decided.
    """
    first_only = int(((first == labels) & (second != labels)).sum())
    second_only = int(((first != labels) & (second == labels)).sum())
    differing = first_only + second_only
    p_value = float(binomtest(first_only, differing, 0.5).pvalue) if differing else 1.0
    return DecisionComparison(first_only, second_only, p_value)


def paired_differences(
    labels: Labels,
    scores: Floats,
    figures: tuple[Figures, Figures],
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Second minus first for every figure, with a 95 % interval of the paired bootstrap.

    Every resample takes the same images for both networks.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia.
        scores: (n, 2) of the first and of the second network.
        figures: of the first and of the second network, with the same names.
        resamples: bootstrap samples, stratified by label.
        seed: of the bootstrap.
    """

    def differences(y: Labels, s: Floats) -> dict[str, float]:
        first, second = (of(y, s[:, i]) for i, of in enumerate(figures))
        return {name: second[name] - first[name] for name in first}

    return bootstrap(labels, scores, differences, resamples, seed)
