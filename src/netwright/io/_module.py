"""The live PyTorch module of a graph, made by running the very source that is exported."""

from __future__ import annotations

import linecache
import weakref
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from netwright._optional import require
from netwright.errors import ExportError
from netwright.graph import Graph
from netwright.io._to_torch._source import to_torch_source

if TYPE_CHECKING:
    from torch import nn

__all__ = ["module_from_source", "to_module", "weights_of"]


def to_module(graph: Graph, *, seed: int = 0) -> nn.Module:
    """PyTorch module of a graph: the class of `to_torch_source(graph)`, so that what is trained is what is exported.

    Its weights are the graph's own, or, where it has none, the initial ones drawn with `seed`. The global random
    state of torch is left as it was.

    >>> from netwright.blocks._layers import linear
    >>> from netwright.graph import Graph, vector
    >>> x = vector(13)
    >>> module = to_module(Graph([x], [linear(x, 3)]))
    >>> module
    Model(
      (linear): Linear(in_features=13, out_features=3, bias=True)
    )

    Raises ExportError for a graph that PyTorch cannot express.
    """
    module = module_from_source(to_torch_source(graph))
    if graph.weights is not None:
        load_weights(module, graph.weights)
    elif seed and graph.parameters:
        module.reset_parameters(seed)  # type: ignore[operator]
    return module


def module_from_source(source: str, name: str = "Model") -> nn.Module:
    """Run a source and construct its module."""
    torch = require("torch", extra="train")
    filename = f"<netwright model {uuid4().hex}>"
    namespace: dict[str, Any] = {"__name__": "netwright_model"}
    exec(compile(source, filename, "exec"), namespace)
    with torch.random.fork_rng(devices=[]):
        module: nn.Module = namespace[name]()
    # With its lines known, a traceback through the model shows them; they go when the module goes.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    weakref.finalize(module, linecache.cache.pop, filename, None)
    return module


def load_weights(module: nn.Module, weights: Any) -> None:
    """Copy arrays into a module by name."""
    require("torch", extra="train")
    module.load_state_dict({name: _copied(np.array(value)) for name, value in weights.items()})


def _copied(array: NDArray[Any]) -> Any:
    """Tensor on the memory of an array; bfloat16, which PyTorch does not read from NumPy, by its bits."""
    import torch

    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def weights_of(module: nn.Module, graph: Graph) -> dict[str, NDArray[np.generic]]:
    """Arrays of a module's parameters and buffers by their names in the graph, ready for `graph.with_weights`.

    >>> from netwright.blocks._layers import linear
    >>> from netwright.graph import Graph, vector
    >>> x = vector(13)
    >>> graph = Graph([x], [linear(x, 3)])
    >>> graph.with_weights(weights_of(to_module(graph), graph))
    <Graph 1x13 -> 1x3, 1 node, 2 parameters>

    Raises ExportError when the module has no tensor of a name, or one of bfloat16, which NumPy lacks.
    """
    state = module.state_dict()
    missing = [name for name in graph.parameters if name not in state]
    if missing:
        raise ExportError(f"a module must have the parameters of its graph, but has no {', '.join(missing[:3])}.")
    half = [name for name in graph.parameters if str(state[name].dtype) == "torch.bfloat16"]
    if half:
        raise ExportError(f"arrays must have an element type of NumPy, but {', '.join(half[:3])} would be bfloat16.")
    return {name: state[name].detach().cpu().numpy().copy() for name in graph.parameters}
