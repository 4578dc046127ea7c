"""Language models on a device: what one does for each token, and how long it reads a prompt and writes a token."""

from netwright.target._language_model._generation import PHASES, PartTime, Step, step, turning_batch
from netwright.target._language_model._parts_of_graph import parts_of
from netwright.target._language_model._transformer import Part, Transformer, linear, pointwise

__all__ = [
    "PHASES",
    "Part",
    "PartTime",
    "Step",
    "Transformer",
    "linear",
    "parts_of",
    "pointwise",
    "step",
    "turning_batch",
]
