"""FBNet: 22 layers, each one of nine blocks (Wu et al., CVPR 2019); tables of latency cover it on many devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netwright.blocks import classifier, conv, fbnet_block, make_divisible, skip
from netwright.errors import DesignError
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._expression import Expression, named
from netwright.space._sequence import seq
from netwright.space._space import Space

__all__ = ["fbnet", "fbnet_from_indices", "fbnet_indices"]

STAGES = ((16, 1, 1), (24, 4, 2), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1))
"""Width, layers, stride of the first layer (table 1 of the paper)."""
SHAPES = ((1, 1), (1, 2), (3, 1), (6, 1))
BLOCKS = {f"k{k}_e{e}{'_g2' if g > 1 else ''}": (k, e, g) for k in (3, 5) for e, g in SHAPES}
"""Kernel, expansion and groups of each block (table 2), in the order of the index lists."""
NAMES = (*BLOCKS, "skip")


def fbnet(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0, features: int = 1504) -> Space:
    """The space of the paper: 9 ** 22 networks.

    >>> fbnet().size() == 9**22
    True

    A skip where size or width change projects. scale: multiplier of all widths. features: width in front of the
    classifier; FBNet-C was published with 1984.
    """
    layers = [(w, stride) for w, count, first in STAGES for stride in [first] + [1] * (count - 1)]
    network = seq(
        stem=conv(make_divisible(16 * scale), stride=2),
        **{f"layer{i}": _layer(make_divisible(w * scale), stride) for i, (w, stride) in enumerate(layers)},
        head=seq(conv(make_divisible(features * scale), kernel=1), classifier(classes)),
    )
    return Space(network, input=input or image(3, 224, 224), name="fbnet")


def _layer(width: int, stride: int) -> Expression:
    blocks = (named(name, fbnet_block(width, e, k, stride, g)) for name, (k, e, g) in BLOCKS.items())
    layer: Expression = oneof(*blocks, named("skip", skip(width, stride=stride)))
    return layer


def fbnet_indices(design: Mapping[str, Value]) -> list[int]:
    """Index of the block of each of the 22 layers.

    >>> fbnet_indices(fbnet().design_at(9**22 - 1)) == [8] * 22
    True
    """
    return [NAMES.index(str(design[f"layer{i}"])) for i in range(22)]


def fbnet_from_indices(indices: Sequence[int]) -> Design:
    """Design of 22 indices from 0 to 8; raises DesignError when they are not.

    >>> fbnet_from_indices([8] * 22)["layer21"]
    'skip'
    """
    if len(indices) != 22 or not all(index in range(9) and not isinstance(index, bool) for index in indices):
        raise DesignError(f"an FBNet has 22 indices from 0 to 8, but got {list(indices)}.")
    return Design({f"layer{i}": NAMES[index] for i, index in enumerate(indices)})
