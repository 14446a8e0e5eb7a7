"""An audit finds what the label can be read off, and where a network reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from edge.preprocess import InputContract
from train.datasets import LabelledImages, Sample
from train.evaluation import predict_margins
from train.operating import Decision, calibrate
from train.reporting.audit import CHANGES, audit
from train.reporting.regions import fill, regions

COUNT = 24
CONTRACT = InputContract(size=112)
LABELS = np.arange(COUNT) % 2
SIZES = [(900, 1000)] * COUNT


def images_of(pixels: Any) -> LabelledImages:
    samples = tuple(Sample(Path(f"{i}.png"), int(y), str(i), "x") for i, y in enumerate(LABELS))
    return LabelledImages(samples, np.clip(np.stack(pixels), 0, 255).astype(np.uint8))


def film(seed: int) -> Any:
    """A bright middle, dark sides, and grain."""
    rng = np.random.default_rng(seed)
    ramp = 50 * np.cos(np.linspace(-np.pi, np.pi, 224))[None, :]
    return 120 + ramp + rng.normal(0, 4, (224, 224))


def striped(top: int, left: int) -> LabelledImages:
    """Fine stripes of half a lung's width, at one place, in pneumonia films alone."""
    stripes = np.zeros((224, 224))
    stripes[top : top + 16, left : left + 40] = 40 * np.sign(np.sin(np.arange(40) * np.pi / 4))
    return images_of([film(i) + y * stripes for i, y in enumerate(LABELS)])


@pytest.fixture(scope="module")
def edge_finder() -> Any:
    """A network whose margin grows with the fine structure anywhere in the film."""
    inputs = keras.Input((CONTRACT.size, CONTRACT.size, 1))
    x = keras.layers.Conv2D(1, 3, activation="relu", name="features")(inputs)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dense(1, activation="relu", name="dense")(x)
    x = keras.layers.Dense(2, name="logits")(x)
    model = keras.Model(inputs, keras.layers.Activation("sigmoid", name="probabilities")(x))
    kernel = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32)[..., None, None]
    model.get_layer("features").set_weights([kernel, np.zeros(1)])
    model.get_layer("dense").set_weights([np.ones((1, 1)), np.zeros(1)])
    model.get_layer("logits").set_weights([np.array([[-4.0, 4.0]]), np.zeros(2)])
    return model


def decision_of(model: Any, images: LabelledImages) -> Decision:
    """A threshold in the middle of the scores."""
    calibration = {"slope": 1.0, "intercept": -1.0}
    scores = calibrate(predict_margins(model, images.pixels, CONTRACT), calibration)
    return Decision(calibration, float(np.median(scores)), "here")


def audited(model: Any, images: LabelledImages, sizes: Any = SIZES) -> dict[str, Any]:
    return audit(model, CONTRACT, decision_of(model, images), images, sizes, resamples=40, seed=1)


@pytest.fixture(scope="module")
def in_lungs(edge_finder: Any) -> dict[str, Any]:
    return audited(edge_finder, striped(100, 46))


@pytest.fixture(scope="module")
def in_border(edge_finder: Any) -> dict[str, Any]:
    return audited(edge_finder, striped(0, 40))


def auc(result: dict[str, Any], change: str) -> float:
    return float(result["changes"][change]["auc"]["value"])


def test_a_label_in_the_lungs_is_lost_with_the_lungs_alone(in_lungs: dict[str, Any]) -> None:
    assert auc(in_lungs, "none") == 1.0
    assert auc(in_lungs, "border masked") > 0.98
    for change in ("lungs masked", "thorax masked"):
        assert abs(auc(in_lungs, change) - 0.5) < 0.25
        assert in_lungs["changes"][change]["auc_change"]["high"] < -0.2
        assert in_lungs["changes"][change]["changed_decisions"] > 0.3


def test_a_label_in_the_border_is_lost_with_the_border_alone(in_border: dict[str, Any]) -> None:
    assert auc(in_border, "none") == 1.0
    assert auc(in_border, "lungs masked") > 0.98 and auc(in_border, "thorax masked") > 0.98
    assert abs(auc(in_border, "border masked") - 0.5) < 0.25


def test_attention_lies_where_the_label_is(
    in_lungs: dict[str, Any], in_border: dict[str, Any]
) -> None:
    for result, here, elsewhere in (
        (in_lungs, ("lungs", "thorax"), ("border",)),
        (in_border, ("border",), ("lungs", "thorax")),
    ):
        found = result["attention"]["regions"]
        assert all(found[r]["attention"]["low"] > found[r]["area"] for r in here)
        assert all(found[r]["attention"]["high"] < found[r]["area"] for r in elsewhere)
        both = found["thorax"]["attention"]["value"] + found["border"]["attention"]["value"]
        assert both == pytest.approx(1, abs=1e-5)
        assert result["attention"]["images"] == COUNT
        assert np.sum(result["attention"]["mean_map"]) == pytest.approx(1, abs=1e-5)


