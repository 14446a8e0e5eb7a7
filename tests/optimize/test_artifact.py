"""An artifact is checked before it is written, and written whole or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge
from edge.artifact import load_artifact
from edge.errors import DataRefused, PneumoKioskError, WorkFailed
from edge.phantom import draw_phantom, phantom_png
from edge.preprocess import preprocess
from edge.screening import Screener
from edge.selftest import run_self_test
from optimize.artifact import Samples, build_artifact, draw_samples
from optimize.comparison import TOLERANCES
from optimize.gates.attach import read_gates
from optimize.metadata import read_metadata
from optimize.tflite import census
from train.splits import load_training_data
from train.weights import Weights

GATES = Path(__file__).parents[2] / "train" / "weights" / "gates.json"
MEASURED: dict[str, Any] = {
    "data": "Drawn test folder",
    "images": 32,
    "positives": 16,
    "threshold": 0.6,
    "resamples": 100,
    "seed": 0,
    "figures": {"auc": {"value": 0.875, "low": 0.75, "high": 0.95}},
}


def build(weights: Weights, out: Path, samples: Samples, **options: Any) -> Any:
    return build_artifact(
        weights, out, samples, name="tiny", release="0.1", progress=False, **options
    )


@pytest.fixture(scope="module")
def artifact(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("built") / "models" / "tiny"
    build(replace(tiny_weights, sha256="cd" * 32), out, tiny_samples, measured=MEASURED)
    return out


def refusal_of(tmp_path: Path, *arguments: Any) -> PneumoKioskError:
    """Build where nothing may be left behind."""
    with pytest.raises(PneumoKioskError) as refusal:
        build(*arguments)
    assert list(tmp_path.iterdir()) == []
    return refusal.value


def test_artifact_is_verified_by_the_kiosk(artifact: Path, tiny_weights: Weights) -> None:
    loaded = load_artifact(artifact)
    manifest = loaded.manifest
    assert {p.name for p in artifact.iterdir()} == {"manifest.json", *manifest.files}
    assert manifest.files.keys() == {"tiny_fp32.tflite", "tiny_int8.tflite", "MODEL_CARD.md"}
    assert (manifest.name, manifest.version) == ("tiny", "0.1")
    assert manifest.input == tiny_weights.recipe.input
    assert manifest.attention_shape == (8, 8)
    assert manifest.thresholds == {"refer": 0.6, "uncertain": 0.4}
    assert manifest.calibration == tiny_weights.facts["calibration"]
    for name, record in manifest.files.items():
        content = (artifact / name).read_bytes()
        assert record.bytes == len(content)
        assert record.sha256 == hashlib.sha256(content).hexdigest()


def test_only_the_folder_is_left(artifact: Path) -> None:
    assert [p.name for p in artifact.parent.iterdir()] == ["tiny"]
    assert artifact.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_kiosk_screens_with_it(artifact: Path, variant: str) -> None:
    screener = Screener(load_artifact(artifact), variant)
    scores = set()
    for seed in range(3):
        screening = screener.screen(phantom_png(seed, 300, 2 * seed))
        assert screening.outcome in ("refer", "uncertain", "below_threshold")
        assert screening.score is not None and 0 < screening.score < 1
        assert screening.attention is not None and screening.attention.shape == (8, 8)
        scores.add(screening.score)
    assert len(scores) > 1


def test_it_passes_its_own_self_test(artifact: Path) -> None:
    found = run_self_test(load_artifact(artifact))
    assert found.passed
    assert set(found.usable) == {"fp32", "int8"}


def test_gates_and_half_weights_are_put_in(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    gates = read_gates(GATES)
    build(tiny_weights, tmp_path / "out", tiny_samples, gates=gates, float_variant="fp16")
    loaded = load_artifact(tmp_path / "out")
    assert loaded.manifest.gates == gates
    assert set(loaded.manifest.variants) == {"fp16", "int8"}
    assert loaded.manifest.made_from["conversion"]["fp16"]["allowed"] == TOLERANCES["fp16"]
    assert run_self_test(loaded).passed


def test_an_unknown_float_variant_is_refused(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    with pytest.raises(DataRefused) as refusal:
        build(tiny_weights, tmp_path / "out", tiny_samples, float_variant="fp8")
    assert refusal.value.code == "unknown_variant"


def test_one_changed_byte_is_refused(artifact: Path, tmp_path: Path) -> None:
    for path in artifact.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    model = tmp_path / "tiny_int8.tflite"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(PneumoKioskError) as refusal:
        load_artifact(tmp_path)
    assert refusal.value.code == "hash_mismatch"


def test_manifest_says_what_it_was_made_from(artifact: Path, tiny_weights: Weights) -> None:
    made = load_artifact(artifact).manifest.made_from
    assert made["weights_sha256"] == "cd" * 32
    assert made["recipe"]["network"]["width"] == tiny_weights.recipe.network.width
    assert made["conversion_images"] == "drawn"
    assert made["versions"]["pneumokiosk"] == edge.__version__
    assert set(made["versions"]) >= {"tensorflow", "keras", "tf_keras"}


def test_manifest_carries_the_comparison_with_the_network(artifact: Path) -> None:
    manifest = load_artifact(artifact).manifest
    for variant, name in manifest.variants.items():
        report = manifest.made_from["conversion"][variant]
        assert report["images"] == 16
        assert report["allowed"] == TOLERANCES[variant]
        for figure, allowed in TOLERANCES[variant].items():
            assert 0 <= report["difference_from_network"][figure] <= allowed
        found = census((artifact / name).read_bytes())
        assert report["operations"] == found.operations
        assert report["partitions"] == found.partitions == 1
        assert report["left_behind"] == []


def test_what_divides_a_file_and_its_cost_stand_in_the_manifest(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    """Hidden units of such a range have steps that the delegate's multiplication does not take."""
    tensors = dict(tiny_weights.tensors)
    for name, scale in (("dense/kernel", 1e6), ("dense/bias", 1e6), ("logits/kernel", 1e-6)):
        tensors[name] = np.float32(scale) * tensors[name]
    build(replace(tiny_weights, tensors=tensors), tmp_path / "out", tiny_samples)
    report = load_artifact(tmp_path / "out").manifest.made_from["conversion"]
    assert report["fp32"]["partitions"] == 1 and "cost_of_division" not in report["fp32"]
    assert report["int8"]["partitions"] > 1
    assert {op["name"] for op in report["int8"]["left_behind"]} == {"MUL"}
    assert report["int8"]["cost_of_division"]["partitions_without_map"] == 1


