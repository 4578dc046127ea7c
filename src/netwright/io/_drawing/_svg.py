"""SVG text by hand: shapes, words and their widths, and the page that holds a drawing.

No style sheet, no script, no marker, so that a drawing can stand inside any page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape as _escape

__all__ = [
    "BAR_FILL",
    "FAINT",
    "GREY",
    "INK",
    "PAPER",
    "SLATE",
    "escape",
    "fitted",
    "legend",
    "number",
    "page",
    "rect",
    "text_width",
    "words",
]

# Boxes carry their own light ground under dark ink; all that stands outside of boxes is a grey that reads on white
# and on black alike.
INK, FAINT, GREY, SLATE, BAR_FILL, PAPER = "#1b2530", "#4a5663", "#78838f", "#54606d", "#d3dae2", "#eef1f4"
_FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
_GROUPS = {
    0.29: "ijlIJ'", 0.36: " ,.·/:;\\|f-", 0.42: "t()[]!r", 0.55: '"*_sz?c', 0.61: "LkFvxyPao", 0.7: "KAVBRXZC",
    0.79: "UHNDG&OQ", 0.86: "w+=<>#^~×→←±−M", 1.0: "m%W@…—",
}  # fmt: skip
"""Widths in ems of DejaVu Sans, the widest of the fonts that stand in where no other is; of all else 0.64."""
_EMS = {letter: ems for ems, group in _GROUPS.items() for letter in group}
_MARGIN = 16.0
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """Text for XML, also between quotes; characters that XML forbids become question marks.

    >>> escape('a<b & "c"\\x00')
    'a&lt;b &amp; &quot;c&quot;?'
    """
    return _escape(_CONTROL.sub("?", text), {'"': "&quot;"})


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Estimated width of a text, in pixels: what DejaVu Sans takes or a little more, so that other fonts fit too.

    >>> text_width("conv", 10) < text_width("CONV", 10) < text_width("CONV", 10, bold=True)
    True
    """
    return sum(_EMS.get(letter, 0.64) for letter in text) * size * (1.13 if bold else 1.0)


def fitted(text: str, size: float, width: float) -> str:
    """The text, or as much of its start as fits, with an ellipsis.

    >>> fitted("depthwise separable", 10, 66)
    'depthwise…'
    """
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def number(value: float) -> str:
    """A coordinate with at most one decimal.

    >>> number(3.0), number(2.25)
    ('3', '2.2')
    """
    return f"{value:.1f}".rstrip("0").rstrip(".")


def rect(x: float, y: float, width: float, height: float, radius: float, fill: str, style: str = "") -> str:
    """A rectangle with round corners; `style` holds further attributes."""
    place = f' x="{number(x)}" y="{number(y)}"' if x or y else ""
    size = f'width="{number(width)}" height="{number(height)}"'
    return f'<rect{place} {size} rx="{number(radius)}" fill="{fill}"{style}/>'


def words(x: float, y: float, text: str, fill: str, size: float, *, bold: bool = False, anchor: str = "start") -> str:
    """A line of text on the baseline `y`."""
    style = ' font-weight="bold"' if bold else ""
    style += f' text-anchor="{anchor}"' if anchor != "start" else ""
    style += f' font-size="{number(size)}"' if size != 12 else ""
    style += f' fill="{fill}"' if fill != INK else ""
    return f'<text x="{number(x)}" y="{number(y)}"{style}>{escape(text)}</text>'


def legend(entries: Sequence[tuple[str, str, str]], width: float) -> tuple[list[str], float, float]:
    """Swatches of (fill, stroke, meaning) in lines of at most `width`; with their width and height."""
    parts: list[str] = []
    x, y, widest = 0.0, 0.0, 0.0
    for fill, stroke, meaning in entries:
        step = 18 + text_width(meaning, 11) + 14
        if x + step > width and x:
            x, y = 0.0, y + 18
        parts.append(rect(x + 0.5, y + 0.5, 12, 12, 3, fill, f' stroke="{stroke}"'))
        parts.append(words(x + 18, y + 10.5, meaning, GREY, 11))
        x += step
        widest = max(widest, x)
    return parts, widest, y + 13 if parts else 0.0


def page(
    heading: tuple[str, str],
    body: Sequence[str],
    size: tuple[float, float],
    entries: Sequence[tuple[str, str, str]],
) -> str:
    """One SVG element: title and subtitle, the body of the given width and height, the legend."""
    title, subtitle = heading
    signs, signs_width, signs_height = legend(entries, max(size[0], 300.0))
    lines = [(15.0, True, title)] if title else []
    lines.append((12.0, False, subtitle))
    inner = max(size[0], signs_width, *(text_width(text, points, bold=True) for points, _, text in lines))
    top = _MARGIN + 21.0 * len(lines) + 6
    width, height = number(inner + 2 * _MARGIN), number(top + size[1] + 14 + signs_height + _MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title or subtitle)}"'
        f' font-family="{_FONT}" font-size="12" fill="{INK}">'
    ]
    for i, (points, bold, text) in enumerate(lines):
        parts.append(words(_MARGIN, _MARGIN + 12 + 21 * i, text, GREY, points, bold=bold))
    parts.append(f'<g transform="translate({number(_MARGIN + round((inner - size[0]) / 2))} {number(top)})">')
    parts += [*body, "</g>", f'<g transform="translate({number(_MARGIN)} {number(top + size[1] + 14)})">', *signs]
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"
