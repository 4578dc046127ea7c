"""The parts of charts: a frame with axes, marks, lines, shaded regions, all as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from netwright._page._axes import Axis

__all__ = ["HEIGHT", "SYMBOLS", "WIDTH", "Canvas", "Chart", "Key", "Point", "icon", "symbols"]

WIDTH, HEIGHT = 560.0, 350.0
"""Pixels of a chart in its own coordinates; the page scales it to its column."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 18.0, 26.0, 50.0

SYMBOLS = {
    "dot": '<circle r="4.6"/>',
    "ring": '<circle r="3.6" class="hollow"/>',
    "triangle": '<path d="M0-4.6 4.4 3.4H-4.4Z" class="hollow"/>',
    "square": '<path d="M-3.4-3.4H3.4V3.4H-3.4Z" class="hollow"/>',
    "diamond": '<path d="M0-4.8 4.8 0 0 4.8-4.8 0Z" class="hollow"/>',
    "plus": '<path d="M0-4.4V4.4M-4.4 0H4.4" class="hollow"/>',
    "cross": '<path d="M-3.4-3.4 3.4 3.4M-3.4 3.4 3.4-3.4" class="hollow"/>',
    "tick": '<path d="M0-8V0" class="hollow"/>',
    "none": '<circle r="6" class="ghost"/>',
    "star": '<path d="M0-9.5 2.5-3.1 9.3-2.9 4 1.4 5.8 8 0 4.2-5.8 8-4 1.4-9.3-2.9-2.5-3.1Z" class="outlined"/>',
}
"""Marks by name. Kinds of trials differ in shape as well as in colour."""


@dataclass(frozen=True)
class Point:
    """A mark in a chart; `trial` ties it to the design that the page shows beside it."""

    x: float
    y: float
    symbol: str
    group: str
    title: str
    trial: int | None = None


@dataclass(frozen=True)
class Key:
    """A line of a legend."""

    symbol: str
    group: str
    words: str


@dataclass(frozen=True)
class Chart:
    """A finished chart: SVG text that is safe to stand in a page, its legend, and what a reader must know of it."""

    title: str
    svg: str
    keys: tuple[Key, ...] = ()
    notes: tuple[str, ...] = ()


