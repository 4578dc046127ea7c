"""The page of a profile: what its template shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netwright._page import quantity, render, safe_drawing
from netwright.cost._amounts import Amounts
from netwright.cost._blocks import Block, opened
from netwright.cost._guidelines import by_operator
from netwright.cost._page._charts import memory_chart, roofline
from netwright.cost._page._treemap import KINDS, treemap
from netwright.cost._profile import Profile
from netwright.cost._roofline import Roof

__all__ = ["profile_page"]

_TEMPLATE = Path(__file__).parent / "profile.html"
_MAPS = (("macs", "MACs"), ("params", "parameters"), ("traffic", "memory traffic"))
_ROWS = 40


def profile_page(
    found: Profile,
    title: str,
    *,
    batch: int = 1,
    latency: Mapping[str, Mapping[str, Any]] | None = None,
    roof: Roof | None = None,
    top: int = 10,
) -> str:
    """HTML of a profile, which holds no link to anything outside of it and runs no script but its own.

    >>> from netwright.blocks import conv
    >>> from netwright.cost import profile
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> page = profile_page(profile(Graph([x], [conv(x, 16)])), "one layer")
    >>> page.startswith("<!doctype html>"), "one layer" in page
    (True, True)

    latency: by target, with `median_ms`, `low_ms`, `high_ms` and, in words, `how` it is known.
    top: number of hot spots.

    Raises MissingExtraError without jinja2.
    """
    from netwright.io import draw

    measured = dict(latency or {})
    here = measured.get("here", {}).get("median_ms")
    whole = found.total
    return render(
        _TEMPLATE,
        {
            "title": title,
            "inputs": ", ".join(f"{t.name} {_shape(t.shape)} {t.dtype}" for t in found.graph.inputs),
            "batch": batch,
            "tiles": _tiles(found, measured),
            "maps": [_map(found, key, label) for key, label in _MAPS if getattr(whole, key)],
            "kinds": [(kind, kind.partition(" ")[0]) for kind in (*KINDS, "other")],
            "roofline": roofline(found.nodes, whole, roof, here),
            "memory": memory_chart(found.memory),
            "blocks": [_block_row(depth, block, whole) for depth, block in _opened(found)],
            "operators": [(row.operator, row.count, _cells(row.amounts, whole)) for row in found.operators],
            "hot": [(n.name, n.operator, _shape(n.shape), _cells(n.amounts, whole)) for n in found.hot_spots(top)],
            "warnings": [_warning(rule, group) for rule, group in by_operator(found.findings)],
            "caches": found.caches,
            "unknown": found.unknown,
            "drawing": safe_drawing(draw(found.graph, title=title)),
        },
    )


def _tiles(found: Profile, latency: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    whole, totals, memory = found.total, found.totals, found.memory
    order = "no order needs less" if memory.exact else f"at least {quantity('traffic', memory.lower_bound)}"
    tiles = [
        ("parameters", quantity("params", whole.params), f"{quantity('traffic', whole.weight_bytes)} of weights"),
        ("MACs", quantity("macs", whole.macs), f"{quantity('flops', whole.flops)} FLOPs"),
        ("memory traffic", quantity("traffic", whole.traffic), f"{whole.intensity:.3g} FLOPs per byte"),
        ("peak memory", quantity("peak_memory", memory.peak_bytes), order),
        ("alpha-FLOPs", quantity("flops", totals["alpha_flops"]), "corrected for parallel hardware"),
    ]
    tiles += [(f"latency {name}", f"{t['median_ms']:.3g} ms", _known(t)) for name, t in latency.items()]
    return [{"name": name, "value": value, "detail": detail} for name, value, detail in tiles]


def _known(latency: Mapping[str, Any]) -> str:
    """Interval of a latency and, in short, how it is known."""
    how, _, _ = str(latency.get("how", "")).partition(";")
    return ", ".join(filter(None, (f"{latency['low_ms']:.3g} to {latency['high_ms']:.3g} ms", how)))


def _map(found: Profile, key: str, label: str) -> tuple[str, str, str]:
    def weight(block: Block) -> float:
        return float(getattr(block.amounts, key))

    return key, label, treemap(found.tree, weight, lambda value: quantity(key, value), label)


def _opened(found: Profile) -> list[tuple[int, Block]]:
    whole = found.total
    return opened(
        found.tree,
        _ROWS,
        lambda b: b.amounts.flops / (whole.flops or 1) + b.amounts.traffic / (whole.traffic or 1),
    )


def _block_row(depth: int, block: Block, whole: Amounts) -> dict[str, Any]:
    return {
        "depth": depth,
        "name": block.name,
        "copies": f"× {block.count}" if block.count > 1 else "",
        "shape": _shape(block.shape),
        "cells": _cells(block.amounts, whole),
    }


def _cells(costs: Amounts, whole: Amounts) -> list[tuple[str, float]]:
    """Words and value of each column of costs."""
    share = costs.flops / whole.flops if whole.flops else 0.0
    return [
        (quantity("params", costs.params), costs.params),
        (quantity("macs", costs.macs), costs.macs),
        (f"{100 * share:.1f}", share),
        (quantity("traffic", costs.traffic), costs.traffic),
        (f"{costs.intensity:.3g}", costs.intensity),
    ]


def _warning(rule: str, group: Sequence[Any]) -> dict[str, str]:
    return {
        "rule": rule,
        "operator": f"{len(group)} × {group[0].operator}",
        "saved": quantity("traffic", sum(f.saved for f in group)),
        "share": f"{100 * sum(f.share for f in group):.1f} %",
        "first": f"{group[0].layer}: {group[0].found}",
    }


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "scalar"
