from __future__ import annotations

import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.cost import Limit
from netwright.errors import LimitError

bounds = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15).map(float)
metrics = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}(@[a-z][a-z0-9.-]{0,6})?", fullmatch=True)


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    low, high = draw(st.none() | bounds), draw(st.none() | bounds)
    if low is None and high is None:
        high = draw(bounds)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return Limit(draw(metrics), low, high)


@pytest.mark.parametrize(
    ("text", "metric", "low", "high"),
    [
        ("params <= 50k", "params", None, 50_000),
        ("params<=50k", "params", None, 50_000),
        ("  params  <=  50 K ", "params", None, 50_000),
        ("macs >= 1.5M", "macs", 1_500_000, None),
        ("400M <= macs <= 420M", "macs", 400_000_000, 420_000_000),
        ("420M >= macs >= 400M", "macs", 400_000_000, 420_000_000),
        ("1k <= params", "params", 1_000, None),
        ("latency_ms@here<=0.5", "latency_ms@here", None, 0.5),
        ("latency_ms@raspberry-pi-4.1 <= .5", "latency_ms@raspberry-pi-4.1", None, 0.5),
        ("peak_memory <= 320KiB", "peak_memory", None, 327_680),
        ("peak_memory <= 2Mi", "peak_memory", None, 2_097_152),
        ("peak_memory <= 1GiB", "peak_memory", None, 1_073_741_824),
        ("params <= 7B", "params", None, 7_000_000_000),
        ("params <= 7G", "params", None, 7_000_000_000),
        ("flops <= 1.2T", "flops", None, 1_200_000_000_000),
        ("loss <= -2.5", "loss", None, -2.5),
        ("macs <= 1e6", "macs", None, 1_000_000),
        ("params <= 8.2M", "params", None, 8_200_000),
        ("5 <= params <= 5", "params", 5, 5),
    ],
)
def test_parse(text: str, metric: str, low: float | None, high: float | None) -> None:
    assert Limit.parse(text) == Limit(metric, low, high)


@pytest.mark.parametrize(
    "text",
    [
        "params < 50k", "params > 50k", "1 < params <= 5", "params = 50k", "params == 50k", "params =< 50k",
        "params <== 50k", "params << 50k", "params ≤ 50k", "", "params", "params <=", "<= 50k", "3 <= 5",
        "params <= macs", "1 <= params >= 3", "1 <= params <= 2 <= 3", "params <= 3 <= 4", "params <= 50 000",
        "params <= 50,000",
        "params <= inf", "params <= nan", "params <= 1e400", "params <= 1e99999", "params <= 0x10", "two words <= 5",
    ],
)  # fmt: skip
def test_parse_refuses(text: str) -> None:
    with pytest.raises(LimitError):
        Limit.parse(text)


@pytest.mark.parametrize("text", ["params < 50k", "params", "params <= 50 000", "params = 3"])
def test_refusal_shows_the_accepted_forms_and_what_came(text: str) -> None:
    with pytest.raises(LimitError, match=r"'params <= 50k'.* only <= and >=") as caught:
        Limit.parse(text)
    assert repr(text) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", ["5kB", "5MB", "5 bytes", "5m", "5ki"])
def test_unknown_suffix_lists_the_known_ones(number: str) -> None:
    with pytest.raises(LimitError, match=r"k, M, G, B, T, Ki, Mi or Gi"):
        Limit.parse(f"params <= {number}")


def test_low_above_high_is_refused() -> None:
    with pytest.raises(LimitError, match=r"`low <= high` must hold .* macs, but got low=420M, high=400M"):
        Limit.parse("420M <= macs <= 400M")


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [
        ("params", None, None),
        ("params", math.nan, None),
        ("params", None, math.inf),
        ("", 1, 2),
        ("a b", 1, 2),
        ("3", 1, 2),
    ],
)
def test_constructor_refuses(metric: str, low: float | None, high: float | None) -> None:
    with pytest.raises(LimitError):
        Limit(metric, low, high)


@given(limits())
def test_text_reads_back(limit: Limit) -> None:
    assert Limit.parse(str(limit)) == limit
    assert Limit.parse(str(limit).replace(" ", "")) == limit


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (50_000, "50k"), (1_500_000, "1.5M"), (327_680, "327680"), (1234, "1234"), (0.5, "0.5"), (0, "0"),
        (2_000_000_000, "2G"), (-3000, "-3k"), (1e-9, "1e-09"), (sys.float_info.max, repr(sys.float_info.max)),
    ],
)  # fmt: skip
def test_text_is_short(value: float, written: str) -> None:
    assert str(Limit("params", high=value)) == f"params <= {written}"


@given(limits(), st.floats())
def test_violation_is_zero_exactly_where_the_limit_holds(limit: Limit, value: float) -> None:
    assert (limit.violation(value) == 0) == limit.holds(value) or abs(limit.violation(value)) < 1e-300


def test_violation_is_relative() -> None:
    assert Limit.parse("params <= 50k").violation(75_000) == 0.5
    assert Limit.parse("1M <= macs <= 2M").violation(0.75e6) == 0.25
    assert Limit.parse("loss <= -2").violation(-1) == 0.5
    assert Limit.parse("loss <= 0").violation(0.25) == 0.25
    assert Limit.parse("loss <= 0").violation(math.nan) == math.inf
    assert not Limit.parse("loss <= 0").holds(math.nan)


@pytest.mark.parametrize(
    ("given_as", "expected"),
    [
        (None, []),
        ([], []),
        ({}, []),
        ("params <= 50k", ["params <= 50k"]),
        (Limit("params", high=50_000), ["params <= 50k"]),
        ({"params": "<= 50k", "macs": ">=1M"}, ["params <= 50k", "macs >= 1M"]),
        (["params <= 50k", Limit("macs", low=1e6)], ["params <= 50k", "macs >= 1M"]),
        (("params <= 50k", "params >= 10k", "params <= 40k"), ["10k <= params <= 40k"]),
    ],
)
def test_of(given_as: Any, expected: list[str]) -> None:
    assert [str(limit) for limit in Limit.of(given_as)] == expected


@pytest.mark.parametrize(
    "given_as", [7, [7], [None], {"params": 50_000}, {"params": "50k"}, ["params"], {"params": "< 5"}]
)
def test_of_refuses(given_as: Any) -> None:
    with pytest.raises(LimitError, match=r"'params <= 50k'"):
        Limit.of(given_as)


def test_of_refuses_bounds_that_exclude_each_other() -> None:
    with pytest.raises(LimitError, match=r"`low <= high` must hold for a limit on params"):
        Limit.of(["params >= 60k", "params <= 50k"])
