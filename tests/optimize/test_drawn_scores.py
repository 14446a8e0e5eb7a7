"""The self-test's drawings are chosen by how little their scores move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import optimize.drawn_scores as chosen
from edge.artifact import DEFAULT_ARTIFACT, Artifact, load_artifact
from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from edge.runtime import Model
from edge.selftest import TOLERANCE, run_self_test
from optimize.drawn_scores import drawn_scores


@pytest.fixture(scope="module")
def slim() -> Artifact:
    return load_artifact(DEFAULT_ARTIFACT.parent / "slim")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "SEEDS", 6)
    monkeypatch.setattr(chosen, "KEPT", 2)


def test_variants_share_the_drawings_and_pass_them(slim: Artifact) -> None:
    tests = drawn_scores(slim.manifest, slim.models)
    assert tests == drawn_scores(slim.manifest, slim.models)
    drawings = {
        tuple((drawn.seed, drawn.side, drawn.opacities) for drawn in scores)
        for scores in tests.values()
    }
    assert len(drawings) == 1 and len(drawings.pop()) == 2 * len(chosen.OPACITIES)
    tested = replace(slim, manifest=replace(slim.manifest, self_test=tests))
    found = run_self_test(tested)
    assert found.passed
    assert all(test.worst == 0 for test in found.variants.values())


def test_rounding_elsewhere_hardly_moves_their_mean(slim: Artifact) -> None:
    """Disturbances other than those that they were chosen by."""
    manifest, rng = slim.manifest, np.random.default_rng(77)
    for variant, scores in drawn_scores(manifest, slim.models).items():
        model, off = Model(slim.models[variant]), []
        for drawn in scores:
            image = preprocess(
                draw_phantom(drawn.seed, drawn.side, drawn.opacities), manifest.input
            )
            noise = 1 + chosen.DISTURBANCE * rng.standard_normal(image.shape)
            moved = manifest.score(model.predict(np.asarray(image * noise, np.float32)).margin)
            off.append(moved - drawn.score)
        assert abs(float(np.mean(off))) < TOLERANCE / 2
