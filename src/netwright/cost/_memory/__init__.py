"""Peak activation memory: of an order, its lower bound, and the best order that can be found."""

from netwright.cost._memory._bound import closures
from netwright.cost._memory._plan import MemoryPlan, Schedule, all_nodes, memory_plan, peak_memory, schedule
from netwright.cost._memory._problem import VIEWS, Layout, Problem, Step, problem_of

__all__ = [
    "VIEWS",
    "Layout",
    "MemoryPlan",
    "Problem",
    "Schedule",
    "Step",
    "all_nodes",
    "closures",
    "memory_plan",
    "peak_memory",
    "problem_of",
    "schedule",
]
