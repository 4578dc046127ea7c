"""Initialisation and learning rate that follow a network's topology (Chen et al. 2024).

Source: Chen, Wu, Wang and Hanin, "Principled Architecture-aware Scaling of Hyperparameters" (ICLR 2024). With a DAG
whose vertices sum what their edges bring, the authors derive, for ReLU networks, gradient descent and squared error:

- weights of variance 2 / (d n), where n is the fan-in and d the in-degree of the vertex that the layer reads
  (equation 4), and 2 / (d n^2) for the output layer (equation 2): the size of the pre-activations is then kept;
- a maximal learning rate of c (sum over paths p of L_p^3)^(-1/2) / q (equation 9), where L_p is the depth of a path
  from input to output, q the side of the kernels and c a constant of the data, found on a small base network.

What is covered here, and what is a choice of this implementation:

- Vertices are found in the graph: additions and concatenations join paths, and nothing else does. A gate (Mul) or
  attention, which the authors do not treat, follows its deepest operand.
- d is of the vertex that the layer reads, as in equation 4 and the authors' code; their appendix (equation 12) has
  the vertex that it writes to.
- d counts the terms of a sum through further sums along identity edges, where the authors count the edges into the
  last one. Both agree where no identity edge leaves a sum; along a chain of identity shortcuts only the former keeps
  the pre-activations' size. A normalisation begins again at 1.
- L_p counts layers with weights, the output layer left out: the number of ReLUs when each hidden layer has one.
- The number of paths doubles with each residual block, and the rule applied to a whole stack gives a rate of nearly
  0. The authors apply it to one cell of NAS-Bench-201, not to the stack, and so does `scope="cell"` here.
- Networks may mix kernels; q is then the geometric mean of the sides of all convolutions.
- The 2 of the variance stands for the ReLU before the layer; like the authors, layers without one get it too.
- For Adam, other activations and normalised networks the rule is a heuristic; the authors test batch norm and GELU.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from netwright._optional import require
from netwright.errors import EvaluationError

if TYPE_CHECKING:
    import torch

    from netwright.graph import Graph

__all__ = ["initialise", "lr_scale"]

Moments = tuple[int, int, int, int]
"""Sums over the paths that end at a tensor: of 1, L, L^2 and L^3, with L the depth of a path. Exact integers: no
path is ever listed, as a network of 50 residual blocks has 10^15 of them."""

_START: Moments = (1, 0, 0, 0)
_BASE_KERNEL = 3
_JOINS = ("Add", "Sum", "Concat")
_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_NORMALISATIONS = (
    "BatchNormalization", "GroupNormalization", "InstanceNormalization", "LayerNormalization", "RMSNormalization",
)  # fmt: skip


@dataclass(frozen=True)
class _Topology:
    """What the rule needs of a graph; nodes and tensors are known by `id`."""

    nodes: list[Any]
    """Nodes between the graph's inputs and its outputs, in topological order."""
    weights: dict[int, Any]
    """Weight of each layer, by node."""
    output_layers: set[int]
    """Layers after which there is no other."""
    values: set[int]
    """Tensors that depend on the graph's inputs."""
    outputs: list[Any]


def lr_scale(graph: Graph, *, base_depth: int = 1, scope: str = "cell") -> float:
    """Factor from the base network's maximal learning rate to this network's (equation 9).

    >>> from netwright.graph import Graph, ops, parameter, vector
    >>> x = hidden = vector(8)
    >>> for _ in range(4):
    ...     hidden = ops.relu(ops.gemm(hidden, parameter("weight", (8, 8))))
    >>> round(lr_scale(Graph([x], [ops.gemm(hidden, parameter("weight", (2, 8)))])), 6)
    0.125

    The base network is a plain chain of `base_depth` hidden layers with 3x3 kernels: its factor is 1.

    scope: "network" sums over all paths from input to output; "cell" cuts the network at each tensor through which
    all paths go and takes the largest sum among the parts, a chain of layers counting as one part.

    Raises EvaluationError for another scope.
    """
    if scope not in ("cell", "network"):
        raise EvaluationError(f"scope must be 'cell' or 'network', but got {scope!r}.")
    topology = _topology(graph)
    last = len(topology.nodes) - 1
    cuts = _cuts(topology) if scope == "cell" else [-1, last]
    parts = (_part_moments(topology, first, end) for first, end in pairwise(cuts))
    largest = max((cubes for _, _, _, cubes in _merge_chains(parts)), default=0)
    # Logarithms, as the sum of a deep network is too large for a float.
    paths = math.log(max(1, largest)) - 3 * math.log(base_depth)
    return math.exp(-0.5 * paths) * _BASE_KERNEL / _mean_kernel(topology)


