"""DeepArchitect's modules, and its space of deep convolutional networks (Negrinho & Gordon 2017; row 253).

Its modules are expressions here: Concat is `seq`, Or is `oneof`, Repeat is `repeat`, RepeatTied is a tied `repeat`,
Residual is `residual`; Optional and MaybeSwap are the two functions below.
"""

from __future__ import annotations

from typing import Any

from netwright.blocks import classifier, conv, dropout, leaky, plain_norm, skip
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._expression import Expression, as_expression, named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["deeparchitect", "maybe_swap", "optional"]

REPEATS = tuple(2**i for i in range(6))


def optional(part: Any) -> Expression:
    """A part, or nothing in its place.

    >>> from netwright.blocks import conv
    >>> optional(conv(8))
    oneof(named('with', conv(channels=8)), named('without', skip()))
    """
    found: Expression = oneof(named("with", part), named("without", skip()))
    return found


def maybe_swap(first: Any, second: Any) -> Expression:
    """Two parts in this order or in the other.

    >>> from netwright.blocks import conv
    >>> maybe_swap(conv(8), conv(4)).label
    'choice'
    """
    a, b = as_expression(first), as_expression(second)
    found: Expression = oneof(named("straight", seq(a, b)), named("swapped", seq(b, a)))
    return found


def deeparchitect(input: Input | None = None, classes: int = 10, *, scale: float = 1.0) -> Space:
    """Two halvings, each followed by 1 to 32 equal layers: the authors' `deepconv` space, (18 * 432) ** 2 designs.

    >>> deeparchitect().size()
    60466176

    The paper's last layer reads every pixel; here it reads their mean. scale: of all widths.
    """

    def widths(factor: int) -> Any:
        return oneof(*(max(round(factor * scale * width), 1) for width in range(48, 129, 16)))

    def reduction() -> Expression:
        return as_expression(conv(widths(1), kernel=oneof(3, 5, 7), stride=2, norm="none", activation="none"))

    def layers(factor: int) -> Expression:
        layer = seq(
            conv=conv(widths(factor), kernel=oneof(3, 5), norm="none", activation="none"),
            order=maybe_swap(leaky(0.0), plain_norm()),
            dropout=optional(dropout(oneof(0.1, 0.5))),
        )
        return repeat(layer, times=oneof(*REPEATS), tied=True)

    network = seq(
        down1=reduction(), layers1=layers(1), down2=reduction(), layers2=layers(2), head=classifier(classes)
    )
    return Space(network, input=input or image(3, 32, 32), name="deeparchitect")
