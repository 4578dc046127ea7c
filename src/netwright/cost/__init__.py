"""Analytic costs over a graph, limits on them, and the guidelines that warn about a graph."""

from netwright.cost._alpha_flops import AlphaFlops
from netwright.cost._amounts import Amounts
from netwright.cost._blocks import Block, NodeCost, opened
from netwright.cost._compare import Change, Comparison, compare
from netwright.cost._cost import Additive, Cost, DecisionCost, activation_bytes
from netwright.cost._costs import COSTS, cost, costs_of
from netwright.cost._decoding import (
    Cache,
    Decoding,
    attention_decoding,
    experts_decoding,
    key_value_cache,
    latent_decoding,
)
from netwright.cost._guidelines import RULES, Finding, by_operator, guidelines
from netwright.cost._intensity import WeightedIntensity, bytes_by_dtype
from netwright.cost._limits import Limit
from netwright.cost._memory import MemoryPlan, memory_plan
from netwright.cost._page import profile_page
from netwright.cost._profile import OperatorCost, Profile, profile
from netwright.cost._roofline import Roof

__all__ = [
    "COSTS",
    "RULES",
    "Additive",
    "AlphaFlops",
    "Amounts",
    "Block",
    "Cache",
    "Change",
    "Comparison",
    "Cost",
    "DecisionCost",
    "Decoding",
    "Finding",
    "Limit",
    "MemoryPlan",
    "NodeCost",
    "OperatorCost",
    "Profile",
    "Roof",
    "WeightedIntensity",
    "activation_bytes",
    "attention_decoding",
    "by_operator",
    "bytes_by_dtype",
    "compare",
    "cost",
    "costs_of",
    "experts_decoding",
    "guidelines",
    "key_value_cache",
    "latent_decoding",
    "memory_plan",
    "opened",
    "profile",
    "profile_page",
]
