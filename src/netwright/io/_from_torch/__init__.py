"""PyTorch in: a module as `torch.export` sees it, operator by operator, in the vocabulary of the graph."""

from netwright.io._from_torch._assemble import from_torch

__all__ = ["from_torch"]