class Canvas:
    """A chart in the making. Places are values of the axes; all words are escaped here and nowhere else."""

    def __init__(self, x: Axis, y: Axis, *, height: float = HEIGHT, left: float = _LEFT) -> None:
        self.x, self.y, self._height, self._left = x, y, height, left
        self._parts: list[str] = []

    def across(self, value: float) -> float:
        """Pixel of a value of the x axis."""
        return self._left + self.x.at(value) * (WIDTH - self._left - _RIGHT)

    def up(self, value: float) -> float:
        """Pixel of a value of the y axis."""
        return self._height - _BOTTOM - self.y.at(value) * (self._height - _TOP - _BOTTOM)

    def grid(self, *, x_ticks: int = 5, y_ticks: int = 5) -> None:
        """Draw the grid, the ticks and the titles of both axes."""
        foot = self._height - _BOTTOM
        lines, words = [], []
        for place, text in self.y.ticks(y_ticks) if y_ticks else ():
            y = foot - place * (foot - _TOP)
            lines.append(f"M{self._left:g} {_n(y)}H{WIDTH - _RIGHT:g}")
            words.append(_text(self._left - 8, y + 4, text, anchor="end"))
        for place, text in self.x.ticks(x_ticks):
            x = self._left + place * (WIDTH - self._left - _RIGHT)
            lines.append(f"M{_n(x)} {_n(foot)}v5")
            words.append(_text(x, foot + 19, text, anchor="middle"))
        words.append(_text((WIDTH + self._left - _RIGHT) / 2, self._height - 8, self.x.title, "axis", "middle"))
        words.append(_text(8, 14, self.y.title, "axis"))
        self._parts += [
            f'<path class="grid" d="{"".join(lines)}M{self._left:g} {_n(foot)}H{WIDTH - _RIGHT:g}"/>',
            *words,
        ]

    def beyond(self, low: float | None, high: float | None, *, on_x: bool = True) -> None:
        """Hatch what is outside of the limits on one axis."""
        axis, hatch = (self.x, self._hatch) if on_x else (self.y, self._hatch_level)
        if low is not None and low > axis.low:
            hatch(low, axis.low)
        if high is not None and high < axis.high:
            hatch(high, axis.high)

    def _hatch(self, bound: float, end: float) -> None:
        left, right = sorted((self.across(bound), self.across(end)))
        edge, foot = self.across(bound), self._height - _BOTTOM
        self._rect(left, _TOP, right - left, foot - _TOP)
        self._parts.append(f'<path class="bound" d="M{_n(edge)} {_TOP:g}V{_n(foot)}"/>')

    def _hatch_level(self, bound: float, end: float) -> None:
        top, bottom = sorted((self.up(bound), self.up(end)))
        self._rect(self._left, top, WIDTH - self._left - _RIGHT, bottom - top)
        self._parts.append(f'<path class="bound" d="M{self._left:g} {_n(self.up(bound))}H{WIDTH - _RIGHT:g}"/>')

    def _rect(self, x: float, y: float, width: float, height: float) -> None:
        place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
        self._parts.append(f'<rect class="beyond" {place}/>')

    def bars(
        self, edges: Sequence[float], heights: Sequence[float], titles: Sequence[str], kept: Sequence[bool]
    ) -> None:
        """Draw a bar for each height above zero; bars that are not `kept` are faint."""
        foot = self._height - _BOTTOM
        for left, right, height, title, keep in zip(edges, edges[1:], heights, titles, kept, strict=False):
            if height <= 0:
                continue
            x, width, y = self.across(left), max(self.across(right) - self.across(left) - 0.7, 0.8), self.up(height)
            place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(foot - y)}"'
            kind = "bar" if keep else "bar faint"
            self._parts.append(f'<rect class="{kind}" data-m {place}><title>{escape(title)}</title></rect>')

    def line(self, places: Sequence[tuple[float, float]], kind: str, *, steps: bool = False) -> None:
        """Draw a line through places, or level steps from each place to the next."""
        if not places:
            return
        pixels = [(_n(self.across(x)), _n(self.up(y))) for x, y in places]
        to = "H{0}V{1}" if steps else "L{0} {1}"
        path = "M{} {}".format(*pixels[0]) + "".join(to.format(*pixel) for pixel in pixels[1:])
        self._parts.append(f'<path class="line {kind}" d="{path}"/>')

    def marks(self, points: Sequence[Point]) -> None:
        """Draw points, those of one group together, in the order of the groups' first points."""
        groups: dict[str, list[Point]] = {}
        for point in points:
            groups.setdefault(point.group, []).append(point)
        for group, members in groups.items():
            self._parts.append(f'<g class="{group}">')
            self._parts += [self._mark(point) for point in members]
            self._parts.append("</g>")

    def _mark(self, point: Point) -> str:
        trial = "" if point.trial is None else f'="{point.trial}"'
        place = f'x="{_n(self.across(point.x))}" y="{_n(self.up(point.y))}"'
        return f'<use href="#s-{point.symbol}" data-m{trial} {place}><title>{escape(point.title)}</title></use>'

    def flag(self, x: float, words: str) -> None:
        """Mark a value of the x axis with a line, a star at its top and words beside it."""
        place = self.across(x)
        right = place > WIDTH * 0.6
        self._parts.append(
            f'<path class="flag" d="M{_n(place)} {_TOP + 8:g}V{_n(self._height - _BOTTOM)}"/>'
            f'<g class="winner"><use href="#s-star" x="{_n(place)}" y="{_TOP + 4:g}"/></g>'
        )
        self._parts.append(
            _text(place + (-14 if right else 14), _TOP + 8, words, "strong", "end" if right else "start")
        )

    def words(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        """Write at pixels."""
        self._parts.append(_text(x, y, words, kind, anchor))

    def raw(self, part: str) -> None:
        """Add SVG text made of numbers only."""
        self._parts.append(part)

    def svg(self, description: str) -> str:
        """The chart as one SVG element, with a description for those who do not see it."""
        return (
            f'<svg class="chart" viewBox="0 0 {WIDTH:g} {self._height:g}" role="img"'
            f' aria-label="{escape(description)}">{"".join(self._parts)}</svg>'
        )


def symbols() -> str:
    """Definitions that all charts of a page share: the marks, and the hatching outside of limits."""
    marks = "".join(f'<g id="s-{name}">{shape}</g>' for name, shape in SYMBOLS.items())
    hatch = (
        '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path class="hatch" d="M0 0V7"/></pattern>'
    )
    # Not display:none: patterns of an SVG that is not rendered at all are not painted by every browser.
    return f'<svg class="defs" width="0" height="0" aria-hidden="true"><defs>{marks}{hatch}</defs></svg>'


def icon(key: Key) -> str:
    """A legend's mark: a symbol, a short line, or a hatched patch."""
    if key.symbol in SYMBOLS:
        drop = 18 if key.symbol == "tick" else 13
        inner = f'<g class="{key.group}"><use href="#s-{key.symbol}" x="14" y="{drop}"/></g>'
    elif key.symbol == "hatch":
        inner = '<rect class="beyond" x="2" y="5" width="24" height="16"/>'
    elif key.symbol == "line":
        inner = f'<path class="line {key.group}" d="M1 13H27"/>'
    else:
        inner = f'<rect class="{key.group}" x="5" y="5" width="18" height="16"/>'
    return f'<svg class="key" viewBox="0 0 28 26" aria-hidden="true">{inner}</svg>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    style += f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{style}>{escape(words)}</text>'


def _n(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")
