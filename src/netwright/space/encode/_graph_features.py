"""A fixed set of numbers that describe a graph of any size, in the manner of GRAF.

Kadlecová et al., "Surprisingly strong performance prediction with neural graph features", ICML 2024: counts of
operators, lengths of the shortest and longest ways by operator, and degrees; here over operator families, so that all
search spaces share one set.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from netwright.graph import Graph, Node, Tensor
from netwright.space.encode._labels import data_inputs, family

__all__ = ["FEATURES", "feature_vector", "graph_features"]

_FAMILIES = ("convolution", "linear", "attention", "pool", "join", "normalisation", "activation", "other")
_MAIN = ("convolution", "linear", "attention", "pool", "join")
_COUNTED = ("pointwise", "depthwise", "grouped", "strided", "dilated", "add", "mul", "concat")
_WEIGHTED = ("convolution", "linear", "attention")


def graph_features(graph: Graph) -> dict[str, float]:
    """The features of a graph, by name, always the same names in the same order (`FEATURES`).

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> features = graph_features(Graph([x], [conv(conv(x, 16), 32, stride=2)]))
    >>> [features[name] for name in ("nodes", "count.convolution", "depth", "longest.convolution", "width.max")]
    [6.0, 2.0, 6.0, 2.0, 32.0]

    - `nodes`, `edges`, `outputs`, `degree.in.max`, `degree.out.max`, `degree.mean`: size and density of the graph;
    - `count.F`: nodes of an operator family, and of kinds of convolutions and joins;
    - `depth`, `longest.F`, `shortest.F`: most nodes (of a family) on a way from input to output, and fewest;
    - `log_paths`: natural logarithm of 1 + the number of ways from input to output;
    - `ngram.F>F`, `ngram.F>F>F`: log(1 + number of ways) along which convolutions, linear layers, attentions, pools
      and joins follow each other, all others passed over;
    - `width.min|mean|max`: channels or features that the weighted layers make;
    - `kernel.mean|max`: sides of the windows of convolutions;
    - `resolution.changes|first|last`: how often the number of positions changes along the graph, and log2 of it;
    - `skips`, `skip_length`: joins whose ways in differ in depth, and their mean difference in nodes;
    - `log_params`, `log_macs`, `log_flops`, `log_activations`: log(1 + x) of the totals; activations in elements.
    """
    found: dict[str, float] = {}
    for part in (_size, _counts, _depths, _ngrams, _widths, _resolution, _skips, _costs):
        found.update(part(graph))
    return {name: float(found[name]) for name in FEATURES}


def feature_vector(graphs: Sequence[Graph]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Features of many graphs, shape (graphs, features), and their names.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 4, 4)
    >>> matrix, names = feature_vector([Graph([x], [ops.relu(x)]), Graph([x], [ops.tanh(x) + x])])
    >>> matrix.shape == (2, len(names)), matrix[:, names.index("count.join")].tolist()
    (True, [0.0, 1.0])
    """
    rows = [list(graph_features(graph).values()) for graph in graphs]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(FEATURES)), FEATURES


def _names() -> Iterator[str]:
    yield from ("nodes", "edges", "outputs", "degree.in.max", "degree.out.max", "degree.mean")
    yield from (f"count.{name}" for name in (*_FAMILIES, *_COUNTED))
    yield "depth"
    yield from (f"{which}.{name}" for which in ("longest", "shortest") for name in _FAMILIES)
    yield "log_paths"
    yield from (f"ngram.{'>'.join(names)}" for n in (2, 3) for names in product(_MAIN, repeat=n))
    yield from ("width.min", "width.mean", "width.max", "kernel.mean", "kernel.max")
    yield from ("resolution.changes", "resolution.first", "resolution.last", "skips", "skip_length")
    yield from ("log_params", "log_macs", "log_flops", "log_activations")


FEATURES: tuple[str, ...] = tuple(_names())
"""Name of each feature, in order."""


def _size(graph: Graph) -> dict[str, float]:
    degree_in = [len(data_inputs(node)) for node in graph.nodes]
    readers: Counter[Tensor] = Counter(t for node in graph.nodes for t in data_inputs(node))
    edges = sum(degree_in)
    return {
        "nodes": len(graph.nodes),
        "edges": edges,
        "outputs": len(graph.outputs),
        "degree.in.max": max(degree_in, default=0),
        "degree.out.max": max(readers.values(), default=0),
        "degree.mean": edges / max(len(graph.nodes), 1),
    }


def _counts(graph: Graph) -> dict[str, float]:
    counts = Counter(f"count.{name}" for node in graph.nodes for name in (family(node), *_kinds(node)))
    return {f"count.{name}": counts[f"count.{name}"] for name in (*_FAMILIES, *_COUNTED)}


def _kinds(node: Node) -> Iterator[str]:
    kind = family(node)
    if kind == "join" and node.op.name in ("Add", "Sum", "Mul", "Concat"):
        yield "add" if node.op.name == "Sum" else node.op.name.lower()
    if kind != "convolution":
        return
    source, group = node.inputs[0], node.attrs["group"]
    if max(node.attrs["kernel_shape"]) == 1:
        yield "pointwise"
    if group > 1 and source is not None:
        yield "depthwise" if group == source.shape[1] else "grouped"
    if max(node.attrs["strides"]) > 1:
        yield "strided"
    if max(node.attrs["dilations"]) > 1:
        yield "dilated"


