from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.errors import GraphError, ShapeError
from netwright.graph import (
    OPERATORS,
    Constant,
    Graph,
    Input,
    Node,
    Tensor,
    image,
    ops,
    parameter,
    tokens,
    vector,
    verify,
)


def t(*shape: int, dtype: str = "float32") -> Tensor:
    return Input(shape, dtype)


def p(*shape: int) -> Tensor:
    return parameter("weight", shape)


def buffer(*shape: int) -> Tensor:
    return parameter("running", shape, trainable=False)


def integers(*shape: int) -> Tensor:
    return t(*shape, dtype="int64")


def node_of(result: Any) -> Node:
    node = (result if isinstance(result, Tensor) else result[0]).node
    assert isinstance(node, Node)
    return node


Case = tuple[str, Callable[[], Any], list[tuple[int, ...]], int, int]

# Operator, an application, the shapes it makes, MACs, FLOPs; the numbers are written as their closed forms.
LAYERS: list[Case] = [
    ("Conv", lambda: ops.conv(t(1, 3, 32, 32), p(16, 3, 3, 3), pads=1),
        [(1, 16, 32, 32)], 16 * 32 * 32 * 3 * 9, 2 * 16 * 32 * 32 * 3 * 9),
    ("Conv", lambda: ops.conv(t(1, 3, 32, 32), p(16, 3, 3, 3), p(16), pads=(1, 1), strides=2),
        [(1, 16, 16, 16)], 16 * 16 * 16 * 27, 2 * 16 * 16 * 16 * 27 + 16 * 16 * 16),
    ("Conv", lambda: ops.conv(t(1, 3, 32, 32), p(16, 3, 3, 3), None),
        [(1, 16, 30, 30)], 16 * 30 * 30 * 27, 2 * 16 * 30 * 30 * 27),
    ("Conv", lambda: ops.conv(t(1, 8, 9, 7), p(8, 1, 5, 3), group=8, pads=(2, 1)),
        [(1, 8, 9, 7)], 8 * 9 * 7 * 15, 2 * 8 * 9 * 7 * 15),
    ("Conv", lambda: ops.conv(t(1, 8, 9, 9), p(12, 4, 3, 3), group=2, dilations=2),
        [(1, 12, 5, 5)], 12 * 25 * 4 * 9, 2 * 12 * 25 * 4 * 9),
    ("Conv", lambda: ops.conv(t(1, 3, 32, 32), p(4, 3, 3, 3), pads=(0, 0, 1, 1), strides=(2, 2)),
        [(1, 4, 16, 16)], 4 * 256 * 27, 2 * 4 * 256 * 27),
    ("Conv", lambda: ops.conv(t(1, 2, 50), p(6, 2, 7), strides=3),
        [(1, 6, 15)], 6 * 15 * 14, 2 * 6 * 15 * 14),
    ("Conv", lambda: ops.conv(t(1, 2, 4, 5, 6), p(3, 2, 1, 2, 3)),
        [(1, 3, 4, 4, 4)], 3 * 64 * 12, 2 * 3 * 64 * 12),
    ("ConvTranspose", lambda: ops.conv_transpose(t(1, 8, 5, 5), p(8, 4, 3, 3), strides=2, pads=1, output_padding=1),
        [(1, 4, 10, 10)], 8 * 25 * 4 * 9, 2 * 8 * 25 * 4 * 9),
    ("ConvTranspose", lambda: ops.conv_transpose(t(1, 8, 5), p(8, 1, 4), strides=2, group=2),
        [(1, 2, 12)], 8 * 5 * 4, 2 * 8 * 5 * 4),
    ("MaxPool", lambda: ops.max_pool(t(1, 4, 9, 9), kernel_shape=3, strides=2, pads=1),
        [(1, 4, 5, 5)], 0, 4 * 25 * 9),
    ("MaxPool", lambda: ops.max_pool(t(1, 4, 6, 6), kernel_shape=2, strides=4),
        [(1, 4, 2, 2)], 0, 4 * 4 * 4),
    ("MaxPool", lambda: ops.max_pool(t(1, 4, 6, 6), kernel_shape=3, strides=2, ceil_mode=1),
        [(1, 4, 3, 3)], 0, 4 * 9 * 9),
    # the third window would start in the padding on the right
    ("MaxPool", lambda: ops.max_pool(t(1, 4, 4), kernel_shape=1, strides=3, pads=(0, 2), ceil_mode=1),
        [(1, 4, 2)], 0, 4 * 2),
    ("AveragePool", lambda: ops.average_pool(t(1, 4, 9, 9), kernel_shape=(3, 1)),
        [(1, 4, 7, 9)], 0, 4 * 63 * 3),
    ("GlobalAveragePool", lambda: ops.global_average_pool(t(1, 4, 9, 7)), [(1, 4, 1, 1)], 0, 4 * 63),
    ("GlobalMaxPool", lambda: ops.global_max_pool(t(1, 4, 9)), [(1, 4, 1)], 0, 4 * 9),
    ("MatMul", lambda: ops.matmul(t(1, 7, 5), p(5, 3)), [(1, 7, 3)], 7 * 5 * 3, 2 * 7 * 5 * 3),
    ("MatMul", lambda: ops.matmul(t(1, 4, 7, 5), t(1, 1, 5, 3)), [(1, 4, 7, 3)], 4 * 7 * 5 * 3, 2 * 4 * 7 * 5 * 3),
    ("Gemm", lambda: ops.gemm(t(1, 13), p(5, 13), p(5)), [(1, 5)], 13 * 5, 2 * 13 * 5 + 5),
    ("Gemm", lambda: ops.gemm(t(1, 13), p(13, 5), transB=0), [(1, 5)], 13 * 5, 2 * 13 * 5),
    ("Attention", lambda: ops.attention(t(1, 4, 10, 8), t(1, 4, 12, 8), t(1, 4, 12, 6)),
        [(1, 4, 10, 6)], 4 * 10 * 12 * (8 + 6), 2 * 4 * 10 * 12 * (8 + 6) + 5 * 4 * 10 * 12),
    ("Attention", lambda: ops.attention(t(1, 4, 10, 8), t(1, 2, 10, 8), t(1, 2, 10, 8), is_causal=1),
        [(1, 4, 10, 8)], 4 * 10 * 10 * 16, 2 * 4 * 10 * 10 * 16 + 5 * 4 * 10 * 10),
    ("BatchNormalization", lambda: ops.batch_normalization(t(1, 4, 3, 3), p(4), p(4), buffer(4), buffer(4)),
        [(1, 4, 3, 3)], 0, 2 * 36),
    ("InstanceNormalization", lambda: ops.instance_normalization(t(1, 4, 3, 3), p(4), p(4)),
        [(1, 4, 3, 3)], 0, 5 * 36),
    ("GroupNormalization", lambda: ops.group_normalization(t(1, 4, 3, 3), p(4), p(4), num_groups=2),
        [(1, 4, 3, 3)], 0, 5 * 36),
    ("LayerNormalization", lambda: ops.layer_normalization(t(1, 7, 6), p(6), p(6)), [(1, 7, 6)], 0, 5 * 42),
    ("LayerNormalization", lambda: ops.layer_normalization(t(1, 7, 6), p(7, 6), axis=1), [(1, 7, 6)], 0, 5 * 42),
    ("RMSNormalization", lambda: ops.rms_normalization(t(1, 7, 6), p(6)), [(1, 7, 6)], 0, 5 * 42),
    ("Gemm", lambda: ops.gemm(t(13, 1), p(5, 13), p(1, 5), transA=1), [(1, 5)], 13 * 5, 2 * 13 * 5 + 5),
    ("Attention", lambda: ops.attention(t(1, 4, 10, 8), t(1, 2, 12, 8), t(1, 2, 12, 8), t(1, 1, 10, 12)),
        [(1, 4, 10, 8)], 4 * 10 * 12 * 16, 2 * 4 * 10 * 12 * 16 + 5 * 4 * 10 * 12),
    ("Einsum", lambda: ops.einsum(t(1, 5, 6), p(6, 3), equation="bti, io -> bto"),
        [(1, 5, 3)], 5 * 6 * 3, 2 * 5 * 6 * 3),
    ("Einsum", lambda: ops.einsum(t(1, 5, 6), p(6), t(1, 7, 6), equation="bti,i,bsi->bts"),
        [(1, 5, 7)], 2 * 5 * 6 * 7, 4 * 5 * 6 * 7),
    ("Einsum", lambda: ops.einsum(t(1, 5, 6), equation="bti->bi"), [(1, 6)], 0, 0),
    ("LSTM", lambda: ops.lstm(t(9, 1, 5), p(4 * 6, 5), p(4 * 6, 6), p(2 * 4 * 6)),
        [(9, 1, 1, 6), (1, 1, 6), (1, 1, 6)], 9 * 24 * (5 + 6), 2 * 9 * 24 * 11 + 3 * 4 * 9 * 6),
    ("LSTM", lambda: ops.lstm(t(9, 1, 5), p(2, 24, 5), p(2, 24, 6), direction="bidirectional"),
        [(9, 2, 1, 6), (2, 1, 6), (2, 1, 6)], 2 * 9 * 24 * 11, 2 * 2 * 9 * 24 * 11 + 3 * 4 * 2 * 9 * 6),
    ("GRU", lambda: ops.gru(t(9, 1, 5), p(1, 18, 5), p(1, 18, 6), p(1, 36), None, t(1, 1, 6)),
        [(9, 1, 1, 6), (1, 1, 6)], 9 * 18 * 11, 2 * 9 * 18 * 11 + 3 * 3 * 9 * 6),
    ("RNN", lambda: ops.rnn(t(9, 1, 5), p(6, 5), p(6, 6), gates="h", activation="Relu"),
        [(9, 1, 1, 6), (1, 1, 6)], 9 * 6 * 11, 2 * 9 * 6 * 11 + 3 * 9 * 6),
    ("QuantizeLinear", lambda: ops.quantize_linear(t(1, 4, 6), p(4), t(4, dtype="int8")), [(1, 4, 6)], 0, 2 * 24),
    ("DequantizeLinear", lambda: ops.dequantize_linear(t(1, 4, 6, dtype="uint8"), p(1)), [(1, 4, 6)], 0, 2 * 24),
    ("LRN", lambda: ops.local_response_normalization(t(1, 4, 3, 3), size=5), [(1, 4, 3, 3)], 0, (5 + 4) * 36),
    ("LpNormalization", lambda: ops.lp_normalization(t(1, 4, 3), p=1), [(1, 4, 3)], 0, 3 * 12),
    ("LpPool", lambda: ops.lp_pool(t(1, 4, 9, 9), kernel_shape=3, strides=2), [(1, 4, 4, 4)], 0, 2 * 4 * 16 * 9),
    ("GridSample", lambda: ops.grid_sample(t(1, 4, 9, 9), t(1, 3, 5, 2)), [(1, 4, 3, 5)], 0, 8 * 4 * 15),
    ("Hardmax", lambda: ops.hardmax(t(1, 7, 6)), [(1, 7, 6)], 0, 5 * 42),
    ("Softmax", lambda: ops.softmax(t(1, 7, 6)), [(1, 7, 6)], 0, 5 * 42),
    ("LogSoftmax", lambda: ops.log_softmax(t(1, 6), axis=1), [(1, 6)], 0, 5 * 6),
]  # fmt: skip

