"""Our counts beside those of four counters of PyTorch, whose stored numbers their rules give exactly."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from netwright.cost import costs_of

BENCH = Path(__file__).parents[2] / "bench"
GOLDEN = json.loads((Path(__file__).parent / "golden_others.json").read_text())
NETWORKS = sorted(GOLDEN["networks"])

pytestmark = pytest.mark.skipif(
    any(find_spec(package) is None for package in ("torch", "timm", "transformers")),
    reason="needs torch, timm and transformers",
)


@pytest.fixture(scope="module")
def script() -> Iterator[Any]:
    """The script that wrote the golden file."""
    sys.path.insert(0, str(BENCH))
    try:
        import cost_against_others

        yield cost_against_others
    finally:
        sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def networks(script: Any) -> dict[str, tuple[Any, Any, Any]]:
    """Module, example and graph of each network."""
    built = {name: script.built(name) for name in NETWORKS}
    return {name: (*pair, script.imported(*pair)) for name, pair in built.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_params_are_those_of_every_peer_and_macs_those_of_flop_counter(networks: Any, name: str) -> None:
    ours, theirs = costs_of(networks[name][2], ("params", "macs")), GOLDEN["networks"][name]
    assert {theirs[f"{peer} params"] for peer in ("fvcore", "calflops", "ptflops")} == {ours["params"]}
    assert theirs["torch flop_counter, attention apart"] == ours["macs"]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_peer_counts_what_its_rules_say(script: Any, networks: Any, name: str) -> None:
    module, _, graph = networks[name]
    found = list(script.calls(graph, module))
    counted = {c.peer: sum(map(c.rule, found)) for c in script.CONVENTIONS}
    assert counted == {peer: GOLDEN["networks"][name][peer] for peer in counted}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_differences_by_family_add_up(script: Any, networks: Any, name: str) -> None:
    module, _, graph = networks[name]
    ours, found = costs_of(graph, ("macs", "flops")), list(script.calls(graph, module))
    for convention in script.CONVENTIONS:
        parts = script.differences(convention, found)
        assert ours[convention.cost] + sum(parts.values()) == GOLDEN["networks"][name][convention.peer]
        assert 0 not in parts.values()


def test_fused_attention_is_what_flop_counter_leaves_out_on_a_processor(script: Any, networks: Any) -> None:
    module, _, graph = networks["vit_tiny_patch16_224"]
    found = list(script.calls(graph, module))
    assert set(script.differences(script.CONVENTIONS[0], found)) == {"attention"}
    assert script.differences(script.CONVENTIONS[1], found) == {}


def test_flop_counter_still_counts_what_is_stored(script: Any, networks: Any) -> None:
    if version("torch") != GOLDEN["versions"]["torch"]:
        pytest.skip(f"stored numbers are of torch {GOLDEN['versions']['torch']}")
    for name in ("mobilenetv2_050", "BERT"):
        module, example, _ = networks[name]
        with script.silent():
            found = script.by_flop_counter(module, example)
        assert found == {peer: GOLDEN["networks"][name][peer] for peer in found}


LAYERS: dict[str, dict[str, Any]] = {
    "ConvTranspose2d": {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "stride": 2, "groups": 2},
    "Conv2d": {"in_channels": 4, "out_channels": 6, "kernel_size": (3, 1), "padding": "same"},
    "GroupNorm": {"num_groups": 2, "num_channels": 4},
    "InstanceNorm2d": {"num_features": 4},
    "BatchNorm2d": {"num_features": 4, "affine": False},
    "RMSNorm": {"normalized_shape": 8},
    "LayerNorm": {"normalized_shape": 8, "elementwise_affine": False},
    "Upsample": {"scale_factor": 2, "mode": "bilinear"},
    "AvgPool2d": {"kernel_size": 3, "stride": 2, "padding": 1},
    "AdaptiveMaxPool2d": {"output_size": 1},
    "LeakyReLU": {},
    "ReLU6": {},
    "Hardswish": {},
    "Softmax": {"dim": -1},
}


@pytest.mark.parametrize("layer", LAYERS)
def test_the_rules_hold_for_every_kind_of_layer(script: Any, layer: str) -> None:
    for peer in ("torch", "fvcore", "calflops", "ptflops"):
        if find_spec(peer) is None or version(peer) != GOLDEN["versions"][peer]:
            pytest.skip(f"the rules are of {peer} {GOLDEN['versions'][peer]}")
    import torch

    module = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 1), getattr(torch.nn, layer)(**LAYERS[layer])).eval()
    example = {"": torch.zeros(1, 4, 8, 8)}
    found = list(script.calls(script.imported(module, example), module))
    theirs = script.by_peers(module, example)
    assert {c.peer: sum(map(c.rule, found)) for c in script.CONVENTIONS} == {
        peer: value for peer, value in theirs.items() if not peer.endswith("params")
    }


def test_what_no_rule_gives_is_printed_as_unexplained(script: Any) -> None:
    text = script.reasons(1000, 1100, {"normalisation": 80, "pooling": 0})
    assert text == "1.1000 explained by: normalisation +8.00%; 20 (+2.00%) unexplained"
    assert script.reasons(1000, 1080, {"normalisation": 80}).endswith("normalisation +8.00%; nothing over")
