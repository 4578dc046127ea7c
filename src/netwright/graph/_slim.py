"""The same network with fewer units in some of its widths, weights carried along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import GraphError
from netwright.graph._dependency import Dependencies, WidthGroup
from netwright.graph._graph import Graph
from netwright.graph._tensor import Constant, Node, Parameter, Tensor

__all__ = ["Rebuild", "slim"]

Mask = NDArray[np.bool_]
Array = NDArray[np.generic]
Attrs = dict[str, Any]


def slim(graph: Graph, kept: Mapping[str, int | Sequence[int]], *, dependencies: Dependencies | None = None) -> Graph:
    """Keep so many units of each named width group, or those with these numbers; the others stay whole.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> x = image(3, 8, 8)
    >>> graph = Graph([x], [conv(conv(x, 16), 4)])
    >>> slim(graph, {"conv.conv": 8}).parameters["conv_1.conv.weight"].shape
    (4, 8, 3, 3)

    Given a number, the most important units stay, by the sum of the squares of all their weights (Fang et al. 2023).
    Names of parameters stay as they are. dependencies: of this graph, where already known.

    Raises UnknownNameError for a group that is none, GraphError for numbers of units that it does not have.
    """
    found = dependencies or Dependencies(graph)
    mask = np.ones(found.count, dtype=np.bool_)
    for name, wanted in kept.items():
        group = found.group(name)
        mask[group.units] = False
        mask[_chosen(found, group, wanted)] = True
    rebuild = Rebuild(found, mask)
    rebuild.run(graph.nodes)
    outputs = [rebuild.values.get(t, t) for t in graph.outputs]
    result = Graph(graph.inputs, outputs)
    if graph.weights is None:
        return result
    arrays = rebuild.arrays()
    return result.with_weights({name: arrays[p] for name, p in result.parameters.items()})


def _chosen(found: Dependencies, group: WidthGroup, wanted: int | Sequence[int]) -> NDArray[np.int64]:
    if isinstance(wanted, (int, np.integer)):
        if not 1 <= wanted <= group.size:
            raise GraphError(f"{group.name} must keep 1 to {group.size} units, but is to keep {wanted}.")
        return found.strongest(group, int(wanted))
    if not isinstance(wanted, Iterable) or not all(isinstance(n, (int, np.integer)) for n in wanted):
        raise GraphError(f"{group.name} must keep a number of units, or units by their numbers, but got {wanted!r}.")
    numbers = sorted(set(wanted))
    if not numbers or numbers[0] < 0 or numbers[-1] >= group.size:
        raise GraphError(f"{group.name} must keep some of its units 0 to {group.size - 1}, but got {list(wanted)}.")
    return group.units[numbers]


class Rebuild:
    """Builds nodes of a network again, with the positions that a mask over units keeps.

    >>> import numpy as np
    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> x = image(3, 8, 8)
    >>> found = Dependencies(Graph([x], [conv(conv(x, 16), 4)]))
    >>> mask = np.ones(found.count, dtype=np.bool_)
    >>> mask[found.group("conv.conv").units[8:]] = False
    >>> rebuild = Rebuild(found, mask)
    >>> rebuild.run(found.graph.nodes)
    >>> [(old.shape, new.shape) for new, old in rebuild.parameters.items() if new.rank == 4]
    [((16, 3, 3, 3), (8, 3, 3, 3)), ((4, 16, 3, 3), (4, 8, 3, 3))]

    values: what stands for each tensor of the old network; give it those that exist already.
    kernels: new sizes of the windows of convolutions, by weight; old weights stand in their centre.
    """

    def __init__(
        self,
        dependencies: Dependencies,
        mask: Mask,
        values: Mapping[Tensor, Tensor] | None = None,
        kernels: Mapping[Tensor | None, int] | None = None,
    ) -> None:
        self._dependencies = dependencies
        self._mask = mask
        self._kernels = dict(kernels or {})
        self.values: dict[Tensor, Tensor] = dict(values or {})
        self.parameters: dict[Parameter, Parameter] = {}
        """Old parameter by new one."""

    def run(self, nodes: Iterable[Node]) -> None:
        """Build these nodes, in order; raises ShapeError where what was given does not fit."""
        for node in nodes:
            inputs = tuple([None if t is None else self._value(t) for t in node.inputs])
            new = Node(node.op, inputs, self._attrs(node, inputs), node.scope)
            types = node.op.infer(inputs, new.attrs)
            new.outputs = tuple([Tensor(shape, dtype, new, i) for i, (shape, dtype) in enumerate(types)])
            self.values.update(zip(node.outputs, new.outputs, strict=True))

    def arrays(self) -> dict[Tensor, Array]:
        """Weight of each new parameter, cut from the old, where the network has any; what is whole is not copied."""
        weights: Mapping[str, Array] = self._dependencies.graph.weights or {}
        names = self._dependencies.graph.names if weights else {}
        return {new: self.array(old, weights[names[old]]) for new, old in self.parameters.items() if weights}

    def array(self, tensor: Tensor, array: Array) -> Array:
        """What is kept of an array of a parameter or constant."""
        for at, roots in self._dependencies.free(tensor):
            mask = self._mask[roots]
            if not mask.all():
                array = array.compress(mask, axis=at)
        kernel = self._kernels.get(tensor)
        return array if kernel is None else _centred(array, kernel)

    def _sizes(self, tensor: Tensor) -> tuple[int, ...]:
        sizes = list(tensor.shape)
        for at, roots in self._dependencies.free(tensor):
            sizes[at] = int(np.count_nonzero(self._mask[roots]))
        return tuple(sizes)

    def _value(self, tensor: Tensor) -> Tensor:
        if tensor not in self.values:
            self.values[tensor] = self._leaf(tensor)
        return self.values[tensor]

    def _leaf(self, tensor: Tensor) -> Tensor:
        if isinstance(tensor, Constant):
            value = self.array(tensor, tensor.value)
            return tensor if value is tensor.value else Constant(value, tensor.dtype)
        if not isinstance(tensor, Parameter):
            return tensor
        shape, kernel = self._sizes(tensor), self._kernels.get(tensor)
        if kernel is not None:
            shape = (*shape[:2], *(kernel,) * (len(shape) - 2))
        new = Parameter(tensor.hint, shape, tensor.init, tensor.trainable, tensor.dtype, tensor.scope)
        self.parameters[new] = tensor
        return new

    def _attrs(self, node: Node, inputs: tuple[Tensor | None, ...]) -> Attrs:
        """Attributes that state sizes, stated anew."""
        attrs = dict(node.attrs)
        change = _CHANGES.get(node.op.name)
        if change is not None:
            attrs |= change(self, node, inputs)
        if self._kernels.get(node.inputs[1] if len(node.inputs) > 1 else None):
            attrs["pads"] = _repadded(node, self._kernels[node.inputs[1]])
        return attrs


def _centred(array: Array, kernel: int) -> Array:
    """Windows cropped to their centre, or with zeros around them."""
    for at in range(2, array.ndim):
        margin = (kernel - array.shape[at]) // 2
        if margin < 0:
            array = array.take(range(-margin, -margin + kernel), axis=at)
        else:
            array = np.pad(array, [(margin, margin) if i == at else (0, 0) for i in range(array.ndim)])
    return array


def _repadded(node: Node, kernel: int) -> tuple[int, ...]:
    """Padding that gives the old output size with another kernel."""
    sides = zip(node.attrs["dilations"] * 2, node.attrs["kernel_shape"] * 2, node.attrs["pads"], strict=True)
    return tuple(pad + dilation * (kernel - old) // 2 for dilation, old, pad in sides)


def _group(rebuild: Rebuild, node: Node, inputs: tuple[Tensor | None, ...]) -> Attrs:
    old, new = node.inputs[0], inputs[0]
    assert old is not None
    assert new is not None
    return {"group": node.attrs["group"] * new.shape[1] // old.shape[1]} if node.attrs["group"] > 1 else {}


def _num_groups(rebuild: Rebuild, node: Node, inputs: tuple[Tensor | None, ...]) -> Attrs:
    old, new, groups = node.inputs[0], inputs[0], node.attrs["num_groups"]
    assert old is not None
    assert new is not None
    return {"num_groups": groups * new.shape[1] // old.shape[1]} if groups > 1 else {}


def _reshaped(rebuild: Rebuild, node: Node, inputs: tuple[Tensor | None, ...]) -> Attrs:
    """0 and -1 stand for sizes that follow; a number changes with the positions of its axis."""
    pairs = zip(node.attrs["shape"], rebuild._sizes(node.output), strict=True)
    return {"shape": tuple(old if old in (0, -1) else new for old, new in pairs)}


def _expanded(rebuild: Rebuild, node: Node, inputs: tuple[Tensor | None, ...]) -> Attrs:
    stated = node.attrs["shape"]
    sizes = rebuild._sizes(node.output)[-len(stated) :] if stated else ()
    return {"shape": tuple(old if old in (0, 1) else new for old, new in zip(stated, sizes, strict=True))}


def _split(rebuild: Rebuild, node: Node, inputs: tuple[Tensor | None, ...]) -> Attrs:
    return {"split": tuple(rebuild._sizes(t)[node.attrs["axis"]] for t in node.outputs)}


def _sliced(rebuild: Rebuild, node: Node, inputs: tuple[Tensor | None, ...]) -> Attrs:
    old = node.inputs[0]
    assert old is not None
    free = dict(rebuild._dependencies.free(old))
    starts, ends = list(node.attrs["starts"]), list(node.attrs["ends"])
    for number, axis in enumerate(node.attrs["axes"]):
        mask = rebuild._mask[free[axis % old.rank]] if axis % old.rank in free else np.ones(1, dtype=np.bool_)
        if not mask.all():
            first, last, _ = slice(starts[number], ends[number]).indices(len(mask))
            starts[number], ends[number] = int(mask[:first].sum()), int(mask[:last].sum())
    return {"starts": tuple(starts), "ends": tuple(ends)}


_CHANGES = {
    "Conv": _group,
    "ConvTranspose": _group,
    "GroupNormalization": _num_groups,
    "Reshape": _reshaped,
    "Expand": _expanded,
    "Split": _split,
    "Slice": _sliced,
}
"""Attributes that change with the positions, by operator; the others follow from the shapes of the inputs."""
