"""`netwright diff`: two networks side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright._count import counted
from netwright._page import quantity
from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson, Classes, Limits
from netwright.cli._profile import named_targets
from netwright.cli._source import Found, find
from netwright.cli._wanted import ModelShape, Seed, SpaceOf, Strict, Wanted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from netwright.cost import Change, Comparison
    from netwright.target import Target

__all__ = ["diff"]

_COSTS = ("params", "macs", "flops", "traffic", "peak_memory", "intensity", "alpha_flops", "nodes")


def diff(
    a: Annotated[str, typer.Argument(help="The first network, as for `netwright profile`.")],
    b: Annotated[str, typer.Argument(help="The second network.")],
    input: ModelShape = None,
    input_b: Annotated[str | None, typer.Option(help="Input shape of the second, where it is another.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Rows of the batch that the costs are for.")] = 1,
    strict: Strict = True,
    design_a: Annotated[Path | None, typer.Option(help="JSON file of the first design.")] = None,
    design_b: Annotated[Path | None, typer.Option(help="JSON file of the second design.")] = None,
    trial_a: Annotated[int | None, typer.Option(min=0, help="Trial of the first search.")] = None,
    trial_b: Annotated[int | None, typer.Option(min=0, help="Trial of the second search.")] = None,
    space: SpaceOf = None,
    classes: Classes = None,
    limit: Limits = None,
    seed: Seed = 0,
    target: Annotated[
        list[str] | None, typer.Option(help="Tell both latencies on a target, such as here; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed from one network to another, block by block, and what it costs.

    Example: netwright diff before.onnx after.onnx
    """
    with answering(as_json) as answer:
        from netwright.cost import compare, profile
        from netwright.io._batch import with_batch

        targets = named_targets(target or (), batch)
        first = find(a, Wanted(design_a, trial_a, space, input, classes, limit, seed, strict))
        second = find(b, Wanted(design_b, trial_b, space, input_b or input, classes, limit, seed, strict))
        graphs = [found.graph if batch == 1 else with_batch(found.graph, batch) for found in (first, second)]
        compared = compare(*map(profile, graphs))
        document = {
            "version": 1,
            "a": {"source": a, "title": first.title},
            "b": {"source": b, "title": second.title},
            "batch": batch,
            "latency": {name: _latencies(each, first, second) for name, each in targets.items()},
            **compared.to_json(),
        }
        answer.give(document, lambda: _words(document, compared))


def _latencies(target: Target, a: Found, b: Found) -> dict[str, Any]:
    """Both latencies with their intervals, and whether they differ; measured in turns on this machine."""
    from netwright.target import Here, differ

    if isinstance(target, Here):
        first, second = target.careful().compare([a.graph, b.graph])
    else:
        first, second = (target.latency(each.graph, each.design) for each in (a, b))
    return {"a": first.to_json(), "b": second.to_json(), "differ": differ(first, second)}


def _words(document: Mapping[str, Any], compared: Comparison) -> RenderableType:
    from rich.console import Group

    from netwright.cli._profile_words import WIDTH, table

    a, b = document["a"]["title"], document["b"]["title"]
    totals = table(f"{a} → {b}", "total", "before", "after", "change")
    for name in _COSTS:
        before, after = document["totals"][name]["a"], document["totals"][name]["b"]
        totals.add_row(name.replace("_", " "), _said(name, before), _said(name, after), _change(before, after))
    for name, told in document["latency"].items():
        before, after = told["a"]["value"], told["b"]["value"]
        totals.add_row(
            f"ms {name}", f"{before:.4g}", f"{after:.4g}",
            _change(before, after) if told["differ"] else "no difference",
        )  # fmt: skip
    if not compared.changes:
        return Group(totals, "", f"the networks are the same: {counted(compared.same, 'block')}")
    blocks = table("By block", "block", "params", "change", "MACs", "change", "traffic", "change")
    for change in compared.changes:
        blocks.add_row(*_row(change))
        for what in change.what:
            for line in wrap(what, WIDTH - 12):
                blocks.add_row(f"{'  ' * change.depth}    {line}")
    return Group(totals, "", blocks, "", f"the same in both: {counted(compared.same, 'block')}")


def _row(change: Change) -> Iterator[str]:
    sign = {"changed": "~", "added": "+", "removed": "-"}[change.kind]
    yield f"{'  ' * change.depth}{sign} {change.name}"
    for name in ("params", "macs", "traffic"):
        before, after = (0 if side is None else getattr(side.amounts, name) for side in (change.a, change.b))
        yield _said(name, before if change.b is None else after)
        yield _change(before, after)


def _said(name: str, value: float) -> str:
    return quantity({"alpha_flops": "flops", "nodes": "params"}.get(name, name), value)


def _change(before: float, after: float) -> str:
    if before == after:
        return ""
    if not before:
        return "new"
    return f"{100 * (after - before) / before:+.1f} %" if after else "gone"
