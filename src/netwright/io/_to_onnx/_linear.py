"""Matrix products, attention and recurrent layers in ONNX."""

from __future__ import annotations

import numpy as np

from netwright.graph import Constant, Node
from netwright.io._to_onnx._base import Writer, last, number, optional_input
from netwright.io._to_onnx._model import OnnxBuilder

__all__ = ["LINEAR"]


def _attention(b: OnnxBuilder, node: Node) -> None:
    """Softmax of the scaled scores. The query heads of a group stand side by side, so K and V are never copied."""
    q, k, v, mask, *_ = (*node.inputs, None)
    assert q is not None
    assert k is not None
    assert v is not None
    (_, heads, rows, width), (groups, columns) = q.shape, k.shape[1:3]
    folded = [0, groups, heads // groups * rows]

    def reshape(x: str, shape: list[int], to: str | None = None) -> str:
        return b.step(node, "Reshape", x, b.value(node, "shape", shape), to=to)

    shared = groups != heads
    query = b.step(node, "Mul", b.names[q], number(b, node, "scale", node.attrs["scale"]))
    query = reshape(query, [*folded, width]) if shared else query
    scores = b.step(node, "MatMul", query, b.step(node, "Transpose", b.names[k], perm=(0, 1, 3, 2)))
    if node.attrs["is_causal"] or mask is not None:
        scores = reshape(scores, [0, heads, rows, columns]) if shared else scores
        chances = _masked_softmax(b, node, scores, (rows, columns))
        chances = reshape(chances, [*folded, columns]) if shared else chances
    else:
        chances = b.step(node, "Softmax", scores, axis=-1)
    mixed = b.step(node, "MatMul", chances, b.names[v], to=None if shared else last(b, node))
    if shared:
        reshape(mixed, [0, heads, rows, v.shape[3]], to=last(b, node))


def _masked_softmax(b: OnnxBuilder, node: Node, scores: str, shape: tuple[int, int]) -> str:
    """Softmax of scores (N, H, T, S) over the keys that a query sees; zeros where it sees none."""
    dtype, mask, causal = node.output.dtype, optional_input(node, 3), node.attrs["is_causal"]
    if mask is not None and mask.dtype == "bool":
        earlier = b.value(node, "earlier", np.tri(*shape), "bool") if causal else None
        seen = b.names[mask] if earlier is None else b.step(node, "And", b.names[mask], earlier)
        # Not -inf: a softmax over a row of these is no number, and would make none of all that follows.
        lowest = number(b, node, "lowest", float(np.finfo(dtype).min))
        chances = b.step(node, "Softmax", b.step(node, "Where", seen, scores, lowest), axis=-1)
        if isinstance(mask, Constant) and not causal and bool(mask.value.any(axis=-1).all()):
            return chances
        return b.step(node, "Where", seen, chances, number(b, node, "zero", 0))
    if mask is not None:
        scores = b.step(node, "Add", scores, b.names[mask])
    if causal:
        later = np.triu(np.full(shape, -np.inf), 1)
        scores = b.step(node, "Add", scores, b.value(node, "later", later, dtype))
    return b.step(node, "Softmax", scores, axis=-1)


def _recurrent(b: OnnxBuilder, node: Node) -> None:
    """The layer as ONNX has it: gates in its order, and an axis for the directions."""
    given = b.inputs_of(node)
    x, w, r, bias, lengths, *starts = [*given, *[""] * (5 - len(given))]
    attrs = dict(node.attrs)
    gates = attrs.pop("gates")
    attrs |= {"activations": [attrs.pop("activation")] * node.output.shape[1]} if "activation" in attrs else {}
    w, r = (_in_order(b, node, name, i, gates, 1) for i, name in ((1, w), (2, r)))
    bias = bias and _in_order(b, node, bias, 3, gates, 2)
    b.emit(node.op.name, [x, w, r, bias, lengths, *starts], b.outputs_of(node), attrs)


def _in_order(b: OnnxBuilder, node: Node, name: str, index: int, gates: str, copies: int) -> str:
    """A weight or a bias with its gates in the order of ONNX, and with an axis of directions."""
    tensor, wanted = optional_input(node, index), ORDERS.get(gates, gates)
    if tensor is not None and tensor.rank == (2 if copies == 1 else 1):
        name = b.step(node, "Unsqueeze", name, b.value(node, "axes", [0]))
    if wanted == gates:
        return name
    count = copies * len(gates)
    parts = [b.fresh(f"{name}.gate") for _ in range(count)]
    b.emit("Split", [name], parts, {"axis": 1, "num_outputs": count})
    order = [copy * len(gates) + gates.index(letter) for copy in range(copies) for letter in wanted]
    return b.step(node, "Concat", *(parts[i] for i in order), axis=1)


ORDERS = {"ifgo": "iofg", "rzn": "zrn"}
"""For the orders of PyTorch, the same letters in the order of ONNX."""

LINEAR: dict[str, Writer] = {
    "Attention": _attention,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "RNN": _recurrent,
}
"""Forms by operator."""
