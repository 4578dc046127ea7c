"""The same function with less: dead branches, identities, zeros and repeated work removed."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any

import numpy as np

from netwright.graph import ops
from netwright.graph._batch import Inputs, leads_with_batch
from netwright.graph._graph import Graph
from netwright.graph._operator import Operator
from netwright.graph._rebuild import rebuilt
from netwright.graph._rewrites import SUMS, Known, covers, identity_of, makes_zero
from netwright.graph._tensor import Constant, Node, Parameter, Shape, Tensor, constant

__all__ = ["Reduced", "settings", "simplify"]

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
# Sums are told by the sum of random numbers of their terms, modulo a prime: modulo a power of two, enough doublings
# of any value would be zero.
PRIME = 2**128 - 159

_DEFAULTS: dict[str, dict[str, float]] = {
    "MaxPool": {"ceil_mode": 0, "storage_order": 0},
    "AveragePool": {"ceil_mode": 0, "count_include_pad": 0},
    "Gemm": {"alpha": 1, "beta": 1, "transA": 0},
}
"""Attributes that the shape rules leave out where they have the value that ONNX takes for granted."""


def _plain(value: Any) -> Any:
    """The value with tuples for sequences and an int for every whole number, so that True, 1 and 1.0 are one."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    whole = isinstance(value, bool) or (isinstance(value, float) and value.is_integer())
    return int(value) if whole else value


def _settings(name: str, attrs: tuple[tuple[str, Any], ...]) -> str:
    defaults = _DEFAULTS.get(name, {})
    pairs = sorted((key, _plain(value)) for key, value in attrs if value is not None)
    return name + "".join(f";{key}={value!r}" for key, value in pairs if defaults.get(key) != value)


_cached_settings = lru_cache(maxsize=4096)(_settings)


def settings(node: Node) -> str:
    """Operator and attributes as text that is equal where they mean the same.

    >>> from netwright.graph import image
    >>> x = image(3, 8, 8)
    >>> settings(ops.reduce_mean(x, axes=[2], keepdims=True).node)
    'ReduceMean;axes=(2,);keepdims=1'
    """
    name = "Sum" if node.op.name in SUMS else node.op.name
    attrs = tuple(node.attrs.items())
    try:
        return _cached_settings(name, attrs)
    except TypeError:  # an attribute that is a list or an array
        return _settings(name, attrs)


