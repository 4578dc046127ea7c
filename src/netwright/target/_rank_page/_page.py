"""The page of two targets on the same designs: what its template shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright._page import count, label, percent, quantity, render
from netwright.target._rank import Leaning, RankComparison
from netwright.target._rank_page._charts import leanings_chart, ranks_chart, values_chart

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["rank_page"]

_TEMPLATE = Path(__file__).parent / "rank.html"
_KINDS = 24
"""Options in the chart: the most unfriendly and the most friendly."""
_DRAWN = 3000
"""Designs whose decisions the page holds."""


def rank_page(found: RankComparison, space: Space, *, top: int = 8) -> str:
    """HTML of a comparison of two targets, which holds no link to anything outside of it.

    >>> from netwright.space.catalog import get_space
    >>> from netwright.target import compare_ranks
    >>> space = get_space("nasbench201")
    >>> page = rank_page(compare_ranks(space, "macs", "params", designs=20), space)
    >>> page.startswith("<!doctype html>"), "nasbench201" in page
    (True, True)

    space: of the designs. top: designs and options that are shown of those that stand out.

    Raises MissingExtraError without jinja2.
    """
    apart = found.largest(top)
    kinds = found.kinds()
    shown = kinds if len(kinds) <= _KINDS else [*kinds[: _KINDS // 2], *kinds[-_KINDS // 2 :]]
    charts = [values_chart(found, apart), ranks_chart(found, apart)]
    return render(
        _TEMPLATE,
        {
            "space": space.name,
            "first": label(found.first),
            "second": label(found.second),
            "tiles": _tiles(found, space),
            "charts": charts,
            "leanings": leanings_chart(found, shown) if shown else None,
            "apart": [_row(found, number) for number in apart],
            "decisions": _decisions(found),
            "reduced": [_reduced(found, space, to_first) for to_first in (True, False)],
            "designs": _designs_behind(found),
        },
    )


def _tiles(found: RankComparison, space: Space) -> list[tuple[str, str, str]]:
    agree = float(np.mean(np.abs(found.shifts)))
    return [
        ("rank correlation", f"{found.spearman:.3f}", "Spearman; 1 where both order the designs alike"),
        ("Kendall's tau", f"{found.kendall:.3f}", "pairs ordered alike less those ordered otherwise"),
        ("mean shift of rank", percent(agree), "of all designs, to one side or the other"),
        ("designs", f"{len(found.designs):,}", f"of {count(space.network_size())}"),
    ]


def _row(found: RankComparison, number: int) -> dict[str, Any]:
    first, second = quantity(found.first, found.a[number].item()), quantity(found.second, found.b[number].item())
    ranks = [f"{each[number]:g}" for each in found.ranks]
    shift = 100 * float(found.shifts[number])
    decided = ", ".join(f"{path}={value}" for path, value in found.designs[number].items())
    return {"design": decided, "cells": [first, second, *ranks], "shift": f"{shift:+.0f} %", "value": shift}


def _decisions(found: RankComparison) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """By decision its values from the most unfriendly to the first: value, shift in percent, what it suits."""
    by_path: dict[str, list[Leaning]] = {}
    for each in found.options():
        by_path.setdefault(each.option[0], []).append(each)
    order = sorted(by_path, key=lambda path: -max(abs(each.shift) for each in by_path[path]))
    return [(path, [_chip(each) for each in by_path[path]]) for path in order]


def _chip(leaning: Leaning) -> tuple[str, str, str]:
    side = "" if not leaning.sure else "second" if leaning.shift > 0 else "first"
    return str(leaning.option[1]), f"{100 * leaning.shift:+.1f}", side


def _reduced(found: RankComparison, space: Space, to_first: bool) -> dict[str, Any]:
    """What a space for one of the two can do without, and what that does to the designs compared."""
    dropped = found.unfriendly(to_first=to_first)
    left = found.without(dropped)
    name, values = (found.first, found.a) if to_first else (found.second, found.b)
    whole, part = space.network_size(), found.reduced(space, to_first=to_first).network_size()
    medians = [quantity(name, float(np.median(values[each]))) for each in (slice(None), left) if each]
    return {
        "for": label(name),
        "dropped": [(path, ", ".join(map(str, values))) for path, values in dropped.items()],
        "designs": count(part),
        "of": count(whole),
        "share": percent(part / whole),
        "compared": len(left),
        "medians": medians,
    }


def _designs_behind(found: RankComparison) -> dict[str, Any]:
    """Decisions of the designs by number, as the page's script reads them."""
    paths: dict[str, int] = {}
    designs = {
        str(number): [[paths.setdefault(path, len(paths)) for path in design], [str(v) for v in design.values()]]
        for number, design in enumerate(found.designs[:_DRAWN])
    }
    return {"paths": list(paths), "designs": designs}
