"""Charts of two targets on the same designs: values, ranks, and which options lean to which."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from netwright._count import counted
from netwright._page import WIDTH, Canvas, Chart, Key, Point, fit, label, line_axis, quantity
from netwright.target._rank import SURE, Leaning, RankComparison

__all__ = ["leanings_chart", "ranks_chart", "values_chart"]

Array = NDArray[np.float64]

_LEFT, _ROW, _TOP, _FOOT = 176.0, 24.0, 26.0, 50.0
_LETTERS = 24
"""Of an option's name that fit beside the chart."""


def values_chart(found: RankComparison, apart: Sequence[int]) -> Chart:
    """Each design by its value on both; `apart`: numbers of those that stand out."""
    axes = [fit(name, values.tolist()) for name, values in _sides(found)]
    canvas = Canvas(*axes)
    canvas.grid()
    _marks(canvas, found, apart, lambda number: (float(found.b[number]), float(found.a[number])))
    title = f"{label(found.first)} against {label(found.second)}"
    said = (
        f"{title}, a mark for each of {counted(len(found.designs), 'design')}; rank correlation {found.spearman:.3f}."
    )
    return Chart(title, canvas.svg(said), _keys(found))


def ranks_chart(found: RankComparison, apart: Sequence[int]) -> Chart:
    """The same by rank: where the two agree, a design lies on the diagonal."""
    ends = (0.5, len(found.designs) + 0.5)
    canvas = Canvas(*(line_axis(f"rank by {label(name)}", *ends) for name, _ in _sides(found)))
    canvas.grid()
    canvas.line([(end, end) for end in ends], "curve2")
    first, second = found.ranks
    _marks(canvas, found, apart, lambda number: (float(second[number]), float(first[number])))
    number = counted(len(found.designs), "design")
    said = f"Ranks of {number} on both; a design that they agree about lies on the diagonal."
    keys = (*_keys(found), Key("line", "curve2", "the same rank on both"))
    return Chart("The same by rank, 1 the least", canvas.svg(said), keys)


def leanings_chart(found: RankComparison, shown: Sequence[Leaning]) -> Chart:
    """Mean shift of each option with three standard errors to either side."""
    ends = [100 * (each.shift + side * SURE * each.error) for each in shown for side in (-1, 1)]
    # Room for the numbers at the right end.
    reach = 1.3 * max(map(abs, ends), default=1.0) or 1.0
    axis = line_axis(f"% of all designs that it comes later by {label(found.first)}", -reach, reach)
    height = _TOP + _ROW * len(shown) + _FOOT
    canvas = Canvas(axis, line_axis("", 0.0, 1.0), height=height, left=_LEFT)
    canvas.grid(y_ticks=0)
    canvas.raw(f'<path class="grid" d="M{canvas.across(0):.1f} {_TOP:g}V{height - _FOOT:g}"/>')
    for number, each in enumerate(shown):
        _row(canvas, each, _TOP + _ROW * (number + 0.5))
    keys = (
        Key("triangle", "series1", f"suits {label(found.second)}"),
        Key("square", "series2", f"suits {label(found.first)}"),
        Key("ring", "origin0", "not told apart"),
    )
    note = "Lines reach three standard errors to either side."
    said = "; ".join(f"{_name(each)} {100 * each.shift:+.1f}" for each in shown)
    return Chart(
        "Friendliness of options, wherever they are", canvas.svg(f"Shift in percent: {said}."), keys, (note,)
    )


def _sides(found: RankComparison) -> tuple[tuple[str, Array], tuple[str, Array]]:
    """Name and values of what runs along the x axis and the y axis."""
    return (found.second, found.b), (found.first, found.a)


def _marks(
    canvas: Canvas, found: RankComparison, apart: Sequence[int], place: Callable[[int], tuple[float, float]]
) -> None:
    # Those that stand out are drawn last, over the others.
    order = [*(number for number in range(len(found.designs)) if number not in apart), *apart]
    canvas.marks([_point(found, number, number in apart, *place(number)) for number in order])


def _point(found: RankComparison, number: int, apart: bool, x: float, y: float) -> Point:
    symbol, group = ("ring", "origin0")
    if apart:
        symbol, group = ("triangle", "series1") if found.shifts[number] > 0 else ("square", "series2")
    said = [
        f"{label(name)} {quantity(name, values[number].item())}, rank {ranks[number]:g}"
        for (name, values), ranks in zip(_sides(found)[::-1], found.ranks, strict=True)
    ]
    return Point(x, y, symbol, group, "\n".join(said), number)


def _keys(found: RankComparison) -> tuple[Key, ...]:
    return (
        Key("triangle", "series1", f"come much later by {label(found.first)}"),
        Key("square", "series2", f"come much later by {label(found.second)}"),
        Key("ring", "origin0", "other designs"),
    )


def _row(canvas: Canvas, leaning: Leaning, y: float) -> None:
    low, middle, high = (canvas.across(100 * (leaning.shift + side * SURE * leaning.error)) for side in (-1, 0, 1))
    canvas.raw(f'<path class="line whisker" d="M{low:.1f} {y:.1f}H{high:.1f}"/>')
    symbol, group = ("triangle", "series1") if leaning.shift > 0 else ("square", "series2")
    if not leaning.sure:
        symbol, group = "ring", "origin0"
    canvas.raw(f'<g class="{group}"><use href="#s-{symbol}" x="{middle:.1f}" y="{y:.1f}"/></g>')
    canvas.words(_LEFT - 10, y + 4, _name(leaning), "", "end")
    canvas.words(WIDTH, y + 4, f"{100 * leaning.shift:+.1f}", "", "end")


def _name(leaning: Leaning) -> str:
    path, value = leaning.option
    text = f"{path} = {value}"
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
