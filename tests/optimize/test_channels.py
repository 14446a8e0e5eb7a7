"""A pruned network is whole, as small as was asked, and the same where nothing of use was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from edge.errors import DataRefused
from optimize.channels import Arithmetic, Plan, Scores, plan_channels, remove_channels
from train.augmentation import Pixels
from train.evaluation import predict
from train.network import NetworkConfig, build
from train.throughput import multiply_accumulates
from train.weights import Weights, build_trained, load_weights, save_weights

DEEP = NetworkConfig(
    width=4, depths=(2, 3), strides=(1, 2), dilations=(1, 2), input_size=32, dense=8
)
GIVEN_BY = {
    "stem": ("stem_bn",),
    "stage1_block2_1": ("stage1_block2_1_bn",),
    "stage2_block1_2": ("stage2_block1_2_bn",),
    "stage1": ("stage1_block1_0_bn", "stage1_block1_3_bn", "stage1_block2_3_bn"),
    "stage2": (
        "stage2_block1_0_bn", "stage2_block1_3_bn", "stage2_block2_3_bn", "stage2_block3_3_bn",
    ),
}  # fmt: skip
"""What gives the channels of some groups of `DEEP`, written down by hand."""


Make = Callable[..., Weights]
Score = Callable[[Weights], np.ndarray]


@pytest.fixture(scope="module")
def deep(make_weights: Make) -> Weights:
    return make_weights(DEEP, 5)


@pytest.fixture(scope="module")
def probabilities(films: list[Pixels]) -> Score:
    return lambda weights: predict(build_trained(weights, keras), films, weights.recipe.input)


def without(weights: Weights, gone: dict[str, list[int]]) -> Plan:
    """Keep every channel but these."""
    groups = weights.recipe.network.groups
    return {group: np.setdiff1d(np.arange(n), gone.get(group, [])) for group, n in groups.items()}


def silenced(weights: Weights, gone: dict[str, list[int]]) -> Weights:
    """Channels that are exactly zero after batch normalisation, whatever the image."""
    tensors = dict(weights.tensors)
    for group, channels in gone.items():
        for layer in GIVEN_BY[group]:
            for variable in ("gamma", "beta"):
                tensors[f"{layer}/{variable}"] = tensors[f"{layer}/{variable}"].copy()
                tensors[f"{layer}/{variable}"][channels] = 0
    return replace(weights, tensors=tensors)


def random_plan(config: NetworkConfig, rng: np.random.Generator) -> Plan:
    return {
        group: np.sort(rng.choice(n, rng.integers(1, n + 1), replace=False))
        for group, n in config.groups.items()
    }


def equal_scores(weights: Weights) -> Scores:
    return {group: np.ones(n) for group, n in weights.recipe.network.groups.items()}


def macs_of(weights: Weights) -> int:
    return multiply_accumulates(build(weights.recipe.network, keras))


def refusal_of(weights: Weights, share: float, multiple: int = 1) -> str:
    with pytest.raises(DataRefused) as refusal:
        plan_channels(weights, equal_scores(weights), share, multiple)
    return refusal.value.code


@pytest.mark.parametrize(
    "gone",
    [
        *({group: [0, 2]} for group in GIVEN_BY),
        {"stem": [3], "stage1": [0, 5, 15], "stage2": [1, 30], "stage1_block2_1": [1, 2, 3]},
    ],
    ids=[*GIVEN_BY, "several"],
)
def test_channels_that_are_zero_are_not_missed(
    deep: Weights, probabilities: Score, gone: dict[str, list[int]]
) -> None:
    weights = silenced(deep, gone)
    smaller = remove_channels(weights, without(weights, gone))
    assert smaller.recipe.network.groups == {
        group: n - len(gone.get(group, [])) for group, n in DEEP.groups.items()
    }
    assert macs_of(smaller) < macs_of(weights)
    expected = probabilities(weights)
    assert expected.std(axis=0).min() > 0.005  # images that the network tells apart
    np.testing.assert_allclose(probabilities(smaller), expected, atol=1e-5)


def test_channels_that_are_not_zero_are_missed(deep: Weights, probabilities: Score) -> None:
    for group in GIVEN_BY:
        smaller = remove_channels(deep, without(deep, {group: [0, 2]}))
        assert np.abs(probabilities(smaller) - probabilities(deep)).max() > 1e-4, group


def test_random_plans_give_whole_networks(make_weights: Make, tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    family = [
        make_weights(DEEP, 6),
        make_weights(replace(DEEP, width=3, depths=(1, 1), strides=(2, 1)), 7),
        make_weights(
            NetworkConfig(
                width=2, depths=(1, 2, 1, 1), dilations=(1, 1, 2, 4), input_size=33, dense=5
            ),
            8,
        ),
    ]
    path = tmp_path / "weights.safetensors"
    for turn in range(60):
        weights = family[turn % len(family)]
        config = weights.recipe.network
        plan = random_plan(config, rng)
        smaller = remove_channels(weights, plan)
        save_weights(path, smaller)
        loaded = load_weights(path)
        assert loaded.recipe == smaller.recipe
        assert loaded.recipe.network.groups == {group: len(kept) for group, kept in plan.items()}
        model = build_trained(loaded, keras)  # refuses any tensor of another shape
        side = config.input_size
        image = rng.normal(size=(1, side, side, 1)).astype(np.float32)
        assert np.isfinite(model(image, training=False)).all()
        counted = Arithmetic(config).total(loaded.recipe.network.groups)
        assert counted == multiply_accumulates(model)


def test_plans_follow_one_another(deep: Weights, probabilities: Score) -> None:
    rng = np.random.default_rng(12)
    first = random_plan(DEEP, rng)
    once = remove_channels(deep, first)
    second = random_plan(once.recipe.network, rng)
    together = {group: kept[second[group]] for group, kept in first.items()}
    np.testing.assert_array_equal(
        probabilities(remove_channels(once, second)),
        probabilities(remove_channels(deep, together)),
    )


@pytest.mark.parametrize("multiple", [1, 2, 3])
@pytest.mark.parametrize("share", [1.0, 0.7, 0.4, 0.3])
def test_the_budget_is_met_and_no_more_goes(deep: Weights, share: float, multiple: int) -> None:
    rng = np.random.default_rng(13)
    scores = {group: rng.exponential(size=n) for group, n in DEEP.groups.items()}
    smaller = remove_channels(deep, plan_channels(deep, scores, share, multiple))
    left, whole = macs_of(smaller), macs_of(deep)
    dearest = max(Arithmetic(DEEP).of_channel(DEEP.groups).values())
    assert share * whole - multiple * dearest < left <= share * whole
    for group, n in smaller.recipe.network.groups.items():
        assert n == DEEP.groups[group] or n % multiple == 0


def test_the_least_important_of_a_group_go(deep: Weights) -> None:
    rng = np.random.default_rng(14)
    scores = {group: rng.permutation(n) + 1.0 for group, n in DEEP.groups.items()}
    for group, kept in plan_channels(deep, scores, 0.5).items():
        gone = np.setdiff1d(np.arange(len(scores[group])), kept)
        assert not len(gone) or scores[group][kept].min() > scores[group][gone].max()


def test_what_is_worth_nothing_goes_first(deep: Weights) -> None:
    scores = {group: np.ones(n) for group, n in DEEP.groups.items()}
    scores["stage1"][[3, 7]] = 0
    scores["stage2_block3_2"][:] = 0
    spared = {**DEEP.groups, "stage1": 14, "stage2_block3_2": 1}
    arithmetic = Arithmetic(DEEP)
    share = arithmetic.total(spared) / arithmetic.total(DEEP.groups)
    plan = plan_channels(deep, scores, share)
    assert not set(plan["stage1"]) & {3, 7}
    assert {group: len(kept) for group, kept in plan.items()} == spared


def test_no_group_is_emptied_for_what_it_costs(make_weights: Make) -> None:
    weights = make_weights(replace(DEEP, width=8), 9)
    plan = plan_channels(weights, equal_scores(weights), 0.4)
    shares = [len(plan[group]) / n for group, n in weights.recipe.network.groups.items()]
    assert min(shares) > 0.2


def test_budgets_out_of_range_are_refused(deep: Weights) -> None:
    for share in (0.0, -0.5, 1.01, float("nan")):
        assert refusal_of(deep, share) == "invalid_budget"
    assert refusal_of(deep, 0.5, multiple=0) == "invalid_budget"


def test_a_budget_below_the_smallest_network_is_refused(deep: Weights) -> None:
    assert refusal_of(deep, 1e-4) == "budget_unreachable"
    assert refusal_of(deep, 0.5, multiple=32) == "budget_unreachable"


def test_a_rival_is_refused(deep: Weights) -> None:
    rival = replace(deep, recipe=replace(deep.recipe, architecture="xception"))
    assert refusal_of(rival, 0.5) == "not_prunable"
    with pytest.raises(DataRefused) as refusal:
        remove_channels(rival, without(deep, {}))
    assert refusal.value.code == "not_prunable"


@pytest.mark.parametrize("kept", [[], [0, 16], [-1, 2], [2, 1], [1, 1], None])
def test_plans_of_another_network_are_refused(deep: Weights, kept: list[int] | None) -> None:
    plan = without(deep, {})
    del plan["stage1"]
    if kept is not None:
        plan["stage1"] = np.array(kept, np.int64)
    with pytest.raises(DataRefused) as refusal:
        remove_channels(deep, plan)
    assert refusal.value.code == "invalid_plan"
    assert "stage1" in refusal.value.message
