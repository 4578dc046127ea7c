"""Deep layer aggregation: depth and leaves of the tree of each stage (Yu et al., CVPR 2018; row 93)."""

from __future__ import annotations

from typing import Any

from netwright.blocks import classifier, conv, dla_tree, make_divisible
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
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
RESIDUAL = "_residual"
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

    trees = {
        # The first tree reads its input through its leaves alone.
        f"tree{i + 1}": dla_tree(
            given("widths", i), integer(1, most), leaf=given("leaf"), rooted=i > 0, residual=given("residual")
        )
        for i, most in enumerate(levels)
    }
    narrow = make_divisible(16 * scale)
    stem = seq(conv(narrow, kernel=7), conv(narrow), conv(2 * narrow, stride=2))
    network = seq(stem=stem, **trees, head=classifier(classes))
    kinds = (*KINDS, *(f"{kind}{RESIDUAL}" for kind in KINDS))
    body = let(network, kind_of_trees, trees=oneof(*kinds), scale=scale)
    return Space(body, input=input or image(3, 224, 224), name="dla")


@formula
def kind_of_trees(trees: str, scale: float = 1.0) -> dict[str, Any]:
    """Leaf, widths of the stages, and whether roots are residual."""
    leaf, widths = KINDS[trees.removesuffix(RESIDUAL)]
    channels = [make_divisible(width * scale) for width in widths]
    return {"leaf": leaf, "widths": channels, "residual": trees.endswith(RESIDUAL)}
