"""Conformance suites: what every plug-in, ours or yours, must pass.

Subclass a suite in a test file of your own and give it its one fixture. pytest is needed.
"""

import pytest

# Before the imports, or a failing check of a suite would show no values.
pytest.register_assert_rewrite(
    "netwright.testing._executor",
    "netwright.testing._export",
    "netwright.testing._space",
    "netwright.testing._strategy",
    "netwright.testing._target",
)

from netwright.testing._executor import ExecutorConformance  # noqa: E402
from netwright.testing._export import assert_exports_agree  # noqa: E402
from netwright.testing._small_networks import SMALL_NETWORKS, small_network  # noqa: E402
from netwright.testing._space import SpaceConformance  # noqa: E402
from netwright.testing._strategy import StrategyConformance, drive  # noqa: E402
from netwright.testing._target import TargetConformance  # noqa: E402
from netwright.testing._toy_space import ToySpace  # noqa: E402

__all__ = [
    "SMALL_NETWORKS",
    "ExecutorConformance",
    "SpaceConformance",
    "StrategyConformance",
    "TargetConformance",
    "ToySpace",
    "assert_exports_agree",
    "drive",
    "small_network",
]
