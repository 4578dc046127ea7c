"""The page around a report: its template, style and script, the designs behind the marks, and what it lets in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from netwright._optional import require
from netwright.study._report._svg import icon, symbols

if TYPE_CHECKING:
    from netwright.study._records import Trial

__all__ = ["designs_behind", "page", "safe_drawing"]

_PARTS = Path(__file__).parent
_DESIGN_CELLS = 60_000
"""Decisions that the page keeps for its tooltips: some 400 kB."""

_ELEMENTS = frozenset(
    ("svg", "g", "rect", "circle", "ellipse", "line", "path", "polyline", "polygon", "text", "tspan", "title", "desc")
)
_ATTRIBUTES = frozenset(
    (
        *(
            "x",
            "y",
            "x1",
            "x2",
            "y1",
            "y2",
            "dx",
            "dy",
            "cx",
            "cy",
            "r",
            "rx",
            "ry",
            "d",
            "points",
            "width",
            "height",
        ),
        *("viewBox", "transform", "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity"),
        *("stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "font-family", "font-size"),
        *("font-weight", "font-style", "text-anchor", "dominant-baseline", "role", "aria-label"),
    )
)
_SVG = "{http://www.w3.org/2000/svg}"


def page(context: Mapping[str, Any], drawing: str | None, trials: Sequence[Trial]) -> str:
    """The finished page."""
    jinja2 = require("jinja2", extra="train")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PARTS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (_PARTS / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    front = {number for number, _ in context["search"]["front"]["rows"]}
    text: str = environment.get_template("page.html").render(
        **context,
        style=(_PARTS / "report.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=digest,
        symbols=symbols(),
        icon=icon,
        drawing=safe_drawing(drawing) if drawing else None,
        designs=designs_behind(trials, first={*front, context["head"]["winner"]}),
    )
    return text


def safe_drawing(svg: str) -> str | None:
    """A drawing written anew from the shapes and words in it, or None where it has anything else.

    >>> safe_drawing('<svg xmlns="http://www.w3.org/2000/svg" width="9"><text>a &lt; b</text></svg>')
    '<svg width="9"><text>a &lt; b</text></svg>'
    >>> safe_drawing('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>') is None
    True

    It comes from a file that others may have written, and an SVG inside a page can run scripts and load images.
    """
    if "<!" in svg or "<?" in svg:
        return None
    try:
        root = ElementTree.fromstring(svg)
        return _written(root)
    except (ElementTree.ParseError, ValueError):
        return None


def designs_behind(trials: Sequence[Trial], first: Iterable[Any]) -> dict[str, Any]:
    """Designs by trial, each a list of numbers of paths and a list of values; those of `first` before others.

    Stops at a size that keeps the page small; marks without a design show their values alone.
    """
    wanted = set(first)
    numbers: dict[str, int] = {}
    designs: dict[str, Any] = {}
    cells = 0
    for trial in sorted(trials, key=lambda trial: trial.number not in wanted):
        cells += len(trial.design)
        if cells > _DESIGN_CELLS:
            break
        paths = [numbers.setdefault(path, len(numbers)) for path in trial.design]
        designs[str(trial.number)] = [paths, [_short(value) for value in trial.design.values()]]
    return {"paths": list(numbers), "designs": designs}


def _short(value: Any) -> Any:
    return value[:80] if isinstance(value, str) else f"{value:.4g}" if isinstance(value, float) else value


def _written(element: ElementTree.Element) -> str:
    name = element.tag.removeprefix(_SVG)
    if (
        name not in _ELEMENTS
        or not set(element.attrib) <= _ATTRIBUTES
        or any("url(" in v for v in element.attrib.values())
    ):
        raise ValueError(f"{name} is not drawn")
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in element.attrib.items())
    inside = escape(element.text or "") + "".join(_written(child) + escape(child.tail or "") for child in element)
    return f"<{name}{attributes}>{inside}</{name}>"
