"""FractalNet: five fractals with poolings between them (Larsson et al., ICLR 2017; row 284).

Made for depth without residuals; each column is a network of its own, which drop-path trains along.

The network of 20 layers for CIFAR-10 is that of the authors' generator (widths 64, 128, 256, 512, 512; every first
convolution of a column reads the narrower input itself) at 33,724,618 parameters. Huang et al. 2017 (DenseNet, table
2) give it 38.6 M, which comes out where a 1x1 convolution changes the width ahead, so that all seven convolutions of
a block have the new one; both are in the space. The generator pools each column ahead of the join, here the mean is
pooled.
"""

from __future__ import annotations

from netwright.blocks import classifier, conv, fractal, make_divisible, max_pool, skip
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._expression import named
from netwright.space._given import given
from netwright.space._sequence import seq
from netwright.space._space import Space
from netwright.space._tie import tied

__all__ = ["fractalnet"]

WIDTHS = (64, 128, 256, 512, 512)
COLUMNS = 5
"""Most of a fractal; 3 make the network of 20 layers, 4 that of 40."""


def fractalnet(input: Input | None = None, classes: int = 10, *, scale: float = 1.0) -> Space:
    """Columns of all fractals, or one column alone, and how the width changes: 18 networks.

    >>> fractalnet().size() == 2 * (5 + 4)
    True

    input: images of at least 32 pixels are halved behind each fractal. scale: multiplier of all widths.
    """
    widths = [make_divisible(width * scale) for width in WIDTHS]
    projected = conv(given("channels"), 1, norm="none", activation="none")
    enter = oneof(named("direct", skip()), named("projected", projected))
    # A column of one layer alone is the fractal of one column.
    body = oneof(
        named("whole", fractal(given("channels"), integer(1, COLUMNS))),
        named("single", fractal(given("channels"), COLUMNS, column=integer(2, COLUMNS))),
    )
    blocks, before = [], 0
    for width in widths:
        entering = [tied("enter", enter, channels=width)] if width != before else []
        blocks.append(seq(*entering, tied("fractal", body, channels=width), max_pool(2, 2)))
        before = width
    network = seq(**{f"block{i}": part for i, part in enumerate(blocks, start=1)}, head=classifier(classes))
    return Space(network, input=input or image(3, 32, 32), name="fractalnet")
