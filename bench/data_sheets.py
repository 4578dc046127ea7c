"""Data-sheet targets against measurements by others: rank correlation and error, beside multiply-adds alone.

Error: median of the relative error. Scale: the factor that the predictions would need, and the median error with it.
Within: the factor within which 90 % of them are as they stand. Unseen: the same with constants of the device's kind
that were fitted to the measurements of other chips alone, from a start that none of them had a say in: what a device
that nobody measured may expect. Vidur's layers, which lack attention, are told apart by the tokens that they run on
at once: up to 64 is what decoding has. A device is shipped where its rank correlation is no worse than that of
multiply-adds alone on any of its measurements; those that are not stay in bench/left_out. `--write` keeps what is
found beside the sheets, from where targets tell how good they are, and writes docs/devices.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from _hat import HAT, WORDS, decoder, encoder, hat_rows, latencies, summed
from _kinds import Sheet, family, sheet_of, without
from _measured import Measured, kernels, networks
from _table import SHARED, arguments, number, show, verdict

# isort: split
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from netwright.target import Check, DataSheet, RooflineTarget, data_sheet_names, get_data_sheet, read_data_sheet
from netwright.target._checks import CHECKS
from netwright.target._roofline_model import KINDS, Kind, Machine

Array = NDArray[np.float64]
LEFT_OUT = Path(__file__).parent / "left_out"
PAGE = Path(__file__).parents[1] / "docs" / "devices.md"
HEAD = """# Devices by their data sheets

What comes with netwright as targets that need no measurement: `netwright profile MODEL --target raspberry-pi-4`, or a
limit `latency_ms@raspberry-pi-4 <= 30`, which a space's forest holds as a sum over blocks. The file of each is in
`src/netwright/target/devices/data_sheets`; one of the same form describes a device of your own, which
`netwright targets add board.toml` adds: see [targets.md](targets.md).

{looked_up} of their {figures} figures were looked up in a document that the file names beside them; the others were
entered from memory. `netwright targets` says which are which. A peak of a processor that is cores times clock times
the arithmetic of a cycle is counted as looked up only where that was, too.

A name may go on with how the network runs, in this order: `pixel-7:eager:1t:b8:fp16` starts its operators one
after the other instead of fusing them, uses one thread, a batch of 8, and half precision.

Spearman is the rank correlation with what others have measured, and MACs that of multiply-adds alone; within says by
which factor 90 % of the predictions are off at most. "not checked" says that no measurement was at hand: the estimate
is then given with the widest factor of its kind. Unseen is that factor with constants of the kind that were fitted to
other chips alone: what a device that is not checked may expect. `python bench/data_sheets.py --write` writes this
page.
"""


UNSEEN = ("unseen rank", "unseen within")
FIT = {"deepbench gemm": 300, "deepbench conv": 300, "neusight": 300, "vidur": 300}
"""Most rows of a set that constants are fitted to; of networks, 40."""


DECODING = 64
"""Most tokens at once that count as decoding."""


def part(measured: Measured) -> Measured:
    """The rows that constants are fitted to; they are in no order."""
    most = FIT.get(measured.source, 40)
    return replace(measured, works=measured.works[:most], ms=measured.ms[:most])


def device_of(target: str) -> DataSheet:
    """Data sheet of a target's name, also of those that are not shipped."""
    name = target.partition(":")[0]
    return get_data_sheet(name) if name in data_sheet_names() else read_data_sheet(LEFT_OUT / f"{name}.toml")


def machine_of(target: str) -> tuple[Machine, int]:
    """Machine of a target's name with its options, also of one that is not shipped, and the batch."""
    name, _, options = target.partition(":")
    some = RooflineTarget.parse(f"raspberry-pi-4:{options}") if "1t" in options else None
    batch = next((int(each[1:]) for each in options.split(":") if each[:1] == "b"), 1)
    dtype = next((each for each in options.split(":") if each in ("fp16", "int8")), None)
    return device_of(name).machine(dtype, some and some.threads, eager="eager" in options), batch


def sheet(measured: Measured) -> Sheet:
    """Measurements as arrays, with their batch."""
    machine, batch = machine_of(measured.target)
    works = [[work.of_batch(batch) for work in row] for row in measured.works]
    return sheet_of(replace(measured, works=works), machine)


