"""What a target is: a place where a network runs, and what it would cost there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netwright.errors import EvaluationError

if TYPE_CHECKING:
    from netwright.cost import Cost, Limit
    from netwright.graph import Graph
    from netwright.space import Space

__all__ = ["LEAST", "MARGIN", "QUANTITIES", "Estimate", "Target", "UniformTarget", "differ"]

QUANTITIES: Mapping[str, tuple[str, str]] = {
    "latency_ms": ("latency", "ms"),
    "energy_mj": ("energy", "mJ"),
    "memory_bytes": ("memory", "bytes"),
    "flash_bytes": ("flash", "bytes"),
}
"""Method of a target and unit, by the name that the quantity has in a metric: `latency_ms@here`."""

MARGIN = 0.02
"""Difference, relative to the smaller one, below which two numbers of a target are not told apart."""

LEAST = 0.05
"""Least that a design is told, as a share of the least measured one: what is fitted may come down to nothing."""


@dataclass(frozen=True)
class Estimate:
    """A number with an interval, and how it was got.

    >>> from netwright.cost import Limit
    >>> known = Estimate(11.8, 11.5, 12.2, "ms", "sum over decisions, 90 % interval")
    >>> known.crosses(Limit.parse("latency_ms@pixel2 <= 12")), known.crosses(Limit.parse("latency_ms@pixel2 <= 13"))
    (True, False)

    value: in `unit`. low, high: ends of the interval that `how` describes. detail: further numbers by name, such as
    the runs of a measurement.
    """

    value: float
    low: float
    high: float
    unit: str
    how: str
    detail: Mapping[str, float] = field(default_factory=dict)

    def crosses(self, limit: Limit) -> bool:
        """Whether the limit holds at one place of the interval and breaks at another."""
        return len({limit.holds(each) for each in (self.low, self.value, self.high)}) > 1

    def to_json(self) -> dict[str, Any]:
        """The estimate without its details."""
        return {"value": self.value, "low": self.low, "high": self.high, "unit": self.unit, "how": self.how}


def differ(a: Estimate, b: Estimate, *, margin: float = MARGIN) -> bool:
    """Whether two estimates are different: their intervals are apart, and so are their values by more than `margin`.

    >>> fast, slow = (Estimate(ms, ms - 0.1, ms + 0.1, "ms", "measured") for ms in (4.0, 4.3))
    >>> differ(fast, slow), differ(fast, slow, margin=0.1), differ(fast, fast)
    (True, False, False)

    An interval tells how far the number would vary if it were got again just now; the margin stands for what varies
    from day to day.
    """
    apart = a.high < b.low or b.high < a.low
    low, high = sorted((a.value, b.value))
    return apart and high > low * (1 + margin)


class Target(ABC):
    """A place where networks run.

    >>> class Slow(Target):
    ...     knows = frozenset({"latency_ms"})
    ...     how = "one GMAC takes a second"
    ...
    ...     def latency(self, graph, design=None):
    ...         ms = sum(node.op.macs(node) for node in graph.nodes) / 1e6
    ...         return Estimate(ms, ms, ms, "ms", self.how)
    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> Slow("toy").latency(Graph([x], [conv(x, 16)])).value
    0.442368
    >>> Slow("toy").energy(Graph([x], [conv(x, 16)]))
    Traceback (most recent call last):
        ...
    netwright.errors.EvaluationError: a target must know what it is asked for, but toy knows latency_ms, no energy_mj.

    To write one, give `how`, list in `knows` the names of the quantities it can tell, and write the method of each:
    `latency` in ms, `energy` in mJ, `memory` and `flash` in bytes. All get the graph and, where there is one, its
    design; called by a study once for each design before it is trained, and by `careful()` again for those it may
    return. Where a quantity is a sum over blocks or decisions, `additive` gives it as a cost that a space's forest
    holds exactly.

    Register one of a package of your own under the entry point group `netwright.targets`: a function without
    arguments that makes it, under its name.
    """

    knows: frozenset[str] = frozenset()
    kind: str = "installed"
    """What kind of target it is, in two or three words."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<target {self.name}: {', '.join(sorted(self.knows))}>"

    @property
    @abstractmethod
    def how(self) -> str:
        """How this target knows what it tells, in a few words."""

    def latency(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Time of one run, in ms; raises EvaluationError where this target cannot tell."""
        raise self._unknown("latency_ms")

    def energy(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Energy of one run, in mJ; raises EvaluationError where this target cannot tell."""
        raise self._unknown("energy_mj")

    def memory(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Memory that a run takes, in bytes; raises EvaluationError where this target cannot tell."""
        raise self._unknown("memory_bytes")

    def flash(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Storage that the weights take, in bytes; raises EvaluationError where this target cannot tell."""
        raise self._unknown("flash_bytes")

    def additive(self, quantity: str, space: Space, name: str) -> Cost | None:
        """A quantity as an additive cost of this name on a space; None where it is no sum known beforehand.

        Raises DataError when this target knows nothing of the space.
        """
        return None

    def quality(self) -> Mapping[str, Mapping[str, Any]]:
        """How good its numbers are, by quantity; empty where that is not known, as for one that measures.

        designs: number that this is told from. error: median error on designs that it had not seen, as a share of
        their value. spearman: rank correlation on these; macs_spearman: that of multiply-adds alone. reach: share of
        the value within which nine of ten of them lie, or are meant to. measured_by: others, where it was they who
        measured. exact: whether no error is above rounding. Of the last four, those that are known.
        """
        return {}

    def sources(self) -> Mapping[str, str | None]:
        """Figures of the device that its numbers follow from, and the document where each was looked up.

        None for one that was entered from memory; empty for a target that rests on no such figures.
        """
        return {}

    def careful(self) -> Target:
        """The same target for numbers that are reported: one that measures may take longer."""
        return self

    def of(self, quantity: str, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """A quantity by its name; raises EvaluationError where this target cannot tell."""
        method, _ = QUANTITIES[quantity]
        estimate: Estimate = getattr(self, method)(graph, design)
        return estimate

    def _unknown(self, quantity: str) -> EvaluationError:
        known = ", ".join(sorted(self.knows)) or "nothing"
        return EvaluationError(
            f"a target must know what it is asked for, but {self.name} knows {known}, no {quantity}."
        )


class UniformTarget(Target):
    """A target that gets all it knows in one way, as tables do: write `_estimate` in place of a method for each."""

    @abstractmethod
    def _estimate(self, quantity: str, graph: Graph, design: Mapping[str, Any] | None) -> Estimate:
        """One of the quantities in `knows`."""

    def latency(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        return self._known("latency_ms", graph, design)

    def energy(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        return self._known("energy_mj", graph, design)

    def memory(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        return self._known("memory_bytes", graph, design)

    def flash(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        return self._known("flash_bytes", graph, design)

    def _known(self, quantity: str, graph: Graph, design: Mapping[str, Any] | None) -> Estimate:
        if quantity not in self.knows:
            raise self._unknown(quantity)
        return self._estimate(quantity, graph, design)
