"""Draws are uniform over the designs within the limits, whatever the tables behind them look like."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from netwright.blocks import conv, depthwise_separable, skip
from netwright.cost import Additive, Limit
from netwright.errors import LimitError, UnknownNameError
from netwright.graph import Node, image
from netwright.space import Design, Space, grammar, named, oneof, repeat, residual, rule, seq, tied, trades
from netwright.space import _convolve as convolve_module
from netwright.space import _sample as sample_module
from netwright.space import _tables as tables_module
from netwright.space._convolve import convolve

from .chi_square import assert_follows, assert_uniform
from .interpreter import COST_NAMES, Source, reference
from .random_sources import sources

quick = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
INPUT = image(3, 8, 8)


def _heat(node: Node) -> float:
    return node.op.macs(node) ** 0.5 / 3


HEAT = Additive("heat", "K", "a cost on no grid", _heat)  # type: ignore[arg-type]


def chain(n: int = 5) -> Space:
    """A few thousand designs with many distinct costs."""
    first = conv(oneof(3, 4, 7), kernel=oneof(1, 3))
    middle = [conv(oneof(4, 5, 8), kernel=oneof(1, 3)) for _ in range(n - 2)]
    return Space(seq(first, *middle, conv(oneof(2, 6))), input=INPUT, costs=[HEAT])


def rows_of(space: Space, names: Sequence[str]) -> dict[Design, tuple[float, ...]]:
    return dict(zip(space.enumerate(), map(tuple, space.all_costs(names).tolist()), strict=True))


def within(rows: dict[Design, tuple[float, ...]], names: Sequence[str], limits: Sequence[Limit]) -> list[Design]:
    return [
        design
        for design, costs in rows.items()
        if all(limit.holds(costs[names.index(limit.metric)]) for limit in limits)
    ]


def between(values: Sequence[float], low: float, high: float) -> tuple[float, float]:
    """Bounds at two quantiles of values, half-way between neighbours so that no rounding decides."""
    known = sorted(set(values))
    known = [known[0] - 1, *known, known[-1] + 1]
    edges = [(a + b) / 2 for a, b in pairwise(known)]
    first = min(round(low * (len(edges) - 1)), len(edges) - 2)
    return edges[first], edges[max(round(high * (len(edges) - 1)), first + 1)]


WINDOWS = {
    "at most": (None, 0.5),
    "at most, tight": (None, 0.1),
    "at least": (0.6, None),
    "between": (0.4, 0.6),
    "narrow": (0.5, 0.52),
    "all": (None, 1.0),
}


def limit_on(rows: dict[Design, tuple[float, ...]], names: Sequence[str], name: str, window: str) -> Limit:
    low, high = WINDOWS[window]
    values = [costs[names.index(name)] for costs in rows.values()]
    a, b = between(values, low or 0.0, 1.0 if high is None else high)
    return Limit(name, None if low is None else a, None if high is None else b)


# Random small spaces ------------------------------------------------------------------------------------------------


@quick
@given(sources())
def test_draws_without_limits_are_uniform(source: Source) -> None:
    space, found = source.space(), [one.design for one in reference(source)]
    draws = space.draw(np.random.default_rng(1), 10 * len(found))
    assert_uniform(draws.designs, found)
    assert draws.acceptance == 1.0


@quick
@given(sources())
def test_weighted_draws_follow_the_weights(source: Source) -> None:
    space, found = source.space(), reference(source)
    wanted = {one.design: one.probability for one in found}
    n = math.ceil(8 / min(wanted.values()) * sum(wanted.values()))
    if n <= 100_000:
        assert_follows(space.sample(np.random.default_rng(2), n, weighted=True), wanted)


@quick
@given(sources())
@pytest.mark.parametrize("window", WINDOWS)
def test_draws_within_one_limit_are_uniform(window: str, source: Source) -> None:
    rows = {one.design: one.costs for one in reference(source)}
    for name in ("params", "activation_bytes"):
        limit = limit_on(rows, COST_NAMES, name, window)
        check(source.space(), rows, COST_NAMES, [limit])


@quick
@given(sources())
def test_draws_within_two_limits_are_uniform(source: Source) -> None:
    rows = {one.design: one.costs for one in reference(source)}
    for windows in (("at most", "at most"), ("at least", "at most"), ("between", "between")):
        names = ("macs", "weight_bytes")
        limits = [limit_on(rows, COST_NAMES, name, w) for name, w in zip(names, windows, strict=True)]
        check(source.space(), rows, COST_NAMES, limits)


def check(
    space: Space,
    rows: dict[Design, tuple[float, ...]],
    names: Sequence[str],
    limits: Sequence[Limit],
    *,
    least: float = 0.0,
    draws_each: int = 10,
) -> None:
    """Hold draws against the designs that fit, or the error against there being none."""
    wanted = within(rows, names, limits)
    rng = np.random.default_rng(3)
    if not wanted:
        with pytest.raises(LimitError):
            space.sample(rng, 1, limits)
        return
    draws = space.draw(rng, draws_each * len(wanted), limits)
    assert_uniform(draws.designs, wanted)
    assert draws.acceptance >= least
    for limit in limits:
        column = draws.costs[limit.metric].tolist()
        assert column == pytest.approx([rows[design][names.index(limit.metric)] for design in draws.designs])


# Tables that round --------------------------------------------------------------------------------------------------


@pytest.fixture(params=["coarse", "fine", "fourier"])
def rounding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Tables leave exact costs after 6 keys, for grids of few bins, or through Fourier transforms."""
    monkeypatch.setattr(tables_module, "EXACT_KEYS", 6)
    bins = {"coarse": 23, "fine": 400, "fourier": 400}[request.param]
    monkeypatch.setattr(sample_module, "SLOTS", (bins,))
    monkeypatch.setattr(sample_module, "SLOTS_SEVERAL", ((bins // 4 + 6) ** 2,))
    if request.param == "fourier":
        monkeypatch.setattr(convolve_module, "DIRECT", 0)
        monkeypatch.setattr(convolve_module, "SHORT", 1)
    return str(request.param)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", ["macs", "params", "heat"])
def test_draws_from_rounded_tables_are_uniform(rounding: str, window: str, name: str) -> None:
    space, names = chain(4), ("params", "macs", "heat")
    rows = rows_of(space, names)
    limit = limit_on(rows, names, name, window)
    if window != "all":
        assert any(
            table.keys is None and not table.empty for table in space._sampler(_windows(space, [limit]), False).tables
        )
    check(space, rows, names, [limit], least=0.01, draws_each=30)


@pytest.mark.slow
@pytest.mark.parametrize("windows", [("at most", "at most"), ("between", "between"), ("at least", "at most"),
                                     ("at most, tight", "at most, tight"), ("between", "at most")])  # fmt: skip
@pytest.mark.parametrize("pair", [("macs", "params"), ("params", "heat")])
def test_draws_from_rounded_tables_of_two_costs_are_uniform(
    rounding: str, windows: tuple[str, str], pair: tuple[str, str]
) -> None:
    space, names = chain(4), ("params", "macs", "heat")
    rows = rows_of(space, names)
    limits = [limit_on(rows, names, name, window) for name, window in zip(pair, windows, strict=True)]
    check(space, rows, names, limits, least=0.01, draws_each=30)


def test_rounding_up_to_the_edge_of_the_budget_loses_no_design(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many parts, each just under half a bin: rounding to the nearest would leave the grid, or its axis."""
    monkeypatch.setattr(tables_module, "EXACT_KEYS", 1)
    monkeypatch.setattr(sample_module, "SLOTS", (16,))
    monkeypatch.setattr(sample_module, "SLOTS_SEVERAL", (16,))
    space = Space(repeat(oneof(conv(3, kernel=1), conv(3), skip()), times=7), input=INPUT)
    names = ("params", "macs")
    rows = rows_of(space, names)
    for name in names:
        values = sorted({costs[names.index(name)] for costs in rows.values()})
        for low, high in ((-6, -4), (-9, -7), (len(values) // 2, len(values) // 2 + 2)):
            check(space, rows, names, [Limit(name, values[low], values[high])], draws_each=20)
    top = [max(costs[i] for costs in rows.values()) for i in (0, 1)]
    limits = [Limit("params", 0.7 * top[0], 0.9 * top[0]), Limit("macs", 0.7 * top[1], 0.9 * top[1])]
    check(space, rows, names, limits, draws_each=20)


@pytest.mark.parametrize("windows", [("at most",) * 3, ("between",) * 3])
def test_draws_from_rounded_tables_of_three_costs_are_uniform(rounding: str, windows: tuple[str, ...]) -> None:
    space, names = chain(4), ("params", "macs", "activation_bytes")
    rows = rows_of(space, names)
    limits = [limit_on(rows, names, name, window) for name, window in zip(names, windows, strict=True)]
    check(space, rows, names, limits, least=0.95, draws_each=30)


def test_narrow_windows_everywhere_are_uniform(rounding: str) -> None:
    """Far narrower than a bin: most splits of the budget break it, and none of the designs does."""
    space, names = chain(5), ("params", "macs", "heat")
    rows = rows_of(space, names)
    for name in names:
        values = sorted({costs[names.index(name)] for costs in rows.values()})
        for share in (0.0, 0.02, 0.3, 0.7, 0.999):
            place = min(int(share * len(values)), len(values) - 3)
            limit = Limit(name, math.nextafter(values[place], 0), math.nextafter(values[place + 2], math.inf))
            check(space, rows, names, [limit], least=0.95, draws_each=40)


@pytest.mark.slow
def test_designs_of_a_far_tail_are_drawn_through_fourier_transforms(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 dear layers of 512 are 1e-45 of all designs, and 50 in a half 1e-23 of what a half may have at most.

    The rounding noise of a transform is 1e-16 of its largest coefficient.
    """
    monkeypatch.setattr(tables_module, "EXACT_KEYS", 1)
    monkeypatch.setattr(convolve_module, "DIRECT", 0)
    monkeypatch.setattr(convolve_module, "SHORT", 1)
    part = oneof(named("cheap", conv(3, kernel=1, norm="none")), named("dear", conv(3, norm="none")))
    for _ in range(9):
        part = residual(seq(part, part))
    space = Space(part, input=INPUT)
    (cheapest, first), (dearest, _) = space.extremes("params")
    each = (dearest - cheapest) // 512
    draws = space.sample(
        np.random.default_rng(0), 2000, [Limit("params", cheapest + 100 * each, cheapest + 100 * each)]
    )
    half = list(first)[:256]
    dear = np.array([[design[path] == "dear" for path in first] for design in draws])
    assert (dear.sum(axis=1) == 100).all()
    in_half = dear[:, [path in half for path in first]].sum(axis=1)
    # Hypergeometric: mean 50, variance 100 / 4 * (512 - 100) / 511.
    assert in_half.mean() == pytest.approx(50, abs=0.4)
    assert in_half.var() == pytest.approx(20.16, rel=0.15)
    assert dear.mean(axis=0) == pytest.approx(np.full(512, 100 / 512), abs=0.05)


def test_costs_too_wide_for_one_table_are_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    big = Additive("big", "", "too wide for a key beside another", lambda node: node.op.macs(node) * 10**9 + 1)
    large = Additive("large", "", "the same", lambda node: node.op.macs(node) ** 2 * 10**4 + 3)
    space, names = Space(chain(3).expression, input=INPUT, costs=[big, large]), ("big", "large")
    rows = rows_of(space, names)
    limits = [limit_on(rows, names, name, "at most") for name in names]
    check(space, rows, names, limits, draws_each=30)


def test_weighted_draws_within_a_limit_follow_the_weights() -> None:
    layer = oneof(named("a", conv(4)), named("b", conv(4, kernel=1)), named("c", skip()), weights=[5, 1, 2])
    space = Space(seq(conv(4), repeat(layer, times=oneof(1, 2, 3))), input=INPUT)
    share = {"a": 5 / 8, "b": 1 / 8, "c": 2 / 8}
    wanted = {
        design: math.prod(share[str(value)] for path, value in design.items() if path != "repeat.times")
        for design, (params,) in rows_of(space, ["params"]).items()
        if params <= 400
    }
    draws = space.sample(np.random.default_rng(0), 20_000, "params <= 400", weighted=True)
    assert_follows(draws, wanted)


def test_bounds_are_included() -> None:
    space = Space(conv(oneof(4, 8, 12), kernel=oneof(1, 3)), input=INPUT, costs=[HEAT])
    for name in ("params", "macs", "heat"):
        for value in set(space.all_costs([name])[:, 0].tolist()):
            found = space.draw(np.random.default_rng(0), 20, [Limit(name, value, value)])
            assert set(found.costs[name].tolist()) == {value}


@pytest.mark.parametrize("n", [50, 5000, 30_000])
def test_products_of_polynomials_agree_with_exact_ones(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolve_module, "DIRECT", 0)
    rng = np.random.default_rng(n)
    for density in (1.0, 0.01):
        x, y = (np.where(rng.random(n) < density, rng.integers(1, 100, n), 0).astype(float) for _ in range(2))
        x[0] = y[0] = 1.0
        z, exact = convolve(x, y), np.rint(np.fft.irfft(np.fft.rfft(x, 4 * n) * np.fft.rfft(y, 4 * n), 4 * n))
        exact = exact[: 2 * n - 1]
        assert ((z > 0) == (exact > 0)).all()
        assert z == pytest.approx(exact, rel=1e-6)


# Beyond the range of floats -----------------------------------------------------------------------------------------


def deep(depth: int) -> Space:
    net = oneof(named("a", conv(3, norm="none")), named("b", skip()), named("two", seq(rule("net"), rule("net"))))
    return Space(grammar("net", depth=depth, net=net), input=image(3, 4, 4))


@pytest.mark.slow
def test_more_designs_than_a_float_can_count() -> None:
    space = deep(12)
    assert space.size() > 10**400
    rng = np.random.default_rng(0)
    designs = space.sample(rng, 2)
    assert all(design in space for design in designs)
    low, high = space.extremes("params")
    for share in (0.001, 0.3, 0.9):
        middle = round(low[0] + share * (high[0] - low[0]))
        draws = space.draw(rng, 2, [Limit("params", middle, middle + 2000)])
        assert ((draws.costs["params"] >= middle) & (draws.costs["params"] <= middle + 2000)).all()
        assert draws.designs[0] in space
        assert space.costs(draws.designs[0], ["params"])["params"] == draws.costs["params"][0]


def test_deep_grammars_are_uniform_within_small_budgets() -> None:
    """Where nearly all designs are over the budget, those within it are still drawn evenly."""
    space = deep(10)
    shallow = Space(space.expression, input=image(3, 4, 4))
    assert space.size() > 10**100
    found: dict[Design, None] = dict.fromkeys(space.sample(np.random.default_rng(0), 3000, "params <= 81"))
    assert all(shallow.costs(design, ["params"])["params"] <= 81 for design in list(found)[:50])


# Determinism --------------------------------------------------------------------------------------------------------

SCRIPT = """
import numpy as np
from netwright.blocks import conv, skip
from netwright.graph import image
from netwright.space import Space, branch, cell, grammar, named, oneof, real, repeat, residual, rule, seq, tied
a, b = tied("a", conv(None, kernel=oneof(1, 3))), tied("b", oneof(conv(4), skip()))
net = grammar("net", depth=3, net=oneof(conv(None, kernel=oneof(1, 3)), skip(), seq(rule("net"), rule("net"))))
space = Space(
    seq(conv(oneof(4, 8)), b, a, residual(net), cell({(0, 1): a, (1, 2): b, (0, 2): oneof(skip(), conv(4))}), b,
        repeat(oneof(skip(), conv(4)), times=oneof(0, 1, 2), tied=True), branch(a, conv(4), join="concat")),
    input=[image(3, 8, 8), image(3, 12, 12)], recipe={"lr": real(1e-4, 1e-2, log=True), "steps": oneof(1, 2)},
)
rng = np.random.default_rng(7)
for node in space.forest.nodes:
    print(type(node).__name__, *(getattr(node, key, "") for key in ("name", "alternatives", "left")))
low, high = (value for value, _ in space.extremes("macs"))
limits = [f"macs <= {(low + high) // 2}", "params <= 100k"]
designs = [*space.sample(rng, 20), *space.sample(rng, 20, limits), *space.sample(rng, 5, limits[:1], weighted=True)]
designs += [space.mutate(designs[20], rng, limits) for _ in range(5)]
designs += [space.crossover(designs[21], designs[22], rng, limits) for _ in range(5)]
designs += list(space.neighbours(designs[23], limits)) + [design for _, design in space.k_best("macs", 5)]
for design in designs:
    print(design.to_json())
print(space.histogram("macs"), space.decisions())
"""


def test_same_seed_same_designs_in_every_process() -> None:
    outputs = set()
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop()) > 1000


def test_what_was_asked_before_changes_no_draw() -> None:
    def draw(space: Space) -> list[Design]:
        return space.sample(np.random.default_rng(5), 10, "params <= 600")

    fresh, used = chain(), chain()
    for limit in range(500, 520):
        used.sample(np.random.default_rng(0), 3, f"params <= {limit}")
    used.histogram("macs")
    assert draw(fresh) == draw(used) == draw(used)


# Limits -------------------------------------------------------------------------------------------------------------


def _windows(space: Space, limits: Sequence[Limit]) -> tuple[tuple[object, ...], ...]:
    return tuple(space._windows(limits))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "ask", [Space.check_limits, lambda space, limits: space.sample(np.random.default_rng(), 1, limits)]
)
def test_a_limit_that_no_design_keeps_is_refused_with_the_reach_of_the_cost(ask: object) -> None:
    space = chain(4)
    low, high = (value for value, _ in space.extremes("params"))
    with pytest.raises(LimitError, match=rf"params <= {low - 1} holds for none: .* between {low} and {high}\."):
        ask(space, f"params <= {low - 1}")  # type: ignore[operator]
    with pytest.raises(LimitError, match=rf"params >= {high + 1} holds for none: .* between {low} and {high}\."):
        ask(space, f"params >= {high + 1}")  # type: ignore[operator]


def test_the_reach_of_a_real_cost_is_exact() -> None:
    space = chain(4)
    low, high = (value for value, _ in space.extremes("heat"))
    with pytest.raises(LimitError, match=f"between {low:.15g} and {high:.15g}"):
        space.check_limits([Limit("heat", None, low * (1 - 1e-12))])
    space.check_limits([Limit("heat", None, math.nextafter(low, 0))])


def test_limits_that_exclude_each_other_are_refused() -> None:
    space = Space(oneof(named("wide", conv(64, kernel=1)), named("deep", repeat(conv(4), times=6))), input=INPUT)
    rows = rows_of(space, ("params", "activation_bytes"))
    cheap = min(rows.values())
    frugal = min(rows.values(), key=lambda costs: costs[1])
    assert cheap != frugal
    limits = [Limit("params", None, cheap[0]), Limit("activation_bytes", None, frugal[1])]
    for limit in limits:
        space.check_limits([limit])
    with pytest.raises(LimitError, match=r"none is: params in .* and activation_bytes in"):
        space.check_limits(limits)
    with pytest.raises(LimitError):
        space.sample(np.random.default_rng(0), 1, limits)


def test_a_gap_between_costs_is_no_design() -> None:
    space = Space(conv(oneof(4, 8), kernel=1), input=INPUT)
    with pytest.raises(LimitError, match=r"none is: params in"):
        space.sample(np.random.default_rng(0), 1, "21 <= params <= 39")


def test_limits_on_what_is_no_cost_or_not_additive() -> None:
    space = chain(3)
    rng = np.random.default_rng(0)
    with pytest.raises(UnknownNameError, match="accuracy"):
        space.sample(rng, 1, "accuracy >= 0.9")
    with pytest.raises(LimitError, match="peak_memory is not"):
        space.sample(rng, 1, "peak_memory <= 1M")
    space.check_limits(["accuracy >= 0.9", "peak_memory <= 1M", "params <= 100k"])


def test_a_negative_cost_cannot_be_budgeted() -> None:
    from netwright.errors import SpaceError

    gain = Additive("gain", "", "below zero", lambda node: -1)
    space = Space(conv(4), input=INPUT, costs=[gain])
    assert space.histogram("gain").costs == (-3.0,)
    with pytest.raises(SpaceError, match="must not be negative, but gain has"):
        space.sample(np.random.default_rng(0), 1, "gain <= 0")


def test_limits_in_every_form() -> None:
    space, rng = chain(3), np.random.default_rng(0)
    for limits in (
        "params <= 500",
        ["params <= 500"],
        {"params": "<= 500"},
        [Limit("params", None, 500)],
        Limit("params", None, 500),
    ):
        assert max(space.draw(rng, 50, limits).costs["params"]) <= 500
    assert space.draw(rng, 5, ()).costs == {}
    assert space.sample(rng, 0) == []


def test_a_tie_is_counted_in_every_place_it_stands() -> None:
    tie = tied("t", oneof(named("big", conv(4)), named("small", depthwise_separable(4))))
    space = Space(seq(conv(4), tie, tie, tie, conv(oneof(4, 6))), input=INPUT)
    rows = rows_of(space, ["params"])
    assert len(rows) == 4
    for value in {params for (params,) in rows.values()}:
        check(space, rows, ["params"], [Limit("params", None, value)], draws_each=50)


def test_windows_that_no_design_misses_are_told_from_the_tables_of_the_others() -> None:
    space = chain(3)
    rng = np.random.default_rng(0)
    plain = space.draw(rng, 50, "params <= 400")
    told = space.draw(np.random.default_rng(0), 50, ["params <= 400", "macs >= 0", "traffic <= 1G"])
    assert told.designs == plain.designs
    for name in ("params", "macs", "traffic"):
        assert told.costs[name].tolist() == [space.costs(design, [name])[name] for design in told.designs]
    first, second = space._samplers.values()
    assert first.tables is second.tables


def test_trades_reach_the_largest_of_a_cost_under_ceilings_on_others() -> None:
    space, names = chain(4), ("params", "macs", "traffic")
    rows = rows_of(space, names)
    for ceilings in ([0.3], [0.3, 0.2]):
        held = [("params", 0), ("traffic", 2)][: len(ceilings)]
        limits = [
            Limit(name, high=float(np.quantile([row[i] for row in rows.values()], part)))
            for (name, i), part in zip(held, ceilings, strict=True)
        ]
        found = trades(space, "macs", limits)
        assert all(space.keeps(design, limits) for design in found)
        inside = sorted(rows[design][1] for design in within(rows, names, limits))
        assert rows[found[-1]][1] >= inside[-len(inside) // 50]
    assert trades(space, "macs", ()) == []
