"""Sizes and places of a circuit: steps in columns from left to right, bundles of wires between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from netwright.graph import Tensor
from netwright.io._drawing._axes import Link, Place
from netwright.io._drawing._blocks_item import Item
from netwright.io._drawing._blocks_layout import Layout, arrange
from netwright.io._drawing._circuit import BETWEEN, PITCH, SCALAR, Step, Wires, axes_of, height_of, wires_of
from netwright.io._drawing._svg import text_width

__all__ = [
    "BEND", "LABEL_SIZE", "LEAD", "SIGMA", "WIRE_SIZE", "Cell", "Circuit", "End", "Names", "contracts", "lay_out",
    "mark_width", "names_on", "row_width", "rows_of",
]  # fmt: skip

Names = Mapping[Tensor, tuple[str, ...]]

LEAD, BEND, SIGMA = 10.0, 44.0, 44.0
"""Pixels before a box, for the bend of a wire, for a contraction."""
LABEL_SIZE, WIRE_SIZE = 11.5, 10.5
"""Sizes of the words in a box and on a wire."""

_GAP, _TAIL = 34.0, 8.0
_NAMED, _BARE = 38.0, 14.0
_MARGIN = 16.0


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
        length = max(text_width(text, WIRE_SIZE) for _, text, _ in names_on(tensor, 0.0, names)) + 14
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
    box += SIGMA if contracts(step) else 0.0
    labels = tuple(_new_names(step, wires, names))
    bend = BEND if not step.label or _bends(step, wires) else 0.0
    tail = max((text_width(text, WIRE_SIZE) + 10 for _, text, _ in labels), default=_TAIL)
    return Cell(step, wires, box, bend, labels, float(round(LEAD + box + bend + tail)))


def contracts(step: Step) -> bool:
    """Whether a step is drawn as bows that join contracted wires."""
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


def names_on(tensor: Tensor, middle: float, names: Names) -> Iterator[tuple[float, str, str]]:
    """Height, words and name of each wire of a value."""
    top = middle - height_of(tensor) / 2
    for k, axis in enumerate(axes_of(tensor)):
        name = "scalar" if axis == SCALAR else names[tensor][axis]
        yield top + PITCH * k, name if axis == SCALAR else f"{name} {tensor.shape[axis]}", name


def rows_of(step: Step) -> list[tuple[Place | None, str, str]]:
    """Words and window marks of a box, each beside the wire that it is about; None is the middle of the box."""
    rows: list[tuple[Place | None, str, str]] = [(place, "", mark) for place, mark in step.marks.items()]
    first = next((link.sources[0] for link in step.links if link.acts and link.sources), None)
    if not rows:
        return [(None, step.label, "")]
    if first is not None and first not in step.marks:
        return [(first, step.label, ""), *rows]
    return [(rows[0][0], step.label, rows[0][2]), *rows[1:]]


def _box_width(step: Step) -> float:
    return float(round(max(row_width(text, mark) for _, text, mark in rows_of(step)) + 16))


def row_width(text: str, mark: str) -> float:
    """Pixels for words and a window side by side."""
    return (text_width(text, LABEL_SIZE, bold=True) if text else 0.0) + (mark_width(mark) + 6 if mark else 0.0)


def mark_width(mark: str) -> float:
    """Pixels for the frame of a window."""
    return text_width(mark, WIRE_SIZE) + 10
