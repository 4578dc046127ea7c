"""ArchCraft: depth, width and components for continual learning (Lu et al., IJCAI 2024; row 55).

Made for networks that learn tasks one after the other and forget little. What the paper finds to matter is open:
depth and width, global pooling (as in ResAC) or the whole last image (as in AlexAC) ahead of the classifier, and
where the image is pooled and the width doubled, more than once ahead of one layer if need be. The networks of the
authors' code all have shortcuts; AlexAC-A, ResAC-A and ResAC-B are in the space by their codes there.
"""

from __future__ import annotations

from netwright.blocks import block, classifier, conv, make_divisible
from netwright.blocks._activation import activate
from netwright.blocks._layers import conv_norm, linear, shortcut
from netwright.blocks._pools import max_windows
from netwright.errors import ShapeError
from netwright.graph import Input, Tensor, image, ops
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._expression import Expression, named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["archcraft"]

WIDTHS = (12, 40, 48, 144)
POOLED, DOUBLED = (0, 1, 2), (0, 1, 2, 3)
"""How often the image is pooled, and the width doubled, ahead of one layer."""
DOUBLINGS = 5
"""Most of them; a network may also be pooled at most that often, if its image is large enough."""


@block
def _layer(x: Tensor, double: int = 0, residual: bool = True, widest: int = 64) -> Tensor:
    """3x3 convolution, normalised, with the input added where it is residual."""
    out = x.shape[1] << double
    if out > widest:
        raise ShapeError(f"a width must be doubled at most {DOUBLINGS} times, up to {widest}, but got {out}.")
    y = conv_norm(x, out, 3, name="conv")
    return activate(y + shortcut(x, out) if residual else y, "relu")


@block
def _halved(x: Tensor, times: int = 1) -> Tensor:
    """Maximum over windows of 2 by 2 pixels, that often; an image of one pixel cannot be pooled."""
    for _ in range(times):
        if min(x.shape[2:]) < 2:
            raise ShapeError(f"an image must have two pixels to be pooled, but got {x.shape}.")
        x = max_windows(x, 2, 2)
    return x


@block
def _flat_head(x: Tensor, classes: int = 10) -> Tensor:
    """Linear layer on all pixels."""
    return linear(ops.flatten(x, axis=1), classes)


def archcraft(
    input: Input | None = None,
    classes: int = 100,
    *,
    scale: float = 1.0,
    depth: tuple[int, int] = (2, 12),
    shortcuts: bool = True,
) -> Space:
    """Depth, width, head, and for each layer how often the image is pooled and the width doubled ahead of it.

    >>> from netwright.graph import image
    >>> archcraft(image(3, 2, 2)).size() > 10**6
    True

    scale: multiplier of all widths. depth: least and most layers. shortcuts: around every layer, or none.
    """
    widths = dict.fromkeys(make_divisible(width * scale, 4) for width in WIDTHS)
    bodies = oneof(*(named(str(width), _body(width, shortcuts, depth)) for width in widths))
    head = oneof(named("global", classifier(classes)), named("flat", _flat_head(classes)))
    return Space(seq(width=bodies, head=head), input=input or image(3, 32, 32), name="archcraft")


def _body(width: int, residual: bool, depth: tuple[int, int]) -> Expression:
    layer = seq(pool=_halved(oneof(*POOLED)), conv=_layer(oneof(*DOUBLED), residual, width << DOUBLINGS))
    return seq(stem=conv(width), layers=repeat(layer, times=integer(*depth)))
