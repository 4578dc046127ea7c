"""Drawings: a network as a compact SVG, blocks as boxes with shapes on the wires, or every axis as a wire."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from netwright._count import counted
from netwright.errors import ExportError
from netwright.graph import Graph
from netwright.io._drawing._blocks_compose import Composer
from netwright.io._drawing._blocks_part import Part, boxes_in, cost_of
from netwright.io._drawing._blocks_svg import Sheet, render
from netwright.io._drawing._blocks_text import KINDS, human
from netwright.io._drawing._blocks_tree import build_tree
from netwright.io._drawing._blocks_view import as_drawn
from netwright.io._drawing._circuit_sheet import draw_circuits

__all__ = ["draw", "repr_svg", "save_drawing"]

_BOXES = 32
_LEAST_SHARE = 0.02
_MOST_WIRES = 5

Style = Literal["blocks", "axes"]


def draw(graph: Graph, *, title: str | None = None, style: Style = "blocks", depth: int | None = None) -> str:
    """Draw a network as one SVG element: its blocks as boxes, or the axes of its values as wires.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> svg = draw(Graph([x], [conv(conv(x, 16), 32, stride=2)]), title="two layers")
    >>> svg.startswith("<svg"), "3×3, stride 2, BN, ReLU" in svg, "32×16×16" in svg
    (True, True, True)

    title: heading of the drawing, above the totals.
    style: "blocks" draws boxes, shapes on the wires between them, equal blocks in a row folded. "axes" draws neural
    circuit diagrams (Abbott 2024): a value is a bundle of wires, one for each axis, and an operator touches the wires
    that it works along; beside an overview of a large network stands one circuit for each kind of block.
    depth: how many levels of scopes are opened; None opens as many as leave about 30 boxes, or blocks that are small
    enough for a circuit.

    Parameters and MACs in a box are those of all its copies; a parameter that is used several times counts once.
    Raises ExportError when the style is another, or depth neither None nor a positive integer.
    """
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 1):
        raise ExportError(f"depth must be a positive integer or None, but got {depth!r}.")
    if style not in get_args(Style):
        raise ExportError(f"style must be one of {', '.join(get_args(Style))}, but got {style!r}.")
    heading = (" ".join((title or "").split()), _subtitle(graph))
    graph = as_drawn(graph)
    tree = build_tree(graph, _BOXES if depth is None else None)
    if style == "axes":
        return draw_circuits(graph, tree, heading, depth)
    opened = _opened_for(tree, _BOXES) if depth is None else _opened_to(tree, depth)
    composer = Composer(graph, opened)
    layout = composer.network(tree)
    kinds = tuple(kind for kind in KINDS if kind in composer.kinds)
    return render(Sheet(*heading, layout, kinds))


def save_drawing(
    graph: Graph,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    style: Style = "blocks",
    depth: int | None = None,
) -> Path:
    """Draw a network into an SVG file (UTF-8) and return its path; the options are those of `draw`.

    >>> import tempfile
    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_drawing(Graph([x], [ops.relu(x)]), f"{folder}/relu.svg").read_text(encoding="utf-8")[:5]
    '<svg '

    Raises ExportError when the folder of the file is not there.
    """
    target = Path(path)
    svg = draw(graph, title=title, style=style, depth=depth)
    if not target.parent.is_dir():
        raise ExportError(f"a drawing is written into a folder that exists, but {str(target.parent)!r} is none.")
    target.write_text(svg, encoding="utf-8")
    return target


def repr_svg(graph: Graph) -> str:
    """What a notebook shows for a graph: its drawing."""
    return draw(graph)


def _subtitle(graph: Graph) -> str:
    parameters = sum(p.size for p in graph.parameters.values() if p.trainable)
    macs = sum(node.op.macs(node) for node in graph.nodes)
    return f"{human(parameters)} parameters · {human(macs)} MACs · {counted(len(graph.nodes), 'operator')}"


# How far to open ----------------------------------------------------------------------------------


def _opened_to(tree: Part, depth: int) -> set[Part]:
    opened, level = {tree}, [tree]
    for _ in range(depth - 1):
        level = [part for parent in level for part in parent.parts if part.parts]
        opened.update(level)
    return opened


def _opened_for(tree: Part, budget: int) -> set[Part]:
    """Open all parts of one name at once, the most nodes first, while the boxes stay in the budget.

    A part that does next to none of the multiplications, such as a head, is not worth the room.
    """
    least = cost_of(tree)[1] * _LEAST_SHARE
    opened: set[Part] = {tree}
    too_many: set[str] = set()
    while True:
        alike: defaultdict[str, list[Part]] = defaultdict(list)
        for part in _closed(tree, opened):
            alike[_class_name(part)].append(part)
        worth = [n for n in alike if n not in too_many and max(cost_of(p)[1] for p in alike[n]) >= least]
        names = [n for n in worth if not any(map(_is_thicket, alike[n]))]
        if not names:
            return opened
        name = max(names, key=lambda n: sum(len(p.all_nodes) for p in alike[n]))
        if boxes_in(tree, opened | set(alike[name])) <= budget:
            opened |= set(alike[name])
        else:
            too_many.add(name)


def _is_thicket(part: Part) -> bool:
    """Whether more wires would meet inside than a reader can follow, as in a densely connected block."""
    return any(len(child.ins) > _MOST_WIRES for child in part.parts)


def _class_name(part: Part) -> str:
    """Last name of a part's path without its number: `mbconv` for `stage1.mbconv` and for `mbconv_1 … mbconv_3`."""
    return re.sub(r"[\d_.]+$", "", part.name.partition(" … ")[0]).rpartition(".")[2]


def _closed(part: Part, opened: set[Part]) -> Iterator[Part]:
    """Parts in sight that could be opened."""
    for child in part.parts:
        if child in opened:
            yield from _closed(child, opened)
        elif child.parts:
            yield child
