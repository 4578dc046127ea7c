"""How parts of a drawing stand to each other: what is a detail of what, what is repeated, and where to cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netwright.graph import Node, Opaque, Parameter
from netwright.io._drawing._blocks_part import Part
from netwright.io._drawing._blocks_text import is_join, kind_of

__all__ = ["absorbs", "between_cuts", "in_order", "leads", "repeats", "sources_of"]

_SHAPING = {"Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast", "Expand"}


def sources_of(parts: Sequence[Part]) -> dict[int, set[int]]:
    """For each part, by its id, the parts that make what it reads."""
    made_by = {t: id(part) for part in parts for t in part.outs}
    return {id(p): {made_by[t] for t in p.ins if t in made_by} - {id(p)} for p in parts}


def in_order(parts: Sequence[Part], before: dict[int, set[int]]) -> tuple[list[Part], list[Part]]:
    """Parts in an order in which each comes after those before it, and the parts left in or behind loops."""
    done: list[Part] = []
    missing = {id(part) for part in parts}
    rest = list(parts)
    while rest:
        index = next((i for i, part in enumerate(rest) if not before[id(part)] & missing), None)
        if index is None:
            break
        missing.discard(id(rest[index]))
        done.append(rest.pop(index))
    return done, rest


def repeats(parts: Sequence[Part], first: int, start: int, period: int) -> bool:
    """Whether the `period` parts from `start` on are made as those from `first` on."""
    inside = start + period <= len(parts)
    return inside and all(parts[first + j].signature == parts[start + j].signature for j in range(period))


def absorbs(host: Part, guest: Part) -> bool:
    """Whether a part is a detail of the one before it, such as the activation of a layer."""
    if host.parts or host.copies or not _is_small(guest):
        return False
    host_kind, guest_kind = kind_of(host.nodes), kind_of(guest.nodes)
    if guest_kind == "normalisation":
        return host_kind in ("convolution", "matmul")
    if guest_kind == "pooling":
        return False
    return host_kind != "join" or not _shapes_only(guest)


def leads(host: Part, guest: Part) -> bool:
    """Whether a part belongs to the one after it, such as the transposition before a layer norm."""
    if guest.parts or guest.copies or not _is_small(host):
        return False
    weighted = kind_of(guest.nodes) in ("convolution", "matmul")
    if len(guest.ins) > 1 and not (weighted and _shapes_only(host)):
        return False
    return _shapes_only(host) or (weighted and kind_of(host.nodes) == "other")


def _is_small(part: Part) -> bool:
    return not part.parts and not part.copies and not any(n.op.macs(n) or _stands_alone(n) for n in part.nodes)


def _stands_alone(node: Node) -> bool:
    """Whether a node that does not multiply is no detail of its neighbour: a join, a table, an unknown operator."""
    table = node.op.name == "Gather" and isinstance(node.inputs[0], Parameter)
    return table or is_join(node) or isinstance(node.op, Opaque)


def _shapes_only(part: Part) -> bool:
    return not part.copies and all(n.op.name in _SHAPING for n in part.nodes)


def between_cuts(parts: Sequence[Part], whole: Part) -> Iterator[list[Part]]:
    """Runs of parts of a whole, cut where a single wire goes on."""
    last_use = {t: i for i, part in enumerate(parts) for t in part.ins}
    last_use |= dict.fromkeys(whole.outs, len(parts))
    run: list[Part] = []
    live = set(whole.ins)
    for i, part in enumerate(parts):
        run.append(part)
        live = {t for t in (*live, *part.outs) if last_use.get(t, -1) > i}
        if len(live) <= 1:
            yield run
            run = []
    if run:
        yield run
