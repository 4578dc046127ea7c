"""Values while a program is converted: symbolic tensors, numbers known already, and the leaves that these become."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.graph import Constant, Parameter, Tensor, ops
from netwright.io._from_torch._form import NoFormError
from netwright.io._from_torch._state import State, array_of, dtype_name

if TYPE_CHECKING:
    import torch
    from torch import fx

__all__ = ["MOST_IN_A_CONSTANT", "Builder"]

MOST_IN_A_CONSTANT = 64
"""Known arrays of more elements become parameters that are not trained, so that they are stored with the weights."""


class Builder:
    """What a converter needs: the type of the node under conversion, and operands as tensors of a graph.

    A value is a Tensor of the graph, a torch.Tensor whose numbers are known, a number, None, or a list of these.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.node: fx.Node
        """The node that is being converted."""
        self.path = ""
        """Module in which it stands."""
        self._buffers: dict[int, Parameter] = {}
        self._leaves: dict[int, tuple[torch.Tensor, Tensor]] = {}

    def buffer(self, name: str) -> torch.Tensor:
        """Numbers of a buffer, which becomes the parameter of that name where it is needed as a tensor."""
        tensor = self.state.tensors[name].detach()
        self._buffers[id(tensor)] = self.state.parameter(name)
        self._leaves[id(tensor)] = (tensor, self._buffers[id(tensor)])
        return tensor

    # The node under conversion.

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of each output."""
        return [tuple(t.shape) for t in self._outputs()]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first output."""
        return self.shapes[0]

    @property
    def dtype(self) -> str:
        """Element type of the first output."""
        return dtype_name(self._outputs()[0].dtype)

    def _outputs(self) -> list[Any]:
        value = self.node.meta.get("val")
        values = list(value) if isinstance(value, (tuple, list)) else [value]
        return [v for v in values if v is not None]

    # Operands.

    def tensor(self, value: Any, dtype: str | None = None) -> Tensor:
        """A value as a tensor of the graph, cast to `dtype` if given; a number takes the node's dtype otherwise."""
        import torch

        if isinstance(value, Tensor):
            return value if dtype in (None, value.dtype) else ops.cast(value, to=dtype)
        if isinstance(value, torch.Tensor):
            if dtype is not None and dtype_name(value.dtype) != dtype:
                return self._leaf(value.to(getattr(torch, dtype)))
            return self._leaf(value)
        if isinstance(value, (bool, int, float)):
            return self.constant(value, dtype or self.dtype)
        raise NoFormError(f"{type(value).__name__} is no tensor")

    def tensors(self, values: Iterable[Any], dtype: str | None = None) -> list[Tensor]:
        """Each value as a tensor."""
        return [self.tensor(value, dtype) for value in values]

    def optional(self, value: Any, dtype: str | None = None) -> Tensor | None:
        """A value as a tensor, or None where it is absent."""
        return None if value is None else self.tensor(value, dtype)

    def constant(self, value: Any, dtype: str = "int64") -> Constant:
        """A small array that belongs to the computation."""
        if dtype.startswith(("int", "uint")) and isinstance(value, float) and not value.is_integer():
            raise NoFormError(f"{value} is no {dtype}")
        return Constant(np.asarray(value, dtype="float32" if dtype == "bfloat16" else dtype), dtype)

    def _leaf(self, tensor: torch.Tensor) -> Tensor:
        found = self._leaves.get(id(tensor))
        if found is None:
            # The tensor is kept beside its leaf, or its id could be given to another one.
            found = self._leaves[id(tensor)] = (tensor, self._new_leaf(tensor))
        return found[1]

    def _new_leaf(self, tensor: torch.Tensor) -> Tensor:
        name = dtype_name(tensor.dtype)
        if tensor.numel() == 0:
            raise NoFormError("an operand without elements")
        if tensor.numel() > MOST_IN_A_CONSTANT:
            return self.state.computed(self.node.name, tensor.contiguous(), self.path)
        array = array_of(tensor)
        return Constant(array.astype("float32") if name == "bfloat16" else array.copy(), name)

    # Types.

    def promoted(self, *values: Any) -> str:
        """Element type in which ATen does arithmetic on these values."""
        first = values[0]
        if isinstance(first, Tensor) and all(self._gives_way(v, first) for v in values[1:]):
            return first.dtype
        import torch

        result = self._stand_in(first)
        for value in values[1:]:
            dtype = torch.result_type(result, self._stand_in(value))
            rank = max(getattr(result, "ndim", 0), getattr(value, "rank", getattr(value, "ndim", 0)))
            result = torch.empty((1,) * rank, dtype=dtype, device="meta")
        return dtype_name(torch.result_type(result, result))

    def _gives_way(self, value: Any, first: Tensor) -> bool:
        """Whether a value does not change the type of a first operand, in the cases that need no asking."""
        if isinstance(value, Tensor):
            return value.dtype == first.dtype
        if isinstance(value, bool):
            return True
        return first.dtype.startswith("float") and isinstance(value, (int, float))

    def _stand_in(self, value: Any) -> Any:
        import torch

        if isinstance(value, Tensor):
            return torch.empty((1,) * value.rank, dtype=getattr(torch, value.dtype), device="meta")
        if isinstance(value, torch.Tensor):
            return torch.empty((1,) * value.ndim, dtype=value.dtype, device="meta")
        return value

    def operands(self, *values: Any) -> list[Tensor]:
        """Values as tensors of the type in which ATen does arithmetic on them."""
        return self.tensors(values, self.promoted(*values))

    @staticmethod
    def sizes(value: Any) -> tuple[int, ...]:
        """Shape of a tensor, known or not."""
        return tuple(value.shape)
