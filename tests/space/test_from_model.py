"""Spaces around networks that exist: what they hold, what they cost, and whose weights they carry."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import numpy as np
import pytest

from netwright import blocks
from netwright.blocks import bottleneck, conv, mbconv
from netwright.cost import Limit
from netwright.errors import DesignError, SpaceError, UnknownNameError
from netwright.graph import Graph, Input, Tensor, canonical_hash, image, ops, parameter, scope, simplify, verify
from netwright.io import initial_weights, to_module
from netwright.io._agreement import random_inputs, run_torch
from netwright.space import Design, Space
from netwright.space._cut import cut
from netwright.testing import SMALL_NETWORKS, SpaceConformance, assert_exports_agree, small_network

SPACES = SMALL_NETWORKS


def chain(*calls: Any, size: int = 16, weights: bool = True) -> Graph:
    x = y = image(3, size, size)
    for call in calls:
        y = call.apply(y)
    graph = Graph([x], [y])
    return graph.with_weights(initial_weights(graph)) if weights else graph


@cache
def small() -> Graph:
    return chain(conv(16), blocks.residual_block(), blocks.residual_block(24, stride=2), blocks.classifier(10))


@cache
def network(name: str) -> Graph:
    graph = small_network(name)
    return graph.with_weights(initial_weights(graph, 3))


@cache
def space_of(name: str) -> Space:
    return Space.from_model(network(name))


def outputs(graph: Graph) -> list[Any]:
    return run_torch(to_module(graph), random_inputs(graph, 2, np.random.default_rng(0)))


class TestResidual(SpaceConformance):
    @pytest.fixture
    def space(self) -> Space:
        return space_of("residual")


class TestVisionTransformer(SpaceConformance):
    @pytest.fixture
    def space(self) -> Space:
        return space_of("vit")


class TestResolutions(SpaceConformance):
    @pytest.fixture
    def space(self) -> Space:
        return Space.from_model(small(), widths=(0.5,), resolutions=(24, (16, 12)), blocks=())


class TestOnePart(SpaceConformance):
    @pytest.fixture
    def space(self) -> Space:
        return Space.from_model(chain(blocks.mobilenet_head(10, 32, 48)), widths=(0.5, 0.25))


@pytest.mark.parametrize("name", SPACES)
def test_the_first_design_is_the_network_with_its_weights(name: str) -> None:
    graph, space = network(name), space_of(name)
    assert space.start in space
    found = space.network(space.start)
    assert canonical_hash(found) == canonical_hash(graph)
    assert all(found.weights[key] is array for key, array in graph.weights.items())
    for expected, given in zip(outputs(graph), outputs(found), strict=True):
        np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize("name", SPACES)
def test_every_design_builds_and_costs_what_the_forest_says(name: str) -> None:
    space = space_of(name)
    names = ("params", "macs", "activation_bytes", "weight_bytes")
    reach = [Limit(cost, 0, space.extremes(cost)[1][0]) for cost in names]
    drawn = space.draw(np.random.default_rng(0), 12, reach)
    for number, design in enumerate(drawn.designs):
        assert space.costs(design, names) == {cost: drawn.costs[cost][number] for cost in names}
        found = verify(space.network(design))
        assert found.outputs[0].shape == network(name).outputs[0].shape
        assert found.weights.keys() == found.parameters.keys()


@pytest.mark.parametrize("name", SPACES)
def test_designs_are_the_same_in_pytorch_and_onnx(name: str) -> None:
    space = space_of(name)
    for design in space.sample(np.random.default_rng(1), 2):
        assert_exports_agree(simplify(space.network(design)))


def test_design_in_words() -> None:
    assert dict(space_of("residual").start) == {
        "conv.width": 16,
        "conv.kernel": 3,
        "residual_block.block": "keep",
        "residual_block.conv1.conv.width": 16,
        "residual_block.kernel": 3,
        "residual_block_1.block": "keep",
        "residual_block_1.width": 24,
        "residual_block_1.conv1.conv.width": 24,
        "residual_block_1.kernel": 3,
    }


def test_a_stream_keeps_its_width_through_all_blocks() -> None:
    space = Space.from_model(chain(conv(16), *[blocks.residual_block()] * 3, blocks.classifier(10)), kernels=False)
    design = Design({**space.start, "conv.width": 8})
    found = space.network(design)
    assert {node.inputs[0].shape[1] for node in found.nodes if node.op.name == "Add"} == {8}
    assert [path for path in space.decisions() if path.endswith(".width")] == [
        "conv.width",
        *[f"residual_block{n}.conv1.conv.width" for n in ("", "_1", "_2")],
    ]


def test_narrower_widths_keep_the_most_important_channels() -> None:
    graph = small()
    weights = dict(graph.weights)
    strong = [1, 4, 5, 8, 9, 11, 14, 15]
    weights["conv.conv.weight"] = weights["conv.conv.weight"].copy()
    weights["conv.conv.weight"][strong] *= 100
    graph = graph.with_weights(weights)
    space = Space.from_model(graph)
    found = space.network({**space.start, "conv.width": 8})
    np.testing.assert_array_equal(found.weights["conv.conv.weight"], weights["conv.conv.weight"][strong])
    last = "residual_block.conv2.conv.weight"
    np.testing.assert_array_equal(found.weights[last], weights[last][strong])


@pytest.mark.parametrize("size", [1, 5])
def test_kernels_keep_their_centre(size: int) -> None:
    space, graph = space_of("residual"), network("residual")
    found = space.network({**space.start, "residual_block.kernel": size})
    old, new = (g.weights["residual_block.conv2.conv.weight"] for g in (graph, found))
    assert new.shape[2:] == (size, size)
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    np.testing.assert_array_equal(new[inner] if size > 3 else new, old if size > 3 else old[inner])
    if size > 3:  # zeros around a kernel change nothing
        for expected, given in zip(outputs(graph), outputs(found), strict=True):
            np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-4)


def test_a_skipped_part_is_gone() -> None:
    space, graph = space_of("residual"), network("residual")
    start = {path: v for path, v in space.start.items() if not path.startswith("residual_block.")}
    found = space.network({**start, "residual_block.block": "skip"})
    assert len(graph.nodes) - len(found.nodes) == 7
    assert len(graph.parameters) - len(found.parameters) == 10
    assert "skip" not in space.decisions()["residual_block_1.block"]  # its shape changes


def test_a_replacement_stands_in_the_module_of_what_it_replaces() -> None:
    space = Space.from_model(small(), blocks=(mbconv(expand=2, kernel=5), bottleneck()))
    assert space.decisions()["residual_block_1.block"] == ("keep", "mbconv", "bottleneck")
    start = {path: v for path, v in space.start.items() if not path.startswith("residual_block_1.")}
    found = space.network({**start, "residual_block_1.block": "mbconv", "residual_block_1.width": 12})
    assert found.parameters["residual_block_1.depthwise.conv.weight"].shape == (32, 1, 5, 5)
    assert found.parameters["classifier.linear.weight"].shape == (10, 12)
    assert found.weights.keys() == found.parameters.keys()
    np.testing.assert_array_equal(found.weights["conv.conv.weight"], small().weights["conv.conv.weight"])


def test_blocks_may_have_choices() -> None:
    from netwright.space import oneof

    space = Space.from_model(small(), blocks=(mbconv(expand=oneof(2, 4)),))
    assert space.decisions()["residual_block.mbconv.expand"] == (2, 4)


def test_heads_are_decided_by_number() -> None:
    space = space_of("vit")
    path = "vit_encoder.mix.attention.qkv.heads"
    assert space.decisions()[path] == (4, 3, 2, 1)
    found = space.network({**space.start, path: 3})
    attention = next(node for node in found.nodes if node.op.name == "Attention")
    assert attention.inputs[0].shape == (1, 3, 16, 12)


def test_limits_are_exact() -> None:
    space = space_of("residual")
    low, high = (value for value, _ in space.extremes("macs"))
    limit = Limit("macs", None, low + 0.2 * (high - low))
    drawn = space.draw(np.random.default_rng(3), 50, [limit])
    assert all(limit.holds(space.costs(design, ["macs"])["macs"]) for design in drawn.designs)
    assert space.size() == len(list(zip(space.all_costs(["macs"]), space.enumerate(), strict=True)))


def test_mutation_reaches_every_choice() -> None:
    space, rng = Space.from_model(small(), widths=(0.5,), blocks=(mbconv(),)), np.random.default_rng(0)
    seen: dict[str, set[Any]] = {}
    design = space.start
    for _ in range(600):
        design = space.mutate(design, rng)
        for path, value in design.items():
            seen.setdefault(path, set()).add(value)
    assert seen == {path: set(values) for path, values in space.decisions().items()}


def test_resolutions_that_do_not_fit_have_no_place() -> None:
    space = Space.from_model(small(), resolutions=(24,))
    assert space.start["input"] == "3x16x16"
    assert space.decisions()["input"] == ("3x16x16", "3x24x24")
    # Position embeddings hold for one number of tokens only.
    fixed = Space.from_model(network("vit"), resolutions=(24,))
    assert fixed.decisions()["input"] == ("3x16x16",)


def test_equal_designs_are_equal_networks_also_in_another_process() -> None:
    space = space_of("shufflenet")
    other = pickle.loads(pickle.dumps(space))
    assert other.start == space.start
    for design in space.sample(np.random.default_rng(5), 4):
        ours, theirs = space.network(design), other.network(design)
        assert canonical_hash(ours) == canonical_hash(theirs)
        assert all(np.array_equal(ours.weights[name], theirs.weights[name]) for name in ours.weights)
        again = pickle.loads(pickle.dumps(ours))
        assert all(np.array_equal(again.weights[name], ours.weights[name]) for name in ours.weights)


def test_a_graph_without_weights_gives_networks_without() -> None:
    space = Space.from_model(chain(conv(16), blocks.classifier(10), weights=False))
    assert space.network(space.start).weights is None
    assert dict(space.recipe(space.start)) == {}


def test_networks_with_weights_are_tuned_gently() -> None:
    assert space_of("residual").recipe(space_of("residual").start)["lr"] < 6e-3
    assert dict(Space.from_model(small(), recipe={"lr": 0.1}).recipe({})) == {"lr": 0.1}


def test_a_torch_module_is_taken_with_an_example() -> None:
    import torch
    from torch import nn

    module = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 64, 10)).eval()
    space = Space.from_model(module, torch.zeros(1, 1, 8, 8))
    assert dict(space.start) == {"0.width": 16, "0.kernel": 3}
    found = space.network({"0.width": 8, "0.kernel": 3})
    assert found.parameters["3.weight"].shape == (10, 8 * 64)
    with pytest.raises(SpaceError, match="example"):
        Space.from_model(module)


@pytest.mark.parametrize("widths", [(0.0,), (1.5,), (-0.5, 1.0)])
def test_widths_are_ratios(widths: tuple[float, ...]) -> None:
    with pytest.raises(SpaceError, match="widths must be ratios"):
        Space.from_model(small(), widths=widths)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"kernels": (2,)}, "kernels must be odd"),
        ({"kernels": ("a",)}, "kernels must be odd"),
        ({"kernels": 3}, r"kernels must be a list, such as \[3\]"),
        ({"widths": 0.5}, "widths must be a list"),
        ({"blocks": "mbconv"}, "blocks must be a list"),
        ({"resolutions": 32}, "resolutions must be a list"),
        ({"blocks": ("mbconv",)}, "blocks must be blocks"),
        ({"resolutions": (0,)}, "resolutions must be positive"),
    ],
)
def test_options_are_checked(options: dict[str, Any], rule: str) -> None:
    with pytest.raises(SpaceError, match=rule):
        Space.from_model(small(), **options)


def test_one_input_and_one_output_are_needed() -> None:
    x, y = image(3, 8, 8), image(3, 8, 8, name="other")
    with pytest.raises(SpaceError, match="one input and one output"):
        Space.from_model(Graph([x, y], [x + y]))


def test_resolutions_are_for_images() -> None:
    x = Input((1, 4))
    graph = Graph([x], [blocks.mlp().apply(x)])
    with pytest.raises(SpaceError, match="resolutions are for images"):
        Space.from_model(graph, resolutions=(8,))


def test_something_must_be_free() -> None:
    x = image(3, 8, 8)
    with pytest.raises(SpaceError, match="free to vary"):
        Space.from_model(Graph([x], [ops.relu(x)]), skip=False)


def test_a_design_of_another_model_is_refused() -> None:
    space = space_of("residual")
    with pytest.raises(DesignError, match=r"conv\.width"):
        space.network({})
    with pytest.raises(UnknownNameError):
        space.cost("no such")


def test_parts_follow_the_modules() -> None:
    paths = {name: [".".join(part.path) for part in cut(network(name))] for name in ("mobilenet v2", "vit", "u-net")}
    assert paths["mobilenet v2"] == ["conv", "mbconv", "mbconv_1", "classifier"]
    assert paths["vit"][:3] == ["patch_embedding", "vit_encoder.mix", "vit_encoder.feed"]
    assert len(paths["u-net"]) < 4


def test_widths_of_one_part_have_names_of_their_own() -> None:
    x = image(3, 8, 8)
    with scope("fire"):  # as in files, all layers of a module stand in its scope
        y = ops.relu(ops.conv(x, parameter("squeeze", (8, 3, 1, 1))))
        one, three = parameter("one", (8, 8, 1, 1)), parameter("three", (8, 8, 3, 3))
        y = ops.concat(ops.conv(y, one), ops.conv(y, three, pads=1), axis=1)
    with scope("head"):
        y = ops.conv(y, parameter("weight", (2, 16, 1, 1)))
    space = Space.from_model(Graph([x], [y]), widths=(0.5,), kernels=False, blocks=())
    assert dict(space.start) == {"fire.width": 1.0, "fire.width_1": 8}
    assert [space.network(design).outputs[0].shape for design in space.enumerate()] == [(1, 2, 8, 8)] * 4


def test_no_design_is_empty() -> None:
    def unit(x: Tensor, name: str) -> Tensor:
        inner = ops.relu(ops.conv(x, parameter(f"{name}.first", (8, 3, 1, 1))))
        return x + ops.conv(inner, parameter(f"{name}.second", (3, 8, 1, 1)))

    x = image(3, 8, 8)
    decisions = Space.from_model(Graph([x], [unit(unit(x, "a"), "b")]), blocks=()).decisions()
    assert "a.block" not in decisions
    assert decisions["b.block"] == ("keep", "skip")


def test_a_name_before_all_others_is_no_block() -> None:
    x = image(3, 8, 8)
    y = ops.conv(x, parameter("gpu.stem", (8, 3, 1, 1)))
    for number in range(5):
        inner = ops.relu(ops.conv(y, parameter(f"gpu.{number}_first", (8, 8, 1, 1))))
        y = ops.relu(y + ops.conv(inner, parameter(f"gpu.{number}_second", (8, 8, 1, 1))))
    y = ops.conv(y, parameter("gpu.head", (2, 8, 1, 1)))
    assert [part.layers for part in cut(Graph([x], [y]))] == [1, 2, 2, 2, 2, 2, 1]


def test_layers_that_share_a_weight_are_one_part() -> None:
    x = image(3, 8, 8)
    shared = parameter("shared", (8, 8, 3, 3))
    y = ops.conv(x, parameter("first", (8, 3, 3, 3)), pads=1)
    for _ in range(2):
        y = ops.relu(ops.conv(y, shared, pads=1))
    y = ops.conv(y, parameter("last", (2, 8, 1, 1)))
    graph = Graph([x], [y])
    assert [part.layers for part in cut(graph)] == [1, 2, 1]
    space = Space.from_model(graph, kernels=False, blocks=())
    listed = space.all_costs(["params"])[:, 0].tolist()
    assert listed == [space.costs(design)["params"] for design in space.enumerate()]
