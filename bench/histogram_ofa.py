"""The MACs histogram of all 25 x 7371^5 Once-for-All designs: all counted, costs rounded within a bound, under 1 s.

Peer: a Monte-Carlo estimate of the same time, from uniform designs that the forest draws with their exact MACs. Error
of a quantile: against the histogram on a grid 16 times finer.
"""

from __future__ import annotations

import time

from _table import arguments, number, ratio, repeated, show, verdict

# isort: split
import numpy as np

from netwright.space.catalog import ofa_mobilenetv3

QUANTILES = (0.0001, 0.01, 0.5)


def main() -> None:
    given = arguments(
        __doc__,
        ("repeats", 9, 1, "histograms"),
        ("estimates", 15, 2, "Monte-Carlo estimates"),
        ("finer", 16, 2, "how many times finer the grid of the reference is"),
    )
    space = ofa_mobilenetv3()
    compiling = repeated(space.size, 1)
    space.histogram("macs")  # costs of the blocks are counted once
    found = space.histogram("macs")
    taken = repeated(lambda: space.histogram("macs"), given.repeats)
    rng = np.random.default_rng(0)
    space.draw(rng, 1000, "macs >= 0")
    start = time.perf_counter()
    space.draw(rng, 5000, "macs >= 0")
    size = max(int(5000 * taken.median / (time.perf_counter() - start)), 10)
    estimates = [space.draw(rng, size, "macs >= 0").costs["macs"] for _ in range(given.estimates)]
    bracket = f"-{found.below / 1e6:.3f} to +{found.above / 1e6:.3f}"
    show(
        "MACs of all designs",
        ["", "seconds", "designs", "values", "rounding, MMACs"],
        [
            ["histogram", taken.text(), f"{found.total:.4g}", len(found.costs), bracket],
            ["compiling the space, once", number(compiling.median), "", "", ""],
            ["Monte Carlo", number(taken.median), number(size), len(np.unique(estimates[0])), ""],
        ],
    )
    reference = space.histogram("macs", slots=(1 << 12) * given.finer)
    rows = []
    for share in QUANTILES:
        truth = reference.quantile(share)
        error = abs(found.quantile(share) - truth)
        guesses = np.array([np.quantile(macs, share) for macs in estimates])
        rms = float(np.sqrt(np.mean((guesses - truth) ** 2)))
        rows.append([f"{share:.2%}", truth / 1e6, error / 1e6, rms / 1e6, ratio(rms, error) if error else "exact"])
    show("Quantiles, MMACs", ["quantile", "MACs", "error, histogram", "error, Monte Carlo", "ratio"], rows)
    print(f"\nevery design counted, {25 * 7371**5:,}: {verdict(found.total == 25 * 7371**5)}")
    print(f"mean and deviation (exact): {found.mean / 1e6:.3f}, {found.variance**0.5 / 1e6:.3f} MMACs")
    print(f"well under a second: {verdict(taken.median < 0.6)}")


if __name__ == "__main__":
    main()