def initialise(module: torch.nn.Module, graph: Graph, *, seed: int = 0) -> None:
    """Draw the weights of all layers of a module anew by equations 2 and 4, and set their biases to 0.

    >>> from netwright.blocks import classifier
    >>> from netwright.graph import Graph, image
    >>> from netwright.io import to_module
    >>> x = image(3, 8, 8)
    >>> graph = Graph([x], [classifier(x, 10)])
    >>> module = to_module(graph)
    >>> initialise(module, graph, seed=0)
    >>> {name: tuple(p.shape) for name, p in module.named_parameters()}
    {'classifier.linear.weight': (10, 3), 'classifier.linear.bias': (10,)}

    Scales and shifts of normalisations, and parameters that are not directly the weight or the bias of a layer,
    stay as they are.

    module: its parameters are named as those of the graph.

    Raises EvaluationError when the module has not a parameter of the graph in its size.
    """
    torch = require("torch", extra="train")
    generator = torch.Generator().manual_seed(seed)
    found = dict(module.named_parameters())
    names = {id(tensor): name for name, tensor in graph.parameters.items()}
    with torch.no_grad():
        for weight, bias, deviation in _deviations(_topology(graph)):
            target = _parameter(found, names[id(weight)], weight)
            drawn = torch.randn(target.shape, generator=generator) * deviation
            target.copy_(drawn.to(target.device))
            if id(bias) in names:
                _parameter(found, names[id(bias)], bias).zero_()


def _deviations(topology: _Topology) -> Iterator[tuple[Any, Any, float]]:
    """Weight, bias (or None) and standard deviation of the weight for each layer."""
    degrees: dict[int, float] = {}
    for node in topology.nodes:
        weight = topology.weights.get(id(node))
        read = [t for t in node.inputs if t is not None and id(t) in topology.values]
        terms = [degrees.get(id(tensor), 1.0) for tensor in read]
        made = max(terms)
        if weight is not None:
            fan_in = _fan_in(node, weight)
            power = 1.0 if id(node) in topology.output_layers else 0.5
            yield weight, (node.inputs[2] if len(node.inputs) > 2 else None), math.sqrt(2 / made) / fan_in**power
        if weight is not None or node.op.name in _NORMALISATIONS:
            made = 1.0
        elif node.op.name in ("Add", "Sum"):
            made = sum(terms)
        elif node.op.name == "Concat":
            # A layer sums over all channels, so it sees the mean of what they carry.
            sizes = [prod(tensor.shape) for tensor in read]
            made = sum(size * term for size, term in zip(sizes, terms, strict=True)) / sum(sizes)
        degrees |= {id(tensor): made for tensor in node.outputs}


