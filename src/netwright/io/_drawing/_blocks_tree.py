"""What a drawing shows: a network as a tree of parts, small operators absorbed and repeats folded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from math import ceil

from netwright.graph import Graph, Node, Tensor
from netwright.io._drawing._blocks_part import Part
from netwright.io._drawing._blocks_rules import absorbs, between_cuts, in_order, leads, repeats, sources_of
from netwright.io._drawing._blocks_text import data_inputs, is_join, operator_name

__all__ = ["build_tree"]

_LONGEST_PERIOD = 8

_FEW = 12


class _Builder:
    """Makes parts of one graph; knows who reads what."""

    def __init__(self, graph: Graph, budget: int | None) -> None:
        self._graph = graph
        self._budget = budget
        self._position = {id(node): i for i, node in enumerate(graph.nodes)}

    def part(self, name: str, nodes: Iterable[Node], parts: Sequence[Part] = ()) -> Part:
        ordered = tuple(sorted(nodes, key=lambda n: self._position[id(n)]))
        inside = set(map(id, ordered))
        ins = {t: None for n in ordered for t in data_inputs(n) if t.node is None or id(t.node) not in inside}
        outs = [t for n in ordered for t in n.outputs if self._leaves(t, inside)]
        return Part(name, ordered, tuple(ins), tuple(outs), tuple(parts))

    def _leaves(self, tensor: Tensor, inside: set[int]) -> bool:
        readers = self._graph.users.get(tensor, ())
        return tensor in self._graph.outputs or any(id(reader) not in inside for reader in readers)

    def tree(self) -> Part:
        root = self._container("", [(self._graph.scope_of(node), node) for node in self._graph.nodes])
        while len(root.parts) == 1 and root.parts[0].parts and not root.parts[0].copies:
            root = root.parts[0]
        return root

    def _container(self, name: str, items: Sequence[tuple[tuple[str, ...], Node]]) -> Part:
        """Part of the nodes of one scope; paths are relative to it."""
        members: dict[object, list[tuple[tuple[str, ...], Node]]] = {}
        for path, node in items:
            members.setdefault(path[0] if path else node, []).append((path[1:], node))
        parts = [
            self.part(operator_name(key), [key])
            if isinstance(key, Node)
            else self._container(_named(name, key), inside)
            for key, inside in members.items()
        ]
        return self._group(name, [node for _, node in items], self._simplified(parts))

    def _group(self, name: str, nodes: Iterable[Node], parts: Sequence[Part]) -> Part:
        if len(parts) != 1:
            return self.part(name, nodes, parts)
        only = parts[0]
        if not name:
            return self.part(name, nodes, parts)
        if only.name.startswith(f"{name}."):
            return only
        inner = only.parts and (not only.copies or "." in only.name)
        return replace(only, name=f"{name}.{only.name}" if inner else name)

    def _simplified(self, parts: list[Part]) -> list[Part]:
        return self._regrouped(self._folded(self._absorbed(self._untangled(parts))), self._budget)

    def _regrouped(self, parts: list[Part], most: int | None) -> list[Part]:
        for regroup in (self._segments, self._by_size, self._chunks):
            if most is not None and len(parts) > most:
                parts = self._folded(regroup(parts))
        return parts

    # Scopes that do not nest with the flow of data ------------------------------------------------

    def _untangled(self, parts: list[Part]) -> list[Part]:
        """Parts in an order of execution, those that wait for each other replaced by what they are made of."""
        while True:
            before = sources_of(parts)
            ordered, stuck = in_order(parts, before)
            if not stuck:
                return ordered
            # What only comes after a loop is stuck too; sorting backwards leaves those parts out.
            after: dict[int, set[int]] = {i: set() for i in before}
            for reader, sources in before.items():
                for source in sources:
                    after[source].add(reader)
            loops = set(map(id, in_order(stuck, after)[1]))
            opened = [p for part in parts for p in (self._pieces(part) if id(part) in loops else [part])]
            parts = sorted(opened, key=lambda p: self._position[id(p.nodes[0])])

    def _pieces(self, part: Part) -> list[Part]:
        if len(part.all_nodes) == 1:
            return [part]
        if part.copies:
            return list(part.copies)
        return list(part.parts) or [self.part(operator_name(node), [node]) for node in part.nodes]

    # Small operators ------------------------------------------------------------------------------

    def _absorbed(self, parts: list[Part]) -> list[Part]:
        """Activations, normalisations after a layer and changes of shape go into the part that they follow."""
        kept: dict[int, Part] = {}
        place: dict[Tensor, int] = {}
        for i, part in enumerate(parts):
            at = list(dict.fromkeys(place[t] for t in part.ins if t in place))
            hosts = {j: kept[j] for j in at if self._only_reader(kept[j], part)}
            if len(hosts) == 1 and kept[at[0]].outs == part.ins and absorbs(kept[at[0]], part):
                i, made = at[0], self.part(kept[at[0]].name, kept[at[0]].nodes + part.nodes)
            else:
                leading = [j for j, host in hosts.items() if leads(host, part)]
                before = [node for j in leading for node in kept.pop(j).nodes]
                made = self.part(part.name, [*before, *part.nodes]) if leading else part
            kept[i] = made
            place.update(dict.fromkeys(made.outs, i))
        return [kept[i] for i in sorted(kept)]

    def _only_reader(self, source: Part, reader: Part) -> bool:
        """Whether nothing but `reader` needs the only output of `source`."""
        if len(source.outs) != 1 or source.outs[0] in self._graph.outputs:
            return False
        inside = set(map(id, reader.all_nodes))
        return all(id(node) in inside for node in self._graph.users.get(source.outs[0], ()))

    # Repeats --------------------------------------------------------------------------------------

    def _folded(self, parts: list[Part]) -> list[Part]:
        for period in range(1, _LONGEST_PERIOD + 1):
            parts = self._folded_with(parts, period)
        return parts

    def _folded_with(self, parts: list[Part], period: int) -> list[Part]:
        """Equal runs of `period` parts in a row, each reading only the one before, become one part."""
        result: list[Part] = []
        i = 0
        while i < len(parts):
            if not repeats(parts, i, i + period, period):
                result.append(parts[i])
                i += 1
                continue
            copies = [self._window(parts[i : i + period])]
            while self._goes_on(parts, i, i + period * len(copies), period, copies[-1]):
                copies.append(self._window(parts[i + period * len(copies) :][:period]))
            if len(copies) > 1:
                result.append(replace(copies[0], outs=copies[-1].outs, copies=tuple(copies), name=_run_name(copies)))
                i += period * len(copies)
            else:
                result.append(parts[i])
                i += 1
        return result

    def _window(self, parts: list[Part]) -> Part:
        if len(parts) == 1 and not parts[0].copies:
            return parts[0]
        name = " + ".join(p.name for p in parts) if len(parts) <= 3 else f"{parts[0].name} … {parts[-1].name}"
        return self.part(name, [n for p in parts for n in p.all_nodes], parts)

    def _goes_on(self, parts: list[Part], first: int, start: int, period: int, last: Part) -> bool:
        if not repeats(parts, first, start, period):
            return False
        after = self._window(parts[start : start + period])
        changed = [t for old, t in zip(last.ins, after.ins, strict=False) if old is not t]
        return self._only_reader(last, after) and changed == list(last.outs) and last.signature == after.signature

    # Networks with too many parts in one scope ----------------------------------------------------

    def _joined(self, runs: Iterable[Sequence[Part]]) -> list[Part]:
        """Each run as one part; a run that has many parts is grouped in turn."""
        joined = []
        for run in runs:
            inside = [n for p in run for n in p.all_nodes]
            parts = self._chunks(list(run)) if len(run) > _FEW else list(run)
            joined.append(run[0] if len(run) == 1 else self.part(_run_of(run), inside, parts))
        return joined

    def _segments(self, parts: list[Part]) -> list[Part]:
        """Cut where a single wire connects what is above with what is below."""
        return self._joined(between_cuts(parts, self._window(parts)))

    def _by_size(self, parts: list[Part]) -> list[Part]:
        """Neighbours that work at one resolution (or width) together."""
        return self._joined([list(run) for _, run in groupby(parts, key=_size)])

    def _chunks(self, parts: list[Part]) -> list[Part]:
        """A dozen pieces; a stretch of an order of execution never waits for itself."""
        size = ceil(len(parts) / _FEW)
        return self._joined([parts[i : i + size] for i in range(0, len(parts), size)])


def build_tree(graph: Graph, budget: int | None) -> Part:
    """The network as a tree of parts; with a budget, no part is made of more parts than that.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> x = image(8, 8, 8)
    >>> tree = build_tree(Graph([x], [conv(conv(x, 8), 8)]), 40)
    >>> [(part.name, part.count) for part in tree.parts]
    [('conv … 1', 2)]
    """
    return _Builder(graph, budget).tree()


def _named(parent: str, key: object) -> str:
    """Name of a scope; a number says nothing without the name of the list that it counts in."""
    return f"{parent.rpartition('.')[2]}.{key}" if parent and str(key).isdigit() else str(key)


def _run_name(copies: Sequence[Part]) -> str:
    """`block … 11` for parts named `block` to `block_11`, `blocks.2 … 5` for `blocks.2` to `blocks.5`."""
    first, last = copies[0].name, copies[-1].name
    if first == last or (copies[0].parts and " + " in first):
        return first
    listed, _, number = last.rpartition(".")
    if listed and number.isdigit() and first.startswith(f"{listed}."):
        return f"{first} … {number}"
    base, _, number = last.rpartition("_")
    return f"{first} … {number if base and first.startswith(base) else last}"


def _size(part: Part) -> tuple[int, ...]:
    shape = part.outs[0].shape if part.outs else ()
    return shape[2:] or shape


def _run_of(run: Sequence[Part]) -> str:
    """Name for neighbours that stand in no scope of their own."""
    if len(run) > _FEW:
        return f"{len(run)} parts"
    names = {"Add": "residual", "Sum": "residual", "Concat": "branches", "Mul": "gate"}
    join = next((n for n in reversed(run[-1].nodes) if is_join(n)), None)
    return names.get(join.op.name, "segment") if join else "segment"
