"""The target that a microcontroller is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from netwright.errors import DataError
from netwright.target._base import Estimate, Target
from netwright.target._microcontroller._checks import check_of, within
from netwright.target._microcontroller._device import Device, read_device
from netwright.target._microcontroller._flash import flash_bytes
from netwright.target._microcontroller._latency import milliseconds
from netwright.target._microcontroller._plan import SECONDS, plan_buffers
from netwright.target._microcontroller._sums import FlashBytes, KernelEnergy, KernelLatency
from netwright.target._name_parts import wrong_parts

if TYPE_CHECKING:
    from netwright.cost import Cost
    from netwright.graph import Graph
    from netwright.space import Space
    from netwright.target._microcontroller._buffers import BufferPlan
    from netwright.target._microcontroller._patches import Grid

__all__ = ["MicrocontrollerTarget", "read_grid"]

_FITTED = {
    "here": "networks on this chip",
    "core": "networks on another chip with its core",
    "kernels": "single kernels on this chip",
}
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
    """A microcontroller that runs networks in 8 bits: memory from a plan of buffers, flash, latency, and energy.

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
    scales. The program that runs the network, its stack and its own data come on top. latency: from what the kernels
    do, at the cycles of a library that follow from published measurements, where a chip has any; energy: that times
    the power of the board, where it was measured.

    library: of kernels; the first of the chip's if none, and the interval is then from its quickest to its slowest.
    in_place, patches, solver, seconds: as in `plan_buffers`; a search asks for the heuristic, `careful()` for both.

    Raises UnknownNameError that lists the libraries.
    """

    kind = "microcontroller"

    def __init__(
        self,
        name: str,
        device: Device,
        *,
        library: str | None = None,
        in_place: bool = False,
        patches: Grid | None = None,
        solver: str = "heuristic",
        seconds: float = SECONDS,
    ) -> None:
        super().__init__(name)
        self.device, self.in_place, self.patches = device, in_place, patches
        self.solver, self.seconds = solver, seconds
        self.libraries = device.libraries if library is None else (device.library(library),)
        known = {"memory_bytes", "flash_bytes"}
        if self.libraries:
            known.add("latency_ms")
            known.update({"energy_mj"} if self.libraries[0].power_mw else ())
        self.knows = frozenset(known)

    @classmethod
    def parse(cls, name: str) -> MicrocontrollerTarget:
        """Target of a name such as `stm32f746`, `stm32f746:cmsis-nn` or `stm32f746:cmsis-nn:in-place:2x2`.

        Raises UnknownNameError that lists the devices, or what may follow.
        """
        first, *options = name.split(":")
        device = read_device(first)
        libraries = [library.name for library in device.libraries]
        library = options.pop(0) if options[:1] and options[0] in libraries else None
        in_place = options[:1] == ["in-place"]
        rest = options[in_place:]
        if len(rest) > 1 or (rest and not _GRID.fullmatch(rest[0])):
            forms = [f"{first}:{each}:in-place:2x2" for each in libraries] or [f"{first}:in-place:2x2"]
            form = next((each for each in forms if f":{library}:" in each), forms[0])
            raise wrong_parts(name, form, (*libraries, "in-place"), {"2x2 (patches)": _GRID.pattern}, forms)
        patches = read_grid(rest[0]) if rest else None
        return cls(name, device, library=library, in_place=in_place, patches=patches)

    @property
    def how(self) -> str:
        kernels = f", latency with {self.libraries[0].name}" if self.libraries else ""
        return f"computed for {self.device.title}, in 8 bits{kernels}"

    def sources(self) -> Mapping[str, str | None]:
        return self.device.looked_up

    def quality(self) -> Mapping[str, Mapping[str, Any]]:
        """How good latency and energy of the library are on networks that its cycles were not fitted to."""
        library = self.libraries[0] if self.libraries else None
        found = check_of(self.device.name, library.name) if library is not None else None
        return {
            quantity: {
                "designs": found["networks"],
                "error": numbers["error"],
                "spearman": numbers["spearman"],
                "macs_spearman": numbers["macs_spearman"],
                "reach": numbers["factor"] - 1,
                "measured_by": [found["measured_by"]],
            }
            for quantity in ("latency_ms", "energy_mj")
            if found is not None and (numbers := found.get(quantity)) is not None
        }

    def careful(self) -> MicrocontrollerTarget:
        return self.planned(solver="auto")

    def planned(
        self,
        *,
        in_place: bool | None = None,
        patches: Grid | None = None,
        solver: str | None = None,
        seconds: float | None = None,
    ) -> MicrocontrollerTarget:
        """The same chip and library with other options of the plan; those that are not given stay.

        >>> target = MicrocontrollerTarget.parse("stm32l4r5:cmsis-nn:2x2").planned(in_place=True)
        >>> target.in_place, target.patches, [library.name for library in target.libraries]
        (True, (2, 2), ['cmsis-nn'])
        """
        changed = copy(self)
        changed.in_place = self.in_place if in_place is None else in_place
        changed.patches = patches or self.patches
        changed.solver = solver or self.solver
        changed.seconds = self.seconds if seconds is None else seconds
        return changed

    def additive(self, quantity: str, space: Space, name: str) -> Cost | None:
        """Flash and, without patches, latency and energy; the memory of a plan is no sum."""
        if quantity == "flash_bytes":
            return FlashBytes(name)
        # Patches compute parts of the network again: how much, the blocks alone do not tell.
        if self.patches is not None or quantity not in self.knows:
            return None
        if quantity == "latency_ms":
            return KernelLatency(name, self.device, self.libraries[0])
        power = self.libraries[0].power_mw if quantity == "energy_mj" else None
        return None if power is None else KernelEnergy(name, self.device, self.libraries[0], power[1])

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
        """Milliseconds in the library; the interval is from the quickest of the target's to the slowest."""
        if "latency_ms" not in self.knows:
            raise self._unknown("latency_ms")
        run = self._run(graph)
        times = {library: milliseconds(run, self.device, library) for library in self.libraries}
        ends = [(sum(each.values()), within(library.known)) for library, each in times.items()]
        detail = {f"{kind}_ms": ms for kind, ms in times[self.libraries[0]].items()}
        low, high = min(ms / factor for ms, factor in ends), max(ms * factor for ms, factor in ends)
        return Estimate(ends[0][0], low, high, "ms", self._how_long(), detail)

    def energy(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Latency in the library times the power of the board while it runs; the interval is of both."""
        library = self.libraries[0] if self.libraries else None
        if library is None or library.power_mw is None:
            raise self._unknown("energy_mj")
        ms = sum(milliseconds(self._run(graph), self.device, library).values())
        least, mean, most = library.power_mw
        factor = within(library.known)
        how = f"{least:g} to {most:g} mW, measured with {library.name} on other networks, times the latency"
        return Estimate(mean * ms / 1e3, least * ms / factor / 1e3, most * ms * factor / 1e3, "mJ", how)

    def _run(self, graph: Graph) -> Graph:
        """The graph as it is run: with patches, parts of it several times."""
        plan = self.plan(graph, "heuristic") if self.patches else None
        return plan.patches.graph if plan is not None and plan.patches is not None else graph

    def _how_long(self) -> str:
        first = self.libraries[0]
        others = " and other libraries" if len(self.libraries) > 1 else ""
        return (
            f"estimated from cycles of {first.name}{others} that were fitted to {_FITTED[first.known]}, not measured"
        )
