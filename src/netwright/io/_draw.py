"""Drawings: a network as a compact SVG, blocks as boxes, shapes on the wires, repeats folded."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from netwright.errors import ExportError
from netwright.graph import Graph, Node, Parameter, Tensor
from netwright.io._draw_layout import Item, Layout, arrange
from netwright.io._draw_svg import (
    BAR,
    LABEL,
    PAD,
    STACK,
    Box,
    Frame,
    Line,
    Pill,
    Sheet,
    fitted,
    head_width,
    render,
    text_width,
)
from netwright.io._draw_text import KINDS, describe, human, kind_of, operator_name, shape_text
from netwright.io._draw_tree import Part, build_tree, cost_of

__all__ = ["draw", "repr_svg", "save_drawing"]

_BOXES = 32
_BESIDE = 4
_LEAST_SHARE = 0.02
_LEAST_WIDTH, _MOST_WIDTH = 150.0, 360.0
_LISTED = 24

Depth = int | Literal["auto"]


def draw(graph: Graph, *, depth: Depth = "auto", title: str | None = None) -> str:
    """Draw a network as one SVG element: boxes for blocks, shapes on the wires, equal blocks in a row folded.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> x = image(3, 32, 32)
    >>> svg = draw(Graph([x], [conv(conv(x, 16), 32, stride=2)]), title="two layers")
    >>> svg.startswith("<svg"), "3×3, stride 2, BN, ReLU" in svg, "32×16×16" in svg
    (True, True, True)

    depth: how many levels of scopes are opened; "auto" opens as many as leave about 30 boxes.
    title: heading of the drawing, above the totals.

    Parameters and MACs in a box are those of all its copies; a parameter that is used several times counts once.
    Raises ExportError when depth is neither "auto" nor a positive integer.
    """
    if depth != "auto" and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 1):
        raise ExportError(f"depth must be 'auto' or a positive integer, but got {depth!r}.")
    tree = build_tree(graph, _BOXES if depth == "auto" else None)
    opened = _opened_for(tree, _BOXES) if depth == "auto" else _opened_to(tree, depth)
    composer = _Composer(graph, opened)
    layout = composer.network(tree)
    kinds = tuple(kind for kind in KINDS if kind in composer.kinds)
    return render(Sheet(" ".join((title or "").split()), _subtitle(graph), layout, kinds))


def save_drawing(
    graph: Graph, path: str | os.PathLike[str], *, depth: Depth = "auto", title: str | None = None
) -> Path:
    """Draw a network into an SVG file (UTF-8) and return its path.

    Raises ExportError when the folder of the file is not there.
    """
    target = Path(path)
    svg = draw(graph, depth=depth, title=title)
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
    count = len(graph.nodes)
    return f"{human(parameters)} parameters · {human(macs)} MACs · {count} operator{'s' if count != 1 else ''}"


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
        names = [n for n in alike if n not in too_many and max(cost_of(p)[1] for p in alike[n]) >= least]
        if not names:
            return opened
        name = max(names, key=lambda n: sum(len(p.all_nodes) for p in alike[n]))
        if _boxes(tree, opened | set(alike[name])) <= budget:
            opened |= set(alike[name])
        else:
            too_many.add(name)


def _class_name(part: Part) -> str:
    """Last name of a part's path without its number: `mbconv` for `stage1.mbconv` and for `mbconv_1 … mbconv_3`."""
    return re.sub(r"[\d_]+$", "", part.name.partition(" … ")[0].rpartition(".")[2])


def _closed(part: Part, opened: set[Part]) -> Iterator[Part]:
    """Parts in sight that could be opened."""
    for child in part.parts:
        if child in opened:
            yield from _closed(child, opened)
        elif child.parts:
            yield child


def _boxes(part: Part, opened: set[Part]) -> int:
    return sum(_boxes(p, opened) for p in part.parts) if part in opened and part.parts else 1


# Words --------------------------------------------------------------------------------------------


def _costs(part: Part) -> str:
    parameters, macs = cost_of(part)
    words = [f"{human(parameters)} params"] if parameters else []
    return " · ".join([*words, f"{human(macs)} MACs"] if macs else words)


def _head(part: Part) -> Line:
    return Line(fitted(part.name, 12.5, 190), _costs(part), f"× {part.count}" if part.count > 1 else "")


def _below(part: Part) -> str:
    """Summary without the name of the box, where it begins with that."""
    return re.sub(rf"^{re.escape(part.name)}(, | |$)", "", describe(part.nodes))


def _tooltip(part: Part, graph: Graph) -> str:
    parameters, macs = cost_of(part)
    each = f" ({part.count} copies)" if part.count > 1 else ""
    lines = [f"{part.name}{each}", f"{parameters:,} parameters, {macs:,} MACs"]
    if sum(cost_of(copy)[0] for copy in part.copies) > parameters:
        lines.append("copies share weights")
    lines += [_listed(node, graph) for node in part.nodes[:_LISTED]]
    hidden = len(part.nodes) - _LISTED
    return "\n".join([*lines, f"… {hidden} more"] if hidden > 0 else lines)


def _listed(node: Node, graph: Graph) -> str:
    detail = describe([node])
    detail = f" {detail}" if detail and detail != operator_name(node) else ""
    weights = sum(t.size for t in node.inputs if isinstance(t, Parameter) and t.trainable)
    shapes = ", ".join(shape_text(t.shape) for t in node.outputs)
    return f"{graph.names[node.output]}: {node.op.name}{detail} → {shapes}" + (
        f", {weights:,} params" if weights else ""
    )


