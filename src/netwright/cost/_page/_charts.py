"""The charts of a profile: operators on a roofline, and memory over the run."""

from __future__ import annotations

from collections.abc import Sequence

from netwright._count import counted
from netwright._page import Axis, Canvas, Chart, Key, Point, compact, line_axis, log_axis, quantity
from netwright.cost._amounts import Amounts
from netwright.cost._blocks import NodeCost
from netwright.cost._memory import MemoryPlan
from netwright.cost._page._treemap import KINDS, kind_of
from netwright.cost._roofline import Roof

__all__ = ["memory_chart", "roofline"]

_LOOKS = {
    kind: (symbol, f"origin{number}")
    for kind, symbol, number in zip(
        (*KINDS, "other"), ("ring", "triangle", "square", "plus", "diamond"), (1, 2, 3, 0, 4), strict=True
    )
}
_MOST = 900


def roofline(nodes: Sequence[NodeCost], whole: Amounts, roof: Roof | None, measured_ms: float | None) -> Chart | None:
    """Operators by FLOPs per byte: under a roof by the rate that they can reach, without one by their FLOPs.

    measured_ms: time of a run on the device under the roof; the whole network is then a star. None where nothing
    computes.
    """
    working = [node for node in nodes if node.amounts.flops and node.amounts.traffic]
    if not working:
        return None
    shown = sorted(working, key=lambda node: -node.amounts.flops)[:_MOST]
    places = {id(node): node.amounts.intensity for node in shown}
    heights = {id(node): _height(node.amounts, roof) for node in shown}
    star = whole.flops / measured_ms / 1e6 if measured_ms and roof else None
    x = log_axis("FLOPs per byte of memory traffic", [*places.values(), *([roof.balance] if roof else [])])
    y = log_axis("GFLOP/s in reach" if roof else "FLOPs", [*heights.values(), *([star] if star else [])])
    canvas = Canvas(x, y)
    canvas.grid()
    if roof is not None:
        _draw_roof(canvas, x, y, roof)
    points = [_point(node, places[id(node)], heights[id(node)], roof) for node in shown]
    if star is not None:
        points.append(Point(whole.intensity, star, "star", "winner", f"the network as measured\n{star:.3g} GFLOP/s"))
    canvas.marks(points)
    return Chart(
        "Roofline" if roof else "Work against arithmetic intensity",
        canvas.svg("Operators by arithmetic intensity; the table of hot spots has the largest."),
        _keys(shown, roof, star),
        _notes(shown, working, roof),
    )


def _height(amounts: Amounts, roof: Roof | None) -> float:
    return float(amounts.flops) if roof is None else roof.reachable(amounts.intensity)


def _draw_roof(canvas: Canvas, x: Axis, y: Axis, roof: Roof) -> None:
    corners = [(x.low, roof.reachable(x.low)), (roof.balance, roof.gflops), (x.high, roof.gflops)]
    canvas.line([(place, max(rate, y.low)) for place, rate in corners], "best")


def _point(node: NodeCost, x: float, y: float, roof: Roof | None) -> Point:
    symbol, group = _LOOKS[kind_of(node.operator)]
    costs = node.amounts
    told = f"{quantity('flops', costs.flops)} FLOPs, {quantity('traffic', costs.traffic)}, {x:.3g} FLOPs per byte"
    bound = "" if roof is None else f"\nbound by {'work' if x >= roof.balance else 'memory'}"
    return Point(x, y, symbol, group, f"{node.name}\n{node.operator}: {told}{bound}")


def _keys(shown: Sequence[NodeCost], roof: Roof | None, star: float | None) -> tuple[Key, ...]:
    kinds = {kind_of(node.operator) for node in shown}
    keys = [Key(*_LOOKS[kind], kind) for kind in _LOOKS if kind in kinds]
    keys += [Key("line", "best", "roof")] if roof else []
    keys += [Key("star", "winner", "the network as measured here")] if star else []
    return tuple(keys)


def _notes(shown: Sequence[NodeCost], working: Sequence[NodeCost], roof: Roof | None) -> tuple[str, ...]:
    notes = (
        []
        if len(shown) == len(working)
        else [f"The {counted(len(shown), 'operator')} with the most FLOPs of {len(working)}."]
    )
    if roof is not None:
        notes.append(
            f"Left of {roof.balance:.3g} FLOPs per byte the memory ({roof.bandwidth:g} GB/s) is what limits, right of"
            f" it the arithmetic ({roof.gflops:g} GFLOP/s)."
        )
    return tuple(notes)


def memory_chart(memory: MemoryPlan) -> Chart | None:
    """Bytes of activations that are live while each node runs, in the best order found."""
    if not memory.timeline:
        return None
    x = line_axis("node, in the order of execution", 1, max(len(memory.timeline), 2))
    unit, factor = ("MiB", 2**20) if memory.graph_peak_bytes >= 2**20 else ("KiB", 2**10)
    y = line_axis(f"live activations ({unit})", 0.0, 1.08 * memory.graph_peak_bytes / factor)
    canvas = Canvas(x, y)
    canvas.grid()
    canvas.line([(1, memory.lower_bound / factor), (x.high, memory.lower_bound / factor)], "curve1")
    canvas.line([(i + 1, level / factor) for i, level in enumerate(memory.timeline)], "front", steps=True)
    keys = [Key("line", "front", "best order found"), Key("line", "curve1", "lower bound for every order")]
    peak = quantity("peak_memory", memory.peak_bytes)
    own = quantity("peak_memory", memory.graph_peak_bytes)
    note = f"Peak {peak}; {own} in the order of the model." if memory.peak_bytes < memory.graph_peak_bytes else ""
    proof = "No order needs less." if memory.exact else f"It is not known whether {compact(len(memory.order))} nodes"
    proof += "" if memory.exact else " can be ordered better."
    return Chart("Memory over a run", canvas.svg(f"Peak {peak}."), tuple(keys), tuple(filter(None, (note, proof))))
