from __future__ import annotations

import pytest

from netwright.strategy import NSGA2, LocalSearch, Random, RegularisedEvolution, Strategy
from netwright.testing import StrategyConformance


class TestRandom(StrategyConformance):
    @pytest.fixture
    def strategy_class(self) -> type[Strategy]:
        return Random


class TestRegularisedEvolution(StrategyConformance):
    beats_random = True

    @pytest.fixture
    def strategy_class(self) -> type[Strategy]:
        return RegularisedEvolution


class TestNSGA2(StrategyConformance):
    beats_random = True

    @pytest.fixture
    def strategy_class(self) -> type[Strategy]:
        return NSGA2


class TestLocalSearch(StrategyConformance):
    beats_random = True

    @pytest.fixture
    def strategy_class(self) -> type[Strategy]:
        return LocalSearch
