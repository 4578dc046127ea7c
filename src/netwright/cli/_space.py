"""`netwright space`: what a space holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright._count import counted, plural
from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson, Classes, InputShape, Limits, chosen_space
from netwright.errors import SpaceError

if TYPE_CHECKING:
    from netwright.cost import Limit
    from netwright.space import Space

__all__ = ["space"]


def space(
    name: Annotated[
        str | None, typer.Argument(help="A catalogued space, auto, or module:attribute of your own; none lists all.")
    ] = None,
    input: InputShape = None,
    classes: Classes = None,
    limit: Limits = None,
    sample: Annotated[int, typer.Option(min=0, help="Draw so many designs, uniformly within the limits.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw.")] = 0,
    seconds: Annotated[
        float,
        typer.Option(min=0, help="Time to spend on counting distinct networks, where all can be counted in it."),
    ] = 60.0,
    python: Annotated[bool, typer.Option("--python", help="Print the source that makes the space instead.")] = False,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print the space as YAML, which Space.load reads.")] = False,
    as_json: AsJson = False,
) -> None:
    """Describe a space: exact numbers of designs, and the spread of parameters and MACs over all of them.

    Example: netwright space mobilenet-tiny --input 3x32x32 --limit 'params<=50k' --sample 3
    """
    with answering(as_json) as answer:
        if name is None:
            answer.give(*_catalogue())
            return
        from netwright.cli._describe import default_classes, describe
        from netwright.cost import Limit

        limits = Limit.of(limit or [])
        found = chosen_space(name, input, classes)
        if python or yaml:
            _only_one(python=python, yaml=yaml, json=as_json, limit=bool(limit), sample=bool(sample))
            text = found.to_python() if python else found.to_yaml()
            answer.give({}, lambda: text.rstrip("\n"))
            return
        # Draws first: they are quick, and a limit that the forest cannot hold is then refused at once.
        samples = _samples(found, limits, sample, seed) if sample else {}
        facts = describe(found, classes or default_classes(found.name), limits, seconds) | samples
        answer.give(facts, lambda: _words(facts))


def _only_one(**given: bool) -> None:
    """Raise SpaceError where a space would have to be printed in two ways at once."""
    asked = [f"--{name}" for name, value in given.items() if value]
    if len(asked) > 1:
        raise SpaceError(f"a space is printed in one way at a time, but got {' and '.join(asked)}.")


def _catalogue() -> tuple[dict[str, Any], Callable[[], str]]:
    from netwright.cli._describe import summary
    from netwright.space.catalog import SPACES

    spaces = [summary(name) for name in SPACES]

    def words() -> str:
        width = max(len(each["name"]) for each in spaces)
        return "\n".join(
            f"{each['name']:<{width}}  {_counted(each['designs'])}input {each['input']}, "
            f"{counted(each['classes'], 'class')}\n{'':<{width}}  {each['summary']}"
            for each in spaces
        )

    return {"spaces": spaces}, words


def _samples(found: Space, limits: Sequence[Limit], number: int, seed: int) -> dict[str, Any]:
    """Designs with their costs, and how many were looked at for them where a limit is checked design by design."""
    from netwright.cli._draws import designs_within

    drawn = designs_within(found, limits, number, seed)
    made = [{"design": dict(design), **found.costs(design, ("params", "macs"))} for design in drawn.designs]
    return {"samples": made, "looked_at": drawn.looked}


def _words(facts: dict[str, Any]) -> str:
    lines = [
        f"space     {facts['name']}, input {_shortened(facts['input'])}, classes {facts['classes'] or '?'}",
        f"designs   {_grouped(facts['designs'])}",
    ]
    if facts["limits"]:
        within = facts["designs_within_limits"]
        lines.append(f"within    {_grouped(within) if within else 'not counted'} ({', '.join(facts['limits'])})")
    networks = facts["networks"]
    lines.append(
        f"networks  {_grouped(networks) + ' distinct' if networks else 'too many to enumerate in the time given'}"
    )
    for cost in ("params", "macs"):
        spread = facts[cost]
        low, high = spread["median_range"]
        about = "" if low == high else f" (between {low:,} and {high:,})"
        lines.append(f"{cost:<8}  {spread['min']:,} to {spread['max']:,}, median {spread['median']:,}{about}")
    if facts.get("looked_at", 0) > len(facts.get("samples", [])):
        lines.append(f"drawn     {len(facts['samples']):,} of {facts['looked_at']:,} looked at keep all limits")
    for sample in facts.get("samples", []):
        lines += ["", f"{sample['params']:,} params, {sample['macs']:,} MACs"]
        lines += [f"  {path} = {value}" for path, value in sample["design"].items()]
    return "\n".join(lines)


def _counted(designs: str | None) -> str:
    return "" if designs is None else f"{_grouped(designs)} {plural(int(designs), 'design')}, "


def _grouped(number: str) -> str:
    return f"{int(number):,}" if len(number) < 40 else f"about 10^{len(number) - 1}"


def _shortened(inputs: str) -> str:
    each = inputs.split(" | ")
    return inputs if len(each) < 3 else f"{each[0]} to {each[-1]} ({len(each)} sizes)"
