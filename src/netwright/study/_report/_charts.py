"""The other charts of a report: costs of the whole space, baselines, learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from netwright._count import counted, plural
from netwright._page import (
    WIDTH,
    Canvas,
    Chart,
    Key,
    Point,
    count,
    count_axis,
    finite,
    fit,
    headed,
    label,
    line_axis,
    percent,
    quantity,
)
from netwright.study._report._chart_axes import FEW, titled

if TYPE_CHECKING:
    from netwright.cost import Limit
    from netwright.space import Histogram
    from netwright.strategy import Objective

__all__ = ["Interval", "curves", "intervals", "space_costs"]

_ROW, _ROWS_TOP, _ROWS_FOOT, _RIGHT = 44.0, 26.0, 50.0, 18.0
_BINS = 60


@dataclass(frozen=True)
class Interval:
    """A measured value of a contestant, with its interval where there is one."""

    name: str
    value: float
    bounds: tuple[float, float] | None
    winner: bool = False


def space_costs(histogram: Histogram, limit: Limit | None, winner: float | None) -> Chart:
    """How many designs of the whole space have which cost, with the limit and the winner."""
    edges, numbers = histogram.bins(_BINS)
    metric, total = histogram.cost, histogram.total
    # As for a metric that gets better: the bars are equally wide, so the axis must not be logarithmic.
    x = fit(metric, [histogram.costs[0], histogram.costs[-1]], better=1)
    x = replace(x, title=f"{x.title}, each bar {quantity(metric, edges[1] - edges[0])} wide")
    canvas = Canvas(x, count_axis("number of designs (logarithmic)", max(numbers)))
    if limit is not None:
        canvas.beyond(limit.low, limit.high)
    canvas.grid()
    titles = [
        f"{quantity(metric, left)} to {quantity(metric, right)}\n"
        f"{count(n)} {plural(n, 'design')}, {percent(Fraction(n, total))}"
        for left, right, n in zip(edges, edges[1:], numbers, strict=False)
    ]
    # Exact counts go beyond the largest float; the axis ends at 1e307, where a bar is cut off.
    heights = [float(min(n, 10**307)) for n in numbers]
    kept = [limit is None or limit.holds((left + right) / 2) for left, right in pairwise(edges)]
    canvas.bars(edges, heights, titles, kept)
    keys = [Key("bar", "bar", "designs within the limit" if limit else "designs")]
    if limit is not None:
        keys += [Key("bar", "bar faint", "designs beyond the limit"), Key("hatch", "", f"excluded by {limit}")]
    if winner is not None and not canvas.x.outside(winner):
        canvas.flag(winner, f"winner: {quantity(metric, winner)}")
        keys.append(Key("star", "winner", "winner"))
    reach = f"from {quantity(metric, histogram.smallest)} to {quantity(metric, histogram.largest)}"
    description = f"Histogram of {label(metric)} over all {count(total)} {plural(total, 'design')}, {reach}."
    return Chart(headed(f"{label(metric)} of all designs"), canvas.svg(description), tuple(keys))


def intervals(rows: Sequence[Interval], objective: Objective) -> Chart | None:
    """Values of contestants under each other, with their intervals; None where there are fewer than two."""
    if len(rows) < 2:
        return None
    ends = [end for row in rows for end in (row.bounds or (row.value, row.value))]
    height = _ROWS_TOP + _ROW * len(rows) + _ROWS_FOOT
    axis = titled(fit(objective.metric, ends), objective)
    canvas = Canvas(axis, line_axis("", 0.0, 1.0), height=height, left=_RIGHT)
    canvas.grid(y_ticks=0)
    best = next((row for row in rows if row.winner), None)
    if best is not None and best.bounds is not None:
        left, right = map(canvas.across, best.bounds)
        canvas.raw(
            f'<rect class="band" x="{left:.1f}" y="26" width="{right - left:.1f}" height="{height - 76:.1f}"/>'
        )
    for i, row in enumerate(rows):
        _row(canvas, row, _ROWS_TOP + _ROW * i + 30, objective.metric)
    keys = [Key("star", "winner", "winner"), Key("dot", "front", "baseline")]
    keys += [Key("line", "whisker", "95 % interval"), Key("bar", "band", "interval of the winner")] if best else []
    said = ", ".join(f"{row.name} {quantity(objective.metric, row.value)}" for row in rows)
    return Chart("Test result against baselines", canvas.svg(f"{label(objective.metric)}: {said}."), tuple(keys))


def curves(epochs: Sequence[Mapping[str, Any]], names: Sequence[str], title: str) -> Chart | None:
    """Values by epoch, a line each; None where no name has two finite values."""
    series = {name: [(float(i), finite(e.get(name))) for i, e in enumerate(epochs, 1)] for name in names}
    lines = {name: [(i, v) for i, v in points if v is not None] for name, points in series.items()}
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return None
    y = fit(next(iter(lines)), [v for points in lines.values() for _, v in points])
    y = replace(y, title="logarithmic" if y.log else "")
    canvas = Canvas(line_axis("epoch", 0.0, float(max(len(epochs), FEW))), y)
    canvas.grid()
    for place, (name, points) in enumerate(lines.items()):
        canvas.line(points, f"curve{place % 3}")
        canvas.marks(
            [Point(i, v, "none", "hidden", f"epoch {i:g}\n{label(name)} {quantity(name, v)}") for i, v in points]
        )
    keys = tuple(Key("line", f"curve{i % 3}", label(name)) for i, name in enumerate(lines))
    ends = ", ".join(f"{label(name)} {quantity(name, points[-1][1])}" for name, points in lines.items())
    return Chart(
        headed(f"{title} by epoch"),
        canvas.svg(f"{title} over {counted(len(epochs), 'epoch')}; at the end {ends}."),
        keys,
    )


def _row(canvas: Canvas, row: Interval, y: float, metric: str) -> None:
    x = canvas.across(row.value)
    if row.bounds is not None:
        low, high = map(canvas.across, row.bounds)
        ends = "".join(f"M{end:.1f} {y - 5:.1f}v10" for end in (low, high))
        canvas.raw(f'<path class="line whisker" d="M{low:.1f} {y:.1f}H{high:.1f}{ends}"/>')
    symbol, group = ("star", "winner") if row.winner else ("dot", "front")
    canvas.raw(f'<g class="{group}"><use href="#s-{symbol}" x="{x:.1f}" y="{y:.1f}"/></g>')
    canvas.words(_RIGHT, y - 14, row.name, "strong" if row.winner else "")
    canvas.words(WIDTH - _RIGHT, y - 14, quantity(metric, row.value), "strong" if row.winner else "", "end")
