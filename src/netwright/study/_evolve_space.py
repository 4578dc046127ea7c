"""Spaces evolved for a target: some decisions made once and for all, so that what is left holds good fast designs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.cost import Limit
from netwright.errors import EmptySpaceError, LimitError, SpaceError
from netwright.space import Design
from netwright.strategy import Objective, Outcome, RegularisedEvolution
from netwright.study._metrics import with_told
from netwright.study._shrink import judged

if TYPE_CHECKING:
    from netwright.space import Space
    from netwright.study._records import Study

__all__ = ["Evolved", "Subspaces", "evolve_by_trials", "evolve_space", "qt_score"]

Quality = Callable[[Sequence[Design]], Sequence[float]]
"""Estimates of several designs of the whole space; higher is better."""
DRAWS = 100
BEST = 0.2
"""Share of the designs under a limit whose quality counts."""


class Subspaces:
    """The subspaces of a space in which some decisions are made; a design of it makes exactly these.

    >>> import numpy as np
    >>> from netwright.space.catalog import get_space
    >>> family = Subspaces(get_space("mobilenet-tiny"), ["stage*.down.kernel"])
    >>> chosen = family.sample(np.random.default_rng(0))[0]
    >>> list(chosen), family.space(chosen).size() < get_space("mobilenet-tiny").size()
    (['stage1.down.kernel', 'stage2.down.kernel', 'stage3.down.kernel'], True)

    decisions: paths, or patterns of them.

    Raises SpaceError for a pattern that fits no decision.
    """

    def __init__(self, space: Space, decisions: Sequence[str]) -> None:
        known = {path: values for path, values in space.decisions().items() if isinstance(values, tuple)}
        for pattern in decisions:
            if not any(fnmatchcase(path, pattern) for path in known):
                raise SpaceError(f"a subspace makes decisions of {space.name}, but none has the path {pattern!r}.")
        self.whole = space
        self.values = {p: v for p, v in known.items() if any(fnmatchcase(p, pattern) for pattern in decisions)}

    def space(self, design: Mapping[str, Any]) -> Space:
        """What is left of the space; raises EmptySpaceError where these decisions exclude each other."""
        return self.whole.restricted({path: [value] for path, value in design.items()})

    def sample(self, rng: np.random.Generator, n: int = 1, limits: Sequence[Limit] = ()) -> list[Design]:
        """n subspaces, every decision uniform and by itself."""
        return [Design({path: _one(rng, values) for path, values in self.values.items()}) for _ in range(n)]

    def mutate(self, design: Design, rng: np.random.Generator, limits: Sequence[Limit] = ()) -> Design:
        """One decision made otherwise."""
        open_paths = [path for path, values in self.values.items() if len(values) > 1]
        if not open_paths:
            return design
        path = _one(rng, open_paths)
        return Design({**design, path: _one(rng, [value for value in self.values[path] if value != design[path]])})

    def crossover(self, a: Design, b: Design, rng: np.random.Generator, limits: Sequence[Limit] = ()) -> Design:
        """Every decision of one of two."""
        return Design({path: _one(rng, (a[path], b[path])) for path in self.values})

    def neighbours(self, design: Design, limits: Sequence[Limit] = ()) -> Iterator[Design]:
        """Subspaces that differ in one decision."""
        for path, values in self.values.items():
            yield from (Design({**design, path: value}) for value in values if value != design[path])


def _one(rng: np.random.Generator, options: Sequence[Any]) -> Any:
    return options[int(rng.integers(len(options)))]


def qt_score(
    space: Space, quality: Quality, limits: Sequence[Limit | str], rng: np.random.Generator, *, draws: int = DRAWS
) -> float:
    """How good the best designs of a space are under each of several limits on a target, on average.

    >>> import numpy as np
    >>> from netwright.space.catalog import get_space
    >>> space = get_space("mobilenet-tiny")
    >>> wide = lambda designs: [design["stem.channels"] / 24 for design in designs]
    >>> qt_score(space, wide, ["macs <= 2M", "macs <= 3M"], np.random.default_rng(0), draws=50)
    1.0

    Under each limit designs are drawn uniformly among those that hold it, and the mean quality of the best fifth
    counts. A limit that no design holds counts like the worst quality that was seen in the space.

    Source: Wang et al. 2023, "SpaceEvo", section 4: the Q-T score, quality under latency constraints. The exact draw
    within a limit stands in place of their rejection of slower designs, any estimate in place of their supernet.
    """
    found: list[float | None] = []
    worst: list[float] = []
    bounds = [Limit.of([limit])[0] for limit in limits]
    for limit in bounds:
        try:
            drawn = space.sample(rng, draws, [limit])
        except LimitError:
            found.append(None)
            continue
        values = np.sort(np.asarray(quality(drawn), dtype=float))
        worst.append(values[0])
        found.append(float(values[-max(int(BEST * len(values)), 1) :].mean()))
    if not worst:
        return -np.inf
    return float(np.mean([min(worst) if value is None else value for value in found]))


@dataclass(frozen=True)
class Evolved:
    """The best subspace that was found, its score, that of the whole space, and every score in its order.

    >>> import netwright as nw
    >>> from netwright.space import Design
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> whole = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> decisions = Design({"conv.kernel": 3})
    >>> found = Evolved(decisions, Subspaces(whole, ["conv.kernel"]).space(decisions), 0.9, 0.8, (0.7, 0.9))
    >>> found.score > found.whole, found.space.size(), whole.size()
    (True, 3, 6)
    """

    decisions: Design
    space: Space
    score: float
    whole: float
    history: tuple[float, ...]


def evolve_space(
    family: Subspaces,
    quality: Quality,
    limits: Sequence[Limit | str],
    *,
    rounds: int = 200,
    draws: int = DRAWS,
    seed: int = 0,
) -> Evolved:
    """Evolve a subspace whose designs are best under limits on a target, by regularised evolution of its Q-T score.

    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> wide = lambda designs: [design["conv.channels"] for design in designs]
    >>> found = evolve_space(Subspaces(space, ["conv.kernel"]), wide, ["macs <= 3000"], rounds=6, draws=20)
    >>> found.decisions, found.space.size()
    (Design({'conv.kernel': 1}), 3)

    quality: of designs, such as a predictor trained on a few of the whole space. limits: on one additive cost, such
    as the latency that a table or a calibrated target gives; several, since a space serves more than one of them.

    Source: Wang et al. 2023, "SpaceEvo", algorithm 1.

    Raises LimitError when no design of the whole space holds any of the limits.
    """
    rng = np.random.default_rng(seed)
    whole = qt_score(family.whole, quality, limits, rng, draws=draws)
    if whole == -np.inf:
        raise LimitError(f"a space is evolved for limits that some design holds, but none of {len(limits)} is held.")
    strategy = RegularisedEvolution(family, [Objective("score", "maximize")], population=20, tournament=5)
    best: tuple[float, Design] = (-np.inf, Design({}))
    history = []
    for number in range(rounds):
        proposal = strategy.ask(rng)
        score = _score(family, proposal.design, quality, limits, rng, draws)
        # A score that is not finite makes no parent: strategies take it for a failure.
        strategy.tell(Outcome(number, proposal.design, {"score": score}, parents=proposal.parents))
        best = max(best, (score, proposal.design), key=lambda pair: pair[0])
        history.append(score)
    return Evolved(best[1], family.space(best[1]), best[0], whole, tuple(history))


def evolve_by_trials(
    study: Study,
    space: Space,
    decisions: Sequence[str],
    limits: Sequence[Limit | str],
    *,
    metric: str | None = None,
    method: str = "functional-anova",
    rounds: int = 200,
    seed: int = 0,
) -> Evolved:
    """Evolve a subspace with the effects of options, by the trials of a study, as the estimate of quality.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> import netwright as nw
    >>> from netwright.study import Budget, Study, StudySpec, Trial
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> spec = StudySpec((nw.Objective.parse("maximize accuracy"),), seed=0, budget=Budget(trials=12))
    >>> trials = [
    ...     Trial(number, design, "complete", seed=0, values={"accuracy": design["conv.kernel"] / 4})
    ...     for number, design in enumerate(space.sample(np.random.default_rng(0), 12))
    ... ]
    >>> study = Study(Path("runs/toy"), spec, trials)
    >>> evolve_by_trials(study, space, ["conv.kernel"], ["macs <= 15000"], rounds=4).decisions
    Design({'conv.kernel': 3})

    metric, method: as in `shrink_space`; scores are in the units of the effects. The other arguments are those of
    `evolve_space`, and so are the errors.
    """
    from netwright.quality.importance import effects

    asked = [Limit.of([limit])[0].metric for limit in limits]
    space = with_told(space, asked, [limit.metric for limit in study.spec.limits])
    designs, values = judged(study, metric)
    held = tuple(limit for limit in study.spec.limits if space.additive(limit.metric))
    demerit = effects(space, designs, values, method=method, limits=held, seed=seed).cost()
    family = Subspaces(space, decisions)
    return evolve_space(
        family, lambda drawn: [-demerit.of_design(d) for d in drawn], limits, rounds=rounds, seed=seed
    )


def _score(
    family: Subspaces,
    design: Design,
    quality: Quality,
    limits: Sequence[Limit | str],
    rng: np.random.Generator,
    draws: int,
) -> float:
    try:
        return qt_score(family.space(design), quality, limits, rng, draws=draws)
    except EmptySpaceError:
        return -np.inf
