"""`netwright spaces`: spaces as what is designed: populations compared, options dropped."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright._count import counted
from netwright.cli._answer import INTERRUPTED, Answer, answering
from netwright.cli._arguments import (
    AsJson,
    Classes,
    ImageSize,
    InputShape,
    LabelColumn,
    Limits,
    chosen_space,
    own_or_text,
    read_with,
)
from netwright.cli._files import check_free, write_text
from netwright.cli._profile_words import table
from netwright.cli._prune import prune
from netwright.cli._studies import read_study, space_of
from netwright.errors import StudyError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from netwright.study import Comparison, Shrunk

__all__ = ["spaces"]

spaces = typer.Typer(
    no_args_is_help=True, help="Design spaces themselves: compare what they are worth, drop options."
)
spaces.command()(prune)
COSTED = 1000
"""Designs of each space where nothing is trained."""
TRAINED = 30


@spaces.command()
def compare(
    names: Annotated[list[str], typer.Argument(help="Spaces, by name or module:attribute.", metavar="A B [C ...]")],
    task: Annotated[
        str | None,
        typer.Option("--task", "-t", help="Train designs on it: digits, a data file or folder. Without, costs only."),
    ] = None,
    limit: Limits = None,
    maximize: Annotated[str | None, typer.Option(help="Metric to compare by where more is better.")] = None,
    minimize: Annotated[str | None, typer.Option(help="Metric or cost to compare by where less is better.")] = None,
    designs: Annotated[
        int | None, typer.Option("--designs", "-n", min=2, help=f"Of each space; {TRAINED} trained, {COSTED} costed.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of each training.")] = None,
    matched_by: Annotated[str, typer.Option(help="Cost by which the populations are matched as well.")] = "macs",
    workers: Annotated[int, typer.Option(min=1, help="Processes that train.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    target: LabelColumn = None,
    size: ImageSize = None,
    input: InputShape = None,
    classes: Classes = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the trained designs; what it has is gone on with.")
    ] = Path("runs/compared"),
    html: Annotated[Path | None, typer.Option(help="Write a page that opens offline.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the page.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare spaces by their populations: random designs of each, under the same limits, instead of winners.

    Example: netwright spaces compare mobilenet-tiny convnet-tiny --task digits --limit 'params<=50k' --html vs.html
    """
    from netwright.study import compare_costs, compare_spaces, comparison_page

    with answering(as_json) as answer:
        if html is not None:
            check_free(html, overwrite)
        bounds = limit or []
        if task is None:
            if maximize is not None:
                raise StudyError("without --task nothing is trained: --minimize names the cost to compare by.")
            if target or size:
                raise StudyError("--target and --size say how the file of --task is read, but no --task is given.")
            each = [chosen_space(name, input, classes) for name in names]
            found = compare_costs(each, minimize or "macs", limits=bounds, designs=designs or COSTED, seed=seed)
        elif input or classes:
            raise StudyError("--input and --classes are for costs; a task states both itself.")
        else:
            with _going_on(answer):
                found = compare_spaces(
                    names, read_with(task, own_or_text(task), target, size), out,
                    maximize=maximize, minimize=minimize, limits=bounds,
                    designs=designs or TRAINED, epochs=epochs, seed=seed, workers=workers, progress=not quiet,
                )  # fmt: skip
        equal = found.matched(matched_by) if matched_by != found.metric else None
        if html is not None:
            title = f"{found.metric} on {task}" if task else found.metric
            write_text(html, comparison_page(found, title, at_equal_cost=equal), "a page")
        document = {
            "version": 1,
            **found.to_json(),
            "at_equal_cost": None if equal is None else equal.to_json(),
            "html": None if html is None else str(html),
        }
        answer.give(document, lambda: _words(found, equal))


@contextmanager
def _going_on(answer: Answer) -> Iterator[None]:
    """End with a hint where Ctrl-C stops trainings, all of which are kept."""
    from netwright.study import StudyInterrupted

    try:
        yield
    except StudyInterrupted as stop:
        answer.fail(stop, "interrupted; the same command goes on from here.", INTERRUPTED)


