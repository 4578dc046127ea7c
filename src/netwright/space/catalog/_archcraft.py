"""ArchCraft: depth, width and components for continual learning (Lu et al., IJCAI 2024; row 55).

Made for networks that learn tasks one after the other and forget little. What the paper finds to matter is open:
depth and width, shortcuts around each layer (as in ResAC) or none (as in AlexAC), global pooling or the whole last
image ahead of the classifier, and where the image is pooled and the width doubled.
"""

from __future__ import annotations

from netwright.blocks import block, classifier, conv, make_divisible, skip
from netwright.blocks._layers import activate, conv_norm, linear, shortcut
from netwright.blocks._pools import max_windows
from netwright.errors import ShapeError
from netwright.graph import Input, Tensor, image, ops
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._expression import Expression, named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["archcraft"]

WIDTHS = (16, 32, 48, 64)
DOUBLINGS = 5
"""Most of them; a network may also be pooled at most that often, if its image is large enough."""


@block
def _layer(x: Tensor, double: bool = False, residual: bool = True, widest: int = 64) -> Tensor:
    """3x3 convolution, normalised, with the input added where it is residual."""
    out = x.shape[1] * (1 + double)
    if out > widest:
        raise ShapeError(f"a width must be doubled at most {DOUBLINGS} times, up to {widest}, but got {out}.")
    y = conv_norm(x, out, 3, name="conv")
    return activate(y + shortcut(x, out) if residual else y, "relu")


@block
def _halved(x: Tensor) -> Tensor:
    """Maximum over windows of 2 by 2 pixels; an image of one pixel cannot be pooled."""
    if min(x.shape[2:]) < 2:
        raise ShapeError(f"an image must have two pixels to be pooled, but got {x.shape}.")
    return max_windows(x, 2, 2)


@block
def _flat_head(x: Tensor, classes: int = 10) -> Tensor:
    """Linear layer on all pixels."""
    return linear(ops.flatten(x, axis=1), classes)


def archcraft(
    input: Input | None = None, classes: int = 100, *, scale: float = 1.0, depth: tuple[int, int] = (2, 14)
) -> Space:
    """Depth, width, shortcuts, head, and for each layer whether the image is pooled and the width doubled.

    >>> archcraft(image(3, 2, 2)).size() > 10**6
    True

    scale: multiplier of all widths. depth: least and most layers.
    """
    kinds = {"residual": True, "plain": False}
    widths = dict.fromkeys(make_divisible(width * scale, 4) for width in WIDTHS)
    bodies = (
        named(f"{kind}{width}", _body(width, residual, depth)) for width in widths for kind, residual in kinds.items()
    )
    head = oneof(named("global", classifier(classes)), named("flat", _flat_head(classes)))
    return Space(seq(body=oneof(*bodies), head=head), input=input or image(3, 32, 32), name="archcraft")


def _body(width: int, residual: bool, depth: tuple[int, int]) -> Expression:
    layer = seq(
        pool=oneof(named("no", skip()), named("pool", _halved())),
        conv=_layer(oneof(False, True), residual, width << DOUBLINGS),
    )
    return seq(stem=conv(width), layers=repeat(layer, times=integer(*depth)))
