"""A new device from few measurements, away from the tables that the method was made on, beside plain methods.

Each row is a case: what is known of other devices, what was measured of the new one, and how. Ours and the plain
methods have the same measurements. Spearman over all designs that were not measured; cover: share of their latencies
inside of the 90 % intervals; means over seeds and the new devices of the row. Width: the upper end over the lower.
Seconds: choosing, learning and predicting, for one device. Best plain: told by the answers, case by case, in the
plain methods' favour. Throughput is foretold as a latency would be.

Plain methods: linear on the first 1, 2 or 3 principal components of the other devices' logarithms (the best number
told by the answers); ridge on the decisions, numbers as they are and the rest as what is chosen, its penalty from
leave-one-out; a Gaussian process on how often each kind of option occurs, fitted to the measurements; MACs alone; the
other device that ranks the measured designs most alike, turned round where it ranks them the other way.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from time import perf_counter
from typing import Any

from _table import SHARED, arguments, number, show

# isort: split
import numpy as np
import pyarrow.parquet as pq
from _hat import decoder, hat_rows
from new_device import components, rank, table
from numpy.typing import NDArray
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV

from netwright.target import AdditiveFit, DeviceTransfer
from netwright.target._design_features import design_features

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Rng = np.random.Generator
Design = dict[str, Any]

COVERED = (0.85, 0.95)
"""Share of the designs that 90 % intervals are to hold."""
CLEARLY = 0.02
PEERS = ("components", "ridge", "process", "MACs", "device")
MACS = {"conv3": 35.81952, "conv1": 4.36224, "pool": 1.29024, "skip": 0.0, "none": 0.0}
CELL = ("skip", "none", "conv3", "conv1", "pool")
"""Operators of NAS-Bench-201 in the order of its table."""


@dataclass(frozen=True)
class World:
    """Designs of a space, and what they take on devices. macs: none where not known."""

    designs: list[Design]
    tables: dict[str, Array]
    macs: Array | None = None

    def only(self, rows: Rows) -> World:
        tables = {name: values[rows] for name, values in self.tables.items()}
        return World([self.designs[i] for i in rows], tables, None if self.macs is None else self.macs[rows])


def chosen(transfer: DeviceTransfer, truth: Array, k: int, rng: Rng) -> Rows:
    return transfer.choose(k)


def drawn(transfer: DeviceTransfer, truth: Array, k: int, rng: Rng) -> Rows:
    return rng.choice(len(truth), k, replace=False)


def smallest(transfer: DeviceTransfer, truth: Array, k: int, rng: Rng) -> Rows:
    """Drawn from the fastest twentieth."""
    return rng.choice(truth.argsort()[: max(len(truth) // 20, k)], k, replace=False)


def window(transfer: DeviceTransfer, truth: Array, k: int, rng: Rng) -> Rows:
    """Drawn from the tenth in the middle."""
    half, tenth = len(truth) // 2, max(len(truth) // 20, k)
    return rng.choice(truth.argsort()[half - tenth : half + tenth], k, replace=False)


def repeated(transfer: DeviceTransfer, truth: Array, k: int, rng: Rng) -> Rows:
    """Half as many designs, each twice."""
    return np.tile(rng.choice(len(truth), max(k // 2, 2), replace=False), 2)


def exact(values: Array, rng: Rng) -> Array:
    return values


def noisy(share: float) -> Callable[[Array, Rng], Array]:
    return lambda values, rng: values * np.exp(rng.normal(0, share, len(values)))


def outlier(values: Array, rng: Rng) -> Array:
    return values * np.where(np.arange(len(values)) == rng.integers(len(values)), 10.0, 1.0)


def equal(values: Array, rng: Rng) -> Array:
    """As a clock that tells whole steps, all of which are one."""
    return np.ones(len(values))


@dataclass(frozen=True)
class Case:
    """What is known and what is measured. new: names of the devices that are new, one after the other."""

    name: str
    world: World
    new: Sequence[str]
    known: Callable[[World, str, Rng], dict[str, Array]]
    k: int
    pick: Callable[[DeviceTransfer, Array, int, Rng], Rows] = chosen
    tell: Callable[[Array, Rng], Array] = exact


def others(world: World, new: str, rng: Rng) -> dict[str, Array]:
    return {name: values for name, values in world.tables.items() if name != new}


def nothing(world: World, new: str, rng: Rng) -> dict[str, Array]:
    return {}


def named(*names: str) -> Callable[[World, str, Rng], dict[str, Array]]:
    return lambda world, new, rng: {name: world.tables[name] for name in names if name != new}


# -- plain methods ---------------------------------------------------------------------------------------------------


def columns(designs: Sequence[Design]) -> Array:
    """Numbers as they are and the rest as what is chosen, standardised; a decision that a design lacks is 0."""
    texts = [{p: str(v) for p, v in d.items() if isinstance(v, (str, bool))} for d in designs]
    paths = sorted({p for d in designs for p, v in d.items() if not isinstance(v, (str, bool))})
    found = [design_features(texts).decisions, *(np.array([[float(d.get(p, 0)) for d in designs]]).T for p in paths)]
    whole = np.hstack(found)
    kept: Array = whole[:, whole.std(axis=0) > 0]
    return (kept - kept.mean(axis=0)) / kept.std(axis=0)


def process(counts: Array, rows: Rows, logs: Array) -> Array:
    centred = counts[:, counts.std(axis=0) > 0]
    centred = (centred - centred.mean(axis=0)) / centred.std(axis=0)
    kernel = ConstantKernel(1.0) * RBF(np.sqrt(centred.shape[1])) + WhiteKernel(0.01)
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    result: Array = model.fit(centred[rows], logs).predict(centred)
    return result


def most_alike(tables: Sequence[Array], rows: Rows, values: Array) -> Array:
    """The one column that ranks the measured ones most alike, or most the other way."""
    alike = [np.nan_to_num(rank(each[rows], values)) for each in tables]
    best = int(np.argmax(np.abs(alike)))
    return tables[best] * (np.sign(alike[best]) or 1.0)


def plain(
    world: World, features: tuple[Array, Array], known: Mapping[str, Array], rows: Rows, values: Array
) -> dict[str, list[Array]]:
    """What each plain method foretells."""
    logs = np.log(values)
    found = {
        "ridge": [RidgeCV(np.logspace(-2, 3, 11)).fit(features[0][rows], logs).predict(features[0])],
        "process": [process(features[1], rows, logs)],
    }
    if known:
        found["components"] = components(np.log(np.column_stack(list(known.values()))), rows, logs)
        found["device"] = [most_alike(list(known.values()), rows, values)]
    if world.macs is not None:
        found["MACs"] = [most_alike([world.macs], rows, values)]
    return found


# -- worlds ----------------------------------------------------------------------------------------------------------


def nasbench201() -> World:
    cells = pq.read_table(SHARED / "nasbench201" / "accuracy.parquet").to_pydict()
    named = zip(cells["arch_index"], cells["op_tuple"], strict=True)
    ops = {i: [CELL[int(n)] for n in text.strip("()").split(",")] for i, text in named}
    tables, order = {}, sorted(ops)
    for path in ("device_latency/nb201_ms", "hw_nas_bench/nb201"):
        columns = pq.read_table(SHARED / f"{path}.parquet").to_pydict()
        sort = np.argsort(columns.pop("arch_index"))
        columns.pop("dataset", None)
        tables.update({name: np.asarray(values, float)[sort] for name, values in columns.items()})
    edges = ("0-1", "0-2", "0-3", "1-2", "1-3", "2-3")
    designs = [{f"{e}.op": op for e, op in zip(edges, ops[i], strict=True)} for i in order]
    return World(designs, tables, np.array([sum(MACS[op] for op in ops[i]) for i in order]))


def fbnet() -> World:
    designs, tables = table("fbnet")
    return World(designs, tables)


def accel() -> World:
    rows = pq.read_table(SHARED / "accel_nasbench" / "anb.parquet").to_pylist()
    rows = [row for row in rows if row["latency_zcu102"] and row["throughput_zcu102"]]
    names = {"e": "expand", "k": "kernel", "l": "depth", "se": "se"}
    pairs = [(f"block{i}.{name}", f"block{i}_{key}") for i in range(7) for key, name in names.items()]
    designs = [{path: row[column] for path, column in pairs} for row in rows]
    columns = ("throughput_a100", "latency_zcu102", "throughput_zcu102")
    tables = {name: np.array([row[name] for row in rows], float) for name in columns}
    return World(designs, tables, np.array([row["macs"] for row in rows]))


def hat(device: str) -> World:
    rows = [row for row in hat_rows(2000) if row["device"] == device and row["task"] == "wmt14ende"]
    features = [key for key in rows[0] if key.startswith(("encoder", "decoder")) and key != "encoder_layer_num"]
    designs = [{key.replace("coder_", "coder."): row[key] for key in features} for row in rows]
    tables = {"decoder": np.array([row["latency_mean_decoder"] for row in rows])}
    macs = [sum(count * product.macs for count, work in decoder(row) for product in work.products) for row in rows]
    return World(designs, tables, np.array(macs, float))


DEVICES = 6
"""Of each made space."""
COUNT = 1000
"""Designs of it that are known, drawn."""


def made(draw: Callable[[Rng], Design], cost: Callable[[list[Design], Rng], Array], count: int) -> World:
    """Designs drawn, and devices that take, by a law, the sum of what layers cost and of what neighbours add."""
    rng = np.random.default_rng(0)
    designs = list({tuple(d.items()): d for d in (draw(rng) for _ in range(count))}.values())
    tables = {}
    for device in range(DEVICES):
        seed = np.random.default_rng(100 + device)
        clean = cost(designs, seed)
        tables[f"device{device}"] = clean * np.exp(seed.normal(0, 0.02, len(designs)))
    return World(designs, tables)


def categorical(places: int, options: int, count: int) -> World:
    """Layers of some kinds; each costs what its kind takes here and on this device, and more after some kinds."""
    work = np.random.default_rng(1).lognormal(0, 1, (places, options))

    def draw(rng: Rng) -> Design:
        return {f"layer{i}.op": f"op{rng.integers(options)}" for i in range(places)}

    def cost(designs: list[Design], rng: Rng) -> Array:
        price = work ** rng.uniform(0.5, 1.2) * rng.lognormal(0, 0.4, options)
        price = price * rng.lognormal(0, 0.2, (places, options))
        pair = rng.lognormal(0, 1, (options, options)) * 0.3 * price.mean()
        ops = np.array([[int(op[2:]) for op in design.values()] for design in designs])
        sums: Array = price[np.arange(places), ops].sum(axis=1) + pair[ops[:, :-1], ops[:, 1:]].sum(axis=1)
        return sums + 0.2 * sums.mean()

    return made(draw, cost, count)


def conditional(count: int) -> World:
    """Stages of 1 to 4 blocks; a block that is not there decides nothing."""
    stages = 5
    work = np.random.default_rng(2).lognormal(0, 0.5, stages)

    def draw(rng: Rng) -> Design:
        design: Design = {}
        for s in range(stages):
            design[f"stage{s}.depth"] = int(rng.integers(1, 5))
            for b in range(design[f"stage{s}.depth"]):
                design[f"stage{s}.{b}.kernel"] = int(rng.choice([3, 5, 7]))
                design[f"stage{s}.{b}.expand"] = int(rng.choice([3, 4, 6]))
        return design

    def cost(designs: list[Design], rng: Rng) -> Array:
        power, scale, launch = rng.uniform(0.2, 1.5), work * rng.lognormal(0, 0.3, stages), rng.uniform(0, 3)
        sums = [
            sum(scale[s] * (launch + d[f"stage{s}.{b}.expand"] / 4 * (d[f"stage{s}.{b}.kernel"] / 5) ** power)
                for s in range(stages) for b in range(d[f"stage{s}.depth"])) for d in designs
        ]  # fmt: skip
        return np.array(sums) + 5.0

    return made(draw, cost, count)


def widths(count: int) -> World:
    """Eight layers of 8 to 512 channels: what one costs is a product with the width before it."""

    def draw(rng: Rng) -> Design:
        return {f"layer{i}.width": 8 * int(rng.integers(1, 65)) for i in range(8)}

    def cost(designs: list[Design], rng: Rng) -> Array:
        scale, move = rng.lognormal(0, 0.5, 7), rng.uniform(0, 200)
        width = np.array([list(design.values()) for design in designs], float)
        return (width[:, :-1] * width[:, 1:] * scale).sum(axis=1) + move * width.sum(axis=1) + 1e4

    return made(draw, cost, count)


# -- cases -----------------------------------------------------------------------------------------------------------

HERE = ("gold_6226", "pixel2", "titan_rtx_1")
THERE = ("raspi4_latency", "pixel3_latency", "eyeriss_latency", "eyeriss_energy")


def elsewhere(cell: World) -> Iterator[Case]:
    first = [name for name in cell.tables if name not in THERE]
    for k in (5, 10, 20, 50):
        for new in THERE:
            yield Case(f"device_latency -> {new}", cell, [new], named(*first), k)
        yield Case("hw_nas_bench -> device_latency", cell, first, named(*THERE), k)


def strange(cell: World, blocks: World) -> Iterator[Case]:
    def anti(world: World, new: str) -> Array:
        values = world.tables[new]
        return values.min() * values.max() / values

    def random(world: World, rng: Rng) -> Array:
        return rng.lognormal(0, 1, len(world.designs))

    def near(world: World, new: str) -> dict[str, Array]:
        logs = {name: np.log(values) for name, values in world.tables.items() if name != new}
        name = sorted(logs)[0]
        return {name: world.tables[name]}

    def short(world: World, new: str, rng: Rng) -> dict[str, Array]:
        rows = rng.choice(len(world.designs), 50, replace=False)
        ((name, values),) = near(world, new).items()
        fit = AdditiveFit.of([world.designs[i] for i in rows], values[rows])
        return {name: np.maximum([fit.value(d) for d in world.designs], values[rows].min() / 10)}

    def twice(world: World, new: str, rng: Rng) -> dict[str, Array]:
        (values,) = near(world, new).values()
        return {"one": values, "again": values}

    def almost_twice(world: World, new: str, rng: Rng) -> dict[str, Array]:
        (values,) = near(world, new).values()
        return {"one": values, "again": values * np.exp(rng.normal(0, 0.01, len(values)))}

    kinds: dict[str, Callable[[World, str, Rng], dict[str, Array]]] = {
        "all others": others,
        "one other": lambda w, n, r: near(w, n),
        "one other, with 50 designs": short,
        "one other, twice": twice,
        "one other, twice with 1 % noise": almost_twice,
        "anti-correlated alone": lambda w, n, r: {"anti": anti(w, n)},
        "noise alone": lambda w, n, r: {"noise": random(w, r)},
        "two of noise": lambda w, n, r: {"noise": random(w, r), "more": random(w, r)},
        "one other and noise": lambda w, n, r: {**near(w, n), "noise": random(w, r)},
        "one other and an anti-correlated": lambda w, n, r: {**near(w, n), "anti": anti(w, n)},
        "all others and noise": lambda w, n, r: {**others(w, n, r), "noise": random(w, r)},
        "one other, in microseconds": lambda w, n, r: {name: 1000.0 * v for name, v in near(w, n).items()},
    }
    for space, world, new in (("cells", cell, HERE), ("FBNet", blocks, ("gold_6226", "pixel2", "eyeriss"))):
        for name, known in kinds.items():
            yield Case(f"{space}: {name}", world, new, known, 10)


def alone(cell: World, net: World) -> Iterator[Case]:
    for k in (10, 20, 50):
        yield Case("NAS-Bench-201: 4 devices", cell, (*HERE, "raspi4_latency"), nothing, k)
        for name in net.tables:
            yield Case(f"Accel-NASBench: {name}", net, [name], nothing, k)
        for device in ("cpu_raspberrypi", "cpu_xeon"):
            yield Case(f"HAT: {device}", hat(device), ["decoder"], nothing, k)


def measurements(cell: World, blocks: World) -> Iterator[Case]:
    tells: dict[str, Callable[[Array, Rng], Array]] = {
        "exact": exact,
        "5 % noise": noisy(0.05),
        "20 % noise": noisy(0.2),
        "one is 10x": outlier,
    }
    for space, world, budgets in (("cells", cell, (3, 5, 10, 50, 200)), ("FBNet", blocks, (5, 20))):
        for k in budgets:
            for name, tell in tells.items():
                yield Case(f"{space}: {name}", world, ["gold_6226", "pixel2"], others, k, chosen, tell)
        yield Case(f"{space}: each of five twice", world, HERE[:2], others, 10, repeated)
        yield Case(f"{space}: all measured 1 ms", world, HERE[:2], others, 10, chosen, equal)


def picks(cell: World, blocks: World) -> Iterator[Case]:
    two = (("cells", cell, (*HERE, "eyeriss_latency")), ("FBNet", blocks, ("gold_6226", "pixel2", "eyeriss")))
    for space, world, new in two:
        for k in (10, 20):
            for pick, known in product((chosen, drawn, smallest, window), (others, nothing)):
                yield Case(f"{space}: {pick.__name__}, {known.__name__} known", world, new, known, k, pick)


def shapes() -> Iterator[Case]:
    worlds = {
        "3 decisions of 8": categorical(3, 8, COUNT),
        "60 decisions of 3": categorical(60, 3, COUNT),
        "6 decisions of 40": categorical(6, 40, COUNT),
        "decisions that a design lacks": conditional(COUNT),
        "widths": widths(COUNT),
    }
    kinds = {"5 others": others, "1 other": named("device5"), "none": nothing}
    for (name, world), k, (told, known) in product(worlds.items(), (10, 20, 50), kinds.items()):
        yield Case(f"{name}, {told}", world, ("device0", "device1"), known, k)


# -- run -------------------------------------------------------------------------------------------------------------


def run(case: Case, features: tuple[Array, Array], seeds: int) -> dict[str, float]:
    """Means over seeds and new devices."""
    ours: dict[str, list[float]] = {"ours": [], "cover": [], "width": [], "seconds": []}
    peers: dict[str, list[list[float]]] = {}
    for new in case.new:
        truth = case.world.tables[new]
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            known = case.known(case.world, new, rng)
            start = perf_counter()
            transfer = DeviceTransfer(case.world.designs, known, seed=seed)
            rows = case.pick(transfer, truth, case.k, rng)
            values = case.tell(truth[rows], rng)
            told = transfer.predict(rows, values)
            ours["seconds"].append(perf_counter() - start)
            rest = np.setdiff1d(np.arange(len(truth)), rows)
            ours["ours"].append(np.nan_to_num(rank(told.median_ms[rest], truth[rest])))
            ours["cover"].append(float(((told.low_ms <= truth) & (truth <= told.high_ms))[rest].mean()))
            ours["width"].append(float(np.median(told.high_ms / told.low_ms)))
            for name, guesses in plain(case.world, features, known, rows, values).items():
                peers.setdefault(name, []).append([np.nan_to_num(rank(g[rest], truth[rest])) for g in guesses])
    found = {name: float(np.mean(values)) for name, values in ours.items()}
    return {**found, **{name: float(np.max(np.mean(values, axis=0))) for name, values in peers.items()}}


def section(title: str, cases: Iterator[Case], seeds: int) -> list[str | float]:
    """Print the table of some cases; the row that sums it up."""
    features: dict[int, tuple[World, Array, Array]] = {}
    rows, results = [], []
    for case in cases:
        if id(case.world) not in features:
            counts = design_features(case.world.designs).by_kind()
            features[id(case.world)] = (case.world, columns(case.world.designs), counts)
        found = run(case, features[id(case.world)][1:], seeds)
        best = max(found.get(name, -1.0) for name in PEERS)
        results.append([found["ours"], best, best - found["ours"], found["cover"]])
        peers = [number(found[name]) if name in found else "" for name in PEERS]
        row = [case.name, case.k, found["ours"], *peers, found["cover"], found["width"], found["seconds"]]
        rows.append(row)
    show(title, ["case", "measured", "ours", *PEERS, "cover", "width", "seconds"], rows)
    ours, best, short, cover = np.array(results).T
    inside = float(np.mean((cover >= COVERED[0]) & (cover <= COVERED[1])))
    worse = int((short > CLEARLY).sum())
    return [title, len(rows), ours.mean(), best.mean(), worse, short.max(), cover.mean(), inside, cover.min()]


def main() -> None:
    given = arguments(
        __doc__, ("seeds", 1, 1, "seeds"), ("designs", 1000, 200, "of a table"), ("cases", 999, 2, "most of a table")
    )
    if not (SHARED / "device_latency").is_dir():
        show("No published tables beside the checkout", ["folder"], [[str(SHARED.name)]])
        return
    warnings.filterwarnings("ignore")

    def some(world: World) -> World:
        return world.only(np.random.default_rng(0).permutation(len(world.designs))[: given.designs])

    cell, blocks = some(nasbench201()), some(fbnet())
    parts = {
        "Known from one table, new from another": elsewhere(cell),
        "Other devices that are few, alike, wrong or noise": strange(cell, blocks),
        "No other device": alone(cell, some(accel())),
        "Measurements that are few, many or wrong": measurements(cell, blocks),
        "Designs that the user brings": picks(cell, blocks),
        "Spaces of other shape": shapes(),
    }
    rows = [section(title, islice(cases, given.cases), given.seeds) for title, cases in parts.items()]
    header = [
        "cases",
        "number",
        "ours",
        "best plain",
        f"short by > {CLEARLY}",
        "most short",
        "cover",
        "85 to 95 %",
        "least cover",
    ]
    show("Means over the cases, beside the best plain method of each", header, rows)


if __name__ == "__main__":
    main()
