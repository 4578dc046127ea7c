"""`netwright plan`: whether a network fits a microcontroller, and where everything lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson
from netwright.cli._files import check_free, write_text
from netwright.cli._source import find
from netwright.cli._wanted import Source, Wanted, with_wanted

if TYPE_CHECKING:
    from netwright.cli._source import Found
    from netwright.target import DeviceFit, MicrocontrollerTarget

__all__ = ["plan"]


@with_wanted
def plan(
    source: Source,
    target: Annotated[str, typer.Option("--target", "-t", help="Microcontroller, such as stm32f746.")],
    wanted: Wanted,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Let sums and activations write over what they read last.")
    ] = False,
    patches: Annotated[
        str | None, typer.Option(help="Compute the first stage in patches: rows x columns, 2x2.")
    ] = None,
    solver: Annotated[
        str, typer.Option(help="heuristic, cp-sat, or auto: cp-sat where the heuristic falls short.")
    ] = "auto",
    seconds: Annotated[float, typer.Option(min=0, help="Time that cp-sat may take.")] = 10.0,
    svg: Annotated[Path | None, typer.Option(help="Drawing to write: steps by addresses.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file that exists.")] = False,
    rows: Annotated[int, typer.Option(min=0, help="Most rows of the table of buffers.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Plan the memory of a network on a microcontroller, in 8 bits: does it fit, and what lies where.

    Ends with exit code 1 where it does not fit. Example: netwright plan model.onnx --target stm32f746 --patches 2x2
    """
    with answering(as_json) as answer:
        from netwright.cli._plan_words import words
        from netwright.target import device_fit

        check_free(svg, overwrite)
        device = _device(target, in_place, patches, seconds)
        found = find(source, wanted)
        fit = device_fit(device, found.graph, solver=solver)
        if svg is not None:
            write_text(svg, fit.plan.svg(f"{found.title} on {device.device.title}"), "a drawing")
        document = {
            "version": 1,
            "source": source,
            **_told(device, found, fit),
            "svg": None if svg is None else str(svg),
        }
        answer.give(document, lambda: words(document, fit, rows))
    if not fit.fits:
        raise typer.Exit(1)


def _told(device: MicrocontrollerTarget, found: Found, fit: DeviceFit) -> dict[str, Any]:
    """What the document says of the network on the device."""
    told = {
        quantity: device.of(quantity, found.graph).to_json() if quantity in device.knows else None
        for quantity in ("latency_ms", "energy_mj")
    }
    return {
        "title": found.title,
        "design": None if found.design is None else dict(found.design),
        "target": device.name,
        "device": device.device.title,
        **fit.to_json(),
        **told,
        "plan": fit.plan.to_json(),
    }


def _device(name: str, in_place: bool, patches: str | None, seconds: float) -> MicrocontrollerTarget:
    """The microcontroller with the options; raises UnknownNameError that lists those that there are."""
    from netwright.target import MicrocontrollerTarget, read_grid

    grid = read_grid(patches) if patches else None
    return MicrocontrollerTarget.parse(name).planned(in_place=in_place or None, patches=grid, seconds=seconds)
