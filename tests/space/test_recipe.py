"""The recipe beside the network: intervals, choices and fixed values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netwright.blocks import conv
from netwright.errors import DesignError, SpaceError
from netwright.graph import image
from netwright.space import Design, Space, integer, oneof, real

from .chi_square import assert_follows, assert_uniform

RECIPE = {
    "lr": real(1e-4, 1e-1, log=True),
    "decay": real(0.0, 0.2),
    "optimiser": oneof("adamw", "sgd", weights=[3, 1]),
    "epochs": integer(10, 30, step=10),
    "seed": 7,
}


def make(recipe: dict[str, object] | None = None) -> Space:
    return Space(conv(oneof(4, 8)), input=image(3, 8, 8), recipe=RECIPE if recipe is None else recipe)


def test_size_counts_choices_alone() -> None:
    assert make().size() == 2 * 2 * 3
    assert make({}).size() == 2


def test_draws_stay_in_their_domains_and_are_contained() -> None:
    space = make()
    designs = space.sample(np.random.default_rng(0), 2000)
    for design in designs:
        assert design in space
        assert 1e-4 <= float(design["recipe.lr"]) <= 1e-1
        assert 0.0 <= float(design["recipe.decay"]) <= 0.2
    assert_uniform([design["channels"] for design in designs], (4, 8))
    assert_uniform([design["recipe.epochs"] for design in designs], (10, 20, 30))
    assert_follows([design["recipe.optimiser"] for design in designs], {"adamw": 3, "sgd": 1})


def test_intervals_are_uniform_in_their_own_scale() -> None:
    designs = make().sample(np.random.default_rng(1), 2000)
    tenths = range(10)
    assert_uniform([int(float(design["recipe.decay"]) / 0.02) for design in designs], tenths)
    assert_uniform([int((math.log10(float(design["recipe.lr"])) + 4) / 0.3) for design in designs], tenths)


def test_recipe_of_a_design_has_all_values() -> None:
    space = make()
    design = space.sample(np.random.default_rng(0))[0]
    recipe = space.recipe(design)
    assert set(recipe) == set(RECIPE)
    assert recipe["seed"] == 7
    assert recipe["lr"] == design["recipe.lr"]
    assert space.network(design).outputs[0].shape[1] == design["channels"]
    with pytest.raises(DesignError, match=r"'recipe\.lr'"):
        space.recipe({path: value for path, value in design.items() if path != "recipe.lr"})
    with pytest.raises(DesignError, match=r"'recipe\.epochs' must be one of 10, 20, 30"):
        space.recipe({**design, "recipe.epochs": 15})


@pytest.mark.parametrize(
    ("path", "value"),
    [("recipe.lr", 1.0), ("recipe.lr", True), ("recipe.lr", "fast"), ("recipe.lr", math.nan), ("recipe.epochs", 11),
     ("recipe.optimiser", "lion"), ("recipe.seed", 7), ("recipe.momentum", 0.9)],
)  # fmt: skip
def test_what_lies_outside_is_not_contained(path: str, value: str | float) -> None:
    space = make()
    design = space.sample(np.random.default_rng(0))[0]
    assert Design({**design, path: value}) not in space


def test_variation_keeps_the_domains() -> None:
    space, rng = make(), np.random.default_rng(0)
    changed: dict[str, int] = {}
    a, b = space.sample(rng, 2, "params <= 250")
    for _ in range(300):
        mutant = space.mutate(a, rng, "params <= 250")
        assert mutant in space
        for path in [path for path in a if mutant[path] != a[path]]:
            changed[path] = changed.get(path, 0) + 1
        assert space.crossover(a, b, rng, "params <= 250") in space
        child = space.recipe_space.crossover(a, b, rng)
        assert all(value in (a[path], b[path]) for path, value in child.items())
    assert set(changed) == set(a)
    assert all(space.contains(other) for other in space.neighbours(a))
    assert all(other["recipe.lr"] == a["recipe.lr"] for other in space.neighbours(a))


def test_a_recipe_on_a_fixed_network() -> None:
    space = Space(conv(4), input=image(3, 8, 8), recipe={"lr": real(0.1, 1.0), "warm": oneof(1)})
    rng = np.random.default_rng(0)
    design = space.sample(rng)[0]
    assert list(design) == ["recipe.lr", "recipe.warm"]
    assert any(space.mutate(design, rng)["recipe.lr"] != design["recipe.lr"] for _ in range(20))


@pytest.mark.parametrize(
    ("make_bad", "message"),
    [
        (lambda: real(1.0, 1.0), "low < high"),
        (lambda: real(2.0, 1.0), "got low=2.0, high=1.0"),
        (lambda: real(0.0, 1.0, log=True), "0 < low"),
        (lambda: real(math.nan, 1.0), "finite numbers"),
        (lambda: integer(3, 2), "got low=3, high=2, step=1"),
        (lambda: integer(1, 2, step=0), "positive step"),
    ],
)
def test_bad_domains_are_refused(make_bad: object, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make_bad()  # type: ignore[operator]
