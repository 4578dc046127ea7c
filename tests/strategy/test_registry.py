from __future__ import annotations

import importlib.metadata
from importlib.metadata import EntryPoint

import pytest

from netwright.errors import StudyError, UnknownNameError
from netwright.strategy import (
    NSGA2,
    STRATEGIES,
    LocalSearch,
    Random,
    RegularisedEvolution,
    get_strategy,
    strategy_names,
)


@pytest.fixture
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        EntryPoint("greedy", "netwright.strategy:LocalSearch", "netwright.strategies"),
        EntryPoint("broken", "netwright.strategy:hypervolume", "netwright.strategies"),
        EntryPoint("random", "netwright.strategy:NSGA2", "netwright.strategies"),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: found)


def test_names() -> None:
    assert dict(STRATEGIES) == {
        "local-search": LocalSearch,
        "nsga2": NSGA2,
        "random": Random,
        "regularised-evolution": RegularisedEvolution,
    }
    for name, strategy in STRATEGIES.items():
        assert get_strategy(name) is strategy


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(
        UnknownNameError, match=r"no strategy is named 'nsga'; did you mean 'nsga2'\? known: .*random"
    ):
        get_strategy("nsga")


def test_registry_is_read_only() -> None:
    with pytest.raises(TypeError):
        STRATEGIES["mine"] = Random  # type: ignore[index]


@pytest.mark.usefixtures("_plugins")
def test_entry_points_add_names_and_replace_none() -> None:
    assert get_strategy("greedy") is LocalSearch
    assert get_strategy("random") is Random
    assert strategy_names() == ["broken", "greedy", "local-search", "nsga2", "random", "regularised-evolution"]
    with pytest.raises(UnknownNameError, match="greedy"):
        get_strategy("greedyy")


@pytest.mark.usefixtures("_plugins")
def test_an_entry_point_that_is_no_strategy_is_refused() -> None:
    with pytest.raises(
        StudyError, match=r"must name a subclass of Strategy, but broken names netwright\.strategy:hyper"
    ):
        get_strategy("broken")
