"""`netwright targets`: places where networks run; adding a device of your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright._count import counted, percent
from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson, Classes, InputShape, chosen_space
from netwright.errors import DataError, NetwrightError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from netwright.target import Target

__all__ = ["targets"]

targets = typer.Typer(
    invoke_without_command=True, help="Places where networks run: list them, and add a device of your own."
)
SpaceName = Annotated[
    str | None, typer.Option("--space", "-s", help="Space of the designs: a name, or module:attribute of your own.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a target of this name that was added before.")]


@targets.callback()
def listing(context: typer.Context, as_json: AsJson = False) -> None:
    """List the targets: what each tells, how it knows, and how good it is.

    Example: netwright targets
    """
    if context.invoked_subcommand is not None:
        return
    with answering(as_json) as answer:
        from netwright.target import target_names

        found = [_known(name) for name in target_names()]
        answer.give({"version": 1, "targets": found}, lambda: _words(found))


@targets.command()
def script(
    models: Annotated[list[str] | None, typer.Argument(help="Models to measure, in place of --space.")] = None,
    space: SpaceName = None,
    count: Annotated[int, typer.Option("--count", "-n", min=2, help="Designs of the space to measure.")] = 20,
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the script and the networks.")] = Path(
        "measure"
    ),
    input: InputShape = None,
    classes: Classes = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the designs to choose from.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write the script that measures a device, with the networks; it needs Python, numpy and onnxruntime there.

    Example: netwright targets script --space mobilenet-tiny --input 3x32x32 --count 20 --out measure
    """
    with answering(as_json) as answer:
        if (space is None) == (not models):
            raise DataError("a device is measured on designs of --space or on models: give one of the two.")
        made = _of_space(out, space, count, input, classes, seed) if space else _of_models(out, models or [], input)
        size = sum(file.stat().st_size for file in out.glob("*.onnx"))
        document = {"version": 1, "out": str(out), "bytes": size, **made}
        answer.give(document, lambda: _script_words(out, len(made["networks"]), size))


@targets.command()
def add(
    file: Annotated[
        Path,
        typer.Argument(
            help="What the script or calibrate --out wrote, a table of a space (CSV, Parquet, JSON), or a data sheet."
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the target; the device's own if absent.")
    ] = None,
    space: SpaceName = None,
    input: InputShape = None,
    classes: Classes = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="What a column of a table is: latency_ms=pixel2, design=arch; repeatable."),
    ] = None,
    edited: Annotated[
        bool, typer.Option("--edited", help="Take a file that was changed, such as by a column of energy.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Add a device from what was measured on it; then `latency_ms@NAME` is a metric.

    Example: netwright targets add device.json --name pi5
    """
    with answering(as_json) as answer:
        from netwright.target import add_target

        found = None if space is None else chosen_space(space, input, classes)
        told = {} if space is None else {"name": space, "classes": classes}
        target = add_target(
            file, name=name, space=found, told=told, columns=_columns(column or []), edited=edited,
            overwrite=overwrite,
        )  # fmt: skip
        facts = {**_facts(target), "unread": list(getattr(target, "unread", ()))}
        answer.give({"version": 1, **facts}, lambda: _words([facts]))


@targets.command()
def remove(
    name: Annotated[str, typer.Argument(help="A target that was added.")],
    as_json: AsJson = False,
) -> None:
    """Remove a target that was added.

    Example: netwright targets remove pi5
    """
    with answering(as_json) as answer:
        from netwright.target import remove_target

        file = remove_target(name)
        answer.give({"version": 1, "removed": name, "file": str(file)}, lambda: f"removed {name} ({file})")


def _known(name: str) -> dict[str, Any]:
    """Facts of a target; one that cannot be used just now, as after an update of its runtime, says why."""
    from netwright.target import get_target

    try:
        return _facts(get_target(name))
    except NetwrightError as error:
        return {"name": name, "kind": "cannot be used", "knows": [], "how": str(error), "quality": {}, "sources": {}}


def _facts(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "kind": target.kind,
        "knows": sorted(target.knows),
        "how": target.how,
        "quality": {quantity: dict(numbers) for quantity, numbers in target.quality().items()},
        "sources": dict(target.sources()),
    }


def _of_space(out: Path, name: str, count: int, input: str | None, classes: int | None, seed: int) -> dict[str, Any]:
    from netwright.target import choose_designs, designs_script, tables_of

    space = chosen_space(name, input, classes)
    kept = space.name if name == "auto" else name
    designs = choose_designs(space, count, tables_of(kept, space), seed)
    return designs_script(out, space, {"name": kept, "classes": classes}, designs)


def _of_models(out: Path, models: list[str], input: str | None) -> dict[str, Any]:
    from netwright.io import read_model
    from netwright.target import models_script

    twice = next((model for model in models if models.count(model) > 1), None)
    if twice is not None:
        raise DataError(f"a device is measured on each model once, but got {twice} {models.count(twice)} times.")
    files = [Path(model).name for model in models]
    names = [file if files.count(file) == 1 else model for file, model in zip(files, models, strict=True)]
    return models_script(out, {name: read_model(model, input) for name, model in zip(names, models, strict=True)})


def _columns(given: list[str]) -> dict[str, str] | None:
    wrong = next((each for each in given if not all(each.partition("="))), None)
    if wrong is not None:
        raise DataError(f"a column is named as latency_ms=pixel2, but got {wrong!r}.")
    pairs = [each.split("=", 1) for each in given]
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"--column names each quantity once, but got {twice} {names.count(twice)} times.")
    return dict(pairs) or None


def _words(found: list[dict[str, Any]]) -> RenderableType:
    from rich.console import Group

    return Group(*(line for each in found for line in _lines(each)))


def _lines(facts: dict[str, Any]) -> list[str]:
    from netwright.target import sources_in_words

    tells = f"; tells {', '.join(facts['knows'])}" if facts["knows"] else ""
    lines = [f"{facts['name']}  {facts['kind']}{tells}", f"    {facts['how']}"]
    for quantity, good in facts["quality"].items():
        whole = "measured_by" in good
        unseen = "what others measured" if whole else "networks left out"
        reach = f"a factor of {1 + good['reach']:.2g}" if whole else percent(good.get("reach", 0))
        text = f"error {percent(good['error'])}, rank correlation {good['spearman']:.3f} on {unseen}"
        within = f"; nine of ten within {reach}" if "reach" in good else ""
        lines.append(f"    {quantity}: {f'exact on {unseen}' if good.get('exact') else text + within}")
    if facts.get("unread"):
        lines.append(f"    columns that were not read: {', '.join(facts['unread'])}")
    return lines + ([f"    {sources_in_words(facts['sources'])}"] if facts["sources"] else [])


def _script_words(out: Path, networks: int, size: int) -> str:
    return (
        f"wrote measure.py and {counted(networks, 'network')} ({size / 1e6:.1f} MB) to {out}; on the device, in a"
        " copy of that folder:\n\n    pip install numpy onnxruntime\n    python measure.py --name NAME\n\nthen bring"
        " back device.json and add it here:\n\n    netwright targets add device.json"
    )
