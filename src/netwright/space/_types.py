"""Types of what flows: axes by name, their sizes and their order; what a block needs and what it gives.

An operation is a function between types, and a composition is right where they meet (NeuralArTS, Kulshrestha & Soh
2021). In a space this holds by construction: the forest has no other compositions. Here it is told to a reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netwright.blocks import Block, Call
from netwright.errors import NetwrightError, SpaceError
from netwright.graph import Graph, Input, Shape, Tensor
from netwright.space._expression import Applied, as_expression
from netwright.space._forest import join_path

__all__ = ["LAYOUTS", "Type", "signatures", "types_of"]

LAYOUTS: dict[str, tuple[str, ...]] = {
    "NCHW": ("batch", "channel", "height", "width"),
    "NCL": ("batch", "channel", "time"),
    "NTD": ("batch", "token", "feature"),
    "ND": ("batch", "feature"),
}
"""Order of the axes of images, series, tokens and rows, as papers and libraries write it."""
PROBES: dict[str, Shape] = {"NCHW": (1, 16, 16, 16), "NCL": (1, 16, 64), "NTD": (1, 16, 64), "ND": (1, 64)}
_ALIKE = {
    ("batch", "feature", "height", "width"): "NCHW",
    ("batch", "token", "channel"): "NTD",
    ("batch", "time", "channel"): "NTD",
    ("batch", "time", "feature"): "NTD",
    ("batch", "channel"): "ND",
}
"""Axes under the names of what they came from, as when the features of tokens are the channels of an image."""


@dataclass(frozen=True)
class Type:
    """Shape of a tensor with the names of its axes.

    >>> Type(("batch", "channel", "height", "width"), (1, 3, 8, 8))
    NCHW(channel=3, height=8, width=8)
    """

    axes: tuple[str, ...]
    shape: Shape
    dtype: str = "float32"

    @property
    def layout(self) -> str:
        """Letters of the axes, such as NCHW or NTD; ? for an axis that has no usual letter."""
        known = {axes: name for name, axes in LAYOUTS.items()}
        letters = {axis: letter for name, axes in LAYOUTS.items() for axis, letter in zip(axes, name, strict=True)}
        return known.get(self.axes) or "".join(letters.get(axis, "?") for axis in self.axes)

    @property
    def known(self) -> bool:
        """Whether these axes in this order are those of images, series, tokens or rows."""
        return self.axes in LAYOUTS.values()

    def size(self, axis: str) -> int:
        """Length of an axis; raises SpaceError where there is none of that name."""
        if axis not in self.axes:
            raise SpaceError(f"an axis must be one of {', '.join(self.axes)}, but got {axis!r}.")
        return self.shape[self.axes.index(axis)]

    def __repr__(self) -> str:
        sizes = (f"{axis}={size}" for axis, size in zip(self.axes, self.shape, strict=True) if axis != "batch")
        return f"{self.layout}({', '.join(sizes)})"


def signatures(block: Any) -> dict[str, Type]:
    """What a block gives for each layout that it takes, on an example of that layout.

    It takes a layout where what it makes of it has a layout, too: a convolution over the tokens of a text gives its
    channels beside their features, which are no axes of anything.

    >>> from netwright.blocks import conv, patch_embedding, token_head
    >>> signatures(conv(8, stride=2))
    {'NCHW': NCHW(channel=8, height=8, width=8), 'NCL': NCL(channel=8, time=32)}
    >>> signatures(patch_embedding(32, 4))["NCHW"], signatures(token_head(10))["NTD"]
    (NTD(token=16, feature=32), ND(feature=10))

    The example of an image is 16x16x16, of a series 16x64, of tokens 16x64 and of a row 64. A block that wants
    another shape, such as 3 channels, has no signature here. Raises SpaceError for anything but a block of which
    nothing is left to choose.
    """
    part = as_expression(block)
    if not isinstance(part, Applied) or part.open or not isinstance(block, (Block, Call)):
        raise SpaceError(f"a signature is that of one block with all its hyperparameters, but got {block!r}.")
    found: dict[str, Type] = {}
    for layout, shape in PROBES.items():
        x = Input(shape)
        try:
            graph = Graph([x], [part.call.apply(x)])
        except NetwrightError:
            continue
        given = _types(graph, {x: LAYOUTS[layout]})[graph.outputs[0]]
        found |= {layout: given} if given.known else {}
    return found


def types_of(graph: Graph) -> dict[str, tuple[Type, Type]]:
    """What flows into and out of each module of a network, by its path; the network itself under the empty path.

    >>> from netwright.blocks import classifier, conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, seq
    >>> space = Space(seq(stem=conv(8), head=classifier(10)), input=image(3, 8, 8))
    >>> types_of(space.network({}))["head"]
    (NCHW(channel=8, height=8, width=8), ND(feature=10))

    The first value that a module reads from outside, and the last that it makes.
    """
    types = _types(graph, {})
    inside: dict[str, list[Any]] = {}
    for node in graph.nodes:
        path = ""
        for component in ("", *graph.scope_of(node)):
            path = join_path(path, component)
            inside.setdefault(path, []).append(node)
    found: dict[str, tuple[Type, Type]] = {}
    for path, nodes in inside.items():
        made = {tensor for node in nodes for tensor in node.outputs}
        read = [t for node in nodes for t in node.inputs if t in types and t not in made]
        if read:
            found[path] = types[read[0]], types[nodes[-1].output]
    return found


def _types(graph: Graph, known: Mapping[Tensor, tuple[str, ...]]) -> dict[Tensor, Type]:
    # The names of axes stand in a room beside this one.
    from netwright.io._drawing._axis_names import name_axes

    names = name_axes(graph.inputs, graph.nodes, known)
    return {tensor: Type(_usual(axes), tensor.shape, tensor.dtype) for tensor, axes in names.items()}


def _usual(axes: tuple[str, ...]) -> tuple[str, ...]:
    return LAYOUTS[_ALIKE[axes]] if axes in _ALIKE else axes
