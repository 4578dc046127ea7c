"""The forest against a second reading of the space language, and against simple arithmetic."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from netwright.blocks import conv, skip
from netwright.cost import COSTS, Additive
from netwright.errors import DesignError, ShapeError
from netwright.graph import image
from netwright.space import Design, Space, branch, cell, grammar, named, oneof, repeat, residual, rule, seq, tied
from netwright.space import _histogram as histogram_module
from netwright.space._design import Value
from netwright.space._semiring import Entropy, Inside, evaluate

from .interpreter import COST_NAMES, Grammar, Layer, OneOf, Part, Repeat, Rule, Seq, Skip, Source, Tied, reference
from .random_sources import layers, parts, small, sources

quick = settings(max_examples=45, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
INPUT = image(3, 8, 8)


# The set of designs -------------------------------------------------------------------------------------------------


@quick
@given(sources())
def test_designs_are_those_of_the_second_reading(source: Source) -> None:
    space, found = source.space(), reference(source)
    designs = list(space.enumerate())
    assert space.size() == len(found) == len(designs)
    assert set(designs) == {one.design for one in found}
    assert [space.design_at(i) for i in range(space.size())] == designs


@quick
@given(sources())
def test_costs_of_forest_network_and_second_reading_agree(source: Source) -> None:
    space = source.space()
    rows = dict(zip(space.enumerate(), map(tuple, space.all_costs(COST_NAMES).tolist()), strict=True))
    for one in reference(source):
        assert rows[one.design] == one.costs
        assert tuple(space.costs(one.design, COST_NAMES).values()) == one.costs
        network = space.network(one.design)
        assert [output.shape for output in network.outputs] == [output.shape for output in one.graph.outputs]


@quick
@given(sources())
def test_a_space_contains_its_designs_and_no_mangled_ones(source: Source) -> None:
    space, designs = source.space(), {one.design for one in reference(source)}
    for design in designs:
        assert design in space
        assert Design.from_json(design.to_json()) in space
        assert Design({**design, "nowhere": 1}) not in space
        for path in design:
            less = Design({p: v for p, v in design.items() if p != path})
            assert (less in space) == (less in designs)
            assert Design({**design, path: "no such value"}) not in space


@quick
@given(sources())
def test_what_is_wrong_with_a_design_is_named(source: Source) -> None:
    space = source.space()
    for one in reference(source)[:20]:
        with pytest.raises(DesignError, match="'nowhere'"):
            space.network({**one.design, "nowhere": 1})
        for path in one.design:
            with pytest.raises(DesignError, match=f"'{path}'"):
                space.network({**one.design, path: "no such value"})
            with pytest.raises(DesignError, match=f"'{path}'"):
                space.network({p: v for p, v in one.design.items() if p != path})


@quick
@given(sources())
def test_decisions_list_every_path_and_value(source: Source) -> None:
    wanted: dict[str, set[object]] = {}
    for one in reference(source):
        for path, value in one.design.items():
            wanted.setdefault(path, set()).add(value)
    assert {path: set(values) for path, values in source.space().decisions().items()} == wanted


@quick
@given(sources())
def test_decisions_stand_in_the_same_order_wherever_a_design_comes_from(source: Source) -> None:
    space = source.space()
    written = {design: design.to_json() for design in space.enumerate()}
    for design in space.sample(np.random.default_rng(0), 20):
        assert design.to_json() == written[design]
    for _, design in space.k_best("macs", 20):
        assert design.to_json() == written[design]


# Questions to the forest --------------------------------------------------------------------------------------------


@quick
@given(sources())
def test_histogram_counts_every_design(source: Source) -> None:
    space, found = source.space(), reference(source)
    for i, name in enumerate(COST_NAMES):
        costs = [one.costs[i] for one in found]
        histogram = space.histogram(name)
        assert histogram.exact
        assert dict(zip(histogram.costs, histogram.counts, strict=True)) == Counter(costs)
        assert histogram.total == len(found)
        assert (histogram.smallest, histogram.largest) == (min(costs), max(costs))
        assert histogram.mean == pytest.approx(statistics.fmean(costs))
        assert histogram.variance == pytest.approx(statistics.pvariance(costs), abs=1e-6)
        middle = statistics.median_low(costs)
        assert histogram.quantile(0.5) == middle
        assert histogram.cdf(middle) == (Fraction(sum(c <= middle for c in costs), len(costs)),) * 2
        edges, counts = histogram.bins(7)
        assert sum(counts) == len(found)
        assert len(edges) == 8


def test_quantiles_of_more_designs_than_a_float_can_count() -> None:
    histogram = Space(conv(oneof(4, 8)), input=image(3, 4, 4)).histogram("params")
    many = replace(histogram, counts=(10**400, 3 * 10**400))
    assert [many.quantile(share) for share in (0.0, 0.25, 0.26, 1.0)] == sorted(histogram.costs * 2)


@quick
@given(sources())
def test_a_rounded_histogram_brackets_the_exact_one(source: Source) -> None:
    space, found = source.space(), reference(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histogram_module, "EXACT_PAIRS", 1)
        histogram = space.histogram("macs", slots=9)
    assert histogram.total == len(found)
    costs = sorted(one.costs[COST_NAMES.index("macs")] for one in found)
    assert histogram.mean == pytest.approx(statistics.fmean(costs))
    for value in {*costs, costs[0] - 1, costs[-1] + 1, statistics.fmean(costs)}:
        low, high = histogram.cdf(value)
        assert low <= Fraction(sum(c <= value for c in costs), len(costs)) <= high
    assert histogram.costs[0] - histogram.below <= costs[0]
    assert costs[-1] <= histogram.costs[-1] + histogram.above


@quick
@given(sources())
def test_extremes_and_k_best_are_the_ends_of_the_sorted_designs(source: Source) -> None:
    space, found = source.space(), reference(source)
    for i, name in enumerate(COST_NAMES):
        cost_of = {one.design: one.costs[i] for one in found}
        for (value, design), wanted in zip(
            space.extremes(name), (min(cost_of.values()), max(cost_of.values())), strict=True
        ):
            assert value == wanted == cost_of[design]
        for k in (1, 3, len(found), len(found) + 5):
            best = space.k_best(name, k)
            assert [value for value, _ in best] == sorted(cost_of.values())[:k]
            assert len({design for _, design in best}) == len(best)
            assert all(cost_of[design] == value for value, design in best)


@quick
@given(sources())
def test_probabilities_and_entropy_are_sums_over_designs(source: Source) -> None:
    space, chances = source.space(), [one.probability for one in reference(source)]
    assert space.probability() == pytest.approx(sum(chances))
    mass, minus = evaluate(space.forest, Entropy())[space.forest.root]
    assert mass == pytest.approx(sum(chances))
    assert minus == pytest.approx(sum(p * math.log(p) for p in chances), abs=1e-9)
    assert evaluate(space.forest, Inside())[space.forest.root] == space.probability()


# Laws ---------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@quick
@given(parts(), parts(), parts())
def test_removing_an_option_removes_exactly_its_designs(first: Part, second: Part, last: Part) -> None:
    whole = Source(Seq((OneOf((first, second, last)), Layer((3,)))))
    less = Source(Seq((OneOf((first, second)), Layer((3,)))))
    assume(small(whole) and small(less))
    kept = {design for design in whole.space().enumerate() if design["p0"] != "o2"}
    assert set(less.space().enumerate()) == kept


@quick
@given(layers())
def test_removing_a_value_removes_exactly_its_designs(chosen: Layer) -> None:
    assume(len(chosen.channels) > 2)
    less = replace(chosen, channels=chosen.channels[:-1], weights=None)
    whole = Source(Repeat(replace(chosen, weights=None), (0, 1, 2)))
    assume(small(whole) and small(Source(Repeat(less, (0, 1, 2)))))
    gone = "none" if chosen.channels[-1] is None else chosen.channels[-1]
    kept = {d for d in whole.space().enumerate() if not any(p.endswith("channels") and d[p] == gone for p in d)}
    assert set(Source(Repeat(less, (0, 1, 2))).space().enumerate()) == kept


@quick
@given(parts(), parts())
def test_a_tied_space_is_the_untied_one_filtered_on_equality(body: Part, between: Part) -> None:
    tie = Tied("tie", body)
    bound = Source(Seq((tie, between, tie)))
    free = Source(Seq((body, between, body)))
    assume(not _uses_ties(body) and small(free) and small(bound))
    untied = {}
    for one in reference(free):
        first, last = (_below(one.design, prefix) for prefix in ("p0", "p2"))
        if first == last:
            rest = {path: value for path, value in one.design.items() if path.partition(".")[0] not in ("p0", "p2")}
            untied[Design({**rest, **{f"tie{path}": value for path, value in first.items()}})] = one.costs
    space = bound.space()
    rows = dict(zip(space.enumerate(), map(tuple, space.all_costs(COST_NAMES).tolist()), strict=True))
    assert rows == untied


def _below(design: Design, prefix: str) -> dict[str, Value]:
    return {p.removeprefix(prefix): v for p, v in design.items() if p == prefix or p.startswith(prefix + ".")}


def _uses_ties(part: Part) -> bool:
    inner = [value for value in vars(part).values() if isinstance(value, (Part, tuple))]
    found = [p for value in inner for p in _flat(value)]
    return isinstance(part, Tied) or any(map(_uses_ties, found))


def _flat(value: object) -> list[Part]:
    if isinstance(value, Part):
        return [value]
    return [part for inner in value for part in _flat(inner)] if isinstance(value, tuple) else []


def test_a_tie_holds_across_widths_and_resolutions() -> None:
    tie = tied("block", conv(None, kernel=oneof(1, 3), activation=oneof("relu", "gelu")))
    space = Space(seq(conv(4), tie, conv(oneof(8, 16), stride=2), tie, tie), input=[image(3, 8, 8), image(3, 12, 12)])
    assert space.size() == 2 * 2 * 4
    for design, row in zip(space.enumerate(), space.all_costs(["params", "macs"]), strict=True):
        assert space.costs(design) == dict(zip(("params", "macs"), row.tolist(), strict=True))


def test_tied_copies_of_a_rule_share_its_decisions() -> None:
    net = grammar("net", depth=3, net=oneof(conv(4), conv(4, kernel=1), repeat(rule("net"), times=2, tied=True)))
    space = Space(net, input=INPUT)
    assert space.size() == 2 + (2 + 2)
    assert Design({"net": "repeat", "net.each": "repeat", "net.each.each": "conv(channels=4)"}) in space
    deepest = Design({"net": "repeat", "net.each": "repeat", "net.each.each": "conv(channels=4)"})
    assert sum(node.op.name == "Conv" for node in space.network(deepest).nodes) == 4


def test_a_grammar_inside_a_grammar_has_rules_of_its_own() -> None:
    inner = grammar("b", depth=2, b=oneof(conv(8), rule("b")))
    space = Space(grammar("a", depth=2, a=oneof(conv(4), inner, seq(rule("a"), rule("a")))), input=INPUT)
    assert space.size() == 3 + 3 * 3


def test_a_grammar_by_size_counts_all_rules_used() -> None:
    pair = Grammar((("net", OneOf((Layer((3,)), Seq((Rule("net"), Rule("net")))))),), 7, by_size=True)
    # Binary trees of at most 7 nodes: Catalan numbers 1 + 1 + 2 + 5.
    assert Source(pair).space().size() == len(reference(Source(pair))) == 9


@pytest.mark.parametrize("join", ["add", "mul", "concat"])
def test_designs_that_reach_one_shape_by_several_ways_are_all_kept(join: str) -> None:
    space = Space(branch(conv(oneof(2, 4, 6)), conv(oneof(2, 4, 6)), join=join), input=INPUT)
    assert space.size() == len(set(space.enumerate())) == (9 if join == "concat" else 3)


def test_a_sequence_inside_a_sequence_is_one_sequence() -> None:
    flat, nested = seq(conv(2), conv(3), conv(4)), seq(seq(conv(2), conv(3)), seq(conv(4)))
    assert flat == nested
    assert hash(flat) == hash(nested)


def test_a_choice_among_choices_is_one_choice() -> None:
    assert oneof(oneof(1, 3), 5) == oneof(1, 3, 5)
    assert oneof(oneof(conv(2), conv(3)), skip()) == oneof(conv(2), conv(3), skip())
    weighted = oneof(oneof(1, 3), oneof(5, 7, weights=[1, 3]), weights=[2, 1])
    assert weighted.options == (1, 3, 5, 7)
    assert weighted.probabilities == pytest.approx((1 / 3, 1 / 3, 1 / 12, 1 / 4))


def test_a_choice_at_the_top_has_a_path_above_all_others() -> None:
    space = Space(oneof(seq(oneof(conv(4), skip()), conv(oneof(2, 6))), conv(oneof(4, 32))), input=INPUT)
    assert space.size() == 4 + 2
    assert set(space.enumerate()) == {
        *(Design({"choice": "seq", "choice.choice": o, "choice.conv.channels": c})
          for o in ("conv", "skip") for c in (2, 6)),
        *(Design({"choice": "conv", "choice.channels": c}) for c in (4, 32)),
    }  # fmt: skip
    assert all(one in space for one in space.enumerate())


def test_choices_inside_hyperparameters_that_are_blocks_or_tuples() -> None:
    from netwright.blocks import block
    from netwright.graph import Tensor

    @block
    def around(x: Tensor, inside: object = None, kernels: tuple[int, ...] = (1,)) -> Tensor:
        for kernel in kernels:
            x = conv(x, kernel=kernel)
        y: Tensor = inside(x)  # type: ignore[operator]
        return y

    inside = oneof(conv(oneof(4, 8)), conv(6, kernel=1))
    space = Space(around(inside=inside, kernels=(1, oneof(3, 5))), input=INPUT)
    assert space.size() == 3 * 2
    assert {tuple(design) for design in space.enumerate()} == {
        ("inside", "inside.channels", "kernels.1"),
        ("inside", "kernels.1"),
    }
    for design, row in zip(space.enumerate(), space.all_costs(["params"]), strict=True):
        assert space.costs(design, ["params"])["params"] == row[0]


def test_numbers_of_any_size_name_a_design() -> None:
    space = Space(repeat(conv(None, kernel=oneof(1, 3, 5)), times=60), input=INPUT)
    assert space.size() == 3**60
    number = 12345678901234567890123456789
    assert space.design_at(number) in space
    digits = [(1, 3, 5).index(int(value)) for value in space.design_at(number).values()]
    assert sum(digit * 3**i for i, digit in enumerate(reversed(digits))) == number
    with pytest.raises(DesignError, match=r"0\.\.42391158275216203514294433200, but got -1"):
        space.design_at(-1)


def test_a_long_chain_costs_its_length() -> None:
    """A chain through several widths must not enumerate its routes."""
    sizes = [len(Space(repeat(conv(oneof(4, 8, 12)), times=n), input=INPUT).forest) for n in (10, 20, 40)]
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])


def test_costs_of_a_users_own() -> None:
    heat = Additive("heat", "K", "square root of the multiply-adds", lambda node: node.op.macs(node) ** 0.5)
    space = Space(seq(conv(oneof(4, 8)), conv(oneof(4, 8))), input=INPUT, costs=[heat])
    rows = space.all_costs(["heat"])[:, 0]
    assert rows == pytest.approx([heat.of(space.network(design)) for design in space.enumerate()])
    histogram = space.histogram("heat")
    assert histogram.total == 4
    assert histogram.mean == pytest.approx(rows.mean())
    for value in rows:
        low, high = histogram.cdf(value)
        assert low <= Fraction(int((rows <= value).sum()), 4) <= high


def test_networks_raise_a_shape_error_only_where_the_space_does_not_contain_the_design() -> None:
    space = Space(residual(conv(oneof(3, 4))), input=INPUT)
    assert space.size() == 1
    assert Design({"body.channels": 4}) not in space
    with pytest.raises(ShapeError):
        space.network({"body.channels": 4})


def test_every_named_cost_is_known_to_every_space() -> None:
    space = Space(conv(oneof(4, 8)), input=INPUT)
    for name, cost in COSTS.items():
        assert space.additive(name) == cost.additive
        assert space.costs(space.design_at(0), [name])[name] > 0 or name == "flops:nasbench201"


def test_parts_by_name_and_by_place() -> None:
    space = Space(
        seq(conv(4), conv(oneof(4, 8)), named("mid", conv(oneof(2, 3))), tail=cell({(0, 1): conv(oneof(5, 6))})),
        input=INPUT,
    )
    assert list(space.decisions()) == ["conv_1.channels", "mid.channels", "tail.0-1.channels"]


def test_empty_parts_and_designs_without_decisions() -> None:
    space = Space(seq(conv(4), repeat(conv(4), times=0)), input=INPUT)
    assert list(space.enumerate()) == [Design({})]
    assert Source(Skip()).space().size() == 1
    assert space.sample(np.random.default_rng(0), 3) == [Design({})] * 3
