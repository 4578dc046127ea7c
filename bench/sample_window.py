"""Uniform sampling within MACs windows under 0.1 % of the Once-for-All space: 5,000 designs/s, acceptance over 95 %.

Peer: plain rejection, in two forms. The kind one draws uniform designs from the forest with their exact MACs, at
full speed, and keeps what lies in the window. The usual one builds and counts each network that it draws.
"""

from __future__ import annotations

import time

from _table import Spread, arguments, number, ratio, repeated, seconds, show, verdict

# isort: split
import numpy as np

from netwright.cost import Limit
from netwright.space import Space
from netwright.space.catalog import ofa_mobilenetv3

WINDOWS = {
    "tail": "macs <= 95M",
    "far tail": "macs <= 60M",
    "central": "235M <= macs <= 235.17M",
    "very narrow": "235M <= macs <= 235.01M",
}
EVERYTHING = "macs >= 0"
"""Excludes nothing, so that a draw is uniform over the space and comes with its MACs."""


def brackets(space: Space, slots: int) -> dict[str, tuple[float, float]]:
    """Share of the space in each window, from below and above, by the exact histogram."""
    histogram = space.histogram("macs", slots=slots)
    found = {}
    for name, text in WINDOWS.items():
        (limit,) = Limit.of(text)
        low = (0, 0) if limit.low is None else histogram.cdf(limit.low - 1)
        high = histogram.cdf(limit.high)  # type: ignore[arg-type]
        found[name] = (max(float(high[0] - low[1]), 0.0), float(high[1] - low[0]))
    return found


def sampled(text: str, draws: int, repeats: int) -> tuple[float, float, Spread, float]:
    """Seconds to compile, seconds to build the tables, seconds to draw, acceptance."""
    space = ofa_mobilenetv3()
    compiled = seconds(space.size)
    rng = np.random.default_rng(0)
    tables = seconds(lambda: space.sample(rng, 1, text))
    (limit,) = Limit.of(text)
    accepted = []

    def draw() -> None:
        found = space.draw(rng, draws, text)
        accepted.append(found.acceptance)
        if not all(map(limit.holds, found.costs["macs"])):
            raise SystemExit(f"a design broke {text}")

    return compiled, tables, repeated(draw, repeats), float(np.mean(accepted))


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
        del WINDOWS["central"], WINDOWS["very narrow"]
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
        compiled, tables, draw, acceptance = sampled(text, given.draws, given.repeats)
        rate = given.draws / draw.median
        whole = given.draws / (compiled + tables + draw.median)
        low, high = shares[name]
        hits = sum(map(limit.holds, macs))
        once = f"{acceptance:.1%}"
        rows.append([f"{name}: {text}", draw.rate(given.draws), number(whole), number(tables, 2), once])
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
        holds[name] = (min(high, (hits + wide) / len(macs)) < 0.001, rate >= 5000, acceptance > 0.95)
    show(
        f"netwright, {given.draws:,} designs at a time",
        ["window", "designs/s", "with compiling and tables", "tables, s", "accepted"],
        rows,
    )
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
    for name, claims in holds.items():
        print(f"  {name}: {', '.join(map(verdict, claims))}")


if __name__ == "__main__":
    main()
