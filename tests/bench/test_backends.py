"""Every way to run a network behind the same interface; one that is missing says why."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.backends import (
    FULL,
    Backend,
    KerasBackend,
    LiteRTBackend,
    NullBackend,
    choose_backends,
    full_litert,
    shipped_full,
)
from bench.backends.base import ModelFile
from bench.backends.choice import REFERENCE
from bench.backends.graphs import onnx_file, weights_by_hash
from bench.backends.onnx import OnnxBackend
from bench.remote import remote
from bench.stream import Stream, stream_images
from edge.artifact import DEFAULT_ARTIFACT, Artifact, load_artifact
from edge.errors import ArtifactRefused, WorkFailed

SLIM = DEFAULT_ARTIFACT.with_name("slim")


@pytest.fixture(scope="module")
def slim() -> Artifact:
    return load_artifact(SLIM)


def litert(artifact: Artifact, variant: str, xnnpack: bool = True) -> LiteRTBackend:
    manifest = artifact.manifest
    file = ModelFile.of(artifact.folder / manifest.variants[variant])
    return LiteRTBackend(manifest.name, variant, file, manifest.input.size, xnnpack)


def onnx(artifact: Artifact, precision: str) -> OnnxBackend:
    manifest = artifact.manifest
    weights = weights_by_hash(manifest.made_from["weights_sha256"])
    file = onnx_file(weights, precision)
    return OnnxBackend(manifest.name, precision, file, manifest.input.size)


def answers(backend: Backend) -> list[float]:
    predict = backend.load(1)
    return [predict(image).margin for image in stream_images(backend.input_size)]


def test_one_network_answers_alike_on_every_runtime(slim: Artifact) -> None:
    reference = answers(litert(slim, "fp32"))
    assert len(set(reference)) > 1
    for backend in (litert(slim, "fp32", xnnpack=False), onnx(slim, "fp32")):
        assert answers(backend) == pytest.approx(reference, abs=1e-3), backend.name
    # The kernels of LiteRT round as XNNPACK does, but for the last bit.
    whole = answers(litert(slim, "int8"))
    assert answers(litert(slim, "int8", xnnpack=False)) == pytest.approx(whole, abs=0.5)
    assert whole != reference


def test_map_comes_with_the_margin(slim: Artifact) -> None:
    height, width = slim.manifest.attention_shape
    image = stream_images(slim.manifest.input.size)[0]
    for backend in (litert(slim, "fp32"), litert(slim, "fp32", False), onnx(slim, "fp32")):
        attention = backend.load(1)(image).attention
        assert attention.shape == (height, width)
        assert attention.min() >= 0 < attention.max()
    assert NullBackend().load(1)(image).attention.size == 0


def test_file_that_was_altered_is_refused(slim: Artifact, tmp_path: Path) -> None:
    backend = litert(slim, "int8")
    copy = tmp_path / "slim.tflite"
    copy.write_bytes(backend.file.path.read_bytes()[:-1] + b"\x00")
    for altered, code in ((copy, "hash_mismatch"), (tmp_path / "none", "file_missing")):
        with pytest.raises(ArtifactRefused) as refusal:
            replace(backend, file=replace(backend.file, path=altered)).load(1)
        assert refusal.value.code == code


@pytest.mark.parametrize("xnnpack", [True, False])
def test_file_that_is_no_model_is_refused(tmp_path: Path, xnnpack: bool) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"no model")
    backend = LiteRTBackend("none", "fp32", ModelFile.of(path), 150, xnnpack)
    with pytest.raises(ArtifactRefused) as refusal:
        backend.load(1)
    assert refusal.value.code == "model_unusable"


def test_every_variant_and_the_full_network_are_chosen(slim: Artifact) -> None:
    chosen = choose_backends([slim], shipped_full(), ("null", "litert", "litert-plain"))
    names = [backend.name for backend in chosen.backends]
    assert names == [
        "nothing (harness)",
        REFERENCE,
        f"{REFERENCE} without XNNPACK",
        "slim, LiteRT fp32",
        "slim, LiteRT fp32 without XNNPACK",
        "slim, LiteRT int8",
        "slim, LiteRT int8 without XNNPACK",
    ]
    assert chosen.missing == []
    hashes = {backend.name: backend.sha256 for backend in chosen.backends}
    files = slim.manifest.files
    assert hashes["slim, LiteRT int8"] == files[slim.manifest.variants["int8"]].sha256
    reference = next(backend for backend in chosen.backends if backend.name == REFERENCE)
    assert (reference.size_bytes or 0) > 90_000_000


@pytest.mark.parametrize("runtime", ["openvino", "tensorrt"])
def test_runtime_that_is_not_installed_is_a_row(slim: Artifact, runtime: str) -> None:
    if find_spec(runtime):
        pytest.skip(f"{runtime} is installed")
    chosen = choose_backends([slim], shipped_full(), (runtime,))
    assert [backend.name for backend in chosen.backends] == [REFERENCE]
    assert [(each.name, "is not installed" in each.why) for each in chosen.missing] == [
        (runtime, True)
    ]


def test_network_that_cannot_be_exported_is_a_row() -> None:
    chosen = choose_backends([load_artifact()], shipped_full(), ("onnxruntime",))
    why = {each.name: each.why for each in chosen.missing}
    assert set(why) == {"lite0, ONNX Runtime fp32", "lite0, ONNX Runtime int8"}
    assert all("Only the layers of the dilated" in reason for reason in why.values())


def test_artifact_of_unknown_weights_is_a_row(slim: Artifact) -> None:
    foreign = replace(slim, manifest=replace(slim.manifest, made_from={}))
    chosen = choose_backends([foreign], shipped_full(), ("onnxruntime",))
    assert {each.name for each in chosen.missing} == {
        "slim, ONNX Runtime fp32",
        "slim, ONNX Runtime int8",
    }
    with pytest.raises(WorkFailed) as refusal:
        weights_by_hash("0" * 64)
    assert refusal.value.code == "not_available"


def test_full_network_answers_alike_in_keras() -> None:
    weights = shipped_full()
    file = ModelFile.of(full_litert(weights))
    backends: list[Backend] = [
        LiteRTBackend("full network", "fp32", file, FULL.input_size),
        KerasBackend(weights),
        KerasBackend(weights, compiled=True),
    ]
    with remote(Stream, 1) as stream:
        for backend in backends:
            stream.call("load", backend)
        samples = stream.call("round", 0, [backend.name for backend in backends])
    margins = [sample["margin"] for sample in samples]
    assert margins[1:] == pytest.approx([margins[0]] * 2, abs=0.01)
