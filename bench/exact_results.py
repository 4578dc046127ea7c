"""Every exact number in one table: sizes, the published NAS-Bench-201 costs, uniform samples that break nothing.

A sample of 100,000 from each of three spaces (a cell, a hierarchy, a grammar), free and under a budget. Checked apart
from the sampler: each design is looked up in the space, its network is built and counted node by node against the
budget, and the counts of designs are tested for uniformity over the enumerated designs (chi-square).
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from math import erfc, sqrt

from _table import SHARED, arguments, number, show, verdict

# isort: split
import numpy as np

from netwright.blocks import avg_pool, classifier, conv, depthwise_separable, skip
from netwright.cost import Limit, cost
from netwright.errors import NetwrightError
from netwright.graph import image
from netwright.space import Design, Space, integer, oneof, repeat, residual, seq
from netwright.space.catalog import grammar_tiny, nasbench201, ofa_mobilenetv3

EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
"""In the order of the published table."""
OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
FLOPS = (0, 0, 35_819_520, 4_362_240, 1_290_240)
PARAMS = (0, 0, 243_040, 28_000, 0)
REST = (7_943_872, 73_306)
"""The authors' conventions, additive over edges: FLOPs and parameters of an edge, and of everything else."""
ALPHA = 0.001
"""A p-value below this says that a sample is not uniform; six tests are made."""


def hierarchy() -> Space:
    """Stages of residual cells of layers: 5,624 designs."""
    inner = oneof(conv(None, kernel=3), skip(), avg_pool(3))
    cell = residual(seq(conv(None, kernel=oneof(1, 3)), repeat(inner, times=integer(0, 2))))
    network = seq(
        stem=conv(oneof(8, 16)),
        stage1=seq(down=conv(oneof(16, 24), stride=2), body=repeat(cell, times=integer(0, 2))),
        stage2=oneof(conv(32, stride=2), depthwise_separable(32, stride=2)),
        head=classifier(10),
    )
    return Space(network, input=image(3, 16, 16), name="hierarchy")


def published_table(rows: int) -> list[list[str]]:
    """Agreement of params and FLOPs, by the authors' convention, with the published table and its additive rule."""
    space = nasbench201()
    numbers = {tuple(design.items()): i for i, design in enumerate(space.enumerate())}
    costs = space.all_costs(["params", "flops:nasbench201"]).astype(np.int64)
    path = SHARED / "nasbench201" / "zero_cost_cifar10.parquet"
    found: list[list[str]] = []
    if path.is_file():
        from pyarrow import parquet

        table = parquet.read_table(path, columns=["op_tuple", "params", "flops"]).to_pylist()
        wanted = np.array([[round(row["params"] * 1e6), round(row["flops"] * 1e6)] for row in table])
        tuples = [ast.literal_eval(row["op_tuple"]) for row in table]
        ours = costs[[numbers[_key(ops)] for ops in tuples]]
        found += _agreement("published table", ours, wanted)
        # The forest's numbers are also those of the graph itself, node by node.
        some = np.random.default_rng(0).choice(len(tuples), rows, replace=False).tolist()
        built = [space.costs(Design(dict(_key(tuples[i]))), ["params", "flops:nasbench201"]) for i in some]
        graphs = np.array([[c["params"], c["flops:nasbench201"]] for c in built], dtype=np.int64)
        found += _agreement("published table, graphs built", graphs, wanted[some])
    else:
        found.append(["NAS-Bench-201 published table", "absent", "", ""])
    rule = []
    for key in numbers:
        ops = [OPERATIONS.index(str(dict(key)[f"cell.{i}-{j}"])) for i, j in EDGES]
        rule.append([REST[1] + sum(PARAMS[o] for o in ops), REST[0] + sum(FLOPS[o] for o in ops)])
    return found + _agreement("additive rule of the authors", costs, np.array(rule))


