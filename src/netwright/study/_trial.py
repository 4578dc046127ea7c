"""One trial of a search on a task: cheap estimates first, then a short training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from netwright.graph import Graph, canonical_hash, simplify
from netwright.study._evaluation import Report, Request
from netwright.study._metrics import on_target

if TYPE_CHECKING:
    from netwright.quality import Task
    from netwright.space import Design, Space

__all__ = ["Estimator", "TaskEvaluation", "network_key"]


@dataclass(frozen=True)
class Estimator:
    """Costs of a design before it is trained, and what targets say of it, by name.

    Both are of the network as exported, simplified. An additive limit was held on the network as it stands, which is
    never cheaper.
    """

    names: Sequence[str]
    space: Space

    def __call__(self, design: Design, network: Graph) -> dict[str, float]:
        graph = simplify(network)
        return {name: self._value(name, graph, design) for name in self.names}

    def _value(self, name: str, graph: Graph, design: Design) -> float:
        metric = on_target(name, self.space)
        return self.space.cost(name).of_design(design, graph) if metric is None else metric.of(graph, design).value


def network_key(graph: Graph) -> str:
    """Hash that equal networks share: of the form, and of the weights that they start from where they bring any.

    Two networks of one form may be cut from different places of a network that was given.
    """
    form = canonical_hash(graph)
    if graph.weights is None:
        return form
    weights = blake2b(digest_size=16)
    for name, array in sorted(graph.weights.items()):
        weights.update(f"{name} {array.dtype} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes())
    return f"{form}-{weights.hexdigest()}"


@dataclass(frozen=True)
class TaskEvaluation:
    """Trains the network of a trial on the task's training part and measures it on the validation part.

    The budget is the number of epochs, unless the design's recipe states its own.
    """

    task: Task

    def __call__(self, request: Request, report: Report) -> Mapping[str, float]:
        from netwright.io import to_module
        from netwright.quality import Recipe, train

        graph = simplify(request.network)
        recipe = Recipe.from_mapping({"epochs": int(request.budget), **request.recipe, "seed": request.seed})
        result = train(
            to_module(graph, seed=request.seed),
            self.task,
            recipe,
            report=report,
            checkpoint=request.checkpoint,
            threads=1,
            graph=graph,
        )
        return result.metrics