def test_changes_are_those_of_the_network_itself(
    edge_finder: Any, in_lungs: dict[str, Any]
) -> None:
    images = striped(100, 46)
    decision = decision_of(edge_finder, images)
    blurred = np.stack([CHANGES["blurred"](pixels) for pixels in images.pixels])
    before = predict_margins(edge_finder, images.pixels, CONTRACT)
    after = predict_margins(edge_finder, blurred, CONTRACT)
    scores = [calibrate(m, decision.calibration) for m in (before, after)]
    found = in_lungs["changes"]["blurred"]
    assert found["auc"]["value"] == pytest.approx(roc_auc_score(LABELS, after))
    assert found["margin_change"] == pytest.approx(np.abs(after - before).mean())
    assert found["score_change"] == pytest.approx(np.abs(scores[1] - scores[0]).mean())
    changed = (scores[1] >= decision.threshold) != (scores[0] >= decision.threshold)
    assert found["changed_decisions"] == pytest.approx(changed.mean()) and changed.any()


def test_every_change_is_there_and_none_changes_nothing(in_lungs: dict[str, Any]) -> None:
    assert list(in_lungs["changes"]) == ["none", *CHANGES]
    none = in_lungs["changes"]["none"]
    assert none["score_change"] == none["margin_change"] == none["changed_decisions"] == 0
    assert none["auc_change"] == {"value": 0, "low": 0, "high": 0}


def test_a_label_carried_by_brightness_is_reported(edge_finder: Any) -> None:
    images = images_of([film(i) + 25 * y for i, y in enumerate(LABELS)])
    shortcuts = audited(edge_finder, images)["shortcuts"]
    assert shortcuts["brightness"]["auc"] == {"value": 1, "low": 1, "high": 1}
    for name in ("contrast", "sharpness"):
        assert 0.2 < shortcuts[name]["auc"]["value"] < 0.8


def test_a_label_carried_by_the_file_is_reported(edge_finder: Any) -> None:
    images = images_of([film(i) for i in range(COUNT)])
    sizes = [(700, 700) if y else (1000, 1400 + i) for i, y in enumerate(LABELS)]
    shortcuts = audited(edge_finder, images, sizes)["shortcuts"]
    assert shortcuts["area"]["auc"]["value"] == 0  # normal films are the larger ones
    assert shortcuts["shape"]["auc"]["value"] == 0
    assert 0.2 < shortcuts["brightness"]["auc"]["value"] < 0.8


def test_a_network_that_follows_sharpness_is_found_out(edge_finder: Any) -> None:
    """Within each label too: there, no disease explains it."""
    rng = np.random.default_rng(4)
    grains = rng.uniform(0, 12, COUNT)
    images = images_of([film(i) + rng.normal(0, g, (224, 224)) for i, g in enumerate(grains)])
    shortcuts = audited(edge_finder, images)["shortcuts"]
    assert shortcuts["sharpness"]["followed"] > 0.9
    assert abs(shortcuts["brightness"]["followed"]) < 0.7


def test_files_of_one_size_tell_nothing(in_lungs: dict[str, Any]) -> None:
    for name in ("shape", "area"):
        assert in_lungs["shortcuts"][name] == {"auc": None, "followed": None}
    json.dumps(in_lungs, allow_nan=False)


def test_no_attention_is_said_not_divided_by(edge_finder: Any) -> None:
    blind = keras.models.clone_model(edge_finder)
    blind.set_weights([np.zeros_like(w) for w in edge_finder.get_weights()])
    found = audited(blind, striped(100, 46))
    assert found["attention"]["images"] == 0
    assert all(r["attention"] is None for r in found["attention"]["regions"].values())
    assert found["changes"]["none"]["auc"]["value"] == 0.5
    json.dumps(found, allow_nan=False)


def test_one_label_or_too_few_sizes_are_refused(edge_finder: Any) -> None:
    images = striped(100, 46)
    decision = decision_of(edge_finder, images)
    with pytest.raises(ValueError, match="Both labels"):
        audit(edge_finder, CONTRACT, decision, images, SIZES[1:])
    normal = images.select(np.flatnonzero(LABELS == 0))
    with pytest.raises(ValueError, match="Both labels"):
        audit(edge_finder, CONTRACT, decision, normal, SIZES[: COUNT // 2])


def test_regions_lie_where_their_names_say() -> None:
    for side in (97, 224):
        found = regions(side)
        assert not (found["thorax"] & found["border"]).any()
        assert (found["thorax"] | found["border"]).all()
        assert not (found["lungs"] & found["border"]).any()
        middle = side // 2
        assert found["lungs"][middle, round(side * 0.29)]
        assert found["lungs"][middle, round(side * 0.71)]
        assert not found["lungs"][middle, middle]  # spine and heart
        assert found["border"][0].all() and found["border"][:, -1].all()


def test_filling_hides_the_region_and_nothing_else() -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    mask = regions(64)["lungs"]
    filled = fill(image, mask)
    assert filled.dtype == np.uint8 and (filled[mask] == round(float(image.mean()))).all()
    np.testing.assert_array_equal(filled[~mask], image[~mask])
