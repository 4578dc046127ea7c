"""The recipe, the learning-rate schedule and the random changes to examples."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from netwright.errors import EvaluationError, UnknownNameError
from netwright.quality._augment import Crops, mixup, random_flip, random_warp
from netwright.quality._gradient_noise import add_gradient_noise, noise_variance
from netwright.quality._recipe import Recipe
from netwright.quality._schedule import warmup_cosine


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_recipe_survives_json() -> None:
    recipe = Recipe(optimizer="sgd", lr=0.1, crop=2, flip=True, weight_decay=0.0)
    assert Recipe.from_mapping(json.loads(json.dumps(recipe.to_mapping()))) == recipe


def test_recipe_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().lr = 1.0  # type: ignore[misc]


def test_unknown_hyperparameter_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"named 'learning_rate'.*label_smoothing.*lr"):
        Recipe.from_mapping({"learning_rate": 0.1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", 0), ("lr", -1.0), ("lr", float("nan")), ("lr", float("inf")), ("lr", "fast"), ("lr", True),
        ("epochs", 0), ("epochs", 2.5), ("batch_size", 0), ("base_depth", 0), ("patience", -1), ("seed", 1.5),
        ("crop", -1), ("crop", 1.5), ("warp", -0.5), ("warp", True), ("flip", 1),
        ("architecture_aware", "yes"), ("weight_decay", -0.1),
        ("label_smoothing", 1.1), ("warmup_fraction", -0.1), ("mixup", -1), ("gradient_noise", -1), ("grad_clip", -1),
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(EvaluationError, match=f"a recipe's {name} must be"):
        Recipe.from_mapping({name: value})


@pytest.mark.parametrize("name", ["optimizer", "amp", "compile"])
def test_unknown_choices_are_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match=f"no {name} is named 'adamq'"):
        Recipe.from_mapping({name: "adamq"})


def test_weight_decay_defaults_to_what_the_optimiser_usually_has() -> None:
    assert Recipe().decay == 0.05
    assert Recipe(optimizer="sgd").decay == 5e-4
    assert Recipe(optimizer="sgd", weight_decay=0.0).decay == 0


@given(total=st.integers(1, 500), share=st.floats(0, 1))
def test_schedule_rises_to_1_and_falls_towards_0(total: int, share: float) -> None:
    warmup = round(share * total)
    factors = [warmup_cosine(step, total, warmup) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[:warmup] == sorted(factors[:warmup])
    assert factors[warmup:] == sorted(factors[warmup:], reverse=True)
    if warmup < total:
        assert max(factors) == 1


def test_crops_are_shifted_images() -> None:
    images = torch.rand(3, 2, 6, 5)
    windows = Crops(images, 2)(torch.tensor([2, 0, 1, 2]), generator())
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2), mode="replicate")
    for window, row in zip(windows, (2, 0, 1, 2), strict=True):
        places = [padded[row, :, i : i + 6, j : j + 5] for i in range(5) for j in range(5)]
        assert any(torch.equal(window, place) for place in places)


def test_crops_reach_every_shift() -> None:
    images = torch.arange(25.0).reshape(1, 1, 5, 5)
    windows = Crops(images, 1)(torch.zeros(500, dtype=torch.int64), generator())
    assert len({tuple(window.flatten().tolist()) for window in windows}) == 9


def test_warps_move_a_spot_by_less_than_their_bounds() -> None:
    images = torch.zeros(400, 1, 33, 33)
    images[:, :, 16, 16] = 1.0
    warped = random_warp(images, 1.0, generator())
    rows, columns = torch.meshgrid(torch.arange(33.0), torch.arange(33.0), indexing="ij")
    mass = warped.sum((2, 3)).squeeze()
    moved = [(warped[:, 0] * place).sum((1, 2)) / mass - 16 for place in (rows, columns)]
    # Zooming changes how far a shift in the output reaches in the input, by an eighth at most; a shear adds a fifth.
    assert all(float(shift.abs().max()) < 1.5 * 0.06 * 33 for shift in moved)
    assert all(float(shift.std()) > 0.5 for shift in moved)


def test_warps_of_one_image_differ_and_keep_its_colours_together() -> None:
    image = torch.rand(1, 1, 8, 8).expand(6, 3, 8, 8)
    warped = random_warp(image, 1.0, generator())
    assert torch.equal(warped[:, 0], warped[:, 2])
    assert len({tuple(one.flatten().tolist()) for one in warped}) == 6
    assert warped.min() >= image.min()
    assert warped.max() <= image.max()


def test_flip_mirrors_about_half() -> None:
    images = torch.rand(1000, 1, 2, 3)
    flipped = random_flip(images, generator())
    same = (flipped == images).flatten(1).all(1)
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    assert bool((same | mirrored).all())
    assert 400 < int(mirrored.sum()) < 600


@pytest.mark.parametrize("alpha", [0.01, 0.2, 1.0, 5.0])
def test_mixup_is_a_convex_mixture(alpha: float) -> None:
    x = torch.rand(8, 3)
    mixed, partners, share = mixup(x, alpha, generator())
    assert 0 <= share <= 1
    assert sorted(partners.tolist()) == list(range(8))
    assert torch.equal(mixed, share * x + (1 - share) * x[partners])


def test_gradient_noise_has_the_published_variance() -> None:
    weight = torch.zeros(200_000, requires_grad=True)
    for step in (0, 10, 1000):
        weight.grad = torch.zeros_like(weight)
        add_gradient_noise([weight, torch.zeros(1)], step, 0.3, generator(step))
        assert float(weight.grad.var()) == pytest.approx(0.3 / (1 + step) ** 0.55, rel=0.02)
        assert float(weight.grad.mean()) == pytest.approx(0, abs=0.005)


def test_noise_variance_falls_from_eta() -> None:
    variances = [noise_variance(step, 0.01) for step in range(100)]
    assert variances[0] == 0.01
    assert variances == sorted(variances, reverse=True)
