"""The roofline: how fast a device could do work of an arithmetic intensity at best."""

from __future__ import annotations

from dataclasses import dataclass

from netwright.cost._amounts import Amounts
from netwright.errors import NetwrightError

__all__ = ["Roof"]


@dataclass(frozen=True)
class Roof:
    """Peak rate of a device in GFLOP/s and its memory bandwidth in GB/s (Williams, Waterman & Patterson 2009).

    >>> roof = Roof(gflops=100, bandwidth=20)
    >>> roof.balance, roof.reachable(2.0), roof.reachable(5.0)
    (5.0, 40.0, 100)
    >>> roof.milliseconds(Amounts(flops=2_000_000, activation_bytes=1_000_000))
    0.05

    Raises NetwrightError when either is not positive.
    """

    gflops: float
    bandwidth: float

    def __post_init__(self) -> None:
        if not (self.gflops > 0 and self.bandwidth > 0):
            given = f"{self.gflops} GFLOP/s, {self.bandwidth} GB/s"
            raise NetwrightError(f"a roofline needs a positive rate and bandwidth, but got {given}.")

    @property
    def balance(self) -> float:
        """FLOPs per byte at which work stops being bound by memory."""
        return self.gflops / self.bandwidth

    def reachable(self, intensity: float) -> float:
        """GFLOP/s that work of so many FLOPs per byte can reach."""
        return min(self.gflops, intensity * self.bandwidth)

    def milliseconds(self, amounts: Amounts) -> float:
        """Least time for some work: that of its FLOPs or that of its bytes, whichever is longer."""
        return max(amounts.flops / self.gflops, amounts.traffic / self.bandwidth) / 1e6