@spaces.command()
def shrink(
    folder: Annotated[Path, typer.Argument(help="Folder of a search, or of one space of a comparison.")],
    share: Annotated[float, typer.Option(help="Part of the designs that is to be left.")] = 0.01,
    metric: Annotated[str | None, typer.Option(help="Metric to judge by; the first objective if absent.")] = None,
    method: Annotated[str, typer.Option(help="functional-anova or autobuild.")] = "functional-anova",
    limit: Limits = None,
    space: Annotated[
        str | None, typer.Option("--space", "-s", help="The space, where the search got an object.")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="Decisions that are shown.")] = 12,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="JSON file of the options that stay, for search --restrict.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the model.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Tell which options are worth having from trials that were run; drop the worst, and build the best design.

    Example: netwright spaces shrink runs/digits --share 0.001 --out kept.json
    """
    from netwright.study import shrink_space

    with answering(as_json) as answer:
        check_free(out, overwrite)
        study = read_study(folder)
        found = shrink_space(
            study, space_of(study, space), share, metric=metric, method=method, limits=limit or [], seed=seed
        )
        if out is not None:
            write_text(out, json.dumps(found.kept, indent=2) + "\n", "a restriction")
        document = {"version": 1, **found.to_json(), "out": None if out is None else str(out)}
        answer.give(document, lambda: _shrunk_words(found, top))


@spaces.command()
def evolve(
    folder: Annotated[Path, typer.Argument(help="Folder of a search, or of one space of a comparison.")],
    decide: Annotated[
        list[str], typer.Option("--decide", "-d", help="Decision of the space, or a pattern such as 'stage*.kernel'.")
    ],
    limit: Annotated[
        list[str],
        typer.Option("--limit", "-l", help="On an additive cost; one for each use of the space."),
    ],
    metric: Annotated[str | None, typer.Option(help="Metric to judge by; the first objective if absent.")] = None,
    method: Annotated[str, typer.Option(help="functional-anova or autobuild.")] = "functional-anova",
    rounds: Annotated[int, typer.Option(min=1, help="Subspaces that are scored.")] = 200,
    space: Annotated[
        str | None, typer.Option("--space", "-s", help="The space, where the search got an object.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="JSON file of the options that stay, for search --restrict.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Make some decisions of a space once and for all, so that the best designs that are left hold the limits.

    Example: netwright spaces evolve runs/digits -d 'stage*.down.expand' -l 'macs<=1M' -l 'macs<=2M' --out kept.json
    """
    from netwright.study import evolve_by_trials, kept_options

    with answering(as_json) as answer:
        check_free(out, overwrite)
        study = read_study(folder)
        whole = space_of(study, space)
        found = evolve_by_trials(study, whole, decide, limit, metric=metric, method=method, rounds=rounds, seed=seed)
        kept = kept_options(whole, found.space)
        if out is not None:
            write_text(out, json.dumps(kept, indent=2) + "\n", "a restriction")
        document = {
            "version": 1,
            "space": whole.name,
            "designs_before": str(whole.network_size()),
            "designs_after": str(found.space.network_size()),
            "decisions": dict(found.decisions),
            "kept": kept,
            "score": found.score,
            "score_of_whole": found.whole,
            "history": [score if math.isfinite(score) else None for score in found.history],
            "out": None if out is None else str(out),
        }
        answer.give(document, lambda: _evolved_words(document))


def _evolved_words(document: Mapping[str, Any]) -> str:
    decided = ", ".join(f"{path}={value}" for path, value in document["decisions"].items())
    return (
        f"decided   {decided}\n"
        f"designs   {int(document['designs_before']):,} before, {int(document['designs_after']):,} after\n"
        f"Q-T score {document['score']:.3f}, of the whole space {document['score_of_whole']:.3f}"
    )


def _words(found: Comparison, equal: Comparison | None) -> RenderableType:
    from rich.console import Group

    from netwright._page import label, percent, quantity

    shown = table(f"{label(found.metric)} of random designs", "space", "designs", "best", "half reach", "90 % reach")
    for population in found.populations:
        reached = [quantity(found.metric, population.quantile(share)) for share in (0.0, 0.5, 0.9)]
        shown.add_row(population.name, f"{len(population):,}", *reached)
    against = table("one against another", "first", "second", "first wins", "95 % interval", "verdict")
    for each in (found, *([equal] if equal else [])):
        for pair in each.pairs:
            low, high = map(percent, pair.interval)
            by = f" (equal {label(each.matched_by)})" if each.matched_by else ""
            against.add_row(f"{pair.first}{by}", pair.second, percent(pair.wins), f"{low} to {high}", pair.verdict)
    return Group(shown, "", against)


def _shrunk_words(found: Shrunk, top: int) -> RenderableType:
    from rich.console import Group

    shown = table(f"importance by {found.effects.method}", "decision", "share", "better", "worse", "dropped")
    for row in found.effects.to_json()["decisions"][:top]:
        options = row["options"]
        kept = found.kept.get(row["path"])
        dropped = [o["value"] for o in options if kept is not None and o["value"] not in kept]
        ends = [f"{o['value']} {o['effect']:+.2f}" for o in (options[:1] + options[-1:] if options else [])]
        shown.add_row(row["path"], f"{100 * row['share']:.1f} %", *(ends or ["", ""]), ", ".join(map(str, dropped)))
    lines = [
        f"{counted(found.before, 'design')} before, {found.after:,} after; rank correlation of the model on unseen"
        f" designs {found.effects.fit:.2f}",
        "built without a search: " + ", ".join(f"{path}={value}" for path, value in found.built.items()),
    ]
    return Group(shown, "", *lines)
