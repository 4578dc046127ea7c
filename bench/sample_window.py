"""Uniform sampling within MACs windows under 0.1 % of the Once-for-All space: 5,000 designs/s, acceptance over 95 %.

Peer: plain rejection, in two forms. The kind one draws uniform designs from the forest with their exact MACs, at
full speed, and keeps what lies in the window. The usual one builds and counts each network that it draws.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from _table import Spread, arguments, number, ratio, repeated, seconds, show, verdict

# isort: split
import numpy as np

from netwright.cost import Limit
from netwright.space import Space
from netwright.space.catalog import ofa_mobilenetv3

WINDOWS = {
    "tail": "macs <= 95M",
    "far tail": "macs <= 60M",
    "low": "110M <= macs <= 110.1M",
    "central": "235M <= macs <= 235.17M",
    "narrow": "235M <= macs <= 235.01M",
    "high": "400M <= macs <= 400.1M",
    "upper tail": "macs >= 540M",
}
SEVERAL = (
    ("macs <= 150M", "params <= 4M"),
    ("200M <= macs <= 202M", "params <= 5M"),
    ("macs <= 150M", "params <= 4M", "activation_bytes <= 50M"),
)
"""Budgets on two and three costs at once."""
EVERYTHING = "macs >= 0"
"""Excludes nothing, so that a draw is uniform over the space and comes with its MACs."""


def brackets(space: Space, slots: int) -> dict[str, tuple[float, float]]:
    """Share of the space in each window, from below and above, by the exact histogram."""
    histogram = space.histogram("macs", slots=slots)
    found = {}
    for name, text in WINDOWS.items():
        (limit,) = Limit.of(text)
        low = (0, 0) if limit.low is None else histogram.cdf(limit.low - 1)
        high = (1, 1) if limit.high is None else histogram.cdf(limit.high)
        found[name] = (max(float(high[0] - low[1]), 0.0), float(high[1] - low[0]))
    return found


@dataclass(frozen=True)
class Sampled:
    """Seconds to compile, to build the tables and to draw, and the shares of designs and of splits that were kept."""

    compiled: float
    tables: float
    draw: Spread
    acceptance: float
    splits: float

    def row(self, name: str, draws: int) -> list[str | float]:
        """Line of the table."""
        whole = draws / (self.compiled + self.tables + self.draw.median)
        shares = (f"{self.acceptance:.1%}", f"{self.splits:.1%}")
        return [name, self.draw.rate(draws), number(whole), number(self.tables, 2), *shares]


def sampled(limits: Sequence[str], draws: int, repeats: int) -> Sampled:
    """Designs within limits, each of them checked."""
    space = ofa_mobilenetv3()
    compiled = seconds(space.size)
    rng = np.random.default_rng(0)
    tables = seconds(lambda: space.sample(rng, 1, limits))
    shares = []

    def draw() -> None:
        found = space.draw(rng, draws, limits)
        shares.append((found.acceptance, found.splits))
        for limit in Limit.of(limits):
            if not all(map(limit.holds, found.costs[limit.metric])):
                raise SystemExit(f"a design broke {limit}")

    taken = repeated(draw, repeats)
    acceptance, splits = np.mean(shares, axis=0).tolist()
    return Sampled(compiled, tables, taken, acceptance, splits)


def main() -> None:
    given = arguments(
        __doc__,
        ("draws", 5000, 200, "designs drawn in one repeat"),
        ("repeats", 5, 1, "repeats"),
        ("uniform", 300_000, 2_000, "uniform designs of plain rejection"),
        ("built", 100, 5, "networks that the usual rejection builds"),
        ("slots", 1 << 14, 1 << 10, "grid of the histogram that brackets the shares"),
    )
    if given.quick:
        for name in ("low", "central", "narrow", "high"):
            del WINDOWS[name]
    space = ofa_mobilenetv3()
    shares = brackets(space, given.slots)
    rng = np.random.default_rng(1)
    space.sample(rng, 1, EVERYTHING)
    start = time.perf_counter()
    macs = space.draw(rng, given.uniform, EVERYTHING).costs["macs"]
    uniform_rate = given.uniform / (time.perf_counter() - start)
    drawn = space.sample(rng, given.built)
    built = repeated(lambda: [space.costs(design, ["macs"]) for design in drawn], 1)
    built_rate = given.built / (built.median + given.built / uniform_rate)
    rows, peers, holds = [], [], {}
    for name, text in WINDOWS.items():
        (limit,) = Limit.of(text)
        found = sampled([text], given.draws, given.repeats)
        rate = given.draws / found.draw.median
        low, high = shares[name]
        hits = sum(map(limit.holds, macs))
        rows.append(found.row(f"{name}: {text}", given.draws))
        # 95 % interval of a Poisson count; of none, at most three are expected.
        wide = 1.96 * hits**0.5 if hits else 3.0
        guess = hits / len(macs) or (low + high) / 2
        peers.append(
            [
                name,
                f"{low:.2%} to {high:.2%}" if low > 1e-6 or high > 1e-4 else f"{low:.1e} to {high:.1e}",
                f"{hits} of {len(macs):,}, {max(hits - wide, 0) / len(macs):.3%} to {(hits + wide) / len(macs):.3%}",
                number(1 / guess),
                number(uniform_rate * guess),
                ratio(rate, uniform_rate * guess),
                ratio(rate, built_rate * guess),
            ]
        )
        holds[name] = (min(high, (hits + wide) / len(macs)) < 0.001, rate >= 5000, found.acceptance > 0.95)
    columns = ["designs/s", "with compiling and tables", "tables, s", "designs accepted", "splits kept"]
    show(f"netwright, {given.draws:,} designs at a time", ["window", *columns], rows)
    several = [(" and ".join(limits), sampled(limits, given.draws, given.repeats)) for limits in SEVERAL]
    show("several budgets", ["limits", *columns], [found.row(name, given.draws) for name, found in several])
    title = (
        f"plain rejection: {number(uniform_rate)} uniform designs/s with their MACs, {number(built_rate)}/s if built"
    )
    header = [
        "window",
        "exact bracket of share",
        "uniform inside, 95 % interval",
        "draws for one",
        "designs/s",
        "ratio",
        "if built",
    ]
    show(title, header, peers)
    print("\nwindow: under 0.1 % of the space, 5,000 designs/s, acceptance above 95 %")
    print("accepted: of finished designs; splits: of the budget over the parts of a network, before any decision")
    for name, claims in holds.items():
        print(f"  {name}: {', '.join(map(verdict, claims))}")
    for name, found in several:
        enough = (given.draws / found.draw.median >= 5000, found.acceptance > 0.95)
        print(f"  {name}: 5,000 designs/s, above 95 %: {', '.join(map(verdict, enough))}")


if __name__ == "__main__":
    main()
