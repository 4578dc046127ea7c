"""One point of a space: a readable, ordered mapping from decision path to value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from netwright.errors import DesignError

__all__ = ["Design", "Value"]

Value = str | int | float | bool


class Design(Mapping[str, Value]):
    """Decisions of one design by path; frozen, ordered, equal by content, JSON in and out.

    >>> design = Design({"stem.channels": 16, "stage.times": 2})
    >>> design["stem.channels"]
    16
    >>> Design.from_json(design.to_json()) == design
    True

    Raises DesignError when a value is not a string, number or boolean.
    """

    __slots__ = ("_hash", "_values")

    def __init__(self, values: Mapping[str, Value]) -> None:
        for path, value in values.items():
            if not isinstance(path, str) or not isinstance(value, (str, int, float, bool)):
                raise DesignError(f"a design maps paths to strings, numbers or booleans, but {path!r} has {value!r}.")
        self._values = dict(values)
        self._hash: int | None = None

    @classmethod
    def trusted(cls, values: dict[str, Value]) -> Design:
        """Design of values that are known to be of the right types; nothing is checked or copied."""
        design = cls.__new__(cls)
        design._values, design._hash = values, None
        return design

    def __getitem__(self, path: str) -> Value:
        return self._values[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __reduce__(self) -> tuple[object, ...]:
        # The cached hash depends on this process's string hashing and must not travel.
        return Design, (self._values,)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._values.items()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and self._values == dict(other)

    def __repr__(self) -> str:
        return f"Design({self._values!r})"

    def replace(self, **changes: Value) -> Design:
        """Copy with some values changed; paths with dots go in as `**{"a.b": 1}`.

        >>> Design({"width": 8}).replace(width=16)
        Design({'width': 16})
        """
        return Design({**self._values, **changes})

    def without(self, prefix: str) -> dict[str, Value]:
        """Decisions that are neither at `prefix` nor below it.

        >>> Design({"a": 1, "a.b": 2, "ab": 3}).without("a")
        {'ab': 3}
        """
        below = prefix + "."
        return {path: v for path, v in self._values.items() if path != prefix and not path.startswith(below)}

    def to_json(self, *, indent: int | None = None) -> str:
        """The design as a JSON object.

        >>> Design({"width": 8}).to_json()
        '{"width": 8}'
        """
        return json.dumps(self._values, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> Design:
        """Design from a JSON object; raises DesignError when the text is not one.

        >>> Design.from_json('{"width": 8}')
        Design({'width': 8})
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise DesignError(f"a design must be a JSON object, but the text has: {error}.") from error
        if not isinstance(values, dict):
            raise DesignError(f"a design must be a JSON object, but got {type(values).__name__}.")
        return cls(values)
