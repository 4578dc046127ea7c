"""`netwright profile`: where the costs of a network are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson
from netwright.cli._files import check_free, write_text
from netwright.cli._source import find
from netwright.cli._wanted import Source, Wanted, with_wanted
from netwright.errors import SpaceError, UnknownNameError

if TYPE_CHECKING:
    from netwright.cli._source import Found
    from netwright.cost import Roof
    from netwright.target import Target

__all__ = ["named_targets", "profile"]

Batch = Annotated[int, typer.Option(min=1, help="Rows of the batch that the costs are for.")]


@with_wanted
def profile(
    source: Source,
    wanted: Wanted,
    target: Annotated[
        list[str] | None, typer.Option(help="Tell what a target knows: here:4t, pixel-3, stm32f746; repeatable.")
    ] = None,
    batch: Batch = 1,
    top: Annotated[int, typer.Option(min=0, help="Number of hot spots, and of warnings.")] = 10,
    rows: Annotated[int, typer.Option(min=1, help="Most rows of the table of blocks.")] = 30,
    html: Annotated[Path | None, typer.Option(help="Page to write: treemap, roofline, tables and drawing.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file that exists.")] = False,
    peak_gflops: Annotated[float | None, typer.Option(help="Peak rate of a device, in GFLOP/s: a roof.")] = None,
    bandwidth_gbs: Annotated[float | None, typer.Option(help="Its memory bandwidth, in GB/s.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a network costs: by block, by operator, hot spots, memory, and warnings.

    Example: netwright profile model.onnx --target here --html profile.html
    """
    with answering(as_json) as answer:
        from netwright.cli._profile_words import words
        from netwright.cost import profile as costs_of
        from netwright.io._batch import with_batch

        check_free(html, overwrite)
        targets = named_targets(target or (), batch, None)
        roof = _roof(peak_gflops, bandwidth_gbs)
        found = find(source, wanted)
        taken = costs_of(found.graph if batch == 1 else with_batch(found.graph, batch))
        latency = {name: _latency(each, found) for name, each in targets.items() if "latency_ms" in each.knows}
        if html is not None:
            from netwright.cost import profile_page

            page = profile_page(taken, found.title, batch=batch, latency=latency, roof=roof, top=top)
            write_text(html, page, "a page")
        document = {
            "version": 1,
            "source": source,
            "title": found.title,
            "design": None if found.design is None else dict(found.design),
            "batch": batch,
            "latency": latency,
            "targets": {name: _told(each, found) for name, each in targets.items()},
            "roofline": None if roof is None else _least(taken.nodes, roof),
            "html": None if html is None else str(html),
            **taken.to_json(top),
        }
        answer.give(document, lambda: words(document, taken, top, rows))


def named_targets(names: Sequence[str], batch: int, needs: str | None = "latency_ms") -> dict[str, Target]:
    """Targets by name; those that take a batch with that of the costs, unless their names state one.

    needs: a quantity that each must know.

    Raises UnknownNameError that lists the targets, or what a target knows.
    """
    from netwright.target import Here, RooflineTarget, get_target

    found: dict[str, Target] = {}
    for name in names:
        found[name] = target = get_target(name)
        if needs is not None and needs not in target.knows:
            raise UnknownNameError(f"quantity of target {name}", needs, target.knows)
        if isinstance(target, (Here, RooflineTarget)) and target.batch == 1:
            found[name] = target.with_batch(batch)
    return found


def _told(target: Target, found: Found) -> dict[str, Any]:
    """What a target knows besides the latency, by quantity."""
    return {
        quantity: target.of(quantity, found.graph, found.design).to_json()
        for quantity in sorted(target.knows - {"latency_ms"})
    }


def _latency(target: Target, found: Found) -> dict[str, Any]:
    """Latency with its interval in ms, how it is known, and what else the target says of it."""
    known = target.latency(found.graph, found.design)
    return {"median_ms": known.value, "low_ms": known.low, "high_ms": known.high, "how": known.how, **known.detail}


def _roof(gflops: float | None, bandwidth: float | None) -> Roof | None:
    from netwright.cost import Roof

    if gflops is None and bandwidth is None:
        return None
    if gflops is None or bandwidth is None:
        missing = "--peak-gflops" if gflops is None else "--bandwidth-gbs"
        raise SpaceError(f"a roofline needs both --peak-gflops and --bandwidth-gbs, but {missing} is missing.")
    return Roof(gflops, bandwidth)


def _least(nodes: Sequence[Any], roof: Roof) -> dict[str, float]:
    """The roof, and the least time under it: node by node, each bound by its work or by its bytes."""
    bound = sum(node.amounts.traffic for node in nodes if node.amounts.intensity < roof.balance)
    return {
        "peak_gflops": roof.gflops,
        "bandwidth_gbs": roof.bandwidth,
        "balance": roof.balance,
        "least_ms": sum(roof.milliseconds(node.amounts) for node in nodes),
        "memory_bound_share": bound / (sum(node.amounts.traffic for node in nodes) or 1),
    }
