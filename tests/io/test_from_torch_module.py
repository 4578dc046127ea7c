"""What `from_torch` keeps of a module: names, memory, scopes, mode; and what it says to what cannot be taken in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_check import Function, check, run_original

from netwright.errors import ModelError, UnsupportedError
from netwright.graph import Graph, Opaque, Parameter
from netwright.io import from_torch, to_module, to_onnx, to_torch_source
from netwright.io._agreement import run_torch


class Block(nn.Module):
    """A linear layer and a table that is never trained."""

    def __init__(self, table: str = "float32") -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.register_buffer("scale", torch.full((6,), 2.0))
        self.register_buffer("index", torch.tensor([5, 4, 3, 2, 1, 0]))
        self.register_buffer("passing", torch.ones(6), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x)[:, self.index] * self.scale + self.passing * 3


class Network(nn.Module):
    """Two blocks, the first of them called twice, and a head that is tied to the first."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])
        self.head = nn.Linear(6, 6)
        self.head.weight = self.blocks[0].fc.weight
        self.drop = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for number in (0, 1, 0):
            x = self.blocks[number](x)
        return self.drop(self.head(x))


def rows(count: int = 1, width: int = 6) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, width)).astype(np.float32)


def test_names_and_memory_are_those_of_the_module() -> None:
    module = Network()
    graph = check(module, rows())
    state = module.state_dict()
    assert graph.weights is not None
    for name in ("blocks.0.fc.weight", "blocks.1.fc.bias", "blocks.1.scale", "head.bias"):
        assert np.shares_memory(graph.weights[name], state[name].numpy()), name
    assert graph.weights.keys() <= state.keys()
    with torch.no_grad():
        module.head.bias.fill_(7.0)
    assert (graph.weights["head.bias"] == 7.0).all()


def test_a_tied_parameter_is_one_under_its_first_name() -> None:
    graph = from_torch(Network(), (1, 6))
    assert "head.weight" not in graph.parameters
    trained = sum(p.size for p in graph.parameters.values() if p.trainable)
    assert trained == sum(p.numel() for p in Network().parameters())


def test_frozen_parameters_and_buffers_are_not_trained() -> None:
    module = Network()
    module.head.bias.requires_grad_(False)
    graph = from_torch(module, (1, 6))
    frozen = {name for name, p in graph.parameters.items() if not p.trainable}
    assert frozen == {"head.bias", "blocks.0.scale", "blocks.1.scale"}


def test_nodes_stand_in_the_scopes_of_their_modules() -> None:
    graph = from_torch(Network(), (1, 6))
    scopes = [graph.scope_of(n) for n in graph.nodes if n.op.name == "Gemm"]
    assert scopes == [("blocks", "0", "fc"), ("blocks", "1", "fc"), ("blocks", "0", "fc"), ("head",)]


def test_layers_are_written_as_the_layers_they_were() -> None:
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2, bias=False))
    for shape in ((1, 6), (1, 7, 6)):
        source = to_torch_source(from_torch(net, shape))
        assert "nn.Linear(6, 5)" in source
        assert "nn.Linear(5, 2, bias=False)" in source
    check(net, np.random.default_rng(0).standard_normal((1, 7, 6)).astype(np.float32))


