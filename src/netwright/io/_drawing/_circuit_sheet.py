"""Which circuits a network is drawn as: the whole of a small one, else one for each kind of block and an overview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from netwright.graph import Graph, Input, Node, Tensor
from netwright.io._drawing._axes import links_of
from netwright.io._drawing._axis_names import name_axes
from netwright.io._drawing._blocks_compose import Composer, head_of
from netwright.io._drawing._blocks_part import Part, boxes_in
from netwright.io._drawing._blocks_svg import BAR, COLOURS, LEGEND, Line, head_width, headed, scene
from netwright.io._drawing._blocks_text import KINDS, data_inputs, kind_of
from netwright.io._drawing._blocks_view import Users, users_of_weights
from netwright.io._drawing._circuit import expanded, steps_of
from netwright.io._drawing._circuit_layout import Circuit, Names, lay_out
from netwright.io._drawing._circuit_svg import AXIS_COLOURS, render_circuit
from netwright.io._drawing._svg import GREY, number, page, text_width, words

__all__ = ["draw_circuits"]

_MOST_NODES, _MOST_COLUMNS, _MOST_INS, _FEWEST = 44, 20, 4, 3
_MOST_PANELS, _MOST_BOXES = 12, 40
_ALIKE = {"channel": "feature"}
_PAD, _APART = 14.0, 20.0


@dataclass
class Panel:
    """One circuit with its title; `also` names the other blocks of this structure."""

    head: Line
    nodes: Sequence[Node]
    also: list[str] = field(default_factory=list)


def draw_circuits(graph: Graph, tree: Part, heading: tuple[str, str], depth: int | None) -> str:
    """A network as neural circuit diagrams (Abbott 2024), as one SVG element."""
    drafter = _Drafter(graph)
    legend = _legend(graph.nodes, drafter.names)
    if depth is None and _fits(graph.nodes):
        circuit = drafter.circuit(graph.nodes)
        return page(heading, list(render_circuit(circuit)), (circuit.width, circuit.height), legend)
    opened: dict[Part, int] = {tree: 0}
    found = list(_panels(tree, "", depth, opened, users_of_weights(graph)))
    panels = _distinct(found, drafter.names)
    overview = Composer(graph, _few_opened(tree, opened)).network(tree)
    body = list(scene(overview))
    left = overview.width + 2 * _APART
    drawn = [_framed(panel, drafter.circuit(panel.nodes)) for panel in panels[:_MOST_PANELS]]
    places, (width, top) = _packed([size for _, size in drawn])
    for (x, y), (lines, _) in zip(places, drawn, strict=True):
        body += [f'<g transform="translate({number(left + x)} {number(y)})">', *lines, "</g>"]
    hidden = len(found) - sum(1 + len(panel.also) for panel in panels[:_MOST_PANELS])
    if hidden:
        note = f"{hidden} more block{'s are' if hidden > 1 else ' is'} in the overview only."
        body.append(words(left, top + 10, note, GREY, 12))
        top += _APART
    return page(heading, body, (left + width, max(overview.height, top)), legend)


def _packed(sizes: Sequence[tuple[float, float]]) -> tuple[list[tuple[float, float]], tuple[float, float]]:
    """Places in rows no wider than the widest panel, and the size of it all."""
    widest = max((width for width, _ in sizes), default=0.0)
    places: list[tuple[float, float]] = []
    x, y, row = 0.0, 0.0, 0.0
    for width, height in sizes:
        if x and x + width > widest:
            x, y, row = 0.0, y + row + _APART, 0.0
        places.append((x, y))
        x, row = x + width + _APART, max(row, height)
    return places, (widest, y + row + _APART)


def _legend(nodes: Sequence[Node], names: Names) -> list[tuple[str, str, str]]:
    kinds = {kind_of([node]) for node in nodes}
    axes = {name for row in names.values() for name in row}
    meanings: dict[str, list[str]] = {}
    for name, colour in AXIS_COLOURS.items():
        if name in axes:
            meanings.setdefault(colour, []).append(name)
    wires = [(colour, colour, f"wire: {', '.join(found)}") for colour, found in meanings.items()]
    return [*wires, *((*COLOURS[kind], LEGEND[kind]) for kind in KINDS if kind in kinds)]


# Which blocks -------------------------------------------------------------------------------------


def _fits(nodes: Sequence[Node]) -> bool:
    return len(nodes) <= _MOST_NODES and _columns(nodes) <= _MOST_COLUMNS


def _columns(nodes: Sequence[Node]) -> int:
    """Nodes on the longest way."""
    rank: dict[Tensor, int] = {}
    for node in nodes:
        after = max((rank.get(t, 0) for t in data_inputs(node)), default=0) + 1
        rank.update(dict.fromkeys(node.outputs, after))
    return max(rank.values(), default=0)


def _panels(part: Part, path: str, depth: int | None, opened: dict[Part, int], users: Users) -> Iterator[Panel]:
    """Blocks that fit, in the order of execution; small neighbours share a panel, large ones are opened.

    Inside of a block that is only somewhat too large, all neighbours share panels as far as they fit.
    """
    pack = opened[part] > 0 and len(part.nodes) <= 2 * _MOST_NODES
    run: list[Part] = []
    for child in part.parts:
        single = not child.copies and (pack or not child.parts or len(child.nodes) <= _FEWEST)
        if run and not (single and _fits([n for p in (*run, child) for n in p.nodes])):
            yield _joined(run, path, users)
            run = []
        if single and (not child.parts or _fits(child.nodes)):
            run.append(child)
        elif _fits(child.nodes) or not child.parts or opened[part] + 1 == depth:
            yield Panel(
                replace(head_of(child, users), left=_inside(path, child.name).rstrip(".") or child.name), child.nodes
            )
        else:
            opened[child] = opened[part] + 1
            yield from _panels(child, _inside(path, child.name), depth, opened, users)
    if run:
        yield _joined(run, path, users)


def _inside(path: str, name: str) -> str:
    """Path of what is in a block; a name made of others is none, and `layers.0` in `layers` is named once."""
    if " " in name.replace(" … ", ""):
        return path
    last = path.rstrip(".").rpartition(".")[2]
    return f"{path}{name.removeprefix(f'{last}.') if last else name}."


def _few_opened(tree: Part, opened: Mapping[Part, int]) -> set[Part]:
    """As many levels of the opened blocks as leave a readable overview."""
    level = max(opened.values())
    while level and boxes_in(tree, {part for part, at in opened.items() if at <= level}) > _MOST_BOXES:
        level -= 1
    return {part for part, at in opened.items() if at <= level}


def _joined(run: Sequence[Part], path: str, users: Users) -> Panel:
    names = [_inside(path, part.name)[len(path) : -1] or part.name for part in run]
    name = " + ".join(names) if len(run) <= 3 else f"{names[0]} … {names[-1]}"
    right = head_of(run[0], users).right if len(run) == 1 else ""
    return Panel(Line(path + name, right), [node for part in run for node in part.nodes])


def _distinct(panels: Sequence[Panel], names: Names) -> list[Panel]:
    """The first of each structure, as sizes do not count, where it is no thicket."""
    found: dict[tuple[object, ...], Panel] = {}
    for panel in panels:
        if len(panel.nodes) <= 2 * _MOST_NODES and _values_read(panel.nodes) <= _MOST_INS:
            first = found.setdefault(_structure(panel.nodes, names), panel)
            if first is not panel:
                first.also.append(panel.head.left)
    return list(found.values())


def _values_read(nodes: Sequence[Node]) -> int:
    made = {t for node in nodes for t in node.outputs}
    return len({t for node in nodes for t in data_inputs(node)} - made)


def _structure(nodes: Sequence[Node], names: Names) -> tuple[object, ...]:
    numbers: dict[Tensor, int] = {}
    rows: list[object] = []
    for node in nodes:
        read = tuple(numbers.setdefault(t, len(numbers)) for t in data_inputs(node))
        made = tuple(numbers.setdefault(t, len(numbers)) for t in node.outputs)
        steps = tuple(size > 1 for size in node.attrs.get("strides", ()))
        axes = tuple(_ALIKE.get(name, name) for name in names[node.output])
        rows.append((node.op.name, read, made, links_of(node), steps, axes))
    return tuple(rows)


# One circuit --------------------------------------------------------------------------------------


class _Drafter:
    """Lays out circuits of some nodes of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._expanded = {node: expanded(node) for node in graph.nodes}
        self.names: Names = name_axes(graph.inputs, self._parts(graph.nodes))

    def _parts(self, nodes: Sequence[Node]) -> list[Node]:
        return [part for node in nodes for part in self._expanded[node]]

    def circuit(self, nodes: Sequence[Node]) -> Circuit:
        """What the nodes do between the values that they read and those that something else needs."""
        outputs = {t: f"output {i}" if i > 1 else "output" for i, t in enumerate(self._graph.outputs, 1)}
        inside = set(nodes)
        drawn = self._parts(nodes)
        made = {t for node in drawn for t in node.outputs}
        starts = {t: self._origin(t) for node in drawn for t in data_inputs(node) if t not in made}
        leaving = [t for node in nodes for t in node.outputs if self._leaves(t, inside)]
        steps, alias = steps_of(drawn, leaving)
        ends = {alias.get(t, t): outputs.get(t, "out") for t in leaving}
        return lay_out(steps, starts, ends, self.names)

    def _leaves(self, tensor: Tensor, inside: set[Node]) -> bool:
        users = self._graph.users.get(tensor, ())
        return tensor in self._graph.outputs or any(user not in inside for user in users)

    def _origin(self, tensor: Tensor) -> str:
        return tensor.name if isinstance(tensor, Input) else "in"


def _framed(panel: Panel, circuit: Circuit) -> tuple[list[str], tuple[float, float]]:
    below = 18.0 if panel.also else 0.0
    also = _also(panel)
    width = float(ceil(max(circuit.width + 2 * _PAD, head_width([panel.head]), text_width(also, 11.5) + 2 * _PAD)))
    height = BAR + circuit.height + _PAD + below
    body = [*headed(panel.head, width, height), f'<g transform="translate({number(_PAD)} {number(BAR)})">']
    body += [*render_circuit(circuit), "</g>"]
    if also:
        body.append(words(_PAD, height - 10, also, GREY, 11.5))
    return body, (width, height)


def _also(panel: Panel) -> str:
    """Words on the other blocks that a circuit stands for; in a network without names they are told by no name."""
    names = [name for name in dict.fromkeys(panel.also) if name != panel.head.left]
    if names:
        more = len(panel.also) - min(len(names), 3)
        return f"also, at other sizes: {', '.join(names[:3])}" + (f" and {more} more" if more else "")
    return f"also {len(panel.also)} more of the kind at other sizes" if panel.also else ""
