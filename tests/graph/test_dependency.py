"""Width groups found from a network's operators, and networks slimmed by them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.cost import costs_of
from netwright.errors import GraphError, UnknownNameError
from netwright.graph import (
    OPERATORS,
    Dependencies,
    Graph,
    Init,
    Input,
    Tensor,
    canonical_hash,
    constant,
    image,
    ops,
    parameter,
    slim,
    verify,
)
from netwright.graph._dependency_rules import RULES
from netwright.graph._regroup import runs
from netwright.io import initial_weights, to_module
from netwright.io._agreement import random_inputs, run_torch
from netwright.testing import SMALL_NETWORKS, small_network


def weight(*shape: int, hint: str = "weight") -> Tensor:
    return parameter(hint, shape, Init("normal", 0.3))


NORMALISED = {
    "convnext": {"conv.conv"},
    "vit": {"patch_embedding.patches"},
    "grouped": {"weight"},
}
"""Widths that a normalisation takes the mean of: fewer of them, be they zero, are another mean."""


@cache
def network(name: str) -> tuple[Graph, Dependencies]:
    graph = small_network(name)
    rng = np.random.default_rng(1)
    arrays = initial_weights(graph, 3)
    for key, array in arrays.items():
        if np.all(array == array.flat[0]):  # statistics and scales that all start equal would hide a mix-up
            arrays[key] = rng.uniform(0.5, 1.5, array.shape).astype(array.dtype)
    graph = graph.with_weights(arrays)
    return graph, Dependencies(graph)


def outputs(graph: Graph, batch: int = 3) -> list[np.ndarray[Any, Any]]:
    return run_torch(to_module(graph), random_inputs(graph, batch, np.random.default_rng(0)))


def zeroed(graph: Graph, found: Dependencies, kept: Mapping[str, list[int]]) -> Graph:
    """The network with all weights of the units that are not kept set to zero."""
    gone = np.zeros(found.count, dtype=bool)
    for name, numbers in kept.items():
        units = found.group(name).units
        gone[np.delete(units, numbers)] = True
    arrays = {}
    for name, p in graph.parameters.items():
        array = np.array(graph.weights[name])
        for at, axis in enumerate(found.axes[p]):
            where = gone[found.roots(axis)]
            array[(slice(None),) * at + (where,)] = 0
        arrays[name] = array
    return graph.with_weights(arrays)


def some_of_each(found: Dependencies, data: st.DataObject, without: set[str] = frozenset()) -> dict[str, list[int]]:
    kept = {}
    for group in found.groups:
        if group.name not in without:
            numbers = st.lists(st.integers(0, group.size - 1), min_size=1, unique=True)
            kept[group.name] = sorted(data.draw(numbers, label=group.name))
    return kept


@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_all_units_are_the_network_itself(name: str) -> None:
    graph, found = network(name)
    same = slim(graph, {group.name: group.size for group in found.groups}, dependencies=found)
    assert canonical_hash(same) == canonical_hash(graph)
    assert list(same.weights) == list(graph.weights)
    assert all(same.weights[key] is array for key, array in graph.weights.items())


@pytest.mark.parametrize("name", SMALL_NETWORKS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_removing_units_of_zero_weights_changes_nothing(name: str, data: st.DataObject) -> None:
    graph, found = network(name)
    kept = some_of_each(found, data, NORMALISED.get(name, set()))
    blank = zeroed(graph, found, kept)
    small = slim(blank, kept)
    for expected, given_ in zip(outputs(blank), outputs(small), strict=True):
        np.testing.assert_allclose(given_, expected, rtol=1e-4, atol=1e-4 * float(np.abs(expected).max()))


@pytest.mark.parametrize("name", SMALL_NETWORKS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_whatever_is_kept_is_a_network(name: str, data: st.DataObject) -> None:
    graph, found = network(name)
    kept = some_of_each(found, data)
    small = verify(slim(graph, kept, dependencies=found))
    assert [t.shape for t in small.outputs] == [t.shape for t in graph.outputs]
    counts = {name: len(numbers) for name, numbers in kept.items()}
    assert shapes(slim(graph, counts, dependencies=found)) == shapes(small)  # only the numbers matter
    whole = all(len(numbers) == found.group(name).size for name, numbers in kept.items())
    assert whole == (costs_of(small, ["params"]) == costs_of(graph, ["params"]))


def shapes(graph: Graph) -> list[tuple[str, Any]]:
    return [(node.op.name, [t.shape for t in (*node.inputs, *node.outputs) if t is not None]) for node in graph.nodes]


@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_every_free_position_is_in_one_group(name: str) -> None:
    _, found = network(name)
    units = np.concatenate([group.units for group in found.groups])
    assert len(set(units.tolist())) == len(units)
    assert found.groups


def sizes(name: str) -> dict[str, int]:
    return {group.name: group.size for group in network(name)[1].groups}


def test_a_residual_stream_is_one_group() -> None:
    assert sizes("residual") == {
        "conv.conv": 16,
        "residual_block.conv1.conv": 16,
        "residual_block_1.conv1.conv": 24,
        "residual_block_1.conv2.conv": 24,
    }
    _, found = network("residual")
    names = {found.graph.names[p] for p, _ in found.group("conv.conv").places}
    assert {"residual_block.conv2.conv.weight", "residual_block_1.shortcut.conv.weight"} <= names


def test_parts_of_a_concatenation_are_groups_of_their_own() -> None:
    assert sizes("u-net") == {"conv.conv": 8, "conv_1.conv": 12, "weight": 6}


@pytest.mark.parametrize(
    ("name", "heads"),
    [("vit", {4: 1, 2: 1, 1: 0}), ("plain attention", {4: 1})],
)
def test_heads_are_found_with_their_keys_and_values(name: str, heads: dict[int, int]) -> None:
    found = [group.size for group in network(name)[1].groups if group.kind == "heads"]
    assert all(found.count(size) >= times for size, times in heads.items())


def test_heads_that_share_one_key_go_one_by_one() -> None:
    group = network("vit")[1].group("vit_encoder_2.mix.attention.qkv")
    assert (group.kind, group.size) == ("heads", 4)


def test_grouped_layers_lose_whole_groups() -> None:
    assert sizes("resnext")["resnext.reduce.conv"] == 8
    small = slim(network("grouped")[0], {"weight": 3})
    attrs = {node.op.name: node.attrs for node in small.nodes}
    assert attrs["GroupNormalization"]["num_groups"] == 3
    assert attrs["ConvTranspose"]["group"] == 6


def test_gates_of_a_recurrent_layer_go_together() -> None:
    small = slim(network("gru")[0], {group.name: 5 for group in network("gru")[1].groups})
    assert small.parameters["recurrent"].shape == (2, 15, 5)


def test_the_most_important_units_stay() -> None:
    x = Input((1, 4))
    graph = Graph([x], [ops.gemm(ops.gemm(x, weight(3, 4, hint="a")), weight(2, 3, hint="b"))])
    a = np.array([[1, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0]], np.float32)
    b = np.array([[1, 9, 0], [0, 0, 0]], np.float32)
    small = slim(graph.with_weights({"a": a, "b": b}), {"a": 2})
    np.testing.assert_array_equal(small.weights["a"], a[1:])
    np.testing.assert_array_equal(small.weights["b"], b[:, 1:])


def test_layers_turned_or_with_a_row_as_bias_are_cut_alike() -> None:
    x = Input((1, 4))
    first = ops.gemm(x, weight(3, 4, hint="a"), weight(1, 3, hint="row"))
    last = ops.gemm(ops.transpose(first, perm=(1, 0)), weight(2, 3, hint="b"), constant(1.5), transA=1)
    small = slim(Graph([x], [last]), {"a": 2})
    assert [p.shape for p in small.parameters.values()] == [(2, 4), (1, 2), (2, 2)]


def test_without_weights_the_first_stay_and_shapes_follow() -> None:
    small = slim(small_network("plain"), {"conv.conv": 3})
    assert small.weights is None
    assert small.parameters["conv.conv.weight"].shape == (3, 3, 3, 3)


@pytest.mark.parametrize("wanted", [0, 17, [], [16], [-1], 2.5, "a", ["a"]])
def test_numbers_of_units_must_be_there(wanted: Any) -> None:
    with pytest.raises(GraphError, match=r"conv\.conv must keep"):
        slim(network("plain")[0], {"conv.conv": wanted})


def test_an_unknown_group_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match=r"conv_1\.conv"):
        slim(network("plain")[0], {"no such": 1})


def test_what_is_unknown_stays() -> None:
    x = image(3, 4, 4)
    y = ops.conv(ops.trilu(ops.conv(x, weight(8, 3, 1, 1))), weight(2, 8, 1, 1, hint="last"))
    assert Dependencies(Graph([x], [y])).groups == ()


def test_rules_name_operators() -> None:
    assert RULES.keys() <= OPERATORS.keys()


def test_runs_cover_all_axes() -> None:
    found = [(list(a), list(b)) for a, b in runs((1, 6, 4, 1), (1, 2, 12))]
    assert found == [([0], [0]), ([1, 2], [1, 2]), ([3], [])]
