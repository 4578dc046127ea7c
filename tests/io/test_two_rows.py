"""A network that computes with its batch size is for one size only, however it was brought in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn
from torch.nn import functional as F

from netwright.graph import Graph, Input, constant, ops
from netwright.io import from_onnx, from_torch, to_module, to_onnx
from netwright.io._agreement import difference, run_torch
from netwright.io._from_torch import _twin
from netwright.io._two_rows import same_steps

Forward = Callable[[Tensor], Tensor]


class Called(nn.Module):
    """A function as a module."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.function = forward
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Any:
        return self.function(self.linear(x))


def normalised_together(x: Tensor) -> Tensor:
    """The trick of weight standardisation, on the activations."""
    n, c, h, w = x.shape
    return F.batch_norm(x.reshape(1, n * c, h, w), None, None, training=True).reshape(n, c, h, w)


def only_some(x: Tensor) -> Tensor:
    return x * 2 if x.shape[0] == 1 else x * 3


NUMBERS: dict[str, Forward] = {
    "a mean by hand": lambda x: x.sum() / x.shape[0],
    "normalised with the batch among the channels": normalised_together,
    "a number in a new tensor": lambda x: x.mean((1, 2, 3))[:, None] + x.new_full((x.shape[0], 2), 1 / x.shape[0]),
    "the number of the row": lambda x: x.mean((2, 3)) + torch.arange(x.shape[0])[:, None],
    "another way for one row": only_some,
    "turned round": lambda x: x.flatten(1).reshape(1, -1),
    "squeezed where it is 1": lambda x: x.squeeze(),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_module_that_computes_with_its_batch_is_for_one_row(name: str) -> None:
    graph = from_torch(Called(NUMBERS[name]), (1, 3, 4, 4))
    assert graph.inputs[0].batch_axis is None


def with_token(x: Tensor) -> Tensor:
    token = torch.full((1, 1, 16), 0.5).expand(x.shape[0], -1, -1)
    return torch.cat([token, x.flatten(2), x.new_zeros(x.shape[0], 1, 16)], dim=1)


def masked(x: Tensor) -> Tensor:
    keep = torch.ones(x.shape[0], 1, 4, 4, dtype=torch.bool).tril()
    return x.masked_fill(~keep, 0.0).softmax(-1)


ROWS: dict[str, Forward] = {
    "token and padding": with_token,
    "mask": masked,
    "mean of the batch": lambda x: x - x.mean(dim=0, keepdim=True),
    "view": lambda x: x.view(x.shape[0], 3, -1).transpose(1, 2).reshape(-1, 3),
    "positions": lambda x: x + torch.arange(4.0).repeat(x.shape[0], 3, 4, 1),
    "standardised weights": lambda x: F.conv2d(x, F.batch_norm(torch.ones(1, 3, 2, 2), None, None, training=True)),
}


@pytest.mark.parametrize("name", ROWS)
def test_one_that_only_passes_its_batch_on_is_confirmed_without_a_run(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_twin.Original, "_agrees", lambda *_: pytest.fail("the module was run"))
    module = Called(ROWS[name]).eval()
    graph = from_torch(module, (1, 3, 4, 4))
    assert graph.inputs[0].batch_axis == 0
    rows = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        assert difference(run_torch(to_module(graph), [rows.numpy()]), [module(rows).numpy()]) < 1e-6


def test_where_the_steps_differ_the_numbers_decide() -> None:
    """Two ways that come to the same; and the module that holds no numbers cannot be asked."""

    def either(x: Tensor) -> Tensor:
        return x + x if x.shape[0] == 1 else x * 2

    assert from_torch(Called(either), (1, 3, 4, 4)).inputs[0].batch_axis == 0
    assert from_torch(Called(either).bfloat16(), (1, 3, 4, 4)).inputs[0].batch_axis == 0
    assert from_torch(Called(either).to("meta"), torch.empty(1, 3, 4, 4, device="meta")).inputs[0].batch_axis is None


def test_a_module_that_refuses_two_rows_is_itself_on_each_row_alone() -> None:
    module = Called(lambda x: x.reshape(1, 48) @ torch.ones(48, 5)).eval()
    graph = from_torch(module, (1, 3, 4, 4))
    rows = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        alone = torch.cat([module(row[None]) for row in rows])
    assert difference(run_torch(to_module(graph), [rows.numpy()]), [alone.numpy()]) < 1e-6


def test_the_module_is_left_as_it_was() -> None:
    class Remembers(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            self.rows = x.shape[0]
            return x * 2

    module = Remembers().train()
    from_torch(module, (1, 4))
    assert module.training
    assert module.rows == 1
    assert not torch.compiler.is_exporting()
    assert torch.is_grad_enabled()


def model(nodes: list[onnx.NodeProto], **weights: Any) -> onnx.ModelProto:
    """Model from x (batch, 3, 4, 4) to y."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 4, 4])],
        [helper.make_empty_tensor_value_info("y")],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def batch_of(name: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Shape", ["x"], ["sizes"], start=0, end=1),
        helper.make_node("Cast", ["sizes"], [name], to=1),
    ]


def test_a_file_that_divides_by_its_batch_is_for_one_row() -> None:
    nodes = [*batch_of("rows"), helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0)]
    graph = from_onnx(model([*nodes, helper.make_node("Div", ["sum", "rows"], ["y"])]))
    assert graph.inputs[0].batch_axis is None


def test_a_file_with_its_batch_among_the_channels_is_for_one_row() -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "together"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["y"], axes=[2], keepdims=0),
    ]
    graph = from_onnx(model(nodes, together=np.array([1, 4, -1])))
    assert graph.inputs[0].batch_axis is None


def test_a_file_that_fills_with_its_batch_is_for_one_row() -> None:
    nodes = [
        *batch_of("rows"),
        helper.make_node("Reciprocal", ["rows"], ["part"]),
        helper.make_node("Expand", ["part", "shape"], ["filled"]),
        helper.make_node("Add", ["x", "filled"], ["y"]),
    ]
    graph = from_onnx(model(nodes, shape=np.array([1, 3, 4, 4])))
    assert graph.inputs[0].batch_axis is None


def test_a_file_that_only_passes_its_batch_on_is_for_any() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"], start=0, end=1),
        helper.make_node("Concat", ["sizes", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        helper.make_node("Expand", ["token", "shape"], ["tokens"]),
        helper.make_node("Concat", ["flat", "tokens"], ["y"], axis=1),
    ]
    weights = {"rest": np.array([48]), "token": np.ones((1, 48), np.float32)}
    assert from_onnx(model(nodes, **weights)).inputs[0].batch_axis == 0


def test_what_is_exported_comes_back_for_any_batch() -> None:
    graph = from_torch(nn.TransformerEncoderLayer(12, 3, 24, batch_first=True), (1, 5, 12))
    assert from_onnx(to_onnx(graph)).inputs[0].batch_axis == 0


def test_equal_steps_with_a_sum_over_repeated_rows_differ() -> None:
    """One row of a token here, two there: their sum is not the same, though its shape is."""

    def built(rows: int) -> Graph:
        x = Input((rows, 3))
        token = ops.expand(constant([[1.0]]), shape=(rows, 3))
        return Graph([x], [x + ops.reduce_sum(token, axes=(0,), keepdims=1)])

    one, two = built(1), built(2)
    sizes = {t: (1, 3) for node in one.nodes for t in node.outputs} | {one.outputs[0]: (2, 3), one.inputs[0]: (2, 3)}
    assert not same_steps(one, sizes, two, lambda parameter: None)


def test_what_a_module_keeps_in_a_dict_or_a_list_is_as_before():
    class Keeping(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(3))
            self.cache, self.seen = {}, []

        def forward(self, x):
            if "bias" not in self.cache:
                self.cache["bias"] = self.weight * 2
            self.seen.append(x)
            return x + self.cache["bias"]

    module = Keeping()
    from_torch(module, torch.zeros(1, 3))
    assert (module.cache, module.seen) == ({}, [])
    assert module(torch.zeros(1, 3)).tolist() == [[2.0, 2.0, 2.0]]
