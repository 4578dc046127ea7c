"""ProxylessNAS, whose blocks may vanish (Cai et al., ICLR 2019; row 178), and Once-for-All over its widths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.blocks import classifier, conv, make_divisible, mbconv, skip
from netwright.errors import DesignError
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._domain import integer
from netwright.space._expression import Expression, named
from netwright.space._given import given
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space
from netwright.space.catalog._ofa_dictionary import elastic_dictionary, elastic_from_dictionary

__all__ = [
    "ofa_proxyless",
    "ofa_proxyless_dictionary",
    "ofa_proxyless_from_dictionary",
    "proxylessnas",
    "proxylessnas_blocks",
    "proxylessnas_from_blocks",
]

STAGES = ((24, 2, 4), (40, 2, 4), (80, 2, 4), (96, 1, 4), (192, 2, 4), (320, 1, 1))
"""Width, stride of the first block, most blocks."""
BLOCKS = {f"{k}x{k}_MBConv{e}": (k, e) for k in (3, 5, 7) for e in (3, 6)}
"""Kernel and expansion of each candidate, by the authors' names."""
LAYERS = tuple(f"stage{stage}.{i}" for stage, (_, _, most) in enumerate(STAGES, start=1) for i in range(most))
PLACES = tuple((f"stage{i}", most) for i, (_, _, most) in enumerate(STAGES, start=1))
RESOLUTIONS = tuple(range(128, 225, 4))


def _network(stages: Mapping[str, Expression], classes: int, scale: float) -> Expression:
    return seq(
        stem=conv(make_divisible(32 * scale), stride=2, activation="relu6"),
        first=mbconv(make_divisible(16 * scale), expand=1),
        **stages,
        head=seq(conv(make_divisible(1280 * scale), kernel=1, activation="relu6"), classifier(classes)),
    )


def proxylessnas(
    input: Input | None = None, classes: int = 1000, *, scale: float = 1.0, widths: Sequence[int] = ()
) -> Space:
    """Six candidates for each of 21 blocks, 15 of which may vanish instead: 6 ** 6 * 7 ** 15 networks.

    >>> proxylessnas().size() == 6**6 * 7**15
    True

    scale: multiplier of all widths. widths: other widths of the six stages.
    """

    def blocks(width: int, stride: int) -> list[Expression]:
        return [named(name, mbconv(width, e, k, stride)) for name, (k, e) in BLOCKS.items()]

    def stage(width: int, stride: int, most: int) -> Expression:
        more = {str(i): oneof(*blocks(width, 1), named("Zero", skip())) for i in range(1, most)}
        return seq(**{"0": oneof(*blocks(width, stride))}, **more)

    chosen = widths or [width for width, *_ in STAGES]
    stages = {
        f"stage{i}": stage(make_divisible(width * scale), stride, most)
        for i, (width, (_, stride, most)) in enumerate(zip(chosen, STAGES, strict=True), start=1)
    }
    return Space(_network(stages, classes, scale), input=input or image(3, 224, 224), name="proxylessnas")


def proxylessnas_blocks(design: Mapping[str, Value]) -> list[str]:
    """Names of the 21 blocks, by the authors' names.

    >>> proxylessnas_blocks(proxylessnas().design_at(0))[0]
    '3x3_MBConv3'
    """
    return [str(design[layer]) for layer in LAYERS]


def proxylessnas_from_blocks(blocks: Sequence[str]) -> Design:
    """Design of the names of 21 blocks; raises DesignError when they are not such names.

    >>> proxylessnas_from_blocks(["7x7_MBConv6"] * 21) in proxylessnas()
    True
    """
    if len(blocks) != len(LAYERS) or not set(blocks) <= {*BLOCKS, "Zero"}:
        raise DesignError(
            f"a ProxylessNAS network has 21 blocks of {', '.join(BLOCKS)}, Zero, but got {list(blocks)}."
        )
    return Design(dict(zip(LAYERS, blocks, strict=True)))


def ofa_proxyless(
    input: Input | None = None, classes: int = 1000, *, scale: float = 1.3, resolutions: tuple[int, ...] = RESOLUTIONS
) -> Space:
    """Elastic depth 2-4, kernel 3/5/7 and expansion 3/4/6 in five stages, and a last block: 7,371 ** 5 * 9 networks.

    >>> from netwright.graph import image
    >>> ofa_proxyless(image(3, 224, 224)).size() == 7371**5 * 9
    True

    input: a single resolution in place of `resolutions`. scale: multiplier of all widths; 1.3 as
        published.
    """

    def stage(width: int, stride: int, most: int) -> Expression:
        layer = mbconv(make_divisible(width * scale), oneof(3, 4, 6), oneof(3, 5, 7), given("stride"))
        times = integer(2, most) if most > 1 else 1
        return repeat(layer, times=times, first={"stride": stride}, rest={"stride": 1})

    stages = {f"stage{i}": stage(*numbers) for i, numbers in enumerate(STAGES, start=1)}
    inputs = [image(3, side, side) for side in resolutions] if input is None else input
    return Space(_network(stages, classes, scale), input=inputs, name="ofa-proxyless")


def ofa_proxyless_dictionary(design: Mapping[str, Value]) -> dict[str, Any]:
    """The authors' dictionary of a design: 21 kernels and expansions, with 0 for blocks left out, and 6 depths.

    >>> design = ofa_proxyless_from_dictionary({"ks": [7] * 21, "e": [6] * 21, "d": [2] * 5 + [1], "r": 224})
    >>> ofa_proxyless_dictionary(design)["ks"][:8]
    [7, 7, 0, 0, 7, 7, 0, 0]
    """
    return elastic_dictionary(design, PLACES)


def ofa_proxyless_from_dictionary(dictionary: Mapping[str, Any]) -> Design:
    """Design of an authors' dictionary; raises DesignError for lists of other lengths.

    >>> design = ofa_proxyless_from_dictionary({"ks": [7] * 21, "e": [6] * 21, "d": [4] * 5 + [1], "r": 224})
    >>> design in ofa_proxyless()
    True
    """
    return elastic_from_dictionary(dictionary, PLACES)
