"""How many distinct networks a space has: designs counted up to equality of what they compute."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import cast

from netwright.graph import Graph, Input, Tensor, canonical_hash
from netwright.space._bundle import tensors
from netwright.space._compile import Bundle, Compiler, Contexts, FlowType, TensorType, tensors_of
from netwright.space._design import Design, Value
from netwright.space._expression import Builder
from netwright.space._forest import Leaf
from netwright.space._given import Given
from netwright.space._space import Space
from netwright.space._tie import Tied

__all__ = ["block_graphs", "distinct_networks"]

TRIAL = 64
"""Networks hashed to tell how long all of them take."""
MANY = 2000
"""Designs from which on more processes pay."""
CHUNK = 256


def distinct_networks(space: Space, *, seconds: float | None = None, workers: int = 1) -> int | None:
    """Number of distinct networks under the canonical form; None when `seconds` are not enough to enumerate them.

    >>> from netwright.blocks import conv, skip
    >>> from netwright.graph import image
    >>> from netwright.space import oneof, seq
    >>> layer = oneof(conv(4), skip())
    >>> space = Space(seq(conv(4), layer, layer), input=image(3, 8, 8))
    >>> space.size(), distinct_networks(space)
    (4, 3)

    The first networks tell how long all will take, so that a large space is given up at once. Where a tied part
    stands in the same contexts in every design, designs whose part is equal in each context are equal as a whole, so
    that only one of them is built. workers: processes to share the work between; it pays from some thousand designs.
    """
    total = space.network_size()
    workers = workers if total >= MANY else 1
    started = time.perf_counter()
    found = {canonical_hash(space.network(space.design_at(i))) for i in range(0, total, -(-total // TRIAL))}
    spent = (time.perf_counter() - started) / min(TRIAL, total)
    # Numbers of designs beyond the reach of floats can be compared with one, but not multiplied.
    if seconds is not None and total > workers * seconds / spent:
        return None
    if workers == 1:
        numbers = _representatives(_keys(space, 0, total))
        return len(found | {canonical_hash(space.network(space.design_at(i))) for i in numbers})
    steps = [*range(0, total, CHUNK), total]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_hold, initargs=(space,)) as pool:
        keys = (key for part in pool.map(_held_keys, steps[:-1], steps[1:]) for key in part)
        numbers = _representatives(keys)
        parts = [numbers[i : i + CHUNK] for i in range(0, len(numbers), CHUNK)]
        return len(found.union(*pool.map(_held_hashes, parts)))


def _representatives(keys: Iterable[object]) -> list[int]:
    """Number of the first design with each key."""
    first: dict[object, int] = {}
    for number, key in enumerate(keys):
        first.setdefault(key, number)
    return list(first.values())


_HELD: list[Space] = []
"""The space of a worker process, sent once; empty in any other process."""


def _hold(space: Space) -> None:
    _HELD[:] = [space]


def _held_keys(start: int, stop: int) -> list[object]:
    return list(_keys(_HELD[0], start, stop))


def _held_hashes(numbers: list[int]) -> set[str]:
    space = _HELD[0]
    return {canonical_hash(space.network(space.design_at(i))) for i in numbers}


def _keys(space: Space, start: int, stop: int) -> Iterator[object]:
    """For each design something that only equal networks share; cheaper than their canonical hashes."""
    contexts = _tied_contexts(space)
    ties = {e.key: e.decisions for e in space.expression.walk() if isinstance(e, Tied)}
    builder = Builder({})
    for number in range(start, stop):
        design = space.design_at(number)
        if not contexts:
            yield number
            continue
        builder.decisions = design
        hashes = [_part_hash(builder, ties[key], kind) for key, kinds in contexts.items() for kind in kinds]
        yield (*hashes, *_outside(design, contexts))


def _tied_contexts(space: Space) -> dict[str, tuple[tuple[FlowType, Given], ...]]:
    """Types that flow into each tied part by its key, and what it is given; empty where decisions change them."""
    if len(space.inputs) > 1:
        return {}
    tensor = next(iter(space.inputs.values()))
    compiler, contexts = Compiler(largest=space.largest), Contexts((TensorType(tensor.shape, tensor.dtype),))
    outcomes = list(compiler.compile(space.expression, contexts))
    if len({outcome.uses for outcome in outcomes}) != 1 or any(tie.body.ties() for tie in compiler.ties):
        return {}
    found: dict[str, tuple[tuple[FlowType, Given], ...]] = {}
    for (number, into, _, given), _ in outcomes[0].uses:
        key = compiler.ties[number].key
        found[key] = (*found.get(key, ()), (into, given))
    return found


def _part_hash(builder: Builder, tie: Tied, context: tuple[FlowType, Given]) -> str:
    kind, given = context
    xs, builder.given = [Input(t.shape, t.dtype) for t in tensors_of(kind)], dict(given)
    y = tie.build(builder, cast(Tensor, tuple(xs)) if isinstance(kind, Bundle) else xs[0], "")
    return canonical_hash(Graph(xs, tensors(y)))


def _outside(design: Design, contexts: Mapping[str, object]) -> list[tuple[str, Value]]:
    """Decisions that belong to no tied part."""
    return [item for item in design.items() if item[0] not in contexts and item[0].split(".")[0] not in contexts]


def block_graphs(space: Space) -> list[Graph]:
    """Graphs of all blocks of a space, each with the input shape that it meets there.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import oneof, seq
    >>> len(block_graphs(Space(seq(conv(4), conv(oneof(4, 8))), input=image(3, 8, 8))))
    3
    """
    leaves = (node for node in space.forest.nodes if isinstance(node, Leaf))
    return list(dict.fromkeys(graph for leaf in leaves for graph, _ in leaf.graphs))
