"""`formula`: a function of chosen values that gives further ones, known by its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property, update_wrapper
from typing import Any

from netwright.errors import SpaceError
from netwright.space._domain import plain_values
from netwright.space._given import Given

__all__ = ["Formula", "formula"]


class Formula:
    """A function of values by their names, which gives further values, or None where these may not stand together.

    >>> def line(depth, slope=4):
    ...     return {"widths": tuple(8 + slope * i for i in range(depth))}
    >>> found = Formula(line)
    >>> found.needs, found(2)
    ({'depth': True, 'slope': False}, {'widths': (8, 12)})
    >>> found.values({"slope": 4})
    Traceback (most recent call last):
        ...
    netwright.errors.SpaceError: line needs depth, slope, but 'depth' is not given.
    """

    def __init__(self, function: Callable[..., Mapping[str, Any] | None]) -> None:
        self.function = function
        self.name: str = function.__name__
        update_wrapper(self, function)

    @cached_property
    def needs(self) -> dict[str, bool]:
        """Names of its arguments, and whether each must be given."""
        parameters = inspect.signature(self.function).parameters.values()
        return {p.name: p.default is p.empty for p in parameters}

    def __call__(self, *arguments: Any, **named: Any) -> Mapping[str, Any] | None:
        return self.function(*arguments, **named)

    def values(self, known: Mapping[str, Any]) -> Given | None:
        """What it gives for known values, None where it refuses them.

        Raises SpaceError where a value that it needs is not known, and where it gives anything but plain values by
        name.
        """
        missing = [name for name, must in self.needs.items() if must and name not in known]
        if missing:
            raise SpaceError(f"{self.name} needs {', '.join(self.needs)}, but {missing[0]!r} is not given.")
        found = self.function(**{name: known[name] for name in self.needs if name in known})
        if found is not None and not isinstance(found, Mapping):
            raise SpaceError(f"a formula must give values by name, but {self.name} gives {found!r}.")
        return None if found is None else plain_values(found)

    def __reduce__(self) -> str:
        # By name, like a function: pickle then finds this object where its module defines it.
        return str(getattr(self, "__qualname__", self.name))

    def __repr__(self) -> str:
        return self.name


def formula(function: Callable[..., Mapping[str, Any] | None]) -> Formula:
    """Make a function a formula, by which `let` gives a part values that follow from decisions.

    Its arguments are decisions and other values by their names; None says that they may not stand together. A space
    is saved with the name of the formula alone, so that no code stands in a file: whoever loads the space has the
    formula, or is given it beside the file.

    >>> @formula
    ... def line(depth, slope):
    ...     return {"widths": tuple(8 + slope * i for i in range(depth))} if depth * slope < 12 else None
    >>> line(3, 2), line(3, 4)
    ({'widths': (8, 10, 12)}, None)
    """
    return Formula(function)
