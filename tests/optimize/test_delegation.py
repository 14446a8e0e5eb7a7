"""What the delegate leaves behind is found and named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from optimize.delegation import delegation


class Branched(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """Two convolutions, and between them what int8 XNNPACK takes or does not."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        self.kernel = tf.constant(rng.normal(size=(3, 3, 4, 4)), tf.float32)

    def whole(self, image: Any) -> Any:
        first = tf.nn.relu6(tf.nn.conv2d(image, self.kernel, 1, "SAME"))
        return tf.nn.conv2d(first, self.kernel, 1, "SAME")

    def divided(self, image: Any) -> Any:
        first = tf.minimum(tf.nn.conv2d(image, self.kernel, 1, "SAME"), 1.0)
        return tf.nn.conv2d(first, self.kernel, 1, "SAME")


def converted(method: str, in_int8: bool) -> bytes:
    module = Branched()
    signature = [tf.TensorSpec((1, 9, 9, 4), tf.float32)]
    function = tf.function(getattr(module, method), input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], module
    )
    if in_int8:
        rng = np.random.default_rng(1)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [rng.normal(size=(1, 9, 9, 4)).astype(np.float32)] for _ in range(3)
        )
    return bytes(converter.convert())


@pytest.mark.parametrize(("method", "in_int8"), [("whole", False), ("whole", True)])
def test_one_piece_leaves_nothing_behind(method: str, in_int8: bool) -> None:
    found = delegation(converted(method, in_int8))
    assert found.partitions == 1
    assert found.left_behind == ()
    assert [operation.name for operation in found.operations].count("CONV_2D") == 2


def test_the_operation_between_two_pieces_is_named() -> None:
    found = delegation(converted("divided", True))
    assert found.partitions == 2
    (between,) = found.left_behind
    assert (between.name, between.shape, between.type) == ("MINIMUM", (1, 9, 9, 4), "int8")
    assert between.output
    assert between in found.operations
    assert delegation(converted("divided", False)).left_behind == ()


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="Model|buffer"):
        delegation(b"no model")
