"""Every file and network is asked about every film once; what it said is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from edge.errors import WorkFailed
from edge.preprocess import preprocess
from edge.runtime import Model
from optimize.artifact import Samples
from optimize.scoring import film_name, score_variants
from optimize.tflite import convert
from optimize.variants import Variant
from train.datasets import Sample, list_samples, read_pixels
from train.evaluation import predict_margins
from train.network import NetworkConfig
from train.weights import Weights, build_trained


@pytest.fixture(scope="module")
def samples(chest_xray: Path) -> list[Sample]:
    return list_samples(chest_xray, "train")[::3]


@pytest.fixture(scope="module")
def small(make_weights: Callable[..., Weights]) -> Weights:
    """Of a network that takes other images."""
    config = NetworkConfig(
        width=4, depths=(1,), strides=(1,), dilations=(1,), input_size=24, dense=8
    )
    return make_weights(config, 2)


@pytest.fixture(scope="module")
def variants(tiny_weights: Weights, tiny_samples: Samples, small: Weights) -> list[Variant]:
    return [
        Variant("fp32", tiny_weights, convert(tiny_weights)),
        Variant("small", small, convert(small)),
        Variant("int8", tiny_weights, convert(tiny_weights, tiny_samples.calibration)),
    ]


def test_margins_are_those_of_file_and_network(
    variants: list[Variant], samples: list[Sample], tmp_path: Path
) -> None:
    found = score_variants(variants, samples, tmp_path, progress=False)
    assert list(found) == ["fp32", "small", "int8"]
    pixels = [read_pixels(sample.path) for sample in samples]
    for variant in variants:
        contract = variant.weights.recipe.input
        model, margins = Model(variant.content), found[variant.name]
        expected = [model.predict(preprocess(p, contract)).margin for p in pixels]
        assert margins.file.tolist() == expected
        network = build_trained(variant.weights, keras)
        by_keras = predict_margins(network, pixels, contract)
        np.testing.assert_allclose(margins.network, by_keras, atol=1e-4)
        lines = (tmp_path / margins.kept_in).read_text(encoding="utf-8").splitlines()
        kept = {line["file"]: line["margin"] for line in map(json.loads, lines)}
        assert kept == dict(zip(map(film_name, samples), expected, strict=True))
    assert not np.array_equal(found["int8"].file, found["fp32"].file)


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_what_was_said_is_not_asked_again(
    variants: list[Variant], samples: list[Sample], tmp_path: Path
) -> None:
    first = score_variants(variants, samples, tmp_path, progress=False)
    before = times(tmp_path)
    assert len(before) == 5  # three files and two networks
    lost = first["int8"].kept_in
    (tmp_path / lost).unlink()
    again = score_variants(variants[::-1], samples, tmp_path, progress=False)
    after = times(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {lost}
    for name, margins in first.items():
        np.testing.assert_array_equal(again[name].file, margins.file)
        np.testing.assert_array_equal(again[name].network, margins.network)


def test_other_films_and_other_weights_are_asked_anew(
    variants: list[Variant], samples: list[Sample], tmp_path: Path
) -> None:
    score_variants(variants[:1], samples, tmp_path, progress=False)
    score_variants(variants[:1], samples[1:], tmp_path, progress=False)
    assert len(times(tmp_path)) == 4
    tensors = dict(variants[0].weights.tensors)
    tensors["logits/bias"] = tensors["logits/bias"] + np.array([0, 1], np.float32)
    moved = replace(variants[0], weights=replace(variants[0].weights, tensors=tensors))
    found = score_variants([moved], samples, tmp_path, progress=False)["fp32"]
    assert len(times(tmp_path)) == 5
    np.testing.assert_allclose(found.network - found.file, 1, atol=1e-3)


def test_margins_that_are_no_numbers_are_refused(
    tiny_weights: Weights, samples: list[Sample], tmp_path: Path
) -> None:
    tensors = {**tiny_weights.tensors, "logits/bias": np.array([0, np.nan], np.float32)}
    weights = replace(tiny_weights, tensors=tensors)
    broken = Variant("broken", weights, convert(weights))
    with pytest.raises(WorkFailed, match="broken") as refusal:
        score_variants([broken], samples, tmp_path, progress=False)
    assert refusal.value.code == "no_numbers"
    assert list(tmp_path.iterdir()) == []
