"""Parts of a network as boxes and frames, sized and laid out from the innermost frame to the whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from netwright.graph import Graph, Node, Opaque, Tensor
from netwright.io._drawing._blocks_item import Item
from netwright.io._drawing._blocks_layout import Layout, arrange
from netwright.io._drawing._blocks_part import Part, cost_of
from netwright.io._drawing._blocks_svg import BAR, LABEL, PAD, STACK, Box, Frame, Line, Pill, head_width
from netwright.io._drawing._blocks_text import describe, human, kind_of, operator_name, shape_text
from netwright.io._drawing._blocks_view import Users, users_of_weights, weights_in
from netwright.io._drawing._svg import fitted, text_width

__all__ = ["Composer", "head_of", "tooltip_of"]

_BESIDE = 4
_LEAST_WIDTH, _MOST_WIDTH = 150.0, 390.0
_LISTED = 24

# Words --------------------------------------------------------------------------------------------


def _costs(part: Part, users: Users) -> str:
    parameters, macs = cost_of(part)
    words = [f"{human(parameters)} params" + (", shared" if _is_shared(part, users) else "")] if parameters else []
    return " · ".join([*words, f"{human(macs)} MACs"] if macs else words)


def _is_shared(part: Part, users: Users) -> bool:
    """Whether a weight of the part is used outside of it too."""
    inside = set(part.all_nodes)
    weights = {t for node in inside for t in weights_in(node) if t.trainable}
    return any(not users[weight] <= inside for weight in weights)


def head_of(part: Part, users: Users) -> Line:
    """Headline of a part: its name, its copies, its costs."""
    return Line(fitted(part.name, 12.5, 190), _costs(part, users), f"× {part.count}" if part.count > 1 else "")


def _below(part: Part) -> str:
    """Summary without the name of the box, where it begins with that."""
    return re.sub(rf"^{re.escape(part.name)}(, | |$)", "", describe(part.nodes))


def tooltip_of(part: Part, graph: Graph) -> str:
    """Costs in full, and the nodes of one copy."""
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
    weights = sum(t.size for t in weights_in(node) if t.trainable)
    shapes = ", ".join(shape_text(t.shape) for t in node.outputs)
    return f"{graph.names[node.output]}: {node.op.name}{detail} → {shapes}" + (
        f", {weights:,} params" if weights else ""
    )


# Boxes, frames and the network --------------------------------------------------------------------


class Composer:
    """Turns parts into sized items and lays them out, from the innermost frame to the whole network."""

    def __init__(self, graph: Graph, opened: set[Part]) -> None:
        self._graph = graph
        self._users = users_of_weights(graph)
        self._opened = opened
        self.kinds: set[str] = set()

    def network(self, tree: Part) -> Layout:
        """The whole network between its inputs and its outputs."""
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
        tooltip = tooltip_of(part, self._graph)
        if kind == "join" and not part.parts and part.count == 1 and not cost_of(part)[0]:
            words = " + ".join(dict.fromkeys(operator_name(node) for node in part.nodes))
            box, width, height = Box(Line(words), "", kind, tooltip, round=True), text_width(words, 12.5) + 32, 26.0
            return _with_outs(box, part, read, width, height)
        head, below = head_of(part, self._users), fitted(_below(part), 11.5, _MOST_WIDTH)
        width = max(_LEAST_WIDTH, head_width([head]), text_width(below, 11.5) + 20)
        dashed = any(isinstance(node.op, Opaque) for node in part.nodes)
        box = Box(head, below, kind, tooltip, stacked=part.count > 1, dashed=dashed)
        height = (42.0 if below else 28.0) + (STACK if box.stacked else 0.0)
        return _with_outs(box, part, read, width, height)

    def _frame(self, part: Part, read: set[Tensor]) -> Item:
        sources = [Item(0, 0, outs={t: 0.0}, first=True) for t in part.ins]
        sinks = [Item(_label_width(t), 0, ins={t: 0.0}, last=True) for t in part.inner_outs]
        inside = self._arranged(part.parts, sources, sinks)
        head = head_of(part, self._users)
        width = max(inside.width + 2 * PAD, head_width([head]))
        frame = Frame(head, inside, tooltip_of(part, self._graph))
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
