"""The frozen computation graph that costs, code, drawings, encodings and transforms all read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright._count import counted
from netwright.errors import GraphError
from netwright.graph._scope import Scope
from netwright.graph._tensor import Constant, Input, Node, Parameter, Tensor

if TYPE_CHECKING:
    import onnx
    from torch import nn

__all__ = ["Graph", "topological_order"]

Weights = Mapping[str, NDArray[np.generic]]


def topological_order(outputs: Iterable[Tensor]) -> tuple[Node, ...]:
    """Nodes that the outputs need, each after the nodes it reads; depth first in the order of the inputs.

    >>> from netwright.graph import image, ops
    >>> x = image(1, 4, 4)
    >>> [node.op.name for node in topological_order([ops.relu(x) + x])]
    ['Relu', 'Add']
    """
    order: list[Node] = []
    done: set[int] = set()
    stack = [t.node for t in reversed(list(outputs)) if t.node is not None]
    while stack:
        node = stack[-1]
        if id(node) in done:
            stack.pop()
            continue
        waiting = [t.node for t in node.inputs if t is not None and t.node is not None and id(t.node) not in done]
        if waiting:
            stack.extend(reversed(waiting))
        else:
            stack.pop()
            done.add(id(node))
            order.append(node)
    return tuple(order)


class Graph:
    """A network: inputs, outputs, nodes in the ONNX operator vocabulary, named parameters, optional weights.

    >>> from netwright.graph import image, ops, parameter
    >>> x = image(3, 8, 8)
    >>> graph = Graph([x], [ops.relu(ops.conv(x, parameter("weight", (4, 3, 3, 3)), pads=1))])
    >>> graph
    <Graph 1x3x8x8 -> 1x4x8x8, 2 nodes, 1 parameter>
    >>> graph.parameters["weight"].shape
    (4, 3, 3, 3)

    Raises GraphError when an output depends on an Input that is not among the inputs, or when a weight is not of its
    parameter's shape.
    """

    def __init__(self, inputs: Sequence[Input], outputs: Sequence[Tensor], weights: Weights | None = None) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.nodes = topological_order(self.outputs)
        self.weights = None if weights is None else MappingProxyType(dict(weights))
        known = set(self.inputs)
        for tensor in self.leaves:
            if isinstance(tensor, Input) and tensor not in known:
                raise GraphError(f"every input must be listed, but {tensor.name!r} {tensor.shape} is not.")
        if weights is not None:
            _check_weights(self.parameters, weights)

    def __repr__(self) -> str:
        inputs, outputs = (", ".join("x".join(map(str, t.shape)) for t in ts) for ts in (self.inputs, self.outputs))
        sizes = f"{counted(len(self.nodes), 'node')}, {counted(len(self.parameters), 'parameter')}"
        return f"<Graph {inputs} -> {outputs}, {sizes}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from netwright.graph._pickle import packed, unpacked

        return unpacked, packed(self)

    def _repr_svg_(self) -> str:
        # Notebooks ask for this; drawing lives above this room and is loaded only then.
        from netwright.io._drawing._draw import repr_svg

        return repr_svg(self)

    @classmethod
    def from_onnx(
        cls,
        source: str | Path | onnx.ModelProto,
        *,
        dims: Mapping[str, int] | None = None,
        constants: Mapping[str, Any] | None = None,
        strict: bool = True,
        recognise: bool = True,
    ) -> Graph:
        """Graph of an ONNX model: see `netwright.io.from_onnx`.

        >>> from netwright.graph import image, ops
        >>> from netwright.io import to_onnx
        >>> x = image(3, 8, 8)
        >>> Graph.from_onnx(to_onnx(Graph([x], [ops.flatten(ops.relu(x))])))
        <Graph 1x3x8x8 -> 1x192, 2 nodes, 0 parameters>

        Raises ModelError where the model cannot be read or contradicts itself, and UnsupportedError where it has
        nodes without counterpart and `strict` is set.
        """
        from netwright.io import from_onnx

        return from_onnx(source, dims=dims, constants=constants, strict=strict, recognise=recognise)

    @classmethod
    def from_torch(cls, model: nn.Module, example: Any, *, strict: bool = True, recognise: bool = True) -> Graph:
        """Graph of a PyTorch module on an example of its inputs: see `netwright.io.from_torch`.

        >>> from torch import nn
        >>> Graph.from_torch(nn.Sequential(nn.Linear(13, 8), nn.ReLU()), (1, 13))
        <Graph 1x13 -> 1x8, 2 nodes, 2 parameters>

        Raises ModelError where the module does not run on the example, and UnsupportedError where it has operators
        without counterpart and `strict` is set.
        """
        # Models are read above this room, by what is loaded only then.
        from netwright.io import from_torch

        return from_torch(model, example, strict=strict, recognise=recognise)

    @cached_property
    def leaves(self) -> tuple[Tensor, ...]:
        """Inputs, parameters and constants that the outputs need, in the order of first use."""
        found: dict[Tensor, None] = {}
        for node in self.nodes:
            for tensor in node.inputs:
                if tensor is not None and tensor.node is None:
                    found.setdefault(tensor)
        found.update((t, None) for t in self.outputs if t.node is None)
        return tuple(found)

    @cached_property
    def _scope_paths(self) -> dict[Scope, tuple[str, ...]]:
        """Unique path of each scope: siblings that share a name are numbered in the order of execution."""
        siblings: dict[Scope | None, dict[Scope, None]] = {}
        for innermost in self._scopes_in_order():
            scope: Scope | None = innermost
            while scope is not None and scope not in siblings.setdefault(scope.parent, {}):
                siblings[scope.parent][scope] = None
                scope = scope.parent
        paths: dict[Scope, tuple[str, ...]] = {}
        pending: list[Scope | None] = [None]
        while pending:
            parent = pending.pop()
            above = () if parent is None else paths[parent]
            for child, name in _numbered(siblings.get(parent, ())).items():
                paths[child] = (*above, name)
                pending.append(child)
        return paths

    def _scopes_in_order(self) -> list[Scope]:
        scopes: dict[Scope, None] = {}
        for node in self.nodes:
            owned = [node.scope, *(t.scope for t in node.inputs if isinstance(t, Parameter))]
            scopes.update((scope, None) for scope in owned if scope is not None)
        return list(scopes)

    def scope_of(self, item: Node | Parameter) -> tuple[str, ...]:
        """Unique path of the (sub)modules in which a node or a parameter stands.

        >>> from netwright.graph import image, ops, scope
        >>> x = image(1, 4, 4)
        >>> with scope("stem"):
        ...     y = ops.relu(x)
        >>> graph = Graph([x], [y])
        >>> graph.scope_of(graph.nodes[0])
        ('stem',)
        """
        return () if item.scope is None else self._scope_paths[item.scope]

    @cached_property
    def names(self) -> Mapping[Tensor, str]:
        """Unique readable name of every tensor, such as `stem.conv.weight` or `stem.relu`."""
        names: dict[Tensor, str] = {}
        used: set[str] = set()
        # Where counting goes on: from 0 each time, a long chain without scopes would cost the square of its length.
        counts: dict[str, int] = {}

        def give(tensor: Tensor, wanted: str) -> None:
            name = wanted
            while name in used:
                count = counts[wanted] = counts.get(wanted, 0) + 1
                name = f"{wanted}_{count}"
            used.add(name)
            names[tensor] = name

        for source in self.inputs:
            give(source, source.name)
        for number, tensor in enumerate(self.leaves):
            if isinstance(tensor, Parameter):
                give(tensor, ".".join((*self.scope_of(tensor), tensor.hint)))
            elif isinstance(tensor, Constant):
                give(tensor, f"constant_{number}")
        for node in self.nodes:
            path = ".".join((*self.scope_of(node), node.op.name.lower()))
            for tensor in node.outputs:
                give(tensor, path)
        return MappingProxyType(names)

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Parameters by name, in the order of first use."""
        names = self.names
        return MappingProxyType({names[t]: t for t in self.leaves if isinstance(t, Parameter)})

    @cached_property
    def users(self) -> Mapping[Tensor, tuple[Node, ...]]:
        """Nodes that read each tensor, once per use."""
        users: dict[Tensor, list[Node]] = {}
        for node in self.nodes:
            for tensor in node.inputs:
                if tensor is not None:
                    users.setdefault(tensor, []).append(node)
        return MappingProxyType({tensor: tuple(nodes) for tensor, nodes in users.items()})

    @cached_property
    def constant_nodes(self) -> frozenset[Node]:
        """Nodes that depend on no input: what they make is the same in every run, so a runtime makes it once.

        >>> from netwright.graph import image, ops, parameter
        >>> x, weight = image(1, 4, 4), parameter("weight", (4, 8))
        >>> graph = Graph([x], [ops.matmul(x, ops.transpose(weight, perm=(0, 1)))])
        >>> [node.op.name for node in graph.constant_nodes]
        ['Transpose']
        """
        found: set[Node] = set()
        for node in self.nodes:
            read = [t for t in node.inputs if t is not None and t.node not in found]
            if not any(t.node is not None or isinstance(t, Input) for t in read):
                found.add(node)
        return frozenset(found)

    def with_weights(self, weights: Weights) -> Graph:
        """The same graph with an array for each parameter.

        Raises GraphError when a name is missing, unknown, or of another shape.
        """
        return Graph(self.inputs, self.outputs, weights)


def _numbered(scopes: Iterable[Scope]) -> dict[Scope, str]:
    """Unique names of siblings: `conv`, `conv_1`, `conv_2`."""
    unique: dict[Scope, str] = {}
    used: set[str] = set()
    next_number: dict[str, int] = {}
    for scope in scopes:
        name = scope.name
        while name in used:
            number = next_number[scope.name] = next_number.get(scope.name, 0) + 1
            name = f"{scope.name}_{number}"
        used.add(name)
        unique[scope] = name
    return unique


def _check_weights(parameters: Mapping[str, Parameter], weights: Weights) -> None:
    missing, unknown = parameters.keys() - weights.keys(), weights.keys() - parameters.keys()
    if missing or unknown:
        raise GraphError(
            f"weights must name every parameter, but {sorted(missing)[:3]} are missing and {sorted(unknown)[:3]}"
            " are unknown."
        )
    for name, parameter in parameters.items():
        if tuple(weights[name].shape) != parameter.shape:
            raise GraphError(f"{name} must have shape {parameter.shape}, but got {tuple(weights[name].shape)}.")
