"""The published folder is read as it is, and its copies are found."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge.errors import DataRefused
from edge.phantom import draw_phantom
from train.augmentation import Pixels
from train.datasets import (
    WORKING_SIDE,
    LabelledImages,
    Sample,
    list_samples,
    load_images,
    without_duplicates,
)


def by_name(samples: list[Sample]) -> dict[str, Sample]:
    return {sample.path.name: sample for sample in samples}


def images_of(*pairs: tuple[Pixels, int]) -> LabelledImages:
    samples = tuple(Sample(Path(f"{i}.png"), y, f"p{i}", "x") for i, (_, y) in enumerate(pairs))
    return LabelledImages(samples, np.stack([pixels for pixels, _ in pairs]))


def load_one(path: Path, pixels: npt.NDArray[Any]) -> Pixels:
    assert cv2.imwrite(str(path), pixels)
    images = load_images([Sample(path, 0, "p", "normal")], progress=False)
    return np.asarray(images.pixels[0], np.uint8)


def test_published_layout_is_listed(chest_xray: Path) -> None:
    samples = list_samples(chest_xray, "train")
    assert len(samples) == 35
    assert Counter(sample.label for sample in samples) == {0: 18, 1: 17}
    assert len(list_samples(chest_xray, "test")) == 32
    for sample in samples:
        assert sample.path.parent.name == ("NORMAL", "PNEUMONIA")[sample.label]
        assert sample.path.parent.parent.name == "train"


def test_patient_and_subtype_come_from_the_name(chest_xray: Path) -> None:
    samples = by_name(list_samples(chest_xray, "train"))
    read = {name: (s.patient, s.subtype) for name, s in samples.items()}
    assert read["IM-0115-0001.jpeg"] == ("NORMAL/IM-0115", "normal")
    assert read["NORMAL2-IM-0804-0001.jpeg"] == ("NORMAL/NORMAL2-IM-0804", "normal")
    assert read["person1_bacteria_1.jpeg"] == ("PNEUMONIA/person1", "bacteria")
    assert read["person2_virus_2.jpeg"] == ("PNEUMONIA/person2", "virus")


def test_films_of_one_child_share_the_patient(chest_xray: Path) -> None:
    samples = by_name(list_samples(chest_xray, "train"))
    patient = {name: sample.patient for name, sample in samples.items()}
    assert patient["IM-0115-0001.jpeg"] == patient["IM-0115-0002.jpeg"]
    assert patient["person2_bacteria_1.jpeg"] == patient["person2_virus_2.jpeg"]
    assert patient["person1_bacteria_1.jpeg"] != patient["person10_bacteria_1.jpeg"]
    assert patient["IM-0115-0001.jpeg"] != patient["NORMAL2-IM-0115-0001.jpeg"]


def test_names_outside_the_scheme_are_patients_of_their_own(tmp_path: Path) -> None:
    for name, label in (("NORMAL", 0), ("PNEUMONIA", 1)):
        folder = tmp_path / "train" / name
        folder.mkdir(parents=True)
        for stem in ("a", "b"):
            cv2.imwrite(str(folder / f"{stem}.png"), draw_phantom(label, 64))
    samples = list_samples(tmp_path, "train")
    assert len({sample.patient for sample in samples}) == 4
    assert [sample.subtype for sample in samples] == ["normal", "normal"] + ["pneumonia"] * 2


def test_other_files_are_left_out_and_the_order_is_fixed(tmp_path: Path) -> None:
    for name in ("NORMAL", "PNEUMONIA"):
        folder = tmp_path / "train" / name
        folder.mkdir(parents=True)
        for file in ("z.JPEG", "b.jpg", "c.PNG", ".DS_Store", "Thumbs.db", "notes.txt"):
            (folder / file).touch()
    names = [sample.path.name for sample in list_samples(tmp_path, "train")]
    assert names == ["b.jpg", "c.PNG", "z.JPEG"] * 2


@pytest.mark.parametrize("gone", ["train", "train/NORMAL", "train/PNEUMONIA"])
def test_missing_folder_is_refused(chest_xray: Path, tmp_path: Path, gone: str) -> None:
    shutil.copytree(chest_xray, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / gone)
    with pytest.raises(DataRefused) as refusal:
        list_samples(tmp_path / "copy", "train")
    assert refusal.value.code == "missing_folder"
    assert str(tmp_path / "copy" / "train") in refusal.value.message


def test_class_without_images_is_refused(tmp_path: Path) -> None:
    for name in ("NORMAL", "PNEUMONIA"):
        (tmp_path / "train" / name).mkdir(parents=True)
    (tmp_path / "train/NORMAL/readme.txt").touch()
    with pytest.raises(DataRefused) as refusal:
        list_samples(tmp_path, "train")
    assert refusal.value.code == "empty_class"


@pytest.mark.parametrize("content", [b"", b"no image", "cut"])
def test_unreadable_image_is_refused_by_name(
    chest_xray: Path, tmp_path: Path, content: bytes | str
) -> None:
    whole = (chest_xray / "train/NORMAL/IM-0115-0001.jpeg").read_bytes()
    path = tmp_path / "IM-0001-0001.jpeg"
    path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    with pytest.raises(DataRefused) as refusal:
        load_images([Sample(path, 0, "p", "normal")], progress=False)
    assert refusal.value.code == "unreadable_image"
    assert path.name in refusal.value.message


def test_vanished_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused) as refusal:
        load_images([Sample(tmp_path / "gone.png", 0, "p", "normal")], progress=False)
    assert refusal.value.code == "unreadable_image"


def test_image_of_working_size_is_taken_as_it_is(tmp_path: Path) -> None:
    pixels = draw_phantom(1, WORKING_SIDE)
    np.testing.assert_array_equal(load_one(tmp_path / "a.png", pixels), pixels)


def test_larger_image_is_averaged_down(tmp_path: Path) -> None:
    pixels = np.kron(draw_phantom(2, WORKING_SIDE), np.ones((3, 2), np.uint8))
    copy = load_one(tmp_path / "a.png", pixels)
    assert copy.shape == (WORKING_SIDE, WORKING_SIDE)
    np.testing.assert_array_equal(copy, draw_phantom(2, WORKING_SIDE))


def test_smaller_image_is_enlarged(tmp_path: Path) -> None:
    small = draw_phantom(3, 96)
    copy = load_one(tmp_path / "a.png", small)
    assert copy.shape == (WORKING_SIDE, WORKING_SIDE)
    again = cv2.resize(copy, (96, 96), interpolation=cv2.INTER_AREA)
    assert np.abs(again.astype(int) - small).mean() < 4


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    pixels = draw_phantom(4, WORKING_SIDE)
    deep = (pixels.astype(np.uint16) << 8) + 77
    np.testing.assert_array_equal(load_one(tmp_path / "a.png", deep), pixels)


def test_exact_copies_are_removed_and_the_first_stays() -> None:
    a, b = draw_phantom(1, 64), draw_phantom(2, 64)
    kept = without_duplicates(images_of((a, 0), (b, 1), (a, 0), (b, 1), (a, 0)))
    assert [sample.path.name for sample in kept.samples] == ["0.png", "1.png"]
    np.testing.assert_array_equal(kept.pixels, np.stack([a, b]))
    np.testing.assert_array_equal(kept.labels, [0, 1])


def test_copies_of_different_label_are_dropped_whole() -> None:
    a, b = draw_phantom(1, 64), draw_phantom(2, 64)
    kept = without_duplicates(images_of((a, 0), (b, 1), (a, 1), (a, 0)))
    assert [sample.path.name for sample in kept.samples] == ["1.png"]


def test_almost_equal_images_both_stay() -> None:
    a = draw_phantom(1, 64)
    almost = a.copy()
    almost[10, 10] ^= 1
    assert len(without_duplicates(images_of((a, 0), (almost, 0))).samples) == 2


def test_selection_keeps_pixels_and_samples_together(phantom_images: LabelledImages) -> None:
    chosen = phantom_images.select(iter([9, 0]))
    assert [sample.path.name for sample in chosen.samples] == ["9.png", "0.png"]
    np.testing.assert_array_equal(chosen.labels, [1, 0])
    np.testing.assert_array_equal(chosen.pixels, phantom_images.pixels[[9, 0]])
