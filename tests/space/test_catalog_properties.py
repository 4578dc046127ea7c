"""Many designs of every catalogued space: valid, within budget, and reached by mutation."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from netwright.cost import Limit
from netwright.errors import SpaceError
from netwright.space import Design, Space
from netwright.space._condition import trace
from netwright.space._design import Value
from netwright.space._sample import Sampler
from netwright.space._vary import freed
from netwright.space.catalog import SPACES

from .test_catalog import _made

DRAWN, TRACED, BUILT = 10_000, 100, 10


def listed(space: Space) -> dict[str, object]:
    """Values of each decision; none where there are too many places to list."""
    try:
        return dict(space.decisions())
    except SpaceError:
        return {}


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_ten_thousand_designs_are_valid_and_within_budget(name: str) -> None:
    space = _made(name)
    low, high = (value for value, _ in space.extremes("macs"))
    limit = Limit("macs", None, low + 0.6 * (high - low))
    drawn = space.draw(np.random.default_rng(5), DRAWN, [limit])
    assert len(drawn.designs) == DRAWN
    assert drawn.costs["macs"].max() <= low + 0.6 * (high - low)
    known = listed(space)
    for design in set(drawn.designs) if known else ():
        for path, value in design.items():
            values = known[path]
            assert not isinstance(values, tuple) or value in values
    # All are made of known values; of these, as many as time allows are derived, built and added up.
    for number in range(0, DRAWN, DRAWN // TRACED):
        design = drawn.designs[number]
        assert design in space
        assert Design.from_json(design.to_json()) == design
    for number in range(0, DRAWN, DRAWN // BUILT):
        assert space.costs(drawn.designs[number], ["macs"])["macs"] == drawn.costs["macs"][number]


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_mutation_enters_the_choices_of_any_space(name: str) -> None:
    space, rng = _made(name), np.random.default_rng(6)
    met: dict[str, dict[str, list[Design]]] = {}
    for design in space.sample(rng, 300):
        for path, value in design.items():
            met.setdefault(path, {}).setdefault(repr(value), []).append(design)
    choices = [(path, designs) for path, values in met.items() if len(values) > 1 for designs in values.values()]
    for i in rng.permutation(len(choices))[:12]:
        path, designs = choices[int(i)]
        # One design may be held as it is by its shapes; of several that decide so, some can be left.
        found = ((design, _without(space, design, path, rng)) for design in designs)
        design, (left, changed) = next((one, way) for one, way in found if way is not None)
        # What one mutation leaves, one mutation enters: that of the same decision back.
        back = freed(space.forest, left, changed)
        assert back is not None
        assert trace(back, design) is not None


def _without(space: Space, design: Design, path: str, rng: np.random.Generator) -> tuple[Design, str] | None:
    """A mutant that does not decide `path` so, and which decision was changed: its own, or one that it hangs on."""
    value: Value = design[path]
    for changed in (path, *islice((str(p) for p in rng.permutation([*design])), 100)):
        part = freed(space.forest, design, changed)
        for left in Sampler(part, ()).draw(5, rng).designs if part is not None else ():
            if changed in left and left.get(path) != value:
                return left, changed
    return None
