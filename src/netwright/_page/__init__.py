"""What pages of results share: words, axes, charts, style, script, and the rendering of one offline file."""

from netwright._page._axes import Axis, count_axis, fit, line_axis, log_axis
from netwright._page._render import render, safe_drawing
from netwright._page._svg import WIDTH, Canvas, Chart, Key, Point, icon, symbols
from netwright._page._words import (
    BYTES,
    compact,
    count,
    duration,
    finite,
    headed,
    is_share,
    label,
    percent,
    quantity,
)

__all__ = [
    "BYTES",
    "WIDTH",
    "Axis",
    "Canvas",
    "Chart",
    "Key",
    "Point",
    "compact",
    "count",
    "count_axis",
    "duration",
    "finite",
    "fit",
    "headed",
    "icon",
    "is_share",
    "label",
    "line_axis",
    "log_axis",
    "percent",
    "quantity",
    "render",
    "safe_drawing",
    "symbols",
]
