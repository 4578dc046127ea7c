"""Parameters and buffers of a module as those of a graph: names, scopes, and arrays in the module's own memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import ModelError
from netwright.graph import DTYPE_BYTES, Graph, Init, Parameter, Scope, Tensor

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["State", "array_of", "dtype_name", "real"]


def dtype_name(dtype: torch.dtype) -> str:
    """Name of a torch dtype in the graph.

    Raises ModelError for one that the graph does not have, such as complex64.
    """
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPE_BYTES:
        raise ModelError(f"element types must be among {', '.join(DTYPE_BYTES)}, but got {name}.")
    return name


def real(value: Any) -> Any:
    """A tensor of complex numbers as one of pairs, (..., 2), as opaque nodes keep them; any other as it is."""
    import torch

    if not isinstance(value, torch.Tensor) or not value.is_complex():
        return value
    return torch.view_as_real(value.resolve_conj())


def array_of(tensor: torch.Tensor) -> NDArray[Any]:
    """Array that shares the memory of a tensor; bfloat16, which NumPy lacks, through ml_dtypes."""
    import torch

    tensor = tensor.detach()
    if tensor.device.type != "cpu":
        tensor = tensor.cpu()
    if tensor.dtype != torch.bfloat16:
        array: NDArray[Any] = tensor.resolve_neg().numpy()
        return array
    import ml_dtypes

    return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)


class State:
    """The named tensors of one module, each as one Parameter however many names it has."""

    def __init__(self, module: nn.Module) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self._trainable: set[int] = set()
        for name, parameter in module.named_parameters(remove_duplicate=False):
            self.tensors[name] = parameter
            if parameter.requires_grad:
                self._trainable.add(id(parameter))
        self.tensors.update(module.named_buffers(remove_duplicate=False))
        self._first: dict[int, str] = {}
        for name, tensor in self.tensors.items():
            self._first.setdefault(id(tensor), name)
        self._scopes: dict[str, Scope | None] = {"": None}
        self._parameters: dict[str, Parameter] = {}
        self._sources: dict[Tensor, torch.Tensor] = {}

    def scope(self, path: str) -> Scope | None:
        """The one scope of a module path such as `layers.0.attn`."""
        if path not in self._scopes:
            parent, _, name = path.rpartition(".")
            self._scopes[path] = Scope(name, self.scope(parent))
        return self._scopes[path]

    def parameter(self, name: str) -> Parameter:
        """Parameter of a tensor in the state dict; a tied one under its first name."""
        tensor = self.tensors[name]
        first = self._first[id(tensor)]
        if first not in self._parameters:
            self._parameters[first] = self._made(first, tensor, id(tensor) in self._trainable)
        return self._parameters[first]

    def numbers(self, parameter: Parameter) -> NDArray[np.generic] | None:
        """Array of a parameter; None on the meta device."""
        tensor = self._sources[parameter]
        return None if tensor.is_meta else array_of(tensor)

    def computed(self, name: str, tensor: torch.Tensor, path: str) -> Parameter:
        """Parameter, not trained, of an array that the module computes from nothing but numbers."""
        return self._made(f"{path}.{name}" if path else name, tensor, False)

    def _made(self, name: str, tensor: torch.Tensor, trainable: bool) -> Parameter:
        path, _, hint = name.rpartition(".")
        made = Parameter(
            hint, tuple(tensor.shape), Init("zeros"), trainable, dtype_name(tensor.dtype), self.scope(path)
        )
        self._sources[made] = tensor
        return made

    def weights(self, graph: Graph) -> dict[str, NDArray[np.generic]] | None:
        """Array of each parameter of a graph; None for a module on the meta device, which has none."""
        if any(self._sources[p].is_meta for p in graph.parameters.values()):
            return None
        return {name: array_of(self._sources[p]) for name, p in graph.parameters.items()}
