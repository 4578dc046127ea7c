"""How the parameters of a graph start: each Init with its fans worked out, and the arrays drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import ExportError
from netwright.graph import Graph, Init, Parameter

__all__ = ["initial_weights", "resolved_init"]

_KINDS = ("zeros", "ones", "constant", "normal", "uniform", "kaiming", "xavier", "signs")


def resolved_init(graph: Graph, parameter: Parameter) -> Init:
    """Init of a parameter; kaiming and xavier with the number of their law where the usual fans do not hold.

    PyTorch and ONNX layers keep (outputs, inputs, *kernel). A right factor of MatMul keeps (..., inputs, outputs), so
    its kaiming becomes a normal with the standard deviation that follows from the inputs; the same for vectors,
    which have no fans.
    """
    kind = parameter.init.kind
    if kind not in _KINDS:
        known = ", ".join(_KINDS)
        raise ExportError(f"the Init of {graph.names[parameter]} must be one of {known}, but is {kind!r}.")
    if kind not in ("kaiming", "xavier"):
        return parameter.init
    usual, (fan_in, fan_out) = _usual_fans(parameter), _fans(graph, parameter)
    if kind == "kaiming":
        same = usual is not None and usual[0] == fan_in
        return parameter.init if same else Init("normal", sqrt(2 / fan_in))
    same = usual is not None and sum(usual) == fan_in + fan_out
    return parameter.init if same else Init("uniform", sqrt(6 / (fan_in + fan_out)))


def _usual_fans(parameter: Parameter) -> tuple[int, int] | None:
    shape = parameter.shape
    return (prod(shape[1:]), shape[0] * prod(shape[2:])) if len(shape) >= 2 else None


def _fans(graph: Graph, parameter: Parameter) -> tuple[int, int]:
    shape = parameter.shape
    for node in graph.users.get(parameter, ()):
        transposed = node.op.name == "Gemm" and not node.attrs["transB"]
        if (node.op.name == "MatMul" or transposed) and len(shape) >= 2 and node.inputs[1] is parameter:
            return shape[-2], shape[-1]
    return _usual_fans(parameter) or (parameter.size, parameter.size)


def initial_weights(
    graph: Graph, seed: int = 0, *, only: Collection[str] | None = None
) -> dict[str, NDArray[np.generic]]:
    """Array for every parameter, or for those named in `only`, drawn from its Init; equal seeds give equal arrays.

    >>> from netwright.graph import Graph, Init, ops, parameter, vector
    >>> graph = Graph([x := vector(4)], [ops.gemm(x, parameter("weight", (2, 4), Init("ones")))])
    >>> initial_weights(graph)["weight"].sum()
    np.float32(8.0)

    Raises ExportError for an unknown kind of Init, and for a parameter of bfloat16, which NumPy lacks.
    """
    rng = np.random.default_rng(seed)
    wanted = {name: p for name, p in graph.parameters.items() if only is None or name in only}
    half = [name for name, p in wanted.items() if p.dtype == "bfloat16"]
    if half:
        raise ExportError(f"arrays must have an element type of NumPy, but {', '.join(half[:3])} would be bfloat16.")
    return {name: _drawn(resolved_init(graph, p), p, rng) for name, p in wanted.items()}


def _drawn(init: Init, parameter: Parameter, rng: np.random.Generator) -> NDArray[np.generic]:
    shape, value = parameter.shape, init.value
    fan_in, fan_out = _usual_fans(parameter) or (1, 1)
    draws: dict[str, Callable[[], Any]] = {
        "zeros": lambda: np.zeros(shape),
        "ones": lambda: np.ones(shape),
        "constant": lambda: np.full(shape, value),
        "normal": lambda: rng.normal(0.0, value, shape),
        "uniform": lambda: rng.uniform(-value, value, shape),
        "kaiming": lambda: rng.normal(0.0, sqrt(2 / fan_in), shape),
        "xavier": lambda: rng.uniform(-1.0, 1.0, shape) * sqrt(6 / (fan_in + fan_out)),
        "signs": lambda: rng.integers(0, 2, shape) * 2.0 - 1.0,
    }
    return np.asarray(draws[init.kind]()).astype(parameter.dtype)