MOVEMENT: list[Case] = [
    ("Reshape", lambda: ops.reshape(t(1, 4, 6), shape=(0, -1)), [(1, 24)], 0, 0),
    ("Reshape", lambda: ops.reshape(t(1, 4, 6), shape=(-1, 2, 3)), [(4, 2, 3)], 0, 0),
    ("Reshape", lambda: ops.reshape(t(1, 4, 6), shape=[0, 2, 2, 6]), [(1, 2, 2, 6)], 0, 0),
    ("Flatten", lambda: ops.flatten(t(1, 4, 6)), [(1, 24)], 0, 0),
    ("Flatten", lambda: ops.flatten(t(1, 4, 6), axis=2), [(4, 6)], 0, 0),
    ("Transpose", lambda: ops.transpose(t(1, 4, 6), perm=(2, 0, 1)), [(6, 1, 4)], 0, 0),
    ("Concat", lambda: ops.concat(t(1, 4, 6), t(1, 3, 6)), [(1, 7, 6)], 0, 0),
    ("Concat", lambda: ops.concat(t(1, 4), t(1, 4), t(1, 4), axis=-1), [(1, 12)], 0, 0),
    ("Split", lambda: ops.split(t(1, 4, 6), split=(1, 3)), [(1, 1, 6), (1, 3, 6)], 0, 0),
    ("Slice", lambda: ops.slice_(t(1, 9, 6), starts=(1,), ends=(-1,), axes=(1,), steps=(2,)), [(1, 4, 6)], 0, 0),
    ("Slice", lambda: ops.slice_(t(1, 9), starts=(0, 3), ends=(1, 99)), [(1, 6)], 0, 0),
    ("Pad", lambda: ops.pad(t(1, 4, 6), pads=(0, 1, 2, 0, 0, 3)), [(1, 5, 11)], 0, 0),
    ("Expand", lambda: ops.expand(t(1, 1, 6), shape=(1, 4, 1)), [(1, 4, 6)], 0, 0),
    ("Expand", lambda: ops.expand(t(1, 6), shape=(1, 3, 1, 6)), [(1, 3, 1, 6)], 0, 0),
    ("Tile", lambda: ops.tile(t(1, 4, 6), repeats=(1, 2, 3)), [(1, 8, 18)], 0, 0),
    ("Squeeze", lambda: ops.squeeze(t(1, 1, 6, 1), axes=(1, -1)), [(1, 6)], 0, 0),
    ("Unsqueeze", lambda: ops.unsqueeze(t(1, 6), axes=(1, -1)), [(1, 1, 6, 1)], 0, 0),
    ("SpaceToDepth", lambda: ops.space_to_depth(t(1, 3, 8, 6), blocksize=2), [(1, 12, 4, 3)], 0, 0),
    ("DepthToSpace", lambda: ops.depth_to_space(t(1, 12, 4, 3), blocksize=2), [(1, 3, 8, 6)], 0, 0),
    ("Resize", lambda: ops.resize(t(1, 3, 8, 6), sizes=(4, 12)), [(1, 3, 4, 12)], 0, 0),
    ("Resize", lambda: ops.resize(t(1, 3, 8), scales=(1.5,), mode="linear"), [(1, 3, 12)], 0, 0),
    ("Identity", lambda: ops.identity(t(1, 6)), [(1, 6)], 0, 0),
    ("Dropout", lambda: ops.dropout(t(1, 6), ratio=0.1), [(1, 6)], 0, 0),
    ("Cast", lambda: ops.cast(t(1, 6), to="int64"), [(1, 6)], 0, 0),
    ("Gather", lambda: ops.gather(p(100, 8), integers(1, 5)), [(1, 5, 8)], 0, 0),
    ("Gather", lambda: ops.gather(t(1, 5, 8), integers(3), axis=1), [(1, 3, 8)], 0, 0),
    ("GatherElements", lambda: ops.gather_elements(t(1, 5, 8), integers(1, 2, 8), axis=1), [(1, 2, 8)], 0, 0),
    ("Expand", lambda: ops.expand(p(1, 1, 6), t(1, 4, 6), shape=(0, 0, 1)), [(1, 4, 6)], 0, 0),
    ("GatherND", lambda: ops.gather_nd(t(1, 5, 8), integers(1, 3, 1), batch_dims=1), [(1, 3, 8)], 0, 0),
    ("GatherND", lambda: ops.gather_nd(t(5, 7, 8), integers(3, 2)), [(3, 8)], 0, 0),
    ("ScatterND", lambda: ops.scatter_nd(t(5, 7, 8), integers(3, 2), t(3, 8)), [(5, 7, 8)], 0, 0),
    ("OneHot", lambda: ops.one_hot(integers(1, 5), depth=9), [(1, 5, 9)], 0, 0),
    ("OneHot", lambda: ops.one_hot(integers(1, 5), depth=9, axis=1), [(1, 9, 5)], 0, 0),
    ("Trilu", lambda: ops.trilu(t(1, 5, 8), upper=0, k=1), [(1, 5, 8)], 0, 0),
    ("ScatterElements", lambda: ops.scatter_elements(t(1, 5), integers(1, 2), t(1, 2), axis=1), [(1, 5)], 0, 0),
]  # fmt: skip

