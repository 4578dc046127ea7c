"""A part of a drawing: a box, or a frame around smaller parts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from netwright.graph import Constant, Node, Tensor
from netwright.io._drawing._blocks_view import weights_in

__all__ = ["Part", "boxes_in", "cost_of"]


@dataclass(frozen=True, eq=False)
class Part:
    """One thing to draw: a box, or, opened, a frame around smaller parts.

    nodes: of the first copy, in the order of execution. ins, outs: tensors that it reads from and gives to the rest;
    ins are those of the first copy and outs those of the last. copies: all copies, where equal parts in a row are
    folded into one.
    """

    name: str
    nodes: tuple[Node, ...]
    ins: tuple[Tensor, ...]
    outs: tuple[Tensor, ...]
    parts: tuple[Part, ...] = ()
    copies: tuple[Part, ...] = ()

    @property
    def count(self) -> int:
        """Number of copies."""
        return max(len(self.copies), 1)

    @property
    def inner_outs(self) -> tuple[Tensor, ...]:
        """The tensors inside the first copy that stand for `outs`."""
        return self.copies[0].outs if self.copies else self.outs

    @cached_property
    def all_nodes(self) -> tuple[Node, ...]:
        """Nodes of every copy."""
        return tuple(n for copy in self.copies for n in copy.all_nodes) if self.copies else self.nodes

    @cached_property
    def signature(self) -> tuple[object, ...]:
        """Equal for parts of equal structure: operators, attributes, wiring, shapes of parameters and of data."""
        number: dict[Tensor, int] = {t: i for i, t in enumerate(self.ins)}
        rows: list[object] = [(t.shape, t.dtype) for t in self.ins]
        for node in self.all_nodes:
            fresh = [t for t in node.inputs if t is not None and t not in number]
            for t in (*fresh, *node.outputs):
                number.setdefault(t, len(number))
            wiring = tuple(None if t is None else number[t] for t in node.inputs)
            rows.append((node.op.name, repr(sorted(node.attrs.items())), wiring, tuple(_leaf(t) for t in fresh)))
        return (*rows, tuple(number[t] for t in self.outs))


def _leaf(tensor: Tensor) -> tuple[object, ...]:
    return (tensor.shape, tensor.value.tobytes() if isinstance(tensor, Constant) else "")


def cost_of(part: Part) -> tuple[int, int]:
    """Parameters (each counted once, however often it is used) and MACs of all copies."""
    parameters = {t for n in part.all_nodes for t in weights_in(n)}
    return sum(t.size for t in parameters if t.trainable), sum(n.op.macs(n) for n in part.all_nodes)


def boxes_in(part: Part, opened: Collection[Part]) -> int:
    """Boxes that a part is drawn with where some parts are opened into frames."""
    return sum(boxes_in(p, opened) for p in part.parts) if part in opened and part.parts else 1