# Boxes, frames and the network --------------------------------------------------------------------


class _Composer:
    """Turns parts into sized items and lays them out, from the innermost frame to the whole network."""

    def __init__(self, graph: Graph, opened: set[Part]) -> None:
        self._graph = graph
        self._opened = opened
        self.kinds: set[str] = set()

    def network(self, tree: Part) -> Layout:
        sources = [_pill(f"{t.name} {shape_text(t.shape)}", outs=[t]) for t in self._graph.inputs]
        outputs = list(dict.fromkeys(self._graph.outputs))
        names = ["output", *(f"output {i}" for i in range(2, len(outputs) + 1))]
        sinks = [_pill(f"{n} {shape_text(t.shape)}", ins=[t]) for n, t in zip(names, outputs, strict=True)]
        return self._arranged(tree.parts, sources, sinks)

    def _arranged(self, parts: Sequence[Part], sources: list[Item], sinks: list[Item]) -> Layout:
        parts = self._spliced(parts)
        read = {t for part in parts for t in part.ins}
        items = [self._frame(p, read) if p in self._opened and p.parts else self._box(p, read) for p in parts]
        return arrange([*sources, *items, *sinks])

    def _spliced(self, parts: Sequence[Part]) -> list[Part]:
        """Parts with the small frames that stand beside others taken away: a frame would push its layer apart."""
        maker = {t: part for part in parts for t in part.outs}
        rank: dict[Part, int] = {}
        for part in parts:
            rank[part] = max((rank[maker[t]] + 1 for t in part.ins if t in maker), default=0)
        crowd = Counter(rank.values())
        spliced: list[Part] = []
        for part in parts:
            small = part in self._opened and 0 < len(part.parts) <= _BESIDE and part.count == 1
            if small and crowd[rank[part]] > 1:
                inside = [(child, replace(child, name=f"{part.name}.{child.name}")) for child in part.parts]
                self._opened |= {renamed for child, renamed in inside if child in self._opened}
                spliced += [renamed for _, renamed in inside]
            else:
                spliced.append(part)
        return spliced

    def _box(self, part: Part, read: set[Tensor]) -> Item:
        kind = kind_of(part.nodes)
        self.kinds.add(kind)
        tooltip = _tooltip(part, self._graph)
        if kind == "join" and not part.parts and part.count == 1 and not cost_of(part)[0]:
            words = " + ".join(dict.fromkeys(operator_name(node) for node in part.nodes))
            box, width, height = Box(Line(words), "", kind, tooltip, round=True), text_width(words, 12.5) + 32, 26.0
            return _with_outs(box, part, read, width, height)
        head, below = _head(part), fitted(_below(part), 11.5, _MOST_WIDTH)
        width = max(_LEAST_WIDTH, head_width([head]), text_width(below, 11.5) + 20)
        box = Box(head, below, kind, tooltip, stacked=part.count > 1)
        height = (42.0 if below else 28.0) + (STACK if box.stacked else 0.0)
        return _with_outs(box, part, read, width, height)

    def _frame(self, part: Part, read: set[Tensor]) -> Item:
        sources = [Item(0, 0, outs={t: 0.0}, first=True) for t in part.ins]
        sinks = [Item(_label_width(t), 0, ins={t: 0.0}, last=True) for t in part.inner_outs]
        inside = self._arranged(part.parts, sources, sinks)
        head = _head(part)
        width = max(inside.width + 2 * PAD, head_width([head]))
        frame = Frame(head, inside, _tooltip(part, self._graph))
        ins = {t: item.x - inside.width / 2 for t, item in zip(part.ins, sources, strict=True)}
        outs = [item.x - inside.width / 2 for item in sinks]
        return _with_outs(frame, part, read, width, BAR + inside.height, ins, outs)


def _pill(words: str, ins: Sequence[Tensor] = (), outs: Sequence[Tensor] = ()) -> Item:
    width = float(round(text_width(words, 12) + 26))
    return Item(width, 24, dict.fromkeys(ins, 0.0), dict.fromkeys(outs, 0.0), Pill(words), last=bool(ins))


def _with_outs(
    content: Box | Frame,
    part: Part,
    read: set[Tensor],
    width: float,
    height: float,
    ins: Mapping[Tensor, float] | None = None,
    outs: Sequence[float] | None = None,
) -> Item:
    """Item with the shapes of what leaves it below; what only leaves the frame around it has its shape there."""
    if outs is None:
        width = max(width, len(part.outs) * max(map(_label_width, part.outs), default=0.0))
    width = 2.0 * round(width / 2 + 0.5)
    places = outs or list(_spread(part.outs, width))
    labels = tuple((x, shape_text(t.shape)) for x, t in zip(places, part.outs, strict=True) if t in read)
    fields = {**vars(content), "labels": labels}
    drawn = Frame(**fields) if isinstance(content, Frame) else Box(**fields)
    arriving: dict[Hashable, float] = dict(ins.items()) if ins is not None else dict.fromkeys(part.ins, 0.0)
    leaving: dict[Hashable, float] = dict(zip(part.outs, places, strict=True))
    return Item(width, height + (LABEL if labels else 0), arriving, leaving, drawn)


def _label_width(tensor: Tensor) -> float:
    return 2.0 * round(text_width(shape_text(tensor.shape), 10.5) / 2 + 8)


def _spread(outs: Sequence[Tensor], width: float) -> Iterator[float]:
    step = width / max(len(outs), 1)
    return ((i + 0.5) * step - width / 2 for i in range(len(outs)))
