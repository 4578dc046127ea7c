"""SpaceEvo: a space of search spaces, each of elastic stages (Wang et al., ICCV 2023; row 223).

Made for finding, for a device and its integer arithmetic, which kinds of blocks and which widths a search space
should be made of. A search space picks for each of six stages one kind of block and one window of widths; within it a
network picks width and depth of the stage, and kernel and expansion of its blocks. Both are decisions here:
`spaceevo_choice` tells the search space that a network lies in, `spaceevo_space` makes that space alone.

Stages, windows, kernels and expansions are those of the authors' space for ONNX Runtime, and the smallest network
that they found in it, SeqNet@vnni-A0, is in this one but for its projected shortcuts. In their code every block has a
width of its own within the window, and the first block of a stage the kernels and expansions of the others. Here a
stage has one width, and its first block the smallest kernel and expansion, and no shortcut where it halves the image;
the score of a space is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.blocks import conv, depthwise_separable, fused_mbconv, make_divisible, mbconv, mobilenet_head, resnet_d
from netwright.errors import DesignError
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._design import Value
from netwright.space._expression import Expression, named
from netwright.space._join import residual
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
    "mobilenet_v1": ((3, 5), ()),
    "mobilenet_v2": ((3, 5), (4, 6, 8)),
    "mobilenet_v3": ((3, 5), (4, 6, 8)),
    "resnet": ((3, 5, 7), (0.5, 1.0, 1.5)),
    "resnet_se": ((3, 5, 7), (0.5, 1.0, 1.5)),
    "fused": ((3, 5, 7), (1, 2, 3, 4)),
}


def spaceevo(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """All networks of all 12 * 24 ** 5 = 95,551,488 search spaces.

    >>> options = spaceevo().decisions()
    >>> len(options["stage1"]), [len(options[f"stage{i}"]) for i in range(2, 7)]
    (12, [24, 24, 24, 24, 24])

    scale: multiplier of all widths.
    """
    return _space({}, input, classes, scale)


def spaceevo_space(
    choice: Mapping[str, str], input: Input | None = None, classes: int = 1000, *, scale: float = 1.0
) -> Space:
    """One search space, by the kind and window of each stage.

    >>> choice = {f"stage{i}": "mobilenet_v3@0" for i in range(1, 7)}
    >>> spaceevo_space(choice).size() > 10**20
    True

    Raises DesignError where a stage is missing, or has no such kind or window.
    """
    known = {f"stage{i}": [*_options(i - 1, 1.0)] for i in range(1, len(STAGES) + 1)}
    for stage, labels in known.items():
        if choice.get(stage) not in labels:
            raise DesignError(
                f"{stage!r} must be a kind and a window such as {labels[0]}, but got {choice.get(stage)!r}."
            )
    return _space(choice, input, classes, scale)


def spaceevo_choice(design: Mapping[str, Value]) -> dict[str, str]:
    """The search space of a network: kind of block and window of widths of each stage.

    >>> spaceevo_choice(spaceevo().design_at(0))["stage1"]
    'mobilenet_v1@0'
    """
    return {f"stage{i}": str(design[f"stage{i}"]) for i in range(1, len(STAGES) + 1)}


def _space(choice: Mapping[str, str], input: Input | None, classes: int, scale: float) -> Space:
    stages = {}
    for i in range(1, len(STAGES) + 1):
        options = _options(i - 1, scale)
        chosen = choice.get(f"stage{i}")
        stages[f"stage{i}"] = options[chosen] if chosen else oneof(*(named(n, part) for n, part in options.items()))
    first = [make_divisible(width * scale) for width in (16, 32)]
    network = seq(
        stem=conv(oneof(*dict.fromkeys(first)), stride=2, activation="hard_swish"),
        stage0=repeat(resnet_d(None, 0.5), times=oneof(1, 2)),
        **stages,
        head=mobilenet_head(classes, make_divisible(1280 * scale), make_divisible(1920 * scale)),
    )
    return Space(network, input=input or image(3, 224, 224), name="spaceevo")


def _options(stage: int, scale: float) -> dict[str, Expression]:
    """Elastic stages by kind and window."""
    (least, most), size, depths, stride = STAGES[stage]
    widths = [make_divisible(width * scale) for width in range(least, most + 1, 16)]
    return {
        f"{kind}@{at}": _elastic(kind, oneof(*dict.fromkeys(widths[at : at + size])), depths, stride)
        for kind in KINDS
        for at in range(len(widths) - size + 1)
    }


def _elastic(kind: str, widths: Any, depths: tuple[int, ...], stride: int) -> Expression:
    kernels, ratios = KINDS[kind]
    if kind == "mobilenet_v1":
        # Both of its depthwise convolutions have one kernel.
        inner = oneof(*(named(f"kernel{kernel}", _block(kind, None, kernel, 0, 1)) for kernel in kernels))
    else:
        inner = _block(kind, None, oneof(*kernels), oneof(*ratios), 1)
    more = repeat(inner, times=oneof(*[d - 1 for d in depths]))
    return seq(first=_block(kind, widths, kernels[0], ratios[0] if ratios else 0, stride), more=more)


def _block(kind: str, width: Any, kernel: Any, expand: Any, stride: int) -> Any:
    if kind == "mobilenet_v1":
        two = seq(depthwise_separable(width, kernel, stride), depthwise_separable(None, kernel))
        return two if width is not None else residual(two)
    if kind in ("resnet", "resnet_se"):
        return resnet_d(width, expand, stride, kernel, se=0.25 if kind == "resnet_se" else 0.0)
    if kind == "fused":
        return fused_mbconv(width, expand, kernel, stride)
    se = 0.25 if kind == "mobilenet_v3" else 0.0
    return mbconv(width, expand, kernel, stride, se, activation="hard_swish" if se else "relu6")
