"""Costs against a golden file over a zoo of networks, against torch's own counter, and against closed forms."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from netwright.cost import COSTS, Additive, activation_bytes, cost, costs_of
from netwright.errors import UnknownNameError
from netwright.graph import Graph, Input, image, ops, parameter

GOLDEN = Path(__file__).with_name("golden_costs.json")
ZOO = [
    "resnet18",
    "resnet50",
    "resnext50",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "shufflenet_v2_1x",
    "googlenet",
    "convnext_tiny",
    "inceptionnext_tiny",
    "starnet_s1",
    "vit_tiny",
    "poolformer_s12",
    "lowformer_b0",
]
NAMES = ("params", "macs", "flops", "activation_bytes", "weight_bytes", "traffic", "peak_memory")


def zoo() -> dict[str, Graph]:
    path = Path(__file__).parents[1] / "blocks" / "reference.py"
    spec = importlib.util.spec_from_file_location("zoo_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules["zoo_reference"] = module
    spec.loader.exec_module(module)
    return {name: getattr(module, name)() for name in ZOO}


@pytest.fixture(scope="module")
def networks() -> dict[str, Graph]:
    return zoo()


def test_costs_of_the_zoo_are_those_of_the_golden_file(networks: dict[str, Graph]) -> None:
    found = {name: costs_of(graph, NAMES) for name, graph in networks.items()}
    assert found == json.loads(GOLDEN.read_text())


def test_macs_are_half_of_what_torch_counts(networks: dict[str, Graph]) -> None:
    """Torch counts two operations a multiply-add, for convolutions, matrix products and attention, as we do."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from netwright.io import to_module

    for name in ("mobilenet_v2", "vit_tiny"):
        graph = networks[name]
        module = to_module(graph).eval()
        # Fused attention is not counted unless it is taken apart.
        apart = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
        with torch.no_grad(), FlopCounterMode(display=False) as counter, apart:
            module(torch.zeros(graph.inputs[0].shape))
        assert counter.get_total_flops() == 2 * cost("macs").of(graph), name


def test_a_layer_used_twice_counts_its_parameters_once_and_its_work_twice() -> None:
    x, weight = image(4, 8, 8), parameter("weight", (4, 4, 3, 3))
    once = Graph([x], [ops.conv(x, weight, pads=1)])
    twice = Graph([x], [ops.conv(ops.conv(x, weight, pads=1), weight, pads=1)])
    assert cost("params").of(twice) == cost("params").of(once) == 144
    assert cost("macs").of(twice) == 2 * cost("macs").of(once) == 2 * 144 * 64


def test_views_move_nothing_and_other_operators_read_and_write() -> None:
    x = image(2, 4, 4)
    flat, active = ops.flatten(x), ops.relu(x)
    assert activation_bytes(flat.node) == 0
    assert activation_bytes(active.node) == 2 * 2 * 16 * 4
    both = Graph([x], [ops.add(active, active)])
    assert cost("activation_bytes").of(both) == 2 * 128 + 3 * 128


def test_peak_memory_of_a_chain_is_its_largest_pair_and_of_a_skip_one_more() -> None:
    x = Input((1, 1000))
    y = ops.relu(x)
    assert cost("peak_memory").of(Graph([x], [ops.exp(ops.relu(y))])) == 2 * 4000
    assert cost("peak_memory").of(Graph([x], [ops.add(ops.exp(ops.relu(y)), y)])) == 3 * 4000


def test_an_unknown_cost_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'params'"):
        cost("param")


def test_a_cost_of_ones_own_is_additive() -> None:
    x = image(2, 4, 4)
    count = Additive("relus", "", "how many", lambda node: int(node.op.name == "Relu"))
    assert count.of(Graph([x], [ops.relu(ops.relu(x))])) == 2
    assert all(found.unit is not None for found in COSTS.values())


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({name: costs_of(graph, NAMES) for name, graph in zoo().items()}, indent=2) + "\n")
