"""Targets by name, and what `latency_ms@NAME` means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.errors import DataError, UnknownNameError
from netwright.target._added import DecisionPrices, is_added, is_priced, load_added
from netwright.target._base import QUANTITIES, Estimate, Target
from netwright.target._calibrate import Calibrated
from netwright.target._data_sheet import data_sheet_names
from netwright.target._folder import saved_targets
from netwright.target._microcontroller import MicrocontrollerTarget, device_names
from netwright.target._roofline_target import RooflineTarget
from netwright.target._this_machine import Here

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Space

__all__ = ["TargetMetric", "get_target", "target_metric", "target_names", "with_targets"]

GROUP = "netwright.targets"
ANY_RUNTIME = "any-runtime"
"""Behind the name of a calibrated target: whatever version of the runtime it was measured with."""


@dataclass(frozen=True)
class TargetMetric:
    """A quantity on a target, such as `latency_ms@here`.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> metric = target_metric("memory_bytes@stm32f746")
    >>> metric.quantity, metric.of(Graph([x], [conv(x, 16)])).value
    ('memory_bytes', 19564)
    """

    name: str
    target: Target
    quantity: str

    def of(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Estimate for one network; raises EvaluationError where the target cannot tell."""
        return self.target.of(self.quantity, graph, design)

    def careful(self) -> TargetMetric:
        """The same metric for numbers that are reported."""
        return TargetMetric(self.name, self.target.careful(), self.quantity)


def target_names() -> list[str]:
    """Names of all targets, sorted.

    >>> "here" in target_names()
    True
    """
    return sorted(_makers())


def get_target(name: str) -> Target:
    """Target by its name.

    >>> get_target("here:2t")
    <target here:2t: latency_ms>

    Raises UnknownNameError that lists near names, and DataError for a metric such as `latency_ms@here`.
    """
    makers = _makers()
    if "@" in name and name not in makers:
        raise DataError(f"a target is named without a quantity, as {name.rpartition('@')[2]}, but got {name!r}.")
    first = name if name in makers else name.partition(":")[0]
    if first not in makers:
        raise UnknownNameError("target", first, makers)
    return makers[first](name)


def target_metric(name: str) -> TargetMetric | None:
    """What a metric such as `latency_ms@here` means; None for one without a target.

    >>> target_metric("latency_ms@here").quantity, target_metric("macs")
    ('latency_ms', None)
    >>> target_metric("energy_mj@here")
    Traceback (most recent call last):
    netwright.errors.UnknownNameError: no quantity of target here is named 'energy_mj'; known: latency_ms.

    Raises UnknownNameError for a target that does not exist or a quantity that it does not know.
    """
    quantity, at, target_name = name.partition("@")
    if not at:
        return None
    if quantity not in QUANTITIES:
        raise UnknownNameError("quantity of a target", quantity, QUANTITIES)
    target = get_target(target_name)
    if quantity not in target.knows:
        raise UnknownNameError(f"quantity of target {target_name}", quantity, target.knows)
    return TargetMetric(name, target, quantity)


def with_targets(space: Space, metrics: Iterable[str]) -> Space:
    """The space with those metrics of targets as costs that are additive, so that its forest holds limits on them.

    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> space.additive("latency_ms@raspberry-pi-4")
    False
    >>> with_targets(space, ["latency_ms@raspberry-pi-4"]).additive("latency_ms@raspberry-pi-4")
    True

    Metrics without a target are passed over, and those of a target that is no sum.

    Raises UnknownNameError as `target_metric` does, and DataError when a target knows nothing of the space.
    """
    asked = [metric for metric in map(target_metric, dict.fromkeys(metrics)) if metric is not None]
    made = [each.target.additive(each.quantity, space, each.name) for each in asked if not space.additive(each.name)]
    costs = [cost for cost in made if cost is not None]
    return space.with_costs(*costs) if costs else space


def _makers() -> dict[str, Callable[[str], Target]]:
    """What makes a target of a whole name, by the part before the options; the user's own and installed ones, too."""
    found: dict[str, Callable[[str], Target]] = {"here": Here.parse}
    found |= dict.fromkeys(device_names(), MicrocontrollerTarget.parse)
    found |= dict.fromkeys(data_sheet_names(own=True), RooflineTarget.parse)
    found |= {name: partial(_saved, path, name) for name, path in saved_targets().items()}
    return found | {entry.name: partial(_installed, entry) for entry in entry_points(group=GROUP)}


def _saved(path: Path, name: str, whole: str) -> Target:
    """A target in the user's folder: an added device, a table of blocks, or a calibration of this machine."""
    options = whole.removeprefix(name).removeprefix(":")
    added, priced = is_added(path), is_priced(path)
    _refuse(options, whole, () if added or priced else (ANY_RUNTIME,))
    if added:
        return load_added(name)
    changed = path.stat().st_mtime_ns
    return _priced(path, name, changed) if priced else _calibrated(path, whole, options == ANY_RUNTIME, changed)


# A study asks for its target by name again for every trial; files are read again when they have changed.
@lru_cache(maxsize=64)
def _priced(path: Path, name: str, changed: int) -> DecisionPrices:
    return DecisionPrices.read(path, name)


@lru_cache(maxsize=64)
def _calibrated(path: Path, whole: str, any_runtime: bool, changed: int) -> Calibrated:
    return Calibrated.read(path, whole, any_runtime=any_runtime)


def _installed(entry: EntryPoint, whole: str) -> Target:
    _refuse(whole.removeprefix(entry.name).removeprefix(":"), whole, ())
    target: Target = entry.load()()
    return target


def _refuse(options: str, whole: str, known: Sequence[str]) -> None:
    if options and options not in known:
        raise UnknownNameError(f"option of target {whole.partition(':')[0]}", options, known)
