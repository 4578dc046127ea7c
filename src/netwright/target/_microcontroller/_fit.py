"""Whether a network fits a microcontroller, by how much, and what helps where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from netwright.errors import EvaluationError
from netwright.graph import Graph
from netwright.target._microcontroller._buffers import BufferPlan
from netwright.target._microcontroller._flash import flash_bytes
from netwright.target._microcontroller._plan import plan_buffers
from netwright.target._microcontroller._target import MicrocontrollerTarget

__all__ = ["DeviceFit", "device_fit"]

GRIDS = ((2, 2), (3, 3), (4, 4))
"""Grids of patches that are tried where a network does not fit."""


@dataclass(frozen=True)
class Remedy:
    """An option under which a network needs less memory; extra_macs is the share that is computed again."""

    option: str
    peak_bytes: int
    fits: bool
    extra_macs: float = 0.0


@dataclass(frozen=True)
class DeviceFit:
    """Memory and flash that a network needs beside what the device has, in bytes; remedies where memory is short.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> from netwright.target import device_fit, get_target
    >>> x = image(3, 32, 32)
    >>> fit = device_fit(get_target("stm32f746"), Graph([x], [conv(x, 16)]))
    >>> fit.flash_needed, fit.fits_flash, fit.fits
    (624, True, True)
    """

    plan: BufferPlan
    sram_bytes: int
    flash_needed: int
    flash_bytes: int
    remedies: tuple[Remedy, ...] = ()

    @property
    def fits_sram(self) -> bool:
        """Whether the plan fits into memory."""
        return self.plan.peak_bytes <= self.sram_bytes

    @property
    def fits_flash(self) -> bool:
        """Whether the weights fit into flash."""
        return self.flash_needed <= self.flash_bytes

    @property
    def fits(self) -> bool:
        """Whether both fit."""
        return self.fits_sram and self.fits_flash

    @property
    def hopeless(self) -> bool:
        """Whether no order and no placement can fit under these options."""
        return self.plan.lower_bound > self.sram_bytes

    def to_json(self) -> dict[str, Any]:
        """What is needed, what there is, and what helps."""
        return {
            "fits": self.fits,
            "sram": {
                "needed_bytes": self.plan.peak_bytes,
                "available_bytes": self.sram_bytes,
                "fits": self.fits_sram,
            },
            "flash": {
                "needed_bytes": self.flash_needed,
                "available_bytes": self.flash_bytes,
                "fits": self.fits_flash,
            },
            "remedies": [vars(remedy) for remedy in self.remedies],
        }


def device_fit(target: MicrocontrollerTarget, graph: Graph, *, solver: str | None = None) -> DeviceFit:
    """Plan a network on a microcontroller; where that is too large, also with options that are not yet chosen.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> from netwright.target import get_target
    >>> x = image(3, 224, 224)
    >>> fit = device_fit(get_target("stm32f746"), Graph([x], [conv(x, 32, stride=2)]))
    >>> fit.fits, fit.hopeless, [remedy.option for remedy in fit.remedies]
    (False, True, [])
    """
    plan = target.plan(graph, solver)
    device = target.device
    short = plan.peak_bytes > device.sram_bytes
    remedies = tuple(_remedies(target, graph, plan.peak_bytes)) if short else ()
    return DeviceFit(plan, device.sram_bytes, flash_bytes(graph), device.flash_bytes, remedies)


def _remedies(target: MicrocontrollerTarget, graph: Graph, peak: int) -> Iterator[Remedy]:
    """Options that need less than before, simplest first, up to the first that fits."""
    grids = [grid for grid in GRIDS if target.patches is None or grid > target.patches]
    options = [] if target.in_place else [(True, target.patches)]
    for in_place, grid in [*options, *((True, grid) for grid in grids)]:
        try:
            plan = plan_buffers(graph, in_place=in_place, patches=grid, solver="heuristic")
        except EvaluationError:
            continue
        if plan.peak_bytes < peak:
            words = "--in-place" + ("" if grid is None else f" --patches {grid[0]}x{grid[1]}")
            fits = plan.peak_bytes <= target.device.sram_bytes
            yield Remedy(words, plan.peak_bytes, fits, plan.patches.recomputed if plan.patches else 0.0)
            if fits:
                return
