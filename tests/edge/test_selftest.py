"""A variant that computes something else than its manifest says is not used."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge.artifact import DEFAULT_ARTIFACT, Artifact, load_artifact
from edge.errors import ArtifactRefused
from edge.selftest import EACH, TOLERANCE, run_self_test

SHIPPED = sorted(path.name for path in DEFAULT_ARTIFACT.parent.iterdir() if path.is_dir())


def moved(artifact: Artifact, variant: str, by: tuple[float, ...]) -> Artifact:
    """The artifact, its manifest asking of a variant for other scores; ``by`` comes round again."""
    tests = artifact.manifest.self_test
    assert tests is not None
    wrong = tuple(
        replace(drawn, score=drawn.score - by[i % len(by)])
        for i, drawn in enumerate(tests[variant])
    )
    manifest = replace(artifact.manifest, self_test={**tests, variant: wrong})
    return replace(artifact, manifest=manifest)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_variant_of_what_comes_with_the_kiosk_passes(name: str) -> None:
    artifact = load_artifact(DEFAULT_ARTIFACT.parent / name)
    found = run_self_test(artifact)
    assert found.passed
    assert found.usable == tuple(sorted(artifact.manifest.variants))
    for test in found.variants.values():
        assert test.off is not None and test.off <= TOLERANCE
        assert test.worst is not None and test.worst <= EACH
        assert len(test.seen) == len(test.expected) > 8
        assert test.milliseconds > 0
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["status"] == "passed"


@pytest.mark.parametrize("by", [(2e-3,), (-2e-3,), (0.02, -0.02)])
def test_a_variant_of_other_scores_is_not_used(artifact: Artifact, by: tuple[float, ...]) -> None:
    found = run_self_test(moved(artifact, "int8", by))
    assert found.status == "failed_in_part" and not found.passed
    assert "int8" not in found.usable and found.usable
    assert not found.variants["int8"].passed


def test_what_another_processor_rounds_otherwise_is_let_pass(artifact: Artifact) -> None:
    found = run_self_test(moved(artifact, "int8", (4e-3, -4e-3)))
    assert found.passed


def test_a_variant_that_cannot_be_loaded_is_not_used(artifact: Artifact) -> None:
    broken = replace(artifact, models={**artifact.models, "int8": b"no model" * 100})
    found = run_self_test(broken)
    assert "int8" not in found.usable and found.usable
    assert found.variants["int8"].problem
    json.dumps(found.to_dict(), allow_nan=False)


def test_another_model_in_its_place_is_not_used(artifact: Artifact) -> None:
    first, second = sorted(artifact.manifest.variants)
    swapped = {**artifact.models, first: artifact.models[second]}
    assert run_self_test(replace(artifact, models=swapped)).usable == (second,)


def test_where_all_variants_fail_the_artifact_is_refused(artifact: Artifact) -> None:
    broken = replace(artifact, models=dict.fromkeys(artifact.models, b"no model" * 100))
    with pytest.raises(ArtifactRefused) as refusal:
        run_self_test(broken)
    assert refusal.value.code == "self_test_failed"
    assert all(variant in refusal.value.message for variant in artifact.manifest.variants)


def test_an_older_artifact_without_drawings_is_used(artifact: Artifact) -> None:
    found = run_self_test(replace(artifact, manifest=replace(artifact.manifest, self_test=None)))
    assert found.status == "not_available" and not found.passed
    assert found.usable == tuple(sorted(artifact.manifest.variants))
    assert found.variants == {}
