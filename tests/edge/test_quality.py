"""Every gate finds its fault in a drawn film, and nothing in a good one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.phantom import draw_phantom
from edge.quality import ACTIONS, CONTENT, SCORES, SENTENCES, Gates, Limits, decide, examine
from edge.radiograph import read_radiograph

Film = np.ndarray[Any, Any]
FILM = draw_phantom(3, 512, opacities=1)


def codes(gates: Gates, film: Film, **known: Any) -> tuple[list[str], bool]:
    """What was found, and whether it refuses."""
    found = examine(gates, film, **known)
    assert len({finding.refuses for finding in found}) <= 1
    return [finding.code for finding in found], any(finding.refuses for finding in found)


@pytest.mark.parametrize("side", [128, 224, 500, 1024])
@pytest.mark.parametrize("seed", range(4))
def test_good_films_pass(gates: Gates, seed: int, side: int) -> None:
    assert examine(gates, draw_phantom(seed, side, opacities=seed)) == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: np.rot90(p), "rotated_counterclockwise"),
        (lambda p: np.rot90(p, 3), "rotated_clockwise"),
        (lambda p: np.rot90(p, 2), "upside_down"),
        (lambda p: 255 - p, "inverted"),
        (lambda p: np.rot90(255 - p), "inverted"),
        (lambda p: np.rot90(255 - p, 2), "inverted"),
        (lambda p: (p * 0.05).astype(np.uint8), "too_dark"),
        (lambda p: cv2.convertScaleAbs(p, alpha=3.0, beta=90), "too_bright"),
        (lambda p: cv2.GaussianBlur(p, (0, 0), 20), "too_blurred"),
        (lambda p: cv2.resize(p, (80, 80), interpolation=cv2.INTER_AREA), "too_small"),
    ],
)
def test_a_film_with_a_fault_is_refused(
    gates: Gates, change: Callable[[Film], Film], code: str
) -> None:
    found, refused = codes(gates, np.ascontiguousarray(change(FILM)))
    assert refused and code in found


def test_depth_does_not_matter(gates: Gates) -> None:
    deep = FILM.astype(np.uint16) * 257
    assert codes(gates, deep) == ([], False)
    assert codes(gates, 65535 - deep) == (["inverted"], True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: cv2.resize(p, (110, 110), interpolation=cv2.INTER_AREA), "too_small"),
        (lambda p: cv2.GaussianBlur(p, (0, 0), 11), "too_blurred"),
    ],
)
def test_a_lesser_fault_is_warned_of(
    gates: Gates, change: Callable[[Film], Film], code: str
) -> None:
    assert codes(gates, change(FILM)) == ([code], False)


def test_parts_of_a_film_are_warned_of_or_refused(gates: Gates) -> None:
    for part in (FILM[:230], FILM[280:], FILM[:, :230], FILM[:, 280:], FILM[:250, :250]):
        found, _ = codes(gates, np.ascontiguousarray(part))
        assert {*found} & {"cropped", *CONTENT}


def _page() -> Film:
    image = np.full((600, 450), 245, np.uint8)
    for y in range(40, 580, 18):
        cv2.putText(image, "The quick brown fox jumps over", (30, y), 0, 0.6, 20, 1)
    return image


def _hand() -> Film:
    image = np.full((512, 512), 15, np.uint8)
    cv2.circle(image, (256, 350), 90, 120, -1)
    for x in (110, 185, 256, 327, 400):
        cv2.line(image, (256, 360), (x, 80), 110, 40)
        cv2.line(image, (256, 360), (x, 80), 200, 14)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 3))


def _scene() -> Film:
    y, x = np.mgrid[0:1:400j, 0:1:500j]
    image = np.where(y < 0.4 + 0.1 * np.sin(9 * x), 220 - 60 * y, 60 + 50 * np.sin(40 * x * y))
    return np.asarray(image, np.uint8)


def _slice() -> Film:
    image = np.zeros((512, 512), np.uint8)
    cv2.ellipse(image, (256, 256), (230, 160), 0, 0, 360, 140, -1)
    cv2.ellipse(image, (150, 250), (70, 100), 0, 0, 360, 20, -1)
    cv2.ellipse(image, (362, 250), (70, 100), 0, 0, 360, 20, -1)
    cv2.circle(image, (256, 370), 30, 240, -1)
    return image


def _noise() -> Film:
    return np.random.default_rng(0).integers(0, 256, (300, 300)).astype(np.uint8)


def _checks() -> Film:
    y, x = np.indices((320, 320)) // 40
    return np.asarray((x + y) % 2 * 255, np.uint8)


@pytest.mark.parametrize("drawing", [_page, _hand, _scene, _slice, _noise, _checks])
def test_what_is_no_chest_film_is_refused(gates: Gates, drawing: Callable[[], Film]) -> None:
    found, refused = codes(gates, drawing())
    assert refused and {*found} & {*CONTENT}


def test_colours_alone_refuse(gates: Gates) -> None:
    assert codes(gates, FILM, coloured=0.9) == (["coloured"], True)
    assert codes(gates, FILM, coloured=0.1) == ([], False)


@pytest.mark.parametrize(("view", "refused"), [("LL", True), ("RL", True), ("PA", False)])
def test_what_the_file_says_of_the_view_counts(gates: Gates, view: str, refused: bool) -> None:
    assert codes(gates, FILM, view=view) == (["lateral_view"] if refused else [], refused)


@pytest.mark.parametrize(
    ("months", "warned"), [(0, True), (11, True), (12, False), (71, False), (72, True)]
)
def test_ages_outside_the_trained_range_are_warned_of(
    gates: Gates, months: int, warned: bool
) -> None:
    assert codes(gates, FILM, age_months=months) == (["age_out_of_range"] if warned else [], False)
    strict = gates.acting({"age_out_of_range": "refuse"})
    assert codes(strict, FILM, age_months=months)[1] == warned
    silent = gates.acting({"age_out_of_range": "off"})
    assert codes(silent, FILM, age_months=months) == ([], False)


def test_an_unknown_age_is_no_fault(gates: Gates) -> None:
    strict = gates.acting({"age_out_of_range": "refuse"})
    assert examine(strict, FILM, age_months=None) == ()


def test_any_gate_can_be_told_to_warn_or_to_be_silent(gates: Gates) -> None:
    spoilt = 255 - FILM
    assert codes(gates, spoilt) == (["inverted"], True)
    assert codes(gates.acting({"inverted": "warn"}), spoilt) == (["inverted"], False)
    assert codes(gates.acting({"inverted": "off"}), spoilt) == ([], False)


def test_a_warning_can_become_a_refusal() -> None:
    assert Limits(1.0, 2.0).acting("refuse") == Limits(None, 2.0)
    assert Limits(1.0).acting("refuse") == Limits(None, 1.0)
    assert Limits(None, 2.0).acting("warn") == Limits(2.0)
    assert Limits(1.0, 2.0).acting("warn") == Limits(1.0)
    assert Limits(1.0, 2.0).acting("off") == Limits()


@pytest.mark.parametrize("actions", [{"beauty": "warn"}, {"inverted": "explode"}])
def test_unknown_gates_and_actions_are_refused(gates: Gates, actions: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"gate|action"):
        gates.acting(actions)


def test_a_refused_image_has_one_reason_for_its_content(gates: Gates) -> None:
    numbers = {code: 1e9 for code in SENTENCES}
    found = decide(gates, numbers)
    assert [finding.code for finding in found][:1] == ["coloured"]
    assert len({finding.code for finding in found} & {*CONTENT}) == 1
    assert all(finding.refuses for finding in found)


def test_warnings_stand_beside_each_other(gates: Gates) -> None:
    numbers = {"lateral_view": 1.0, "cropped": 4.0, "too_small": 1.1}
    found = decide(gates, numbers)
    assert [finding.code for finding in found] == ["lateral_view", "too_small", "cropped"]
    assert not any(finding.refuses for finding in found)


def test_every_code_has_a_plain_sentence(gates: Gates) -> None:
    assert set(gates.limits) == set(SENTENCES)
    for code, sentence in SENTENCES.items():
        assert code.isidentifier() and code == code.lower()
        assert sentence.endswith(".") and len(sentence) < 140


def test_gates_survive_being_written(gates: Gates) -> None:
    assert Gates.from_dict(json.loads(json.dumps(gates.to_dict()))) == gates
    assert set(ACTIONS) == {"off", "warn", "refuse"}


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(description="another"),
        lambda c: c.pop("description"),
        lambda c: c.pop("weights"),
        lambda c: c["weights"].pop("frontal"),
        lambda c: c["weights"].update(beauty=c["weights"]["frontal"]),
        lambda c: c["weights"].update(frontal="1 2 3"),
        lambda c: c["weights"].update(frontal=c["weights"]["frontal"].replace(" ", " x", 1)),
        lambda c: c["weights"].update(frontal="nan " + c["weights"]["frontal"].split(" ", 1)[1]),
        lambda c: c["weights"].update(frontal=3),
        lambda c: c["limits"].update(beauty={"warn": 1.0, "refuse": None}),
        lambda c: c["limits"].update(cropped={"warn": 2.0, "refuse": 1.0}),
        lambda c: c["limits"].update(cropped={"warn": float("inf"), "refuse": None}),
        lambda c: c["limits"].update(cropped={"warn": "much", "refuse": None}),
        lambda c: c["limits"].update(cropped={"shout": 1.0}),
        lambda c: c.update(trained_age_months=[71, 12]),
        lambda c: c.update(trained_age_months=[12]),
        lambda c: c.update(limits=[]),
        lambda c: c.update(facts=3),
    ],
)
def test_gates_that_make_no_sense_are_refused(
    gates: Gates, change: Callable[[dict[str, Any]], object]
) -> None:
    content = json.loads(json.dumps(gates.to_dict()))
    change(content)
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        Gates.from_dict(content)


def test_scores_are_linear(gates: Gates) -> None:
    zero = np.zeros(192, np.float32)
    for name in SCORES:
        assert float(gates.scores(zero, name)) == pytest.approx(gates.weights[name][-1])
        assert gates.scores(np.stack([zero] * 5), name).shape == (5,)


def test_real_full_size_films_pass(gates: Gates, data_root: Path) -> None:
    paths = sorted((data_root / "fullsize" / "train").glob("*/*.jpeg"))
    assert len(paths) == 20
    for path in paths:
        film = read_radiograph(path.read_bytes()).pixels
        assert not codes(gates, film)[1]
        for turns in (1, 2, 3):
            assert codes(gates, np.ascontiguousarray(np.rot90(film, turns)))[1]
        assert "inverted" in codes(gates, 255 - film)[0]
