"""What a LiteRT file says of itself, for whoever meets it without its manifest.

TFLite has a place for it: named entries of bytes that the interpreter does not look at. The usual
entry, ``TFLITE_METADATA``, wants the package tflite-support, and knows an input that is normalised
by constants only, not by each image's own mean and spread. So ours is JSON under a name of its own.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from tensorflow.lite.python.schema_py_generated import BufferT, MetadataT
from tensorflow.lite.tools import flatbuffer_utils

import edge
from train.weights import Weights

NAME = "PNEUMOKIOSK_METADATA"
ALIGNMENT = 16
"""Of the weights within the file, in bytes, as TFLite's schema wants it."""


def describe_file(
    weights: Weights, *, name: str, release: str, variant: str, licence: str, attribution: str
) -> dict[str, Any]:
    """What stands in a file of one variant of a model, as plain values."""
    return {
        "name": name,
        "version": release,
        "variant": variant,
        "notice": edge.STANDING_SENTENCE,
        "input": weights.recipe.input.to_dict(),
        "outputs": {
            "margin": "logit of pneumonia minus logit of normal, before calibration",
            "attention": "what the model looked at, at least 0; no outline of disease",
        },
        "weights_sha256": weights.sha256,
        "made_with": f"pneumokiosk {edge.__version__}",
        "licence": licence,
        "attribution": attribution,
    }


def with_metadata(content: bytes, metadata: dict[str, Any]) -> bytes:
    """Write metadata into a LiteRT file, in place of what stood there under the same name.

    Args:
        content: the file.
        metadata: plain values, with ``name``, ``version`` and ``variant``.

    Returns:
        A file of the same graph and weights, these aligned to `ALIGNMENT` bytes, which the
        converter's own files leave out.
    """
    model = flatbuffer_utils.read_model_from_bytearray(content)
    name, version, variant = (metadata[key] for key in ("name", "version", "variant"))
    model.description = f"PneumoKiosk {name} {version}, {variant}"
    text = json.dumps(metadata, ensure_ascii=False).encode()
    entry = next((m for m in model.metadata or [] if m.name == NAME.encode()), None)
    if entry is None:
        entry = MetadataT(name=NAME, buffer=len(model.buffers))
        model.metadata = [*(model.metadata or []), entry]
        model.buffers.append(BufferT())
    model.buffers[entry.buffer].data = np.frombuffer(text, np.uint8)
    model.buffers = [_Aligned(data=buffer.data) for buffer in model.buffers]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def read_metadata(content: bytes) -> dict[str, Any] | None:
    """The metadata that `with_metadata` wrote into a LiteRT file; None where there is none."""
    model = flatbuffer_utils.read_model_from_bytearray(content)
    for entry in model.metadata or []:
        if entry.name == NAME.encode():
            return dict(json.loads(bytes(model.buffers[entry.buffer].data)))
    return None


class _Aligned(BufferT):  # type: ignore[misc]  # TensorFlow has no types
    """A buffer that is packed as the schema wants it, which Python's flatbuffers forget."""

    def Pack(self, builder: Any) -> Any:
        if self.data is not None:
            builder.Prep(ALIGNMENT, len(self.data))
        return super().Pack(builder)
