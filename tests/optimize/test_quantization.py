"""Fewer bits change little, and what they change is told film by film."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import DataRefused
from edge.runtime import Model
from optimize.artifact import Images
from optimize.calibration import Observed, minmax_range, mse_range, percentile_range
from optimize.comparison import network_margins
from optimize.quantization import METHODS, Quantization, quantize, report_quantized
from optimize.tflite import census, convert
from train.weights import Weights

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_stays_close_to_the_network(
    method: str, tiny_weights: Weights, tiny_samples: Any, chest_xray: Path
) -> None:
    weights = replace(tiny_weights, recipe=replace(tiny_weights.recipe, batch=8))
    content = quantize(weights, Quantization(method, epochs=1.0), chest_xray, progress=False)
    found = census(content)
    assert not found.forbidden and found.partitions == 1
    images: Images = tiny_samples.comparison
    margins = np.array([Model(content).predict(image).margin for image in images])
    expected = network_margins(tiny_weights, images)
    assert np.corrcoef(margins, expected)[0, 1] > 0.95
    assert np.abs(margins - expected).mean() < 0.25 * expected.std()


def test_fewer_bits_take_fewer_bytes(dilated_weights: Weights, chest_xray: Path) -> None:
    sizes = {
        method: len(quantize(dilated_weights, Quantization(method), chest_xray, progress=False))
        for method in ("int8", "float16")
    }
    assert sizes["float16"] < len(convert(dilated_weights))


def test_the_report_lists_what_changed(tiny_weights: Weights, chest_xray: Path) -> None:
    """Against a network whose margins are turned, every film that is decided changes."""
    content = convert(tiny_weights)
    steep = {**tiny_weights.facts["calibration"], "slope": 100.0, "intercept": 0.0}
    weights = replace(tiny_weights, facts={**tiny_weights.facts, "calibration": steep})
    same = report_quantized(weights, content, chest_xray, progress=False)
    assert same["changed_decisions"] == [] and same["changed_outcomes"] == []
    assert same["difference"]["largest_margin"] < 1e-3
    kernel, bias = (tiny_weights.tensors[f"logits/{name}"] for name in ("kernel", "bias"))
    turned = {
        **tiny_weights.tensors,
        "logits/kernel": kernel[..., ::-1].copy(),
        "logits/bias": bias[::-1].copy(),
    }
    other = replace(weights, tensors=turned)
    report = report_quantized(other, content, chest_xray, progress=False)
    assert report["films"] > 0 and report["bytes"] == len(content)
    assert report["difference"]["mean_margin"] > 0.1
    for film in report["changed_decisions"]:
        assert (film["score"] >= 0.6) != (film["network_score"] >= 0.6)
    assert {film["file"] for film in report["changed_decisions"]} <= {
        film["file"] for film in report["changed_outcomes"]
    }
    assert report["changed_decisions"]


def observed(values: Any) -> Observed:
    rows = np.asarray(values, np.float32)
    return Observed(rows.min(1), rows.max(1), rows, rows.mean(0))


def test_ranges_that_leave_rare_values_out_are_narrower() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(64, 1024))
    values[0, 0] = 1000.0
    low, high = minmax_range(observed(values))
    assert (low, high) == pytest.approx((values.min(), 1000.0), rel=1e-5)
    assert percentile_range(observed(values))[1] < 0.1 * high


def test_the_range_of_least_squared_error_beats_the_others() -> None:
    values = np.random.default_rng(0).standard_t(3, size=(64, 1024))
    seen = observed(values)
    errors = [squared_error(values, rule(seen)) for rule in (mse_range, minmax_range)]
    assert errors[0] < errors[1]


def squared_error(values: Any, ends: tuple[float, float]) -> float:
    step = (ends[1] - ends[0]) / 255
    rounded = np.clip(np.round((values - ends[0]) / step), 0, 255) * step + ends[0]
    return float(np.square(values - rounded).mean())


def test_training_that_knows_of_the_rounding_needs_films(tiny_weights: Weights) -> None:
    with pytest.raises(DataRefused) as refusal:
        quantize(tiny_weights, Quantization("qat"), None, progress=False)
    assert refusal.value.code == "missing_data"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"method": "int4"}, "unknown_method"),
        ({"calibration": "guess"}, "unknown_calibration"),
        ({"images": 0}, "invalid_images"),
        ({"epochs": 0.0}, "invalid_tuning"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], code: str) -> None:
    with pytest.raises(DataRefused) as refusal:
        Quantization(**settings)
    assert refusal.value.code == code


def test_the_command_writes_the_file_and_says_what_changed(
    weights_file: Path, chest_xray: Path, tmp_path: Path, command: Command
) -> None:
    out = tmp_path / "small.tflite"
    done = command(
        "optimize", "quantize", weights_file, "--method", "dynamic", "--data", chest_xray,
        "--out", out, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bytes"] == out.stat().st_size
    assert report["partitions"] == 1
    assert "auc_difference_to_network" in report
