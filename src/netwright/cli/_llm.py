"""`netwright llm`: how fast a language model reads and writes on a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson
from netwright.cli._source import find
from netwright.cli._wanted import DesignFile, ModelShape, Source, Wanted
from netwright.errors import DataError, SpaceError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from netwright.target import Part, RooflineTarget, Step

__all__ = ["llm"]


def llm(
    source: Source,
    target: Annotated[str, typer.Option(help="Device with a data sheet, such as nvidia-t4 or apple-m2:fp16.")],
    batch: Annotated[str, typer.Option(help="Sequences at once, one number or several: 1,8,64.")] = "1",
    length: Annotated[str, typer.Option(help="Tokens of the prompt, or in the cache; also several.")] = "512",
    phase: Annotated[str, typer.Option(help="prefill, decode or both.")] = "both",
    workers: Annotated[int, typer.Option(min=1, help="Devices that share each layer, of which one is shown.")] = 1,
    input: ModelShape = None,
    design: DesignFile = None,
    as_json: AsJson = False,
) -> None:
    """Show how long a language model takes to read a prompt and to write a token, operation by operation.

    SOURCE is a config.json as published beside weights, or a causal model as for profile.

    Example: netwright llm config.json --target nvidia-a100-sxm-80gb --batch 1,8 --length 128,2048
    """
    with answering(as_json) as answer:
        from netwright.target import PHASES, step, turning_batch

        device = _device(target)
        name, parts, weights = _model(source, input, design, workers)
        if phase not in (*PHASES, "both"):
            raise DataError(f"a phase must be one of {', '.join(PHASES)} or both, but got {phase!r}.")
        phases = PHASES if phase == "both" else (phase,)
        sizes = [(b, n) for b in _numbers(batch, "--batch") for n in _numbers(length, "--length")]
        steps = [step(parts, device.machine, each, b, n) for each in phases for b, n in sizes]
        room = None if device.device.memory_gib is None else device.device.memory_gib * 2**30
        held = weights * device.machine.element
        document = {
            "version": 1,
            "source": source,
            "title": name,
            "target": device.name,
            "dtype": device.dtype,
            "how": _how(device),
            "workers": workers,
            "weight_bytes": held,
            "memory_bytes": room,
            "compute_bound_from_batch": turning_batch(parts, device.machine),
            "steps": [
                {**each.to_json(), "fits": None if room is None else held + each.cache_bytes <= room}
                for each in steps
            ],
        }
        answer.give(document, lambda: _words(document, steps))


def _device(name: str) -> RooflineTarget:
    """Device of a name; half precision where its sheet states it and the name says nothing."""
    from netwright.target import RooflineTarget, get_target, target_names

    if name.partition(":")[0] in target_names() and not isinstance(get_target(name), RooflineTarget):
        raise DataError(f"a language model runs on a device of a data sheet, but {name} is a target of another kind.")
    found = RooflineTarget.parse(name)
    if found.batch != 1:
        raise DataError(f"sequences at once are given as --batch {found.batch}, but got --target {name}.")
    unsaid = name.rpartition(":")[2] not in found.device.peak_gflops
    return RooflineTarget.parse(f"{name}:fp16") if unsaid and "fp16" in found.device.peak_gflops else found


def _how(device: RooflineTarget) -> str:
    """How the device is known, and how far it was off where somebody measured it."""
    checks = [
        f"{each.source}: Spearman {each.spearman:.3f}, error {100 * each.error:.0f} %, 90 % within {each.factor:.1f}x"
        for each in device.alike
    ] or [f"not checked against measurements, others of its kind within {device.factor:.1f}x"]
    return f"roofline of the data sheet; {'; '.join(checks)}"


def _model(source: str, input: str | None, design: Path | None, workers: int) -> tuple[str, Sequence[Part], int]:
    """Name, operations and number of weights."""
    from netwright.cost import COSTS
    from netwright.target import Transformer, parts_of

    if source.endswith(".json"):
        described = Transformer.load(source)
        mine = described.split(workers) if workers > 1 else described
        return described.name, mine.parts, mine.weights
    if workers > 1:
        raise SpaceError(f"--workers shares out a model of a config.json, but {source} is none.")
    found = find(source, Wanted(design=design, input=input))
    return found.title, parts_of(found.graph), int(COSTS["params"].of(found.graph))


def _numbers(text: str, option: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and 0 < int(word) < 10**9 for word in words):
        raise SpaceError(f"{option} reads '8' or '1,8,64', but got {text!r}.")
    return [int(word) for word in words]


def _words(document: Mapping[str, Any], steps: Sequence[Step]) -> RenderableType:
    from rich.console import Group

    from netwright._page import quantity
    from netwright.cli._profile_words import table

    weights, turn = quantity("traffic", document["weight_bytes"]), document["compute_bound_from_batch"]
    lines = [
        f"{document['title']} on {document['target']}: weights {weights} in {document['dtype']}",
        f"while decoding, products with weights are bound by compute from a batch of {turn} on"
        if turn
        else "while decoding, products with weights are always bound by memory",
        *document["how"].split("; "),
    ]
    made = table("Steps", "phase", "batch", "length", "ms", "tokens/s", "cache", "compute", "memory", "start", "fits")
    for each, told in zip(steps, document["steps"], strict=True):
        shares = [f"{100 * each.share(bound):.0f} %" for bound in ("compute", "memory", "start")]
        fits = {True: "yes", False: "no", None: "?"}[told["fits"]]
        numbers = (f"{each.ms:.4g}", f"{each.tokens_per_second:,.0f}", quantity("traffic", each.cache_bytes))
        made.add_row(each.phase, str(each.batch), str(each.length), *numbers, *shares, fits)
    last = {each.phase: each for each in steps}
    return Group(*lines, "", made, *[item for each in last.values() for item in ("", _operations(each))])


def _operations(step: Step) -> RenderableType:
    from netwright._page import quantity
    from netwright.cli._profile_words import share, table

    title = f"By operation: {step.phase}, batch {step.batch}, length {step.length}"
    made = table(title, "operation", "number", "ms", "% time", "FLOPs", "bytes", "FLOPs/B", "bound by")
    for part in sorted(step.parts, key=lambda each: -each.ms):
        amounts = (quantity("flops", part.flops), quantity("traffic", part.bytes), f"{part.intensity:.3g}")
        made.add_row(part.name, str(part.count), f"{part.ms:.4g}", share(part.ms, step.ms), *amounts, part.bound)
    return made
