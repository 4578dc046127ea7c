"""Initialisation and learning rate that follow the topology, against sums over listed paths."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.errors import EvaluationError
from netwright.graph import Graph, Tensor, image, ops, parameter, scope, vector
from netwright.quality._initialise import initialise, lr_scale
from netwright.quality._recipe import Recipe
from netwright.quality._train import train

WIDTH = 8


def dense(x: Tensor, width: int = WIDTH, *, bias: bool = False) -> Tensor:
    """ReLU, then a fully connected layer: an edge of the paper's networks."""
    inputs = [ops.relu(x), parameter("weight", (width, x.shape[1]))]
    return ops.gemm(*inputs, parameter("bias", (width,))) if bias else ops.gemm(*inputs)


def convolution(x: Tensor, kernel: int = 3, channels: int = WIDTH) -> Tensor:
    return ops.conv(ops.relu(x), parameter("weight", (channels, x.shape[1], kernel, kernel)), pads=kernel // 2)


def chain(depth: int, kernel: int = 0) -> Graph:
    x = value = image(WIDTH, 9, 9) if kernel else vector(WIDTH)
    for _ in range(depth):
        value = convolution(value, kernel) if kernel else dense(value)
    value = ops.flatten(ops.global_average_pool(value)) if kernel else value
    return Graph([x], [dense(value, 3)])


def bag(graph: Graph) -> Any:
    """Stands for a module with the graph's parameters."""
    torch.manual_seed(0)
    found = {name: torch.rand(p.shape) for name, p in graph.parameters.items() if p.trainable}
    return SimpleNamespace(named_parameters=lambda: list(found.items()), found=found)


@pytest.mark.parametrize("depth", [1, 2, 5, 40])
def test_a_chain_scales_with_its_depth_to_the_minus_three_halves(depth: int) -> None:
    assert lr_scale(chain(depth)) == pytest.approx(depth**-1.5)
    assert lr_scale(chain(depth), scope="network") == pytest.approx(depth**-1.5)
    assert lr_scale(chain(depth), base_depth=depth) == pytest.approx(1)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_larger_kernels_get_a_smaller_rate(kernel: int) -> None:
    assert lr_scale(chain(2, kernel)) == pytest.approx(2**-1.5 * 3 / kernel)


def test_mixed_kernels_count_by_their_geometric_mean() -> None:
    x = image(WIDTH, 9, 9)
    value = convolution(convolution(x, 1), 9)
    graph = Graph([x], [dense(ops.flatten(ops.global_average_pool(value)), 3)])
    assert lr_scale(graph) == pytest.approx(2**-1.5)


def test_a_network_without_a_hidden_layer_has_the_base_rate() -> None:
    assert lr_scale(chain(0)) == 1


def residual(x: Tensor, layers: int = 2) -> Tensor:
    value = x
    for _ in range(layers):
        value = dense(value)
    return x + value


def stack(blocks: int) -> Graph:
    x = value = vector(WIDTH)
    for _ in range(blocks):
        value = residual(value)
    return Graph([x], [dense(value, 3)])


def test_scope_cell_does_not_depend_on_the_number_of_blocks() -> None:
    assert lr_scale(stack(1)) == lr_scale(stack(1), scope="network") == pytest.approx(8**-0.5)
    assert lr_scale(stack(10)) == lr_scale(stack(1))


def test_scope_network_sums_over_all_paths_of_a_stack() -> None:
    cubes = sum(math.comb(10, used) * (2 * used) ** 3 for used in range(11))
    assert lr_scale(stack(10), scope="network") == pytest.approx(cubes**-0.5)


def test_a_very_deep_stack_has_too_many_paths_for_a_float_and_still_a_rate() -> None:
    assert 0 <= lr_scale(stack(1100), scope="network") < 1e-150


def test_the_largest_part_decides() -> None:
    x = vector(WIDTH)
    value = residual(residual(x, layers=3), layers=1)
    assert lr_scale(Graph([x], [dense(value, 3)])) == pytest.approx(27**-0.5)
    long_chain = value
    for _ in range(4):
        long_chain = dense(long_chain)
    assert lr_scale(Graph([x], [dense(long_chain, 3)])) == pytest.approx(64**-0.5)


def test_gates_do_not_add_paths() -> None:
    x = vector(WIDTH)
    value = dense(x)
    gated = value * ops.sigmoid(value)
    assert lr_scale(Graph([x], [dense(dense(gated), 3)])) == pytest.approx(2**-1.5)


def test_unknown_scope_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="'cell' or 'network'"):
        lr_scale(chain(1), scope="stage")


