"""Circuits as SVG: bundles of wires from left to right, and the boxes, crossings and contractions on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from netwright.graph import Tensor
from netwright.io._axes import Link, Place
from netwright.io._circuit import BETWEEN, PITCH, SCALAR, Step, Wires, axes_of, height_of, wires_of
from netwright.io._draw_layout import Item, Layout, Wire, arrange
from netwright.io._draw_svg import COLOURS
from netwright.io._svg import FAINT, GREY, INK, SLATE, number, rect, text_width, words

__all__ = ["AXIS_COLOURS", "Circuit", "lay_out", "render_circuit"]

AXIS_COLOURS = {
    "channel": "#3b7dd8", "feature": "#3b7dd8", "height": "#d9822b", "width": "#b4951a", "depth": "#c2571a",
    "token": "#3a9a5b", "key": "#0f8b8d", "head": "#7c56c9", "group": "#7c56c9", "window": "#c2418f",
}  # fmt: skip
"""Colours of wires by what their axis is; any other is grey."""

Names = Mapping[Tensor, tuple[str, ...]]

_GAP = 34.0
_NAMED, _BARE = 38.0, 14.0
_NEST = 7.0
_LEAD, _BEND, _SIGMA, _TAIL = 10.0, 44.0, 44.0, 8.0
_MARGIN = 16.0
_LABEL_SIZE, _WIRE_SIZE = 11.5, 10.5
_WIRES = '<g fill="none" stroke-width="1.6">'


@dataclass(frozen=True)
class Cell:
    """A step with its sizes: the box, then the bends of its wires, then their labels, from left to right."""

    step: Step
    wires: Wires
    box: float
    bend: float
    labels: tuple[tuple[float, str, str], ...]
    length: float


@dataclass(frozen=True)
class End:
    """Where values come from or go to: a bar, a name above it, and at the start the names of the wires."""

    name: str
    tensor: Tensor
    starts: bool


@dataclass(frozen=True)
class Circuit:
    """A circuit that is laid out; `layout` has top and left exchanged. top, bottom: what is drawn reaches so far."""

    layout: Layout
    names: Names
    shared: frozenset[Hashable]
    top: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.layout.height

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top


# Sizes and places ---------------------------------------------------------------------------------


def lay_out(steps: Sequence[Step], starts: Mapping[Tensor, str], ends: Mapping[Tensor, str], names: Names) -> Circuit:
    """Place the steps; a second time with the bundles of each step in the order in which they come from above."""
    place: dict[tuple[Step, Tensor], float] = {}
    for _ in range(2):
        items = _items(steps, starts, ends, names, place)
        layout = arrange(items, _GAP, lambda value: _extent(value))
        place = {
            (wire.target.content.step, wire.value): wire.runs[-2][0]
            for wire in layout.wires
            if isinstance(wire.target.content, Cell) and isinstance(wire.value, Tensor)
        }
    readers = Counter([*(t for step in steps for t in step.ins), *ends])
    return Circuit(layout, names, frozenset(t for t, n in readers.items() if n > 1), *_reach(layout))


def _reach(layout: Layout) -> tuple[float, float]:
    """Top and bottom of what is drawn, which is less than what is kept free."""
    spans = []
    for item in layout.items:
        half = height_of(item.content.tensor) / 2 if isinstance(item.content, End) else item.content.wires.reach
        spans.append((item.x - half - (_NAMED if isinstance(item.content, End) else _BARE), item.x + half + _BARE))
    for wire in layout.wires:
        half = _extent(wire.value) / 2
        spans += [(y - half, y + half) for y, _, _ in wire.runs]
    return min((top for top, _ in spans), default=0.0), max((bottom for _, bottom in spans), default=0.0)


def _extent(value: Hashable) -> float:
    return (height_of(value) if isinstance(value, Tensor) else 0.0) + _MARGIN


def _items(
    steps: Sequence[Step],
    starts: Mapping[Tensor, str],
    ends: Mapping[Tensor, str],
    names: Names,
    place: Mapping[tuple[Step, Tensor], float],
) -> list[Item]:
    items = []
    for tensor, name in starts.items():
        length = max(text_width(text, _WIRE_SIZE) for _, text, _ in _names_on(tensor, 0.0, names)) + 14
        length = max(length, text_width(name, 12, bold=True) + 4)
        # Room above for the name, and as much below, as an item is symmetric.
        size = _extent(tensor) + 2 * BETWEEN
        items.append(Item(size, length, outs={tensor: 0.0}, content=End(name, tensor, True), first=True))
    items += [_item(_cell(step, names, place)) for step in steps]
    for tensor, name in ends.items():
        size = _extent(tensor) + 2 * BETWEEN
        length = text_width(name, 12, bold=True) + 4
        items.append(Item(size, length, ins={tensor: 0.0}, content=End(name, tensor, False), last=True))
    return items


def _item(cell: Cell) -> Item:
    wires, step = cell.wires, cell.step
    size = 2 * (wires.reach + PITCH / 2 + 4)
    ins: dict[Hashable, float] = dict(zip(step.ins, wires.ins, strict=True))
    return Item(size, cell.length, ins, dict(zip(step.outs, wires.outs, strict=True)), cell)


def _cell(step: Step, names: Names, place: Mapping[tuple[Step, Tensor], float]) -> Cell:
    wires = wires_of(step, lambda tensor: place.get((step, tensor), 0.0))
    box = _box_width(step) if step.label else 0.0
    box += _SIGMA if _contracts(step) else 0.0
    labels = tuple(_new_names(step, wires, names))
    bend = _BEND if not step.label or _bends(step, wires) else 0.0
    tail = max((text_width(text, _WIRE_SIZE) + 10 for _, text, _ in labels), default=_TAIL)
    return Cell(step, wires, box, bend, labels, float(round(_LEAD + box + bend + tail)))


def _contracts(step: Step) -> bool:
    return not step.label and any(link.kind == "contracted" for link in step.links)


def _bends(step: Step, wires: Wires) -> bool:
    return any(abs(start - end) > 0.5 for _, start, end in _passing(step, wires))


def _passing(step: Step, wires: Wires) -> Iterator[tuple[Link, float, float]]:
    """Wires that lead from the left to the right of a step: those that its box joins start at its right side."""
    for link in step.links:
        if step.label and link.acts and len(link.sources) > 1:
            continue
        for source in link.sources:
            for target in link.targets:
                yield link, wires.left[source], wires.right[target]


def _new_names(step: Step, wires: Wires, names: Names) -> Iterator[tuple[float, str, str]]:
    """Names of the wires that are new, or of another size than before."""
    for link in step.links:
        sizes = {step.ins[i].shape[axis] for i, axis in link.sources if axis != SCALAR}
        for i, axis in link.targets:
            tensor = step.outs[i]
            known = {names[step.ins[j]][k] for j, k in link.sources if k != SCALAR}
            name = names[tensor][axis] if axis != SCALAR else ""
            if name and (link.kind != "kept" or sizes != {tensor.shape[axis]} or name not in known):
                yield wires.right[i, axis], f"{name} {tensor.shape[axis]}", name


def _names_on(tensor: Tensor, middle: float, names: Names) -> Iterator[tuple[float, str, str]]:
    top = middle - height_of(tensor) / 2
    for k, axis in enumerate(axes_of(tensor)):
        name = "scalar" if axis == SCALAR else names[tensor][axis]
        yield top + PITCH * k, name if axis == SCALAR else f"{name} {tensor.shape[axis]}", name


def _rows(step: Step) -> list[tuple[Place | None, str, str]]:
    """Words and window marks of a box, each beside the wire that it is about; None is the middle of the box."""
    rows: list[tuple[Place | None, str, str]] = [(place, "", mark) for place, mark in step.marks.items()]
    first = next((link.sources[0] for link in step.links if link.acts and link.sources), None)
    if not rows:
        return [(None, step.label, "")]
    if first is not None and first not in step.marks:
        return [(first, step.label, ""), *rows]
    return [(rows[0][0], step.label, rows[0][2]), *rows[1:]]


def _box_width(step: Step) -> float:
    return float(round(max(_row_width(text, mark) for _, text, mark in _rows(step)) + 16))


def _row_width(text: str, mark: str) -> float:
    return (text_width(text, _LABEL_SIZE, bold=True) if text else 0.0) + (_mark_width(mark) + 6 if mark else 0.0)


def _mark_width(mark: str) -> float:
    return text_width(mark, _WIRE_SIZE) + 10


# SVG ----------------------------------------------------------------------------------------------


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


def _line(x: float, y: float, end: float, target: float, until: float) -> str:
    """Straight from x to `end`, a bend to the height `target`, straight on to `until`."""
    if abs(y - target) < 0.5:
        return f"M{number(x)} {number(y)}H{number(until)}"
    middle, after = (end + end + _BEND) / 2, end + _BEND
    numbers = (middle, y, middle, target, after, target)
    return f"M{number(x)} {number(y)}H{number(end)}C{' '.join(map(number, numbers))}H{number(until)}"


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
        named = list(_names_on(end.tensor, 0.0, names))
        paths = [
            _stroke(f"M3 {number(y)}H{number(item.height)}", AXIS_COLOURS.get(name, GREY)) for y, _, name in named
        ]
        yield from (_WIRES, *paths, "</g>")
        yield from (words(9, y - 4, text, FAINT, _WIRE_SIZE) for y, text, _ in named)


def _step(cell: Cell, names: Names) -> Iterator[str]:
    yield from (_WIRES, *_wires(cell, names), "</g>")
    yield from _boxes(cell) if cell.step.label else _contraction(cell, names)
    start = cell.length - max((text_width(text, _WIRE_SIZE) for _, text, _ in cell.labels), default=0.0) - 2
    for y, text, _ in cell.labels:
        yield words(start, y - 4, text, FAINT, _WIRE_SIZE)


def _wires(cell: Cell, names: Names) -> Iterator[str]:
    turn = _LEAD + cell.box
    stop = turn - (_SIGMA if _contracts(cell.step) else 0.0)
    for link in cell.step.links:
        before = [(cell.wires.left[p], _colour(cell.step.ins[p[0]], p[1], names)) for p in link.sources]
        after = [(cell.wires.right[p], _colour(cell.step.outs[p[0]], p[1], names)) for p in link.targets]
        if not before or not after or (cell.step.label and link.acts and len(before) > 1):
            yield from (_stroke(f"M0 {number(y)}H{number(stop)}", colour) for y, colour in before)
            yield from (_stroke(f"M{number(turn)} {number(y)}H{number(cell.length)}", colour) for y, colour in after)
            continue
        yield from (_stroke(f"M0 {number(y)}H{number(turn)}", colour) for y, colour in before)
        for y, colour in before:
            # Several wires that end in one keep their colours up to where they meet.
            yield from (
                _stroke(_line(turn, y, turn, end, cell.length), colour if len(before) > 1 else own)
                for end, own in after
            )
        if len(before) > 1:
            y, colour = after[0]
            start = number(turn + cell.bend)
            yield _stroke(f"M{start} {number(y)}H{number(cell.length)}", colour)
        yield from _meeting(link, cell, after[0][1])


def _meeting(link: Link, cell: Cell, colour: str) -> Iterator[str]:
    """Dots where wires come together or part."""
    turn, wires = _LEAD + cell.box, cell.wires
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
        x = _LEAD
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
        x = number(_LEAD + cell.box / 2)
        yield f'<path d="M{x} {number(above)}V{number(below)}" stroke="{stroke}" stroke-width="1.2"/>'
    dashes = ' stroke-dasharray="4 3"' if "::" in step.label else ""
    for first, last in boxes:
        style = f' stroke="{stroke}" stroke-width="1.2"{dashes}'
        yield rect(_LEAD, first - 9, cell.box, last - first + 18, 5, fill, style)
    yield from _ticks(cell, stroke)
    rows = _rows(step)
    for place, text, mark in rows:
        for first, last in boxes if place is None else boxes[:1]:
            y = (first + last) / 2 if place is None else wires.left[place]
            yield from _row(cell.box, y, text, mark, stroke, right=any(t and m for _, t, m in rows))


def _row(width: float, y: float, text: str, mark: str, accent: str, *, right: bool) -> Iterator[str]:
    """Words and a window in the middle of a box, or, where they share a row, at its left and at its right."""
    if text:
        x = _LEAD + (8 if mark else width / 2)
        yield words(x, y + 4, text, INK, _LABEL_SIZE, bold=True, anchor="start" if mark else "middle")
    if mark:
        size = _mark_width(mark)
        left = _LEAD + (width - size - 7 if right else (width - size) / 2)
        yield rect(left, y - 7, size, 14, 3, "#fff", f' stroke="{accent}" stroke-width="0.8"')
        yield words(left + size / 2, y + 3.5, mark, INK, _WIRE_SIZE, anchor="middle")


def _ticks(cell: Cell, colour: str) -> Iterator[str]:
    """Thick marks where a wire ends at the left side of a box, and where one starts at its right side."""
    for x, ends in ((_LEAD, _ended(cell)), (_LEAD + cell.box, _started(cell))):
        for y in ends:
            yield f'<path d="M{number(x)} {number(y - 5)}v10" stroke="{colour}" stroke-width="4"/>'


def _ended(cell: Cell) -> Iterable[float]:
    return [cell.wires.left[p] for link in cell.step.links if link.kind == "contracted" for p in link.sources]


def _started(cell: Cell) -> Iterable[float]:
    return [cell.wires.right[p] for link in cell.step.links if link.kind == "created" for p in link.targets]