REDUCTIONS: list[Case] = [
    *((f"Reduce{kind}", lambda op=op: op(t(1, 4, 6), axes=(1, -1)), [(1, 1, 1)], 0, 24)
      for kind, op in {"Mean": ops.reduce_mean, "Sum": ops.reduce_sum, "Max": ops.reduce_max, "Min": ops.reduce_min,
                       "Prod": ops.reduce_prod, "L1": ops.reduce_l1, "L2": ops.reduce_l2,
                       "SumSquare": ops.reduce_sum_square, "LogSumExp": ops.reduce_log_sum_exp}.items()),
    ("ReduceMean", lambda: ops.reduce_mean(t(1, 4, 6), axes=(2,), keepdims=0), [(1, 4)], 0, 24),
    ("ReduceMean", lambda: ops.reduce_mean(t(1, 4, 6)), [(1, 1, 1)], 0, 24),
    ("ArgMax", lambda: ops.arg_max(t(1, 4, 6), axis=1), [(1, 1, 6)], 0, 24),
    ("ArgMin", lambda: ops.arg_min(t(1, 4, 6), axis=-1, keepdims=0), [(1, 4)], 0, 24),
    ("CumSum", lambda: ops.cumsum(t(1, 4, 6), axis=-1), [(1, 4, 6)], 0, 24),
    ("TopK", lambda: ops.topk(t(1, 4, 6), k=2), [(1, 4, 2), (1, 4, 2)], 0, 24),
]  # fmt: skip

