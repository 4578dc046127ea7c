"""What to try next: ask and tell.

A strategy proposes designs of a space and is told how each one did. It stores nothing, trains nothing and knows no
hardware; a study does that around it.
"""

from netwright.strategy._base import (
    Direction,
    Objective,
    Outcome,
    Proposal,
    SearchSpace,
    State,
    Strategy,
)
from netwright.strategy._fronts import (
    best_first,
    crowding_distances,
    dominates,
    hypervolume,
    pareto_front,
    pareto_ranks,
)
from netwright.strategy._local_search import LocalSearch
from netwright.strategy._nsga2 import NSGA2
from netwright.strategy._random import Random
from netwright.strategy._registry import STRATEGIES, get_strategy, strategy_names
from netwright.strategy._regularised_evolution import RegularisedEvolution

__all__ = [
    "NSGA2",
    "STRATEGIES",
    "Direction",
    "LocalSearch",
    "Objective",
    "Outcome",
    "Proposal",
    "Random",
    "RegularisedEvolution",
    "SearchSpace",
    "State",
    "Strategy",
    "best_first",
    "crowding_distances",
    "dominates",
    "get_strategy",
    "hypervolume",
    "pareto_front",
    "pareto_ranks",
    "strategy_names",
]
