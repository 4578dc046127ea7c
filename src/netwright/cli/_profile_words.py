"""A profile in words: tables that fit a hundred columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from netwright._count import counted
from netwright._page import compact, label, quantity

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from netwright.cost import Amounts, Block, Finding, Profile

__all__ = ["WIDTH", "share", "table", "words"]

WIDTH = 98


def words(document: Mapping[str, Any], taken: Profile, top: int, rows: int) -> RenderableType:
    """The profile for people."""
    from rich.console import Group

    head = [line for each in _head(document, taken) for line in wrap(each, WIDTH, subsequent_indent="    ")]
    parts: list[RenderableType] = [*head, "", _blocks(taken, rows), "", _operators(taken)]
    if top:
        parts += ["", _hot_spots(taken, top)]
        parts += [line for lines in _warnings(taken.findings, top) for line in lines]
    return Group(*parts)


def table(title: str, first: str, *columns: str) -> Table:
    """A table whose first column takes the room that the others leave."""
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=None, pad_edge=False, width=WIDTH, title_style="bold")
    made.add_column(first, ratio=1, no_wrap=True, overflow="ellipsis")
    for column in columns:
        made.add_column(column, justify="right", no_wrap=True)
    return made


def share(part: float, whole: float) -> str:
    """A part of a whole in percent."""
    return f"{100 * part / whole:.1f}" if whole else "-"


def _head(document: Mapping[str, Any], taken: Profile) -> Iterator[str]:
    totals, memory = taken.totals, taken.memory
    inputs = ", ".join(f"{t.name} {_shape(t.shape)} {t.dtype}" for t in taken.graph.inputs)
    yield f"{document['title']}: {inputs}"
    yield (
        f"{quantity('params', totals['params'])} params, {quantity('macs', totals['macs'])} MACs,"
        f" {quantity('flops', totals['flops'])} FLOPs, {compact(totals['alpha_flops'])} alpha-FLOPs,"
        f" {counted(totals['nodes'], 'operator')}"
    )
    yield (
        f"traffic {_bytes(totals['traffic'])} (activations {_by_dtype(totals['activation_bytes_by_dtype'])}; weights"
        f" {_by_dtype(totals['weight_bytes_by_dtype'])}), {totals['intensity']:.3g} FLOPs per byte"
    )
    yield f"peak memory of activations {_bytes(memory.graph_peak_bytes)}{_better_order(taken)}"
    yield from _caches(taken)
    for name, timing in document["latency"].items():
        yield (
            f"latency on {name}: {timing['median_ms']:.3g} ms ({timing['low_ms']:.3g} to {timing['high_ms']:.3g}),"
            f" {timing['how']}"
        )
    for name, told in document["targets"].items():
        for metric, known in told.items():
            ends = [quantity(metric, known[end]) for end in ("low", "high")]
            reach = "" if ends[0] == ends[1] else f" ({ends[0]} to {ends[1]})"
            yield f"{label(metric)} on {name}: {quantity(metric, known['value'])}{reach}, {known['how']}"
    if document["roofline"]:
        roof = document["roofline"]
        yield (
            f"at least {roof['least_ms']:.3g} ms under this roof; {100 * roof['memory_bound_share']:.0f} % of the"
            f" traffic is of operators bound by memory (below {roof['balance']:.3g} FLOPs per byte)"
        )
    if taken.unknown:
        number = counted(len(taken.unknown), "operator")
        yield f"without a known cost, and counted as nothing: {number}, {', '.join(taken.unknown[:5])}"


def _better_order(taken: Profile) -> str:
    memory = taken.memory
    best = memory.exact
    if memory.peak_bytes == memory.graph_peak_bytes:
        return ", and no order needs less" if best else f"; every order needs {_bytes(memory.lower_bound)} or more"
    proof = "the least" if best else f"at least {_bytes(memory.lower_bound)}"
    return f"; {_bytes(memory.peak_bytes)} in the best order found ({proof})"


def _caches(taken: Profile) -> Iterator[str]:
    if taken.caches:
        per_token = sum(cache.bytes_per_token for cache in taken.caches)
        whole, first = sum(cache.bytes for cache in taken.caches), taken.caches[0]
        yield (
            f"key-value cache {_bytes(per_token)} a token ({counted(len(taken.caches), 'causal attention')} of"
            f" {counted(first.heads, 'head')}, {first.kv_heads} of keys), {_bytes(whole)} at"
            f" {counted(first.length, 'token')}; decoding at {first.intensity:.3g} FLOPs per byte"
        )


def _blocks(taken: Profile, rows: int) -> Table:
    from netwright.cost import opened

    whole = taken.total
    made = table("By block", "block", "copies", "output", "params", "MACs", "% FLOPs", "traffic", "FLOPs/B")

    def weight(block: Block) -> float:
        return block.amounts.flops / (whole.flops or 1) + block.amounts.traffic / (whole.traffic or 1)

    for depth, block in opened(taken.tree, rows, weight):
        copies = f"x {block.count}" if block.count > 1 else ""
        made.add_row("  " * depth + block.name, copies, _shape(block.shape), *_cells(block.amounts, whole))
    made.add_row("total", "", "", *_cells(whole, whole))
    return made


def _operators(taken: Profile) -> Table:
    made = table("By operator", "operator", "number", "params", "MACs", "% FLOPs", "traffic", "FLOPs/B")
    for row in taken.operators:
        made.add_row(row.operator, f"{row.count:,}", *_cells(row.amounts, taken.total))
    return made


def _hot_spots(taken: Profile, top: int) -> Table:
    made = table("Hot spots", "node", "output", "MACs", "% FLOPs", "traffic", "% traffic", "FLOPs/B")
    for node in taken.hot_spots(top):
        costs = node.amounts
        made.add_row(
            node.name,
            _shape(node.shape),
            quantity("macs", costs.macs),
            share(costs.flops, taken.total.flops),
            _bytes(costs.traffic),
            share(costs.traffic, taken.total.traffic),
            f"{costs.intensity:.3g}",
        )
    return made


def _cells(costs: Amounts, whole: Amounts) -> tuple[str, ...]:
    return (
        quantity("params", costs.params),
        quantity("macs", costs.macs),
        share(costs.flops, whole.flops),
        _bytes(costs.traffic),
        f"{costs.intensity:.3g}",
    )


def _warnings(findings: Sequence[Finding], top: int) -> Iterator[list[str]]:
    from netwright.cost import by_operator

    if not findings:
        return
    yield ["", "Warnings (ShuffleNet V2 guidelines; savings are of memory traffic and do not add up)"]
    for rule, group in by_operator(findings)[:top]:
        first = group[0]
        saved, percent = sum(f.saved for f in group), 100 * sum(f.share for f in group)
        yield [f"{rule}: {len(group)} x {first.operator}, {_bytes(saved)} ({percent:.1f} %) could be saved"]
        told = f"{first.layer}: {first.found}; saves {_bytes(first.saved)}"
        yield wrap(told, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False)


def _by_dtype(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{_bytes(size)} {dtype}" for dtype, size in sizes.items()) or "none"


def _bytes(number: float) -> str:
    return quantity("traffic", number)


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
