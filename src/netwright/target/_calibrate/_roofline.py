"""What kernels of each kind take: so long to start, for each multiply-add, and for each byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright._optional import require
from netwright.target._calibrate._kernels import RUN, Kernel

__all__ = ["ANY", "Roofline", "fit_roofline"]

Array = NDArray[np.float64]

TERMS = ("start_us", "us_per_mmac", "us_per_mb", "us_per_weight_mb")
"""Microseconds for each start, million multiply-adds, megabyte of activations and megabyte of weights."""
TAIL = "us_per_melement"
ANY = "any"
"""Kind that stands for kinds that were not measured."""
PULL = 0.03
"""How strongly the numbers of a kind are pulled to those of all kinds together, where its own are hardly seen."""
LEAST_US = 0.05


@dataclass(frozen=True)
class Roofline:
    """Microseconds by kind and term, and by what is fused behind a product for each million elements.

    >>> roofline = Roofline({"any": {"start_us": 2.0, "us_per_mmac": 20.0}}, {})
    >>> roofline.ms(Kernel("Gemm", "Gemm 10 -> 10", 100_000, 80, 400, 10, (), ()))
    0.004
    """

    kinds: Mapping[str, Mapping[str, float]]
    tails: Mapping[str, float]

    def ms(self, kernel: Kernel) -> float:
        """What a kernel takes, in ms."""
        numbers = self.kinds.get(kernel.kind) or self.kinds[ANY]
        us = sum(numbers.get(term, 0.0) * amount for term, amount in zip(TERMS, _amounts(kernel), strict=True))
        us += sum(self.tails.get(tail, 0.0) for tail in kernel.tails) * kernel.written / 1e6
        return max(us, LEAST_US) / 1e3

    def to_json(self) -> dict[str, Any]:
        """Plain data, by kind and term."""
        kinds = {kind: {term: _rounded(us) for term, us in each.items()} for kind, each in self.kinds.items()}
        return {"kinds": kinds, "tails": {tail: {TAIL: _rounded(us)} for tail, us in self.tails.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Roofline:
        """Roofline of plain data; raises KeyError, TypeError or ValueError where it is not of that form."""
        kinds = {str(kind): {str(t): float(us) for t, us in each.items()} for kind, each in data["kinds"].items()}
        if ANY not in kinds:
            raise KeyError(ANY)
        return cls(kinds, {str(tail): float(each[TAIL]) for tail, each in data["tails"].items()})


def fit_roofline(counts: Sequence[Mapping[Kernel, int]], ms: Sequence[float]) -> Roofline:
    """Roofline under which the relative errors of networks are least, no number negative.

    Raises MissingExtraError without SciPy.
    """
    nnls = require("scipy.optimize", extra="train").nnls
    took = np.asarray(ms)
    kinds = sorted({kernel.kind for each in counts for kernel in each if kernel is not RUN})
    tails = sorted({tail for each in counts for kernel in each for tail in kernel.tails})
    pooled = nnls(_columns(counts, [ANY], []) / took[:, None], np.ones(len(took)))[0]
    columns = _columns(counts, kinds, tails) / took[:, None]
    usual = np.concatenate([pooled[:1], np.tile(pooled[1:], len(kinds)), np.zeros(len(tails))])
    # A column that hardly matters to any network is held by the pull alone.
    weight = PULL * np.sqrt(len(took)) * (np.sqrt((columns**2).mean(axis=0)) + 1e-3 * columns.mean())
    found = nnls(np.vstack([columns, np.diag(weight)]), np.concatenate([np.ones(len(took)), weight * usual]))[0]
    by_kind = {ANY: pooled[1:], **dict(zip(kinds, found[1:][: 4 * len(kinds)].reshape(-1, 4), strict=True))}
    numbers = {kind: dict(zip(TERMS, map(float, each), strict=True)) for kind, each in by_kind.items()}
    numbers[RUN.kind] = {TERMS[0]: float(found[0])}
    behind = found[1 + 4 * len(kinds) :]
    return Roofline(numbers, {tail: float(us) for tail, us in zip(tails, behind, strict=True)})


def _columns(counts: Sequence[Mapping[Kernel, int]], kinds: Sequence[str], tails: Sequence[str]) -> Array:
    """Milliseconds of each network for a microsecond of each term: the run, the kinds in turn, the tails."""
    first = {kind: 1 + len(TERMS) * place for place, kind in enumerate(kinds)}
    behind = {tail: 1 + len(TERMS) * len(kinds) + place for place, tail in enumerate(tails)}
    table = np.zeros((len(counts), 1 + len(TERMS) * len(kinds) + len(tails)))
    for row, each in zip(table, counts, strict=True):
        for kernel, count in each.items():
            if kernel is RUN:
                row[0] += count
                continue
            place = first[kernel.kind if kernel.kind in first else ANY]
            row[place : place + len(TERMS)] += count * np.array(_amounts(kernel))
            for tail in kernel.tails:
                if tail in behind:
                    row[behind[tail]] += count * kernel.written / 1e6
    return table / 1e3


def _amounts(kernel: Kernel) -> tuple[float, float, float, float]:
    return 1.0, kernel.macs / 1e6, kernel.bytes / 1e6, kernel.weights / 1e6


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")
