"""A plan of buffers in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from netwright._count import counted
from netwright._page import quantity
from netwright.cli._profile_words import WIDTH, table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from netwright.target import BufferPlan, DeviceFit

__all__ = ["words"]


def words(document: Mapping[str, Any], fit: DeviceFit, rows: int) -> RenderableType:
    """The plan for people: the verdict first, then the buffers in order of time."""
    from rich.console import Group

    parts: list[RenderableType] = [line for each in _lines(document, fit) for line in wrap(each, WIDTH)]
    if rows:
        parts += ["", _buffers(fit.plan, rows)]
    return Group(*parts)


def _lines(document: Mapping[str, Any], fit: DeviceFit) -> Iterator[str]:
    plan = fit.plan
    yield f"{document['title']} on {document['device']}, in 8 bits: {'fits' if fit.fits else 'does not fit'}"
    yield _amount("SRAM", plan.peak_bytes, fit.sram_bytes)
    yield f"  {_proof(plan)}"
    if plan.patches is not None:
        rows, columns = plan.patches.grid
        yield (
            f"  {rows}x{columns} patches up to {plan.patches.until}: {_bytes(plan.patches.whole_peak_bytes)} without,"
            f" {100 * plan.patches.recomputed:.1f} % of the multiply-adds done again"
        )
    yield _amount("flash", fit.flash_needed, fit.flash_bytes)
    for what in ("latency_ms", "energy_mj"):
        told = document[what]
        if told is not None:
            between = f"{told['low']:.4g} to {told['high']:.4g}"
            yield f"{what[:-3]:<8} roughly {told['value']:.3g} {told['unit']} ({between}), {told['how']}"
    yield "The program that runs it, its stack and its own data come on top."
    yield from _help(fit)


def _amount(what: str, needed: int, available: int) -> str:
    left = available - needed
    verdict = f"{_bytes(left)} left" if left >= 0 else f"{_bytes(-left)} too much"
    return f"{what:<8} {_bytes(needed)} of {_bytes(available)} ({100 * needed / available:.0f} %), {verdict}"


def _proof(plan: BufferPlan) -> str:
    own = f"the model's own order needs {_bytes(plan.own_order_bytes)}"
    if plan.gap == 0:
        stage = "" if plan.patches is None else " with this first stage"
        return f"no order and no placement needs less{stage}; {own}"
    return f"at most {100 * plan.gap:.1f} % more than needed: none needs less than {_bytes(plan.lower_bound)}; {own}"


def _help(fit: DeviceFit) -> Iterator[str]:
    if not fit.fits_sram:
        yield "What helps with memory:"
        for remedy in fit.remedies:
            extra = f", {100 * remedy.extra_macs:.0f} % of the multiply-adds done again" if remedy.extra_macs else ""
            verdict = "fits" if remedy.fits else "still too much"
            yield f"  {remedy.option}: {_bytes(remedy.peak_bytes)}, {verdict}{extra}"
        if not any(remedy.fits for remedy in fit.remedies):
            most = max(fit.plan.buffers, key=lambda b: b.size)
            yield f"  a smaller input or fewer channels: the largest value is {most.name}, {_bytes(most.size)}"
    if not fit.fits_flash:
        yield "What helps with flash: fewer weights; `netwright profile` shows where they are."


def _buffers(plan: BufferPlan, rows: int) -> Table:
    made = table(f"Buffers ({counted(len(plan.steps), 'step')})", "value", "bytes", "from", "to", "steps", "over")
    for buffer in sorted(plan.buffers, key=lambda b: -b.size)[:rows]:
        over = "" if buffer.over is None else plan.buffers[buffer.over].name
        made.add_row(
            buffer.name,
            f"{buffer.size:,}",
            f"{buffer.offset:,}",
            f"{buffer.end:,}",
            f"{buffer.first}-{buffer.last}",
            over,
        )
    if len(plan.buffers) > rows:
        made.add_row(f"and {len(plan.buffers) - rows} smaller ones", "", "", "", "", "")
    return made


def _bytes(number: float) -> str:
    return quantity("traffic", number)
