"""What it is worth to try the largest designs first, on tables of published results.

Searches of the default strategy for accuracy and few MACs, within limits on MACs that a part of all designs keeps. As
they are, and with the largest design by parameters and by MACs as second and third trial, as `netwright search` does:
by how many points the best trial so far misses the best design within the limit, mean over seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from _table import SHARED, arguments, show
from importance import TABLES

# isort: split
import numpy as np

from netwright.cost import Limit
from netwright.space import Design, Space
from netwright.strategy import Objective, Outcome, get_strategy
from netwright.study._largest import COMPARED, busiest

LENGTHS = (8, 16, 50)
PARTS = (0.1, 0.25, 0.5, 0.75, 1.0)
OBJECTIVES = [Objective("accuracy", "maximize"), Objective("macs", "minimize")]
WHOLE = [name for name in TABLES if name != "Accel-NASBench"]
"""Tables of every design of their space: a strategy may ask for any."""


@dataclass(frozen=True)
class Entry:
    """What a table says of a design."""

    accuracy: float
    params: float
    macs: float


Known = Mapping[Design, Entry]


def table(name: str) -> tuple[Space, Known]:
    """Every design of a space with its entry."""
    space, designs, values = TABLES[name]()
    costs = space.all_costs(["params", "macs"]).tolist()
    told = dict(zip(map(Design, designs), values, strict=True))
    return space, {d: Entry(told[d], *own) for d, own in zip(space.enumerate(), costs, strict=True) if d in told}


def reached(space: Space, known: Known, limit: Limit, starts: Sequence[Design], seed: int) -> list[float]:
    """Accuracy of the best trial after each of the numbers of trials."""
    strategy = get_strategy("nsga2")(space, OBJECTIVES, [limit], population=12)
    told = []
    for number in range(max(LENGTHS)):
        ahead = 0 < number <= len(starts)
        design = starts[number - 1] if ahead else strategy.ask(np.random.default_rng([seed, number])).design
        entry = known[design]
        strategy.tell(Outcome(number, design, {"accuracy": entry.accuracy, "macs": entry.macs}))
        told.append(entry.accuracy)
    return [max(told[:length]) for length in LENGTHS]


def largest(space: Space, inside: Known, cost: str) -> Design:
    """The design that a search tries first: of some of the largest, that which computes most."""
    falling = sorted(inside, key=lambda design: -getattr(inside[design], cost))
    return busiest(space, cost, falling[:COMPARED])[0]


def results(space: Space, known: Known, repeats: int, parts: Sequence[float]) -> Iterator[list[str | float]]:
    macs = np.array([entry.macs for entry in known.values()])
    for part in parts:
        limit = Limit("macs", high=float(np.quantile(macs, part)))
        inside = {design: entry for design, entry in known.items() if limit.holds(entry.macs)}
        starts = list(dict.fromkeys(largest(space, inside, cost) for cost in ("params", "macs")))
        best = max(entry.accuracy for entry in inside.values())
        large = max(inside[start].accuracy for start in starts)
        plain, first = (
            best - np.mean([reached(space, known, limit, given, seed) for seed in range(repeats)], axis=0)
            for given in ((), starts)
        )
        better = np.mean([entry.accuracy > large for entry in inside.values()])
        pairs = [f"{a:.2f} / {b:.2f}" for a, b in zip(plain, first, strict=True)]
        yield [f"{100 * part:g} %", f"{len(inside):,}", f"{100 * better:.1f} %", *pairs]


def main() -> None:
    given = arguments(__doc__, ("repeats", 40, 2, "seeds of each search"))
    if not SHARED.is_dir():
        show("No published tables beside the checkout", ["folder"], [[SHARED.name]])
        return
    trials = [f"{length} trials: plain / first" for length in LENGTHS]
    header = ["MACs limit keeps", "designs", "better than the largest", *trials]
    for name in WHOLE[2 if given.quick else 0 :]:
        rows = list(results(*table(name), given.repeats, PARTS[-1:] if given.quick else PARTS))
        show(f"{name}: points short of the best within the limit", header, rows)


if __name__ == "__main__":
    main()
