"""What a study runs with: space, strategy, evaluation, and how cheap numbers are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from netwright.study._evaluation import Evaluation
from netwright.study._store import Steps

if TYPE_CHECKING:
    from netwright.cost import Limit
    from netwright.graph import Graph
    from netwright.space import Design
    from netwright.strategy import Proposal, Strategy

__all__ = ["KeepGoing", "Parts", "StudySpace", "no_estimate"]

KeepGoing = Callable[[int, int, Mapping[str, float], Steps], bool]
"""keep_going(trial number, step, values, history): False prunes the trial.

history: every report so far, of all trials, by trial and step; of this trial, up to this step.
"""


class StudySpace(Protocol):
    """The part of a space that a study uses; `netwright.space.Space` has it.

    >>> import numpy as np
    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space: StudySpace = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> design = space.sample(np.random.default_rng(0))[0]
    >>> space.contains(design), space.network(design)
    (True, <Graph 1x1x8x8 -> 1x10, 6 nodes, 7 parameters>)
    """

    def contains(self, design: Design) -> bool: ...

    def network(self, design: Design) -> Graph: ...

    def recipe(self, design: Design) -> Mapping[str, Any]: ...

    def check_limits(self, limits: tuple[Limit, ...]) -> object: ...


def no_estimate(design: Design, network: Graph) -> dict[str, float]:
    """Estimate nothing."""
    return {}


@dataclass(frozen=True)
class Parts:
    """What a study runs with; on resume these are built again, the strategy as new.

    >>> import netwright as nw
    >>> from netwright.graph import canonical_hash
    >>> from netwright.strategy import Objective, Random
    >>> from netwright.study import FunctionEvaluation
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> evaluation = FunctionEvaluation(lambda network, budget, report: {"depth": len(network.nodes)})
    >>> parts = Parts(space, Random(space, [Objective("depth", "minimize")]), evaluation, canonical_hash)
    >>> parts.fidelity, parts.starts
    (1.0, {})

    strategy: not told anything yet, built for the objectives and limits of the study.
    network_key: hash that equal networks share, such as `netwright.graph.canonical_hash`.
    estimate: cheap numbers on a design before it is evaluated, such as params, macs and latency; limits on them are
        checked before the evaluation, other limits after it.
    keep_going: early stopping. fidelity: handed to each evaluation as its budget, such as epochs.
    starts: proposals by the number of their trial that take the place of the strategy's, such as the network that a
        space was made around, or designs that anyone would try.
    """

    space: StudySpace
    strategy: Strategy
    evaluation: Evaluation
    network_key: Callable[[Graph], str]
    estimate: Callable[[Design, Graph], Mapping[str, float]] = no_estimate
    keep_going: KeepGoing | None = None
    fidelity: float = 1.0
    starts: Mapping[int, Proposal] = field(default_factory=dict)
