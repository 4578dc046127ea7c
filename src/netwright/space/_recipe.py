"""The recipe part of a space: hyperparameters of the training, independent of the network."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from netwright.errors import DesignError
from netwright.space._condition import same
from netwright.space._design import Value
from netwright.space._domain import Choice, Real

__all__ = ["Recipe"]

PREFIX = "recipe."


class Recipe:
    """Hyperparameters by name: fixed values, choices and real intervals.

    >>> from netwright.space import oneof, real
    >>> recipe = Recipe({"lr": real(1e-4, 1e-2, log=True), "epochs": oneof(5, 10), "seed": 0})
    >>> recipe.size(), sorted(recipe.sample(np.random.default_rng(0)))
    (2, ['recipe.epochs', 'recipe.lr'])
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self.given = dict(values)
        self._fixed = {k: v for k, v in values.items() if not isinstance(v, (Choice, Real))}
        self._open = {PREFIX + k: v for k, v in values.items() if isinstance(v, (Choice, Real))}

    def __bool__(self) -> bool:
        return bool(self._open)

    def size(self) -> int:
        """Number of combinations of the choices; real intervals count as one."""
        return prod(len(domain.options) for domain in self._open.values() if isinstance(domain, Choice))

    def domains(self) -> dict[str, tuple[Value, ...] | Real]:
        """Labels of each choice and each interval, by path."""
        return {path: d if isinstance(d, Real) else d.labels for path, d in self._open.items()}

    def first(self) -> dict[str, Value]:
        """The first option of each choice, and the middle of each interval."""
        return {path: d.middle if isinstance(d, Real) else d.labels[0] for path, d in self._open.items()}

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """One independent draw of each."""
        return {path: _draw(domain, rng) for path, domain in self._open.items()}

    def mutate(self, recipe: Mapping[str, Value], rng: np.random.Generator) -> dict[str, Value]:
        """One hyperparameter drawn anew."""
        path = list(self._open)[int(rng.integers(len(self._open)))]
        domain = self._open[path]
        if isinstance(domain, Choice) and len(domain.labels) > 1:
            others = [label for label in domain.labels if not same(label, recipe[path])]
            return {**recipe, path: others[int(rng.integers(len(others)))]}
        return {**recipe, path: _draw(domain, rng)}

    def crossover(self, a: Mapping[str, Value], b: Mapping[str, Value], rng: np.random.Generator) -> dict[str, Value]:
        """Each hyperparameter from one parent or the other."""
        return {path: (a if rng.random() < 0.5 else b)[path] for path in self._open}

    def contains(self, recipe: Mapping[str, Value]) -> bool:
        """Whether the mapping decides every open hyperparameter within its domain, and no other."""
        return recipe.keys() == self._open.keys() and all(
            domain.contains(recipe[path])
            if isinstance(domain, Real)
            else any(same(label, recipe[path]) for label in domain.labels)
            for path, domain in self._open.items()
        )

    def values(self, design: Mapping[str, Value]) -> dict[str, Value]:
        """All hyperparameters by name; raises DesignError that names a path that is missing."""
        found: dict[str, Value] = dict(self._fixed)  # type: ignore[arg-type]
        for path, domain in self._open.items():
            if path not in design:
                raise DesignError(f"the design must decide {path!r}, but it does not.")
            value = design[path]
            found[path.removeprefix(PREFIX)] = value if isinstance(domain, Real) else domain.option(value, path)
        return found


def _draw(domain: Choice | Real, rng: np.random.Generator) -> Value:
    if isinstance(domain, Real):
        return domain.sample(rng)
    return domain.labels[int(rng.choice(len(domain.labels), p=np.asarray(domain.probabilities)))]
