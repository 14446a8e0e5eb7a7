"""What one epoch shows the network: balanced, complete, and the same whenever it is asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from train.augmentation import Augmentation
from train.batches import TrainingBatches, targets
from train.chestxray14 import AdultSample
from train.datasets import LabelledImages, Sample
from train.network import OUTPUTS
from train.recipe import Recipe

STILL = Augmentation(flip=0, rotation=0, scale=0, shift=0)


def whole_epoch(batches: TrainingBatches) -> tuple[np.ndarray, np.ndarray]:
    parts = [batches[step] for step in range(len(batches))]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def seen(images: LabelledImages, recipe: Recipe, epoch: int = 0) -> list[int]:
    """Which image stood at each place of an epoch, recognised by its unchanged pixels."""
    still = replace(recipe, augmentation=STILL, batch=1)
    inputs, _ = whole_epoch(TrainingBatches(images, still, epoch))
    names = {preprocess(p, recipe.input).tobytes(): i for i, p in enumerate(images.pixels)}
    return [names[image.tobytes()] for image in inputs]


def test_shapes_types_and_length(phantom_images: LabelledImages, tiny_recipe: Recipe) -> None:
    batches = TrainingBatches(phantom_images, replace(tiny_recipe, batch=5))
    inputs, wanted = batches[0]
    assert len(batches) == 12 // 5
    assert inputs.shape == (5, 32, 32, 1) and inputs.dtype == np.float32
    assert wanted.shape == (5, 2) and wanted.dtype == np.float32
    np.testing.assert_allclose(inputs.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_inputs_and_targets_belong_together(
    phantom_images: LabelledImages, tiny_recipe: Recipe
) -> None:
    labels = phantom_images.labels
    still = replace(tiny_recipe, augmentation=STILL, batch=1)
    for epoch in range(3):
        order = seen(phantom_images, tiny_recipe, epoch)
        _, wanted = whole_epoch(TrainingBatches(phantom_images, still, epoch))
        np.testing.assert_array_equal(wanted[:, 1], labels[order])


@pytest.mark.parametrize("epoch", range(4))
def test_balanced_epoch_shows_both_classes_equally(
    phantom_images: LabelledImages, tiny_recipe: Recipe, epoch: int
) -> None:
    order = seen(phantom_images, tiny_recipe, epoch)
    labels = phantom_images.labels[order]
    assert Counter(labels.tolist()) == {0: 6, 1: 6}


def test_no_image_comes_twice_before_each_of_its_class_came_once(
    phantom_images: LabelledImages, tiny_recipe: Recipe
) -> None:
    few = phantom_images.select([0, 1, 2, 3, 4, 5, 6, 7, 8])  # seven normal, two with pneumonia
    for epoch in range(4):
        counts = Counter(seen(few, tiny_recipe, epoch))
        normal = [counts[i] for i in range(7)]
        pneumonia = [counts[i] for i in (7, 8)]
        assert sum(normal) == 4 and max(normal) == 1
        assert pneumonia == [2, 2]


def test_unbalanced_epoch_shows_every_image_once(
    phantom_images: LabelledImages, tiny_recipe: Recipe
) -> None:
    order = seen(phantom_images, replace(tiny_recipe, balanced=False))
    assert sorted(order) == list(range(12))
    assert order != sorted(order)


def test_a_fresh_object_gives_the_same_epoch(
    phantom_images: LabelledImages, tiny_recipe: Recipe
) -> None:
    travelled = TrainingBatches(phantom_images, tiny_recipe)
    whole_epoch(travelled)
    travelled.start(3)
    fresh = TrainingBatches(phantom_images, tiny_recipe, 3)
    # Later batches first: what a batch holds does not depend on what was asked for before it.
    for step in reversed(range(len(fresh))):
        left, right = travelled[step], fresh[step]
        np.testing.assert_array_equal(left[0], right[0])
        np.testing.assert_array_equal(left[1], right[1])


def test_epochs_and_seeds_differ(phantom_images: LabelledImages, tiny_recipe: Recipe) -> None:
    first, _ = whole_epoch(TrainingBatches(phantom_images, tiny_recipe, 0))
    second, _ = whole_epoch(TrainingBatches(phantom_images, tiny_recipe, 1))
    other, _ = whole_epoch(TrainingBatches(phantom_images, replace(tiny_recipe, seed=6), 0))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_an_image_changes_from_epoch_to_epoch(
    phantom_images: LabelledImages, tiny_recipe: Recipe
) -> None:
    single = phantom_images.select([0])
    recipe = replace(tiny_recipe, batch=1, balanced=False)
    first, _ = whole_epoch(TrainingBatches(single, recipe, 0))
    second, _ = whole_epoch(TrainingBatches(single, recipe, 1))
    assert not np.array_equal(first, second)


def test_targets_and_smoothing(phantom_images: LabelledImages) -> None:
    samples = [phantom_images.samples[0], phantom_images.samples[11]]
    np.testing.assert_array_equal(targets(samples, OUTPUTS), [[1, 0], [0, 1]])
    np.testing.assert_allclose(targets(samples, OUTPUTS, 0.1), [[0.95, 0.05], [0.05, 0.95]])
    assert targets(samples, OUTPUTS).dtype == np.float32


def test_what_an_image_does_not_say_is_no_number() -> None:
    samples = [Sample(Path(s), int(s != "normal"), s, s) for s in ("normal", "bacteria", "virus")]
    found = targets(samples, (*OUTPUTS, "viral", "Hernia"), 0.2)
    np.testing.assert_allclose(found[:, 2], [np.nan, 0.1, 0.9])
    assert np.isnan(found[:, 3]).all()


def test_second_set_gives_its_share_and_its_groups_come_equally_often(
    phantom_images: LabelledImages, tiny_recipe: Recipe
) -> None:
    kinds = [("pneumonia", "AP", 1)] * 2 + [("no finding", "AP", 0)] * 6 + [("other", "PA", -1)] * 4
    adults = tuple(
        AdultSample(Path(f"a{i}.png"), label, f"a{i}", kind, frozenset({"Mass"}), view)
        for i, (kind, view, label) in enumerate(kinds)
    )
    also = LabelledImages(adults, np.stack([draw_phantom(90 + i, 64) for i in range(12)]))
    recipe = replace(
        tiny_recipe, augmentation=STILL, batch=1, chestxray14=0.5,
        outputs=(*OUTPUTS, "Mass"), network=replace(tiny_recipe.network, outputs=3),
    )  # fmt: skip
    inputs, wanted = whole_epoch(TrainingBatches(phantom_images, recipe, also=also))
    names = {
        preprocess(p, recipe.input).tobytes(): sample.group
        for p, sample in zip(also.pixels, also.samples, strict=True)
    }
    groups = Counter(names.get(image.tobytes(), "children") for image in inputs)
    assert groups == {"children": 12, "pneumonia AP": 4, "no finding AP": 4, "other PA": 4}
    undecided = np.isnan(wanted[:, 1])
    assert undecided.sum() == 4 and (wanted[undecided, 2] == 1).all()

    as_they_are = replace(recipe, chestxray14_balanced=False)
    inputs, _ = whole_epoch(TrainingBatches(phantom_images, as_they_are, also=also))
    groups = Counter(names.get(image.tobytes(), "children") for image in inputs)
    assert groups == {"children": 12, "pneumonia AP": 2, "no finding AP": 6, "other PA": 4}


def test_smoothing_of_the_recipe_reaches_the_batch(
    phantom_images: LabelledImages, tiny_recipe: Recipe
) -> None:
    _, wanted = TrainingBatches(phantom_images, replace(tiny_recipe, label_smoothing=0.2))[0]
    assert set(np.unique(wanted)) == {np.float32(0.1), np.float32(0.9)}
