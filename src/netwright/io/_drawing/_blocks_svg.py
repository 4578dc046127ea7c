"""A laid-out drawing of boxes and frames as SVG text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netwright.io._drawing._blocks_item import Item
from netwright.io._drawing._blocks_layout import Layout, Wire
from netwright.io._drawing._svg import (
    BAR_FILL,
    FAINT,
    GREY,
    INK,
    PAPER,
    SLATE,
    escape,
    number,
    page,
    rect,
    text_width,
    words,
)

__all__ = [
    "BAR",
    "COLOURS",
    "LABEL",
    "PAD",
    "STACK",
    "Box",
    "Frame",
    "Line",
    "Pill",
    "Sheet",
    "head_width",
    "headed",
    "render",
    "scene",
]

COLOURS = {
    "convolution": ("#d8e7fb", "#3b7dd8"),
    "matmul": ("#e7defa", "#7c56c9"),
    "pooling": ("#fde5cc", "#d9822b"),
    "join": ("#d6f0dd", "#3a9a5b"),
    "normalisation": ("#fbf1c7", "#b4951a"),
    "other": ("#e7eaee", "#7b8794"),
}
LEGEND = {
    "convolution": "convolution", "matmul": "linear, attention", "pooling": "pooling, reduction", "join": "join",
    "normalisation": "normalisation", "other": "other",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """Words at the left and at the right of one line of a box."""

    left: str
    right: str = ""
    badge: str = ""


@dataclass(frozen=True)
class Box:
    """A coloured box: a headline, a line below it, the shapes that leave it, and a tooltip.

    dashed: what it does is not known.
    """

    head: Line
    below: str
    kind: str
    tooltip: str
    labels: tuple[tuple[float, str], ...] = ()
    stacked: bool = False
    round: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Frame:
    """A titled frame around a drawing of its own."""

    head: Line
    inside: Layout
    tooltip: str
    labels: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Pill:
    """An input or an output of the network."""

    words: str


@dataclass(frozen=True)
class Sheet:
    """The whole drawing: two lines of heading, the network, the kinds of boxes for the legend."""

    title: str
    subtitle: str
    layout: Layout
    kinds: tuple[str, ...]


BAR, PAD, LABEL, STACK = 24.0, 12.0, 17.0, 6.0
"""Pixels: a frame's title bar, the space around what it holds, a shape below a box, the edges of copies."""


def render(sheet: Sheet) -> str:
    """The drawing as one SVG element."""
    layout = sheet.layout
    entries = [(*COLOURS[kind], LEGEND[kind]) for kind in sheet.kinds]
    return page((sheet.title, sheet.subtitle), list(scene(layout)), (layout.width, layout.height), entries)


def scene(layout: Layout) -> Iterator[str]:
    """Wires, then the things that they join."""
    if layout.wires:
        yield f'<g fill="none" stroke="{GREY}" stroke-width="1.4">'
        for wire in layout.wires:
            yield f'<path d="{_path(wire)}"/>'
        yield "</g>"
        heads = _arrowheads(layout)
        if heads:
            yield f'<path fill="{GREY}" d="{heads}"/>'
    for item in layout.items:
        if item.content is not None:
            yield from _item(item)


def _path(wire: Wire) -> str:
    """Straight through each run, a curve with vertical ends from one to the next."""
    x, start, end = wire.runs[0]
    steps = [f"M{number(x)} {number(start)}"]
    for following, top, bottom in wire.runs[1:]:
        if following == x:
            end = bottom
            continue
        if end != start:
            steps.append(f"V{number(end)}")
        middle = (end + top) / 2
        steps.append("C" + " ".join(map(number, (x, middle, following, middle, following, top))))
        x, start, end = following, top, bottom
    if end != start:
        steps.append(f"V{number(end)}")
    return "".join(steps)


def _arrowheads(layout: Layout) -> str:
    """One small triangle where wires meet a box; the lower edge of a frame has none."""
    ends = {wire.runs[-1][0::2] for wire in layout.wires}
    blunt = {(item.x, item.y) for item in layout.items if item.last and item.content is None}
    return "".join(f"M{number(x - 3.5)} {number(y - 6)}h7l-3.5 6z" for x, y in sorted(ends - blunt))


