"""Every catalogued space at its published arguments: designs, parameters and MACs over all of them, and speed.

Sizes, extremes and medians are exact, or for the largest spaces medians within the rounding of a histogram, which is
below 1 %. Networks: distinct ones under the canonical form, where all can be built in some seconds. `--write` puts
the table into docs/spaces.md, and a drawing of one design of each space beside it.
"""

from __future__ import annotations

import time
from math import log10
from pathlib import Path

from _table import arguments, machine, number, show, verdict

# isort: split
import numpy as np

from netwright.graph import simplify
from netwright.io import draw
from netwright.space import Space, distinct_networks
from netwright.space.catalog import SPACES

PAGE = Path(__file__).parents[1] / "docs" / "spaces.md"
DRAWINGS = PAGE.parent / "spaces"
PUBLISHED = {
    # what the paper, or the authors' repository, says of its size
    "accel-nasbench": "about 10^11",
    "anynet": "10^18 with every width",
    "autoformer": "over 1.7 x 10^16 for three sizes",
    "composer": "2^32",
    "darts": "10^18",
    "fbnet": "9^22",
    "flexibert": "3.32 x 10^9",
    "hierarchical-nasbench201": "10^446 with one production twice",
    "hat": "10^15",
    "hytra": "2,818,103 paths in the authors' code",
    "nasbench101": "423,624 distinct",
    "nasbench201": "15,625; 5,875 distinct",
    "ofa-mobilenetv3": "about 2 x 10^19, for each resolution",
    "ofa-proxyless": "about 2 x 10^19, for each resolution",
    "proxylessnas": "6^6 x 7^15",
    "transnas101-macro": "3,256",
    "transnas101-micro": "4,096",
}
COMPILES_IN = {"einspace": 20.0}
OTHERS_IN = 2.0
ENUMERATED_IN = 20.0
SAMPLES, SAMPLED = 5000.0, 1e30
"""Asked of a space: seconds to compile at most, and designs a second at least where it has no more than that many."""
HEAD = """# Spaces

Every space of the catalogue with its own arguments; each also takes another input, number of classes and scale.
Designs, smallest and largest are exact; medians are over all designs, of the largest spaces within 1 %. Costs are
those of one example. Networks are the distinct ones under the canonical form, counted where all can be built in some
seconds. The name of a space leads to a drawing of one of its designs, drawn at random. `netwright space NAME` says
more of one; `python bench/spaces.py --write` writes this page.
"""


def main() -> None:
    given = arguments(
        __doc__,
        ("spaces", len(SPACES), 3, "how many spaces, in the order of their names"),
        ("sample", 5000, 50, "designs drawn from each"),
        flags={"write": "write the table into docs/spaces.md"},
    )
    rows = [row(name, given.sample) for name in list(SPACES)[: given.spaces]]
    header = ["space", "designs", "networks", "published", "params", "MACs", "compiled in s", "samples/s"]
    show("Smallest, median and largest", header, rows)
    slow = [r[0] for r in rows if is_slow(r)]
    asked = (
        f"compiled within {OTHERS_IN:g} s (einspace {COMPILES_IN['einspace']:g} s), "
        f"and {SAMPLES:g} samples a second up to {SAMPLED:g} designs"
    )
    print(f"\n{asked}: {verdict(not slow)} {', '.join(slow)}")
    if given.write:
        draw_all([r[0] for r in rows])
        PAGE.write_text(page(header, rows))
        print(f"wrote {PAGE.name}")


def is_slow(row: list[str]) -> bool:
    """Whether a space misses what is asked of its compiling or, unless it is of the largest, of its draws."""
    name, designs, compiled, rate = row[0], *(float(row[i].replace(",", "")) for i in (1, -2, -1))
    return compiled > COMPILES_IN.get(name, OTHERS_IN) or (designs <= SAMPLED and rate < SAMPLES)


def row(name: str, sample: int) -> list[str]:
    """One space: made and compiled once, then asked."""
    start = time.perf_counter()
    space = SPACES[name]()
    designs = space.size()
    compiled = time.perf_counter() - start
    rng = np.random.default_rng(0)
    space.sample(rng)
    start = time.perf_counter()
    space.sample(rng, sample)
    rate = sample / (time.perf_counter() - start)
    costs = [spread(space, cost) for cost in ("params", "macs")]
    networks = distinct_networks(space, seconds=ENUMERATED_IN)
    counted = "" if networks is None else f"{networks:,}"
    return [name, size(designs), counted, PUBLISHED.get(name, ""), *costs, f"{compiled:.2f}", number(rate, 2)]


def draw_all(names: list[str]) -> None:
    """A drawing of one design of each space."""
    DRAWINGS.mkdir(exist_ok=True)
    for name in names:
        space = SPACES[name]()
        graph = simplify(space.network(space.sample(np.random.default_rng(0))[0]))
        (DRAWINGS / f"{name}.svg").write_text(draw(graph, title=f"{name}: one design") + "\n")


def spread(space: Space, cost: str) -> str:
    """Smallest, median and largest value over all designs."""
    low, high = (value for value, _ in space.extremes(cost))
    return " / ".join(short(value) for value in (low, float(space.histogram(cost).quantile(0.5)), high))


def size(designs: int) -> str:
    """A number of designs: all its digits while they are few, else its power of ten."""
    return f"{designs:,}" if designs < 10**12 else f"{designs / 10 ** int(log10(designs)):.2f}e{int(log10(designs))}"


def short(value: float) -> str:
    """A cost in thousands, millions, billions or trillions."""
    for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g}{letter}"
    return f"{value:.3g}"


def page(header: list[str], rows: list[list[str]]) -> str:
    """The page with the table."""
    linked = [[f"[{name}](spaces/{name}.svg)", *cells] for name, *cells in rows]
    lines = [" | ".join(cells) for cells in (header, ["---"] * len(header), *linked)]
    table = "\n".join(f"| {line} |" for line in lines)
    return f"{HEAD}\n{table}\n\nTimes on {machine()}.\n"


if __name__ == "__main__":
    main()
