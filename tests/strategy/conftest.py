from __future__ import annotations

import pytest

from netwright.strategy import Objective


@pytest.fixture
def accuracy() -> Objective:
    return Objective("accuracy", "maximize")


@pytest.fixture
def macs() -> Objective:
    return Objective("macs", "minimize")
