"""What a metric is: a cost of the space, a number that a target tells, or one of an evaluation's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from netwright.errors import UnknownNameError
from netwright.target import Here, TableLatency, TargetMetric, target_metric, with_targets
from netwright.target import onnx_bytes as exported

if TYPE_CHECKING:
    from netwright.space import Space
    from netwright.study._records import StudySpec

__all__ = ["LATENCY", "asked", "estimated", "is_told", "on_target", "with_latency_tables", "with_told"]

LATENCY = "latency_ms@here"
"""What is always measured of the networks that a search returns."""
BLOCK_SECONDS = 0.05
"""Time to spend on the latency of one block, when a table of them is made."""

Lines = dict[str, dict[str, float]]
"""Latency in ms of each block alone, by metric and by the block's structural key."""


def on_target(name: str, space: Space) -> TargetMetric | None:
    """What a target tells under this name; None for a cost of the space's own, or a metric without a target.

    Raises UnknownNameError for a target that neither exists nor is a cost of the space.
    """
    try:
        return target_metric(name)
    except UnknownNameError:
        if name in space.costs_known:
            return None
        raise


def asked(spec: StudySpec) -> list[str]:
    """Names of the metrics that a study has objectives or limits on, each once."""
    names = [objective.metric for objective in spec.objectives] + [limit.metric for limit in spec.limits]
    return list(dict.fromkeys(names))


def estimated(spec: StudySpec, space: Space) -> list[str]:
    """Costs known before an evaluation: those that are asked about, and the usual ones."""
    names = dict.fromkeys(["params", "macs", *asked(spec)])
    return [name for name in names if name in space.costs_known or is_told(name, space)]


def is_told(name: str, space: Space) -> bool:
    """Whether a target tells a metric."""
    # A function that evaluates may give metrics with an @ of its own.
    try:
        return on_target(name, space) is not None
    except UnknownNameError:
        return False


def with_told(space: Space, metrics: Iterable[str], kept: Iterable[str] = ()) -> Space:
    """The space with metrics of targets that are sums as costs, which limits may then name.

    kept: metrics that a study was asked about, whose targets may be gone.

    Raises UnknownNameError for a target that does not exist, among `metrics`.
    """
    asked = [name for name in metrics if "@" in name and name not in space.costs_known]
    return with_targets(space, [*asked, *(name for name in kept if is_told(name, space))])


def with_latency_tables(
    space: Space, metrics: Iterable[str], known: Mapping[str, Mapping[str, float]]
) -> tuple[Space, Lines]:
    """The space with latency on this machine as an additive cost, and the tables: ms of each distinct block alone.

    metrics: those that a study asks about; a table is made for each that this machine measures, and for `here` when
    there is none. known: tables measured before; blocks that they lack are measured.
    """
    from netwright.space import block_graphs

    wanted = {name: metric.target for name in metrics if (metric := on_target(name, space))}
    # Tables hold blocks in ONNX Runtime, whose sum says nothing of another runtime.
    measured = {name: target for name, target in wanted.items() if isinstance(target, Here)}
    here = {
        name: each for name, each in measured.items() if (each.setup.runtime, each.setup.dtype) == ("ort", "fp32")
    }
    here = here or {LATENCY: Here()}
    tables = [
        TableLatency(
            exported, name=name, threads=target.threads, batch=target.batch, seconds=BLOCK_SECONDS,
            table=known.get(name),
        )
        for name, target in here.items()
    ]  # fmt: skip
    for table in tables:
        table.measure(block_graphs(space))
    return space.with_costs(*tables), {table.name: table.lines for table in tables}
