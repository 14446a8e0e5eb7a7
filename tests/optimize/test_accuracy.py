"""Known margins give known figures, differences and changed decisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optimize.accuracy import measure_accuracies, measure_accuracy, scores_of
from optimize.scoring import Margins
from optimize.variants import Variant
from train.datasets import Sample
from train.weights import Weights

# Of `FACTS`: slope 0.2, intercept 0.1, refer at 0.6, which is a margin of 1.527.
THRESHOLD = (np.log(0.6 / 0.4) - 0.1) / 0.2


def sample(number: int, label: int) -> Sample:
    folder = ("NORMAL", "PNEUMONIA")[label]
    return Sample(Path(folder) / f"{number}.jpeg", label, str(number), "normal")


SAMPLES = [sample(i, int(i >= 10)) for i in range(20)]
MARGINS = np.linspace(-8, 12, 20)


@pytest.fixture
def variant(tiny_weights: Weights) -> Variant:
    return Variant("known", tiny_weights, b"")


def test_scores_are_calibrated(variant: Variant) -> None:
    scores = scores_of(variant, np.array([THRESHOLD, -0.5]))
    np.testing.assert_allclose(scores, [0.6, 0.5])


def test_a_file_like_its_network_changes_nothing(variant: Variant) -> None:
    margins = Margins(MARGINS, MARGINS, "kept")
    found = measure_accuracy(variant, margins, SAMPLES, scores_of(variant, MARGINS), resamples=50)
    assert found["changed"] == []
    assert found["auc_difference"]["value"] == found["auc_difference"]["low"] == 0
    assert found["auc_difference_to_network"]["p_value"] == 1
    assert found["evaluation"]["figures"]["auc"]["value"] == 1
    assert found["evaluation"]["threshold"] == 0.6
    assert found["threshold_chosen_on"] == "validation"


def test_films_that_cross_the_threshold_are_listed(variant: Variant) -> None:
    moved = MARGINS.copy()
    up, down, unharmed = 3, 15, 17
    moved[up], moved[down] = THRESHOLD + 0.01, THRESHOLD - 0.01
    moved[unharmed] += 1
    found = measure_accuracy(
        variant, Margins(moved, MARGINS, "kept"), SAMPLES, scores_of(variant, MARGINS),
        resamples=50,
    )  # fmt: skip
    changed = {film["file"]: film for film in found["changed"]}
    assert changed.keys() == {"NORMAL/3.jpeg", "PNEUMONIA/15.jpeg"}
    assert changed["NORMAL/3.jpeg"]["network_score"] < 0.6 <= changed["NORMAL/3.jpeg"]["score"]
    assert found["auc_difference"] == found["auc_difference_to_network"]
    # Of 100 pairs, film 3 stands above those from 10 on whose margins are smaller.
    overtaken = sum(MARGINS[10:][np.arange(10) != 5] < moved[up]) + (moved[down] < moved[up])
    overtaken += sum(moved[down] < MARGINS[i] for i in range(10) if i != up)
    assert found["auc_difference"]["value"] == pytest.approx(-overtaken / 100)


def test_the_first_variant_is_what_others_are_compared_with(tiny_weights: Weights) -> None:
    rng = np.random.default_rng(0)
    noisy = MARGINS + rng.normal(0, 6, 20)
    variants = [Variant(name, tiny_weights, b"") for name in ("full", "noisy")]
    margins = {"full": Margins(MARGINS, MARGINS, "a"), "noisy": Margins(noisy, noisy, "b")}
    found = measure_accuracies(variants, margins, SAMPLES, resamples=50, progress=False)
    assert list(found) == ["full", "noisy"]
    difference = found["noisy"]["auc_difference"]
    aucs = [found[name]["evaluation"]["figures"]["auc"]["value"] for name in found]
    assert difference["value"] == pytest.approx(aucs[1] - aucs[0])
    assert difference["low"] < difference["value"] < difference["high"]
    assert found["noisy"]["auc_difference_to_network"]["value"] == 0
