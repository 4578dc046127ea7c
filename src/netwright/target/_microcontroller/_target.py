"""The target that a microcontroller is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.errors import DataError, UnknownNameError
from netwright.target._base import Estimate, Target
from netwright.target._microcontroller._device import Device, read_device
from netwright.target._microcontroller._flash import flash_bytes
from netwright.target._microcontroller._latency import milliseconds
from netwright.target._microcontroller._plan import SECONDS, plan_buffers
from netwright.target._microcontroller._sums import FlashBytes, KernelLatency

if TYPE_CHECKING:
    from netwright.cost import Cost
    from netwright.graph import Graph
    from netwright.space import Space
    from netwright.target._microcontroller._buffers import BufferPlan
    from netwright.target._microcontroller._patches import Grid

__all__ = ["MicrocontrollerTarget", "read_grid"]

_GRID = re.compile(r"([1-9]\d?)x([1-9]\d?)", re.ASCII)


def read_grid(text: str) -> Grid:
    """Rows and columns of patches.

    >>> read_grid("2x3")
    (2, 3)

    Raises DataError, which shows the form.
    """
    parts = _GRID.fullmatch(text)
    if parts is None:
        raise DataError(f"patches are rows and columns of 1 to 99 each, as in 2x2, but got {text!r}.")
    return int(parts[1]), int(parts[2])


class MicrocontrollerTarget(Target):
    """A microcontroller that runs networks in 8 bits: memory from a plan of buffers, flash, and a rough latency.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> target = MicrocontrollerTarget.parse("stm32f746:in-place")
    >>> target
    <target stm32f746:in-place: flash_bytes, latency_ms, memory_bytes>
    >>> x = image(3, 32, 32)
    >>> graph = Graph([x], [conv(x, 16)])
    >>> target.memory(graph).value, target.flash(graph).value
    (19564, 624)

    memory: bytes of SRAM for inputs, values and what kernels need besides; flash: bytes of weights, biases and
    scales. The program that runs the network, its stack and its own data come on top. latency: from published cycles
    of single kernels, where a device has any, so its interval is wide.

    in_place, patches, solver, seconds: as in `plan_buffers`; a search asks for the heuristic, `careful()` for both.
    """

    kind = "microcontroller"

    def __init__(
        self,
        name: str,
        device: Device,
        *,
        in_place: bool = False,
        patches: Grid | None = None,
        solver: str = "heuristic",
        seconds: float = SECONDS,
    ) -> None:
        super().__init__(name)
        self.device, self.in_place, self.patches = device, in_place, patches
        self.solver, self.seconds = solver, seconds
        self.knows = frozenset({"memory_bytes", "flash_bytes"} | ({"latency_ms"} if device.cycles else set()))

    @classmethod
    def parse(cls, name: str) -> MicrocontrollerTarget:
        """Target of a name such as `stm32f746`, `stm32f746:in-place` or `stm32f746:in-place:2x2`.

        Raises UnknownNameError that lists the devices, or the form of what follows.
        """
        device, *options = name.split(":")
        in_place = options[:1] == ["in-place"]
        rest = options[in_place:]
        if len(rest) > 1 or (rest and not _GRID.fullmatch(rest[0])):
            raise UnknownNameError("target", name, [f"{device}:in-place:2x2"])
        return cls(name, read_device(device), in_place=in_place, patches=read_grid(rest[0]) if rest else None)

    @property
    def how(self) -> str:
        return f"computed for {self.device.title}, in 8 bits"

    def sources(self) -> Mapping[str, str | None]:
        return self.device.looked_up

    def careful(self) -> MicrocontrollerTarget:
        return MicrocontrollerTarget(
            self.name, self.device, in_place=self.in_place, patches=self.patches, solver="auto", seconds=self.seconds
        )

    def additive(self, quantity: str, space: Space, name: str) -> Cost | None:
        """Flash and, without patches, latency; the memory of a plan is no sum."""
        if quantity == "flash_bytes":
            return FlashBytes(name)
        # Patches compute parts of the network again: how much, the blocks alone do not tell.
        known = quantity == "latency_ms" and self.device.cycles and self.patches is None
        return KernelLatency(name, self.device) if known else None

    def plan(self, graph: Graph, solver: str | None = None) -> BufferPlan:
        """Order of execution and place of every buffer; see `plan_buffers`."""
        found = plan_buffers(
            graph,
            in_place=self.in_place,
            patches=self.patches,
            solver=solver or self.solver,
            seconds=self.seconds,
        )
        return found.on(self.device.title, self.device.sram_bytes)

    def memory(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """SRAM of the plan that was found; its interval reaches down to what no plan can do without."""
        plan = self.plan(graph)
        least = "no plan needs less" if plan.gap == 0 else f"no plan needs less than {plan.lower_bound:,} bytes"
        how = f"plan of buffers in 8 bits, {least}"
        return Estimate(plan.peak_bytes, plan.lower_bound, plan.peak_bytes, "bytes", how, {"gap": plan.gap})

    def flash(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Flash of the weights, exactly."""
        size = flash_bytes(graph)
        return Estimate(size, size, size, "bytes", "weights in 8 bits, biases and scales in 32")

    def latency(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Milliseconds from cycles by kind of operator; the interval is from the quickest to the slowest known."""
        if not self.device.cycles:
            raise self._unknown("latency_ms")
        plan = self.plan(graph, "heuristic") if self.patches else None
        (low, value, high), by_kind = milliseconds(
            plan.patches.graph if plan is not None and plan.patches is not None else graph, self.device
        )
        detail = {f"{kind}_ms": times[1] for kind, times in by_kind.items()}
        return Estimate(value, low, high, "ms", "estimated from cycles by kind of operator, not measured", detail)
