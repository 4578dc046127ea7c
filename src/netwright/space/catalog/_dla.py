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

WIDE, COMPACT = (128, 256, 512, 1024), (64, 64, 128, 256)
KINDS = {
    # leaf and widths
    "basic": ("basic", (64, 128, 256, 512)),
    "bottleneck": ("bottleneck", WIDE),
    "grouped": ("grouped", WIDE),
    "compact": ("bottleneck", COMPACT),
    "compact_grouped": ("grouped", COMPACT),
}
"""In the paper's names: none, none, X, C and X-C."""
LEVELS = (2, 3, 5, 2)
"""Most levels of each stage."""


def dla(
    input: Input | None = None, classes: int = 1000, *, scale: float = 1.0, levels: tuple[int, ...] = LEVELS
) -> Space:
    """Leaf and widths, residual roots, and levels of four trees: 600 networks, the nine published ones among them.

    >>> dla().size() == 5 * 2 * (2 * 3 * 5 * 2)
    True

    Published are DLA-34, 46-C, X-46-C, 60, X-60, X-60-C, 102, X-102 and 169. scale: multiplier of all widths.
    levels: most of each tree.
    """

    def trees(kind: str, residual: bool) -> Expression:
        leaf, widths = KINDS[kind]
        parts = {}
        for i, (width, most) in enumerate(zip(widths, levels, strict=True), start=1):
            channels = make_divisible(width * scale)
            # The first tree reads its input through its leaves alone.
            parts[f"tree{i}"] = dla_tree(channels, integer(1, most), leaf=leaf, rooted=i > 1, residual=residual)
        return seq(**parts)

    kinds = {kind: trees(kind, False) for kind in KINDS} | {f"{kind}_residual": trees(kind, True) for kind in KINDS}
    narrow = make_divisible(16 * scale)
    network = seq(
        stem=seq(conv(narrow, kernel=7), conv(narrow), conv(2 * narrow, stride=2)),
        trees=oneof(*(named(name, kind) for name, kind in kinds.items())),
        head=classifier(classes),
    )
    return Space(network, input=input or image(3, 224, 224), name="dla")
