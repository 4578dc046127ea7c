"""One trial of a search on a task: cheap estimates first, then a short training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from netwright.graph import Graph, canonical_hash, simplify
from netwright.study._evaluation import Report, Request

if TYPE_CHECKING:
    from netwright.quality import Task
    from netwright.space import Design, Space
    from netwright.target import Timing

__all__ = ["LATENCY", "Estimator", "TaskEvaluation", "measured", "network_key", "with_latency_table"]

LATENCY = "latency_ms@here"
BLOCK_SECONDS = 0.05
"""Time to spend on the latency of one block, when a table of them is made."""
SECONDS = 0.15
"""Time to spend on the latency of one design during a search; the winner is measured for longer."""


@dataclass(frozen=True)
class Estimator:
    """Costs of a design before it is trained, by name; latency is measured on the exported network.

    Costs are those of the network as exported, simplified. An additive limit was held on the network as it stands,
    which is never cheaper.
    """

    names: Sequence[str]
    space: Space

    def __call__(self, design: Design, network: Graph) -> dict[str, float]:
        graph = simplify(network)
        values = {name: self._value(name, graph) for name in self.names if name != LATENCY}
        if LATENCY in self.names:
            values[LATENCY] = measured(graph, SECONDS).median_ms
        return values

    def _value(self, name: str, graph: Graph) -> float:
        return self.space.cost(name).of(graph)


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


def onnx_bytes(graph: Graph) -> bytes:
    """The graph as the content of an ONNX file, with initial weights where it has none."""
    from netwright.io import to_onnx

    content: bytes = to_onnx(graph).SerializeToString()
    return content


def measured(graph: Graph, seconds: float) -> Timing:
    """Latency of a graph on this machine: ONNX Runtime, one thread, batch 1, in ms."""
    from netwright.target import latency_here

    return latency_here(onnx_bytes(graph), seconds=seconds)


def with_latency_table(space: Space, lines: Mapping[str, float] | None = None) -> tuple[Space, dict[str, float]]:
    """The space with latency as an additive cost, and the table: ms of each distinct block, measured alone.

    lines: a table measured before; blocks that it lacks are measured.
    """
    from netwright.space import block_graphs
    from netwright.target import TableLatency

    table = TableLatency(onnx_bytes, name=LATENCY, seconds=BLOCK_SECONDS, table=lines)
    table.measure(block_graphs(space))
    return space.with_costs(table), table.lines


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
