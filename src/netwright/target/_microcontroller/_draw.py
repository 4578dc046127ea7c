"""A plan of buffers as SVG: steps from left to right, addresses from the bottom up."""

from __future__ import annotations

from collections.abc import Iterator

from netwright.io._drawing._svg import GREY, INK, escape, fitted, number, page, rect, words
from netwright.target._microcontroller._buffers import Buffer, BufferPlan

__all__ = ["plan_svg"]

HEIGHT = 300.0
LEFT, FOOT = 52.0, 40.0
NARROW, BROAD, MOST = 14.0, 46.0, 900.0
"""Pixels of a step: at least, at most; and what all should fit into."""
LETTERS = 9
"""Letters of a name that must be left where all do not fit."""
LOOKS = {
    "input": ("#d6f0dd", "#3a9a5b", "input"),
    "value": ("#d8e7fb", "#3b7dd8", "value"),
    "over": ("#e7defa", "#7c56c9", "value written over another"),
    "scratch": ("#fde5cc", "#d9822b", "only while a step runs"),
}
_PEAK, _BOUND, _DEVICE = "#c2418f", "#7b8794", "#b3261e"


def plan_svg(plan: BufferPlan, title: str = "") -> str:
    """The plan as one SVG element.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> from netwright.target import plan_buffers
    >>> x = image(3, 8, 8)
    >>> plan_svg(plan_buffers(Graph([x], [conv(x, 8)])))[:4]
    '<svg'
    """
    count = max(len(plan.steps), 1)
    step = min(max(MOST / count, NARROW), BROAD)
    width = LEFT + count * step + 4
    top = _top(plan)
    body = [
        '<g transform="translate(0 14)">',
        *_axes(plan, step, top, width),
        *_rectangles(plan, step, top),
        *_levels(plan, top, width),
        "</g>",
    ]
    kinds = dict.fromkeys(_kind(plan, buffer) for buffer in plan.buffers)
    entries = [LOOKS[kind] for kind in LOOKS if kind in kinds]
    return page((title or plan.device, _subtitle(plan)), body, (width, HEIGHT + FOOT + 14), entries)


def _top(plan: BufferPlan) -> float:
    """Bytes at the upper edge: the device's memory, unless that is so large that the plan could not be seen."""
    near = plan.capacity is not None and plan.capacity <= 3 * plan.peak_bytes
    return 1.06 * max(plan.peak_bytes, plan.capacity or 0 if near else 0, 1)


def _subtitle(plan: BufferPlan) -> str:
    stage = "" if plan.patches is None else " with this first stage"
    least = f"no plan needs less{stage}" + ("" if plan.gap == 0 else f" than {kib(plan.lower_bound)}")
    parts = [f"peak {kib(plan.peak_bytes)}", least]
    if plan.patches is not None:
        rows, columns = plan.patches.grid
        extra = f"{100 * plan.patches.recomputed:.0f} % more multiply-adds"
        parts.append(f"{rows}x{columns} patches up to {plan.patches.until}, {extra}")
    return ", ".join(parts)


def kib(size: float) -> str:
    """Bytes in KiB, one decimal.

    >>> kib(12576), kib(327680)
    ('12.3 KiB', '320 KiB')
    """
    return f"{size / 1024:,.1f}".removesuffix(".0") + " KiB"


def _y(offset: float, top: float) -> float:
    return HEIGHT * (1 - offset / top)


def _axes(plan: BufferPlan, step: float, top: float, width: float) -> Iterator[str]:
    unit = next(u for u in (2**k for k in range(40)) if top / u <= 6)
    for level in range(0, int(top) + 1, unit):
        y = _y(level, top)
        yield f'<path d="M{LEFT:g} {number(y)}H{number(width)}" stroke="{GREY}" stroke-opacity="0.25" fill="none"/>'
        yield words(LEFT - 6, y + 4, f"{level / 1024:g}" if unit >= 512 else f"{level}", GREY, 11, anchor="end")
    yield words(0, -4, "KiB" if unit >= 512 else "bytes", GREY, 11)
    every = max(1, round(34 / step))
    for i in range(0, len(plan.steps), every):
        yield words(LEFT + (i + 0.5) * step, HEIGHT + 15, str(i), GREY, 11, anchor="middle")
    yield words(LEFT + (width - LEFT) / 2, HEIGHT + 33, "step", GREY, 11, anchor="middle")


def _kind(plan: BufferPlan, buffer: Buffer) -> str:
    if buffer.name.endswith("(scratch)"):
        return "scratch"
    if buffer.over is not None:
        return "over"
    return "value" if buffer.name in plan.steps else "input"


def _rectangles(plan: BufferPlan, step: float, top: float) -> Iterator[str]:
    written = {buffer.over for buffer in plan.buffers}
    for i, buffer in enumerate(plan.buffers):
        fill, stroke, _ = LOOKS[_kind(plan, buffer)]
        # Where another value is written over this one, the step at which both are there is the other one's.
        steps = buffer.last - buffer.first + (0 if i in written else 1)
        x, width = LEFT + buffer.first * step, steps * step
        y, height = _y(buffer.end, top), HEIGHT * buffer.size / top
        name = plan.steps[buffer.first] if plan.steps else ""
        told = f"{buffer.name}: {buffer.size:,} bytes at {buffer.offset:,}, steps {buffer.first} to {buffer.last}"
        yield f"<g><title>{escape(told)}; step {buffer.first} makes {escape(name)}</title>"
        yield rect(x + 0.5, y, max(width - 1, 1), max(height, 0.8), 1.5, fill, f' stroke="{stroke}"')
        text = fitted(buffer.name, 10, width - 6)
        if height >= 12 and (text == buffer.name or len(text) >= LETTERS):
            yield words(x + 4, y + height / 2 + 3.5, text, INK, 10)
        yield "</g>"


def _levels(plan: BufferPlan, top: float, width: float) -> Iterator[str]:
    """Lines at the peak, at the bound and at what the device has."""
    lines = [(plan.peak_bytes, _PEAK, f"peak {kib(plan.peak_bytes)}", "")]
    if plan.gap > 0:
        lines.append((plan.lower_bound, _BOUND, "bound", "4 3"))
    if plan.capacity is not None and plan.capacity <= top:
        lines.append((plan.capacity, _DEVICE, f"device {kib(plan.capacity)}", "7 3"))
    for level, colour, text, dash in lines:
        y = _y(level, top)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        place = f'd="M{LEFT:g} {number(y)}H{number(width)}"'
        yield f'<path {place} stroke="{colour}" stroke-width="1.5" fill="none"{dashes}/>'
        yield words(width - 2, y - 4, text, colour, 11, anchor="end")
