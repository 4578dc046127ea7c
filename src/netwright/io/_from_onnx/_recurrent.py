"""Converters of recurrent layers; weights that PyTorch reordered for ONNX are read in its own order again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netwright.graph import OPERATORS, Tensor, ops
from netwright.io._from_onnx._call import Call

__all__ = ["CONVERTERS"]

Converter = Callable[[Call], Any]
Rows = list[tuple[Tensor, int]]

DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
"""Activations of one direction."""


def _recurrent(call: Call) -> Any:
    attrs: dict[str, Any] = {"direction": call.attrs.get("direction", "forward")}
    directions = 2 if attrs["direction"] == "bidirectional" else 1
    usual = DEFAULTS[call.op] * directions
    chosen = tuple(name.capitalize() for name in call.attrs.get("activations", usual))
    if call.op == "RNN" and chosen in (("Relu",) * directions, usual):
        attrs["activation"] = chosen[0]
    else:
        call.refuse(chosen != usual, f"its activations are {', '.join(chosen)}")
    call.refuse(bool(call.attrs.get("clip", 0)), "it clips its cells")
    call.refuse(bool(call.attrs.get("layout", 0)), "its layout has the batch first")
    call.refuse(bool(call.attrs.get("input_forget", 0)), "it couples the input and forget gates")
    call.refuse(call.has(7), "it has peepholes")
    if call.op == "GRU":
        attrs["linear_before_reset"] = call.attrs.get("linear_before_reset", 0)
    x = call.tensor(0)
    lengths = None if _all_whole(call, x.shape[0]) else call.optional(4)
    weights = [call.weight(1), call.weight(2), call.optional(3, "bias")]
    own = _as_pytorch(call.op, weights) if directions == 1 else None
    if own is not None:
        weights, attrs["gates"] = own
    inputs = [x, *weights, lengths]
    inputs += [call.optional(i) for i in (5, 6)[: 2 if call.op == "LSTM" else 1]]
    while inputs[-1] is None:
        inputs.pop()
    return OPERATORS[call.op](*inputs, **attrs)


def _all_whole(call: Call, steps: int) -> bool:
    """Whether every row is stated to be as long as the sequence."""
    return call.has(4) and call.is_known(4) and set(call.ints(4)) == {steps}


PYTORCH: dict[str, tuple[str, tuple[int, ...]]] = {
    "LSTM": ("ifgo", (0, 3, 1, 2)),
    "GRU": ("rzn", (1, 0, 2)),
    "RNN": ("h", (0,)),
}
"""Order of the gates in PyTorch, and where in it each gate of ONNX stands."""


def _as_pytorch(op: str, weights: Sequence[Tensor | None]) -> tuple[list[Tensor | None], str] | None:
    """W, R and B in the order of PyTorch where the model reorders such weights on the fly, as its exporter writes.

    So the parameters are those of the layer, and nothing is moved at every run.
    """
    if all(t is None or t.node is None for t in weights):
        return None
    (gates, places), found = PYTORCH[op], [None if t is None else _rows(t) for t in weights]
    kinds = [(i, halves) for i, halves in enumerate((1, 1, 2)) if weights[i] is not None]
    own: list[Tensor | None] = [None] * len(weights)
    for i, halves in kinds:
        rows = found[i]
        sources = None if rows is None else [_reordered(half, places) for half in _halves(rows, halves)]
        if sources is None or None in sources:
            return None
        own[i] = sources[0] if halves == 1 else ops.concat(*sources, axis=0)
    return own, gates


def _halves(rows: Rows, count: int) -> list[Rows]:
    size = len(rows) // count
    return [rows[i * size : (i + 1) * size] for i in range(count)]


def _reordered(rows: Rows, places: Sequence[int]) -> Tensor | None:
    """The tensor whose gates these rows are, in the order of ONNX; None where they are something else."""
    if not rows:
        return None
    source, hidden = rows[0][0], len(rows) // len(places)
    wanted = [(source, place * hidden + i) for place in places for i in range(hidden)]
    return source if rows == wanted and source.shape[0] == len(rows) else None


def _rows(tensor: Tensor) -> Rows | None:
    """Where each row comes from, below slices, concatenations and the axis of the direction."""
    node = tensor.node
    if node is None:
        return [(tensor, i) for i in range(tensor.shape[0])]
    first = node.inputs[0]
    below = None if first is None else _rows(first)
    if below is None:
        return None
    if node.op.name == "Unsqueeze" and node.attrs["axes"] == (0,):
        return below
    if node.op.name == "Slice" and node.attrs["axes"] == (0,):
        return below[slice(node.attrs["starts"][0], node.attrs["ends"][0], node.attrs["steps"][0])]
    if node.op.name == "Concat" and node.attrs["axis"] == 0:
        parts = [None if t is None else _rows(t) for t in node.inputs]
        return None if None in parts else [row for part in parts if part is not None for row in part]
    return None


CONVERTERS: dict[str, Converter] = dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent)
