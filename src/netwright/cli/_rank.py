"""`netwright rank`: where two targets disagree about the same designs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright._count import counted
from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson, Classes, InputShape, Limits, chosen_space
from netwright.cli._draws import metric_on, split_limits
from netwright.cli._files import check_free, write_text
from netwright.errors import DataError, LimitError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from netwright.space import Space
    from netwright.target import RankComparison

__all__ = ["rank"]


def rank(
    space: Annotated[str, typer.Argument(help="A catalogued space, or module:attribute of your own.")],
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="A target, or a cost such as macs; give two.")
    ] = None,
    quantity: Annotated[str, typer.Option(help="What the targets tell: latency_ms, energy_mj.")] = "latency_ms",
    designs: Annotated[int, typer.Option("--designs", "-n", min=3, help="Designs to compare.")] = 200,
    top: Annotated[int, typer.Option(min=1, help="Most designs and options to show.")] = 8,
    limit: Limits = None,
    input: InputShape = None,
    classes: Classes = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw.")] = 0,
    html: Annotated[Path | None, typer.Option(help="Write a page that opens offline.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="JSON file of the options that stay for the first, for search --restrict."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the page and the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Rank the same designs on two targets: where they disagree, which options are friendly to which, what to drop.

    Example: netwright rank nasbench201 --target raspberry-pi-4 --target nvidia-t4
    """
    with answering(as_json) as answer:
        from netwright.cost import Limit
        from netwright.study import kept_options
        from netwright.target import compare_ranks, rank_page

        check_free(html, overwrite)
        check_free(out, overwrite)
        if len(target or ()) != 2:
            raise DataError(f"two targets are compared, but got {len(target or ())}: give --target twice.")
        whole = chosen_space(space, input, classes)
        found_space, limits, checked = split_limits(whole, Limit.of(limit or []))
        if checked:
            raise LimitError(f"ranks are compared within limits that a forest holds, but {checked[0]} is not one.")
        first, second = (metric_on(name, quantity, found_space) for name in target or ())
        found = compare_ranks(found_space, first, second, designs=designs, limits=limits, seed=seed)
        if html is not None:
            write_text(html, rank_page(found, found_space, top=top), "a page")
        if out is not None:
            kept = kept_options(found_space, found.reduced(found_space))
            write_text(out, json.dumps(kept, indent=2) + "\n", "a restriction")
        written = {name: None if path is None else str(path) for name, path in (("html", html), ("out", out))}
        document = {**_document(found, found_space, top), **written}
        answer.give(document, lambda: _words(document, top))


def _document(found: RankComparison, space: Space, top: int) -> dict[str, Any]:
    return {
        "version": 1,
        "space": space.name,
        "targets": [found.first, found.second],
        "designs": len(found.designs),
        "spearman": found.spearman,
        "kendall": found.kendall,
        "largest": [_apart(found, number) for number in found.largest(top)],
        "kinds": [each.to_json() for each in found.kinds()],
        "options": [each.to_json() for each in found.options()],
        "reduced": [_reduced(found, space, to_first) for to_first in (True, False)],
    }


def _apart(found: RankComparison, number: int) -> dict[str, Any]:
    """A design that the two disagree about."""
    return {
        "design": dict(found.designs[number]),
        "values": [float(values[number]) for values in (found.a, found.b)],
        "ranks": [float(ranks[number]) for ranks in found.ranks],
    }


def _reduced(found: RankComparison, space: Space, to_first: bool) -> dict[str, Any]:
    """The space without what is unfriendly to one of the two."""
    reduced = found.reduced(space, to_first=to_first)
    return {
        "for": found.first if to_first else found.second,
        "dropped": {path: list(values) for path, values in found.unfriendly(to_first=to_first).items()},
        "designs": str(reduced.network_size()),
        "of": str(space.network_size()),
    }


def _words(document: dict[str, Any], top: int) -> RenderableType:
    from rich.console import Group

    from netwright.cli._profile_words import table

    first, second = document["targets"]
    head = (
        f"{counted(document['designs'], 'design')} of {document['space']} on {first} and {second}: rank correlation"
        f" {document['spearman']:.3f}, Kendall's tau {document['kendall']:.3f}"
    )
    apart = table("Where they disagree most", "design", "first", "second", "rank", "rank")
    for each in document["largest"]:
        (a, b), (rank_a, rank_b) = each["values"], each["ranks"]
        text = " ".join(f"{path}={value}" for path, value in each["design"].items())
        apart.add_row(text, f"{a:.4g}", f"{b:.4g}", f"{rank_a:g}", f"{rank_b:g}")
    leaning = table("Options by how much later they come on the first, in % of all", "option", "shift", "+-", "")
    kinds = document["kinds"]
    for each in kinds if len(kinds) <= 2 * top else [*kinds[:top], *kinds[-top:]]:
        friend = (second if each["shift"] > 0 else first) if each["sure"] else ""
        name = f"{each['option']} = {each['value']}"
        suits = f"suits {friend}" if friend else ""
        leaning.add_row(name, f"{100 * each['shift']:+.1f}", f"{100 * each['error']:.1f}", suits)
    return Group(head, "", apart, "", leaning, "", *map(_kept, document["reduced"]))


def _kept(reduced: dict[str, Any]) -> str:
    if not reduced["dropped"]:
        return f"for {reduced['for']}: no option is surely unfriendly"
    drops = "; ".join(f"{path}: {', '.join(map(str, values))}" for path, values in reduced["dropped"].items())
    left = f"{int(reduced['designs']):,} of {counted(int(reduced['of']), 'design')}"
    return f"for {reduced['for']}: {left} are left without {drops}"
