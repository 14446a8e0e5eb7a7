"""A child is on one side of the split, and the same seed always gives the same split."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from edge.errors import DataRefused
from train.datasets import Sample
from train.splits import load_training_data, split_by_patient


def drawn_samples(seed: int) -> list[Sample]:
    """A data set with up to five films a patient, some patients with both kinds of pneumonia."""
    rng = np.random.default_rng(seed)
    samples = []
    for label, kind in ((0, "normal"), (1, "bacteria"), (1, "virus")):
        for patient in range(int(rng.integers(2, 40))):
            # bacterial and viral films share patient numbers, as in the published set
            name = f"{'NORMAL/IM' if label == 0 else 'PNEUMONIA/person'}{patient}"
            for film in range(int(rng.integers(1, 6))):
                samples.append(Sample(Path(f"{name}-{kind}-{film}"), label, name, kind))
    return samples


def paths(samples: list[Sample], indices: list[int]) -> set[Path]:
    return {samples[i].path for i in indices}


@pytest.mark.parametrize("seed", range(20))
def test_every_image_is_on_one_side_and_no_patient_on_both(seed: int) -> None:
    samples = drawn_samples(seed)
    training, validation = split_by_patient(samples, 0.3, seed)
    assert sorted(training + validation) == list(range(len(samples)))
    assert training == sorted(training) and validation == sorted(validation)
    assert not {samples[i].patient for i in training} & {samples[i].patient for i in validation}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("fraction", [0.1, 0.5])
def test_each_stratum_is_held_out_by_the_same_share(seed: int, fraction: float) -> None:
    samples = drawn_samples(seed)
    kinds = defaultdict(set)
    for sample in samples:
        kinds[sample.patient].add(sample.subtype)
    strata = defaultdict(set)
    for patient, found in kinds.items():
        strata[frozenset(found)].add(patient)
    _, validation = split_by_patient(samples, fraction, seed)
    held_out = {samples[i].patient for i in validation}
    assert len(strata) >= 3
    for patients in strata.values():
        assert len(held_out & patients) == round(fraction * len(patients))


@pytest.mark.parametrize("seed", range(5))
def test_the_seed_decides_and_the_order_of_files_does_not(seed: int) -> None:
    samples = drawn_samples(100)
    shuffled = [samples[i] for i in np.random.default_rng(seed).permutation(len(samples))]
    _, first = split_by_patient(samples, 0.3, seed)
    _, second = split_by_patient(shuffled, 0.3, seed)
    _, other = split_by_patient(samples, 0.3, seed + 1)
    assert paths(samples, first) == paths(shuffled, second)
    assert paths(samples, first) != paths(samples, other)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_impossible_fractions_are_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction.*Received"):
        split_by_patient(drawn_samples(0), fraction, 0)


def test_training_folder_is_split_without_its_copies(chest_xray: Path) -> None:
    images = load_training_data(chest_xray, 0.3, 0, progress=False)
    assert images.duplicates == 3
    sides = (images.training, images.validation)
    assert sum(len(side.samples) for side in sides) == 32
    for side in sides:
        assert len(side.pixels) == len(side.samples)
        assert set(side.labels) == {0, 1}
        assert {sample.path.parents[1].name for sample in side.samples} == {"train"}
    patients = [{sample.patient for sample in side.samples} for side in sides]
    assert not patients[0] & patients[1]


def test_same_seed_same_split_of_the_folder(chest_xray: Path) -> None:
    def validation(seed: int) -> list[Path]:
        images = load_training_data(chest_xray, 0.3, seed, progress=False)
        return [sample.path for sample in images.validation.samples]

    assert validation(1) == validation(1)
    assert len({tuple(validation(seed)) for seed in range(4)}) > 1


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_a_side_without_one_class_is_refused(
    chest_xray: Path, tmp_path: Path, fraction: float
) -> None:
    data = tmp_path / "chest_xray"
    for name in ("NORMAL/IM-0115-0001", "NORMAL/IM-0117-0001", "PNEUMONIA/person1_bacteria_1"):
        (data / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(chest_xray / "train" / f"{name}.jpeg", data / "train" / f"{name}.jpeg")
    with pytest.raises(DataRefused) as refusal:
        load_training_data(data, fraction, 0, progress=False)
    assert refusal.value.code == "too_few_patients"