UNARY = [
    ops.neg, ops.abs, ops.exp, ops.log, ops.sqrt, ops.reciprocal, ops.floor, ops.ceil, ops.round, ops.sign, ops.sin,
    ops.cos, ops.erf, ops.logical_not, ops.relu, ops.leaky_relu, ops.elu, ops.celu, ops.selu, ops.sigmoid,
    ops.hard_sigmoid, ops.hard_swish, ops.tanh, ops.softplus, ops.softsign, ops.mish, ops.gelu, ops.silu, ops.clip,
    ops.tan, ops.asin, ops.acos, ops.atan, ops.sinh, ops.cosh, ops.asinh, ops.acosh, ops.atanh, ops.is_nan,
    ops.is_inf, ops.thresholded_relu, ops.shrink,
]  # fmt: skip

BINARY = [
    ops.add, ops.sub, ops.mul, ops.div, ops.pow, ops.mod, ops.maximum, ops.minimum, ops.equal, ops.greater, ops.less,
    ops.greater_or_equal, ops.less_or_equal, ops.logical_and, ops.logical_or, ops.logical_xor,
]  # fmt: skip

ELEMENTWISE: list[Case] = [
    *((op.name, lambda op=op: op(t(1, 4, 6)), [(1, 4, 6)], 0, 24) for op in UNARY),
    *((op.name, lambda op=op: op(t(1, 4, 6), t(4, 1)), [(1, 4, 6)], 0, 24) for op in BINARY),
    ("PRelu", lambda: ops.prelu(t(1, 4, 6), p(4, 1)), [(1, 4, 6)], 0, 24),
    ("Sum", lambda: ops.sum(t(1, 4, 6), t(1, 4, 6), t(6)), [(1, 4, 6)], 0, 2 * 24),
    ("Max", lambda: ops.maximum(t(1, 4, 6), t(1, 4, 1), t(1)), [(1, 4, 6)], 0, 2 * 24),
    ("Where", lambda: ops.where(t(1, 1, 6, dtype="bool"), t(1, 4, 6), t(1)), [(1, 4, 6)], 0, 24),
]

CASES = [*LAYERS, *MOVEMENT, *REDUCTIONS, *ELEMENTWISE]


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)])
def test_shapes_and_costs_follow_their_closed_forms(case: Case) -> None:
    name, build, shapes, macs, flops = case
    node = node_of(build())
    assert node.op.name == name
    assert [y.shape for y in node.outputs] == shapes
    assert (node.op.macs(node), node.op.flops(node)) == (macs, flops)
    assert [(y.node, y.index) for y in node.outputs] == [(node, i) for i in range(len(shapes))]
    inputs = [x for x in node.inputs if isinstance(x, Input)]
    verify(Graph(inputs, node.outputs))


def test_every_operator_has_a_case_and_a_public_function() -> None:
    assert {case[0] for case in CASES} == set(OPERATORS)
    assert {getattr(ops, name).name for name in ops.__all__} == set(OPERATORS)
    assert all(OPERATORS[name].name == name for name in OPERATORS)


