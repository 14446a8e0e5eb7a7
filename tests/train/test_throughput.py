"""What training costs is counted right, and real input is timed against input in memory."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import keras
import pytest
from click.testing import CliRunner

from edge.errors import DataRefused
from train.augmentation import Pixels
from train.cli import cli
from train.network import NetworkConfig, build
from train.recipe import Recipe
from train.throughput import compare_input, drawn_images, multiply_accumulates, summary


def test_multiply_accumulates_of_a_network_counted_by_hand() -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(5, 3, strides=2, padding="same", use_bias=False),  # 4*4 places
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.SeparableConv2D(7, 3, padding="valid"),  # 2*2 places
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    convolution, depthwise = 16 * 3 * 3 * 3 * 5, 16 * 3 * 3 * 5
    separable, dense = 4 * (3 * 3 * 5 + 5 * 7), 7 * 2
    assert multiply_accumulates(model) == convolution + depthwise + separable + dense


def test_the_full_network_takes_as_many_as_the_paper_s_should() -> None:
    assert multiply_accumulates(build(NetworkConfig(), keras)) == pytest.approx(8.7e9, rel=0.01)


def test_summary_is_of_the_median_epoch_and_of_all_devices(tiny_recipe: Recipe) -> None:
    model = build(tiny_recipe.network, keras)
    log = [{"images_per_second": rate, "seconds": 100 / rate} for rate in (1.0, 50.0, 40.0)]
    found = summary(model, log, devices=2)
    assert found["images_per_second"] == 40 and found["seconds_per_epoch"] == 2.5
    assert found["flops_per_image"] == 6 * multiply_accumulates(model)
    assert found["peak_memory_mib"]["process"] > 100
    reached = 40 * found["flops_per_image"] / (2 * found["device_peak_flops"])
    assert found["share_of_peak"] == pytest.approx(reached, abs=1e-4)


def test_both_inputs_are_timed_in_turn(tiny_recipe: Recipe) -> None:
    said: list[str] = []
    found = compare_input(tiny_recipe, drawn_images(8), steps=3, rounds=2, say=said.append)
    assert ["synthetic" in text for text in said] == [True, False, True, False]
    for name in ("synthetic", "real"):
        seconds = found[name]["seconds_per_step"]
        assert seconds > 0
        assert found[name]["images_per_second"] == pytest.approx(4 / seconds)
    ratio = found["real"]["seconds_per_step"] / found["synthetic"]["seconds_per_step"]
    assert found["ratio"] == pytest.approx(ratio)
    assert found["images_per_second"] == found["real"]["images_per_second"]
    assert (found["batch"], found["steps"], found["rounds"], found["devices"]) == (4, 3, 2, 1)


def test_slow_input_is_found_out(tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each image takes 20 ms to make: four threads make four images in no less than that."""

    def slow(pixels: Pixels, *arguments: object) -> Pixels:
        time.sleep(0.02)
        return pixels

    monkeypatch.setattr("train.batches.augment", slow)
    found = compare_input(replace(tiny_recipe, batch=16), drawn_images(32), steps=8, rounds=1)
    assert found["real"]["seconds_per_step"] > 16 * 0.02 / 4 * 0.8
    assert found["ratio"] > 1.2


def test_too_few_images_are_refused(tiny_recipe: Recipe) -> None:
    with pytest.raises(DataRefused) as refusal:
        compare_input(tiny_recipe, drawn_images(2))
    assert refusal.value.code == "too_few_images"


def test_drawn_images_are_the_same_every_time() -> None:
    first, second = drawn_images(4), drawn_images(4)
    assert (first.pixels == second.pixels).all() and first.pixels.shape == (4, 224, 224)
    assert first.labels.tolist() == [0, 1, 0, 1]


def test_command_prints_what_it_timed(tiny_settings: tuple[str, ...]) -> None:
    arguments = ["throughput", "--steps", "2", "--rounds", "1", *tiny_settings]
    done = CliRunner().invoke(cli, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["data"] == "drawn thoraces" and found["precision"] == "float32"
    assert {"ratio", "synthetic", "real", "peak_memory_mib", "share_of_peak"} <= found.keys()
    assert "real input" in done.stderr
    text = CliRunner().invoke(cli, arguments).stdout
    assert "images/s" in text and "real over synthetic" in text and "measured peak" in text
