"""Layers written out: linear ones, and pooling over all of space."""

from __future__ import annotations

from math import prod

from netwright.graph import ops
from netwright.graph._patterns._language import Match, Rule, apply, total
from netwright.graph._patterns._network import Network
from netwright.graph._tensor import Tensor

__all__ = ["LAYERS", "POOLING"]


def _linear(match: Match, net: Network) -> Tensor | None:
    """Rows (N, K) times a weight; the shift follows by a rule of its own."""
    x, weight = match.tensor("x"), match.tensor("weight")
    if not (x.rank == weight.rank == 2 and net.flows(x) and not net.flows(weight) and "float" in x.dtype):
        return None
    made: Tensor = ops.gemm(x, weight, transB=0)
    return made


def _turned(match: Match, net: Network) -> Tensor | None:
    """A weight that is transposed first stands the other way round."""
    node = match.node("gemm")
    _, _, *shift = net.inputs(node)
    made: Tensor = node.op(
        match.tensor("x"), match.tensor("weight"), *shift, **{**node.attrs, "transB": 1 - node.attrs["transB"]}
    )
    return made


def _shifted(match: Match, net: Network) -> Tensor | None:
    node, shift = match.node("gemm"), match.tensor("shift")
    scaled = node.attrs.get("alpha", 1) != 1 or node.attrs.get("beta", 1) != 1
    if scaled or net.flows(shift) or shift.shape != node.output.shape[1:] or shift.dtype != node.output.dtype:
        return None
    made: Tensor = node.op(match.tensor("x"), match.tensor("weight"), shift, **node.attrs)
    return made


def _along_last_axis(match: Match, net: Network) -> Tensor | None:
    """Rows that were merged before a linear layer and taken apart after it: one along the last axis."""
    x, rows, gemm, out = (match.tensor(key) for key in ("x", "rows", "gemm", "out"))
    node = match.node("gemm")
    if x.rank < 3 or rows.shape != (prod(x.shape[:-1]), x.shape[-1]) or out.shape != (*x.shape[:-1], gemm.shape[1]):
        return None
    if node.attrs.get("alpha", 1) != 1 or node.attrs.get("beta", 1) != 1:
        return None
    _, weight, *shift = net.inputs(node)
    turned = ops.transpose(weight, perm=(1, 0)) if node.attrs["transB"] else weight
    made: Tensor = ops.matmul(x, turned)
    return ops.add(made, shift[0]) if shift else made


def _global_pool(match: Match, net: Network) -> Tensor | None:
    x, attrs = match.tensor("x"), match.node("mean").attrs
    if x.rank < 4 or attrs["axes"] != tuple(range(2, x.rank)):
        return None
    made: Tensor = ops.global_average_pool(x)
    return made if attrs["keepdims"] else ops.flatten(made, axis=1)


LAYERS: tuple[Rule, ...] = (
    (apply("MatMul", "x", "weight"), _linear),
    (apply("Gemm", "x", apply("Transpose", "weight"), name="gemm", more=True), _turned),
    (total(apply("Gemm", "x", "weight", name="gemm"), "shift"), _shifted),
    (apply("Reshape", apply("Gemm", apply("Reshape", "x", name="rows"), "weight", name="gemm", more=True),
        name="out"), _along_last_axis),
)  # fmt: skip
"""What a linear layer is written as, and the layer."""

POOLING: tuple[Rule, ...] = ((apply("ReduceMean", "x", name="mean"), _global_pool),)
"""Means over all of space. Those that a normalisation takes must be gone before."""