DTYPES: list[tuple[Callable[[], Any], list[str]]] = [
    (lambda: ops.cast(t(1, 6), to="int64"), ["int64"]),
    (lambda: ops.equal(t(1, 6), t(1, 6)), ["bool"]),
    (lambda: ops.logical_not(t(1, 6, dtype="bool")), ["bool"]),
    (lambda: ops.arg_max(t(1, 6), axis=1), ["int64"]),
    (lambda: ops.topk(t(1, 6, dtype="float16"), k=1), ["float16", "int64"]),
    (lambda: ops.gather(p(9, 4), integers(1, 3)), ["float32"]),
    (lambda: ops.where(t(1, 6, dtype="bool"), t(1, 6, dtype="float16"), t(1, 6, dtype="float16")), ["float16"]),
    (lambda: t(1, 6, dtype="float16") * 2.0, ["float16"]),
    (lambda: ops.relu(t(1, 6, dtype="float64")), ["float64"]),
    (lambda: ops.quantize_linear(t(1, 6), p(1)), ["uint8"]),
    (lambda: ops.quantize_linear(t(1, 6), p(1), t(1, dtype="int8")), ["int8"]),
    (lambda: ops.dequantize_linear(t(1, 6, dtype="int8"), p(1)), ["float32"]),
    (lambda: ops.one_hot(integers(1, 6), depth=3, dtype="bool"), ["bool"]),
    (lambda: ops.is_nan(t(1, 6)), ["bool"]),
    (lambda: ops.gather_nd(t(6, dtype="bool"), integers(3, 1)), ["bool"]),
]


@pytest.mark.parametrize(("build", "dtypes"), DTYPES)
def test_dtypes_follow(build: Callable[[], Any], dtypes: list[str]) -> None:
    assert [y.dtype for y in node_of(build()).outputs] == dtypes


# ---- errors: each bad form beside its good one -------------------------------------------------------------------

