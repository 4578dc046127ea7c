"""The module with two rows: does it do for each what the graph of one row, made free of its batch, does?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from netwright.graph import Graph, Input, Shape, Tensor
from netwright.io._agreement import difference
from netwright.io._from_torch._convert import Conversion
from netwright.io._from_torch._exporting import as_exported, traced
from netwright.io._from_torch._state import array_of, dtype_name
from netwright.io._module import to_module
from netwright.io._two_rows import same_steps

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["Original"]

TOLERANCE = 1e-3
"""Of the largest output; float32 alone costs some networks 5e-4, a batch size as a number mostly half."""
TOLERANCE_OF_HALF = 3e-2
"""The same in float16 and bfloat16."""


class Original:
    """A module and its arguments of one row, asked whether a graph is right for two.

    It is traced with two rows, which runs nothing, and what it does is compared step by step. Only where a step
    differs do both run on two rows of numbers, and the outputs decide. A module that refuses two rows objects to
    nothing: the graph is then the module on each row alone.
    """

    def __init__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs

    def confirms(self, one: Graph, freed: Graph, sizes: Mapping[Tensor, Shape], conversion: Conversion) -> bool:
        """Whether the freed graph does for two rows what the module does; `one` is the graph for one row."""
        axes = [t.batch_axis for t in one.inputs]
        try:
            twin = self._twin(axes, conversion)
        except Exception:
            # The module may refuse two rows, and a tracer has many ways to fail: the numbers decide.
            twin = None
        if twin is not None and same_steps(one, sizes, twin, conversion.state.numbers):
            return True
        return self._agrees(freed, axes)

    def _twin(self, axes: Sequence[int | None], conversion: Conversion) -> Graph | None:
        """Graph of the module for two rows, on the same parameters; None where it has no counterpart."""
        given = self._rows(axes, _twice)
        program = traced(self.module, *given)
        inputs = [Input(tuple(t.shape), dtype_name(t.dtype), f"input_{i}") for i, t in enumerate(_arrays(given))]
        made = conversion.again(program, inputs)
        return None if made is None else Graph(inputs, made)

    def _agrees(self, freed: Graph, axes: Sequence[int | None]) -> bool:
        """Whether both give the same numbers for two different rows."""
        import torch

        if freed.weights is None and freed.parameters:
            return False
        args, kwargs = self._rows(axes, _two_different)
        try:
            with as_exported(self.module):
                expected = _arrays(self.module(*args, **kwargs))
        except Exception:
            return True
        with torch.no_grad():
            found = _arrays(to_module(freed).eval()(*_arrays((args, kwargs))))
        half = any(t.dtype in (torch.float16, torch.bfloat16) for t in expected)
        limit = TOLERANCE_OF_HALF if half else TOLERANCE
        return len(found) == len(expected) and difference(_numbers(found), _numbers(expected)) <= limit

    def _rows(self, axes: Sequence[int | None], change: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with two rows in each tensor that has a batch."""
        import torch
        from torch.utils import _pytree

        left = iter(axes)

        def changed(value: Any) -> Any:
            return value if not isinstance(value, torch.Tensor) or next(left) is None else change(value)

        made: tuple[tuple[Any, ...], dict[str, Any]] = _pytree.tree_map(changed, (self.args, self.kwargs))
        return made


def _arrays(values: Any) -> list[torch.Tensor]:
    """Tensors in nested arguments or outputs, in order."""
    import torch
    from torch.utils import _pytree

    return [leaf for leaf in _pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor)]


def _numbers(tensors: Sequence[torch.Tensor]) -> list[NDArray[Any]]:
    """Arrays of tensors, half precision, which NumPy knows in part, as float64."""
    return [array_of(t.double() if t.is_floating_point() else t) for t in tensors]


def _twice(row: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.cat([row, row]) if row.ndim else row


def _two_different(row: torch.Tensor) -> torch.Tensor:
    """The row and another one: random floats, or the numbers of the row in another order, which are as valid."""
    import torch

    if not row.ndim:
        return row
    if row.dtype.is_floating_point:
        generator = torch.Generator().manual_seed(1)
        return torch.cat([row, torch.randn(row.shape, generator=generator).to(row.dtype)])
    return torch.cat([row, row.flip(-1)])
