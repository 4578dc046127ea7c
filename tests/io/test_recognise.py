"""What is written out is recognised and computes the same; what only looks alike stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_out import (
    FOUND,
    HEADS,
    IMAGE,
    MISSED,
    PIECES,
    TOKENS,
    Build,
    affine,
    attention_block,
    gelu,
    keys,
    layer_norm,
    mean,
    sliced,
    weight,
)

from netwright.graph import (
    Dependencies,
    Graph,
    Input,
    Tensor,
    canonical_hash,
    ops,
    recognise,
    scope,
)
from netwright.io import to_module
from netwright.io._agreement import difference, random_inputs, run_torch


def graph_of(shape: tuple[int, ...], build: Build) -> Graph:
    x = Input(shape)
    made = build(x)
    graph = Graph([x], made if isinstance(made, tuple) else [made])
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal(p.shape).astype("f4") * 0.5 for name, p in graph.parameters.items()}
    return graph.with_weights(weights) if weights else graph


def operators(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def recognised(graph: Graph) -> Graph:
    """The graph as it is recognised, which computes the same with one row and with three."""
    made = recognise(graph)
    for batch in (1, 3):
        arrays = random_inputs(graph, batch, np.random.default_rng(batch))
        assert difference(run_torch(to_module(graph), arrays), run_torch(to_module(made), arrays)) < 1e-5
    assert dict(made.parameters) == dict(graph.parameters)
    assert recognise(made) is made
    return made


@pytest.mark.parametrize(("shape", "build", "expected"), [f[1:] for f in FOUND], ids=[f[0] for f in FOUND])
def test_what_is_written_out_is_recognised(shape: tuple[int, ...], build: Build, expected: list[str]) -> None:
    made = recognised(graph_of(shape, build))
    kept = [name for name in operators(made) if name not in ("Mul", "Transpose") or name in expected]
    assert sorted(kept) == sorted(expected)


@pytest.mark.parametrize(("shape", "build", "kind"), [m[1:] for m in MISSED], ids=[m[0] for m in MISSED])
def test_what_only_looks_alike_stays(shape: tuple[int, ...], build: Build, kind: str) -> None:
    graph = graph_of(shape, build)
    assert kind not in operators(recognise(graph))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(range(len(PIECES))), st.booleans()), min_size=1, max_size=5))
def test_random_networks_of_such_pieces_compute_the_same(pieces: list[tuple[int, bool]]) -> None:
    def build(x: Tensor) -> Tensor:
        for number, residual in pieces:
            y = PIECES[number](x)
            assert isinstance(y, Tensor)
            x = x + y if residual else y
        return x

    graph = graph_of(TOKENS, build)
    assert len(recognised(graph).nodes) <= len(graph.nodes)


# ---- what is kept ------------------------------------------------------------------------------------------------


def test_scopes_that_all_share_and_parameters_are_kept() -> None:
    x = Input(TOKENS)
    with scope("block"):
        with scope("norm"):
            y = layer_norm(x)
        with scope("scale"):
            y = y * weight(12)
    graph = Graph([x], [y])
    made = recognise(graph)
    assert [made.scope_of(node) for node in made.nodes] == [("block",)]
    assert dict(made.parameters) == dict(graph.parameters)
    assert made.outputs[0].shape == y.shape


def test_slices_of_several_modules_become_one_split_around_them() -> None:
    x = Input(TOKENS)
    with scope("block"):
        parts = []
        for name, bounds in (("left", (0, 4)), ("right", (4, 12))):
            with scope(name):
                parts += sliced(x, *bounds)
    made = recognise(Graph([x], parts))
    assert [(node.op.name, made.scope_of(node)) for node in made.nodes] == [
        ("Split", ("block",)), ("Relu", ("block", "left")), ("Relu", ("block", "right")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "written", "direct"),
    [
        (TOKENS, lambda x: affine(layer_norm(x), 12), lambda x: ops.layer_normalization(
            x, weight(12), weight(12, hint="bias"))),
        (TOKENS, gelu, ops.gelu),
        (HEADS, lambda x: ops.softmax(x @ keys(x), axis=-1) @ x, lambda x: ops.attention(x, x, x, scale=0.7)),
        (IMAGE, lambda x: mean(x, 2, 3), ops.global_average_pool),
    ],
)  # fmt: skip
def test_two_ways_to_write_a_network_are_one_network(shape: tuple[int, ...], written: Build, direct: Build) -> None:
    as_written, as_one = graph_of(shape, written), graph_of(shape, direct)
    assert canonical_hash(as_written) != canonical_hash(as_one)
    assert canonical_hash(recognise(as_written)) == canonical_hash(as_one)


def test_a_graph_without_anything_to_find_is_itself() -> None:
    graph = graph_of(TOKENS, lambda x: ops.relu(x @ weight(12, 3)))
    assert recognise(graph) is graph


def test_a_network_for_one_row_is_recognised_too() -> None:
    x = Input(TOKENS, batch_axis=None)
    made = recognise(Graph([x], [gelu(ops.reshape(x, shape=(5, 12)))]))
    assert operators(made)[-1] == "Gelu"


def test_outputs_stay_in_their_order_also_where_one_is_an_input() -> None:
    x = Input(TOKENS)
    made = recognise(Graph([x], [ops.identity(x), gelu(x), gelu(x)]))
    assert made.outputs[0] is x
    assert operators(made) == ["Gelu", "Gelu"]


def test_five_thousand_nodes_are_read_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from netwright.graph import _recognise

    seen = []
    usual = _recognise._rewritten
    monkeypatch.setattr(_recognise, "_rewritten", lambda *given: seen.append(1) or usual(*given))
    x = y = Input(TOKENS)
    for _ in range(250):
        y = gelu(affine(layer_norm(y), 12)) + y
    graph = Graph([x], [y])
    assert len(recognise(graph).nodes) == 750
    assert len(seen) < 5 * len(graph.nodes)


def test_attention_that_was_written_out_has_heads() -> None:
    made = recognised(graph_of(TOKENS, lambda x: attention_block(x, 4)))
    assert [(group.kind, group.size, group.each) for group in Dependencies(made).groups] == [("heads", 4, 3)]
