"""A device known from a table of measured designs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright._count import counted, percent
from netwright.cost import DecisionCost
from netwright.errors import DataError, EvaluationError
from netwright.space import Design
from netwright.target._additive import AdditiveFit
from netwright.target._base import LEAST, QUANTITIES, Estimate, UniformTarget
from netwright.target._design_table import DesignTable, options_of, without_recipe
from netwright.target._table_columns import TableColumns

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Space

__all__ = ["TableTarget"]

Array = NDArray[np.float64]
Spread = tuple[float, float]


class TableTarget(UniformTarget):
    """A device whose costs are known for some designs of a space; for the others as a sum over their decisions.

    >>> designs = [{"a": a, "b": b} for a in (1, 2, 3) for b in (1, 2, 3)]
    >>> phone = TableTarget("phone", designs, {"latency_ms": [d["a"] + 2.0 * d["b"] for d in designs]})
    >>> phone.fit("latency_ms").exact
    True

    designs: value by path. values: one for each design by quantity: latency_ms, energy_mj, memory_bytes. intervals:
    by quantity the ends of an interval for each design, where the table has them. source: where the numbers are from.

    Raises DataError for quantities that are none, designs that repeat, and values that are missing or not positive.
    """

    kind = "table"
    unread: Sequence[str] = ()
    """Columns of its file that tell nothing of it."""

    def __init__(
        self,
        name: str,
        designs: Sequence[Mapping[str, Any]],
        values: Mapping[str, ArrayLike],
        *,
        intervals: Mapping[str, Sequence[Spread]] | None = None,
        source: str = "",
    ) -> None:
        columns = TableColumns.of(name, DesignTable.of(designs), values, intervals)
        self._begin(name, columns.values, lambda: columns, source)

    def _begin(self, name: str, knows: Iterable[str], columns: Callable[[], TableColumns], source: str) -> None:
        """All of `__init__`, for columns that may be read when they are asked for."""
        super().__init__(name)
        self.knows, self.source = frozenset(knows), source
        self._read = columns
        self._fits: dict[str, AdditiveFit] = {}

    @cached_property
    def columns(self) -> TableColumns:
        """Designs, their values and intervals."""
        return self._read()

    @property
    def designs(self) -> DesignTable:
        """The measured designs."""
        return self.columns.designs

    @property
    def values(self) -> Mapping[str, Array]:
        """What was measured of each design, by quantity, in ms, mJ and bytes."""
        return self.columns.values

    @property
    def how(self) -> str:
        about = f" ({self.source})" if self.source else ""
        return f"table of {counted(len(self.designs), 'design')}{about}; other designs as a sum over their decisions"

    def quality(self) -> Mapping[str, Mapping[str, Any]]:
        return {quantity: self.fit(quantity).to_json() for quantity in sorted(self.knows)}

    def fit(self, quantity: str) -> AdditiveFit:
        """The quantity as a sum over decisions, with the error of that on held-out designs."""
        if quantity not in self._fits:
            self._fits[quantity] = AdditiveFit.of(self.designs, self.values[quantity])
        return self._fits[quantity]

    def additive(self, quantity: str, space: Space, name: str) -> DecisionCost | None:
        if quantity not in self.knows:
            return None
        self.check_space(space)
        fit = self.fit(quantity)
        meaning = f"sum over decisions fitted to {counted(fit.designs, 'design')}, error {percent(fit.error)}"
        return DecisionCost(name, QUANTITIES[quantity][1], meaning, fit.prices, fit.base)

    def check_space(self, space: Space) -> None:
        """Raise DataError unless the designs are of the space and take each of its decisions at least once."""
        for design in (self.designs[0], self.designs[-1]):
            if design not in space.unrestricted:
                raise DataError(
                    f"a target's table must be of the space that is asked about, but {self.name} has designs that"
                    f" {space.name} does not contain."
                )
        known = self.decisions
        for path, options in options_of(space).items():
            lacking = [value for value in options if (path, value) not in known]
            if lacking and not path.startswith("recipe."):
                raise DataError(
                    f"a table must have every decision of its space at least once, but {self.name} has none with"
                    f" {path} = {lacking[0]!r}."
                )

    def told(self, quantity: str, design: Mapping[str, Any]) -> float:
        """The quantity of a design as measured, or as the sum over its decisions."""
        if quantity not in self.knows:
            raise self._unknown(quantity)
        return self._of_design(quantity, design).value

    def tells(self, design: Mapping[str, Any]) -> bool:
        """Whether a design takes only decisions that are known, as all measured ones do."""
        return design.items() <= self.decisions

    @property
    def decisions(self) -> AbstractSet[tuple[str, Any]]:
        """Decisions of which the target can tell designs."""
        return self.designs.decisions

    def _estimate(self, quantity: str, graph: Graph, design: Mapping[str, Any] | None) -> Estimate:
        if design is None:
            raise EvaluationError(
                f"target {self.name} knows designs of its space, but got a network without a design."
            )
        return self._of_design(quantity, design)

    def _of_design(self, quantity: str, design: Mapping[str, Any]) -> Estimate:
        own = without_recipe(design)
        unit = QUANTITIES[quantity][1]
        row = self.designs.row(own)
        if row is not None:
            value = float(self.values[quantity][row])
            low, high = self._interval(quantity, row) or (value, value)
            return Estimate(value, low, high, unit, f"measured{f', {self.source}' if self.source else ''}")
        return self._foretold(quantity, own)

    def _interval(self, quantity: str, row: int) -> Spread | None:
        ends = self.columns.intervals.get(quantity)
        return None if ends is None else (float(ends[row, 0]), float(ends[row, 1]))

    def _foretold(self, quantity: str, design: Design) -> Estimate:
        fit = self.fit(quantity)
        strange = next((decision for decision in design.items() if decision not in fit.prices), None)
        if strange is not None:
            raise EvaluationError(
                f"target {self.name} knows decisions of its table, but got {strange[0]} = {strange[1]!r}."
            )
        # A sum may come down to nothing for designs below all measured ones, of which its error is then no share.
        least = float(self.values[quantity].min())
        value = float(f"{fit.value(design):.12g}") if fit.exact else max(fit.value(design), LEAST * least)
        # What is exact up to rounding is neither off nor unsure by that rounding, at a limit least of all.
        off = 0.0 if fit.exact else fit.reach * max(value, least)
        low, high = max(value - off, 0.0), value + off
        how = f"sum over decisions fitted to {fit.designs:,} measured designs, 90 % interval"
        return Estimate(value, low, high, QUANTITIES[quantity][1], how)
