"""Latency on microcontrollers from what kernels do, beside measurements by others that had no part in it.

A time follows from three costs of a library on a chip: cycles of a multiply-add, of an element that a layer writes,
and of a weight that it fetches. They are fitted to the relative errors on all networks that were measured there, each
family of networks once, with ratios drawn to those that the library has on all boards: few networks would not tell
them apart. The files of the chips hold what is fitted to all of them; what is told here of a family is fitted without
it, on every board, and what is told of a board takes nothing from it but its speed. By kind: the same with one cost
each for convolutions, pointwise, depthwise and linear layers; it errs by 10 % instead of 12 % where its ratios are
drawn to those of all libraries, with which three costs err by 7 %. Error: median of the relative error. Within: the
factor within which 90 % lie; each family counts once in both. The anomaly detector `ad` is the only network of linear
layers alone: left out on every board, nothing is left that tells what a weight costs there, and it is what is missed
most. Energy: the mean power with the other networks times the latency without this one. `--write` keeps what is found
beside the chips, from where targets tell how good they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from _microcontrollers import FAMILY, KERNELS, MEMORY, SERIES, Series, network
from _table import arguments, number, show, verdict

# isort: split
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import spearmanr

from netwright.target import get_target, read_device
from netwright.target._microcontroller import device_names
from netwright.target._microcontroller._checks import CHECKS
from netwright.target._microcontroller._latency import KernelWork, works

Array = NDArray[np.float64]
NOISE, SPREAD = 0.05, 0.5
"""Standard deviations: of the relative error of a network, and of the logarithm of a ratio from board to board."""


@dataclass(frozen=True)
class Row:
    """What a network or a kernel was measured to take, in cycles."""

    series: str
    name: str
    family: str
    amounts: Array
    cycles: float


def by_work(found: Mapping[str, KernelWork]) -> list[float]:
    """Multiply-adds, elements written, and weights."""
    return [float(sum(each)) for each in zip(*found.values(), strict=True)]


def by_kind(found: Mapping[str, KernelWork]) -> list[float]:
    """Multiply-adds of each kind of layer; what has none counts as pointwise."""
    kinds = ("conv", "depthwise", "linear")
    layers = [found[kind].macs if kind in found else 0 for kind in kinds]
    return [float(sum(work.macs for work in found.values()) - sum(layers)), *map(float, layers)]


def by_macs(found: Mapping[str, KernelWork]) -> list[float]:
    """Multiply-adds alone."""
    return by_work(found)[:1]


WAYS: Mapping[str, tuple[Callable[[Mapping[str, KernelWork]], list[float]], tuple[float, ...]]] = {
    "multiply-adds alone": (by_macs, ()),
    "by kind": (by_kind, (1.0, 3.0, 1.0)),
    "three costs": (by_work, (10.0, 1.0)),
}
"""Amounts of each way, and the ratios to the first cost from which a fit sets out."""


def rows(series: Iterable[Series], amounts: Callable[[Mapping[str, KernelWork]], list[float]]) -> list[Row]:
    """What was measured."""
    return [
        Row(each.name, name, FAMILY[name], np.array(amounts(works(network(name)))), ms * each.clock_mhz * 1e3)
        for each in series
        for name, ms in each.ms.items()
    ]


def kernels() -> list[Row]:
    """Single kernels of the ESP32-S3."""
    return [
        Row("esp32s3 esp-nn", name, name, np.array(amounts, dtype=float), float(ticks))
        for name, (*amounts, ticks) in KERNELS.items()
    ]


def shares(some: Sequence[Row]) -> Array:
    """Weight of each row, so that each family of each series counts once."""
    keys = [(row.series, row.family) for row in some]
    return np.array([keys.count(key) ** -0.5 for key in keys])


def ratios(some: Sequence[Row], start: tuple[float, ...]) -> Array:
    """Logarithms of the ratios of the costs that all series have in common, each with a speed of its own."""
    names = sorted({row.series for row in some})
    place = np.array([names.index(row.series) for row in some])
    amounts, cycles, weight = (
        np.array([row.amounts for row in some]),
        np.array([r.cycles for r in some]),
        shares(some),
    )

    def errors(at: Array) -> Array:
        told = amounts @ np.exp(np.concatenate([[0.0], at[: len(start)]])) * np.exp(at[len(start) :][place])
        # Families that are left out may leave a ratio open.
        return np.concatenate([weight * np.log(told / cycles) / NOISE, at[: len(start)] - np.log(start)])

    first = np.concatenate([np.log(start), np.zeros(len(names))])
    return least_squares(errors, first).x[: len(start)]


def library_ratios(some: Sequence[Row], start: tuple[float, ...]) -> Callable[[str], Array]:
    """Ratios that a library has on all its boards, by the name of a series; drawn to those of all libraries."""
    if not start:
        return lambda name: np.zeros(0)
    common = tuple(np.exp(ratios(some, start)))
    libraries = {row.series.split()[1] for row in some}
    own = {each: ratios([row for row in some if row.series.split()[1] == each], common) for each in libraries}
    return lambda name: own.get(name.split()[1], np.log(common))


def fitted(some: Sequence[Row], common: Array) -> Array:
    """Costs of one series."""
    amounts, weight = np.array([row.amounts / row.cycles for row in some]), shares(some)

    def errors(at: Array) -> Array:
        told = amounts @ np.exp(at[0] + np.concatenate([[0.0], at[1:]]))
        return np.concatenate([weight * (told - 1) / NOISE, (at[1:] - common) / SPREAD])

    at = least_squares(errors, np.concatenate([[0.0], common])).x
    return np.exp(at[0] + np.concatenate([[0.0], at[1:]]))


def family_left_out(found: Sequence[Row], start: tuple[float, ...]) -> dict[tuple[str, str], float]:
    """Told by measured, by series and network; costs are fitted without the family of the network on every board."""
    told = {}
    for family in sorted({row.family for row in found}):
        rest = [row for row in found if row.family != family]
        common = library_ratios(rest, start)
        for row in (row for row in found if row.family == family):
            own = [each for each in rest if each.series == row.series]
            if own:
                told[row.series, row.name] = float(row.amounts @ fitted(own, common(row.series)) / row.cycles)
    return told


def board_left_out(found: Sequence[Row], start: tuple[float, ...]) -> dict[tuple[str, str], float]:
    """The same with ratios from the other boards alone; the speed is that of the median network of the board."""
    told = {}
    for name in dict.fromkeys(row.series for row in found):
        board = name.partition(" ")[0]
        rest = [row for row in found if row.series.partition(" ")[0] != board]
        ratio = np.exp(np.concatenate([[0.0], library_ratios(rest, start)(name)]))
        own = [row for row in found if row.series == name]
        values = np.array([row.amounts @ ratio / row.cycles for row in own])
        told.update({(name, row.name): float(v) for row, v in zip(own, values / np.median(values), strict=True)})
    return told


Told = Mapping[tuple[str, str], float]
"""Told by measured, by series and network."""


def quantile(told: Told, share: float, of: Callable[[float], float]) -> float:
    """A quantile over networks, in which each family counts once, whatever the boards it was measured on."""
    families = [FAMILY[name] for _, name in told]
    weight = np.array([1 / families.count(family) for family in families])
    values = np.array([of(each) for each in told.values()])
    order = np.argsort(values)
    reached = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    return float(np.interp(share, reached, values[order]))


def factor(told: Told) -> float:
    """Factor within which 90 % lie."""
    return float(np.exp(quantile(told, 0.9, lambda each: abs(np.log(each)))))


def error(told: Told) -> float:
    """Median of the relative error."""
    return quantile(told, 0.5, lambda each: abs(each - 1))


def rank(told: Told, measured: Mapping[str, float]) -> float:
    """Rank correlation of the networks of one series, from what is told by what was measured."""
    real = [measured[name] for _, name in told]
    return float(spearmanr(np.array(list(told.values())) * real, real).statistic)


def of_series(told: Told, name: str) -> dict[tuple[str, str], float]:
    """Those of one series."""
    return {key: each for key, each in told.items() if key[0] == name}


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


WHOLE = tuple(each for each in SERIES if len(each.ms) >= 3)
"""Series of enough networks to leave some out."""
SAME_CORE = (
    ("stm32l4r5 plumerai", "psoc62 plumerai"),
    ("stm32h743 x-cube-ai", "stm32h7a3 x-cube-ai"),
    ("stm32h743 x-cube-ai", "stm32f769 x-cube-ai"),
    ("stm32u575 x-cube-ai", "stm32u585 x-cube-ai"),
)
"""From which chip to which other one with its core, for the same library."""


def compare(
    title: str, leave: Callable[[Sequence[Row], tuple[float, ...]], dict[tuple[str, str], float]]
) -> dict[str, dict[tuple[str, str], float]]:
    """How well the ways tell what was left out."""
    found = {way: leave(rows(WHOLE, amounts), start) for way, (amounts, start) in WAYS.items()}
    lines = []
    for way, told in found.items():
        worst = max(told, key=lambda key: abs(np.log(told[key])))
        where = f"{worst[1]} on {worst[0]}, {number(told[worst])}"
        lines.append([way, str(len(told)), percent(error(told)), number(factor(told)), where])
    show(f"{title}: all boards", ["told from", "rows", "error", "within", "worst, told by measured"], lines)
    names = list(WAYS)
    lines = [
        [each.name, str(len(each.ms))]
        + [percent(error(of_series(found[way], each.name))) for way in names]
        + [f"{rank(of_series(found[way], each.name), each.ms):.3f}" for way in names]
        for each in WHOLE
    ]
    head = ["board and library", "networks", *("error, MACs", "kind", "costs"), *("Spearman, MACs", "kind", "costs")]
    show(f"{title}: each board", head, lines)
    return found


def costs() -> dict[str, Array]:
    """Costs that are fitted to all networks of each series, beside those of the files."""
    amounts, start = WAYS["three costs"]
    found = rows(WHOLE, amounts)
    common = library_ratios(found, start)
    series = {each.name: [row for row in found if row.series == each.name] for each in WHOLE}
    fits = {name: fitted(some, common(name)) for name, some in {**series, "esp32s3 esp-nn": kernels()}.items()}
    lines = [[name, *map(float, each)] for name, each in fits.items()]
    show(
        "Cycles, fitted to all networks of a series, or to kernels",
        ["board and library", "multiply-add", "element written", "weight"],
        lines,
    )
    print(f"in the files of the chips as fitted: {verdict(not differing(fits))}")
    kernel_lines = [[row.name, row.cycles, float(row.amounts @ fits[row.series]) / row.cycles] for row in kernels()]
    show("Kernels of ESP-NN", ["kernel", "ticks", "told by measured"], kernel_lines)
    return fits


CMSIS_NN = 1.74
"""Median over eight networks: times of CMSIS-NN by those of X-CUBE-AI 7.3 on an STM32H743 (TinyEngine, README)."""


def differing(fits: Mapping[str, Array]) -> list[str]:
    """Libraries whose costs in the file of their chip are not those that are fitted, to three digits."""
    lent = {**fits, "times 1.74 cmsis-nn": CMSIS_NN * fits["stm32h7a3 x-cube-ai"]}
    return [
        f"{name} {library.name}"
        for name in device_names()
        for library in read_device(name).libraries
        if not any(
            np.allclose((library.mac, library.output, library.weight), fit, rtol=0.01, atol=0.005)
            for series, fit in lent.items()
            if series.split()[-1] == library.name and (library.known == "core" or series.split()[0] == name)
        )
    ]


def elsewhere(fits: Mapping[str, Array]) -> Told:
    """How well costs of one chip tell networks on another chip with its core, and kernels tell a network."""
    amounts, _ = WAYS["three costs"]
    found = {each.name: rows([each], amounts) for each in SERIES}
    pairs = [(source, row) for source, target in SAME_CORE for row in found[target]]
    told = {(row.series, row.name): float(row.amounts @ fits[source] / row.cycles) for source, row in pairs}
    lines = [[row.series, source, row.name, row.cycles / 1e6, told[row.series, row.name]] for source, row in pairs]
    whole = [each for each in SERIES if len(each.ms) == 1]
    for each in whole:
        library = read_device(each.board).library(each.library)
        (row,) = found[each.name]
        lines.append(
            [each.name, f"file, {library.known}", row.name, row.cycles / 1e6, _cycles(row, library) / row.cycles]
        )
    show(
        "Networks on a chip that the costs are not of",
        ["board and library", "costs of", "network", "Mcycles", "told by measured"],
        lines,
    )
    print(f"\nwith the costs of the same core: error {percent(error(told))}, 90 % within {number(factor(told))}")
    return told


def _cycles(row: Row, library: object) -> float:
    return float(row.amounts @ np.array([getattr(library, name) for name in ("mac", "output", "weight")]))


def memory() -> None:
    """Memory and flash that are planned, by those that X-CUBE-AI takes."""
    target = get_target("stm32h743")
    found = {name: (target.memory(network(name)), target.flash(network(name))) for name in MEMORY}
    lines = []
    for place, what in enumerate(("activations", "weights")):
        told = [each[place].value / 1024 / MEMORY[name][place] for name, each in found.items()]
        lines.append([what, str(len(told)), min(told), float(np.median(told)), max(told)])
    show("Planned, by what X-CUBE-AI 10.0 takes", ["bytes of", "networks", "least", "median", "most"], lines)


def energy(told: Told) -> dict[str, dict[str, float]]:
    """Energy as power times time, both without the network, beside multiply-adds alone."""
    lines, found = [], {}
    every: list[tuple[float, float, float]] = []
    for each in (each for each in SERIES if each.mw):
        power, ms = np.array(list(each.mw.values())), np.array([each.ms[name] for name in each.mw])
        macs = np.array([float(sum(work.macs for work in works(network(name)).values())) for name in each.mw])
        keys, real = [(each.name, name) for name in each.mw], power * ms / 1e3
        guess = others(power) * ms * np.array([told[key] for key in keys]) / 1e3
        ratio, alone = (dict(zip(keys, values / real, strict=True)) for values in (guess, macs * others(real / macs)))
        measured = dict(zip(each.mw, real, strict=True))
        ranks = {"spearman": rank(ratio, measured), "macs_spearman": rank(alone, measured)}
        found[each.name] = {"error": error(ratio), **ranks, "factor": factor(ratio)}
        every += zip(real, guess, macs, strict=True)
        apart = percent(max(abs(power / power.mean() - 1)))
        errors = [percent(error(ratio)), factor(ratio), percent(error(alone)), factor(alone)]
        lines.append([each.name, f"{power.mean():.3g} mW", apart, *errors, *(f"{r:.3f}" for r in ranks.values())])
    head = [
        "board and library",
        "power",
        "most apart",
        "error",
        "within",
        "error, MACs",
        "within",
        "Spearman",
        "MACs",
    ]
    show("Energy of MLPerf Tiny's networks, each left out: power times latency, beside MACs alone", head, lines)
    real, guess, macs = np.array(every).T
    ranks = [f"{spearmanr(values, real).statistic:.3f}" for values in (guess, macs)]
    print(f"\nSpearman over the {len(every)} of all boards and libraries: {ranks[0]}; MACs alone: {ranks[1]}")
    return found


def others(values: Array) -> Array:
    """Mean of all but each."""
    return (values.sum() - values) / (len(values) - 1)


def main() -> None:
    given = arguments(__doc__, flags={"write": "keep the numbers beside the chips"})
    found = compare("A family of networks left out on every board", family_left_out)
    boards = compare("A board left out, but for its speed", board_left_out)
    told = found["three costs"]
    better = all(error(each["three costs"]) < min(error(each[w]) for w in list(WAYS)[:2]) for each in (found, boards))
    print(f"\nthree costs tell better than by kind and than multiply-adds alone: {verdict(better)}")
    fits = costs()
    same_core = elsewhere(fits)
    memory()
    joules = energy(told)
    if given.write:
        worst = max(float(np.exp(abs(np.log(row.amounts @ fits[row.series] / row.cycles)))) for row in kernels())
        # A network that is new on a chip that is new: two errors that have nothing to do with each other.
        both = float(np.exp(np.hypot(np.log(factor(told)), np.log(factor(same_core)))))
        within = {"here": factor(told), "core": both, "kernels": worst}
        kept = {
            "bench": "microcontrollers",
            "within": {known: round(each, 3) for known, each in within.items()},
            "checks": [check(each, found, joules.get(each.name)) for each in WHOLE],
        }
        CHECKS.write_text(json.dumps(kept, indent=1) + "\n")


def check(series: Series, found: Mapping[str, Told], joules: Mapping[str, float] | None) -> dict[str, object]:
    """How well networks that were left out are told on one board, as it is kept."""
    told, alone = (of_series(found[way], series.name) for way in ("three costs", "multiply-adds alone"))
    ranks = {"spearman": rank(told, series.ms), "macs_spearman": rank(alone, series.ms)}
    latency = {"error": error(told), **ranks, "factor": factor(told)}
    kept = {"latency_ms": latency, **({"energy_mj": joules} if joules else {})}
    rounded = {name: {key: round(value, 3) for key, value in each.items()} for name, each in kept.items()}
    return {"series": series.name, "measured_by": series.source, "networks": len(series.ms), **rounded}


if __name__ == "__main__":
    main()
