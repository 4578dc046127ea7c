"""Strategies by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from netwright.errors import StudyError, UnknownNameError
from netwright.strategy._base import Strategy
from netwright.strategy._local_search import LocalSearch
from netwright.strategy._nsga2 import NSGA2
from netwright.strategy._random import Random
from netwright.strategy._regularised_evolution import RegularisedEvolution

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["STRATEGIES", "get_strategy", "strategy_names"]

_GROUP = "netwright.strategies"

STRATEGIES: Mapping[str, type[Strategy]] = MappingProxyType(
    {
        "local-search": LocalSearch,
        "nsga2": NSGA2,
        "random": Random,
        "regularised-evolution": RegularisedEvolution,
    }
)


def get_strategy(name: str) -> type[Strategy]:
    """Class of the strategy with this name.

    >>> get_strategy("nsga2").__name__
    'NSGA2'

    A package of your own adds names through the entry point group "netwright.strategies"; it cannot replace those
    that are here.

    Raises UnknownNameError, which lists the names, and StudyError when an entry point names no Strategy.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    points = _entry_points()
    if name not in points:
        raise UnknownNameError("strategy", name, strategy_names())
    found = points[name].load()
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise StudyError(
            f"an entry point of {_GROUP} must name a subclass of Strategy, but {name} names {points[name].value}."
        )
    return found


def strategy_names() -> list[str]:
    """Names of all strategies, those of installed plug-ins included, sorted.

    >>> "random" in strategy_names()
    True
    """
    return sorted({*STRATEGIES, *_entry_points()})


def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # here, since its import takes as long as that of the whole room

    return {point.name: point for point in entry_points(group=_GROUP)}
