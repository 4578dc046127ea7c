"""`given`: values that a part takes from what stands around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from netwright.blocks import Call
from netwright.errors import SpaceError

__all__ = ["Given", "Placeholder", "filled", "given", "merged"]

Given = tuple[tuple[str, Any], ...]
"""Values by name that a part is given in one place, in order of their names."""


@dataclass(frozen=True)
class Placeholder:
    """What a part is given under a name, or what stands in a place of that, and so on inwards."""

    name: str
    places: tuple[int, ...] = ()

    def of(self, known: Mapping[str, Any]) -> Any:
        """What it stands for; raises SpaceError for a name that is not given, and for a place that is not there."""
        if self.name not in known:
            raise SpaceError(f"{self!r} must stand where it is given, but nothing around it gives {self.name!r}.")
        value = known[self.name]
        for place in self.places:
            if not isinstance(value, (tuple, list)) or not 0 <= place < len(value):
                raise SpaceError(f"what {self!r} stands for must have place {place}, but {self.name} is {value!r}.")
            value = value[place]
        return value

    def __repr__(self) -> str:
        return f"given({', '.join(map(repr, (self.name, *self.places)))})"


def given(name: str, *places: int) -> Placeholder:
    """A hyperparameter, or a number of copies, that a part is given where it stands; no decision.

    It comes from the nearest `let`, `tied` or `repeat` around the part that gives something of that name.

    >>> given("stride"), given("widths", 0)
    (given('stride'), given('widths', 0))

    places: where several values are given together, which of them, counted from 0.
    """
    return Placeholder(name, places)


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """A value with every placeholder in it replaced; raises SpaceError for a name that is not given.

    >>> filled((1, Placeholder("stride")), {"stride": 2})
    (1, 2)
    """
    if isinstance(value, Placeholder):
        return value.of(known)
    if isinstance(value, Call):
        return Call(value.block, {key: filled(inner, known) for key, inner in value.hyperparameters.items()})
    if isinstance(value, (tuple, list)):
        return type(value)(filled(inner, known) for inner in value)
    return value


def merged(outer: Given, values: Iterable[tuple[str, Any]]) -> Given:
    """What is given inside: further values in place of those of the same name, which they may be made of.

    >>> merged((("stride", 2), ("width", 8)), [("stride", 1), ("channels", Placeholder("width"))])
    (('channels', 8), ('stride', 1), ('width', 8))
    """
    known = dict(outer)
    return tuple(sorted({**known, **{name: filled(value, known) for name, value in values}}.items()))
