"""How long a kernel takes on a device of which only the data sheet is known.

The roofline (Williams, Waterman & Patterson 2009) with what keeps kernels below it, as NeuSight (Lee et al., ASPLOS
2025) sees it: a product is cut into tiles, tiles run in waves over the cores, and a tile is the less efficient the
less it reuses what it loads. The constants are those of a kind of device, the same for all devices of the kind. Those
of GPUs are what `bench/data_sheets.py` fits to all chips, rounded; it also fits those of every kind to all chips but
the one that is checked. Those of processors and accelerators were chosen by hand: what a fit gains in error there, it
loses in rank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from netwright.target._work import Product, Work

__all__ = [
    "KINDS",
    "Kind",
    "Machine",
    "arithmetic_seconds",
    "kernel_ms",
    "memory_seconds",
    "product_seconds",
]


@dataclass(frozen=True)
class Kind:
    """What devices of one kind have in common.

    tiles: rows and columns of a tile of the output. best: share of the peak that tiles without end would reach.
    reuse: FLOPs per loaded number at which a tile reaches half of that. depth: inner dimension that takes as long as
    the start of a tile. vector: share of the peak for depthwise products, which reuse little. elementwise: the same
    of work without products. packing: FLOPs that would take as long as to lay out one weight for the tiles.
    bandwidth: share of that of the memory. per_cycle: bytes that one core moves in a cycle at most. cached: how many
    times faster the last cache is than the memory. winograd: how many times faster a convolution of 3 x 3 is than its
    multiplications. start: seconds to start a kernel. host: seconds of the program that starts one operator after the
    other.
    """

    tiles: tuple[tuple[int, int], ...]
    best: float
    reuse: float
    depth: float
    vector: float
    elementwise: float
    packing: float
    bandwidth: float
    per_cycle: float
    cached: float
    winograd: float
    start: float
    host: float


_WIDE = ((256, 128), (128, 256), (128, 128), (128, 64), (64, 128), (64, 64), (128, 32), (32, 128), (32, 32))
_NARROW = ((64, 64), (32, 64), (64, 32), (32, 32), (16, 32), (32, 16), (16, 16), (8, 16), (16, 8), (4, 16), (1, 16))
_UNBOUND = float("inf")

KINDS: Mapping[str, Kind] = {
    "gpu": Kind(_WIDE, 0.80, 9.0, 16.0, 0.20, 0.30, 0.0, 0.75, _UNBOUND, 3.0, 1.7, 10e-6, 33e-6),
    "cpu": Kind(_NARROW, 0.60, 8.0, 4.0, 0.25, 0.25, 64.0, 0.80, 8.0, 5.0, 1.0, 1e-6, 30e-6),
    "npu": Kind(_NARROW, 0.60, 4.0, 32.0, 0.10, 0.10, 0.0, 0.70, _UNBOUND, 4.0, 1.0, 10e-6, 30e-6),
}


@dataclass(frozen=True)
class Machine:
    """The numbers of a device that a latency follows from, for one data type and so many of its cores.

    kind: a key of `KINDS`. clock: in cycles/s. flops: peak rate of products in FLOP/s. vector_flops: the same of work
    without products. bandwidth: of the memory, in bytes/s. cache: last cache, in bytes. element: bytes of a number.
    eager: whether a program starts each operator when the one before is done, instead of a compiled network.
    """

    kind: str
    cores: int
    clock: float
    flops: float
    vector_flops: float
    bandwidth: float
    cache: float
    element: float
    eager: bool = False


def kernel_ms(work: Work, machine: Machine) -> float:
    """Milliseconds of one kernel: its start, and its arithmetic or its bytes, whichever takes longer.

    Where operators are started one after the other, a processor does that itself, and others wait for it.
    """
    kind = KINDS[machine.kind]
    seconds = kind.start + max(arithmetic_seconds(work, machine), memory_seconds(work, machine))
    if machine.eager:
        seconds = seconds + kind.host if machine.kind == "cpu" else max(seconds, kind.host)
    return 1e3 * seconds


def arithmetic_seconds(work: Work, machine: Machine) -> float:
    """Seconds of the arithmetic alone: of products in tiles, for which weights are laid out, or as they come."""
    kind = KINDS[machine.kind]
    products = sum(product_seconds(product, machine) for product in work.products)
    if work.winograd:
        products /= kind.winograd
    if kind.packing and products:
        plain = 2 * sum(product.macs for product in work.products) / (machine.flops * kind.vector)
        products = min(products + work.weights * kind.packing / machine.vector_flops, max(products, plain))
    return products + work.flops / (machine.vector_flops * kind.elementwise)


def memory_seconds(work: Work, machine: Machine) -> float:
    """Seconds to move what the kernel reads and writes; activations that the cache holds come from there."""
    kind = KINDS[machine.kind]
    rate = min(machine.bandwidth * kind.bandwidth, machine.cores * kind.per_cycle * machine.clock)
    activations = work.activations * machine.element + work.other_bytes
    held = activations <= machine.cache / 2
    return activations / (rate * kind.cached if held else rate) + work.weights * machine.element / rate


@lru_cache(maxsize=1 << 16)
def product_seconds(product: Product, machine: Machine) -> float:
    """Seconds of matrix products with the best of the tiles; depthwise ones are no better than work without reuse."""
    kind = KINDS[machine.kind]
    if product.columns == 1 and product.count > 1:
        return 2 * product.macs / (machine.vector_flops * kind.vector)
    return min(_tiled(product, tile, machine, kind) for tile in kind.tiles)


def _tiled(product: Product, tile: tuple[int, int], machine: Machine, kind: Kind) -> float:
    """Seconds with one tile: waves of tiles over the cores, the inner dimension split where cores would idle."""
    high, wide = tile
    tiles = product.count * ceil(product.rows / high) * ceil(product.columns / wide)
    split = max(1, min(machine.cores // tiles, product.inner // 128))
    waves = ceil(tiles * split / machine.cores)
    reuse = high * wide / (high + wide)
    rate = machine.flops / machine.cores * kind.best * reuse / (reuse + kind.reuse)
    return waves * 2 * high * wide * (product.inner / split + kind.depth) / rate