EDGES = st.lists(st.sampled_from(["none", "skip", "layer"]), min_size=10, max_size=10)


def dag(edges: list[str]) -> tuple[Graph, list[int]] | None:
    """The paper's DAG of five vertices as a graph, and the depth of each path; None where nothing flows."""
    x = vector(WIDTH)
    topology = nx.MultiDiGraph()
    topology.add_node(0)
    values: list[Tensor | None] = [x]
    kinds: Iterator[str] = iter(edges)
    for vertex in range(1, 5):
        terms = []
        for source in range(vertex):
            kind, value = next(kinds), values[source]
            if kind != "none" and value is not None:
                terms.append(value if kind == "skip" else dense(value))
                topology.add_edge(source, vertex, depth=int(kind == "layer"))
        values.append(ops.sum(*terms) if len(terms) > 1 else terms[0] if terms else None)
    last = values[-1]
    if last is None:
        return None
    paths = nx.all_simple_edge_paths(topology, 0, 4)
    depths = [sum(topology.edges[edge]["depth"] for edge in path) for path in paths]
    return Graph([x], [dense(last, 3)]), depths


@settings(deadline=None)
@given(edges=EDGES)
def test_sum_over_paths_agrees_with_listing_them(edges: list[str]) -> None:
    built = dag(edges)
    if built is None:
        return
    graph, depths = built
    expected = max(1, sum(depth**3 for depth in depths)) ** -0.5
    assert lr_scale(graph, scope="network") == pytest.approx(expected)
    # Cutting at a vertex only ever leaves paths out.
    assert lr_scale(graph) >= lr_scale(graph, scope="network") - 1e-12


def run(graph: Graph, weights: dict[str, torch.Tensor], x: torch.Tensor) -> dict[Tensor, torch.Tensor]:
    """Values of all tensors of a graph of ReLUs, layers and sums."""
    values = {graph.inputs[0]: x} | {p: weights[name] for name, p in graph.parameters.items()}
    rules = {
        "Relu": torch.relu,
        "Gemm": torch.nn.functional.linear,
        "Add": torch.add,
        "Sum": lambda *terms: sum(terms),
        "Concat": lambda *terms: torch.cat(terms, 1),
    }
    for node in graph.nodes:
        values[node.output] = rules[node.op.name](*(values[t] for t in node.inputs))
    return values


def test_size_of_pre_activations_is_kept_through_sums() -> None:
    width = 400
    x = vector(width)
    first = dense(x, width)
    second = dense(first, width) + dense(x, width)
    third = second + dense(second, width)
    fourth = dense(third, width)
    fifth = dense(ops.concat(third, fourth, axis=1), width)
    output = dense(fifth, 50)
    graph = Graph([x], [output])
    module = bag(graph)
    x_values = torch.randn(50, width, generator=torch.Generator().manual_seed(1))
    sizes = []
    for seed in range(30):
        initialise(module, graph, seed=seed)
        values = run(graph, module.found, x_values)
        sizes.append([float((values[t] ** 2).mean()) for t in (first, second, third, fourth, fifth, output)])
    means = np.mean(sizes, axis=0)
    assert means == pytest.approx([1, 2, 3, 1, 1, 1 / width], rel=0.1)


