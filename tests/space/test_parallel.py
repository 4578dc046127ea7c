"""Copies side by side, joins by name and the choice among them, against enumeration and the interpreter's rule."""

from __future__ import annotations

import pickle

import pytest

from netwright.blocks import conv, dense, permute
from netwright.errors import DesignError, EmptySpaceError, SpaceError, UnknownNameError
from netwright.graph import Input, image
from netwright.space import Space, branch, grammar, named, oneof, parallel, rule, seq

TOKENS = Input((1, 6, 8))
ALL = ("add", "mul", "concat", "concat1", "concat2", "concat3", "dot", "scaled_dot")


def test_copies_count_once_and_cost_each_time() -> None:
    body = conv(4, kernel=oneof(1, 3), norm="none", activation="none")
    one, four = Space(body, input=image(4, 8, 8)), Space(parallel(body, 4), input=image(4, 8, 8))
    assert one.size() == four.size() == 2
    for kernel in (1, 3):
        costs = four.costs({"each.kernel": kernel})
        assert costs == {k: 4 * v for k, v in one.costs({"kernel": kernel}).items()}
    assert sorted(four.all_costs(["params"])[:, 0]) == [4 * 20, 4 * 148]


def test_parts_of_an_axis_are_grouped_layers() -> None:
    body = conv(2, kernel=1, norm="none", activation="none")
    space = Space(parallel(body, 4, join="concat", axis=1), input=image(8, 4, 4))
    assert space.costs({})["params"] == 4 * (2 * 2 + 2)
    assert space.network({}).outputs[0].shape == (1, 8, 4, 4)


def test_every_join_gives_its_shape() -> None:
    shapes = {"add": (6, 8), "mul": (6, 8), "concat": (6, 16), "concat1": (12, 8), "concat2": (6, 16)}
    space = Space(branch(dense(8), dense(8), join=oneof(*ALL)), input=TOKENS)
    assert {str(d["join"]): space.network(d).outputs[0].shape[1:] for d in space.enumerate()} == shapes
    product = Space(branch(dense(5), seq(dense(5), permute()), join=oneof(*ALL)), input=TOKENS)
    assert {str(d["join"]): product.network(d).outputs[0].shape for d in product.enumerate()} == {
        "dot": (1, 6, 6),
        "scaled_dot": (1, 6, 6),
    }


def test_forest_and_networks_agree_on_what_fits() -> None:
    part = oneof(named("keep", dense(8)), named("narrow", dense(6)), named("turned", permute()))
    space = Space(branch(part, part, join=oneof(*ALL)), input=TOKENS)
    fits = set()
    for first in ("keep", "narrow", "turned"):
        for second in ("keep", "narrow", "turned"):
            for join in ALL:
                design = {"choice": first, "choice_1": second, "join": join}
                try:
                    space.network(design)
                except Exception:  # any misfit
                    assert design not in space
                else:
                    fits.add(tuple(design.values()))
                    assert design in space
    assert len(fits) == space.size()


def test_copies_stand_in_a_grammar_and_in_one_another() -> None:
    net = oneof(named("leaf", dense(8)), named("twice", parallel(rule("net"), 2)))
    space = Space(grammar("net", depth=3, net=net), input=TOKENS)
    assert space.size() == 3
    params = sorted(space.all_costs(["params"])[:, 0])
    assert params == [72, 144, 288]
    for design, (cost,) in zip(space.enumerate(), space.all_costs(["params"]), strict=True):
        assert space.costs(design)["params"] == cost


def test_a_size_bound_counts_copies_once() -> None:
    net = oneof(named("leaf", dense(8)), named("twice", parallel(rule("net"), 2)))
    assert Space(grammar("net", size=3, net=net), input=TOKENS).size() == 3


def test_what_is_no_branch_is_refused() -> None:
    with pytest.raises(SpaceError, match="at least 2 copies, but got 1"):
        parallel(dense(8), 1)
    with pytest.raises(UnknownNameError, match="no join is named 'stack'"):
        parallel(dense(8), 2, join="stack")
    with pytest.raises(UnknownNameError, match="no join is named 'stack'"):
        branch(dense(8), join=oneof("add", "stack"))
    with pytest.raises(EmptySpaceError, match="parts must divide an axis"):
        Space(parallel(dense(8), 4, axis=1), input=TOKENS).size()
    with pytest.raises(EmptySpaceError, match="dot got"):
        Space(branch(dense(5), dense(7), join="dot"), input=TOKENS).size()
    with pytest.raises(DesignError, match="'join' must be one of add, mul"):
        Space(parallel(dense(8), 2, join=oneof("add", "mul")), input=TOKENS).network({"join": "dot"})


def test_they_travel_to_another_process() -> None:
    for expression in (parallel(dense(8), 2, join=oneof("add", "concat")), branch(dense(8), dense(8), join="dot")):
        assert pickle.loads(pickle.dumps(expression)) == expression
