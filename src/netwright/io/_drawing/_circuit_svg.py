"""Circuits as SVG: bundles of wires from left to right, and the boxes, crossings and contractions on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from netwright.graph import Tensor
from netwright.io._drawing._axes import Link
from netwright.io._drawing._blocks_item import Item
from netwright.io._drawing._blocks_layout import Wire
from netwright.io._drawing._blocks_svg import COLOURS
from netwright.io._drawing._circuit import PITCH, SCALAR, axes_of, height_of
from netwright.io._drawing._circuit_layout import (
    BEND,
    LABEL_SIZE,
    LEAD,
    SIGMA,
    WIRE_SIZE,
    Cell,
    Circuit,
    End,
    Names,
    contracts,
    mark_width,
    names_on,
    rows_of,
)  # fmt: skip
from netwright.io._drawing._svg import FAINT, GREY, INK, SLATE, number, rect, text_width, words

__all__ = ["AXIS_COLOURS", "render_circuit"]

AXIS_COLOURS = {
    "channel": "#3b7dd8", "feature": "#3b7dd8", "height": "#d9822b", "width": "#b4951a", "depth": "#c2571a",
    "token": "#3a9a5b", "key": "#0f8b8d", "head": "#7c56c9", "group": "#7c56c9", "window": "#c2418f",
}  # fmt: skip
"""Colours of wires by what their axis is; any other is grey."""

_NEST = 7.0
_WIRES = '<g fill="none" stroke-width="1.6">'


def render_circuit(circuit: Circuit) -> Iterator[str]:
    """Bundles between the steps, then the steps."""
    yield f'<g transform="translate(0 {number(-circuit.top)})">'
    yield _WIRES
    for wire in circuit.layout.wires:
        yield from _bundle(wire, circuit)
    yield "</g>"
    for item in circuit.layout.items:
        yield f'<g transform="translate({number(item.y)} {number(item.x)})">'
        content = item.content
        yield from _end(content, item, circuit.names) if isinstance(content, End) else _step(content, circuit.names)
        yield "</g>"
    yield "</g>"


def _colour(tensor: Tensor, axis: int, names: Names) -> str:
    return GREY if axis == SCALAR else AXIS_COLOURS.get(names[tensor][axis], GREY)


def _stroke(path: str, colour: str, style: str = "") -> str:
    return f'<path d="{path}" stroke="{colour}"{style}/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="3" fill="{colour}"/>'


def _line(x: float, y: float, target: float, until: float) -> str:
    """A bend from x to the height `target`, then straight on to `until`."""
    if abs(y - target) < 0.5:
        return f"M{number(x)} {number(y)}H{number(until)}"
    middle, after = x + BEND / 2, x + BEND
    bend = f"M{number(x)} {number(y)}C{' '.join(map(number, (middle, y, middle, target, after, target)))}"
    return bend if abs(until - after) < 0.5 else f"{bend}H{number(until)}"


def _bundle(wire: Wire, circuit: Circuit) -> Iterator[str]:
    tensor = wire.value
    assert isinstance(tensor, Tensor)
    top = -height_of(tensor) / 2
    for k, axis in enumerate(axes_of(tensor)):
        shift, colour = top + PITCH * k, _colour(tensor, axis, circuit.names)
        yield _stroke(
            _along_runs(wire, shift, -shift / PITCH), colour, ' stroke-dasharray="3 3"' if axis == SCALAR else ""
        )
        if tensor in circuit.shared:
            height, start, _ = wire.runs[0]
            yield _dot(start, height + shift, colour)


def _along_runs(wire: Wire, shift: float, rank: float) -> str:
    """Path of one wire of a bundle; where the bundle bends, its upper wires turn later downwards, earlier upwards."""
    y, start, end = wire.runs[0]
    path = [f"M{number(start)} {number(y + shift)}"]
    for following, left, right in wire.runs[1:]:
        if following != y:
            middle = (end + left) / 2 + _NEST * rank * (1 if following > y else -1)
            numbers = (middle, y + shift, middle, following + shift, left, following + shift)
            path.append(f"H{number(end)}C{' '.join(map(number, numbers))}")
        y, end = following, right
    return "".join([*path, f"H{number(end)}"])


def _end(end: End, item: Item, names: Names) -> Iterator[str]:
    half = height_of(end.tensor) / 2
    yield rect(0, -half - 8, 3, 2 * half + 16, 1, SLATE)
    yield words(0, -half - 22, end.name, GREY, 12, bold=True)
    if end.starts:
        named = list(names_on(end.tensor, 0.0, names))
        paths = [
            _stroke(f"M3 {number(y)}H{number(item.height)}", AXIS_COLOURS.get(name, GREY)) for y, _, name in named
        ]
        yield from (_WIRES, *paths, "</g>")
        yield from (words(9, y - 4, text, FAINT, WIRE_SIZE) for y, text, _ in named)


def _step(cell: Cell, names: Names) -> Iterator[str]:
    yield from (_WIRES, *_wires(cell, names), "</g>")
    yield from _boxes(cell) if cell.step.label else _contraction(cell, names)
    start = cell.length - max((text_width(text, WIRE_SIZE) for _, text, _ in cell.labels), default=0.0) - 2
    for y, text, _ in cell.labels:
        yield words(start, y - 4, text, FAINT, WIRE_SIZE)


def _wires(cell: Cell, names: Names) -> Iterator[str]:
    turn = LEAD + cell.box
    stop = turn - (SIGMA if contracts(cell.step) else 0.0)
    for link in cell.step.links:
        before = [(cell.wires.left[p], _colour(cell.step.ins[p[0]], p[1], names)) for p in link.sources]
        after = [(cell.wires.right[p], _colour(cell.step.outs[p[0]], p[1], names)) for p in link.targets]
        if not before or not after or (cell.step.label and link.acts and len(before) > 1):
            yield from (_stroke(f"M0 {number(y)}H{number(stop)}", colour) for y, colour in before)
            yield from (_stroke(f"M{number(turn)} {number(y)}H{number(cell.length)}", colour) for y, colour in after)
            continue
        yield from (_stroke(f"M0 {number(y)}H{number(turn)}", colour) for y, colour in before)
        # Several wires that end in one keep their colours up to where they meet.
        merges = len(before) > 1
        until = turn + cell.bend if merges else cell.length
        for y, colour in before:
            yield from (_stroke(_line(turn, y, end, until), colour if merges else own) for end, own in after)
        if merges:
            yield from (_stroke(f"M{number(until)} {number(y)}H{number(cell.length)}", own) for y, own in after)
        yield from _meeting(link, cell, after[0][1])


def _meeting(link: Link, cell: Cell, colour: str) -> Iterator[str]:
    """Dots where wires come together or part."""
    turn, wires = LEAD + cell.box, cell.wires
    if len(link.targets) > 1:
        yield _dot(turn, wires.left[link.sources[0]], colour)
    if len(link.sources) > 1:
        yield _dot(turn + cell.bend, wires.right[link.targets[0]], colour)


def _contraction(cell: Cell, names: Names) -> Iterator[str]:
    """The contracted wires of several values joined by a bow: a sum over their common axis."""
    for link in cell.step.links:
        if link.kind != "contracted":
            continue
        colour = _colour(cell.step.ins[link.sources[0][0]], link.sources[0][1], names)
        heights = sorted(cell.wires.left[place] for place in link.sources)
        first, last = heights[0], heights[-1]
        x = LEAD
        bow = f"M{number(x)} {number(first)}h8a10 10 0 0 1 10 10V{number(last - 10)}a10 10 0 0 1 -10 10h-8"
        yield f"{_WIRES}{_stroke(bow, colour)}</g>"
        middle = _between(cell, first, last)
        yield f'<circle cx="{number(x + 18)}" cy="{number(middle)}" r="8.5" fill="#fff" stroke="{colour}"/>'
        yield words(x + 18, middle + 4, "Σ", INK, 11, anchor="middle")


def _between(cell: Cell, first: float, last: float) -> float:
    """The middle of the widest gap between wires on the way of a bow."""
    heights = sorted(y for y in cell.wires.left.values() if first <= y <= last)
    gaps = [(b - a, (a + b) / 2) for a, b in pairwise(heights)]
    return max(gaps, default=(0.0, (first + last) / 2))[1]


def _boxes(cell: Cell) -> Iterator[str]:
    step, wires = cell.step, cell.wires
    fill, stroke = COLOURS[step.kind]
    boxes = wires.boxes or ((0.0, 0.0),)
    for (_, above), (below, _) in pairwise(boxes):
        x = number(LEAD + cell.box / 2)
        yield f'<path d="M{x} {number(above)}V{number(below)}" stroke="{stroke}" stroke-width="1.2"/>'
    dashes = ' stroke-dasharray="4 3"' if "::" in step.label else ""
    for first, last in boxes:
        style = f' stroke="{stroke}" stroke-width="1.2"{dashes}'
        yield rect(LEAD, first - 9, cell.box, last - first + 18, 5, fill, style)
    yield from _ticks(cell, stroke)
    rows = rows_of(step)
    for place, text, mark in rows:
        for first, last in boxes if place is None else boxes[:1]:
            y = (first + last) / 2 if place is None else wires.left[place]
            yield from _row(cell.box, y, text, mark, stroke, right=any(t and m for _, t, m in rows))


def _row(width: float, y: float, text: str, mark: str, accent: str, *, right: bool) -> Iterator[str]:
    """Words and a window in the middle of a box, or, where they share a row, at its left and at its right."""
    if text:
        x = LEAD + (8 if mark else width / 2)
        yield words(x, y + 4, text, INK, LABEL_SIZE, bold=True, anchor="start" if mark else "middle")
    if mark:
        size = mark_width(mark)
        left = LEAD + (width - size - 7 if right else (width - size) / 2)
        yield rect(left, y - 7, size, 14, 3, "#fff", f' stroke="{accent}" stroke-width="0.8"')
        yield words(left + size / 2, y + 3.5, mark, INK, WIRE_SIZE, anchor="middle")


def _ticks(cell: Cell, colour: str) -> Iterator[str]:
    """Thick marks where a wire ends at the left side of a box, and where one starts at its right side."""
    for x, ends in ((LEAD, _ended(cell)), (LEAD + cell.box, _started(cell))):
        for y in ends:
            yield f'<path d="M{number(x)} {number(y - 5)}v10" stroke="{colour}" stroke-width="4"/>'


def _ended(cell: Cell) -> Iterable[float]:
    return [cell.wires.left[p] for link in cell.step.links if link.kind == "contracted" for p in link.sources]


def _started(cell: Cell) -> Iterable[float]:
    return [cell.wires.right[p] for link in cell.step.links if link.kind == "created" for p in link.targets]
