"""A laid-out drawing as SVG text: no style sheet, no script, no marker, so that it can stand inside any page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape as _escape

from netwright.io._draw_layout import Item, Layout, Wire

__all__ = [
    "BAR",
    "LABEL",
    "PAD",
    "STACK",
    "Box",
    "Frame",
    "Line",
    "Pill",
    "Sheet",
    "fitted",
    "head_width",
    "render",
    "text_width",
]

COLOURS = {
    "convolution": ("#d8e7fb", "#3b7dd8"),
    "matmul": ("#e7defa", "#7c56c9"),
    "pooling": ("#fde5cc", "#d9822b"),
    "join": ("#d6f0dd", "#3a9a5b"),
    "normalisation": ("#fbf1c7", "#b4951a"),
    "other": ("#e7eaee", "#7b8794"),
}
LEGEND = {
    "convolution": "convolution", "matmul": "linear, attention", "pooling": "pooling, reduction", "join": "join",
    "normalisation": "normalisation", "other": "other",
}  # fmt: skip
# Boxes carry their own light ground under dark ink; all that stands outside of boxes is a grey that reads on white
# and on black alike.
_INK, _FAINT, _GREY, _SLATE, _BAR, _PAPER = "#1b2530", "#4a5663", "#78838f", "#54606d", "#d3dae2", "#eef1f4"
_FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
_NARROW, _WIDE = set("ijltfI.,:;'|!()[] "), set("mwMW@%…→")
_MARGIN = 16.0


@dataclass(frozen=True)
class Line:
    """Words at the left and at the right of one line of a box."""

    left: str
    right: str = ""
    badge: str = ""


@dataclass(frozen=True)
class Box:
    """A coloured box: a headline, a line below it, the shapes that leave it, and a tooltip."""

    head: Line
    below: str
    kind: str
    tooltip: str
    labels: tuple[tuple[float, str], ...] = ()
    stacked: bool = False
    round: bool = False


@dataclass(frozen=True)
class Frame:
    """A titled frame around a drawing of its own."""

    head: Line
    inside: Layout
    tooltip: str
    labels: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Pill:
    """An input or an output of the network."""

    words: str


@dataclass(frozen=True)
class Sheet:
    """The whole drawing: two lines of heading, the network, the kinds of boxes for the legend."""

    title: str
    subtitle: str
    layout: Layout
    kinds: tuple[str, ...]


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

BAR, PAD, LABEL, STACK = 24.0, 12.0, 17.0, 6.0
"""Pixels: a frame's title bar, the space around what it holds, a shape below a box, the edges of copies."""


