"""Numbers as text, their intervals, and the axes they stand on."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright import _page as page
from netwright.study import Comparison, Population
from netwright.study._report import _words as words
from netwright.study._report import comparison_page

REAL = st.floats(-1e12, 1e12, allow_nan=False)


def test_the_interval_of_a_share_is_the_published_one():
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 of 263 by score.
    assert words.wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_the_interval_of_a_difference_is_the_published_one():
    # Newcombe 1998, table II, method 10: 9 of 10 against 3 of 10, and 10 of 10 against 0 of 10.
    assert words.difference(0.9, 0.3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert words.difference(1.0, 0.0, 10) == pytest.approx((0.6075, 1.0), abs=5e-5)


@given(st.integers(1, 10_000), st.data())
def test_an_interval_holds_what_was_seen(n, data):
    a, b = (data.draw(st.integers(0, n)) / n for _ in range(2))
    low, high = words.wilson(a, n)
    assert 0 <= low <= a + 1e-12
    assert a - 1e-12 <= high <= 1
    low, high = words.difference(a, b, n)
    assert low - 1e-12 <= a - b <= high + 1e-12


@given(st.integers(1, 10**40), st.integers(1, 10**40))
def test_a_share_is_none_or_all_only_where_it_is(part, rest):
    said = page.percent(Fraction(part, part + rest))
    assert said not in ("0 %", "100 %") or rest * 10**11 < part


def test_the_share_of_nothing_and_of_everything():
    assert page.percent(Fraction(0)) == "0 %"
    assert page.percent(Fraction(1)) == "100 %"
    assert page.percent(Fraction(1, 10**400)) == "under 10⁻³⁰⁰ %"


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("accuracy", 1.0, "100.00 %"),
        ("accuracy", 97.5, "97.5"),
        ("params", 999_999, "999,999"),
        ("params", 5_400_000, "5.4 M"),
        ("latency_ms@here", 12.3456, "12.3 ms"),
        ("peak_memory", 3 * 2**20, "3 MiB"),
        ("traffic", 12, "12 B"),
        ("loss", 1e-7, "1 × 10⁻⁷"),
        ("loss", float("nan"), "—"),
        ("loss", float("inf"), "—"),
        ("loss", "0.5", "—"),
        ("loss", True, "—"),
        ("loss", 0, "0"),
        ("r2", -0.25, "-0.25"),
    ],
)
def test_quantities_have_their_unit(metric, value, said):
    assert page.quantity(metric, value) == said


@given(st.integers(0, 10**60))
def test_a_count_reads_as_its_number(number):
    said = page.count(number)
    if number < 10**8:
        assert said == f"{number:,}"
    else:
        lead, power = said.split(" × 10")
        back = float(lead) * 10 ** int(power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")))
        assert back == pytest.approx(number, rel=0.006)


@given(st.lists(REAL, min_size=1, max_size=60), st.sampled_from([-1, 0, 1]))
def test_any_values_get_an_axis_with_places_in_it(values, better):
    axis = page.fit("loss", values, better=better)
    assert axis.low < axis.high
    assert all(0 <= axis.at(value) <= 1 for value in values)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 12
    assert all(0 <= place <= 1 for place, _ in ticks)
    assert [place for place, _ in ticks] == sorted(place for place, _ in ticks)


@given(st.lists(st.floats(1e-9, 1e15), min_size=1, max_size=30))
def test_costs_are_all_within_their_axis(values):
    axis = page.fit("params", values)
    assert axis.cut == 0
    assert not any(axis.outside(value) for value in values)


def test_a_few_untrained_networks_do_not_press_the_others_together():
    values = [0.97 + i * 0.0005 for i in range(50)] + [0.1, 0.1]
    axis = page.fit("accuracy", values, better=1)
    assert axis.low > 0.9
    assert axis.cut == 2
    assert axis.at(0.1) == 0
    assert page.fit("accuracy", values, better=1, also=[0.1]).cut == 0


@pytest.mark.parametrize("most", [1, 2, 10, 10**20, 10**400])
def test_counts_of_any_size_have_an_axis(most):
    axis = page.count_axis("designs", most)
    assert 0 < axis.at(1) < 1
    assert 1 <= len(axis.ticks()) <= 8


def test_a_comparison_tells_how_many_designs_lie_beyond_its_scale():
    near = Population("near", "macs", 1, tuple(1e6 + 1e4 * i for i in range(40)), {"params": tuple(range(40))})
    far = Population("far", "macs", 1, (*near.values[1:], 9e8), {"params": tuple(range(40))})
    assert "drawn at its edge: 1 design." not in comparison_page(Comparison("macs", (), (near, near)), "Near")
    assert comparison_page(Comparison("macs", (), (near, far)), "Far").count("drawn at its edge: 1 design.") == 2
