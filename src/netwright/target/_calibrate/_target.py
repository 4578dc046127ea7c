"""A calibrated device as a target."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._count import counted
from netwright.cost import Cost
from netwright.target._base import Estimate, Target
from netwright.target._calibrate._file import Calibration
from netwright.target._calibrate._fit import Fit
from netwright.target._calibrate._kernels import Kernel, in_a_run, kernels_of

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Space

__all__ = ["Calibrated", "CalibratedLatency"]


class Calibrated(Target):
    """A device on which networks were measured: any other network is predicted from the kernels that it runs as.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import netwright as nw
    >>> from netwright.target import Timer, Timing, calibrate
    >>> def networks(graphs, seconds, nominal):
    ...     times = [0.1 + nw.costs_of(graph, ["macs"])["macs"] / 1e5 for graph in graphs]
    ...     return [Timing(ms, 0.0, 0.99 * ms, 1.01 * ms, 30, 10, 0.0) for ms in times]
    >>> board = Timer(reference=lambda seconds: 1e-4, networks=networks)
    >>> layer = nw.conv(nw.oneof(8, 16, 24, 32), kernel=nw.oneof(1, 3, 5))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8), name="toy")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = calibrate("board", [space], networks=12, journal=Path(folder) / "board.jsonl", timer=board)
    >>> small, large = (Calibrated(found).latency(space.network(design)) for _, design in space.extremes("macs"))
    >>> small.low < small.value < small.high, round(small.value, 1), round(large.value, 1)
    (True, 0.1, 0.6)

    The interval holds 90 % of networks like those that were measured; `detail` has that of 80 %.
    """

    kind = "calibrated"
    knows = frozenset({"latency_ms"})

    def __init__(self, calibration: Calibration, name: str = "") -> None:
        super().__init__(name or calibration.name)
        self.calibration = calibration

    @classmethod
    def read(cls, path: Path, name: str, *, any_runtime: bool = False) -> Calibrated:
        """Target of a calibration's file; the errors are those of `Calibration.load`."""
        return cls(Calibration.load(path, any_runtime=any_runtime), name)

    @property
    def how(self) -> str:
        found = self.calibration
        return (
            f"predicted from {counted(len(found.measured), 'network')} of {', '.join(found.spaces)} measured on "
            f"{found.device.get('processor')} in {found.setup.words}"
        )

    def latency(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Predicted time of one run in ms."""
        fit = self.calibration.network
        counts = in_a_run(kernels_of(graph), fit.cache)
        ms = fit.model.ms(counts)
        (low80, high80), (low, high) = (_interval(fit, counts, ms, share) for share in (0.8, 0.9))
        detail = {"low_80_ms": low80, "high_80_ms": high80, "kernels": float(sum(counts.values()) - 1)}
        return Estimate(ms, low, high, "ms", f"{self.how}, 90 % interval", detail)

    def quality(self) -> Mapping[str, Mapping[str, Any]]:
        checked = self.calibration.network.checked
        numbers = {"error": checked["median_error"], "spearman": checked["spearman"]}
        return {"latency_ms": {"designs": len(self.calibration.measured), **numbers}}

    def additive(self, quantity: str, space: Space, name: str) -> Cost | None:
        """The latency by nodes, which adds up over blocks: what is fused counts as it does on average."""
        return CalibratedLatency(name, self.calibration.blocks) if quantity == "latency_ms" else None


class CalibratedLatency(Cost):
    """Latency of a calibrated device as the sum over the nodes of a graph, so that a forest holds a limit on it.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import netwright as nw
    >>> from netwright.target import Timer, Timing, calibrate
    >>> def networks(graphs, seconds, nominal):
    ...     times = [0.1 + nw.costs_of(graph, ["macs"])["macs"] / 1e5 for graph in graphs]
    ...     return [Timing(ms, 0.0, 0.99 * ms, 1.01 * ms, 30, 10, 0.0) for ms in times]
    >>> board = Timer(reference=lambda seconds: 1e-4, networks=networks)
    >>> layer = nw.conv(nw.oneof(8, 16, 24, 32), kernel=nw.oneof(1, 3, 5))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8), name="toy")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = calibrate("board", [space], networks=12, journal=Path(folder) / "board.jsonl", timer=board)
    >>> priced = space.with_costs(CalibratedLatency("latency_ms@board", found.blocks))
    >>> [round(value, 1) for value, _ in priced.extremes("latency_ms@board")]
    [0.1, 0.6]
    """

    additive = True

    def __init__(self, name: str, fit: Fit) -> None:
        super().__init__(name, "ms", "sum over nodes of their latency on average, on a calibrated device")
        self._fit = fit
        self._known: dict[Kernel, float] = {}

    def of(self, graph: Graph) -> float:
        """Milliseconds of a block or a network."""
        counts = kernels_of(graph, fused=False)
        for kernel in counts:
            if kernel not in self._known:
                self._known[kernel] = self._fit.model.kernel_ms(kernel)
        return sum(count * self._known[kernel] for kernel, count in counts.items())


def _interval(fit: Fit, counts: Mapping[Kernel, int], ms: float, share: float) -> tuple[float, float]:
    wide = exp(fit.widths[share] * fit.model.deviation(counts))
    return ms / wide, ms * wide