def escape(text: str) -> str:
    """Text for XML, also between quotes; characters that XML forbids become question marks.

    >>> escape('a<b & "c"\\x00')
    'a&lt;b &amp; &quot;c&quot;?'
    """
    return _escape(_CONTROL.sub("?", text), {'"': "&quot;"})


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Estimated width of a text, in pixels: a little more than Arial takes.

    >>> text_width("conv", 10) < text_width("CONV", 10) < text_width("CONV", 10, bold=True)
    True
    """
    ems = sum(0.31 if c in _NARROW else 0.9 if c in _WIDE else 0.71 if c.isupper() else 0.58 for c in text)
    return ems * size * (1.06 if bold else 1.0)


def fitted(text: str, size: float, width: float) -> str:
    """The text, or as much of its start as fits, with an ellipsis.

    >>> fitted("depthwise separable", 10, 60)
    'depthwise…'
    """
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def render(sheet: Sheet) -> str:
    """The drawing as one SVG element."""
    layout = sheet.layout
    legend, legend_width, legend_height = _legend(sheet.kinds, max(layout.width, 300.0))
    heading = [(15.0, True, sheet.title)] if sheet.title else []
    heading.append((12.0, False, sheet.subtitle))
    inner = max(layout.width, legend_width, *(text_width(words, size, bold=True) for size, _, words in heading))
    top = _MARGIN + 21.0 * len(heading) + 6
    width, height = inner + 2 * _MARGIN, top + layout.height + 14 + legend_height + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}"'
        f' viewBox="0 0 {_n(width)} {_n(height)}" role="img" aria-label="{escape(sheet.title or sheet.subtitle)}"'
        f' font-family="{_FONT}" font-size="12" fill="{_INK}">'
    ]
    for i, (size, bold, words) in enumerate(heading):
        parts.append(_text(_MARGIN, _MARGIN + 12 + 21 * i, words, _GREY, size, bold=bold))
    parts.append(f'<g transform="translate({_n(_MARGIN + round((inner - layout.width) / 2))} {_n(top)})">')
    parts += [
        *_scene(layout),
        "</g>",
        f'<g transform="translate({_n(_MARGIN)} {_n(top + layout.height + 14)})">',
        *legend,
    ]
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _n(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")


def _legend(kinds: Iterable[str], width: float) -> tuple[list[str], float, float]:
    parts: list[str] = []
    x, y, widest = 0.0, 0.0, 0.0
    for kind in kinds:
        step = 18 + text_width(LEGEND[kind], 11) + 14
        if x + step > width and x:
            x, y = 0.0, y + 18
        fill, stroke = COLOURS[kind]
        parts.append(_rect(x + 0.5, y + 0.5, 12, 12, 3, fill, f' stroke="{stroke}"'))
        parts.append(_text(x + 18, y + 10.5, LEGEND[kind], _GREY, 11))
        x += step
        widest = max(widest, x)
    return parts, widest, y + 13 if parts else 0.0


def _scene(layout: Layout) -> Iterator[str]:
    if layout.wires:
        yield f'<g fill="none" stroke="{_GREY}" stroke-width="1.4">'
        for wire in layout.wires:
            yield f'<path d="{_path(wire)}"/>'
        yield "</g>"
        heads = _arrowheads(layout)
        if heads:
            yield f'<path fill="{_GREY}" d="{heads}"/>'
    for item in layout.items:
        if item.content is not None:
            yield from _item(item)


def _path(wire: Wire) -> str:
    """Straight through each run, a curve with vertical ends from one to the next."""
    x, start, end = wire.runs[0]
    words = [f"M{_n(x)} {_n(start)}"]
    for following, top, bottom in wire.runs[1:]:
        if following == x:
            end = bottom
            continue
        if end != start:
            words.append(f"V{_n(end)}")
        middle = (end + top) / 2
        words.append(f"C{_n(x)} {_n(middle)} {_n(following)} {_n(middle)} {_n(following)} {_n(top)}")
        x, start, end = following, top, bottom
    if end != start:
        words.append(f"V{_n(end)}")
    return "".join(words)


def _arrowheads(layout: Layout) -> str:
    """One small triangle where wires meet a box; the lower edge of a frame has none."""
    ends = {wire.runs[-1][0::2] for wire in layout.wires}
    blunt = {(item.x, item.y) for item in layout.items if item.last and item.content is None}
    return "".join(f"M{_n(x - 3.5)} {_n(y - 6)}h7l-3.5 6z" for x, y in sorted(ends - blunt))


def _item(item: Item) -> Iterator[str]:
    content, left = item.content, item.x - item.width / 2
    yield f'<g transform="translate({_n(left)} {_n(item.y)})">'
    if isinstance(content, Pill):
        yield _rect(0, 0, item.width, item.height, item.height / 2, _SLATE)
        yield _text(item.width / 2, item.height / 2 + 4, content.words, "#fff", 12, anchor="middle")
    else:
        labels = content.labels
        height = item.height - (LABEL if labels else 0)
        yield f"<title>{escape(content.tooltip)}</title>"
        yield from (
            _frame(content, item.width, height) if isinstance(content, Frame) else _box(content, item.width, height)
        )
        for dx, words in labels:
            yield from _label(item.width / 2 + dx, height, words)
    yield "</g>"


def _label(x: float, y: float, words: str) -> Iterator[str]:
    width = text_width(words, 10.5) + 10
    yield _rect(x - width / 2, y + 1, width, LABEL - 2, 4, _PAPER)
    yield _text(x, y + 12.5, words, _FAINT, 10.5, anchor="middle")


def _box(box: Box, width: float, height: float) -> Iterator[str]:
    fill, stroke = COLOURS[box.kind]
    radius = height / 2 if box.round else 6
    for step in (2, 1) if box.stacked else ():
        yield _rect(4 * step, STACK - 3 * step, width - 8 * step, 20, 6, fill, f' stroke="{stroke}"')
    if box.stacked:
        height -= STACK
        yield f'<g transform="translate(0 {_n(STACK)})">'
    yield _rect(0, 0, width, height, radius, fill, f' stroke="{stroke}" stroke-width="1.2"')
    yield from _box_words(box, width, height, stroke)
    if box.stacked:
        yield "</g>"


def _box_words(box: Box, width: float, height: float, accent: str) -> Iterator[str]:
    if not box.below and not box.head.right and not box.head.badge:
        yield _text(width / 2, height / 2 + 4.5, box.head.left, _INK, 12.5, bold=not box.round, anchor="middle")
        return
    baseline = 17.0 if box.below else height / 2 + 4.5
    yield from _line(box.head, width, baseline, accent)
    if box.below:
        yield _text(10, baseline + 16, box.below, _FAINT, 11.5)


def _line(line: Line, width: float, baseline: float, accent: str) -> Iterator[str]:
    yield _text(10, baseline, line.left, _INK, 12.5, bold=True)
    if line.badge:
        x, badge = 10 + text_width(line.left, 12.5, bold=True) + 6, text_width(line.badge, 11, bold=True) + 10
        yield _rect(x, baseline - 12, badge, 16, 8, accent)
        yield _text(x + badge / 2, baseline, line.badge, "#fff", 11, bold=True, anchor="middle")
    if line.right:
        yield _text(width - 10, baseline, line.right, _FAINT, 11, anchor="end")


def _frame(frame: Frame, width: float, height: float) -> Iterator[str]:
    yield _rect(0, 0, width, height, 8, _GREY, f' fill-opacity="0.1" stroke="{_GREY}" stroke-opacity="0.7"')
    yield f'<path d="M0 {_n(BAR)}V8a8 8 0 0 1 8 -8H{_n(width - 8)}a8 8 0 0 1 8 8V{_n(BAR)}z" fill="{_BAR}"/>'
    yield from _line(frame.head, width, 16.5, _SLATE)
    yield f'<g transform="translate({_n(round((width - frame.inside.width) / 2))} {_n(BAR)})">'
    yield from _scene(frame.inside)
    yield "</g>"


def _rect(x: float, y: float, width: float, height: float, radius: float, fill: str, style: str = "") -> str:
    place = f' x="{_n(x)}" y="{_n(y)}"' if x or y else ""
    return f'<rect{place} width="{_n(width)}" height="{_n(height)}" rx="{_n(radius)}" fill="{fill}"{style}/>'


def _text(
    x: float, y: float, words: str, fill: str, size: float, *, bold: bool = False, anchor: str = "start"
) -> str:
    style = ' font-weight="bold"' if bold else ""
    style += f' text-anchor="{anchor}"' if anchor != "start" else ""
    style += f' font-size="{_n(size)}"' if size != 12 else ""
    style += f' fill="{fill}"' if fill != _INK else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{style}>{escape(words)}</text>'


def head_width(lines: Sequence[Line]) -> float:
    """Width that a headline needs, with its badge, its costs and the margins."""
    return max(
        20
        + text_width(line.left, 12.5, bold=True)
        + (text_width(line.badge, 11, bold=True) + 16 if line.badge else 0)
        + (text_width(line.right, 11) + 14 if line.right else 0)
        for line in lines
    )
