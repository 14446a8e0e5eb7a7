"""Two devices train as one does, on each backend, and a killed run goes on there as well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import pytest

from edge.errors import DataRefused
from train.devices import on_devices
from train.recipe import Recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def found(
    request: pytest.FixtureRequest,
    tiny_recipe: Recipe,
    chest_xray: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """What a process of one backend saw."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    recipe, out = json.dumps(tiny_recipe.to_dict()), tmp_path_factory.mktemp(request.param)
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.two_devices", recipe, chest_xray, out],
        cwd=ROOT,
        env={
            **os.environ,
            "KERAS_BACKEND": request.param,
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
            "JAX_PLATFORMS": "cpu",
            "CUDA_VISIBLE_DEVICES": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["made_by"]["backend"] == request.param
    return result


def test_losses_of_two_devices_are_those_of_one(found: dict[str, Any]) -> None:
    one, two = found["one"], found["two"]
    assert (one["devices"], two["devices"]) == (1, 2)
    assert len(set(one["losses"])) == 5
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-3)


def test_a_run_interrupted_on_two_devices_ends_like_an_unbroken_one_on_one(
    found: dict[str, Any],
) -> None:
    assert found["made_by"]["throughput"]["devices"] == 2
    assert found["apart"] < 1e-3


@pytest.mark.parametrize(
    ("batch", "devices", "code"), [(512, 512, "too_few_devices"), (8, 3, "uneven_batch")]
)
def test_devices_that_cannot_share_a_batch_are_refused(
    tiny_recipe: Recipe, batch: int, devices: int, code: str
) -> None:
    recipe = replace(tiny_recipe, batch=batch)
    with pytest.raises(DataRefused) as refusal, on_devices(recipe, devices):
        pass
    assert refusal.value.code == code
    assert str(devices) in refusal.value.message


def test_precision_ends_with_the_work(tiny_recipe: Recipe) -> None:
    before = keras.config.dtype_policy()
    half = replace(tiny_recipe, precision="mixed_bfloat16")
    with on_devices(half, 1):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    with pytest.raises(KeyboardInterrupt), on_devices(half, 1):
        raise KeyboardInterrupt
    assert keras.config.dtype_policy() == before