def check(measured: Measured, whole: Sheet, kind: Kind) -> Check:
    """How well the times of kernels or networks are predicted, by the constants that are shipped and by others."""
    name = measured.target, measured.source
    told = compared(*name, whole.predicted(KINDS[whole.machine.kind]), measured.macs, measured.ms)
    unseen = compared(*name, whole.predicted(kind), measured.macs, measured.ms)
    return replace(told, unseen_spearman=unseen.spearman, unseen_factor=unseen.factor)


def by_phase(measured: Measured) -> Iterator[Measured]:
    """Layers of language models apart by the tokens that they run on at once: few in decoding, many in a prompt."""
    if measured.source != "vidur":
        yield measured
        return
    tokens = np.array([max(p.rows for work in row for p in work.products) for row in measured.works])
    for phase, chosen in (("prefill", tokens > DECODING), ("decode", tokens <= DECODING)):
        if chosen.sum() > 1:
            works = [row for row, kept in zip(measured.works, chosen, strict=True) if kept]
            yield replace(measured, source=f"vidur {phase}", works=works, ms=measured.ms[chosen])


def compared(target: str, source: str, guess: Array, macs: Array, ms: Array) -> Check:
    """How well times are predicted."""
    logs = np.log(ms / guess)
    scale = float(np.exp(np.median(logs)))
    numbers = (
        spearmanr(guess, ms).statistic,
        spearmanr(macs, ms).statistic,
        np.median(np.abs(guess / ms - 1)),
        scale,
        np.median(np.abs(scale * guess / ms - 1)),
        np.exp(np.quantile(np.abs(logs), 0.9)),
    )
    return Check(target, source, len(guess), *(round(float(each), 3) for each in numbers))


def hat_checks(most: int) -> Iterator[Check]:
    """How well the encoder-decoder transformers of HAT are predicted, for each language apart."""
    rows = hat_rows(most)
    for device, target in HAT.items():
        machine = RooflineTarget.parse(target).machine
        for task in WORDS:
            own = [row for row in rows if (row["device"], row["task"]) == (device, task)]
            told = np.array([summed([*encoder(row), *decoder(row)], machine) for row in own])
            yield compared(target, f"hat {task}", told[:, 0], told[:, 1], latencies(own).sum(axis=1))


def worse(checks: Iterable[Check]) -> list[str]:
    """Devices whose rank correlation is below that of multiply-adds alone on some of their measurements."""
    return sorted({each.target.partition(":")[0] for each in checks if each.spearman < each.macs})


def row(each: Check) -> list[str | float]:
    ranks = (f"{each.spearman:.3f}", f"{each.macs:.3f}")
    errors = (f"{100 * each.error:.0f} %", each.scale, f"{100 * each.scaled_error:.0f} %")
    unseen = ["" if told is None else number(told, 2) for told in (each.unseen_spearman, each.unseen_factor)]
    return [each.target, each.source, f"{each.rows:,}", *ranks, *errors, number(each.factor, 2), *unseen]


