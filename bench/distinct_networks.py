"""15,625 NAS-Bench-201 designs are 5,875 networks under the canonical form, and 6,466 by the authors' string rule.

The authors' rule names a layer by what flows into it, so it cannot tell a layer that two places read from two layers;
and it keeps sums of nothing. The table also gives the time of both. One cell a stage by default: how many cells
follow each other does not change which networks are equal, which a sample with five cells a stage checks.
"""

from __future__ import annotations

from collections import defaultdict

from _table import SHARED, Spread, arguments, interleaved, number, show, verdict

# isort: split
import numpy as np

from netwright.graph import canonical_hash
from netwright.space import Design
from netwright.space.catalog import nasbench201, nasbench201_string


def authors_string(design: Design) -> str:
    """What the authors take two cells to be equal by (Dong & Yang 2020, their code's unique string)."""
    values = ["0"]
    for end in (1, 2, 3):
        terms = []
        for start in range(end):
            name, below = str(design[f"cell.{start}-{end}"]), values[start]
            if name == "none" or below == "#":
                terms.append("#")
            else:
                terms.append(below if name == "skip_connect" else f"({below})@{name}")
        values.append("+".join(sorted(terms)))
    return values[3]


def published(strings: dict[str, str]) -> str:
    """Agreement of our strings with the published ones, by the authors' name of the cell."""
    path = SHARED / "nasbench201" / "accuracy.parquet"
    if not path.is_file():
        return "the published table is not here"
    from pyarrow import parquet

    table = parquet.read_table(path, columns=["arch_str", "iso_str"]).to_pylist()
    equal = sum(strings.get(row["arch_str"]) == row["iso_str"] for row in table)
    return f"{equal:,} of {len(table):,} published strings are equal to ours"


def main() -> None:
    given = arguments(
        __doc__,
        ("cells", 1, 1, "cells a stage"),
        ("designs", 15_625, 400, "designs, evenly spaced"),
        ("sample", 400, 5, "networks of five cells a stage that check the count"),
    )
    space, deep = nasbench201(cells=given.cells), nasbench201(cells=5)
    every = [space.design_at(int(i)) for i in np.linspace(0, 15_624, given.designs)]
    networks: dict[str, list[Design]] = defaultdict(list)
    rules: dict[str, str] = {}
    built, hashed, written = [], [], []
    for design in every:
        made = {}
        taken = interleaved(
            {
                "build": lambda made=made, design=design: made.update(graph=space.network(design)),
                "hash": lambda made=made: made.update(key=canonical_hash(made["graph"])),
                "rule": lambda made=made, design=design: made.update(rule=authors_string(design)),
            },
            1,
        )
        built.append(taken["build"].median)
        hashed.append(taken["hash"].median)
        written.append(taken["rule"].median)
        networks[made["key"]].append(design)
        rules[nasbench201_string(design)] = made["rule"]
    title = f"{len(every):,} designs, {given.cells} cell a stage"
    rows = []
    for name, values, classes in (
        ("building the graphs", built, ""),
        ("canonical hash", hashed, f"{len(networks):,}"),
        ("the authors' string rule", written, f"{len(set(rules.values())):,}"),
    ):
        rows.append([name, sum(values), Spread(tuple(values)).text(1e3), classes])
    show(title, ["", "seconds", "ms each", "networks"], rows)
    if len(every) == 15_625:
        print(f"\n5,875 networks: {verdict(len(networks) == 5875)}")
        print(f"6,466 by the authors' rule: {verdict(len(set(rules.values())) == 6466)}; {published(rules)}")
    print(f"five cells a stage: {deeper(deep, networks, given.sample)}")


def deeper(deep: object, networks: dict[str, list[Design]], size: int) -> str:
    """Whether hashes of deeper networks are equal exactly where those of shallow ones are, on a sample."""
    shared = [designs for designs in networks.values() if len(designs) > 1]
    order = np.random.default_rng(0).permutation(len(shared))[: size // 2]
    keys, classes, count = set(), 0, 0
    for i in order.tolist():
        designs = shared[i][:2]
        keys.update(canonical_hash(deep.network(design)) for design in designs)  # type: ignore[attr-defined]
        classes, count = classes + 1, count + len(designs)
    same = "agree" if len(keys) == classes else "DISAGREE"
    return f"{number(count)} designs in {number(classes)} classes {same} ({number(len(keys))} hashes)"


if __name__ == "__main__":
    main()
