"""Data-sheet targets against measurements by others: rank correlation and error, beside multiply-adds alone.

Error: median of the relative error. Scale: the factor that the predictions would need, and the median error with it.
Within: the factor within which 90 % of them are as they stand. A device is shipped where its rank correlation is no
worse than that of multiply-adds alone on any of its measurements; those that are not stay in bench/left_out.
`--write` keeps what is found beside the sheets, from where targets tell how good they are, and writes
docs/devices.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from _hat import HAT, WORDS, decoder, encoder, hat_rows, latencies, summed
from _measured import Measured, kernels, networks
from _table import SHARED, arguments, number, show, verdict

# isort: split
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from netwright.target import Check, DataSheet, RooflineTarget, data_sheet_names, get_data_sheet, read_data_sheet
from netwright.target._checks import CHECKS
from netwright.target._roofline_model import kernel_ms

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
is then given with the widest factor of its kind. `python bench/data_sheets.py --write` writes this page.
"""


def device_of(target: str) -> DataSheet:
    """Data sheet of a target's name, also of those that are not shipped."""
    name = target.partition(":")[0]
    return get_data_sheet(name) if name in data_sheet_names() else read_data_sheet(LEFT_OUT / f"{name}.toml")


def predicted(measured: Measured) -> Array:
    """Milliseconds of each row by the roofline."""
    name, _, options = measured.target.partition(":")
    some = RooflineTarget.parse(f"raspberry-pi-4:{options}") if "1t" in options else None
    batch = next((int(each[1:]) for each in options.split(":") if each[:1] == "b"), 1)
    dtype = next((each for each in options.split(":") if each in ("fp16", "int8")), None)
    machine = device_of(name).machine(dtype, some and some.threads, eager="eager" in options)
    return np.array([sum(kernel_ms(work.of_batch(batch), machine) for work in row) for row in measured.works])


def check(measured: Measured) -> Check:
    """How well the times of kernels or networks are predicted."""
    return compared(measured.target, measured.source, predicted(measured), measured.macs, measured.ms)


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
    return [each.target, each.source, f"{each.rows:,}", *ranks, *errors, number(each.factor, 2)]


def main() -> None:
    given = arguments(
        __doc__,
        ("kernels", 5000, 60, "most kernels of a device"),
        ("networks", 1000, 6, "most networks of a table"),
        flags={"write": "keep the numbers beside the data sheets, and write docs/devices.md"},
    )
    header = ["target", "measured by", "rows", "Spearman", "MACs", "error", "scale", "scaled", "within"]
    if not SHARED.is_dir():
        show("No published tables beside the checkout", header, [[""] * len(header)])
        return
    checks = [check(each) for each in (*kernels(given.kernels), *networks(given.networks))]
    checks += hat_checks(given.networks)
    show("Predicted from the data sheet alone", header, [row(each) for each in checks])
    below = worse(checks)
    shipped = [name for name in below if name in data_sheet_names()]
    left = [path.stem for path in LEFT_OUT.glob("*.toml")]
    print(f"\nno shipped device does worse than MACs alone: {verdict(not shipped)} {', '.join(shipped)}")
    print(f"left out, as they do: {', '.join(left)}")
    print(f"checked: {len({c.target.partition(':')[0] for c in checks})} of {len(data_sheet_names())} devices")
    if given.write:
        kept = [each for each in checks if each.target.partition(":")[0] in data_sheet_names()]
        CHECKS.write_text(json.dumps({"bench": "data_sheets", "checks": [asdict(c) for c in kept]}, indent=1) + "\n")
        PAGE.write_text(page(kept))


def page(checks: list[Check]) -> str:
    """The page with every device."""
    lines = [
        "| device | | peak GFLOP/s | GB/s | looked up | measured by | Spearman | MACs | within |",
        "| " + "--- | " * 9,
    ]
    for name in data_sheet_names():
        device = get_data_sheet(name)
        peaks = ", ".join(f"{dtype} {number(peak)}" for dtype, peak in device.peak_gflops.items())
        known = sum(document is not None for document in device.looked_up.values())
        facts = (
            f"`{name}` | {device.title} | {peaks} | {number(device.bandwidth_gbs)} | {known}/{len(device.looked_up)}"
        )
        own = [each for each in checks if each.target.partition(":")[0] == name]
        lines += [f"| {facts} | {told(each)} |" for each in own] or [f"| {facts} | not checked | | | |"]
    return head() + "\n" + "\n".join(line.strip() for line in lines) + "\n"


def head() -> str:
    """What stands above the table, with the number of figures that were looked up."""
    documents = [document for name in data_sheet_names() for document in get_data_sheet(name).looked_up.values()]
    looked_up = sum(document is not None for document in documents)
    return HEAD.format(looked_up=looked_up, figures=len(documents))


def told(each: Check) -> str:
    options = each.target.partition(":")[2]
    how = f", `{options}`" if options else ""
    return f"{each.source} ({each.rows:,}{how}) | {each.spearman:.2f} | {each.macs:.2f} | {each.factor:.1f}x"


if __name__ == "__main__":
    main()
