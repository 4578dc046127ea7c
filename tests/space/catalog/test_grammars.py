"""Grammar spaces: their sizes by other means, and published networks that are in them."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.graph import image
from netwright.space import Design
from netwright.space._choice import OneOf
from netwright.space.catalog import deeparchitect, einspace, hierarchical_nasbench201

CELL_EDGES = 6


def productions(operations: int) -> int:
    """Number of networks of the hierarchical grammar, by its productions alone."""
    cell = operations**CELL_EDGES
    block = cell**2 + 2 * cell**3
    down = 2 * cell + cell**2
    lower = block**2 * down + block**3 * down + block**2 * down**2
    flat = block**2 * cell + block**3 * cell + block**2 * cell**2
    return 2 * lower**2 * flat + lower**2 * flat**2


def test_the_hierarchical_grammar_has_the_size_of_its_productions() -> None:
    assert hierarchical_nasbench201().size() == productions(3 + 27)


def test_counting_the_doubled_production_twice_gives_the_published_size() -> None:
    assert len(str(productions(3 + 2 * 27))) == 446 + 1


def test_weights_of_the_hierarchical_grammar_are_those_of_its_productions() -> None:
    space = hierarchical_nasbench201()
    drawn = space.sample(np.random.default_rng(0), 200, weighted=True)
    operations = [v for design in drawn for p, v in design.items() if p.rsplit(".", 1)[-1] in ("0-1", "2-3")]
    share = sum(v in ("conv", "depthwise") for v in operations) / len(operations)
    # One production of five each for identity, zero and pooling, two for the convolution block.
    assert share == pytest.approx(2 / 5, abs=4 * (0.24 / len(operations)) ** 0.5)


def test_deeparchitect_has_the_size_of_its_choices() -> None:
    reductions, layers, repeats = 6 * 3, (6 * 2) * 2 * 3, 6
    assert deeparchitect().size() == (reductions * layers * repeats) ** 2


def conv_block(prefix: str, features: int) -> dict[str, str | int]:
    """Im2col, linear, col2im: a convolution."""
    return {
        prefix: "routing",
        f"{prefix}.before": "im2col3s1",
        f"{prefix}.inner": "computation",
        f"{prefix}.inner.computation": "linear",
        f"{prefix}.inner.computation.features": features,
        f"{prefix}.after": "col2im",
    }


def test_einspace_holds_a_convolution_and_its_costs() -> None:
    space = einspace(image(3, 8, 8), depth=2, widths=(16,))
    design = Design(conv_block("body", 16))
    assert design in space
    assert space.costs(design) == {"params": 3 * 9 * 16 + 16 + 160 + 10, "macs": 64 * 3 * 9 * 16 + 160}


@pytest.mark.slow
def test_einspace_holds_a_residual_convolution() -> None:
    space = einspace(image(16, 4, 4), depth=3, widths=(16,), largest=2**12)
    branch = {"body": "branching", "body.branching": "clone2", "body.branching.join": "add"}
    identity = {"body.branching.module_1": "computation", "body.branching.module_1.computation": "identity"}
    design = Design({**branch, **conv_block("body.branching.module", 16), **identity})
    assert design in space
    assert space.network(design).outputs[0].shape == (1, 10)


def test_einspace_is_convolution_of_the_same_weights() -> None:
    torch = pytest.importorskip("torch")
    from netwright.io import to_module

    graph = einspace(image(3, 8, 8), depth=2, widths=(16,)).network(conv_block("body", 16))
    module = to_module(graph).eval()
    weights = dict(module.named_parameters())
    dense = next(w for w in weights.values() if w.shape == (27, 16))
    shift = next(w for n, w in weights.items() if w.shape == (16,) and n.endswith("bias"))
    head = {n: w for n, w in weights.items() if 10 in w.shape}
    x = torch.randn(2, 3, 8, 8)
    features = torch.nn.functional.conv2d(x, dense.T.reshape(16, 3, 3, 3), shift, padding=1).mean((2, 3))
    logits = torch.nn.functional.linear(features, *(w for _, w in sorted(head.items(), reverse=True)))
    assert torch.allclose(module(x), logits, atol=1e-5)


def test_no_value_of_einspace_passes_its_bound() -> None:
    space = einspace(image(3, 8, 8), depth=2, widths=(16, 2048), largest=2**12)
    for design in space.sample(np.random.default_rng(0), 60):
        graph = space.network(design)
        assert max(t.size for node in graph.nodes for t in node.outputs) <= 2**12
    wide = {"body": "sequential", "body.first": "computation", "body.first.computation": "linear",
            "body.first.computation.features": 2048, "body.second": "computation",
            "body.second.computation": "identity"}  # fmt: skip
    assert Design(wide) in einspace(image(3, 8, 8), depth=2, widths=(16, 2048), largest=2**16)
    assert Design(wide) not in space


def test_a_module_of_einspace_is_a_computation_with_the_published_probability() -> None:
    shares = {
        label: share
        for part in einspace().expression.walk()
        if isinstance(part, OneOf) and "computation" in part.choice.labels
        for label, share in zip(part.choice.labels, part.choice.probabilities, strict=True)
    }
    rest = pytest.approx(0.68 / 3)
    assert shares == {"sequential": rest, "branching": rest, "routing": rest, "computation": pytest.approx(0.32)}
