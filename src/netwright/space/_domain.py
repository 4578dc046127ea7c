"""Choices among values, and what they mean inside the hyperparameters of a block."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.blocks import Block, Call
from netwright.errors import DesignError, SpaceError
from netwright.space._compile import Compiler, Outcome, Outcomes
from netwright.space._design import Value
from netwright.space._forest import join_path
from netwright.space._given import Given, Placeholder

if TYPE_CHECKING:
    from netwright.space._expression import Builder

__all__ = [
    "Choice",
    "Decisions",
    "Real",
    "as_choice",
    "decide",
    "expansions",
    "integer",
    "option_labels",
    "placeholders",
    "plain_values",
    "real",
    "resolve",
]

Decisions = tuple[tuple[str, Value, float], ...]


@dataclass(frozen=True)
class Choice:
    """One of several values; each has a label by which a design names it, and a probability."""

    options: tuple[Any, ...]
    labels: tuple[Value, ...]
    probabilities: tuple[float, ...]

    def option(self, label: Value, path: str) -> Any:
        """Value of a label; raises DesignError that names the path and lists the labels."""
        for known, option in zip(self.labels, self.options, strict=True):
            if known == label and isinstance(known, bool) == isinstance(label, bool):
                return option
        raise DesignError(
            f"{path!r} must be one of {', '.join(map(str, self.labels))}, but the design has {label!r}."
        )

    def __repr__(self) -> str:
        return f"oneof({', '.join(map(repr, self.options))})"


@dataclass(frozen=True)
class Real:
    """A real number in [low, high], uniform or uniform in its logarithm; only for recipes."""

    low: float
    high: float
    log: bool = False

    def sample(self, rng: np.random.Generator) -> float:
        """One draw."""
        if self.log:
            return float(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return float(rng.uniform(self.low, self.high))

    @property
    def middle(self) -> float:
        """Middle of the interval, or of its logarithm."""
        return math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2

    def contains(self, value: Value) -> bool:
        """Whether the value lies in the interval."""
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high


def plain_values(values: Mapping[str, Any]) -> Given:
    """Values to give, in order of their names, lists as tuples; raises SpaceError for one that is a choice or a dict.

    >>> plain_values({"widths": [8, 16], "stride": 2})
    (('stride', 2), ('widths', (8, 16)))
    """
    for name, value in values.items():
        if as_choice(value) is not None or isinstance(value, (dict, set)):
            raise SpaceError(f"what a part is given must be plain values, but {name!r} is {value!r}.")
    return tuple((name, _frozen(value)) for name, value in sorted(values.items()))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def placeholders(value: Any) -> frozenset[str]:
    """Names of what a hyperparameter, or one of a block among them, waits to be given.

    >>> sorted(placeholders((Placeholder("width"), [Placeholder("stride"), 3])))
    ['stride', 'width']
    """
    choice = as_choice(value)
    if choice is not None:
        return placeholders(choice.options)
    if isinstance(value, Call):
        return placeholders(tuple(value.hyperparameters.values()))
    if isinstance(value, (tuple, list)):
        return frozenset().union(*map(placeholders, value))
    return frozenset({value.name}) if isinstance(value, Placeholder) else frozenset()


def integer(low: int, high: int, step: int = 1) -> Any:
    """One of the integers low, low + step, ... up to and including high.

    >>> integer(2, 8, step=2)
    oneof(2, 4, 6, 8)

    Raises SpaceError unless low <= high and step is positive.
    """
    from netwright.space._choice import oneof

    whole = all(isinstance(number, (int, np.integer)) for number in (low, high, step))
    if not whole:
        raise SpaceError(f"integer needs whole numbers, but got low={low!r}, high={high!r}, step={step!r}.")
    if step < 1 or low > high:
        raise SpaceError(f"`low <= high` and a positive step must hold, but got low={low}, high={high}, step={step}.")
    return oneof(*range(low, high + 1, step))


def real(low: float, high: float, *, log: bool = False) -> Real:
    """A real hyperparameter of a recipe, uniform in [low, high] or, with `log`, uniform in its logarithm.

    >>> real(1e-4, 1e-2, log=True)
    Real(low=0.0001, high=0.01, log=True)

    Raises SpaceError unless low < high, and for `log` unless low is positive.
    """
    if not all(isinstance(bound, (int, float, np.number)) and math.isfinite(bound) for bound in (low, high)):
        raise SpaceError(f"the bounds of real must be finite numbers, but got low={low!r}, high={high!r}.")
    if not low < high or (log and low <= 0):
        raise SpaceError(f"`low < high` (and `0 < low` for log) must hold, but got low={low}, high={high}.")
    return Real(float(low), float(high), log)


def option_labels(options: Sequence[Any]) -> tuple[Value, ...]:
    """Label of each option: plain values are their own, blocks go by name, told apart by their hyperparameters."""
    labels = [_label(option) for option in options]
    if len(set(map(repr, labels))) < len(labels):
        labels = [_label(option, full=labels.count(label) > 1) for option, label in zip(options, labels, strict=True)]
    # True, 1 and 1.0 are equal in Python, and so would be the designs that differ in them alone.
    if len(set(labels)) < len(labels):
        raise SpaceError(f"options must differ, but got {', '.join(map(repr, options))}.")
    return tuple(labels)


def _label(option: Any, *, full: bool = False) -> Value:
    if isinstance(option, (str, int, float, bool)):
        return option
    if isinstance(option, np.generic):
        plain: Value = option.item()
        return plain
    if isinstance(option, Block):
        return option.name
    if isinstance(option, Call):
        return repr(option) if full else option.block.name
    if option is None:
        return "none"
    if full or not hasattr(option, "label"):
        return repr(option)
    return str(option.label)


def expansions(value: Any, name: str = "") -> list[tuple[Decisions, Any]]:
    """Every way to decide the choices inside a hyperparameter value, with the value that results.

    >>> from netwright.space import oneof
    >>> from netwright.blocks import conv
    >>> [(decisions, call) for decisions, call in expansions(conv(oneof(8, 16)))]
    [((('channels', 8, 0.5),), conv(channels=8)), ((('channels', 16, 0.5),), conv(channels=16))]
    """
    choice = as_choice(value)
    if choice is not None:
        return [
            (((name, label, p), *decisions), resolved)
            for option, label, p in zip(choice.options, choice.labels, choice.probabilities, strict=True)
            for decisions, resolved in expansions(option, name)
        ]
    if isinstance(value, Call):
        results: list[tuple[Decisions, Any]] = [((), {})]
        for key, inner in value.hyperparameters.items():
            ways = expansions(inner, join_path(name, key))
            results = [(ds + more, {**kept, key: v}) for ds, kept in results for more, v in ways]
        return [(decisions, Call(value.block, kept)) for decisions, kept in results]
    if isinstance(value, (tuple, list)) and any(map(_varies, value)):
        rows: list[tuple[Decisions, Any]] = [((), ())]
        for i, inner in enumerate(value):
            ways = expansions(inner, join_path(name, str(i)))
            rows = [(ds + more, (*kept, v)) for ds, kept in rows for more, v in ways]
        return rows
    return [((), value)]


def _varies(value: Any) -> bool:
    if isinstance(value, Call):
        return any(map(_varies, value.hyperparameters.values()))
    return as_choice(value) is not None or (isinstance(value, (tuple, list)) and any(map(_varies, value)))


def as_choice(value: Any) -> Choice | None:
    """The choice that a value is, or None for a fixed value; raises SpaceError for a real number."""
    if isinstance(value, Real):
        raise SpaceError(
            "real() is for recipes; a hyperparameter of a block must have countably many values: use oneof."
        )
    choice = value if isinstance(value, Choice) else getattr(value, "choice", None)
    return choice if isinstance(choice, Choice) else None


def resolve(value: Any, builder: Builder, prefix: str, name: str = "") -> Any:
    """The value that a design gives to a hyperparameter with choices inside."""
    choice = as_choice(value)
    if choice is not None:
        path = join_path(prefix, name)
        return resolve(choice.option(builder.decide(path), path), builder, prefix, name)
    if isinstance(value, Call):
        inner = {k: resolve(v, builder, prefix, join_path(name, k)) for k, v in value.hyperparameters.items()}
        return Call(value.block, inner)
    if isinstance(value, (tuple, list)):
        return type(value)(resolve(v, builder, prefix, join_path(name, str(i))) for i, v in enumerate(value))
    return value


def decide(compiler: Compiler, leaves: Sequence[tuple[Decisions, tuple[Outcome, int]]]) -> Outcomes:
    """Nest decisions over leaves: one union for each decision, in order, for each outcome."""
    groups: dict[Outcome, list[tuple[Decisions, int]]] = {}
    for decisions, (outcome, node) in leaves:
        groups.setdefault(outcome, []).append((decisions, node))
    return {outcome: _nest(compiler, group) for outcome, group in groups.items()}


def _nest(compiler: Compiler, group: Sequence[tuple[Decisions, int]]) -> int:
    if not group[0][0]:
        return group[0][1]
    name = group[0][0][0][0]
    by_value: dict[tuple[str, Value], list[tuple[Decisions, int]]] = {}
    weights: dict[tuple[str, Value], float] = {}
    for (first, *rest), node in group:
        key = (type(first[1]).__name__, first[1])
        by_value.setdefault(key, []).append((tuple(rest), node))
        weights[key] = first[2]
    options = [(value, _nest(compiler, inner)) for (_, value), inner in by_value.items()]
    return compiler.forest.choice(name, options, list(weights.values()))
