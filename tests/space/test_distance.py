"""Distances between networks, and points that have them: what must hold, and what equals an exact search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from netwright.graph import Graph, image, ops, tokens
from netwright.space.catalog import dartopti, dartopti_start, flexibert, nasbench201
from netwright.space.encode import distance_matrix, edit_distance, similarity_embedding
from netwright.space.encode._assignment import assignment
from netwright.space.encode._similarity import placed


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(float, st.integers(1, 6).map(lambda n: (n, n)), elements=st.integers(-4, 9).map(float)))
def test_pairings_are_the_cheapest(costs: NDArray[np.float64]) -> None:
    found, rows = assignment(costs), [*range(len(costs))]
    assert sorted(found) == rows
    least = min(costs[rows, list(order)].sum() for order in itertools.permutations(rows))
    assert costs[rows, found].sum() == least


def test_equal_networks_are_at_no_distance() -> None:
    space = nasbench201(scale=0.5)
    for design in space.sample(np.random.default_rng(0), 3):
        assert edit_distance(space.network(design), space.network(design)) == 0
    start = dartopti(scale=0.25).network(dartopti_start())
    assert edit_distance(start, start) == 0


def test_distance_is_symmetric_and_grows_with_the_edits() -> None:
    # The use in D-DARTS: how far a design has gone from the network it started from.
    space, design = dartopti(scale=0.25), dartopti_start()
    start, last = space.network(design), 0.0
    for path in [path for path, value in design.items() if value == "simple_conv_3x3"][:6]:
        design = type(design)({**design, path: "sep_conv_5x5"})
        now = edit_distance(start, space.network(design))
        assert now == pytest.approx(edit_distance(space.network(design), start))
        assert now > last
        last = now


def test_weights_say_which_edits_are_dear() -> None:
    x = image(8, 4, 4)
    one, two = Graph([x], [ops.relu(x)]), Graph([x], [ops.tanh(x)])
    assert edit_distance(one, two) == 1
    assert edit_distance(one, two, weight=lambda node: 5.0 if node.op.name == "Tanh" else 1.0) == 3


def test_widths_cost_less_than_operators() -> None:
    space = flexibert(tokens(16), vocabulary=100)
    design = next(d for d in space.sample(np.random.default_rng(1), 50) if d["embed.width"] == 128)
    network = space.network(design)
    wider = space.network({**design, "embed.width": 256})
    other = space.network({**design, "first.mix": "fourier" if design["first.mix"] != "fourier" else "cosine"})
    assert edit_distance(network, wider) > 0
    assert edit_distance(network, other) > 0


@pytest.mark.slow
def test_points_have_the_distances_of_the_graphs() -> None:
    space = flexibert(tokens(16), vocabulary=100)
    graphs = [space.network(design) for design in space.sample(np.random.default_rng(2), 6)]
    wanted = distance_matrix(graphs)
    errors = [_error(similarity_embedding(graphs, dimensions), wanted) for dimensions in (1, 2, 5)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01


def _error(points: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    apart = np.linalg.norm(points[:, None] - points[None, :], axis=-1)
    return float(((apart - wanted) ** 2).sum() / (wanted**2).sum())


def test_points_that_exist_are_found_again() -> None:
    points = np.random.default_rng(3).standard_normal((12, 3))
    apart = np.linalg.norm(points[:, None] - points[None, :], axis=-1)
    assert _error(placed(apart, 3), apart) < 1e-12
    assert similarity_embedding([], 4).shape == (0, 4)