def _fan_in(node: Any, weight: Any) -> float:
    """Products that are summed into one element of the layer's output."""
    if node.op.name == "Conv":
        return float(prod(weight.shape[1:]))
    if node.op.name == "ConvTranspose":
        # Every input reaches a whole kernel of outputs, so an output gets a stride's share of the kernel.
        share = prod(weight.shape[2:]) / prod(node.attrs["strides"])
        return float(max(1.0, weight.shape[0] // node.attrs["group"] * share))
    if node.op.name == "Gemm":
        return float(weight.shape[1] if node.attrs["transB"] else weight.shape[0])
    return float(weight.shape[-2] if weight is node.inputs[1] else weight.shape[-1])


def _parameter(found: dict[str, Any], name: str, tensor: Any) -> Any:
    parameter = found.get(name)
    if parameter is None or parameter.numel() != prod(tensor.shape):
        size = "no such parameter" if parameter is None else f"shape {tuple(parameter.shape)}"
        raise EvaluationError(
            f"the module's parameters must be those of the graph, but for {name} {tuple(tensor.shape)} it has {size}."
        )
    return parameter


def _topology(graph: Graph) -> _Topology:
    values = set(map(id, graph.inputs))
    forward = []
    for node in graph.nodes:
        if any(id(tensor) in values for tensor in node.inputs):
            values |= set(map(id, node.outputs))
            forward.append(node)
    parameters = set(map(id, graph.parameters.values()))
    needed = set(map(id, graph.outputs))
    before_a_layer: set[int] = set()
    topology = _Topology([], {}, set(), values, list(graph.outputs))
    for node in reversed(forward):
        if not any(id(tensor) in needed for tensor in node.outputs):
            continue
        topology.nodes.append(node)
        weight = _weight(node, parameters)
        followed = any(id(tensor) in before_a_layer for tensor in node.outputs)
        if weight is not None:
            topology.weights[id(node)] = weight
            if not followed:
                topology.output_layers.add(id(node))
        needed |= set(map(id, node.inputs))
        if weight is not None or followed:
            before_a_layer |= set(map(id, node.inputs))
    topology.nodes.reverse()
    return topology


def _weight(node: Any, parameters: set[int]) -> Any:
    """The weight of a layer; None for a node that is none."""
    if node.op.name not in _LAYERS:
        return None
    sides = (1, 0) if node.op.name == "MatMul" else (1,)
    return next((node.inputs[side] for side in sides if id(node.inputs[side]) in parameters), None)


def _cuts(topology: _Topology) -> list[int]:
    """Positions after which one tensor alone is still to be read, from -1 (the start) to the last node."""
    last_read = {id(t): i for i, node in enumerate(topology.nodes) for t in node.inputs if id(t) in topology.values}
    end = len(topology.nodes)
    last_read |= {id(tensor): end for tensor in topology.outputs}
    made = {id(t): i for i, node in enumerate(topology.nodes) for t in node.outputs if id(t) in last_read}
    starts, ends = Counter(made.values()), Counter(last_read.values())
    live = len(last_read) - len(made)
    cuts = [-1]
    for i in range(end - 1):
        live += starts[i] - ends[i]
        if live == 1:
            cuts.append(i)
    return [*cuts, end - 1]


def _part_moments(topology: _Topology, first: int, last: int) -> Moments:
    """Moments of the paths through the nodes after `first` up to `last`."""
    moments: dict[int, Moments] = {}
    for node in topology.nodes[first + 1 : last + 1]:
        read = [moments.get(id(t), _START) for t in node.inputs if id(t) in topology.values]
        deepest = max(read, key=lambda entry: (entry[3], entry[0]))
        total = _total(read) if node.op.name in _JOINS else deepest
        if id(node) in topology.weights and id(node) not in topology.output_layers:
            total = _one_deeper(total)
        moments |= {id(tensor): total for tensor in node.outputs}
    is_end = last == len(topology.nodes) - 1
    ends = topology.outputs if is_end else topology.nodes[last].outputs
    return _total([moments[id(tensor)] for tensor in ends if id(tensor) in moments])


def _total(entries: list[Moments]) -> Moments:
    ones, sums, squares, cubes = (sum(column) for column in zip(*entries, strict=True))
    return ones, sums, squares, cubes


def _one_deeper(moments: Moments) -> Moments:
    """Moments after every path got one layer longer: (L + 1)^3 = L^3 + 3 L^2 + 3 L + 1."""
    ones, sums, squares, cubes = moments
    return ones, sums + ones, squares + 2 * sums + ones, cubes + 3 * squares + 3 * sums + ones


def _merge_chains(parts: Iterable[Moments]) -> Iterator[Moments]:
    """Join neighbouring parts that have a single path; parts with several stay as they are."""
    depth = 0
    for part in parts:
        if part[0] == 1:
            depth += part[1]
        else:
            yield (1, depth, depth**2, depth**3)
            yield part
            depth = 0
    yield (1, depth, depth**2, depth**3)


def _mean_kernel(topology: _Topology) -> float:
    """Geometric mean of the sides of all kernels; the base network's where there is no convolution."""
    kernels = [
        topology.weights[id(node)]
        for node in topology.nodes
        if node.op.name in ("Conv", "ConvTranspose") and id(node) in topology.weights.keys() - topology.output_layers
    ]
    sides = [math.log(prod(weight.shape[2:])) / len(weight.shape[2:]) for weight in kernels]
    return math.exp(sum(sides) / len(sides)) if sides else float(_BASE_KERNEL)