def _item(item: Item) -> Iterator[str]:
    content, left = item.content, item.x - item.width / 2
    yield f'<g transform="translate({number(left)} {number(item.y)})">'
    if isinstance(content, Pill):
        yield rect(0, 0, item.width, item.height, item.height / 2, SLATE)
        yield words(item.width / 2, item.height / 2 + 4, content.words, "#fff", 12, anchor="middle")
    else:
        labels = content.labels
        height = item.height - (LABEL if labels else 0)
        yield f"<title>{escape(content.tooltip)}</title>"
        yield from (
            _frame(content, item.width, height) if isinstance(content, Frame) else _box(content, item.width, height)
        )
        for dx, text in labels:
            yield from _label(item.width / 2 + dx, height, text)
    yield "</g>"


def _label(x: float, y: float, text: str) -> Iterator[str]:
    width = text_width(text, 10.5) + 10
    yield rect(x - width / 2, y + 1, width, LABEL - 2, 4, PAPER)
    yield words(x, y + 12.5, text, FAINT, 10.5, anchor="middle")


def _box(box: Box, width: float, height: float) -> Iterator[str]:
    fill, stroke = COLOURS[box.kind]
    radius = height / 2 if box.round else 6
    for step in (2, 1) if box.stacked else ():
        yield rect(4 * step, STACK - 3 * step, width - 8 * step, 20, 6, fill, f' stroke="{stroke}"')
    if box.stacked:
        height -= STACK
        yield f'<g transform="translate(0 {number(STACK)})">'
    dashes = ' stroke-dasharray="4 3"' if box.dashed else ""
    yield rect(0, 0, width, height, radius, fill, f' stroke="{stroke}" stroke-width="1.2"{dashes}')
    yield from _box_words(box, width, height, stroke)
    if box.stacked:
        yield "</g>"


def _box_words(box: Box, width: float, height: float, accent: str) -> Iterator[str]:
    if not box.below and not box.head.right and not box.head.badge:
        yield words(width / 2, height / 2 + 4.5, box.head.left, INK, 12.5, bold=not box.round, anchor="middle")
        return
    baseline = 17.0 if box.below else height / 2 + 4.5
    yield from _line(box.head, width, baseline, accent)
    if box.below:
        yield words(10, baseline + 16, box.below, FAINT, 11.5)


def _line(line: Line, width: float, baseline: float, accent: str) -> Iterator[str]:
    yield words(10, baseline, line.left, INK, 12.5, bold=True)
    if line.badge:
        x, badge = 10 + text_width(line.left, 12.5, bold=True) + 6, text_width(line.badge, 11, bold=True) + 10
        yield rect(x, baseline - 12, badge, 16, 8, accent)
        yield words(x + badge / 2, baseline, line.badge, "#fff", 11, bold=True, anchor="middle")
    if line.right:
        yield words(width - 10, baseline, line.right, FAINT, 11, anchor="end")


def _frame(frame: Frame, width: float, height: float) -> Iterator[str]:
    yield from headed(frame.head, width, height)
    yield f'<g transform="translate({number(round((width - frame.inside.width) / 2))} {number(BAR)})">'
    yield from scene(frame.inside)
    yield "</g>"


def headed(head: Line, width: float, height: float) -> Iterator[str]:
    """An empty frame with its title bar."""
    yield rect(0, 0, width, height, 8, GREY, f' fill-opacity="0.1" stroke="{GREY}" stroke-opacity="0.7"')
    bar = f"M0 {number(BAR)}V8a8 8 0 0 1 8 -8H{number(width - 8)}a8 8 0 0 1 8 8V{number(BAR)}z"
    yield f'<path d="{bar}" fill="{BAR_FILL}"/>'
    yield from _line(head, width, 16.5, SLATE)


def head_width(lines: Sequence[Line]) -> float:
    """Width that a headline needs, with its badge, its costs and the margins."""
    return max(
        20
        + text_width(line.left, 12.5, bold=True)
        + (text_width(line.badge, 11, bold=True) + 16 if line.badge else 0)
        + (text_width(line.right, 11) + 14 if line.right else 0)
        for line in lines
    )