class Reduced:
    """A graph on its way to its simplest form: what remains of its nodes, and what each of them reads now.

    Nodes are not built anew while rules still apply; `simplify` builds them at the end, and the canonical hash
    never does.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.outputs: tuple[Tensor, ...] = graph.outputs
        self.uses: dict[Tensor | None, int] = {}
        """How often the remaining nodes and the outputs read each value."""
        self._known = Known(
            steps={node: node.inputs for node in graph.nodes}, rows={t for t in graph.inputs if t.batch_axis == 0}
        )
        self._value: dict[Tensor | None, Tensor] = {}
        self._constants: dict[tuple[str, Shape, bytes], Constant] = {}
        self._lots: dict[Tensor | None, int] = {}
        self._draw = Random(0).getrandbits
        self._twins: dict[tuple[object, ...], list[Node]] = {}
        self._blank: dict[tuple[Shape, str], Tensor] = {}
        self._silent: set[Tensor | None] = set()
        for leaf in graph.leaves:
            if type(leaf) is Constant:
                self._value[leaf] = self._one_of_equal(leaf)
        while True:
            self._number_values()
            self._keep_what_is_used()
            if not self._flatten_sums():
                break

    @property
    def steps(self) -> dict[Node, Inputs]:
        """Nodes that remain, in topological order, each with what it reads now."""
        return self._known.steps

    def _one_of_equal(self, c: Constant) -> Constant:
        key = (c.dtype, c.shape, c.value.tobytes())
        first = self._constants.setdefault(key, c)
        if first is c and c.dtype != "bool":
            if not c.value.any():
                self._known.zeros.add(c)
            elif (c.value == 1).all():
                self._known.ones.add(c)
        return first

    def _number_values(self) -> None:
        """Go once through the nodes, and let every value that equals an earlier one be that one."""
        known, value = self._known, self._value
        before, known.steps = known.steps, {}
        for found in (self._twins, self._blank, self._silent):
            found.clear()
        for node, read in before.items():
            inputs = tuple([value.get(t, t) for t in read])
            if not known.zeros.isdisjoint(inputs):
                remaining = self._past_zeros(node, inputs)
                if remaining is None:
                    continue
                inputs = remaining
            same = identity_of(node, inputs, known)
            if same is not None:
                value[node.outputs[0]] = same
                continue
            if self._keep(node, inputs) and leads_with_batch(node, inputs, known.rows):
                known.rows.update(node.outputs)
        outputs = self._audible(tuple([value.get(t, t) for t in self.outputs]))
        self.outputs = tuple([t for t in outputs if t is not None])

    def _keep(self, node: Node, inputs: Inputs) -> bool:
        """Let the node remain, unless an earlier one makes the same values."""
        twin = self._twin(node, inputs)
        if twin is None:
            self._known.steps[node] = inputs
        else:
            self._value.update(zip(node.outputs, twin.outputs, strict=True))
        return twin is None

    def _twin(self, node: Node, inputs: Inputs) -> Node | None:
        """An earlier node that does the same to the same values; a parameter is the same only as one object."""
        op = node.op
        key: tuple[object, ...]
        if op.name in SUMS:
            key = ("Sum", node.output.dtype, self._total(node, inputs))
        elif op.name == "Dropout":  # two of them drop different elements
            return None
        elif op.commutative:
            key = (op.name, *sorted(inputs, key=id))
        else:
            key = (op.name, *inputs)
        alike = self._twins.setdefault(key, [])
        for other in alike:
            if settings(other) == settings(node):
                return other
        alike.append(node)
        return None

    def _total(self, node: Node, inputs: Inputs) -> int:
        """A number that sums of the same terms share, however they are nested."""
        lots, total = self._lots, 0
        for t in inputs:
            lot = lots.get(t)
            if lot is None:
                lot = lots[t] = self._draw(127)
            total += lot
        total %= PRIME
        lots[node.output] = total
        return total

    def _past_zeros(self, node: Node, inputs: Inputs) -> Inputs | None:
        """What the node reads once zeros are dropped, or None where it makes nothing but zeros."""
        known = self._known
        if identity_of(node, inputs, known) is not None:
            return inputs  # it may hand on a layer of zeros to the normalisation that it is one unit with
        if (
            makes_zero(node, inputs, known)
            and leads_with_batch(node, inputs, known.rows)
            and node.outputs[0].dtype != "bool"
        ):
            self._make_zero(node, inputs)
            return None
        name = node.op.name
        if name in SUMS or name == "Sub":
            terms = tuple([t for i, t in enumerate(inputs) if t not in known.zeros or (name == "Sub" and i == 0)])
            dropped = [t for t in inputs if t in known.zeros]
            if any(t is not None and covers(t, node, dropped, known) for t in terms):
                return self._audible(terms)
        return inputs if name.endswith("Normalization") else self._audible(inputs)

    def _make_zero(self, node: Node, inputs: Inputs) -> None:
        known = self._known
        if node.op.name in LAYERS and any(isinstance(t, Parameter) for t in inputs):
            # A layer with weights of its own makes one unit with a normalisation that reads it: convolutions of
            # zero that differ in kernel stay different before a shift. Anything else reads plain zeros instead.
            if self._keep(node, self._audible(inputs)):
                for made in (known.rows, known.zeros, self._silent):
                    made.update(node.outputs)
            return
        for t in node.outputs:
            self._value[t] = self._zeros(t.shape, t.dtype)

    def _audible(self, inputs: Inputs) -> Inputs:
        """The inputs with plain zeros in place of layers that make only zeros."""
        if self._silent.isdisjoint(inputs):
            return inputs
        return tuple([self._zeros(t.shape, t.dtype) if t in self._silent and t is not None else t for t in inputs])

    def _zeros(self, shape: Shape, dtype: str) -> Tensor:
        """Zeros with the batch of the first input: one row of it, times zero, repeated along the other axes."""
        made = self._blank.get((shape, dtype))
        if made is not None:
            return made
        t: Tensor = self.graph.inputs[0]
        if t.size > 1:
            other = t.rank - 1
            t = self._built(ops.slice_, t, starts=(0,) * other, ends=(1,) * other, axes=range(1, t.rank))
        if t.dtype != dtype:
            t = self._built(ops.cast, t, to=dtype)
        t = self._built(ops.mul, t, self._one_of_equal(constant(0, dtype)))
        if t.rank != len(shape):
            t = self._built(ops.reshape, t, shape=(0, *(1,) * (len(shape) - 1)))
        if t.shape != shape:
            t = self._built(ops.expand, t, shape=shape)
        self._known.zeros.add(t)
        self._blank[shape, dtype] = t
        return t

    def _built(self, op: Operator, *inputs: Tensor, **attrs: Any) -> Tensor:
        y: Tensor = op(*inputs, **attrs)
        assert y.node is not None
        y.node.scope = None  # it belongs to no block of the user's
        if not self._keep(y.node, y.node.inputs):
            return self._value[y]
        self._known.rows.add(y)
        return y

    def _keep_what_is_used(self) -> None:
        uses: dict[Tensor | None, int] = {}
        for output in self.outputs:
            uses[output] = uses.get(output, 0) + 1
        kept = []
        for step in reversed(self.steps.items()):
            outputs = step[0].outputs
            if outputs[0] in uses or (len(outputs) > 1 and any(t in uses for t in outputs)):
                kept.append(step)
                for t in step[1]:
                    uses[t] = uses.get(t, 0) + 1
        self._known.steps, self.uses = dict(reversed(kept)), uses

    def _flatten_sums(self) -> bool:
        """Make one sum of a sum of sums where nothing else reads the inner; true where zeros may now be dropped.

        A value that is read twice stays: written out in each place, it could double the work at every level.
        """
        absorbed: list[Node] = []
        again = False
        for node, inputs in self.steps.items():
            if node.op.name not in SUMS:
                continue
            inner = [t.node for t in inputs if t is not None and t.node is not None and self.uses[t] == 1]
            inner = [other for other in inner if other.op.name in SUMS]
            if inner:
                self.steps[node] = terms = self._terms(inputs, inner)
                absorbed += inner
                again = again or not self._known.zeros.isdisjoint(terms)
        for node in absorbed:
            del self.steps[node]
        return again

    def _terms(self, inputs: Inputs, inner: list[Node]) -> Inputs:
        terms: list[Tensor | None] = []
        for t in inputs:
            terms += self.steps[t.node] if t is not None and t.node in inner else (t,)
        return tuple(terms)


def simplify(graph: Graph) -> Graph:
    """The same function with less, for any batch size and with the same parameters.

    Identities, zeros and dead branches go; equal applications become one, layers only where they share their very
    parameters; a sum that only one other sum reads becomes part of it. Values are taken to be finite (0 * x is 0).
    Dropout stays. Zeros that an operator still reads, or that are the output, are made from the first input. A
    convolution or matrix product of zeros stays where a normalisation reads it, as one unit with it.

    >>> from netwright.graph import image, ops
    >>> x = image(3, 8, 8)
    >>> y = ops.relu(ops.identity(x)) + ops.relu(x) * 1.0 + ops.average_pool(x * 0.0, kernel_shape=3, pads=1)
    >>> [node.op.name for node in simplify(Graph([x], [y])).nodes]
    ['Relu', 'Add']
    """
    form = Reduced(graph)
    return rebuilt(
        graph, ((node, _operator(node, inputs), inputs) for node, inputs in form.steps.items()), form.outputs
    )


def _operator(node: Node, inputs: Inputs) -> Operator:
    if node.op.name not in SUMS:
        return node.op
    op: Operator = ops.add if len(inputs) == 2 else ops.sum
    return op
