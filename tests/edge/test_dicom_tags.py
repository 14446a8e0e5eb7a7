"""What stands in a file's elements: how the pixels are shown, and facts beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from edge.errors import ImageRefused
from edge.file_says import FileSays
from edge.phantom import draw_phantom
from edge.radiograph import read_radiograph

Pixels = np.ndarray[Any, Any]
Dicom = Callable[..., bytes]

FILM: Pixels = draw_phantom(side=96).astype(np.uint16) * 16
"""12 bits."""


def table(first: int, entries: Pixels, bits: int = 16) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(entries) % 2**16, first, bits]
    item.LUTData = entries.astype("<u2").tobytes()
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
    return Sequence([item])


def test_the_first_window_is_shown(dicom: Dicom) -> None:
    windows = {"WindowCenter": [1000, 2000], "WindowWidth": [1001, 50]}
    grey = read_radiograph(dicom(FILM, BitsStored=12, **windows)).pixels
    expected = np.clip((FILM - 999.5) / 1000 + 0.5, 0, 1) * 65535
    np.testing.assert_allclose(grey, expected, atol=1)


def test_monochrome1_comes_out_bright_where_the_film_is_bright(dicom: Dicom) -> None:
    grey = read_radiograph(dicom(FILM, BitsStored=12)).pixels
    negative = dicom(4095 - FILM, BitsStored=12, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(read_radiograph(negative).pixels, grey)


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian])
def test_a_table_goes_before_a_window(dicom: Dicom, syntax: uid.UID) -> None:
    roots = (np.sqrt(np.arange(4096) / 4095) * 65535).astype(np.uint16)
    voi = {"VOILUTSequence": table(0, roots), "WindowCenter": 5, "WindowWidth": 10}
    grey = read_radiograph(dicom(FILM, syntax, BitsStored=12, **voi)).pixels
    np.testing.assert_array_equal(grey, roots[FILM])


def test_a_modality_table_and_a_rescale_go_before_the_window(dicom: Dicom) -> None:
    window = {"WindowCenter": 2048, "WindowWidth": 4096, "BitsStored": 12}
    plain = read_radiograph(dicom(FILM, **window)).pixels
    falling = np.arange(4096)[::-1].astype(np.uint16)
    by_table = dicom(4095 - FILM, ModalityLUTSequence=table(0, falling), **window)
    np.testing.assert_array_equal(read_radiograph(by_table).pixels, plain)
    by_slope = dicom(4095 - FILM, RescaleSlope=-1, RescaleIntercept=4095, **window)
    np.testing.assert_array_equal(read_radiograph(by_slope).pixels, plain)


def test_padding_is_black(dicom: Dicom) -> None:
    padded = FILM.copy()
    padded[:, :9] = 4095
    grey = read_radiograph(dicom(padded, BitsStored=12, PixelPaddingValue=4095)).pixels
    assert not grey[:, :9].any()


def test_facts_beside_the_pixels(dicom: Dicom) -> None:
    says = {
        "PatientAge": "003Y", "PatientSex": "F", "ViewPosition": "AP", "Laterality": "U",
        "BodyPartExamined": "CHEST", "PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [1, 1],
    }  # fmt: skip
    facts = read_radiograph(dicom(FILM, BitsStored=12, **says)).says
    assert facts == FileSays(36, "F", "AP", "CHEST", "U", (0.2, 0.1))
    assert json.loads(json.dumps(facts.to_dict()))["pixel_spacing_mm"] == [0.2, 0.1]
    assert read_radiograph(dicom(FILM, BitsStored=12)).says == FileSays()


@pytest.mark.parametrize(
    ("elements", "months"),
    [
        ({"PatientAge": "018M"}, 18),
        ({"PatientAge": "012W"}, 2),
        ({"PatientAge": "400D"}, 13),
        ({"PatientAge": "121Y"}, None),
        ({"PatientAge": "62"}, None),
        ({"PatientBirthDate": "20200115", "StudyDate": "20230114"}, 35),
        ({"PatientBirthDate": "20200115", "AcquisitionDate": "20230115"}, 36),
        ({"PatientBirthDate": "20230115", "StudyDate": "20200115"}, None),
        ({"PatientBirthDate": "19000101", "StudyDate": "20200115"}, None),
        ({"PatientBirthDate": "20200115"}, None),
    ],
)
def test_the_age_is_in_months(dicom: Dicom, elements: dict[str, str], months: int | None) -> None:
    assert read_radiograph(dicom(FILM, BitsStored=12, **elements)).says.age_months == months


@pytest.mark.parametrize("nonsense", ["<script>", "=1+1", "../../etc", "\x1b[31m", "\0\0"])
def test_facts_that_make_no_sense_are_left_out(dicom: Dicom, nonsense: str) -> None:
    data = dicom(FILM, BitsStored=12, ViewPosition="A" * 16, BodyPartExamined="B" * 16)
    padded = nonsense.encode().ljust(16, b"<")
    data = data.replace(b"A" * 16, padded).replace(b"B" * 16, padded)
    facts = read_radiograph(data).says
    assert (facts.view, facts.body_part) == (None, None)


def test_a_table_that_cannot_be_is_refused(dicom: Dicom) -> None:
    for wrong in (table(0, np.arange(300), 99), Sequence([Dataset()])):
        with pytest.raises(ImageRefused) as refusal:
            read_radiograph(dicom(FILM, VOILUTSequence=wrong))
        assert refusal.value.code == "damaged"


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, while the file is written
def test_a_window_that_is_no_number_is_left_out(dicom: Dicom) -> None:
    plain = read_radiograph(dicom(FILM, BitsStored=12)).pixels
    data = dicom(FILM, BitsStored=12, WindowCenter="12345678", WindowWidth="12345678")
    for wrong in (b"1,5     ", b"nan     ", b"-1e999  ", b"0       ", b"\xff" * 8):
        seen = read_radiograph(data.replace(b"12345678", wrong)).pixels
        np.testing.assert_array_equal(seen, plain)
