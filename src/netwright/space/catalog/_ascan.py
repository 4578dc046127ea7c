"""AsCAN: how many blocks of each stage convolve and how many attend (Kag et al., NeurIPS 2024; row 36).

Made for the question of where attention belongs in a hybrid network. The paper's answer is asymmetric: convolutions
first, and from stage to stage more attention, with plain transformer blocks. Convolving blocks are fused inverted
residuals. Widths and depths of the published sizes are not in the abstract; those here are common ones, so that no
published total is claimed.
"""

from __future__ import annotations

from netwright.blocks import attention, classifier, conv, downsample, fused_mbconv, make_divisible, metaformer
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._computed import computed
from netwright.space._expression import Expression
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["ascan"]

WIDTHS = (64, 96, 128)
"""Of the first stage; every further one is twice as wide."""
DEPTHS = ((2, 3), (2, 3), (4, 6), (2, 3))
HEAD = 32
"""Width of an attention head."""


def ascan(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Width, and the layout of each stage, such as CCT: 948 networks whose share of attention never falls.

    >>> ascan().design_at(0)
    Design({'width': 64, 'stage1': 'CC', 'stage2': 'CC', 'stage3': 'CCCC', 'stage4': 'CC'})

    scale: multiplier of all widths.
    """

    def network(width: int, **layouts: str) -> Expression | None:
        shares = [layout.count("T") / len(layout) for layout in layouts.values()]
        if shares != sorted(shares):
            return None
        widths = (make_divisible(width * scale * 2**i, 32) for i in range(len(layouts)))
        stages = {name: _stage(w, layouts[name]) for name, w in zip(layouts, widths, strict=True)}
        stem = conv(make_divisible(width * scale, 32), stride=2, activation="gelu")
        return seq(stem=seq(stem, conv(None, activation="gelu")), **stages, head=classifier(classes, norm="batch"))

    layouts = {f"stage{i}": oneof(*_layouts(depths, i > 1)) for i, depths in enumerate(DEPTHS, start=1)}
    body = computed(network, width=oneof(*WIDTHS), **layouts)
    return Space(body, input=input or image(3, 224, 224), name="ascan")


def _layouts(depths: tuple[int, ...], attends: bool) -> list[str]:
    """All ways to convolve first and then attend; at the highest resolution attention would cost too much."""
    return ["C" * (n - t) + "T" * t for n in depths for t in range(n + 1 if attends else 1)]


def _stage(width: int, layout: str) -> Expression:
    attend = metaformer(mixer=attention(max(width // HEAD, 1)), norm="layer", scale=None)
    convolve = fused_mbconv(None, activation="gelu")
    return seq(
        enter=downsample(width, 3, 2, "batch"),
        convolve=repeat(convolve, times=layout.count("C")),
        attend=repeat(attend, times=layout.count("T")),
    )