def test_convolutions_are_drawn_by_their_fan_in() -> None:
    x = image(64, 8, 8)
    with scope("grouped"):
        value = ops.conv(x, parameter("weight", (128, 16, 3, 3)), pads=1, group=4)
    with scope("up"):
        value = ops.conv_transpose(ops.relu(value), parameter("weight", (128, 64, 2, 2)), strides=2)
    with scope("head"):
        output = dense(ops.flatten(ops.global_average_pool(value)), 200)
    graph = Graph([x], [output])
    module = bag(graph)
    initialise(module, graph)
    deviations = {name: float(p.std()) for name, p in module.found.items()}
    expected = {
        "grouped.weight": (2 / (16 * 9)) ** 0.5,
        "up.weight": (2 / 128) ** 0.5,
        "head.weight": 2**0.5 / 64,
    }
    assert deviations == pytest.approx(expected, rel=0.05)


def test_normalisation_starts_the_count_again() -> None:
    width = 200
    x = vector(width)
    total = dense(x, width) + dense(x, width)
    scale, shift = parameter("scale", (width,)), parameter("shift", (width,))
    with scope("after"):
        value = dense(ops.layer_normalization(total, scale, shift, axis=-1), width)
    graph = Graph([x], [dense(value, 3)])
    module = bag(graph)
    kept = module.found["scale"].clone()
    initialise(module, graph)
    assert float(module.found["after.weight"].std()) == pytest.approx((2 / width) ** 0.5, rel=0.03)
    assert torch.equal(module.found["scale"], kept)


def test_biases_become_zero_and_matrix_products_are_layers() -> None:
    x = vector(WIDTH)
    with scope("first"):
        value = dense(x, 300, bias=True)
    with scope("second"):
        value = ops.matmul(value, parameter("weight", (300, 100)))
    graph = Graph([x], [dense(value, 3)])
    module = bag(graph)
    initialise(module, graph)
    assert not module.found["first.bias"].any()
    assert float(module.found["second.weight"].std()) == pytest.approx((2 / 300) ** 0.5, rel=0.03)


def test_one_seed_draws_the_same_weights_and_leaves_the_callers_stream() -> None:
    graph = chain(3)
    first, second, other = bag(graph), bag(graph), bag(graph)
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    for module, seed in ((first, 1), (second, 1), (other, 2)):
        initialise(module, graph, seed=seed)
    assert torch.equal(torch.rand(1), expected)
    pairs = list(zip(first.found.values(), second.found.values(), other.found.values(), strict=True))
    assert all(torch.equal(a, b) and not torch.equal(a, c) for a, b, c in pairs)


def test_a_module_of_another_graph_is_an_error() -> None:
    x = vector(WIDTH)
    with pytest.raises(EvaluationError, match=r"weight_1.* it has no such parameter"):
        initialise(bag(Graph([x], [dense(x)])), chain(1))
    with pytest.raises(EvaluationError, match=r"weight \(3, 8\) it has shape \(5, 8\)"):
        initialise(bag(Graph([x], [dense(x, 5)])), chain(0))


def test_trainer_scales_the_rate_and_needs_the_graph() -> None:
    graph = Graph([x := vector(4)], [dense(dense(dense(x)), 2)])

    class Chain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, symbol in graph.parameters.items():
                self.register_parameter(name, torch.nn.Parameter(torch.zeros(symbol.shape)))

        def forward(self, data: torch.Tensor) -> torch.Tensor:
            for weight in self.parameters():
                data = torch.relu(data) @ weight.T
            return data

    module = Chain()
    part = SimpleNamespace(x=torch.randn(32, 4).numpy(), y=torch.arange(32).numpy() % 2)
    recipe = Recipe(architecture_aware=True, lr=0.1, warmup_fraction=0.0, epochs=1)
    with pytest.raises(EvaluationError, match="needs the module's graph"):
        train(module, (part, None), recipe)
    result = train(module, (part, None), recipe, graph=graph)
    assert result.history[0]["lr"] == pytest.approx(0.1 * 2**-1.5)
    assert all(parameter.any() for parameter in module.parameters())
