"""Which values keep the batch as their dimension 0: what a rewrite must know to stay right for any batch size."""

from __future__ import annotations

from collections.abc import Callable, Set

from netwright.graph._tensor import Node, Shape, Tensor

__all__ = ["Inputs", "leads_with_batch"]

Inputs = tuple[Tensor | None, ...]
Rows = Set[Tensor | None]
BatchRule = Callable[[Node, Inputs, Rows], bool]


def _first(node: Node, inputs: Inputs, rows: Rows) -> bool:
    return inputs[0] in rows


def _any(node: Node, inputs: Inputs, rows: Rows) -> bool:
    """Broadcasting aligns the axes at the end, so an input keeps its axis 0 only at the rank of the result."""
    rank = node.output.rank
    return any(t in rows and t is not None and t.rank == rank for t in inputs)


def _off_axis(key: str) -> BatchRule:
    """Operators that leave every axis but `key` alone."""

    def rule(node: Node, inputs: Inputs, rows: Rows) -> bool:
        axes = node.attrs[key]
        return inputs[0] in rows and (axes != 0 if isinstance(axes, int) else 0 not in axes)

    return rule


def _reshape(node: Node, inputs: Inputs, rows: Rows) -> bool:
    return inputs[0] in rows and node.output.shape[:1] == (1,) and node.attrs["shape"][0] in (0, -1)


def _flatten(node: Node, inputs: Inputs, rows: Rows) -> bool:
    return inputs[0] in rows and node.attrs["axis"] != 0 and node.output.shape[0] == 1


def _transpose(node: Node, inputs: Inputs, rows: Rows) -> bool:
    return inputs[0] in rows and bool(node.attrs["perm"][0] == 0)


def _pad(node: Node, inputs: Inputs, rows: Rows) -> bool:
    pads: Shape = node.attrs["pads"]
    return inputs[0] in rows and pads[0] == pads[len(pads) // 2] == 0


def _expand(node: Node, inputs: Inputs, rows: Rows) -> bool:
    x, shape = inputs[0], node.attrs["shape"]
    if shape[:1] == (0,) and x is not None and len(shape) >= x.rank:
        return inputs[1] in rows
    # 1 keeps whatever batch comes; a longer shape puts a new axis before the batch.
    return x in rows and x is not None and (len(shape) < x.rank or (len(shape) == x.rank and shape[0] == 1))


def _tile(node: Node, inputs: Inputs, rows: Rows) -> bool:
    return inputs[0] in rows and bool(node.attrs["repeats"][0] == 1)


def _gather(node: Node, inputs: Inputs, rows: Rows) -> bool:
    """An embedding lookup has the batch of its indices; any other gather that of its data."""
    return inputs[1] in rows if node.attrs["axis"] == 0 else inputs[0] in rows


def _gather_nd(node: Node, inputs: Inputs, rows: Rows) -> bool:
    """With shared axes both have the batch; without, there is a row for each index."""
    return inputs[0 if node.attrs["batch_dims"] else 1] in rows


def _gemm(node: Node, inputs: Inputs, rows: Rows) -> bool:
    return inputs[0] in rows and not node.attrs.get("transA")


def _trilu(node: Node, inputs: Inputs, rows: Rows) -> bool:
    """A triangle of a matrix whose rows are the batch depends on how many there are."""
    return inputs[0] in rows and node.output.rank > 2


def _einsum(node: Node, inputs: Inputs, rows: Rows) -> bool:
    """The batch is the first letter of the result and of an input that leads with it."""
    terms, _, result = node.attrs["equation"].partition("->")
    return any(t in rows and result[:1] == term[:1] != "" for t, term in zip(inputs, terms.split(","), strict=True))


def _matmul(node: Node, inputs: Inputs, rows: Rows) -> bool:
    a, b = inputs[:2]
    rank = node.output.rank
    return (a in rows and a is not None and a.rank == rank) or (
        b in rows and b is not None and b.rank == rank and rank > 2
    )


_RULES: dict[str, BatchRule] = {
    **dict.fromkeys(
        (
            "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
            "BatchNormalization", "GroupNormalization", "InstanceNormalization", "LayerNormalization",
            "RMSNormalization", "LRN", "LpNormalization", "LpPool", "GridSample", "Attention", "Resize",
            "SpaceToDepth", "DepthToSpace", "CumSum", "ScatterElements", "QuantizeLinear", "DequantizeLinear",
            "Identity", "Dropout", "Cast", "Clip", "Softmax", "LogSoftmax", "Hardmax", "PRelu", "Neg", "Abs", "Exp",
            "Log", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Sin", "Cos", "Erf", "Not", "Relu",
            "LeakyRelu", "Elu", "Celu", "Selu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Softplus", "Softsign",
            "Mish", "Gelu", "Swish", "ThresholdedRelu", "Shrink", "IsNaN", "IsInf", "Tan", "Asin", "Acos", "Atan",
            "Sinh", "Cosh", "Asinh", "Acosh", "Atanh",
        ),
        _first,
    ),
    **dict.fromkeys(
        (
            "Add", "Sum", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min",
            "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Where",
        ),
        _any,
    ),
    **dict.fromkeys(("Concat", "Split", "TopK", "ArgMax", "ArgMin", "OneHot"), _off_axis("axis")),
    **dict.fromkeys(
        (
            "Slice", "Squeeze", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1",
            "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp",
        ),
        _off_axis("axes"),
    ),
    "Unsqueeze": _off_axis("axes"),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Pad": _pad,
    "Expand": _expand,
    "Tile": _tile,
    "Gather": _gather,
    "GatherElements": _off_axis("axis"),
    "GatherND": _gather_nd,
    "Trilu": _trilu,
    "Gemm": _gemm,
    "Einsum": _einsum,
    "MatMul": _matmul,
}  # fmt: skip


def leads_with_batch(node: Node, inputs: Inputs, rows: Rows) -> bool:
    """Whether dimension 0 of what the node makes is the batch, where `rows` holds the tensors of which it is known.

    False also where it cannot be known: for an operator of the user's own, or after batch and another axis were
    merged. A rewrite then leaves the value alone.

    >>> from netwright.graph import image, ops
    >>> x = image(3, 8, 8)
    >>> turned = ops.transpose(x, perm=(1, 0, 2, 3)).node
    >>> leads_with_batch(ops.relu(x).node, (x,), {x}), leads_with_batch(turned, (x,), {x})
    (True, False)
    """
    rule = _RULES.get(node.op.name)
    return rule is not None and rule(node, inputs, rows)