ERRORS: list[tuple[Callable[[], Any], Callable[[], Any], str]] = [
    (lambda: ops.conv(t(1, 4, 8, 8), p(2, 4, 3, 3)), lambda: ops.conv(t(1, 4, 8, 8), p(2, 3, 3, 3)),
        "Conv: channels must be group (1) x W.shape[1], and group divide W.shape[0], but got shapes (1, 4, 8, 8),"
        " (2, 3, 3, 3)."),
    (lambda: ops.conv(t(1, 4, 8, 8), p(4, 2, 3, 3), group=2), lambda: ops.conv(t(1, 4, 8, 8), p(3, 2, 3, 3), group=2),
        "group (2)"),
    (lambda: ops.conv(t(1, 4, 8, 8), p(2, 4, 3, 3)), lambda: ops.conv(t(1, 4, 8), p(2, 4, 3, 3)), "Conv: channels"),
    (lambda: ops.conv(t(1, 4, 2, 2), p(2, 4, 3, 3), pads=1), lambda: ops.conv(t(1, 4, 2, 2), p(2, 4, 3, 3)),
        "Conv: the window must fit into the padded input, but got kernel (3, 3), dilations (1, 1) and pads"
        " (0, 0, 0, 0) on shape (1, 4, 2, 2)."),
    (lambda: ops.conv(t(1, 4, 5), p(2, 4, 3), dilations=2), lambda: ops.conv(t(1, 4, 5), p(2, 4, 3), dilations=3),
        "dilations (3,)"),
    (lambda: ops.conv_transpose(t(1, 4, 5), p(4, 2, 3)), lambda: ops.conv_transpose(t(1, 4, 5), p(2, 4, 3)),
        "ConvTranspose: W.shape[0] must be the channels, and group divide it, but got shapes (1, 4, 5), (2, 4, 3)."),
    (lambda: ops.conv_transpose(t(1, 4, 1), p(4, 2, 3), pads=1),
        lambda: ops.conv_transpose(t(1, 4, 1), p(4, 2, 3), pads=2),
        "ConvTranspose: the output must not be empty, got [-1]"),
    (lambda: ops.max_pool(t(1, 4, 3), kernel_shape=3), lambda: ops.max_pool(t(1, 4, 3), kernel_shape=4),
        "MaxPool: the window must fit into the padded input, but got kernel (4,)"),
    (lambda: ops.max_pool(t(1, 4, 3), kernel_shape=3), lambda: ops.max_pool(t(1, 4), kernel_shape=1),
        "MaxPool: the input must be (N, C, *space), but got shapes (1, 4)."),
    (lambda: ops.global_max_pool(t(1, 4, 3)), lambda: ops.global_max_pool(t(1, 4)),
        "GlobalMaxPool: the input must be (N, C, *space), but got shapes (1, 4)."),
    (lambda: ops.matmul(t(1, 7, 5), p(5, 3)), lambda: ops.matmul(t(1, 7, 5), p(3, 5)),
        "MatMul: the inner sizes must be equal and ranks at least 2, but got shapes (1, 7, 5), (3, 5)."),
    (lambda: ops.matmul(t(1, 7, 5), p(5, 3)), lambda: ops.matmul(t(1, 7, 5), p(5)), "ranks at least 2"),
    (lambda: ops.matmul(t(2, 7, 5), t(2, 5, 3)), lambda: ops.matmul(t(2, 7, 5), t(3, 5, 3)),
        "MatMul: sizes must be equal or 1 in each dimension"),
    (lambda: ops.gemm(t(1, 4), p(3, 4)), lambda: ops.gemm(t(1, 4), p(4, 3)),
        "Gemm: A must be (N, K) and B (M, K), but got shapes (1, 4), (4, 3)."),
    (lambda: ops.attention(t(1, 4, 5, 8), t(1, 2, 5, 8), t(1, 2, 5, 8)),
        lambda: ops.attention(t(1, 4, 5, 8), t(1, 3, 5, 8), t(1, 3, 5, 8)), "with G dividing H"),
    (lambda: ops.attention(t(1, 4, 5, 8), t(1, 4, 5, 8), t(1, 4, 5, 8)),
        lambda: ops.attention(t(1, 4, 5, 8), t(1, 4, 5, 6), t(1, 4, 5, 8)), "Q (N, H, T, d)"),
    (lambda: ops.batch_normalization(t(1, 4, 3), *[p(4)] * 4),
        lambda: ops.batch_normalization(t(1, 4, 3), *[p(3)] * 4),
        "BatchNormalization: scale, bias and statistics must have one value per channel (4,), but got shapes"
        " (1, 4, 3), (3,), (3,), (3,), (3,)."),
    (lambda: ops.group_normalization(t(1, 4, 3), p(4), p(4), num_groups=2),
        lambda: ops.group_normalization(t(1, 4, 3), p(4), p(4), num_groups=3),
        "GroupNormalization: num_groups (3) must divide channels"),
    (lambda: ops.layer_normalization(t(1, 4, 3), p(3)), lambda: ops.layer_normalization(t(1, 4, 3), p(4)),
        "LayerNormalization: scale and bias must have shape (3,)"),
    (lambda: ops.softmax(t(1, 4), axis=-2), lambda: ops.softmax(t(1, 4), axis=2),
        "Softmax: axis must be in [-2, 2), but got 2 for (1, 4)."),
    (lambda: ops.reshape(t(1, 4, 6), shape=(0, 3, -1)), lambda: ops.reshape(t(1, 4, 6), shape=(0, 5, -1)),
        "Reshape: shape (0, 5, -1) must hold the 24 elements of the input, but got shapes (1, 4, 6)."),
    (lambda: ops.reshape(t(1, 4, 6), shape=(0, -1)), lambda: ops.reshape(t(1, 4, 6), shape=(0, -1, -1)), "must hold"),
    (lambda: ops.reshape(t(1, 4), shape=(0, 4, 1)), lambda: ops.reshape(t(1, 4), shape=(0, 4, 0)), "must hold"),
    (lambda: ops.transpose(t(1, 4), perm=(1, 0)), lambda: ops.transpose(t(1, 4), perm=(1, 1)),
        "Transpose: perm (1, 1) must order all axes, but got shapes (1, 4)."),
    (lambda: ops.concat(t(1, 4, 6), t(1, 3, 6)), lambda: ops.concat(t(1, 4, 6), t(1, 3, 5)),
        "Concat: all sizes but axis 1 must be equal, but got shapes (1, 4, 6), (1, 3, 5)."),
    (lambda: ops.split(t(1, 4), split=(1, 3)), lambda: ops.split(t(1, 4), split=(1, 2)),
        "Split: split (1, 2) must be positive and sum to the size of axis 1, but got shapes (1, 4)."),
    (lambda: ops.split(t(1, 4), split=(1, 3)), lambda: ops.split(t(1, 4), split=(0, 4)), "must be positive"),
    (lambda: ops.slice_(t(1, 4), starts=(1,), ends=(2,), axes=(1,)),
        lambda: ops.slice_(t(1, 4), starts=(2,), ends=(2,), axes=(1,)),
        "Slice: the slice (2,):(2,):(1,) must not be empty, but got shapes (1, 4)."),
    (lambda: ops.pad(t(1, 4), pads=(0, 1, 0, 1)), lambda: ops.pad(t(1, 4), pads=(0, 1)),
        "Pad: pads (0, 1) must have a begin and an end per axis, but got shapes (1, 4)."),
    (lambda: ops.pad(t(1, 4), pads=(0, -3, 0, 0)), lambda: ops.pad(t(1, 4), pads=(0, -4, 0, 0)), "must not be empty"),
    (lambda: ops.expand(t(1, 1, 6), shape=(4, 1)), lambda: ops.expand(t(1, 2, 6), shape=(4, 1)),
        "Expand: shape (4, 1) must be reachable by repeating axes of size 1, but got shapes (1, 2, 6)."),
    (lambda: ops.tile(t(1, 4), repeats=(1, 2)), lambda: ops.tile(t(1, 4), repeats=(2,)),
        "Tile: repeats must have one number per axis, but got shapes (1, 4)."),
    (lambda: ops.squeeze(t(1, 1, 4), axes=(1,)), lambda: ops.squeeze(t(1, 1, 4), axes=(2,)),
        "Squeeze: axes (2,) must have size 1, but got shapes (1, 1, 4)."),
    (lambda: ops.space_to_depth(t(1, 3, 4, 4), blocksize=2), lambda: ops.space_to_depth(t(1, 3, 4, 5), blocksize=2),
        "SpaceToDepth: blocksize (2) must divide H and W"),
    (lambda: ops.depth_to_space(t(1, 4, 4, 4), blocksize=2), lambda: ops.depth_to_space(t(1, 6, 4, 4), blocksize=2),
        "DepthToSpace: blocksize (2) squared must divide C"),
    (lambda: ops.depth_to_space(t(1, 4, 4, 4), blocksize=2), lambda: ops.depth_to_space(t(1, 4, 4), blocksize=2),
        "DepthToSpace: the input must be (N, C, H, W), but got shapes (1, 4, 4)."),
    (lambda: ops.resize(t(1, 3, 8), sizes=(4,)), lambda: ops.resize(t(1, 3, 8), sizes=(4, 4)),
        "Resize: sizes must be one positive number per spatial axis, got (4, 4)."),
    (lambda: ops.gather(p(9, 4), integers(1, 3)), lambda: ops.gather(p(9, 4), t(1, 3)),
        "Gather: indices must be integers"),
    (lambda: ops.gather_elements(t(1, 4), integers(1, 2)), lambda: ops.gather_elements(t(1, 4), integers(2)),
        "GatherElements: data and indices must have one rank"),
    (lambda: ops.scatter_elements(t(1, 4), integers(1, 2), t(1, 2)),
        lambda: ops.scatter_elements(t(1, 4), integers(1, 2), t(1, 3)), "ScatterElements: indices and updates"),
    (lambda: ops.topk(t(1, 4), k=4), lambda: ops.topk(t(1, 4), k=5), "TopK: k (5) must be in 1..size of axis 1"),
    (lambda: ops.add(t(1, 4), t(1, 4)), lambda: ops.add(t(1, 4), t(1, 3)),
        "Add: sizes must be equal or 1 in each dimension, but got shapes (1, 4), (1, 3)."),
    (lambda: ops.sum(t(1, 4)), lambda: ops.sum(), "Sum: at least one input is needed"),
    (lambda: ops.prelu(t(1, 4, 2), p(4, 1)), lambda: ops.prelu(t(1, 4, 1), p(4, 2)),
        "PRelu: the slope must broadcast to the input, but got shapes (1, 4, 1), (4, 2)."),
    (lambda: ops.reduce_mean(t(1, 4), axes=(1,)), lambda: ops.reduce_mean(t(1, 4), axes=(2,)),
        "ReduceMean: axis must be in"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors_state_the_rule_and_the_shapes(good: Callable[[], Any], bad: Callable[[], Any], message: str) -> None:
    good()
    with pytest.raises(ShapeError) as caught:
        bad()
    assert message in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("sizes", [(0, 8, 8), (3, -1, 8), (3, 8.0, 8), ("3", 8, 8)])
def test_inputs_need_positive_whole_sizes(sizes: Any) -> None:
    with pytest.raises(GraphError, match=r"sizes must be positive integers, but got \("):
        image(*sizes)
    with pytest.raises(GraphError):
        vector(sizes[0] if sizes[0] != 3 else 0)
    with pytest.raises(GraphError):
        parameter("weight", sizes)


# ---- broadcasting against NumPy ----------------------------------------------------------------------------------

shapes = st.lists(st.integers(1, 3), max_size=4).map(tuple)


@given(st.lists(shapes, min_size=1, max_size=4))
def test_broadcasting_is_that_of_numpy(several: list[tuple[int, ...]]) -> None:
    inputs = [t(*shape) for shape in several]
    try:
        expected = np.broadcast_shapes(*several)
    except ValueError:
        with pytest.raises(ShapeError, match="sizes must be equal or 1 in each dimension"):
            ops.sum(*inputs)
    else:
        y: Tensor = ops.sum(*inputs)
        assert y.shape == expected


@given(shapes, shapes)
def test_matrix_products_have_the_shape_of_numpy(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        expected = np.matmul(np.ones(a), np.ones(b)).shape if min(len(a), len(b)) >= 2 else None
    except ValueError:
        expected = None
    if expected is None:
        with pytest.raises(ShapeError):
            ops.matmul(t(*a), t(*b))
    else:
        assert ops.matmul(t(*a), t(*b)).shape == expected


@given(shapes, shapes)
def test_expand_is_broadcast_to(a: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    try:
        expected = np.broadcast_shapes(a, wanted)
    except ValueError:
        with pytest.raises(ShapeError):
            ops.expand(t(*a), shape=wanted)
    else:
        assert ops.expand(t(*a), shape=wanted).shape == expected


@given(shapes.filter(lambda s: len(s) > 0), st.data())
def test_movements_have_the_shapes_of_numpy(shape: tuple[int, ...], data: st.DataObject) -> None:
    x, array = t(*shape), np.zeros(shape)
    perm = data.draw(st.permutations(range(len(shape))))
    assert ops.transpose(x, perm=perm).shape == array.transpose(perm).shape
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    assert ops.concat(x, x, axis=axis).shape == np.concatenate([array, array], axis=axis).shape
    assert ops.reduce_sum(x, axes=(axis,), keepdims=0).shape == array.sum(axis=axis).shape
    assert ops.unsqueeze(x, axes=(axis,)).shape == np.expand_dims(array, axis).shape
    repeats = data.draw(st.tuples(*[st.integers(1, 3)] * len(shape)))
    assert ops.tile(x, repeats=repeats).shape == np.tile(array, repeats).shape
    start, end = data.draw(st.integers(-4, 4)), data.draw(st.integers(-4, 4))
    step = data.draw(st.integers(-2, 2).filter(bool))
    cuts = [slice(None)] * len(shape)
    cuts[axis] = slice(start, end, step)
    expected = array[tuple(cuts)].shape
    if 0 in expected:
        with pytest.raises(ShapeError, match="must not be empty"):
            ops.slice_(x, starts=(start,), ends=(end,), axes=(axis,), steps=(step,))
    else:
        assert ops.slice_(x, starts=(start,), ends=(end,), axes=(axis,), steps=(step,)).shape == expected


@given(
    size=st.integers(1, 12), kernel=st.integers(1, 4), stride=st.integers(1, 3), pad=st.integers(0, 2),
    dilation=st.integers(1, 2),
)  # fmt: skip
def test_windows_are_counted_one_by_one(size: int, kernel: int, stride: int, pad: int, dilation: int) -> None:
    reach = dilation * (kernel - 1) + 1
    positions = len(range(0, size + 2 * pad - reach + 1, stride))

    def build() -> Tensor:
        y: Tensor = ops.conv(t(1, 1, size), p(1, 1, kernel), strides=stride, pads=pad, dilations=dilation)
        return y

    if positions == 0:
        with pytest.raises(ShapeError, match="the window must fit"):
            build()
    else:
        y = build()
        assert y.shape == (1, 1, positions)
        # a transposed convolution with the same numbers gives back the size, up to what the stride skipped
        skipped = (size + 2 * pad - reach) % stride
        back = ops.conv_transpose(
            y, p(1, 1, kernel), strides=stride, pads=pad, dilations=dilation, output_padding=skipped
        )
        assert back.shape == (1, 1, size)


# ---- tensors as values ---------------------------------------------------------------------------------------------


def test_arithmetic_builds_nodes_and_scalars_become_constants() -> None:
    x, y = vector(4), vector(4)
    names = [node_of(z).op.name for z in (x + y, x - y, x * y, x / y, -x, x + 1, 1 + x, 2 - x, 3 * x)]
    assert names == ["Add", "Sub", "Mul", "Div", "Neg", "Add", "Add", "Sub", "Mul"]
    assert node_of(t(1, 2, 4) @ p(4, 3)).op.name == "MatMul"
    left = node_of(2 - x).inputs[0]
    assert isinstance(left, Constant)
    assert float(left.value) == 2.0
    assert left.dtype == "float32"
    right = node_of(ops.maximum(tokens(3), 0)).inputs[1]
    assert isinstance(right, Constant)
    assert right.dtype == "int64"


def test_tensors_know_their_size() -> None:
    x = Input((1, 3, 8, 8), "float16")
    assert (x.size, x.bytes, x.rank) == (192, 384, 4)
    assert repr(x) == "<Input 1x3x8x8 float16>"
    assert repr(ops.relu(x)) == "<Tensor 1x3x8x8 float16 by Relu>"
    assert repr(node_of(ops.conv(x, p(2, 3, 1, 1), None))) == "<Conv (1x3x8x8, 2x3x1x1, -) -> 1x2x8x8>"
    assert repr(OPERATORS["Conv"]) == "<operator Conv>"


ZERO = [
    (lambda: ops.conv(t(1, 3, 4, 4), p(2, 3, 3, 3)), True),
    (lambda: ops.conv(t(1, 3, 4, 4), p(2, 3, 3, 3), None), True),
    (lambda: ops.conv(t(1, 3, 4, 4), p(2, 3, 3, 3), p(2)), False),
    (lambda: ops.max_pool(t(1, 3, 4, 4), kernel_shape=2), True),
    (lambda: ops.relu(t(1, 3)), True),
    (lambda: ops.sigmoid(t(1, 3)), False),
    (lambda: ops.softmax(t(1, 3)), False),
    (lambda: ops.matmul(t(1, 3), p(3, 2)), True),
    (lambda: ops.batch_normalization(t(1, 4), *[p(4)] * 4), False),
]


@pytest.mark.parametrize(("build", "expected"), ZERO)
def test_operators_say_whether_they_keep_zero(build: Callable[[], Any], expected: bool) -> None:
    node = node_of(build())
    assert node.op.maps_zero(node) is expected


ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "Neg": lambda v: -v, "Abs": abs, "Sqrt": np.sqrt, "Floor": np.floor, "Ceil": np.ceil, "Round": np.round,
    "Sign": np.sign, "Sin": np.sin, "Tanh": np.tanh, "Relu": lambda v: max(v, 0),
    "LeakyRelu": lambda v: max(v, 0.01 * v),
    "Exp": np.exp, "Cos": np.cos, "Sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "Softplus": lambda v: np.log1p(np.exp(v)),
    "HardSigmoid": lambda v: min(max(v / 6 + 0.5, 0), 1), "HardSwish": lambda v: v * min(max(v / 6 + 0.5, 0), 1),
    "Elu": lambda v: v if v > 0 else np.expm1(v), "Celu": lambda v: v if v > 0 else np.expm1(v),
    "Selu": lambda v: v if v > 0 else np.expm1(v), "Softsign": lambda v: v / (1 + abs(v)),
    "Mish": lambda v: v * np.tanh(np.log1p(np.exp(v))), "Swish": lambda v: v / (1 + np.exp(-v)),
    "Gelu": lambda v: v * 0.5 * (1 + np.tanh(v)),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_keeping_zero_is_what_the_function_does(name: str) -> None:
    assert OPERATORS[name].keeps_zero == (ACTIVATIONS[name](0.0) == 0)
