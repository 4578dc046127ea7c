"""A device of which only the data sheet is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from netwright._count import counted
from netwright.cost import Cost
from netwright.errors import UnknownNameError
from netwright.target._base import Estimate, Target
from netwright.target._checks import Check, checks_of, in_words, unchecked_factor
from netwright.target._data_sheet import BYTES, DataSheet, data_sheet_names, get_data_sheet
from netwright.target._name_parts import THREADS_AND_BATCH, wrong_parts
from netwright.target._roofline_model import Machine, kernel_ms
from netwright.target._work import works_of

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Space

__all__ = ["RooflineLatency", "RooflineTarget"]

_NAME = re.compile(
    r"(?P<device>[A-Za-z][\w.-]*)(?P<eager>:eager)?(?::(?P<threads>[1-9]\d{0,2})t)?(?::b(?P<batch>[1-9]\d{0,4}))?"
    rf"(?::(?P<dtype>{'|'.join(BYTES)}))?"
)


class RooflineTarget(Target):
    """A device of which only the data sheet is known: each kernel takes as long as its arithmetic or its bytes.

    >>> pi = RooflineTarget.parse("raspberry-pi-4:1t")
    >>> pi.threads, pi.batch, pi.dtype
    (1, 1, 'fp32')

    A network is a sum over its kernels: see `netwright.target.fused`. The interval is as wide as the factor within
    which 90 % of the measurements of this device lie, of those with as many threads and started in the same way where
    there are some; else of devices of its kind.

    name: under which it is asked for; the device's own if none. dtype: one that the sheet states a peak of; its first
    if none. threads: of a processor; all its cores if none. batch: rows of the input. eager: each operator is
    started by a program when the one before is done, and none are fused.

    Raises DataError for a data type that the sheet does not state, and for more threads than cores.
    """

    kind = "data sheet"
    knows = frozenset({"latency_ms"})

    def __init__(
        self,
        device: DataSheet,
        *,
        name: str | None = None,
        dtype: str | None = None,
        threads: int | None = None,
        batch: int = 1,
        eager: bool = False,
    ) -> None:
        super().__init__(name or device.name)
        self.device = device
        self.machine: Machine = device.machine(dtype, threads, eager=eager)
        self.dtype = dtype or device.dtype
        self.threads = threads
        self.batch = batch
        self.eager = eager

    @classmethod
    def parse(cls, name: str) -> RooflineTarget:
        """Target of a name such as `nvidia-t4:b8:fp16` or `raspberry-pi-4:eager:1t`, in this order.

        >>> RooflineTarget.parse("raspberry-pi-4:fast")
        Traceback (most recent call last):
        netwright.errors.UnknownNameError: no part of raspberry-pi-4:eager:1t:b1:fp32 is named 'fast'; known: ...

        Raises UnknownNameError, which says which part is unknown or lists near names, and what the target itself
        raises.
        """
        parts, first = _NAME.fullmatch(name), name.partition(":")[0]
        if first not in data_sheet_names(own=True):
            raise UnknownNameError("target", first, data_sheet_names(own=True))
        sheet = get_data_sheet(first)
        if parts is None:
            form = f"{first}:eager:{'1t:' if sheet.kind == 'cpu' else ''}b1:{sheet.dtype}"
            raise wrong_parts(name, form, ("eager", *sheet.peak_gflops), THREADS_AND_BATCH, [form])
        return cls(
            sheet,
            name=name,
            dtype=parts["dtype"],
            threads=int(parts["threads"]) if parts["threads"] else None,
            batch=int(parts["batch"] or 1),
            eager=parts["eager"] is not None,
        )

    def with_batch(self, batch: int) -> RooflineTarget:
        """The same device with so many rows of the input.

        >>> RooflineTarget.parse("raspberry-pi-4:1t").with_batch(8).batch
        8
        """
        return RooflineTarget(
            self.device, name=self.name, dtype=self.dtype, threads=self.threads, batch=batch, eager=self.eager
        )

    @property
    def checks(self) -> tuple[Check, ...]:
        """Measurements of the device that the model was compared with, and how it did."""
        return checks_of(self.device.name)

    @property
    def how(self) -> str:
        run = "operators started one by one" if self.eager else "fused kernels"
        cores = f", {counted(self.threads, 'thread')}" if self.threads else ""
        return f"roofline of the data sheet, {run}{cores}, batch {self.batch}, {self.dtype}; {in_words(self.alike)}"

    def latency(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Sum over the kernels, with an interval that is meant to hold 90 % of what would be measured."""
        works = [work.of_batch(self.batch) for work in works_of(graph, alone=self.eager)]
        value = sum(kernel_ms(work, self.machine) for work in works)
        factor = self.factor
        how = f"within a factor of {factor:.2g}: {self.how}"
        return Estimate(value, value / factor, value * factor, "ms", how, {"kernels": float(len(works))})

    @cached_property
    def alike(self) -> tuple[Check, ...]:
        """Checks of networks that ran in the same way and data type on as many cores; all where there are none."""
        return tuple(filter(self._same, self.checks)) or self.checks

    def _same(self, check: Check) -> bool:
        parts = _NAME.fullmatch(check.target)
        assert parts is not None
        threads = int(parts["threads"]) if parts["threads"] else None
        told = (parts["eager"] is not None, threads, parts["dtype"] or self.device.dtype)
        return told == (self.eager, self.threads, self.dtype)

    @cached_property
    def factor(self) -> float:
        """Factor within which 90 % of the measurements are; of a device without any, the widest of its kind."""
        known = [check.factor for check in self.alike]
        return max(known) if known else unchecked_factor(self.device.kind)

    def quality(self) -> Mapping[str, Mapping[str, Any]]:
        """How good it is beside what others measured; `macs_spearman` is the rank of multiply-adds alone.

        Over several sets of measurements, the worst of each number.
        """
        if not self.alike:
            return {}
        return {
            "latency_ms": {
                "designs": sum(check.rows for check in self.alike),
                "error": max(check.error for check in self.alike),
                "spearman": min(check.spearman for check in self.alike),
                "macs_spearman": max(check.macs for check in self.alike),
                "reach": self.factor - 1,
                "measured_by": sorted({check.source for check in self.alike}),
            }
        }

    def sources(self) -> Mapping[str, str | None]:
        return self.device.looked_up

    def additive(self, quantity: str, space: Space, name: str) -> RooflineLatency | None:
        return RooflineLatency(self, name) if quantity in self.knows else None


class RooflineLatency(Cost):
    """Latency of a data-sheet target as a sum over blocks, which is what a forest holds.

    A kernel does not reach over the end of a block here, so the sum is never less than that of the network.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, oneof
    >>> space = Space(conv(oneof(8, 64)), input=image(3, 32, 32))
    >>> target = RooflineTarget.parse("raspberry-pi-4:1t")
    >>> held = space.with_costs(RooflineLatency(target, "latency_ms@pi"))
    >>> [design["channels"] for _, design in held.extremes("latency_ms@pi")]
    [8, 64]
    """

    additive = True

    def __init__(self, target: RooflineTarget, name: str) -> None:
        super().__init__(name, "ms", f"sum over the kernels of each block on {target.name}")
        self.target = target

    def of(self, graph: Graph) -> float:
        return sum(
            kernel_ms(work.of_batch(self.target.batch), self.target.machine)
            for work in works_of(graph, alone=self.target.eager)
        )
