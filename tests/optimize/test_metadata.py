"""A file tells what it is, and computes what it computed before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tensorflow.lite.python.schema_py_generated import Model as Flatbuffer

import edge
from edge.runtime import Model
from optimize.artifact import Samples
from optimize.metadata import ALIGNMENT, describe_file, read_metadata, with_metadata
from optimize.tflite import census, convert
from train.weights import Weights

SAID = {"name": "tiny", "version": "7", "variant": "int8", "licence": "Apache-2.0 · ©"}


@pytest.fixture(scope="module", params=["fp32", "int8"])
def plain(request: Any, tiny_weights: Weights, tiny_samples: Samples) -> bytes:
    calibration = tiny_samples.calibration if request.param == "int8" else None
    return convert(tiny_weights, calibration)


def buffers(content: bytes) -> list[tuple[int, bytes]]:
    """Place in the file, and content, of every buffer that holds something."""
    model = Flatbuffer.GetRootAs(content, 0)
    held = (model.Buffers(i) for i in range(model.BuffersLength()))
    found = []
    for data in (buffer.DataAsNumpy() for buffer in held if buffer.DataLength()):
        start = data.__array_interface__["data"][0]
        whole = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
        found.append((start - whole, data.tobytes()))
    return found


def test_what_was_written_is_read(plain: bytes) -> None:
    assert read_metadata(plain) is None
    written = with_metadata(plain, SAID)
    assert read_metadata(written) == SAID
    assert Flatbuffer.GetRootAs(written, 0).Description() == b"PneumoKiosk tiny 7, int8"
    assert len(written) < len(plain) + 20 * len(buffers(plain)) + 1000


def test_outputs_and_delegation_stay_as_they_were(plain: bytes, tiny_samples: Samples) -> None:
    written = with_metadata(plain, SAID)
    assert census(written) == census(plain)
    before, after = Model(plain), Model(written)
    for image in tiny_samples.comparison:
        first, second = before.predict(image), after.predict(image)
        assert first.margin == second.margin
        np.testing.assert_array_equal(first.attention, second.attention)


def test_weights_stay_the_same_and_are_aligned(plain: bytes) -> None:
    kept = buffers(with_metadata(plain, SAID))
    # The last is the metadata itself.
    assert [data for _, data in kept][:-1] == [data for _, data in buffers(plain)]
    assert [place % ALIGNMENT for place, _ in kept] == [0] * len(kept)


def test_a_second_writing_replaces_the_first(plain: bytes) -> None:
    once = with_metadata(plain, SAID)
    again = with_metadata(once, {**SAID, "version": "8"})
    assert read_metadata(again) == {**SAID, "version": "8"}
    assert len(buffers(again)) == len(buffers(once))
    assert with_metadata(again, SAID) == once


def test_a_file_is_described_by_its_weights(tiny_weights: Weights) -> None:
    said = describe_file(
        replace(tiny_weights, sha256="ab" * 32),
        name="tiny", release="7", variant="int8", licence="Apache-2.0", attribution="drawn",
    )  # fmt: skip
    assert said["input"] == tiny_weights.recipe.input.to_dict()
    assert said["outputs"].keys() == {"margin", "attention"}
    assert said["weights_sha256"] == "ab" * 32
    assert said["notice"] == edge.STANDING_SENTENCE
    assert (said["name"], said["version"], said["variant"]) == ("tiny", "7", "int8")
    assert (said["licence"], said["attribution"]) == ("Apache-2.0", "drawn")
