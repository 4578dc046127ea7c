"""How a part of a space is spelled: the function that makes it, with its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netwright.blocks import Block, Call
from netwright.errors import SpaceError
from netwright.space._domain import Choice, Real
from netwright.space._given import Placeholder

__all__ = ["Spelling", "choice_spelling", "plain", "spelling", "with_keywords"]


@dataclass(frozen=True)
class Spelling:
    """A call of a function of the language by name, or of a block."""

    function: str | Block
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


def spelling(value: Any) -> Spelling | None:
    """Spelling of a part, of a block with its hyperparameters, or of a choice; None for a plain value.

    >>> from netwright.blocks import conv
    >>> from netwright.space import oneof
    >>> spelling(oneof(8, 16)).arguments, spelling(conv(8)).keywords, spelling(8)
    ((8, 16), {'channels': 8}, None)

    Raises SpaceError for a part of a given model, which has no spelling.
    """
    from netwright.space._expression import Expression

    if isinstance(value, Expression):
        return value.spelled()
    if isinstance(value, Block):
        return Spelling(value)
    if isinstance(value, Call):
        return Spelling(value.block, (), value.hyperparameters)
    if isinstance(value, Choice):
        return choice_spelling(value.options, value.probabilities)
    if isinstance(value, Real):
        return Spelling("real", (value.low, value.high), {"log": True} if value.log else {})
    return Spelling("given", (value.name, *value.places)) if isinstance(value, Placeholder) else None


def choice_spelling(options: Sequence[Any], probabilities: Sequence[float]) -> Spelling:
    """Spelling of a choice; weights are left out where all are equal."""
    weights = {} if len(set(probabilities)) == 1 else {"weights": list(probabilities)}
    return Spelling("oneof", tuple(options), weights)


def with_keywords(parts: Sequence[Any], taken: Sequence[str] = ()) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Parts as arguments, and the named ones at their end as keywords."""
    from netwright.space._expression import Named

    found, keywords = list(parts), dict[str, Any]()
    while found and isinstance(found[-1], Named) and found[-1].name.isidentifier():
        if found[-1].name in (*taken, *keywords):
            break
        keywords = {found[-1].name: found.pop().body, **keywords}
    return tuple(found), keywords


def plain(value: Any) -> Any:
    """A value free of NumPy; raises SpaceError for one that cannot be written down.

    >>> plain(np.int64(3)), plain(None)
    (3, None)
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise SpaceError(f"what a space writes down must be numbers, strings or lists of them, but got {value!r}.")
    return value
