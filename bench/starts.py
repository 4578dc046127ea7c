"""What it is worth to try the largest designs first, on tables of published results.

Searches of the default strategy for accuracy and few MACs, within limits on MACs that a part of all designs keeps. As
they are, and with the largest design by parameters and by MACs as second and third trial, as `netwright search` does:
by how many points the best trial so far misses the best design within the limit, mean over seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from _table import SHARED, arguments, show
from importance import TABLES

# isort: split
import numpy as np

from netwright.cost import Limit
from netwright.space import Design, Space
from netwright.strategy import Objective, Outcome, get_strategy

LENGTHS = (8, 16, 50)
PARTS = (0.1, 0.25, 0.5, 0.75, 1.0)
OBJECTIVES = [Objective("accuracy", "maximize"), Objective("macs", "minimize")]
WHOLE = [name for name in TABLES if name != "Accel-NASBench"]
"""Tables of every design of their space: a strategy may ask for any."""

Known = Mapping[Design, tuple[float, float]]


def missed(space: Space, known: Known, limit: Limit, starts: Sequence[Design], seed: int) -> list[float]:
    """Points that the best trial misses the best design within the limit by, after each of the numbers of trials."""
    strategy = get_strategy("nsga2")(space, OBJECTIVES, [limit], population=12)
    best = max(accuracy for accuracy, macs in known.values() if limit.holds(macs))
    reached = []
    for number in range(max(LENGTHS)):
        ahead = 0 < number <= len(starts)
        design = starts[number - 1] if ahead else strategy.ask(np.random.default_rng([seed, number])).design
        accuracy, macs = known[design]
        strategy.tell(Outcome(number, design, {"accuracy": accuracy, "macs": macs}))
        reached.append(accuracy)
    return [best - max(reached[:length]) for length in LENGTHS]


def results(space: Space, known: Known, repeats: int, parts: Sequence[float]) -> Iterator[list[str | float]]:
    macs = np.array([each for _, each in known.values()])
    params = {design: space.costs(design, ["params"])["params"] for design in known}
    for part in parts:
        limit = Limit("macs", high=float(np.quantile(macs, part)))
        inside = [design for design, (_, each) in known.items() if limit.holds(each)]
        starts = list(dict.fromkeys([max(inside, key=params.__getitem__), max(inside, key=lambda d: known[d][1])]))
        better = [np.mean([known[d][0] > known[start][0] for d in inside]) for start in starts]
        plain, first = (
            np.mean([missed(space, known, limit, given, seed) for seed in range(repeats)], axis=0)
            for given in ((), starts)
        )
        pairs = [f"{a:.2f} / {b:.2f}" for a, b in zip(plain, first, strict=True)]
        yield [f"{100 * part:g} %", f"{len(inside):,}", f"{100 * min(better):.1f} %", *pairs]


def main() -> None:
    given = arguments(__doc__, ("repeats", 40, 2, "seeds of each search"))
    if not SHARED.is_dir():
        show("No published tables beside the checkout", ["folder"], [[SHARED.name]])
        return
    header = [
        "MACs limit keeps",
        "designs",
        "better than the largest",
        *(f"{n} trials: without / with" for n in LENGTHS),
    ]
    for name in WHOLE[2 if given.quick else 0 :]:
        space, designs, values = TABLES[name]()
        known = {
            Design(design): (float(value), space.costs(design, ["macs"])["macs"])
            for design, value in zip(designs, values, strict=True)
        }
        rows = list(results(space, known, given.repeats, PARTS[-1:] if given.quick else PARTS))
        show(f"{name}: points short of the best within the limit", header, rows)


if __name__ == "__main__":
    main()