def _key(ops: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    named = {f"cell.{i}-{j}": OPERATIONS[o] for (i, j), o in zip(EDGES, ops, strict=True)}
    return tuple((path, named[path]) for path in (f"cell.{i}-{j}" for j in (1, 2, 3) for i in range(j)))


def _agreement(name: str, ours: np.ndarray, wanted: np.ndarray) -> list[list[str]]:
    rows = []
    for place, what in enumerate(("params", "FLOPs")):
        equal = int((ours[:, place] == wanted[:, place]).sum())
        apart = int(np.abs(ours[:, place] - wanted[:, place]).max())
        got = f"{equal:,} of {len(wanted):,} equal; largest difference {apart:,}"
        rows.append([f"{what}, {name}", got, "all", verdict(equal == len(wanted))])
    return rows


def sample_rows(name: str, space: Space, limit: str, size: int) -> list[list[str]]:
    """Draw, free and under the budget; count what is invalid or over it; test for uniformity."""
    rows = []
    designs = list(space.enumerate())
    costs = space.all_costs([Limit.parse(limit).metric])[:, 0]
    for text in (None, limit):
        drawn = Counter(space.sample(np.random.default_rng(2026), size, [] if text is None else [text]))
        invalid = sum(count for design, count in drawn.items() if not _fine(space, design))
        over = 0
        if text is not None:
            held = Limit.parse(text)
            measured = {design: cost(held.metric).of(space.network(design)) for design in drawn}
            over = sum(count for design, count in drawn.items() if not held.holds(measured[design]))
            fitting = [design for design, value in zip(designs, costs, strict=True) if held.holds(value)]
        else:
            fitting = designs
        p = chi_square([drawn[design] for design in fitting])
        missed = size - sum(drawn[design] for design in fitting)
        title = f"{name}, {text or 'no budget'}"
        got = f"{invalid} invalid, {over} over budget, {missed} outside, p = {p:.3f} over {len(fitting):,} designs"
        rows.append([title, got, f"0, 0, 0, p > {ALPHA}", verdict(invalid == over == missed == 0 and p > ALPHA)])
    return rows


def _fine(space: Space, design: Design) -> bool:
    """Whether the space has a design and its network can be built."""
    try:
        return space.contains(design) and bool(space.network(design).nodes)
    except NetwrightError as error:
        print(f"{error}", file=sys.stderr)
        return False


def chi_square(counts: list[int]) -> float:
    """p-value of equal frequencies; the normal approximation of Wilson and Hilferty (1931) to the distribution."""
    found = np.array(counts, dtype=float)
    statistic = float(((found - found.mean()) ** 2).sum() / found.mean())
    freedom = len(found) - 1
    z = ((statistic / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / sqrt(2 / (9 * freedom))
    return 0.5 * erfc(z / sqrt(2))


def main() -> None:
    given = arguments(
        __doc__,
        ("sample", 100_000, 300, "designs drawn from each space, with and without a budget"),
        ("rows", 500, 10, "rows of the published table for which graphs are built"),
    )
    ofa = ofa_mobilenetv3()
    rows = []
    for name, found, wanted, text in (
        ("NAS-Bench-201, designs", nasbench201().size(), 15_625, "15,625"),
        ("Once-for-All, designs", ofa.size(), 25 * 7371**5, "25 x 7371^5"),
        ("Once-for-All, counted by its histogram", ofa.histogram("macs").total, 25 * 7371**5, "25 x 7371^5"),
    ):
        rows.append([name, f"{found:,}", text, verdict(found == wanted)])
    rows += published_table(given.rows)
    for name, space, limit in (
        ("cell (NAS-Bench-201, 1 cell a stage)", nasbench201(cells=1), "params <= 100k"),
        ("hierarchy", hierarchy(), "params <= 12k"),
        ("grammar (grammar-tiny, depth 3)", grammar_tiny(depth=3), "macs <= 40k"),
    ):
        rows += sample_rows(name, space, limit, given.sample)
    show(f"Exact results; {number(given.sample)} designs a sample", ["what", "found", "wanted", "holds"], rows)
    print(f"\nall hold: {verdict(all(row[-1] != 'NO' for row in rows))}")
    print("networks among the 15,625 designs: see bench/distinct_networks.py")


if __name__ == "__main__":
    main()
