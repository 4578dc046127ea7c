"""Analytic costs over a graph, and limits on them."""

from netwright.cost._cost import COSTS, Additive, Cost, activation_bytes, cost, costs_of
from netwright.cost._limits import Limit

__all__ = ["COSTS", "Additive", "Cost", "Limit", "activation_bytes", "cost", "costs_of"]
