"""One offline file from a template: style and script inside, drawings let in shape by shape."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from netwright._count import counted, plural
from netwright._optional import require
from netwright._page._svg import icon, symbols

__all__ = ["render", "safe_drawing"]

_PARTS = Path(__file__).parent

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


def render(template: Path, context: Mapping[str, Any]) -> str:
    """The finished page: a template with the shared style and script, and with what it says escaped.

    Raises MissingExtraError without jinja2.
    """
    jinja2 = require("jinja2", extra="train")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, _PARTS]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["icon"] = icon
    environment.filters["counted"] = counted
    environment.filters["plural"] = plural
    script = (_PARTS / "page.js").read_text(encoding="utf-8")
    text: str = environment.get_template(template.name).render(
        **context,
        style=(_PARTS / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        symbols=symbols(),
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