def _depths(graph: Graph) -> dict[str, float]:
    """Row by family: longest and shortest way from an input to each value, counted in nodes of that family."""
    columns = len(_FAMILIES) + 1
    start = np.zeros(columns)
    most: dict[Tensor, NDArray[np.float64]] = dict.fromkeys(graph.inputs, start)
    least: dict[Tensor, NDArray[np.float64]] = dict.fromkeys(graph.inputs, start)
    ways: dict[Tensor, int] = dict.fromkeys(graph.inputs, 1)
    for node in graph.nodes:
        step = np.array([*(family(node) == name for name in _FAMILIES), True], dtype=np.float64)
        sources = [t for t in data_inputs(node) if t in ways]
        for t in node.outputs if sources else ():
            most[t] = np.maximum.reduce([most[s] for s in sources]) + step
            least[t] = np.minimum.reduce([least[s] for s in sources]) + step
            ways[t] = sum(ways[s] for s in sources)
    ends = [t for t in graph.outputs if t in ways]
    longest = np.maximum.reduce([most[t] for t in ends]) if ends else start
    shortest = np.minimum.reduce([least[t] for t in ends]) if ends else start
    features = {"depth": longest[-1], "log_paths": math.log(1 + sum(ways[t] for t in ends))}
    features |= {f"longest.{name}": value for name, value in zip(_FAMILIES, longest, strict=False)}
    return features | {f"shortest.{name}": value for name, value in zip(_FAMILIES, shortest, strict=False)}


def _ngrams(graph: Graph) -> dict[str, float]:
    """Ways of two and three main operators; those that end at a value are passed on by all other operators."""
    size = len(_MAIN)
    ending: dict[Tensor, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    pairs, triples = np.zeros((size, size)), np.zeros((size, size, size))
    for node in graph.nodes:
        arriving = [ending[t] for t in data_inputs(node) if t in ending]
        singles = sum((one for one, _ in arriving), start=np.zeros(size))
        doubles = sum((two for _, two in arriving), start=np.zeros((size, size)))
        kind = family(node)
        if kind in _MAIN:
            here = _MAIN.index(kind)
            pairs[:, here] += singles
            triples[:, :, here] += doubles
            last, singles, doubles = singles, np.zeros(size), np.zeros((size, size))
            singles[here], doubles[:, here] = 1.0, last
        ending.update(dict.fromkeys(node.outputs, (singles, doubles)))
    named = {f"ngram.{a}>{b}": pairs[i, j] for (i, a), (j, b) in product(enumerate(_MAIN), repeat=2)}
    for (i, a), (j, b), (k, c) in product(enumerate(_MAIN), repeat=3):
        named[f"ngram.{a}>{b}>{c}"] = triples[i, j, k]
    return {name: math.log1p(count) for name, count in named.items()}


def _widths(graph: Graph) -> dict[str, float]:
    widths = [_width(node) for node in graph.nodes if family(node) in _WEIGHTED]
    kernels = [k for n in graph.nodes if family(n) == "convolution" for k in n.attrs["kernel_shape"]]
    return {
        "width.min": min(widths, default=0),
        "width.mean": sum(widths) / max(len(widths), 1),
        "width.max": max(widths, default=0),
        "kernel.mean": sum(kernels) / max(len(kernels), 1),
        "kernel.max": max(kernels, default=0),
    }


def _width(node: Node) -> int:
    return node.output.shape[1] if family(node) == "convolution" else node.output.shape[-1]


def _positions(tensor: Tensor) -> int:
    """Pixels of an image or steps of a series; 1 for anything that has no spatial axes."""
    return math.prod(tensor.shape[2:]) if tensor.rank > 2 else 1


def _resolution(graph: Graph) -> dict[str, float]:
    windowed = [n for n in graph.nodes if family(n) in ("convolution", "pool") or n.op.name == "Resize"]
    changes = sum(_positions(t) != _positions(n.output) for n in windowed for t in data_inputs(n)[:1])
    last = windowed[-1].output if windowed else None
    first = max(map(_positions, graph.inputs), default=1)
    return {
        "resolution.changes": changes,
        "resolution.first": math.log2(first),
        "resolution.last": math.log2(_positions(last)) if last is not None else math.log2(first),
    }


def _skips(graph: Graph) -> dict[str, float]:
    depth: dict[Tensor, int] = dict.fromkeys(graph.inputs, 0)
    differences = []
    for node in graph.nodes:
        arriving = [depth.get(t, 0) for t in data_inputs(node)]
        depth.update(dict.fromkeys(node.outputs, max(arriving, default=0) + 1))
        if family(node) == "join" and max(arriving) > min(arriving):
            differences.append(max(arriving) - min(arriving))
    return {"skips": len(differences), "skip_length": sum(differences) / max(len(differences), 1)}


def _costs(graph: Graph) -> dict[str, float]:
    totals = {
        "log_params": sum(p.size for p in graph.parameters.values() if p.trainable),
        "log_macs": sum(node.op.macs(node) for node in graph.nodes),
        "log_flops": sum(node.op.flops(node) for node in graph.nodes),
        "log_activations": sum(t.size for node in graph.nodes for t in node.outputs),
    }
    return {name: math.log1p(value) for name, value in totals.items()}
