"""A space made smaller by the trials of a study, and the best design that they point to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.cost import Limit
from netwright.errors import StudyError, UnknownNameError
from netwright.space import climb
from netwright.study._records import Study

if TYPE_CHECKING:
    from netwright.quality.importance import Effects
    from netwright.space import Design, Space

__all__ = ["Shrunk", "shrink_space"]


@dataclass(frozen=True)
class Shrunk:
    """What trials say of a space: effects of its options, the options that stay, and the design built from them.

    before, after: exact numbers of designs. kept: values that stay, of the decisions that lost some.
    """

    space: Space
    effects: Effects
    before: int
    after: int
    kept: Mapping[str, list[Any]]
    built: Design
    costs: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """As in the answer of `netwright spaces shrink --json`."""
        return {
            "space": self.space.name,
            "designs_before": str(self.before),
            "designs_after": str(self.after),
            "kept": {path: list(values) for path, values in self.kept.items()},
            "built": {"design": dict(self.built), "costs": dict(self.costs)},
            **self.effects.to_json(),
        }


def shrink_space(
    study: Study,
    space: Space,
    share: float,
    *,
    metric: str | None = None,
    method: str = "functional-anova",
    limits: Any = (),
    seed: int = 0,
) -> Shrunk:
    """Drop the options of a space that the trials of a study speak against, until a share of the designs is left.

    metric: judged by; the first objective by default, in its direction; others are taken as costs, less is better.
    method: "functional-anova" or "autobuild", see `netwright.quality.importance`. limits: that the built design
    keeps; by default the study's own, as far as they are additive.

    Raises UnknownNameError for a metric that the trials do not have; further as `effects` and `shrink` do.
    """
    from netwright.quality.importance import effects, shrink

    trials = study.of_state("complete", "duplicate")
    if not trials:
        raise StudyError(f"options are judged by complete trials, but the study in {study.folder} has none.")
    signs = {objective.metric: objective.sign for objective in study.spec.objectives}
    metric = metric or study.spec.objectives[0].metric
    if metric not in trials[0].values:
        raise UnknownNameError("metric", metric, trials[0].values)
    designs = [_network_part(trial.design) for trial in trials]
    values = [-signs.get(metric, 1) * trial.values[metric] for trial in trials]
    held = tuple(limit for limit in study.spec.limits if space.additive(limit.metric))
    found = effects(space, designs, values, method=method, limits=held, seed=seed)
    smaller = shrink(space, found, share)
    merit = smaller.with_costs(found.cost())
    bounds = Limit.of(limits) or held
    _, built = climb(merit, "demerit", np.random.default_rng(seed), bounds)
    costs = space.costs(built)
    return Shrunk(smaller, found, space.network_size(), smaller.network_size(), _kept(space, smaller), built, costs)


def _network_part(design: Mapping[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in design.items() if not path.startswith("recipe.")}


def _kept(space: Space, smaller: Space) -> dict[str, list[Any]]:
    """Values that are left of each decision that lost some; of a decision that nothing reaches any more, all."""
    before = space.decisions()
    return {
        path: list(values)
        for path, values in smaller.decisions().items()
        if isinstance(values, tuple) and values != before[path]
    }
