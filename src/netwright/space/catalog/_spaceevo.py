"""SpaceEvo: a space of search spaces, each of elastic stages (Wang et al., ICCV 2023; row 223).

Made for finding, for a device and its integer arithmetic, which kinds of blocks and which widths a search space
should be made of. A search space picks for each of six stages one kind of block and one window of widths; within it a
network picks width and depth of the stage, and kernel and expansion of its blocks. Both are decisions here:
`spaceevo_choice` tells the search space that a network lies in, `spaceevo_space` makes that space alone.

Stages, windows, kernels and expansions are those of the authors' space for ONNX Runtime, in which every block has a
width within the window, kernel and expansion of its own; `blockwise` makes that one, with the five networks that they
found, SeqNet@vnni-A0 to A4. Otherwise a stage has one width, and its first block the smallest kernel and expansion:
A0 is in that one too. The score of a space is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.blocks import (
    block,
    conv,
    depthwise_separable,
    fused_mbconv,
    make_divisible,
    mbconv,
    mobilenet_head,
    resnet_d,
)
from netwright.blocks._layers import shortcut
from netwright.blocks._sizes import chosen
from netwright.errors import DesignError
from netwright.graph import Input, Tensor, image
from netwright.space._choice import oneof
from netwright.space._design import Value
from netwright.space._expression import Expression, named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["spaceevo", "spaceevo_choice", "spaceevo_space"]

STAGES = (
    # least and most width in steps of 16, widths in a window, blocks, stride
    ((32, 64), 2, (2, 3, 4), 2),
    ((32, 96), 2, (2, 3, 4), 2),
    ((64, 144), 3, (2, 3, 4, 5, 6), 2),
    ((112, 192), 3, (2, 3, 4, 5, 6), 1),
    ((192, 304), 5, (2, 3, 4, 5, 6), 2),
    ((304, 448), 7, (1, 2), 1),
)
KINDS: dict[str, tuple[tuple[int, ...], tuple[float, ...]]] = {
    # kernels and expansions
    "mobilenet_v1": ((3, 5), (1,)),
    "mobilenet_v2": ((3, 5), (4, 6, 8)),
    "mobilenet_v3": ((3, 5), (4, 6, 8)),
    "resnet": ((3, 5, 7), (0.5, 1.0, 1.5)),
    "resnet_se": ((3, 5, 7), (0.5, 1.0, 1.5)),
    "fused": ((3, 5, 7), (1, 2, 3, 4)),
}


def spaceevo(
    input: Input | None = None, classes: int = 1000, *, scale: float = 1.0, blockwise: bool = False
) -> Space:
    """All networks of all 12 * 24 ** 5 = 95,551,488 search spaces.

    >>> options = spaceevo().decisions()
    >>> len(options["stage1"]), [len(options[f"stage{i}"]) for i in range(2, 7)]
    (12, [24, 24, 24, 24, 24])

    scale: multiplier of all widths. blockwise: whether every block has its own width, kernel and expansion.
    """
    return _space({}, input, classes, scale, blockwise)


def spaceevo_space(
    choice: Mapping[str, str],
    input: Input | None = None,
    classes: int = 1000,
    *,
    scale: float = 1.0,
    blockwise: bool = False,
) -> Space:
    """One search space, by the kind and window of each stage.

    >>> choice = {f"stage{i}": "mobilenet_v3@0" for i in range(1, 7)}
    >>> spaceevo_space(choice).size() > 10**20
    True

    Raises DesignError where a stage is missing, or has no such kind or window.
    """
    known = {f"stage{i}": [*_options(i - 1, 1.0, False)] for i in range(1, len(STAGES) + 1)}
    for stage, labels in known.items():
        if choice.get(stage) not in labels:
            raise DesignError(
                f"{stage!r} must be a kind and a window such as {labels[0]}, but got {choice.get(stage)!r}."
            )
    return _space(choice, input, classes, scale, blockwise)


def spaceevo_choice(design: Mapping[str, Value]) -> dict[str, str]:
    """The search space of a network: kind of block and window of widths of each stage.

    >>> spaceevo_choice({f"stage{i}": "mobilenet_v1@0" for i in range(1, 7)})["stage1"]
    'mobilenet_v1@0'
    """
    return {f"stage{i}": str(design[f"stage{i}"]) for i in range(1, len(STAGES) + 1)}


def _space(choice: Mapping[str, str], input: Input | None, classes: int, scale: float, blockwise: bool) -> Space:
    stages = {}
    for i in range(1, len(STAGES) + 1):
        options = _options(i - 1, scale, blockwise)
        chosen = choice.get(f"stage{i}")
        stages[f"stage{i}"] = options[chosen] if chosen else oneof(*(named(n, part) for n, part in options.items()))
    narrow = oneof(*dict.fromkeys(make_divisible(width * scale) for width in (16, 32)))
    network = seq(
        stem=conv(narrow, stride=2, activation="hard_swish"),
        stage0=seq(
            first=_block("resnet", narrow, 3, 0.5), more=repeat(_block("resnet", None, 3, 0.5), times=oneof(0, 1))
        ),
        **stages,
        head=mobilenet_head(classes, make_divisible(1280 * scale), make_divisible(1920 * scale)),
    )
    return Space(network, input=input or image(3, 224, 224), name="spaceevo")


def _options(stage: int, scale: float, blockwise: bool) -> dict[str, Expression]:
    """Elastic stages by kind and window."""
    (least, most), size, depths, stride = STAGES[stage]
    widths = [make_divisible(width * scale) for width in range(least, most + 1, 16)]
    return {
        f"{kind}@{at}": _elastic(kind, oneof(*dict.fromkeys(widths[at : at + size])), depths, stride, blockwise)
        for kind in KINDS
        for at in range(len(widths) - size + 1)
    }


def _elastic(kind: str, widths: Any, depths: tuple[int, ...], stride: int, blockwise: bool) -> Expression:
    kernels, ratios = KINDS[kind]
    free = {"kernel": oneof(*kernels), "expand": oneof(*ratios) if len(ratios) > 1 else ratios[0]}
    least = {"kernel": kernels[0], "expand": ratios[0]}
    first = _block(kind, widths, stride=stride, **(free if blockwise else least))
    more = _block(kind, widths if blockwise else None, **free)
    return seq(first=first, more=repeat(more, times=oneof(*[d - 1 for d in depths])))


@block
def _block(
    x: Tensor, kind: str, channels: int | None = None, kernel: int = 3, expand: float = 1, stride: int = 1
) -> Tensor:
    """One block of a kind, and the input, which is projected where width or size change."""
    out = chosen(channels, x.shape[1])
    if kind in ("resnet", "resnet_se"):
        y: Tensor = resnet_d(x, out, expand, stride, kernel, se=0.25 if kind == "resnet_se" else 0.0)
        return y
    if kind == "mobilenet_v1":
        y = depthwise_separable(depthwise_separable(x, out, kernel, stride), out, kernel)
        return y + shortcut(x, out, stride)
    if kind == "fused":
        y = fused_mbconv(x, out, expand, kernel, stride)
    else:
        se = 0.25 if kind == "mobilenet_v3" else 0.0
        y = mbconv(x, out, expand, kernel, stride, se, activation="hard_swish" if se else "relu6")
    # These add the input themselves where it can be added as it is.
    return y if stride == 1 and out == x.shape[1] else y + shortcut(x, out, stride)
