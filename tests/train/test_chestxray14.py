"""ChestX-ray14 is read as published, and a fifth of its patients is never learned from."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from edge.errors import DataRefused
from train.chestxray14 import (
    FINDINGS,
    UNDECIDED,
    AdultSample,
    decided,
    list_chestxray14,
    split_chestxray14,
)
from train.datasets import load_images

TABLE = "Data_Entry_2017_v2020.csv"


@pytest.fixture
def copy(chestxray14: Path, tmp_path: Path) -> Path:
    """A folder to spoil: a few images and the whole table."""
    root = tmp_path / "copy"
    (root / "images").mkdir(parents=True)
    shutil.copy(chestxray14 / TABLE, root)
    for path in sorted((chestxray14 / "images").iterdir())[:3]:
        shutil.copy(path, root / "images")
    return root


def refusal(root: Path) -> DataRefused:
    with pytest.raises(DataRefused) as found:
        list_chestxray14(root)
    return found.value


def by_name(root: Path) -> dict[str, AdultSample]:
    return {sample.path.name: sample for sample in list_chestxray14(root).samples}


def test_rows_without_an_image_are_counted(chestxray14: Path, copy: Path) -> None:
    listed = list_chestxray14(chestxray14)
    assert (len(listed.samples), listed.rows) == (110, 120)
    assert str(listed) == "110 of 120 rows have an image"
    assert all(sample.path.is_file() for sample in listed.samples)
    assert str(list_chestxray14(copy)) == "3 of 120 rows have an image"


def test_findings_decide_label_and_group(chestxray14: Path) -> None:
    samples = by_name(chestxray14)
    expected = {
        "00000001_000.png": (1, {"Pneumonia"}, "AP", "pneumonia AP"),
        "00000002_001.png": (0, frozenset[str](), "PA", "no finding PA"),
        "00000003_000.png": (UNDECIDED, {"Mass", "Effusion"}, "AP", "other AP"),
        "00000004_001.png": (1, {"Consolidation", "Edema"}, "PA", "pneumonia PA"),
    }
    for name, (label, findings, view, group) in expected.items():
        sample = samples[name]
        assert (sample.label, set(sample.findings), sample.view) == (label, set(findings), view)
        assert sample.group == group
        assert sample.patient == str(int(name[:8]))


def test_every_finding_is_known_but_not_always_pneumonia(chestxray14: Path) -> None:
    samples = by_name(chestxray14)
    sick = samples["00000001_000.png"].known
    assert sick == dict.fromkeys(FINDINGS, 0.0) | {"Pneumonia": 1, "pneumonia": 1, "normal": 0}
    well = samples["00000002_000.png"].known
    assert well == dict.fromkeys(FINDINGS, 0.0) | {"pneumonia": 0, "normal": 1}
    other = samples["00000003_000.png"].known
    assert other == dict.fromkeys(FINDINGS, 0.0) | {"Mass": 1, "Effusion": 1}


def test_decided_films_are_those_with_a_label(chestxray14: Path) -> None:
    samples = list_chestxray14(chestxray14).samples
    kept = decided(samples)
    assert {s.label for s in samples} == {0, 1, UNDECIDED}
    assert set(samples) - set(kept) == {s for s in samples if s.label == UNDECIDED}


def test_no_patient_stands_on_two_sides(chestxray14: Path) -> None:
    for seed in range(5):
        split = split_chestxray14(chestxray14, 0.2, seed)
        sides = [{s.patient for s in p} for p in (split.training, split.validation, split.held_out)]
        assert all(sides)
        assert sum(map(len, sides)) == len(set.union(*sides)) == 55
        films = (*split.training, *split.validation, *split.held_out)
        assert Counter(films) == Counter(list_chestxray14(chestxray14).samples)


def test_the_held_out_fifth_depends_on_no_recipe(chestxray14: Path) -> None:
    held_out = split_chestxray14(chestxray14, 0.2, 0).held_out
    assert len({s.patient for s in held_out}) == pytest.approx(55 / 5, abs=2)
    for fraction, seed in ((0.2, 1), (0.15, 0), (0.5, 14)):
        assert split_chestxray14(chestxray14, fraction, seed).held_out == held_out


def test_validation_patients_depend_on_the_seed(chestxray14: Path) -> None:
    first, again, other = (split_chestxray14(chestxray14, 0.2, seed) for seed in (0, 0, 1))
    assert first == again
    assert first.validation != other.validation
    assert first.summary == "110 of 120 rows have an image"


def test_images_are_loaded_in_order(copy: Path) -> None:
    samples = list_chestxray14(copy).samples
    images = load_images(samples, progress=False)
    assert images.samples == samples
    assert images.pixels.shape == (3, 224, 224)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    found = refusal(tmp_path / "none")
    assert found.code == "missing_folder" and "none" in found.message


def test_missing_table_is_refused(copy: Path) -> None:
    (copy / TABLE).unlink()
    found = refusal(copy)
    assert found.code == "missing_table" and "Data_Entry_2017" in found.message


def test_folder_without_named_images_is_refused(copy: Path) -> None:
    for path in (copy / "images").iterdir():
        path.unlink()
    assert refusal(copy).code == "no_images"


def test_unknown_finding_is_refused_with_its_row(copy: Path) -> None:
    table = copy / TABLE
    lines = table.read_text().splitlines()
    lines[7] = lines[7].replace(lines[7].split(",")[1], "Mass|Dragon")
    table.write_text("\n".join(lines))
    found = refusal(copy)
    assert found.code == "unknown_finding"
    assert "Dragon" in found.message and "row 7" in found.message


@pytest.mark.parametrize(
    "content",
    [
        b"Image,Label\n00000001_000.png,Mass\n",  # other columns
        b"\x89PNG\r\n\x1a\n\xff\xfe\x00\x01",  # no text at all
        b"Image Index,Finding Labels,Patient ID,View Position\n00000001_000.png\n",  # a short row
    ],
)
def test_garbled_table_is_refused(copy: Path, content: bytes) -> None:
    (copy / TABLE).write_bytes(content)
    found = refusal(copy)
    assert found.code == "invalid_table" and TABLE in found.message
