"""A plan of buffers: which value lies where in memory, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from netwright.graph import Node

if TYPE_CHECKING:
    from netwright.target._microcontroller._plan import PatchPlan

__all__ = ["Buffer", "BufferPlan"]


@dataclass(frozen=True)
class Buffer:
    """A run of bytes.

    >>> image = Buffer("image", size=100, offset=0, first=0, last=1)
    >>> image.end, image.clashes(Buffer("sum", size=50, offset=80, first=1, last=2))
    (100, True)

    name: of the value in it. offset: of its first byte. first, last: steps, counted from 0, from which and to which
    it is live; inputs are live from step 0 on, outputs to the last one. over: number of the buffer in whose place it
    is written, at the step where that one ends; None for memory of its own.
    """

    name: str
    size: int
    offset: int
    first: int
    last: int
    over: int | None = None

    @property
    def end(self) -> int:
        """Offset of the first byte behind it."""
        return self.offset + self.size

    def clashes(self, other: Buffer) -> bool:
        """Whether two buffers have bytes in common while both are live."""
        together = self.first <= other.last and other.first <= self.last
        return together and max(self.offset, other.offset) < min(self.end, other.end)


@dataclass(frozen=True)
class BufferPlan:
    """An order of execution, and where each value lies.

    >>> from netwright.graph import Graph, image, ops
    >>> from netwright.target import plan_buffers
    >>> x = image(1, 10, 10)
    >>> plan = plan_buffers(Graph([x], [ops.relu(ops.max_pool(x, kernel_shape=2, strides=2))]))
    >>> plan.steps, plan.timeline, plan.peak_bytes
    (('maxpool',), (125,), 125)
    >>> [(buffer.offset, buffer.end) for buffer in plan.buffers]
    [(0, 100), (100, 125)]

    order: all nodes. steps: names of those that touch memory, in order. buffers: inputs first. peak_bytes: of memory.
    lower_bound: bytes that no order and no placement can do without. own_order_bytes: what the network's own order
    needs if nothing is lost in placing. solver: `heuristic` or `cp-sat`, whichever found the plan. seconds: what it
    took. in_place: whether kernels may write over what they read last. patches: the first stage, where it is computed
    patch by patch. device, capacity: its name and bytes of memory, where it is for one.
    """

    order: tuple[Node, ...]
    steps: tuple[str, ...]
    buffers: tuple[Buffer, ...]
    peak_bytes: int
    lower_bound: int
    own_order_bytes: int
    solver: str
    seconds: float
    in_place: bool = False
    patches: PatchPlan | None = None
    device: str = ""
    capacity: int | None = None

    def on(self, device: str, capacity: int) -> BufferPlan:
        """The same plan for a device with so much memory, in bytes."""
        return replace(self, device=device, capacity=capacity)

    @property
    def gap(self) -> float:
        """How much more than the bound this plan takes, as a share of the bound; 0 where no plan takes less."""
        return self.peak_bytes / self.lower_bound - 1 if self.lower_bound else 0.0

    @property
    def timeline(self) -> tuple[int, ...]:
        """Bytes that are live at each step, whatever lies between them."""
        return tuple(sum(self.buffers[i].size for i in self.live(step)) for step in range(len(self.steps)))

    def live(self, step: int) -> Iterator[int]:
        """Numbers of the buffers that are live at a step; of two in one place, the one that is written."""
        here = [i for i, each in enumerate(self.buffers) if each.first <= step <= each.last]
        written = {self.buffers[i].over for i in here}
        return (i for i in here if i not in written)

    def to_json(self) -> dict[str, Any]:
        """The plan with every buffer."""
        return {
            "peak_bytes": self.peak_bytes,
            "lower_bound_bytes": self.lower_bound,
            "own_order_bytes": self.own_order_bytes,
            "gap": self.gap,
            "solver": self.solver,
            "seconds": self.seconds,
            "in_place": self.in_place,
            "patches": None if self.patches is None else self.patches.to_json(),
            "steps": list(self.steps),
            "buffers": [
                {
                    "name": b.name,
                    "bytes": b.size,
                    "offset": b.offset,
                    "first": b.first,
                    "last": b.last,
                    "over": b.over,
                }
                for b in self.buffers
            ],
        }

    def _repr_svg_(self) -> str:
        from netwright.target._microcontroller._draw import plan_svg

        return plan_svg(self)
