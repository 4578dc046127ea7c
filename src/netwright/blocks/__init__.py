"""The vocabulary: one published block, one function, one file."""

from netwright.blocks._base import Block, Call, block
from netwright.blocks._layers import conv

__all__ = ["Block", "Call", "block", "conv"]
