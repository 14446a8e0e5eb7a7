"""Stored values become grey as DICOM says; what makes no sense gives way to the film's range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.windowing import GreyRules, Linear, Lut, Window, to_grey

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def shown(rules: GreyRules, stored: np.ndarray[Any, Any] = RAMP) -> np.ndarray[Any, Any]:
    """Grey from 0 to 1, in the order of the stored values."""
    return to_grey(stored, rules).ravel() / 65535


def test_without_a_window_the_range_of_the_film_is_shown() -> None:
    film = RAMP // 4 + 100
    expected = (film - 100) / 1023
    np.testing.assert_allclose(shown(GreyRules(12), film), expected.ravel(), atol=1e-5)


def test_eight_bits_stay_eight_bits() -> None:
    film = (np.arange(4096) % 200 + 20).astype(np.uint8).reshape(64, 64)
    grey = to_grey(film, GreyRules(8))
    assert grey.dtype == np.uint8
    np.testing.assert_array_equal(grey, film)


def test_a_window_is_black_below_and_white_above() -> None:
    # PS3.3 C.11.2.1.2: black up to c - 0.5 - (w - 1) / 2, white from c - 0.5 + (w - 1) / 2 on.
    grey = shown(GreyRules(12, interest=Window(2048, 1024)))
    assert grey[1536] == 0.0 < grey[1537]
    assert grey[2558] < 1.0 == grey[2559]
    assert grey[2047] == pytest.approx(0.5, abs=1e-3)


def test_an_exact_window_has_its_centre_in_the_middle() -> None:
    grey = shown(GreyRules(12, interest=Window(2048, 1024, "LINEAR_EXACT")))
    assert grey[2048] == pytest.approx(0.5, abs=1e-5)
    assert (grey[1536], grey[2560]) == (0.0, 1.0)


def test_a_sigmoid_has_neither_end() -> None:
    grey = shown(GreyRules(12, interest=Window(2048, 1024, "SIGMOID")))
    assert grey[2048] == pytest.approx(0.5, abs=1e-5)
    assert grey[2048 + 256] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-5)
    assert (np.diff(grey) >= 0).all()


def test_monochrome1_is_inverted_after_its_window() -> None:
    window = Window(2048, 1024)
    plain = shown(GreyRules(12, interest=window))
    inverted = shown(GreyRules(12, interest=window, inverted=True))
    np.testing.assert_allclose(inverted, 1 - plain, atol=2e-5)


def test_signed_values_go_below_zero() -> None:
    stored = ((RAMP.astype(int) - 2048) & 0xFFF).astype(np.uint16)
    np.testing.assert_array_equal(shown(GreyRules(12, True), stored), shown(GreyRules(12)))
    windowed = shown(GreyRules(12, True, interest=Window(0, 1024)), stored)
    assert windowed[2048] == pytest.approx(0.5, abs=1e-3)


def test_windows_are_in_rescaled_values() -> None:
    rescaled = GreyRules(12, modality=Linear(2.0, -1000.0), interest=Window(3096, 2048))
    assert shown(rescaled)[2048] == pytest.approx(0.5, abs=1e-3)
    falling = shown(GreyRules(12, modality=Linear(-1.0, 4095.0)))
    np.testing.assert_allclose(falling, shown(GreyRules(12))[::-1], atol=1e-5)


def test_a_table_stands_for_values_beyond_its_ends() -> None:
    table = Lut(1000, 10, np.linspace(0, 1023, 2000).astype(np.uint16))
    grey = shown(GreyRules(12, interest=table))
    assert (grey[:1001] == 0).all() and (grey[2999:] == 1).all()
    assert grey[2000] == pytest.approx(0.5, abs=1e-3)


def test_a_modality_table_goes_before_the_window() -> None:
    squares = Lut(0, 16, (np.arange(256) ** 2).astype(np.uint16))
    film = (np.arange(4096) % 256).astype(np.uint8).reshape(64, 64)
    grey = to_grey(film, GreyRules(8, modality=squares, interest=Window(32768.5, 65537)))
    np.testing.assert_allclose(grey.ravel()[:256] / 255, (np.arange(256) / 256) ** 2, atol=4e-3)


@pytest.mark.parametrize(
    "window",
    [
        Window(60_000, 100),  # all black
        Window(-5, 10),  # all white
        Window(2048, 1),  # black and white alone
        Window(128, 256),  # meant for 8 bits
        Window(2048, 1e8),  # one grey for all
        Lut(0, 16, np.zeros(4096, np.uint16)),
    ],
)
def test_a_window_that_was_meant_for_other_pixels_is_left_out(window: Window | Lut) -> None:
    np.testing.assert_array_equal(shown(GreyRules(12, interest=window)), shown(GreyRules(12)))


@pytest.mark.parametrize("inverted", [False, True])
def test_padding_is_black_and_has_no_share_in_the_range(inverted: bool) -> None:
    film = RAMP // 4 + 100
    film[:, :5] = 4095
    grey = to_grey(film, GreyRules(12, inverted=inverted, padding=(4095, 4095)))
    assert not grey[:, :5].any()
    assert (grey[:, 5:].min(), grey[:, 5:].max()) == (0, 65535)


def test_a_film_of_padding_alone_is_black() -> None:
    assert not to_grey(RAMP, GreyRules(12, padding=(0, 4095))).any()
