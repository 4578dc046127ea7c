"""A device known from what single decisions cost: a table of blocks whose sum is the latency of a design."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._count import counted
from netwright.cost import DecisionCost
from netwright.errors import DataError, EvaluationError
from netwright.target._base import QUANTITIES, Estimate, UniformTarget
from netwright.target._design_table import options_of
from netwright.target._folder import format_of, read_json
from netwright.target._table_file import Row, cell_key, value_columns

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Space

__all__ = ["PRICES_FORMAT", "DecisionPrices", "has_decisions", "is_priced", "prices_of"]

PRICES_FORMAT = "netwright-prices"
VERSION = 1

Prices = Mapping[tuple[str, Any], float]


class DecisionPrices(UniformTarget):
    """A device whose latency, or another quantity, is the sum of what the decisions of a design cost there.

    >>> prices = {("layer0", "conv"): 2.0, ("layer0", "skip"): 0.0, ("", None): 1.0}
    >>> phone = DecisionPrices("phone", {"latency_ms": prices}, "small")
    >>> phone.told("latency_ms", {"layer0": "conv"})
    3.0

    prices: by quantity, path and value, in ms, mJ and bytes; those of the path "" are of every design. A path that is
    not priced at all costs nothing. space: name of the space. unread: columns of its file that tell nothing of it.
    """

    kind = "table of blocks"

    def __init__(
        self, name: str, prices: Mapping[str, Prices], space: str, source: str = "", unread: Iterable[str] = ()
    ) -> None:
        super().__init__(name)
        self.prices, self.space, self.source, self.unread = dict(prices), space, source, tuple(unread)
        self.knows = frozenset(prices)

    @property
    def how(self) -> str:
        first = next(iter(self.prices.values()))
        about = f" ({self.source})" if self.source else ""
        return f"sum over decisions of {self.space}, {counted(len(first), 'price')}{about}"

    def told(self, quantity: str, design: Mapping[str, Any]) -> float:
        """The sum for a design; raises EvaluationError for a value without a price on a path that has prices."""
        prices = self.prices[quantity]
        paths = {path for path, _ in prices}
        for path, value in design.items():
            if path in paths and (path, value) not in prices:
                raise EvaluationError(f"target {self.name} must know what is decided, but got {path} = {value!r}.")
        return self._base(quantity) + sum(prices.get(decision, 0.0) for decision in design.items())

    def additive(self, quantity: str, space: Space, name: str) -> DecisionCost | None:
        if quantity not in self.knows:
            return None
        _check_whole(self.prices[quantity], space, self.name)
        return DecisionCost(name, QUANTITIES[quantity][1], self.how, self.prices[quantity], self._base(quantity))

    def to_json(self) -> dict[str, Any]:
        """The document that `DecisionPrices.read` reads."""
        rows: dict[tuple[str, Any], dict[str, float]] = {}
        for quantity, prices in self.prices.items():
            for decision, price in prices.items():
                rows.setdefault(decision, {})[quantity] = price
        listed = [{"decision": path, "value": value, **priced} for (path, value), priced in rows.items()]
        return {
            "format": PRICES_FORMAT, "version": VERSION, "space": self.space, "source": self.source,
            "unread": list(self.unread), "rows": listed,
        }  # fmt: skip

    @classmethod
    def read(cls, path: Path, name: str) -> DecisionPrices:
        """Target of a file in the user's folder; raises DataError where it is broken."""
        content = read_json(path)
        try:
            quantities = [each for each in QUANTITIES if each in content["rows"][0]]
            if not quantities:
                raise ValueError("no price")
            prices = {
                quantity: {(row["decision"], row["value"]): float(row[quantity]) for row in content["rows"]}
                for quantity in quantities
            }
            return cls(name, prices, str(content["space"]), str(content["source"]), content.get("unread", ()))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DataError(
                f"a table of blocks has a decision, a value and a price in each row, but {path} is broken:"
                f" {type(error).__name__} {error}."
            ) from error

    def _base(self, quantity: str) -> float:
        return self.prices[quantity].get(("", None), 0.0)

    def _estimate(self, quantity: str, graph: Graph, design: Mapping[str, Any] | None) -> Estimate:
        if design is None:
            raise EvaluationError(f"target {self.name} knows decisions of {self.space}, but got a network alone.")
        value = self.told(quantity, design)
        how = "sum over decisions as the table has them; how near a whole network comes to it is not known"
        return Estimate(value, value, value, QUANTITIES[quantity][1], how)


def is_priced(path: Path) -> bool:
    """Whether a file in the user's folder is a table of blocks."""
    return format_of(path) == PRICES_FORMAT


def has_decisions(rows: Sequence[Row]) -> bool:
    """Whether a table has a column `decision` and a column `value`, so that it is one of blocks."""
    return {"decision", "value"} <= {name.lower() for name in rows[0]}


def prices_of(
    rows: Sequence[Row], file: Path, space: Space, columns: Mapping[str, str] | None = None
) -> DecisionPrices:
    """Target of a table with columns `decision`, `value` and one named for its unit.

    A row without a decision is what every design costs. Prices may be 0, as that of a skip.

    Raises DataError, in one sentence with the row, for decisions that the space does not have, values that are
    missing, repeat or are negative.
    """
    path, value = (next(name for name in rows[0] if name.lower() == wanted) for wanted in ("decision", "value"))
    first = {name: cell for name, cell in rows[0].items() if name not in (path, value)}
    named = value_columns(first, columns or {}, file.name)
    decisions = list(_decisions(rows, path, value, space, file.name))
    prices = {
        quantity: {
            decision: column.read(row.get(column.name), number, file.name, zero=True)
            for number, (decision, row) in enumerate(zip(decisions, rows, strict=True), 1)
        }
        for quantity, column in named.items()
    }
    for each in prices.values():
        _check_whole(each, space, file.name)
    read = {path, value, *(column.name for column in named.values())}
    unread = [each for each in rows[0] if each and each not in read]
    return DecisionPrices(file.stem, prices, space.name, f"table {file.name}", unread)


def _decisions(rows: Sequence[Row], path: str, value: str, space: Space, file: str) -> Iterator[tuple[str, Any]]:
    domains = {place: {cell_key(each): each for each in options} for place, options in options_of(space).items()}
    seen: dict[tuple[str, Any], int] = {}
    for number, row in enumerate(rows, 1):
        place, cell = str(row.get(path) or "").strip(), row.get(value)
        if place and place not in domains:
            raise DataError(f"decisions must be of {space.name}, but row {number} of {file} has {place!r}.")
        if place and cell_key(cell) not in domains[place]:
            known = ", ".join(map(str, domains[place].values()))
            raise DataError(f"{place} must be one of {known}, but row {number} of {file} has {cell!r}.")
        decision = (place, domains[place][cell_key(cell)]) if place else ("", None)
        before = seen.setdefault(decision, number)
        if before != number:
            raise DataError(f"a decision has one price, but rows {before} and {number} of {file} are one decision.")
        yield decision


def _check_whole(prices: Prices, space: Space, file: str) -> None:
    """Raise DataError unless every value of a path that has prices has one, in this space."""
    domains, all_domains = options_of(space), options_of(space.unrestricted)
    for path in dict.fromkeys(path for path, _ in prices if path):
        if path not in all_domains:
            raise DataError(f"decisions must be of {space.name}, but {file} has {path!r}.")
        lacking = [value for value in domains.get(path, ()) if (path, value) not in prices]
        if lacking:
            raise DataError(
                f"every value of a decision must have a price, but {file} has none of {path} = {lacking[0]!r}."
            )
