"""A plan of buffers: which value lies where in memory, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from netwright.graph import Graph, Node
from netwright.target._microcontroller._patches import Grid

__all__ = ["Buffer", "BufferPlan", "PatchPlan"]


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

    def svg(self, title: str = "") -> str:
        """The plan drawn, steps from left to right and addresses from the bottom up; titled as its device if none."""
        from netwright.target._microcontroller._draw import plan_svg

        return plan_svg(self, title)

    def _repr_svg_(self) -> str:
        return self.svg()


@dataclass(frozen=True)
class PatchPlan:
    """A first stage that is computed patch by patch.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> from netwright.target import plan_buffers
    >>> x = image(3, 32, 32)
    >>> plan = plan_buffers(Graph([x], [conv(conv(x, 8), 16, stride=2)]), patches=(2, 2))
    >>> plan.peak_bytes, plan.patches.whole_peak_bytes, round(plan.patches.recomputed, 3)
    (9768, 12576, 0.027)

    grid: rows and columns of patches. until: name of the stage's result. graph: the network that this is, with slices
    and concatenations. tile: plan of the patch that needs most besides input and result. macs: of the network as it
    runs, whole_macs: without patches. whole_peak_bytes: of the network without patches.
    """

    grid: Grid
    until: str
    graph: Graph = field(repr=False)
    tile: BufferPlan = field(repr=False)
    macs: int
    whole_macs: int
    whole_peak_bytes: int

    @property
    def recomputed(self) -> float:
        """Multiply-adds done again, as a share of those of the network."""
        return self.macs / self.whole_macs - 1 if self.whole_macs else 0.0

    def to_json(self) -> dict[str, Any]:
        """Numbers of the stage."""
        return {
            "grid": f"{self.grid[0]}x{self.grid[1]}",
            "until": self.until,
            "tile_bytes": self.tile.peak_bytes,
            "macs": self.macs,
            "macs_without": self.whole_macs,
            "recomputed": self.recomputed,
            "peak_bytes_without": self.whole_peak_bytes,
        }
