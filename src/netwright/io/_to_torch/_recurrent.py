"""Recurrent layers in PyTorch: the functions that its own layers call, with gates put in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netwright.errors import ExportError
from netwright.graph import Node
from netwright.io._to_torch._base import Scribe

__all__ = ["GATES", "RECURRENT"]

GATES = {"iofc": "ifco", "ifgo": "ifgo", "zrh": "rzh", "rzn": "rzn", "i": "i", "h": "h"}
"""For each order of the gates of a layer, the same letters in the order of PyTorch."""


def _recurrent(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
    """Call of the helper `recurrent` for an LSTM, a GRU or an RNN.

    Raises ExportError where the rows have lengths of their own.
    """
    padded: list[str | None] = [*given, *[None] * (7 - len(given))]
    x, w, r, bias, lengths, *starts = padded
    if lengths is not None:
        raise ExportError(f"{node.op.name} with a length for each row has no form in PyTorch.")
    starts = starts[: len(node.outputs) - 1]
    gates = node.attrs["gates"]
    order = tuple(gates.index(letter) for letter in GATES[gates])
    backward = node.attrs["direction"] == "reverse"
    return (
        f"{s.helper('recurrent')}({_function(s, node)}, {x}, {w}, {r}, {bias}, [{', '.join(map(str, starts))}],"
        f" order={order}, backward={backward})"
    )


def _function(s: Scribe, node: Node) -> str:
    if node.op.name == "LSTM":
        return "torch.lstm"
    if node.op.name == "GRU":
        return "torch.gru" if node.attrs["linear_before_reset"] else s.helper("gru_reset_first")
    functions = {"Tanh": "torch.rnn_tanh", "Relu": "torch.rnn_relu"}
    if node.attrs["activation"] not in functions:
        raise ExportError(f"RNN's activation must be Tanh or Relu, but is {node.attrs['activation']}.")
    return functions[node.attrs["activation"]]


RECURRENT: dict[str, Callable[[Scribe, Node, Sequence[str | None]], str]] = dict.fromkeys(
    ("LSTM", "GRU", "RNN"), _recurrent
)
"""Forms by operator."""