def test_the_module_stays_as_it_was() -> None:
    module = nn.Sequential(nn.BatchNorm1d(6), nn.Dropout(0.5), nn.LSTM(6, 3, batch_first=True))
    module[1].eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    modes = [inner.training for inner in module.modules()]
    from_torch(module[0:2], (1, 6))
    from_torch(module[2], (1, 4, 6))
    assert [inner.training for inner in module.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    run_original(module[2], [rows(4)[None]])


def test_what_is_computed_from_numbers_alone_is_computed_once() -> None:
    def with_table(x: torch.Tensor) -> torch.Tensor:
        angles = torch.arange(x.shape[1]).float()[:, None] * torch.linspace(0, 1, x.shape[2])
        return x + angles.cos()

    small = from_torch(Function(with_table), (1, 4, 6))
    assert [n.op.name for n in small.nodes] == ["Add"]
    assert not small.parameters
    large = from_torch(Function(with_table), (1, 40, 60))
    (name,) = large.parameters
    assert name.isidentifier()
    assert not large.parameters[name].trainable
    check(Function(with_table), np.zeros((1, 40, 60), dtype=np.float32))


def test_numbers_of_a_parameter_are_never_baked_in() -> None:
    class Standardised(nn.Conv2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            flat = self.weight.reshape(1, self.out_channels, -1)
            weight = F.batch_norm(flat, None, None, training=True, eps=1e-6).reshape_as(self.weight)
            return self._conv_forward(x, weight, self.bias)

    graph = check(Standardised(3, 4, 3), np.random.default_rng(0).standard_normal((1, 3, 5, 5)).astype(np.float32))
    assert {"weight", "bias"} == set(graph.parameters)


EXAMPLES: list[Any] = [
    rows(),
    torch.from_numpy(rows()),
    rows(5),
    (rows(5),),
    {"x": rows(3)},
    (1, 6),
    [1, 6],
    "1x6",
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: type(e).__name__)
def test_examples_in_every_form(example: Any) -> None:
    graph = from_torch(Network(), example)
    assert [(t.name, t.shape, t.dtype) for t in graph.inputs] == [("x", (1, 6), "float32")]


def test_options_among_the_arguments_are_no_inputs() -> None:
    class Optional(nn.Module):
        def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None, factor: int = 1) -> torch.Tensor:
            return x * factor if mask is None else x * mask

    assert len(from_torch(Optional(), {"x": rows(), "mask": None, "factor": 3}).inputs) == 1
    assert [t.name for t in from_torch(Optional(), (rows(), rows())).inputs] == ["x", "mask"]


def test_arguments_may_be_containers() -> None:
    class Batch(nn.Module):
        def forward(self, batch: dict[str, Any], more: list[torch.Tensor]) -> torch.Tensor:
            return batch["x"] * batch["pair"][0] + more[1]

    batch = {"x": rows(3), "pair": (rows(3),)}
    graph = from_torch(Batch(), (batch, [rows(3), rows(3)]))
    assert [t.shape for t in graph.inputs] == [(1, 6)] * 4
    x = rows(2)
    (result,) = run_torch(to_module(graph), [x, x * 2, x, x * 3])
    np.testing.assert_allclose(result, x * x * 2 + x * 3, rtol=1e-6)


def test_outputs_in_containers_are_flattened() -> None:
    def many(x: torch.Tensor) -> dict[str, Any]:
        return {"one": x + 1, "none": None, "more": (x * 2, [x.sum(1)])}

    graph = check(Function(many), rows())
    assert [t.shape for t in graph.outputs] == [(1, 6), (1, 6), (1,)]


@pytest.mark.parametrize("dtype", ["float16", "float64", "bfloat16"])
def test_other_element_types_stay(dtype: str) -> None:
    module = nn.Sequential(nn.Linear(6, 4), nn.ReLU()).to(getattr(torch, dtype))
    graph = from_torch(module, "1x6")
    assert {t.dtype for n in graph.nodes for t in n.outputs} == {dtype}
    assert graph.weights is not None
    assert str(graph.weights["0.weight"].dtype) == dtype


def test_a_module_without_memory_has_a_graph_without_weights() -> None:
    with torch.device("meta"):
        module = nn.Sequential(nn.Linear(6, 4), nn.ReLU())
    graph = from_torch(module, torch.empty(1, 6, device="meta"))
    assert graph.weights is None
    assert sum(p.size for p in graph.parameters.values()) == 28


def test_the_smallest_number_is_written_as_one() -> None:
    """What masks are filled with: its shortest text is a double that no float32 can hold."""
    lowest = torch.finfo(torch.float32).min
    check(Function(lambda x: x.masked_fill(x > 0, lowest) + torch.tensor([lowest, 0.0, 0.0] * 2)), rows())


# What cannot be taken in.


def test_a_shape_without_the_batch_is_told() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    with pytest.raises(ModelError, match="with 3x8x8, the batch first, it raises ValueError: expected 4D input"):
        from_torch(module, "3x8x8")


def test_what_is_no_module() -> None:
    with pytest.raises(ModelError, match=r"a model must be a torch.nn.Module, but got dict\."):
        from_torch({"weight": 1}, (1, 3))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("example", "sentence"),
    [
        ((1, 7), r"must run on the example, but with 1x7, the batch first, it raises RuntimeError: "),
        ((rows(), rows()), "must run on the example, but with .* it raises TypeError: .*positional"),
        ({"y": rows()}, "must run on the example, but with .* it raises TypeError: .*'?y'?"),
        ((1, -6), r"sizes must be positive integers, but got \(1, -6\)"),
        ("1,6", "a shape must read like '1x3x224x224', but got '1,6'"),
        ((), r"an example must be an array, .* but got \(\)"),
        (object(), "an example must be an array, .* but got object"),
    ],
)
def test_examples_that_do_not_fit(example: Any, sentence: str) -> None:
    module = Network().train()
    with pytest.raises(ModelError, match=sentence) as caught:
        from_torch(module, example)
    assert "\n" not in str(caught.value)
    assert module.training


