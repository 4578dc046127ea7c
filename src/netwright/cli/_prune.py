"""`netwright spaces prune`: a space cut by what a device takes and by what was tried."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright._count import counted
from netwright._text import read_text
from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson, Classes, InputShape, Limits, chosen_space
from netwright.cli._draws import metric_on
from netwright.cli._files import check_free, write_text
from netwright.cli._studies import read_study, space_of
from netwright.errors import SpaceError, StudyError, UnknownNameError

if TYPE_CHECKING:
    from netwright.space import Space
    from netwright.target import Left, PrunedSpace

__all__ = ["prune"]

Tried = list[tuple[Mapping[str, Any], float]]


def prune(
    name: Annotated[
        str, typer.Argument(help="A catalogued space, or module:attribute of your own.", metavar="SPACE")
    ],
    target: Annotated[
        str, typer.Option("--target", "-t", help="What the designs take: a target, or an additive cost such as macs.")
    ],
    quantity: Annotated[str, typer.Option(help="What the target tells: latency_ms, energy_mj.")] = "latency_ms",
    limit: Limits = None,
    tried: Annotated[
        Path | None, typer.Option(help="Folder of a search, or JSON list of objects with design and score.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Metric of the search to judge by; the first objective if absent.")
    ] = None,
    order: Annotated[
        list[str] | None, typer.Option(help="Values from the smallest to the largest: 'skip<mbconv'; repeatable.")
    ] = None,
    designs: Annotated[
        int, typer.Option("--designs", "-n", min=2, help="Designs to tell the share left from.")
    ] = 500,
    sample: Annotated[int, typer.Option(min=0, help="Draw so many designs of those that are left.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="JSON list of the drawn designs, the score of each to be put in."),
    ] = None,
    input: InputShape = None,
    classes: Classes = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Cut a space by what a device takes and by tried designs: what is smaller, and no quicker than as good a one.

    Example: netwright spaces prune mobilenet-tiny --target pi5 --limit 'latency_ms@pi5<=12' --tried runs/digits
    """
    with answering(as_json) as answer:
        import numpy as np

        from netwright.target import by_listing
        from netwright.target import prune as pruned

        check_free(out, overwrite)
        space, known = _read(name, tried, metric, input, classes)
        told = metric_on(target, quantity, space)
        listings = [_listing(each, space) for each in order or ()]
        held = pruned(space, told, limit or [], known, order=by_listing(*listings))
        rng = np.random.default_rng(seed)
        left = held.left(rng, designs)
        drawn = [
            {"design": dict(each), told: held.space.costs(each, [told])[told], "score": None}
            for each in (held.sample(rng, sample) if sample else ())
        ]
        if out is not None:
            write_text(out, json.dumps(drawn, indent=2) + "\n", "a list of designs")
        document = {**_facts(held, left), "samples": drawn, "out": None if out is None else str(out)}
        answer.give(document, lambda: _words(document))


def _read(
    name: str, tried: Path | None, metric: str | None, input: str | None, classes: int | None
) -> tuple[Space, Tried]:
    """The space, and the designs that were tried with how good each is, more being better."""
    from netwright.study import judged

    if tried is None or not tried.is_dir():
        return chosen_space(name, input, classes), [] if tried is None else _read_list(tried)
    study = read_study(tried)
    space = chosen_space(name, input, classes) if input or classes else space_of(study, name)
    designs, values = judged(study, metric)
    return space, list(zip(designs, values, strict=True))


def _read_list(file: Path) -> Tried:
    """Rows with a score; raises StudyError for any other file."""
    rule = "what was tried is the folder of a search or a JSON list of objects with design and score"
    try:
        rows = json.loads(read_text(file))
    except OSError as error:
        raise StudyError(f"{rule}, but {file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise StudyError(f"{rule}, but {file}: {error}.") from None
    if not isinstance(rows, list):
        raise StudyError(f"{rule}, but {file} holds something else.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("design"), dict) or "score" not in row:
            raise StudyError(f"{rule}, but row {number} of {file} is {json.dumps(row)[:100]}.")
        if row["score"] is not None and not _is_number(row["score"]):
            raise StudyError(f"a score is a number or null, but row {number} of {file} has {row['score']!r}.")
    found = [(row["design"], float(row["score"])) for row in rows if row["score"] is not None]
    if not found:
        raise StudyError(f"a tried design has a score, the more the better, but none in {file} has.")
    return found


def _is_number(score: Any) -> bool:
    return isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)


def _listing(text: str, space: Space) -> Sequence[str]:
    values = [part.strip() for part in text.split("<")]
    if not all(values):
        raise SpaceError(f"an order reads 'skip<mbconv', from the smallest to the largest, but got {text!r}.")
    known = {
        str(value): None for domain in space.decisions().values() if isinstance(domain, tuple) for value in domain
    }
    strange = next((value for value in values if value not in known), None)
    if strange is not None:
        raise UnknownNameError(f"value of a decision of {space.name}", strange, known)
    return values


def _facts(held: PrunedSpace, left: Left) -> dict[str, Any]:
    return {
        "version": 1,
        "space": held.space.name,
        "metric": held.metric,
        "limits": [str(limit) for limit in held.limits],
        "designs": str(held.space.network_size()),
        "tried": len(held.tried),
        "best": max((score for _, score in held.tried), default=None),
        "left": {**vars(left)},
    }


def _words(document: Mapping[str, Any]) -> str:
    from netwright._page import percent

    left = document["left"]
    about = (
        "of all"
        if left["exact"]
        else f"told from {left['looked']:,}, {percent(left['low'])} to {percent(left['high'])}"
    )
    limits = f" within {', '.join(document['limits'])}" if document["limits"] else ""
    lines = [
        f"space    {document['space']}, {counted(int(document['designs']), 'design')}",
        f"pruned   by {document['metric']} and {counted(document['tried'], 'tried design')}",
        f"left     {percent(left['share'])} of the designs{limits} ({about})",
    ]
    for each in document["samples"]:
        text = " ".join(f"{path}={value}" for path, value in each["design"].items())
        lines.append(f"drawn    {each[document['metric']]:.4g}  {text}")
    return "\n".join(lines)
