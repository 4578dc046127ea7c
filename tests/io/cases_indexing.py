"""Reductions, and reading and writing by index, in small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from operator_parts import IMAGE, TOKENS, Build, Case, bits, elementwise, weight, whole

from netwright.graph import Init, Tensor, constant, ops, parameter

__all__ = ["CASES"]


def index(values: object) -> Tensor:
    return constant(values, "int64")


def scatter(reduction: str) -> Build:
    def build(x: Tensor) -> Tensor:
        top, _ = ops.topk(x, k=3, axis=2)
        _, where = ops.topk(-x, k=3, axis=2)
        return ops.scatter_elements(x, where, top, axis=2, reduction=reduction)

    return build


def scatter_nd(depth: int, reduction: str) -> Build:
    """Slices written at places of the spatial axes, which are brought to the front."""

    def build(x: Tensor) -> Tensor:
        turned = ops.transpose(x, perm=(2, 3, 0, 1))
        where = index([[1, 2], [0, 7], [-1, 3]] if depth == 2 else [[1], [-2], [0]])
        picked = ops.slice_(turned, starts=(3,), ends=(6,), axes=(0,))
        updates = picked if depth == 1 else ops.gather(picked, index(0), axis=1)
        result = ops.scatter_nd(turned, where, updates * 2.0, reduction=reduction)
        return ops.transpose(result, perm=(2, 3, 0, 1))

    return build


def whole_reduction(op: Callable[..., Tensor], dtype: str) -> Case:
    return dtype, IMAGE, lambda x: op(whole(x * 0.2, dtype), axes=(1, 2))


FLOATING = ("Mean", "L1", "L2", "LogSumExp")
"""Reductions of numbers that are not whole."""

CASES: dict[str, list[Case]] = {
    **{
        f"Reduce{name}": [
            elementwise(op, axes=(2, 3)),
            elementwise(op, axes=(1,), keepdims=0),
            elementwise(op, axes=(-1, 1), keepdims=0),
            elementwise(op, axes=()),
            *([] if name in FLOATING else [whole_reduction(op, "int64"), whole_reduction(op, "int32")]),
        ]
        for name, op in {
            "Mean": ops.reduce_mean,
            "Sum": ops.reduce_sum,
            "Max": ops.reduce_max,
            "Min": ops.reduce_min,
            "Prod": ops.reduce_prod,
            "L1": ops.reduce_l1,
            "L2": ops.reduce_l2,
            "SumSquare": ops.reduce_sum_square,
            "LogSumExp": ops.reduce_log_sum_exp,
        }.items()
    },
    "ArgMax": [
        elementwise(ops.arg_max, axis=1),
        elementwise(ops.arg_max, axis=-1, keepdims=0),
        ("last", IMAGE, lambda x: ops.arg_max(ops.round(x), axis=2, select_last_index=1)),
        ("last of whole", IMAGE, lambda x: ops.arg_max(whole(x, "int32"), axis=-1, keepdims=0, select_last_index=1)),
        ("whole", IMAGE, lambda x: ops.arg_max(whole(x * 0.2, "int32"), axis=1)),
    ],
    "ArgMin": [
        elementwise(ops.arg_min, axis=2),
        ("last", IMAGE, lambda x: ops.arg_min(ops.round(x), axis=1, select_last_index=1) + constant(1, "int64")),
    ],
    "CumSum": [
        elementwise(ops.cumsum, axis=2),
        elementwise(ops.cumsum, axis=1, exclusive=1, reverse=1),
        ("whole", IMAGE, lambda x: ops.cumsum(whole(x), axis=1)),
        ("int32", IMAGE, lambda x: ops.cumsum(whole(x, "int32"), axis=-1, exclusive=1)),
        ("reversed int32", IMAGE, lambda x: ops.cumsum(whole(x, "int32"), axis=-1, reverse=1)),
    ],
    "Gather": [
        ("constant index", IMAGE, lambda x: ops.gather(x, index([2, 0]), axis=2)),
        ("scalar index", IMAGE, lambda x: ops.gather(x, index(1), axis=1)),
        ("matrix index", IMAGE, lambda x: ops.gather(x, index([[2, 0], [1, 1]]), axis=3)),
        ("table", TOKENS, lambda x: ops.gather(weight(12, 3), ops.arg_max(x, axis=2, keepdims=0))),
        ("from the end", IMAGE, lambda x: ops.gather(x, index([-1, 0, -3]), axis=2)),
        ("last", IMAGE, lambda x: ops.gather(x, index(-1), axis=3)),
        ("cube of indices", IMAGE, lambda x: ops.gather(x, index([[[2], [-1]]]), axis=1)),
        ("int32 index", IMAGE, lambda x: ops.gather(x, constant([1, 2], "int32"), axis=2)),
        ("table from the end", TOKENS, lambda x: x + ops.gather(weight(7, 12), index([-1, 0, -3, 2, 2]))),
        ("bits", IMAGE, lambda x: ops.gather(bits(x), index([1, -1]), axis=1)),
        (
            "table of bits",
            TOKENS,
            lambda x: ops.gather(constant(np.eye(12) > 0, "bool"), ops.arg_max(x, axis=2, keepdims=0)),
        ),
        (
            "table of whole numbers",
            TOKENS,
            lambda x: ops.gather(
                parameter("table", (12, 3), Init("signs"), trainable=False, dtype="int64"),
                ops.arg_max(x, axis=2, keepdims=0),
            ),
        ),
        (
            "vector",
            TOKENS,
            lambda x: ops.gather(weight(12), ops.cast(ops.arg_max(x, axis=2, keepdims=0), to="int32")),
        ),
        ("by computed index", IMAGE, lambda x: ops.gather(weight(7, 3), whole(ops.tanh(x) * 0.5))),
        ("cube of tables", TOKENS, lambda x: ops.gather(weight(3, 12, 2), ops.arg_max(x, axis=2), axis=1)),
    ],
    "GatherElements": [
        ("", IMAGE, lambda x: ops.gather_elements(x, ops.topk(x, k=2, axis=2)[1], axis=2)),
        (
            "from the end",
            TOKENS,
            lambda x: ops.gather_elements(x, whole(ops.tanh(x) * 0.5), axis=1),
        ),
        (
            "constant",
            (5, 12),
            lambda x: ops.gather_elements(weight(5, 2), index([[-1, 0], [2, -5]])) + ops.reduce_max(x),
        ),
        (
            "int32",
            IMAGE,
            lambda x: ops.gather_elements(x, ops.cast(ops.topk(x, k=2, axis=2)[1], to="int32"), axis=2),
        ),
    ],
    "GatherND": [
        ("constant", IMAGE, lambda x: ops.gather_nd(ops.transpose(x, perm=(1, 2, 0, 3)), index([[0, 1], [2, -1]]))),
        ("one axis", IMAGE, lambda x: ops.gather_nd(weight(9, 3), ops.topk(x, k=1)[1])),
        (
            "shared axes",
            IMAGE,
            lambda x: ops.gather_nd(x, ops.transpose(ops.topk(x, k=2, axis=2)[1], perm=(0, 1, 3, 2)), batch_dims=2),
        ),
        (
            "int32",
            IMAGE,
            lambda x: ops.gather_nd(weight(9, 3), ops.cast(ops.topk(x, k=1)[1], to="int32")),
        ),
    ],
    "ScatterElements": [
        *[(r, IMAGE, scatter(r)) for r in ("none", "add", "mul", "min", "max")],
        (
            "from the end",
            IMAGE,
            lambda x: ops.scatter_elements(
                x, ops.topk(x, k=3, axis=2)[1] - constant(6, "int64"), ops.topk(x, k=3, axis=2)[0] * 2.0, axis=2
            ),
        ),
        (
            "int32",
            IMAGE,
            lambda x: ops.scatter_elements(
                x, ops.cast(ops.topk(x, k=3, axis=2)[1], to="int32"), ops.topk(x, k=3, axis=2)[0] * 2.0, axis=2
            ),
        ),
    ],
    "ScatterND": [
        (
            f"{reduction} {depth}",
            IMAGE,
            scatter_nd(depth, reduction),
        )
        for reduction in ("none", "add", "mul", "min", "max")
        for depth in (1, 2)
    ],
    "OneHot": [
        ("", TOKENS, lambda x: ops.one_hot(ops.arg_max(x, axis=2, keepdims=0), depth=12)),
        ("inside", TOKENS, lambda x: ops.one_hot(ops.arg_max(x, axis=2, keepdims=0), depth=9, axis=1)),
        ("whole", TOKENS, lambda x: ops.one_hot(whole(x * 0.2), depth=3, dtype="int64")),
        ("bits", TOKENS, lambda x: ops.one_hot(whole(x, "int32"), depth=3, axis=-2, dtype="bool")),
    ],
    "Trilu": [
        elementwise(ops.trilu),
        elementwise(ops.trilu, upper=0, k=-1),
        elementwise(ops.trilu, k=2),
        ("whole", IMAGE, lambda x: ops.trilu(whole(x), upper=0)),
        ("bits", IMAGE, lambda x: ops.trilu(bits(x))),
    ],
    "TopK": [
        ("both", IMAGE, lambda x: ops.topk(x, k=3, axis=2)),
        ("last", IMAGE, lambda x: ops.topk(x, k=2)[0]),
        ("smallest", IMAGE, lambda x: ops.topk(x, k=2, largest=0)[1]),
        ("unsorted", IMAGE, lambda x: ops.topk(x, k=3, axis=1, sorted=0)),
        ("whole", IMAGE, lambda x: ops.topk(whole(x * 99.0), k=2)[0]),
    ],
}
