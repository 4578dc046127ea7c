"""`netwright calibrate`: learn what networks take on this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright._count import counted
from netwright.cli._answer import INTERRUPTED, answering
from netwright.cli._arguments import AsJson, Classes, InputShape, chosen_space
from netwright.cli._bar import bar
from netwright.errors import DataError, SpaceError

if TYPE_CHECKING:
    from netwright.space import Space
    from netwright.target import Calibration

__all__ = ["calibrate"]


def calibrate(
    name: Annotated[str, typer.Argument(help="Name of the target: then limits read latency_ms@NAME.")],
    space: Annotated[
        list[str] | None, typer.Option("--space", "-s", help="Measure networks of this space; repeatable.")
    ] = None,
    general: Annotated[bool, typer.Option("--general", help="Measure networks of all sorts instead.")] = False,
    input: InputShape = None,
    classes: Classes = None,
    on: Annotated[str, typer.Option(help="How networks run: runtime, threads, batch, data type.")] = "here",
    minutes: Annotated[float, typer.Option(min=0.01, help="Time to spend at most.")] = 10.0,
    networks: Annotated[int, typer.Option(min=12, help="Networks to measure at most.")] = 300,
    out: Annotated[Path | None, typer.Option(help="File to write, in place of the one in your folder.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file that exists.")] = False,
    any_runtime: Annotated[
        bool, typer.Option("--any-runtime", help="Go on from what another version of the runtime measured.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice of networks.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure networks on this machine for some minutes, and predict the latency of all others from them.

    What was measured is kept as it goes: the same command goes on where it was broken off.

    Example: netwright calibrate laptop --space mobilenet-tiny --input 3x32x32
    """
    started = time.perf_counter()
    with answering(as_json) as answer:
        from netwright.target import Here, remove_target, saved_targets
        from netwright.target import calibrate as measured

        target, path = Here.parse(on), _file(name, out, overwrite)
        spaces = _spaces(space or (), general, input, classes)
        journal = path.with_suffix(".measured.jsonl")
        try:
            with bar("measuring") as told:
                found = measured(
                    name, spaces, setup=target.setup, minutes=minutes, networks=networks, journal=journal,
                    any_runtime=any_runtime, seed=seed, started=started,
                    report=lambda done, total, seconds: told(done, total),
                )  # fmt: skip
        except KeyboardInterrupt as stop:
            answer.fail(
                stop,
                f"interrupted; what was measured is in {journal}, and the same command goes on from it.",
                INTERRUPTED,
            )
        found.save(path)
        if out is None and saved_targets()[name] != path:
            remove_target(name)  # a table that had the name until now
        journal.unlink(missing_ok=True)
        document = _document(found, path)
        answer.give(document, lambda: _words(document, added=out is None))


def _file(name: str, out: Path | None, overwrite: bool) -> Path:
    """Where the calibration goes; raises DataError for a name that is taken or cannot be one."""
    from netwright.target import check_name, saved_targets, target_names, targets_folder

    check_name(name)
    if name in target_names() and name not in saved_targets():
        raise DataError(f"a target's name must be its own, but {name} is one already.")
    path = out or targets_folder() / f"{name}.json"
    if path.is_dir():
        raise DataError(f"a calibration is written to a file, but {path} is a folder.")
    there = path if out else saved_targets().get(name, path)
    if there.exists() and not overwrite:
        raise DataError(f"what exists is kept unless --overwrite is given, but {there} exists.")
    return path


def _spaces(names: tuple[str, ...] | list[str], general: bool, input: str | None, classes: int | None) -> list[Space]:
    from netwright.space.catalog import get_space
    from netwright.target import GENERAL

    if bool(names) == general:
        raise SpaceError("a calibration measures networks of a --space, or --general ones: give one of both.")
    if general:
        return [get_space(name, shape) for name, shape in GENERAL]
    return [chosen_space(name, input, classes) for name in names]


def _document(found: Calibration, path: Path) -> dict[str, Any]:
    return {
        "version": 1,
        "name": found.name,
        "file": str(path),
        "spaces": list(found.spaces),
        "setup": asdict(found.setup),
        "device": dict(found.device),
        "runtime": dict(found.runtime),
        "networks": len(found.measured),
        "kernels": len(found.network.model.kernels) - 1,
        "network": dict(found.network.checked),
        "blocks": dict(found.blocks.checked),
    }


def _words(document: Mapping[str, Any], *, added: bool) -> str:
    device, runtime = document["device"], document["runtime"]
    lines = [
        f"{document['name']}: {device['processor']}, {runtime['package']} {runtime['version']}",
        f"{counted(document['networks'], 'network')} of {', '.join(document['spaces'])},"
        f" {counted(document['kernels'], 'kernel')}",
    ]
    for title, key in (("a network", "network"), ("a sum over blocks", "blocks")):
        good = document[key]
        lines.append(
            f"{title}, left out and predicted: median error {good['median_error']:.1%}, "
            f"{good['within_10_percent']:.0%} within 10 %, Spearman {good['spearman']:.3f}"
        )
    wrote, limits = f"wrote {document['file']}", f"limits may say latency_ms@{document['name']}"
    if added:
        return "\n".join([*lines, limits, wrote])
    return "\n".join([*lines, f"{wrote}; after netwright targets add {Path(document['file']).name}, {limits}"])
