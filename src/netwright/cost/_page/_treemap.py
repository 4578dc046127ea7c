"""A treemap of a cost: each block a rectangle as large as its part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from netwright.cost._blocks import Block

__all__ = ["KINDS", "kind_of", "squarified", "treemap"]

WIDTH, HEIGHT = 1120.0, 470.0
_HEAD, _PAD, _LETTER = 17.0, 2.5, 6.6
_LEAST = 1.2
"""Pixels below which a rectangle is left out."""

KINDS = {
    "convolution": frozenset({"Conv", "ConvTranspose"}),
    "matrix product": frozenset({"Gemm", "MatMul", "Attention", "Einsum", "LSTM", "GRU", "RNN"}),
    "normalisation": frozenset(
        {"BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "Softmax"}
    ),
    "movement": frozenset({"Transpose", "Concat", "Split", "Slice", "Pad", "Gather", "Resize", "Expand", "Reshape"}),
}
"""Kinds of operators by their names; all others are `other`."""

Rectangle = tuple[float, float, float, float]
Weight = Callable[[Block], float]


@dataclass(frozen=True)
class _Cell:
    block: Block
    path: str
    place: Rectangle
    inner: bool


def kind_of(operator: str) -> str:
    """Kind of an operator.

    >>> kind_of("Conv"), kind_of("Relu")
    ('convolution', 'other')
    """
    return next((kind for kind, names in KINDS.items() if operator in names), "other")


def treemap(tree: Block, weight: Weight, say: Callable[[float], str], label: str) -> str:
    """SVG of the blocks that have any of a cost. say: its value in words. label: what it is."""
    whole = weight(tree) or 1.0
    parts = []
    for cell in _cells(tree, (0.0, 0.0, WIDTH, HEIGHT), weight, ""):
        value = weight(cell.block)
        share = f"{say(value)}, {100 * value / whole:.1f} % of the {label}"
        parts.append(_drawn(cell, f"{cell.path}\n{share}", say(value)))
    return (
        f'<svg class="chart treemap" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img"'
        f' aria-label="{escape(f"Treemap of the {label} by block; the table of blocks has the values.")}">'
        f"{''.join(parts)}</svg>"
    )


def squarified(weights: Sequence[float], place: Rectangle) -> list[Rectangle]:
    """Rectangles with areas in the ratio of the weights, which must fall, that fill a place and are near to squares.

    >>> [tuple(map(round, each)) for each in squarified([6, 3, 3], (0, 0, 4, 3))]
    [(0, 0, 2, 3), (2, 0, 2, 2), (2, 2, 2, 2)]

    Source: Bruls, Huizing & van Wijk 2000, "Squarified treemaps".
    """
    x, y, width, height = place
    whole = sum(weights)
    if not weights or whole <= 0 or width <= 0 or height <= 0:
        return [(x, y, 0.0, 0.0)] * len(weights)
    areas = [weight / whole * width * height for weight in weights]
    placed: list[Rectangle] = []
    while areas:
        side = min(width, height)
        row = 1
        while row < len(areas) and _worst(areas[: row + 1], side) <= _worst(areas[:row], side):
            row += 1
        depth = sum(areas[:row]) / side if side else 0.0
        along = 0.0
        for area in areas[:row]:
            length = area / depth if depth else 0.0
            tall = width >= height
            placed.append((x, y + along, depth, length) if tall else (x + along, y, length, depth))
            along += length
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
        areas = areas[row:]
    return placed


def _worst(row: Sequence[float], side: float) -> float:
    """Largest ratio of the sides in a row of areas along a side."""
    whole = sum(row)
    if whole <= 0 or min(row) <= 0:
        return float("inf")
    return max(side**2 * max(row) / whole**2, whole**2 / (side**2 * min(row)))


def _cells(block: Block, place: Rectangle, weight: Weight, path: str) -> Iterator[_Cell]:
    inside = sorted((b for b in block.blocks if weight(b) > 0), key=weight, reverse=True)
    for inner, (x, y, width, height) in zip(inside, squarified([weight(b) for b in inside], place), strict=True):
        if width < _LEAST or height < _LEAST:
            continue
        copies = f" ({inner.count} copies)" if inner.count > 1 else ""
        name = f"{path}.{inner.name}" if path else inner.name
        several = sum(weight(part) > 0 for part in inner.blocks) > 1 or any(part.blocks for part in inner.blocks)
        opened = several and width > 46 and height > 36
        yield _Cell(inner, name + copies, (x, y, width, height), opened)
        if opened:
            room = (x + _PAD, y + _HEAD, width - 2 * _PAD, height - _HEAD - _PAD)
            yield from _cells(inner, room, weight, name)


def _drawn(cell: _Cell, title: str, value: str) -> str:
    x, y, width, height = cell.place
    kind = "frame" if cell.inner else f"k-{_dominant(cell.block).partition(' ')[0]}"
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width - 1, 0.5):.1f}" height="{max(height - 1, 0.5):.1f}"'
    drawn = f'<rect class="cell {kind}" data-m {place}><title>{escape(title)}</title></rect>'
    name = cell.block.name + (f" ×{cell.block.count}" if cell.block.count > 1 else "")
    letters = int((width - 9) / _LETTER)
    if height < 15 or letters < 3:
        return drawn
    shown = f"{name}  {value}" if cell.inner and len(name) + len(value) + 2 <= letters else name
    drawn += _words(x + 4, y + 12.5, shown, letters)
    if not cell.inner and height > 31:
        drawn += _words(x + 4, y + 26.5, value, letters)
    return drawn


def _words(x: float, y: float, words: str, letters: int) -> str:
    shown = words if len(words) <= letters else f"{words[: letters - 1]}…"
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(shown)}</text>'


def _dominant(block: Block) -> str:
    """Kind of the operator inside that does the most work, or moves most where none does any."""
    while block.blocks:
        block = max(block.blocks, key=lambda b: (b.amounts.flops, b.amounts.traffic))
    return kind_of(block.kind)
