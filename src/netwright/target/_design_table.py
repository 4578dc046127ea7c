"""Many designs in little room: each place and each of its options once, and a row of numbers for a design."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from netwright.space import Design

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["DesignTable", "options_of", "without_recipe"]

Codes = NDArray[np.unsignedinteger[Any]]
Numbers = NDArray[np.int64]
Options = Sequence[Sequence[Any]]


class DesignTable(Sequence[Design]):
    """Designs of one space, in order.

    >>> table = DesignTable.of([{"kernel": 3, "width": 8}, {"kernel": 5}])
    >>> table.codes.tolist(), table[1], table.row({"kernel": 5}), table.row({"kernel": 7})
    ([[1, 1], [2, 0]], Design({'kernel': 5}), 1, None)

    places: paths of decisions. options: values of each place. codes: (designs, places), 0 where a design does not
    decide a place, and otherwise 1 more than the number of its option.
    """

    def __init__(self, places: Sequence[str], options: Options, codes: Codes) -> None:
        self.places, self.options, self.codes = tuple(places), tuple(map(tuple, options)), codes

    @classmethod
    def of(cls, designs: Iterable[Mapping[str, Any]]) -> DesignTable:
        """Table of designs; raises DesignError as `Design` does."""
        if isinstance(designs, DesignTable):
            return designs
        known: dict[str, dict[Any, int]] = {}
        paths: dict[tuple[str, ...], tuple[str, ...]] = {}
        taken = [(paths.setdefault(own := tuple(design), own), _codes(design, known)) for design in designs]
        places = {path: place for place, path in enumerate(known)}
        most = max((len(options) for options in known.values()), default=0)
        codes = np.zeros((len(taken), len(places)), dtype=np.min_scalar_type(most))
        for row, (decided, numbers) in enumerate(taken):
            codes[row, [places[path] for path in decided]] = numbers
        return cls(list(known), [list(options) for options in known.values()], codes)

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, row: int) -> Design: ...
    @overload
    def __getitem__(self, row: slice) -> DesignTable: ...
    def __getitem__(self, row: int | slice) -> Design | DesignTable:
        if isinstance(row, slice):
            return DesignTable(self.places, self.options, self.codes[row])
        return self._design(self.codes[row].tolist())

    def __iter__(self) -> Iterator[Design]:
        return (self._design(codes.tolist()) for codes in self.codes)

    def row(self, design: Mapping[str, Any]) -> int | None:
        """Number of a design; None where it is not in the table."""
        code = self._code(design)
        if code is None:
            return None
        keys, order = self._index
        key = self._keys(code[None])[0]
        near = order[np.searchsorted(keys, key) : np.searchsorted(keys, key, side="right")]
        return next((int(row) for row in near if (self.codes[row] == code).all()), None)

    def twice(self) -> tuple[int, int] | None:
        """Numbers of a design and of its repetition, the first that there is; None where each is there once."""
        keys, order = self._index
        again = np.flatnonzero(keys[1:] == keys[:-1])
        same = again[(self.codes[order[again]] == self.codes[order[again + 1]]).all(axis=1)]
        return min(((int(order[i]), int(order[i + 1])) for i in same), key=lambda rows: rows[1], default=None)

    @cached_property
    def decisions(self) -> frozenset[tuple[str, Any]]:
        """Every place with every option of it."""
        return frozenset((path, value) for path, own in zip(self.places, self.options, strict=True) for value in own)

    @property
    def columns(self) -> list[tuple[str, Any]]:
        """The decisions in the order in which the designs first take them."""
        return [(self.places[place], self.options[place][code - 1]) for _, place, code in self._first]

    def witnesses(self) -> list[int]:
        """Numbers of few designs, in order, that take all decisions together."""
        return list(dict.fromkeys(row for row, _, _ in self._first))

    @cached_property
    def _first(self) -> list[tuple[int, int, int]]:
        """The first design that takes each decision, the decision's place and its code; in order."""
        found: list[tuple[int, int, int]] = []
        for place in range(len(self.places)):
            codes, rows = np.unique(self.codes[:, place], return_index=True)
            found += [(int(row), place, int(code)) for code, row in zip(codes, rows, strict=True) if code]
        return sorted(found)

    def numbers(self) -> Numbers:
        """(designs, places): the number of each decision in `columns`; one beyond the last where none is taken."""
        number = {decision: i for i, decision in enumerate(self.columns)}
        found = np.empty(self.codes.shape, dtype=np.int64)
        for place, (path, own) in enumerate(zip(self.places, self.options, strict=True)):
            of_code = [len(number), *(number.get((path, value), len(number)) for value in own)]
            found[:, place] = np.asarray(of_code)[self.codes[:, place]]
        return found

    def _design(self, codes: Sequence[int]) -> Design:
        parts = zip(self.places, self.options, codes, strict=True)
        return Design.trusted({path: own[code - 1] for path, own, code in parts if code})

    def _code(self, design: Mapping[str, Any]) -> Codes | None:
        """Codes of a design; None where it has a decision that no design of the table has."""
        code = np.zeros(len(self.places), dtype=self.codes.dtype)
        try:
            for path, value in design.items():
                place, numbers = self._numbers[path]
                code[place] = numbers[value]
        except KeyError:
            return None
        return code

    @cached_property
    def _numbers(self) -> dict[str, tuple[int, dict[Any, int]]]:
        return {
            path: (place, {value: code for code, value in enumerate(own, 1)})
            for place, (path, own) in enumerate(zip(self.places, self.options, strict=True))
        }

    def _keys(self, codes: Codes) -> NDArray[np.uint64]:
        """A number for each row of codes, which two different rows hardly ever share."""
        factors = np.random.default_rng(0).integers(1, 2**63, len(self.places), dtype=np.uint64)
        keys = np.zeros(len(codes), dtype=np.uint64)
        for place, factor in enumerate(factors):
            keys += codes[:, place].astype(np.uint64) * factor
        return keys

    @cached_property
    def _index(self) -> tuple[NDArray[np.uint64], Numbers]:
        """Keys in order, and the row of each; rows of one key stay in order."""
        keys = self._keys(self.codes)
        order = np.argsort(keys, kind="stable")
        return keys[order], order


def options_of(space: Space) -> dict[str, tuple[Any, ...]]:
    """The values of each decision of a space, by path; without decisions on a number in a range.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, oneof
    >>> options_of(Space(conv(oneof(8, 16)), input=image(3, 8, 8)))
    {'channels': (8, 16)}
    """
    return {path: domain for path, domain in space.decisions().items() if isinstance(domain, tuple)}


def without_recipe(design: Mapping[str, Any]) -> Design:
    """The decisions about the network, which are all that a device's costs depend on.

    >>> without_recipe({"kernel": 3, "recipe.epochs": 5})
    Design({'kernel': 3})
    """
    return Design({path: value for path, value in design.items() if not path.startswith("recipe.")})


def _codes(design: Mapping[str, Any], known: dict[str, dict[Any, int]]) -> list[int]:
    """Codes of what a design decides, in its order; `known` grows by what is new."""
    codes = []
    for path, value in design.items():
        own = known.setdefault(path, {})
        try:
            code = own.get(value)
        except TypeError:
            code = None
        if code is None:
            Design({path: value})  # which raises where it is no value
            code = own.setdefault(value, len(own) + 1)
        codes.append(code)
    return codes
