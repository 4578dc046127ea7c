"""Templates: a part of a network that is built once and then copied, shapes already known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwright.graph._graph import topological_order
from netwright.graph._operator import Operator
from netwright.graph._scope import Scope, current_scope
from netwright.graph._tensor import Input, Node, Parameter, Tensor

__all__ = ["Template"]


class Template:
    """What a block built on some inputs, ready to be put on others of the same shapes.

    A copy has parameters of its own and stands in the scope that is current, as if the block had been called again;
    no shape is inferred twice.

    >>> from netwright.graph import image, ops
    >>> x = image(3, 8, 8)
    >>> relu = Template([x], ops.relu(x))
    >>> relu.build(image(3, 8, 8)).shape
    (1, 3, 8, 8)
    """

    def __init__(self, inputs: Sequence[Input], output: Tensor) -> None:
        self._scopes: list[tuple[str, int]] = []
        self._parameters: list[tuple[Any, ...]] = []
        self._nodes: list[tuple[Operator, tuple[int, ...], dict[str, Any], tuple[Any, ...], int]] = []
        self._constants: list[Tensor] = []
        self._known: dict[Scope | None, int] = {current_scope(): 0, None: 0}
        nodes = topological_order([output])
        leaves = dict.fromkeys(t for n in nodes for t in n.inputs if t is not None and t.node is None)
        others = [t for t in leaves if t not in inputs]
        self._constants = [t for t in others if not isinstance(t, Parameter)]
        parameters = [t for t in others if isinstance(t, Parameter)]
        places = {t: i for i, t in enumerate((*inputs, *self._constants, *parameters))}
        for p in parameters:
            self._parameters.append((p.hint, p.shape, p.init, p.trainable, p.dtype, self._place(p.scope)))
        for node in nodes:
            reads = tuple(-1 if t is None else places[t] for t in node.inputs)
            types = tuple((t.shape, t.dtype) for t in node.outputs)
            self._nodes.append((node.op, reads, node.attrs, types, self._place(node.scope)))
            for tensor in node.outputs:
                places[tensor] = len(places)
        self._output = places[output]

    def _place(self, scope: Scope | None) -> int:
        if scope not in self._known:
            assert scope is not None
            parent = self._place(scope.parent)
            self._scopes.append((scope.name, parent))
            self._known[scope] = len(self._scopes)
        return self._known[scope]

    def build(self, *inputs: Tensor) -> Tensor:
        """Output of a copy on these inputs, which must have the shapes and dtypes of the first ones."""
        scopes = [current_scope()]
        for name, parent in self._scopes:
            scopes.append(Scope(name, scopes[parent]))
        values: list[Tensor | None] = [*inputs, *self._constants]
        for hint, shape, init, trainable, dtype, place in self._parameters:
            values.append(Parameter(hint, shape, init, trainable, dtype, scopes[place]))
        for op, reads, attrs, types, place in self._nodes:
            node = Node(op, tuple([values[i] if i >= 0 else None for i in reads]), attrs, scopes[place])
            node.outputs = tuple([Tensor(shape, dtype, node, i) for i, (shape, dtype) in enumerate(types)])
            values.extend(node.outputs)
        output = values[self._output]
        assert output is not None
        return output
