"""Deep layer aggregation: depth and leaves of the tree of each stage (Yu et al., CVPR 2018; row 93)."""

from __future__ import annotations

from netwright.blocks import classifier, conv, dla_tree, make_divisible
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._expression import Expression, named
from netwright.space._sequence import seq
from netwright.space._space import Space

__all__ = ["dla"]

WIDTHS = {"basic": (64, 128, 256, 512), "bottleneck": (128, 256, 512, 1024)}
LEVELS = (2, 3, 4, 2)
"""Most levels of each stage."""


def dla(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Leaf, residual roots, and levels of four trees: 192 networks, the published DLA-34, 60 and 102 among them.

    >>> dla().size()
    192

    scale: multiplier of all widths.
    """

    def trees(leaf: str, residual: bool) -> Expression:
        parts = {}
        for i, (width, most) in enumerate(zip(WIDTHS[leaf], LEVELS, strict=True), start=1):
            channels = make_divisible(width * scale)
            # The first tree reads its input through its leaves alone.
            parts[f"tree{i}"] = dla_tree(channels, integer(1, most), leaf=leaf, rooted=i > 1, residual=residual)
        return seq(**parts)

    kinds = {leaf: trees(leaf, False) for leaf in WIDTHS} | {f"{leaf}_residual": trees(leaf, True) for leaf in WIDTHS}
    narrow = make_divisible(16 * scale)
    network = seq(
        stem=seq(conv(narrow, kernel=7), conv(narrow), conv(2 * narrow, stride=2)),
        trees=oneof(*(named(name, kind) for name, kind in kinds.items())),
        head=classifier(classes),
    )
    return Space(network, input=input or image(3, 224, 224), name="dla")
