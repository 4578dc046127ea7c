"""A space made smaller by the trials of a study, and the best design that they point to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.cost import Limit
from netwright.errors import StudyError, UnknownNameError
from netwright.space import climb
from netwright.study._metrics import with_told
from netwright.study._records import Study

if TYPE_CHECKING:
    from netwright.quality.importance import Effects
    from netwright.space import Design, Space

__all__ = ["Shrunk", "judged", "kept_options", "shrink_space"]


@dataclass(frozen=True)
class Shrunk:
    """What trials say of a space: effects of its options, the options that stay, and the design built from them.

    >>> import netwright as nw
    >>> from netwright.quality.importance import Effect, Effects, shrink
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> effects = Effects("by hand", 1.0, (), {("conv.kernel", kernel): Effect(kernel, 0.0) for kernel in (1, 3)})
    >>> smaller, design = shrink(space, effects, 0.5), nw.Design({"conv.channels": 8, "conv.kernel": 3})
    >>> found = Shrunk(smaller, effects, 6, 3, kept_options(space, smaller), design, space.costs(design))
    >>> found.to_json()["designs_after"], found.kept, found.costs["params"]
    ('3', {'conv.kernel': [3]}, 178)

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

    >>> from pathlib import Path
    >>> import numpy as np
    >>> import netwright as nw
    >>> from netwright.study import Budget, StudySpec, Trial
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> spec = StudySpec((nw.Objective.parse("maximize accuracy"),), seed=0, budget=Budget(trials=12))
    >>> trials = [
    ...     Trial(number, design, "complete", seed=0, values={"accuracy": design["conv.kernel"] / 4})
    ...     for number, design in enumerate(space.sample(np.random.default_rng(0), 12))
    ... ]
    >>> found = shrink_space(Study(Path("runs/toy"), spec, trials), space, share=0.5)
    >>> found.before, found.after, found.kept
    (6, 3, {'conv.kernel': [3]})

    metric: judged by; the first objective by default, in its direction; others are taken as costs, less is better.
    method: "functional-anova" or "autobuild", see `netwright.quality.importance`. limits: that the built design
    keeps; by default the study's own, as far as they are additive.

    Raises StudyError and UnknownNameError as `judged` does; further as `effects` and `shrink` do.
    """
    from netwright.quality.importance import effects, shrink

    bounds = Limit.of(limits)
    space = with_told(space, [limit.metric for limit in bounds], [limit.metric for limit in study.spec.limits])
    designs, values = judged(study, metric)
    held = tuple(limit for limit in study.spec.limits if space.additive(limit.metric))
    found = effects(space, designs, values, method=method, limits=held, seed=seed)
    smaller = shrink(space, found, share)
    merit = smaller.with_costs(found.cost())
    _, built = climb(merit, "demerit", np.random.default_rng(seed), bounds or held)
    costs = space.costs(built)
    return Shrunk(
        smaller, found, space.network_size(), smaller.network_size(), kept_options(space, smaller), built, costs
    )


def judged(study: Study, metric: str | None = None) -> tuple[list[dict[str, Any]], list[float]]:
    """Network designs of the complete trials, and the metric of each so that higher is better.

    >>> from pathlib import Path
    >>> import netwright as nw
    >>> from netwright.study import Budget, StudySpec, Trial
    >>> spec = StudySpec((nw.Objective.parse("minimize error"),), seed=0, budget=Budget(trials=12))
    >>> trial = Trial(0, nw.Design({"kernel": 3, "recipe.lr": 0.1}), "complete", seed=0, values={"error": 0.25})
    >>> judged(Study(Path("runs/toy"), spec, [trial]))
    ([{'kernel': 3}], [-0.25])

    metric: the first objective by default; one that is no objective is taken as a cost.

    Raises StudyError where no trial is complete, UnknownNameError for a metric that they do not have.
    """
    trials = study.of_state("complete", "duplicate")
    if not trials:
        raise StudyError(f"options are judged by complete trials, but the study in {study.folder} has none.")
    signs = {objective.metric: objective.sign for objective in study.spec.objectives}
    name = metric or study.spec.objectives[0].metric
    if name not in trials[0].values:
        raise UnknownNameError("metric", name, trials[0].values)
    return [_network_part(t.design) for t in trials], [-signs.get(name, 1) * t.values[name] for t in trials]


def _network_part(design: Mapping[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in design.items() if not path.startswith("recipe.")}


def kept_options(space: Space, smaller: Space) -> dict[str, list[Any]]:
    """Values that are left of each decision that lost some; of a decision that nothing reaches any more, all.

    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> kept_options(space, space.restricted({"conv.channels": [8, 16]}))
    {'conv.channels': [8, 16]}
    """
    before = space.decisions()
    return {
        path: list(values)
        for path, values in smaller.decisions().items()
        if isinstance(values, tuple) and values != before[path]
    }
