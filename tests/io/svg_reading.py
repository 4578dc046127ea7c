"""Reading a drawing: its texts, its boxes, where things stand on the page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from netwright.io._drawing._svg import text_width

SVG = "{http://www.w3.org/2000/svg}"

Rectangle = tuple[float, float, float, float]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def boxes(svg: str) -> int:
    """Things with a tooltip that hold no others: boxes and joins, without frames."""
    groups = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.find(f"{SVG}title") is not None]
    return sum(len(list(g.iter(f"{SVG}title"))) == 1 for g in groups)


def placed(element: ET.Element, dx: float = 0, dy: float = 0) -> Iterator[tuple[ET.Element, float, float]]:
    """Every element with the shift of the groups around it."""
    shift = re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", element.get("transform", ""))
    if shift:
        dx, dy = dx + float(shift[1]), dy + float(shift[2])
    yield element, dx, dy
    for child in element:
        yield from placed(child, dx, dy)


def rectangles(root: ET.Element) -> list[Rectangle]:
    """Left, top, right and bottom of every rectangle."""
    found = []
    for element, dx, dy in placed(root):
        if element.tag == f"{SVG}rect":
            x, y = dx + float(element.get("x", 0)), dy + float(element.get("y", 0))
            found.append((x, y, x + float(element.attrib["width"]), y + float(element.attrib["height"])))
    return found


def wire_ends(group: ET.Element) -> list[Rectangle]:
    """The last straight piece of every wire in a group, as a rectangle of one pixel."""
    found = []
    for path in group.iter(f"{SVG}path"):
        last = re.search(r"(?:M|C.* )([-\d.]+) ([-\d.]+)H([-\d.]+)$", path.attrib["d"])
        if last:
            left, y, right = map(float, last.groups())
            found.append((left, y, right, y + 1))
    return found


def text_areas(root: ET.Element) -> list[tuple[str, Rectangle]]:
    """Every text with the room that it takes."""
    found = []
    for element, dx, dy in placed(root):
        if element.tag == f"{SVG}text":
            size, text = float(element.get("font-size", 12)), element.text or ""
            width = text_width(text, size, bold="font-weight" in element.attrib)
            anchor = {"start": 0.0, "middle": 0.5, "end": 1.0}[element.get("text-anchor", "start")]
            left, base = dx + float(element.attrib["x"]) - anchor * width, dy + float(element.attrib["y"])
            found.append((text, (left, base - 0.72 * size, left + width, base + 0.2 * size)))
    return found


def overlap(a: Rectangle, b: Rectangle) -> bool:
    """Whether two rectangles share more than an edge."""
    return a[0] < b[2] - 0.5 and b[0] < a[2] - 0.5 and a[1] < b[3] - 0.5 and b[1] < a[3] - 0.5


def within(a: Rectangle, b: Rectangle) -> bool:
    """Whether the first rectangle lies in the second."""
    return a[0] >= b[0] - 0.5 and a[1] >= b[1] - 0.5 and a[2] <= b[2] + 0.5 and a[3] <= b[3] + 0.5