def test_every_file_says_what_it_is(artifact: Path) -> None:
    manifest = load_artifact(artifact).manifest
    for variant, name in manifest.variants.items():
        said = read_metadata((artifact / name).read_bytes())
        assert said is not None
        assert (said["name"], said["version"], said["variant"]) == ("tiny", "0.1", variant)
        assert said["input"] == manifest.input.to_dict()
        assert said["weights_sha256"] == manifest.made_from["weights_sha256"]
        assert (said["licence"], said["attribution"]) == (manifest.licence, manifest.attribution)


def test_model_card_repeats_the_manifest(artifact: Path) -> None:
    card = (artifact / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# tiny 0.1")
    assert edge.STANDING_SENTENCE in card
    assert "| auc | 0.875 | 0.750 to 0.950 |" in card
    assert "| refer | 0.6000 |" in card
    assert "Drawn test folder: 32 images, 16 with pneumonia" in card


def test_existing_folder_is_refused(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    out = tmp_path / "tiny"
    out.mkdir()
    (out / "kept.txt").write_text("kept")
    with pytest.raises(DataRefused) as refusal:
        build(tiny_weights, out, tiny_samples)
    assert refusal.value.code == "out_exists"
    assert [p.name for p in out.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize("missing", ["operating_points", "calibration"])
def test_weights_without_operating_points_are_refused(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path, missing: str
) -> None:
    facts = {name: fact for name, fact in tiny_weights.facts.items() if name != missing}
    weights = replace(tiny_weights, facts=facts)
    refusal = refusal_of(tmp_path, weights, tmp_path / "out", tiny_samples)
    assert isinstance(refusal, DataRefused)
    assert refusal.code == "untrained_weights"


def test_weights_that_are_no_numbers_are_refused(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    tensors = {name: value.copy() for name, value in tiny_weights.tensors.items()}
    tensors["logits/kernel"][0, 0] = np.nan
    weights = replace(tiny_weights, tensors=tensors)
    refusal = refusal_of(tmp_path, weights, tmp_path / "out", tiny_samples)
    assert isinstance(refusal, DataRefused)
    assert refusal.code == "not_finite"
    assert "logits/kernel" in refusal.message


def test_int8_of_the_wrong_ranges_is_refused(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    """Ranges taken from images that are nothing like a film spoil the file; it may not ship."""
    faint = [0.01 * image for image in tiny_samples.calibration]
    samples = replace(tiny_samples, calibration=faint)
    refusal = refusal_of(tmp_path, tiny_weights, tmp_path / "out", samples)
    assert isinstance(refusal, WorkFailed)
    assert refusal.code == "output_differs"
    assert "int8" in refusal.message


def test_every_source_is_named(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    trained = {"imagenet": True, "chestxray14_images": 6876}
    weights = replace(
        tiny_weights,
        recipe=replace(tiny_weights.recipe, chestxray14=0.4),
        facts={**tiny_weights.facts, "trained_on": trained},
    )
    manifest = build_artifact(
        weights, tmp_path / "out", tiny_samples, name="tiny", release="1", progress=False
    )
    for source in ("Kermany", "ChestX-ray14", "ImageNet", "dilated residual network, width"):
        assert source in manifest.attribution
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert manifest.attribution in card and "6,876 films of ChestX-ray14" in card


def test_int8_ranges_that_come_closer_to_the_network_are_kept(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    """A few wild images widen the ranges of minimum and maximum, which then lose to the others."""
    images = tiny_samples.calibration
    wild = [(1.0 if i < 16 else 100.0) * image for i, image in enumerate(images)]
    samples = replace(tiny_samples, calibration=wild)
    manifest = build_artifact(
        tiny_weights, tmp_path / "out", samples, name="tiny", release="1", progress=False
    )
    ranges = manifest.made_from["conversion"]["int8"]["ranges"]
    assert ranges["images"] in (16, len(images))
    assert ranges != {"chosen_by": "minmax", "images": len(images)}


def test_synthetic_samples_are_named_and_seeded(tiny_weights: Weights) -> None:
    first, second = draw_samples(tiny_weights, None), draw_samples(tiny_weights, None)
    other = draw_samples(tiny_weights, None, seed=1000)
    assert "synthetic phantoms" in first.source and "seed 0" in first.source
    assert len(first.calibration) >= 16 and len(first.comparison) >= 64
    contents = [keys(samples.calibration) for samples in (first, second, other)]
    assert contents[0] == contents[1] != contents[2]
    assert not keys(first.calibration) & keys(first.comparison)
    side = tiny_weights.recipe.input.size
    assert {image.shape for image in first.calibration + first.comparison} == {(side, side, 1)}


def keys(images: Any) -> set[bytes]:
    return {np.asarray(image).tobytes() for image in images}


def test_ranges_come_from_training_patients_only(tiny_weights: Weights, chest_xray: Path) -> None:
    recipe = tiny_weights.recipe
    samples = draw_samples(tiny_weights, chest_xray)
    images = load_training_data(
        chest_xray, recipe.validation_fraction, recipe.split_seed, progress=False
    )
    training, validation = (
        keys(preprocess(p, recipe.input) for p in part.pixels)
        for part in (images.training, images.validation)
    )
    assert keys(samples.calibration) == training
    assert keys(samples.comparison) == validation
    assert not training & validation
    assert "training patients" in samples.source


def test_phantoms_are_no_part_of_the_comparison_with_data(
    tiny_weights: Weights, chest_xray: Path
) -> None:
    drawn = preprocess(draw_phantom(0, 256), tiny_weights.recipe.input)
    samples = draw_samples(tiny_weights, chest_xray)
    assert not keys([drawn]) & keys(samples.calibration + samples.comparison)
