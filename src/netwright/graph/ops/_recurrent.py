"""Recurrent layers, each over a whole sequence."""

from __future__ import annotations

from typing import Any

from netwright.errors import ShapeError
from netwright.graph._operator import Operator, Types, require
from netwright.graph._tensor import Node


class Recurrent(Operator):
    """A recurrent layer: X (T, N, I), W (D, G H, I), R (D, G H, H), optional B (D, 2 G H), lengths, initial states.

    >>> from netwright.graph import Input, ops, parameter
    >>> w, r = parameter("w", (1, 5, 8)), parameter("r", (1, 5, 5))
    >>> [y.shape for y in ops.rnn(Input((16, 1, 8), batch_axis=1), w, r, hidden_size=5)]
    [(16, 1, 1, 5), (1, 1, 5)]

    G is the number of gates, D the number of directions, and the states are (D, N, H). Gives Y (T, D, N, H) and the
    last states. Inputs are those of ONNX: B holds the bias of W and then that of R. With one direction W, R and B may
    lack their first axis, as they do in PyTorch. Attributes: `direction` forward, reverse or bidirectional; `gates`,
    the order in which the gates stand in W, R and B. MACs are those of W and R at each step.
    """

    orders: tuple[str, str]
    """Order of the gates in ONNX, which is the default, and in PyTorch."""
    states = 1

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        given = [*inputs, *[None] * (5 + self.states - len(inputs))]
        x, w, r, bias, lengths, *starts = given
        gates = attrs.setdefault("gates", self.orders[0])
        direction = attrs.setdefault("direction", "forward")
        if gates not in self.orders or direction not in ("forward", "reverse", "bidirectional"):
            raise ShapeError(
                f"{self.name}: gates must be one of {', '.join(self.orders)} and direction forward, reverse or"
                f" bidirectional, but got {gates} and {direction}."
            )
        count, directions = len(self.orders[0]), 2 if direction == "bidirectional" else 1
        hidden = attrs["hidden_size"] = r.shape[-1]
        require(x.rank == 3, self, "X must be (T, N, I)", inputs)

        def full(shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
            return (shape, (directions, *shape)) if directions == 1 else ((directions, *shape),)

        require(w.shape in full((count * hidden, x.shape[2])), self, f"W must have {count} gates of H x I", inputs)
        require(r.shape in full((count * hidden, hidden)), self, f"R must have {count} gates of H x H", inputs)
        require(bias is None or bias.shape in full((2 * count * hidden,)), self, "B must hold two biases", inputs)
        require(lengths is None or lengths.shape == x.shape[1:2], self, "one length per row", inputs)
        state = (directions, x.shape[1], hidden)
        require(all(s is None or s.shape == state for s in starts), self, f"states must have shape {state}", inputs)
        whole = (x.shape[0], directions, x.shape[1], hidden)
        return ((whole, x.dtype), *((state, x.dtype) for _ in range(self.states)))

    def macs(self, node: Node) -> int:
        x, w, r = node.inputs[:3]
        assert x is not None
        assert w is not None
        assert r is not None
        return x.shape[0] * x.shape[1] * (w.size + r.size)

    def flops(self, node: Node) -> int:
        # Each gate has a bias and an activation, and the new state a few products.
        return 2 * self.macs(node) + 3 * len(self.orders[0]) * node.output.size


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997); gates i, o, f, c in ONNX, i, f, g, o in PyTorch.

    >>> from netwright.graph import Input, ops, parameter
    >>> w, r = parameter("w", (1, 4 * 5, 8)), parameter("r", (1, 4 * 5, 5))
    >>> [y.shape for y in ops.lstm(Input((16, 1, 8), batch_axis=1), w, r, hidden_size=5)]
    [(16, 1, 1, 5), (1, 1, 5), (1, 1, 5)]
    """

    orders = ("iofc", "ifgo")
    states = 2


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014); gates z, r, h in ONNX, r, z, n in PyTorch.

    >>> from netwright.graph import Input, ops, parameter
    >>> w, r = parameter("w", (1, 3 * 5, 8)), parameter("r", (1, 3 * 5, 5))
    >>> [y.shape for y in ops.gru(Input((16, 1, 8), batch_axis=1), w, r, hidden_size=5)]
    [(16, 1, 1, 5), (1, 1, 5)]

    `linear_before_reset` 1 applies the reset gate after R and its bias, as PyTorch does.
    """

    orders = ("zrh", "rzn")

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        attrs.setdefault("linear_before_reset", 0)
        return super().infer(inputs, attrs)


class RNN(Recurrent):
    """Elman network (1990), with `activation` Tanh or Relu.

    >>> from netwright.graph import Input, ops, parameter
    >>> w, r = parameter("w", (1, 5, 8)), parameter("r", (1, 5, 5))
    >>> y, last = ops.rnn(Input((16, 1, 8), batch_axis=1), w, r, hidden_size=5, activation="Relu")
    >>> y.shape, last.shape, y.node.op.macs(y.node)
    ((16, 1, 1, 5), (1, 1, 5), 1040)
    """

    orders = ("i", "h")

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        attrs.setdefault("activation", "Tanh")
        return super().infer(inputs, attrs)


lstm = LSTM("LSTM")
gru = GRU("GRU")
rnn = RNN("RNN")
