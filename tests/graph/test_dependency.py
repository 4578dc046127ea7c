"""Width groups found from a network's operators, and networks slimmed by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import blocks
from netwright.blocks._layers import linear
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
    scope,
    slim,
    tokens,
    verify,
)
from netwright.graph._dependency_rules import RULES
from netwright.graph._regroup import runs
from netwright.io import initial_weights, to_module
from netwright.io._agreement import random_inputs, run_torch
from netwright.io._torch_ops import FORMS

Build = Callable[[], tuple[Input, Tensor]]


def weight(*shape: int, hint: str = "weight") -> Tensor:
    return parameter(hint, shape, Init("normal", 0.3))


def chain(*calls: Any, size: int = 16) -> Build:
    def build() -> tuple[Input, Tensor]:
        x = y = image(3, size, size)
        for call in calls:
            y = call.apply(y)
        return x, y

    return build


def unet() -> tuple[Input, Tensor]:
    x = image(3, 16, 16)
    high = blocks.conv(x, 8)
    low = blocks.conv(ops.max_pool(high, kernel_shape=2, strides=2), 12)
    up = ops.resize(low, scales=(2.0, 2.0))
    other = ops.conv_transpose(low, weight(12, 6, 2, 2), weight(6, hint="bias"), strides=2)
    return x, ops.conv(ops.concat(up, high, other, axis=1), weight(2, 26, 1, 1, hint="last"))


def plain_attention(heads: int = 4, width: int = 24) -> Build:
    """As many write it: one projection, a reshape to (3, heads, width of a head), matrix products."""

    def build() -> tuple[Input, Tensor]:
        x = Input((1, 7, 10))
        y = linear(x, width, name="embed")
        qkv = ops.reshape(linear(y, 3 * width, name="qkv"), shape=(0, 7, 3, heads, width // heads))
        parts = ops.split(ops.transpose(qkv, perm=(2, 0, 3, 1, 4)), split=(1, 1, 1), axis=0)
        q, k, v = (ops.squeeze(part, axes=(0,)) for part in parts)
        scores = ops.softmax(ops.matmul(q * 0.4, ops.transpose(k, perm=(0, 1, 3, 2))), axis=-1)
        mixed = ops.reshape(ops.transpose(ops.matmul(scores, v), perm=(0, 2, 1, 3)), shape=(0, 0, -1))
        return x, linear(y + linear(mixed, width, name="out"), 5, name="head")

    return build


def recurrent() -> tuple[Input, Tensor]:
    x = Input((6, 1, 5), batch_axis=1)
    bias = parameter("bias", (2, 2 * 3 * 8), Init("normal", 0.3))
    y, _ = ops.gru(x, weight(2, 3 * 8, 5), weight(2, 3 * 8, 8, hint="recurrent"), bias, direction="bidirectional")
    flat = ops.reshape(ops.transpose(y, perm=(0, 2, 1, 3)), shape=(0, -1, 16))
    return x, linear(flat, 3, name="head")


def long_short() -> tuple[Input, Tensor]:
    x = Input((6, 1, 5), batch_axis=1)
    y, state, _ = ops.lstm(x, weight(4 * 8, 5), weight(4 * 8, 8, hint="recurrent"), None)
    return x, linear(ops.squeeze(y, axes=(1,)), 3, name="head") + linear(state, 3, name="last")


def embedding() -> tuple[Input, Tensor]:
    x = tokens(9)
    with scope("table"):
        y = ops.gather(weight(50, 12), x, axis=0)
    return x, ops.matmul(ops.tanh(linear(y, 20, name="hidden")), weight(20, 4, hint="last"))


def depth_and_space() -> tuple[Input, Tensor]:
    x = image(3, 8, 8)
    y = ops.conv(x, weight(12, 3, 1, 1))
    down = ops.space_to_depth(y, blocksize=2)
    up = [ops.depth_to_space(ops.conv(down, weight(16, 48, 1, 1)), blocksize=2, mode=mode) for mode in ("CRD", "DCR")]
    return x, ops.conv(ops.concat(*up, axis=1), weight(2, 8, 1, 1, hint="last"))


def grouped() -> tuple[Input, Tensor]:
    x = image(3, 8, 8)
    y = ops.conv(x, weight(16, 3, 1, 1))
    y = ops.group_normalization(y, weight(16, hint="scale"), weight(16, hint="shift"), num_groups=4)
    y = ops.conv_transpose(ops.relu(y), weight(16, 3, 1, 1, hint="up"), group=8)
    y = ops.conv(y, weight(48, 1, 3, 3, hint="multiplied"), group=24)
    return x, ops.conv(ops.tile(y, repeats=(1, 2, 1, 1)), weight(2, 96, 1, 1, hint="last"))


def cut() -> tuple[Input, Tensor]:
    """Runs of channels that go different ways."""
    x = image(3, 8, 8)
    y = ops.conv(x, weight(20, 3, 1, 1))
    first, second = ops.split(y, split=(8, 12), axis=1)
    gated = first * ops.sigmoid(ops.slice_(second, starts=(2,), ends=(10,), axes=(1,)))
    scaled = gated * constant(np.linspace(0.5, 1.5, 8).reshape(1, 8, 1, 1))
    return x, ops.conv(ops.pad(scaled, pads=(0, 0, 1, 1, 0, 0, 1, 1)), weight(2, 8, 3, 3, hint="last"))


ZOO: dict[str, Build] = {
    "plain": chain(blocks.conv(16), blocks.conv(24, stride=2), blocks.classifier(10)),
    "residual": chain(
        blocks.conv(16), blocks.residual_block(), blocks.residual_block(24, stride=2), blocks.classifier(10)
    ),
    "bottleneck": chain(blocks.conv(16), blocks.bottleneck(32, stride=2), blocks.bottleneck(), blocks.classifier(10)),
    "resnext": chain(blocks.conv(32), blocks.resnext(32, groups=8), blocks.classifier(10)),
    "mobilenet v2": chain(blocks.conv(16), blocks.mbconv(24, stride=2), blocks.mbconv(24), blocks.classifier(10)),
    "mobilenet v3": chain(
        blocks.conv(16), blocks.mbconv(24, se=0.25, activation="hard_swish"), blocks.mobilenet_head(10, 48, 64)
    ),
    "shufflenet": chain(
        blocks.conv(16), blocks.shufflenet_v2(32, stride=2), blocks.shufflenet_v2(32), blocks.shufflenet_v2(32),
        blocks.classifier(10),
    ),
    "inception": chain(blocks.conv(16), blocks.inception(16, 8, 16, 4, 8, 8), blocks.classifier(10)),
    "convnext": chain(blocks.conv(16), blocks.convnext(), blocks.convnext(), blocks.classifier(10)),
    "vit": chain(
        blocks.patch_embedding(48, patch=4), blocks.vit_encoder(4), blocks.vit_encoder(4, kv_heads=2),
        blocks.vit_encoder(4, kv_heads=1), blocks.token_head(10),
    ),
    "u-net": unet,
    "plain attention": plain_attention(),
    "gru": recurrent,
    "lstm": long_short,
    "embedding": embedding,
    "depth and space": depth_and_space,
    "grouped": grouped,
    "cut": cut,
}  # fmt: skip

NORMALISED = {
    "convnext": {"conv.conv"},
    "vit": {"patch_embedding.patches"},
    "grouped": {"weight"},
}
"""Widths that a normalisation takes the mean of: fewer of them, be they zero, are another mean."""


@cache
def network(name: str) -> tuple[Graph, Dependencies]:
    x, y = ZOO[name]()
    graph = Graph([x], [y])
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


@pytest.mark.parametrize("name", ZOO)
def test_all_units_are_the_network_itself(name: str) -> None:
    graph, found = network(name)
    same = slim(graph, {group.name: group.size for group in found.groups}, dependencies=found)
    assert canonical_hash(same) == canonical_hash(graph)
    assert list(same.weights) == list(graph.weights)
    assert all(same.weights[key] is array for key, array in graph.weights.items())


@pytest.mark.parametrize("name", ZOO)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_removing_units_of_zero_weights_changes_nothing(name: str, data: st.DataObject) -> None:
    graph, found = network(name)
    kept = some_of_each(found, data, NORMALISED.get(name, set()))
    blank = zeroed(graph, found, kept)
    small = slim(blank, kept)
    if name in ("gru", "lstm") and "GRU" not in FORMS:
        pytest.skip("PyTorch has no form of a recurrent layer yet")
    for expected, given_ in zip(outputs(blank), outputs(small), strict=True):
        np.testing.assert_allclose(given_, expected, rtol=1e-4, atol=1e-4 * float(np.abs(expected).max()))


@pytest.mark.parametrize("name", ZOO)
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


@pytest.mark.parametrize("name", ZOO)
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


def test_without_weights_the_first_stay_and_shapes_follow() -> None:
    x, y = ZOO["plain"]()
    small = slim(Graph([x], [y]), {"conv.conv": 3})
    assert small.weights is None
    assert small.parameters["conv.conv.weight"].shape == (3, 3, 3, 3)


@pytest.mark.parametrize("wanted", [0, 17, [], [16], [-1]])
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