def by_operator(measured: list[Measured], whole: list[Sheet], kinds: dict[str, Kind], left: str) -> list[list[str]]:
    """Kernels of NeuSight by operator over its GPUs, with constants fitted without the GPU or without all."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for each, own in zip(measured, whole, strict=True):
        if each.source == "neusight":
            told = own.predicted(kinds[left or family(each.target)])
            macs = each.macs
            for i, (work,) in enumerate(each.works):
                found.setdefault(work.operator, []).append((told[i], each.ms[i], macs[i]))
    return [[name, *_operator(np.array(rows))] for name, rows in sorted(found.items())]


def _operator(rows: Array) -> list[str]:
    told, ms, macs = rows.T
    logs = np.log(ms / told)
    rank = spearmanr(macs, ms).statistic if macs.any() else None
    return [
        f"{len(rows):,}", f"{spearmanr(told, ms).statistic:.3f}", "" if rank is None else f"{rank:.3f}",
        f"{100 * np.median(np.abs(told / ms - 1)):.0f} %", number(float(np.exp(np.quantile(np.abs(logs), 0.9))), 2),
    ]  # fmt: skip


def main() -> None:
    given = arguments(
        __doc__,
        ("kernels", 5000, 20, "most kernels of a device"),
        ("networks", 1000, 4, "most networks of a table"),
        flags={"write": "keep the numbers beside the data sheets, and write docs/devices.md"},
    )
    header = ["target", "measured by", "rows", "Spearman", "MACs", "error", "scale", "scaled", "within", *UNSEEN]
    if not SHARED.is_dir():
        show("No published tables beside the checkout", header, [[""] * len(header)])
        return
    measured = [*kernels(given.kernels), *networks(given.networks)]
    whole = [sheet(each) for each in measured]
    some = [sheet(part(each)) for each in measured]
    unseen = {name: kind for each in KINDS for name, kind in without(each, some, lambda s: family(s.target)).items()}
    checks = [check(each, sheet(each), unseen[family(each.target)]) for many in measured for each in by_phase(many)]
    checks += hat_checks(given.networks)
    show("Predicted from the data sheet alone", header, [row(each) for each in checks])
    columns = ["operator", "rows", "Spearman", "MACs", "error", "within"]
    other = without("gpu", [each for each in some if each.machine.kind == "gpu"], lambda s: s.source)["neusight"]
    for title, kinds, left in (("the GPU", unseen, ""), ("any of them", {"neusight": other}, "neusight")):
        show(
            f"Kernels of NeuSight, constants fitted without {title}",
            columns,
            by_operator(measured, whole, kinds, left),
        )
    below = worse(checks)
    shipped = [name for name in below if name in data_sheet_names()]
    left = [path.stem for path in LEFT_OUT.glob("*.toml")]
    print(f"\nno shipped device does worse than MACs alone: {verdict(not shipped)} {', '.join(shipped)}")
    print(f"left out, as they do: {', '.join(left)}")
    lower = [
        f"{c.target} ({c.source})" for c in checks if c.unseen_spearman is not None and c.unseen_spearman < c.macs
    ]
    print(f"worse than MACs alone with constants of other chips: {', '.join(lower)}")
    print(f"checked: {len({c.target.partition(':')[0] for c in checks})} of {len(data_sheet_names())} devices")
    if given.write:
        kept = [each for each in checks if each.target.partition(":")[0] in data_sheet_names()]
        CHECKS.write_text(json.dumps({"bench": "data_sheets", "checks": [asdict(c) for c in kept]}, indent=1) + "\n")
        PAGE.write_text(page(kept))


def page(checks: list[Check]) -> str:
    """The page with every device."""
    lines = [
        "| device | | peak GFLOP/s | GB/s | looked up | measured by | Spearman | MACs | within | unseen |",
        "| " + "--- | " * 10,
    ]
    for name in data_sheet_names():
        device = get_data_sheet(name)
        peaks = ", ".join(f"{dtype} {number(peak)}" for dtype, peak in device.peak_gflops.items())
        known = sum(document is not None for document in device.looked_up.values())
        facts = (
            f"`{name}` | {device.title} | {peaks} | {number(device.bandwidth_gbs)} | {known}/{len(device.looked_up)}"
        )
        own = [each for each in checks if each.target.partition(":")[0] == name]
        lines += [f"| {facts} | {told(each)} |" for each in own] or [f"| {facts} | not checked | | | | |"]
    return head() + "\n" + "\n".join(line.strip() for line in lines) + "\n"


def head() -> str:
    """What stands above the table, with the number of figures that were looked up."""
    documents = [document for name in data_sheet_names() for document in get_data_sheet(name).looked_up.values()]
    looked_up = sum(document is not None for document in documents)
    return HEAD.format(looked_up=looked_up, figures=len(documents))


def told(each: Check) -> str:
    options = each.target.partition(":")[2]
    how = f", `{options}`" if options else ""
    unseen = "" if each.unseen_factor is None else f"{each.unseen_factor:.1f}x"
    return (
        f"{each.source} ({each.rows:,}{how}) | {each.spearman:.2f} | {each.macs:.2f} | {each.factor:.1f}x | {unseen}"
    )


if __name__ == "__main__":
    main()
