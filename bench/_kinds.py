"""Fits the constants of a kind of device to measurements, in arrays, so that one device at a time can be left out.

The model is that of `netwright.target._roofline_model`, for many kernels at once: `Sheet.predicted` is held equal to
it before anything is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

import numpy as np
from _measured import Measured
from numpy.typing import NDArray
from scipy.stats import rankdata

from netwright.target._roofline_model import KINDS, Kind, Machine, kernel_ms
from netwright.target._work import Product, Work

__all__ = ["STARTS", "Sheet", "family", "fitted", "sheet_of", "without"]

Array = NDArray[np.float64]
STARTS: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "gpu": {
        "best": (0.8, 0.3, 1.0), "reuse": (8.0, 0.5, 100.0), "depth": (16.0, 1.0, 500.0), "vector": (0.2, 0.01, 1.0),
        "elementwise": (0.3, 0.01, 1.0), "bandwidth": (0.75, 0.3, 1.0), "cached": (3.0, 1.0, 10.0),
        "winograd": (1.5, 1.0, 2.25), "start": (5e-6, 5e-7, 5e-5), "host": (2e-5, 5e-6, 1e-4),
    },
    "cpu": {
        "best": (0.8, 0.2, 1.0), "reuse": (8.0, 0.5, 100.0), "depth": (4.0, 0.5, 100.0), "vector": (0.2, 0.01, 1.0),
        "elementwise": (0.3, 0.01, 1.0), "packing": (16.0, 1.0, 500.0), "bandwidth": (0.75, 0.3, 1.0),
        "per_cycle": (8.0, 1.0, 64.0), "cached": (3.0, 1.0, 10.0), "start": (2e-6, 1e-7, 5e-5),
        "host": (2e-5, 2e-6, 1e-4),
    },
    "npu": {
        "best": (0.8, 0.2, 1.0), "reuse": (8.0, 0.5, 100.0), "depth": (16.0, 1.0, 500.0), "vector": (0.2, 0.01, 1.0),
        "elementwise": (0.3, 0.01, 1.0), "bandwidth": (0.75, 0.3, 1.0), "cached": (3.0, 1.0, 10.0),
        "start": (1e-5, 1e-6, 1e-4),
    },
}  # fmt: skip
"""Constants that are fitted: where the fit starts, and between what. None of these was looked for in measurements."""
PRIOR = 0.01
"""What it costs, in mean relative error, to be off from the start by a factor of e."""


RANK = 8.0
"""What a rank correlation of 0 instead of 1 costs, in mean relative error."""


def family(target: str) -> str:
    """Chip of a target: cards of one chip are left out together."""
    name = target.partition(":")[0]
    chips = ("nvidia-a100", "nvidia-v100", "nvidia-h100")
    if name in ("nvidia-m40", "nvidia-titan-x-maxwell"):
        return "nvidia-gm200"
    if name in ("nvidia-gtx-1080ti", "nvidia-titan-x-pascal", "nvidia-titan-xp"):
        return "nvidia-gp102"
    if name in ("nvidia-rtx-2080ti", "nvidia-titan-rtx"):
        return "nvidia-tu102"
    if name in ("amd-mi25", "amd-vega-fe"):
        return "amd-vega10"
    return next((chip for chip in chips if name.startswith(chip)), name)


@dataclass(frozen=True, eq=False)
class Sheet:
    """Measurements of one set on one machine, as arrays over their kernels and over the products of these."""

    target: str
    source: str
    machine: Machine
    ms: Array
    row: NDArray[np.intp]
    times: Array
    flops: Array
    bytes: Array
    weights: Array
    winograd: NDArray[np.bool_]
    owner: NDArray[np.intp]
    macs: Array
    shallow: NDArray[np.bool_]
    waves: Array
    inner: Array
    reuse: Array

    @cached_property
    def ranks(self) -> Array:
        """Ranks of the rows by what was measured, about their mean."""
        return _centred_ranks(self.ms)

    def predicted(self, kind: Kind) -> Array:
        """Milliseconds of each row with those constants."""
        m = self.machine
        seconds = kind.start + np.maximum(self._arithmetic(kind), self._memory(kind))
        if m.eager:
            seconds = seconds + kind.host if m.kind == "cpu" else np.maximum(seconds, kind.host)
        return np.bincount(self.row, 1e3 * self.times * seconds, len(self.ms))

    def _arithmetic(self, kind: Kind) -> Array:
        m = self.machine
        rate = m.flops / m.cores * kind.best * self.reuse / (self.reuse + kind.reuse)
        tiled = (self.waves * (self.inner + kind.depth) / rate).min(axis=1, initial=np.inf)
        each = np.where(self.shallow, 2 * self.macs / (m.vector_flops * kind.vector), tiled)
        products = np.bincount(self.owner, each, len(self.flops)) / np.where(self.winograd, kind.winograd, 1.0)
        if kind.packing:
            plain = 2 * np.bincount(self.owner, self.macs, len(self.flops)) / (m.flops * kind.vector)
            packed = products + self.weights * kind.packing / m.vector_flops
            products = np.where(products > 0, np.minimum(packed, np.maximum(products, plain)), 0.0)
        return products + self.flops / (m.vector_flops * kind.elementwise)

    def _memory(self, kind: Kind) -> Array:
        m = self.machine
        rate = min(m.bandwidth * kind.bandwidth, m.cores * kind.per_cycle * m.clock)
        held = self.bytes <= m.cache / 2
        return self.bytes / np.where(held, rate * kind.cached, rate) + self.weights * m.element / rate


def sheet_of(measured: Measured, machine: Machine) -> Sheet:
    """Arrays of one set of measurements; works of a row that are equal are counted, not repeated."""
    tiles = np.array(KINDS[machine.kind].tiles, float)
    counted: dict[tuple[int, Work], int] = {}
    for i, works in enumerate(measured.works):
        for work in works:
            counted[i, work] = counted.get((i, work), 0) + 1
    kernels = [work for _, work in counted]
    products = [(i, product) for i, work in enumerate(kernels) for product in work.products]
    tiled = {product: _tiled(product, machine) for _, product in products}
    both = np.array([tiled[product] for _, product in products]).reshape(-1, 2, len(tiles))
    sheet = Sheet(
        measured.target,
        measured.source,
        machine,
        measured.ms,
        np.array([i for i, _ in counted]),
        np.array(list(counted.values()), float),
        np.array([work.flops for work in kernels]),
        np.array([work.activations * machine.element + work.other_bytes for work in kernels]),
        np.array([work.weights for work in kernels]),
        np.array([work.winograd for work in kernels], bool),
        np.array([i for i, _ in products], np.intp),
        np.array([product.macs for _, product in products], float),
        np.array([product.columns == 1 and product.count > 1 for _, product in products], bool),
        both[:, 0],
        both[:, 1],
        tiles[:, 0] * tiles[:, 1] / tiles.sum(axis=1),
    )
    first = sum(kernel_ms(work, machine) for work in measured.works[0])
    assert np.isclose(sheet.predicted(KINDS[machine.kind])[0], first), "the arrays must tell what the model tells"
    return sheet


def _tiled(product: Product, machine: Machine) -> Array:
    """With each of the tiles, the FLOPs of a core for one step of the inner dimension, and how many steps."""
    found = []
    for high, wide in KINDS[machine.kind].tiles:
        tiles = product.count * ceil(product.rows / high) * ceil(product.columns / wide)
        split = max(1, min(machine.cores // tiles, product.inner // 128))
        found.append((2 * high * wide * ceil(tiles * split / machine.cores), product.inner / split))
    return np.array(found).T


def fitted(kind: str, sheets: Iterable[Sheet]) -> Kind:
    """Constants of a kind that predict those sets best, each chip as important as another."""
    chips: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        chips.setdefault(family(sheet.target), []).append(sheet)
    starts = STARTS[kind]
    now = {name: start for name, (start, _, _) in starts.items()}
    best = _loss(kind, now, chips)
    for step in (2.0, 1.4, 1.15):
        better = True
        while better:
            better = False
            for name, (_, low, high) in starts.items():
                for factor in (step, 1 / step):
                    tried = {**now, name: float(np.clip(now[name] * factor, low, high))}
                    loss = _loss(kind, tried, chips)
                    if loss < best - 1e-4:
                        now, best, better = tried, loss, True
    return replace(KINDS[kind], **now)  # type: ignore[arg-type]


def without(kind: str, sheets: Sequence[Sheet], by: Callable[[Sheet], str]) -> dict[str, Kind]:
    """Constants of a kind fitted without the sets of each chip or source that `by` tells, by its name."""
    own = [sheet for sheet in sheets if sheet.machine.kind == kind]
    names = dict.fromkeys(map(by, own))
    return {name: fitted(kind, [sheet for sheet in own if by(sheet) != name]) for name in names}


def _loss(kind: str, constants: Mapping[str, float], chips: Mapping[str, Sequence[Sheet]]) -> float:
    """Mean over the chips of the mean relative error, as predicted and with the best factor for each set."""
    told = replace(KINDS[kind], **constants)  # type: ignore[arg-type]
    errors = [np.mean([_error(sheet, told) for sheet in sheets]) for sheets in chips.values()]
    away = sum(np.log(constants[name] / start) ** 2 for name, (start, _, _) in STARTS[kind].items())
    return float(np.mean(errors) + PRIOR * away)


def _centred_ranks(values: Array) -> Array:
    ranks: Array = rankdata(values)
    return ranks - ranks.mean()


def _error(sheet: Sheet, kind: Kind) -> float:
    told = sheet.predicted(kind)
    logs = np.log(told / sheet.ms)
    ranks = _centred_ranks(told)
    rank = ranks @ sheet.ranks / np.sqrt((ranks @ ranks) * (sheet.ranks @ sheet.ranks))
    return float(np.abs(logs).mean() + np.abs(logs - np.median(logs)).mean() + RANK * (1 - rank))
