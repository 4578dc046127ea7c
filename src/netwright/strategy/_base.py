"""What a strategy is: asked for the next design, told how each one did."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from netwright.errors import StudyError

if TYPE_CHECKING:
    import numpy as np

    from netwright.cost import Limit
    from netwright.space import Design

__all__ = ["Direction", "Objective", "Outcome", "Proposal", "SearchSpace", "State", "Strategy"]

Direction = Literal["maximize", "minimize"]
State = Literal["complete", "infeasible", "failed", "pruned"]

_ATTEMPTS = 16


class SearchSpace(Protocol):
    """The part of a space that strategies use; `netwright.space.Space` has it, and so may a space of your own.

    >>> import numpy as np
    >>> from netwright.strategy import Random
    >>> from netwright.testing import ToySpace
    >>> toy: SearchSpace = ToySpace(layers=2, widths=3)
    >>> Random(toy, [Objective("accuracy", "maximize")]).ask(np.random.default_rng(0)).design
    Design({'layer0.width': 3, 'layer1.width': 2})
    """

    def sample(self, rng: np.random.Generator, n: int = 1, limits: Sequence[Limit] = ()) -> list[Design]: ...

    def mutate(self, design: Design, rng: np.random.Generator, limits: Sequence[Limit] = ()) -> Design: ...

    def crossover(self, a: Design, b: Design, rng: np.random.Generator, limits: Sequence[Limit] = ()) -> Design: ...

    def neighbours(self, design: Design, limits: Sequence[Limit] = ()) -> Iterator[Design]: ...


@dataclass(frozen=True)
class Objective:
    """A metric and the direction in which it is better.

    >>> Objective.parse("maximize accuracy")
    Objective(metric='accuracy', direction='maximize')
    >>> str(Objective("latency_ms@here", "minimize"))
    'minimize latency_ms@here'

    Raises StudyError when the direction is neither or the metric is no name.
    """

    metric: str
    direction: Direction

    def __post_init__(self) -> None:
        if self.direction not in get_args(Direction) or not re.fullmatch(r"[^\W\d]\S*", self.metric):
            raise StudyError(
                "an objective reads 'maximize accuracy' or 'minimize latency_ms@here', "
                f"but got {f'{self.direction} {self.metric}'!r}."
            )

    @classmethod
    def parse(cls, text: str) -> Objective:
        """Read an objective.

        >>> Objective.parse("minimize macs").metric
        'macs'

        Raises StudyError, which shows the accepted form, for anything else.
        """
        direction, _, metric = text.strip().partition(" ")
        return cls(metric.strip(), direction)  # type: ignore[arg-type]  # the constructor checks it

    @property
    def sign(self) -> int:
        """Factor that turns the metric into one to minimise: -1 for maximize, 1 for minimize."""
        return -1 if self.direction == "maximize" else 1

    def __str__(self) -> str:
        return f"{self.direction} {self.metric}"


@dataclass(frozen=True)
class Proposal:
    """A design to try next, and where it came from.

    >>> from netwright.space import Design
    >>> Proposal(Design({"kernel": 3}), parents=(4,), origin="mutation").parents
    (4,)

    parents: trial numbers of the designs it was made from; none for a design that was drawn.
    origin: how it was made, in a word for reports: "random", "mutation", "crossover+mutation", "neighbour".
    """

    design: Design
    parents: tuple[int, ...] = ()
    origin: str = "random"


@dataclass(frozen=True)
class Outcome:
    """What became of one trial.

    >>> from netwright.space import Design
    >>> outcome = Outcome(0, Design({"kernel": 3}), {"accuracy": 0.9})
    >>> outcome.state, outcome.values["accuracy"]
    ('complete', 0.9)
    >>> Outcome(1, Design({"kernel": 5}), state="infeasible", violation=0.2).values
    {}

    number: the trial's number in its study, unique and rising.
    values: by metric; complete trials have every objective, others have what was known when they ended.
    state: "infeasible" broke a limit that only a measurement could tell, "failed" raised, "pruned" was stopped early.
    parents: those of the proposal.
    violation: of an infeasible trial, by how much it breaks its limits, each relative to its bound; 0 when unknown.
    """

    number: int
    design: Design
    values: Mapping[str, float] = field(default_factory=dict)
    state: State = "complete"
    parents: tuple[int, ...] = ()
    violation: float = 0.0


class Strategy(ABC):
    """Decides what to try next; a study asks, evaluates and tells, in any interleaving.

    >>> import numpy as np
    >>> from netwright.testing import ToySpace
    >>> class Latest(Strategy):
    ...     def ask(self, rng):
    ...         if not self.history:
    ...             return self.random(rng)
    ...         last = self.history[-1]
    ...         return Proposal(self.space.mutate(last.design, rng, self.limits), (last.number,), "mutation")
    >>> strategy, rng = Latest(ToySpace(), [Objective("accuracy", "maximize")]), np.random.default_rng(0)
    >>> first = strategy.ask(rng)
    >>> strategy.tell(Outcome(7, first.design, {"accuracy": 0.5}))
    >>> first.origin, strategy.ask(rng).parents
    ('random', (7,))

    Write `ask`; extend `tell` where outcomes must be arranged as they come, which keeps `ask` from slowing down
    over thousands of trials. A study stores outcomes but no strategy: on resume it tells a new one every stored
    outcome in the stored order and goes on. So `ask` must depend on nothing but the outcomes told so far, in
    order, and `rng`; it may cache, but must not count its own calls.

    space: where designs come from.
    objectives: one or more; an outcome that misses one, or has it infinite or nan, counts as failed.
    limits: those that the space can hold by itself, passed to it as they are. A limit that only a measurement can
    check is the study's; it tells such a trial as infeasible.

    Raises StudyError when there is no objective, or two for one metric.
    """

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], limits: Sequence[Limit] = ()) -> None:
        metrics = [objective.metric for objective in objectives]
        if not metrics or len(set(metrics)) < len(metrics):
            raise StudyError(f"a strategy needs one or more objectives on different metrics, but got {metrics}.")
        self.space = space
        self.objectives = tuple(objectives)
        self.limits = tuple(limits)
        self.history: list[Outcome] = []
        self._told: set[Design] = set()

    @abstractmethod
    def ask(self, rng: np.random.Generator) -> Proposal:
        """Propose a design of the space within the limits."""

    def tell(self, outcome: Outcome) -> None:
        """Take in what became of a trial, whether this strategy proposed it or not."""
        self.history.append(outcome)
        self._told.add(outcome.design)

    def told(self, design: Design) -> bool:
        """Say whether an outcome of this very design was told."""
        return design in self._told

    def scores(self, outcome: Outcome) -> tuple[float, ...] | None:
        """Values of the objectives in their order, or None unless the trial is complete and has them all, finite."""
        if outcome.state != "complete":
            return None
        values = tuple(float(outcome.values.get(objective.metric, math.nan)) for objective in self.objectives)
        return values if all(map(math.isfinite, values)) else None

    def random(self, rng: np.random.Generator) -> Proposal:
        """Draw a design uniformly, again up to 15 times while it was told before."""
        for _ in range(_ATTEMPTS):
            design = self.space.sample(rng, 1, self.limits)[0]
            if not self.told(design):
                break
        return Proposal(design)

    def first_untold(self, draw: Callable[[], Proposal], rng: np.random.Generator) -> Proposal:
        """First of 16 proposals from `draw` that was not told before, else a random one.

        Without it a converged population of a small space proposes little but what it has already tried.
        """
        proposals = (draw() for _ in range(_ATTEMPTS))
        return next((each for each in proposals if not self.told(each.design)), None) or self.random(rng)


def check_range(name: str, value: float, least: float, most: float = math.inf) -> None:
    """Refuse a strategy's setting outside its range.

    >>> check_range("population", 32, least=1)

    Raises StudyError, which states the range.
    """
    if not least <= value <= most:
        rule = f"{name} >= {least}" if most == math.inf else f"{least} <= {name} <= {most}"
        raise StudyError(f"`{rule}` must hold, but got {name}={value}.")