def test_the_sentence_names_the_line_of_the_user() -> None:
    class Wrong(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ torch.ones(5, 5)

    with pytest.raises(ModelError, match=r"test_from_torch_module\.py:\d+ \(return x @ torch\.ones\(5, 5\)\)"):
        from_torch(Wrong(), (1, 6))


class Branching(nn.Module):
    """Another computation for other numbers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 0:
            return x * 2
        return x


class Picking(nn.Module):
    """As many numbers as are positive."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[x > 0]


@pytest.mark.parametrize("module", [Branching(), Picking()], ids=lambda m: type(m).__name__)
def test_what_depends_on_numbers(module: nn.Module) -> None:
    with pytest.raises(ModelError, match=r"must not depend on the numbers in a tensor, but .*module\.py:\d+"):
        from_torch(module, (1, 6))


class Exotic(nn.Module):
    """Two operators that have no counterpart, one of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Function(lambda x: torch.linalg.qr(x)[0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.inner(x) + torch.linalg.qr(x + 1)[1]
        return y + torch.igamma(x.abs() + 1, x.abs() + 2)


def test_operators_without_counterpart_are_listed_all_at_once() -> None:
    with pytest.raises(UnsupportedError) as caught:
        from_torch(Exotic(), (1, 3, 3))
    assert len(caught.value.nodes) == 3
    assert any("linalg_qr 'inner." in node and "on 1x3x3" in node for node in caught.value.nodes)
    assert any(node.startswith("aten::igamma ") for node in caught.value.nodes)


def test_without_strictness_they_stay_opaque_nodes() -> None:
    graph = from_torch(Exotic(), (1, 3, 3), strict=False)
    opaque = [n for n in graph.nodes if isinstance(n.op, Opaque)]
    assert [n.op.name for n in opaque].count("aten::igamma") == 1
    assert graph.outputs[0].shape == (1, 3, 3)
    assert all(t.batch_axis is None for t in graph.inputs)


class Rotary(nn.Module):
    """Positions as rotations of complex numbers, as in the first Llama."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("turns", torch.polar(torch.ones(4), torch.arange(4.0)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pairs = torch.view_as_complex(x.unflatten(-1, (4, 2)))
        return torch.view_as_real(pairs * self.turns).flatten(-2) + torch.fft.rfft(x, dim=1, n=2).abs()[:, :1]


def test_complex_numbers_are_named_node_by_node() -> None:
    with pytest.raises(UnsupportedError) as caught:
        from_torch(Rotary(), (1, 3, 8))
    assert [node.partition(" ")[0] for node in caught.value.nodes] == [
        "aten::view_as_complex",
        "aten::mul",
        "aten::view_as_real",
        "aten::fft_rfft",
        "aten::abs",
    ]
    assert all("(complex numbers)" in node for node in caught.value.nodes[:3])


def test_complex_numbers_are_pairs_in_opaque_nodes() -> None:
    graph = from_torch(Rotary(), (1, 3, 8), strict=False)
    product = next(n for n in graph.nodes if n.op.name == "aten::mul")
    assert product.output.shape == (1, 3, 4, 2)
    assert graph.outputs[0].shape == (1, 3, 8)


def test_random_numbers_have_no_counterpart() -> None:
    with pytest.raises(UnsupportedError, match="aten::rand"):
        from_torch(Function(lambda x: x + torch.rand(6)), (1, 6))


def test_operators_with_simpler_ones_are_decomposed() -> None:
    """No converter is written for these; PyTorch says what they are made of."""
    graph = check(Function(lambda x: torch.logit(x.sigmoid()) + F.huber_loss(x, x * 2, reduction="none")), rows())
    assert len(graph.nodes) > 4


def test_a_part_without_gradients_is_run_in_place() -> None:
    def partly(x: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            y = x * 2
        with torch.autocast("cpu", enabled=False):
            return y + 1

    check(Function(partly), rows())


def test_graph_from_torch_is_the_same() -> None:
    graph = Graph.from_torch(Network(), (1, 6))
    assert all(isinstance(p, Parameter) for p in graph.parameters.values())
    assert to_onnx(graph).graph.node
