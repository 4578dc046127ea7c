"""Peak activation memory: of an order, its lower bound, and the best order that can be found."""

from netwright.cost._memory._plan import MemoryPlan, memory_plan, peak_memory
from netwright.cost._memory._problem import VIEWS

__all__ = ["VIEWS", "MemoryPlan", "memory_plan", "peak_memory"]
