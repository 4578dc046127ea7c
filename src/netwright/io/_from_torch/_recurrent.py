"""Recurrent layers, stacked as PyTorch stacks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError
from netwright.io._from_torch._movement import moved
from netwright.io._from_torch._parts import part

__all__ = ["RECURRENT"]


@dataclass(frozen=True)
class _Stack:
    """One call: the operator, its attributes, and how many layers and directions there are."""

    op: Callable[..., Any]
    attrs: dict[str, Any]
    layers: int
    directions: int
    has_biases: bool
    batch_first: bool

    def run(self, b: Builder, x: Any, starts: Sequence[Any], params: Sequence[Any]) -> tuple[Tensor, ...]:
        """Outputs of the last layer, and the last states of all layers."""
        x = b.tensor(x)
        if x.rank != 3:
            raise NoFormError("a sequence without a batch axis")
        x = moved(x, (1, 0, 2)) if self.batch_first else x
        size = 4 if self.has_biases else 2
        if len(params) != self.layers * self.directions * size:
            raise NoFormError("projected states")
        weights = [b.tensor(p) for p in params]
        ends: list[list[Tensor]] = []
        for layer in range(self.layers):
            own = weights[layer * self.directions * size :][: self.directions * size]
            x, last = self._layer(x, own, [self._start(b, s, layer) for s in starts])
            ends.append(last)
        states = [_joined(list(each)) for each in zip(*ends, strict=True)]
        return (moved(x, (1, 0, 2)) if self.batch_first else x, *states)

    def _layer(
        self, x: Tensor, own: Sequence[Tensor], starts: Sequence[Tensor | None]
    ) -> tuple[Tensor, list[Tensor]]:
        size = len(own) // self.directions
        each = [own[d * size :][:size] for d in range(self.directions)]
        w, r = (self._both([weights[i] for weights in each]) for i in (0, 1))
        biases = [ops.concat(weights[2], weights[3], axis=0) for weights in each] if self.has_biases else []
        bias = self._both(biases) if biases else None
        given = [x, w, r, bias, None, *starts]
        while given[-1] is None:
            given.pop()
        y, *last = self.op(*given, direction="bidirectional" if self.directions == 2 else "forward", **self.attrs)
        steps, directions, rows, hidden = y.shape
        y = moved(y, (0, 2, 1, 3)) if directions == 2 else y
        return ops.reshape(y, shape=(steps, rows, directions * hidden)), last

    def _both(self, tensors: Sequence[Tensor]) -> Tensor:
        return (
            tensors[0]
            if self.directions == 1
            else ops.concat(*(ops.unsqueeze(t, axes=(0,)) for t in tensors), axis=0)
        )

    def _start(self, b: Builder, state: Any, layer: int) -> Tensor | None:
        """First state of a layer; zeros are what an absent one means, whatever the batch."""
        import torch

        if isinstance(state, torch.Tensor) and not bool(state.any()):
            return None
        return part(b.tensor(state), 0, layer * self.directions, (layer + 1) * self.directions)


def _joined(tensors: list[Tensor]) -> Tensor:
    joined: Tensor = tensors[0] if len(tensors) == 1 else ops.concat(*tensors, axis=0)
    return joined


def _recurrent(op: Callable[..., Any], *, cells: bool = False, **attrs: Any) -> Converter:
    def convert(
        b: Builder, x: Any, states: Any, params: Sequence[Any], has_biases: Any, num_layers: Any, dropout: Any,
        train: Any, bidirectional: Any, batch_first: Any = False,
    ) -> Any:  # fmt: skip
        if not isinstance(has_biases, bool):
            raise NoFormError("a packed sequence")
        stack = _Stack(op, attrs, num_layers, 2 if bidirectional else 1, has_biases, batch_first)
        return stack.run(b, x, states if cells else [states], params)

    return convert


RECURRENT: dict[str, Converter] = {
    "aten.lstm": _recurrent(ops.lstm, cells=True, gates="ifgo"),
    "aten.gru": _recurrent(ops.gru, gates="rzn", linear_before_reset=1),
    "aten.rnn_tanh": _recurrent(ops.rnn, gates="h", activation="Tanh"),
    "aten.rnn_relu": _recurrent(ops.rnn, gates="h", activation="Relu"),
}
"""Converters by the name of the operator."""
