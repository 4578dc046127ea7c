"""A hash that equal networks share, however they were built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from netwright.graph._batch import Inputs
from netwright.graph._graph import Graph
from netwright.graph._refine import Links, Vertex, certificate, digest, refine
from netwright.graph._rewrites import SUMS
from netwright.graph._simplify import PRIME, Reduced, settings
from netwright.graph._tensor import Constant, Init, Node, Parameter, Shape, Tensor

__all__ = ["canonical_hash"]

ABSENT = digest(b"absent")


def canonical_hash(graph: Graph) -> str:
    """Hexadecimal digest (128 bits) of the simplified network, up to isomorphism.

    The order of construction, of commutative inputs and of partial sums, the names of scopes and of parameters, and
    the weights do not count. Operators, attributes, the order, shapes and dtypes of inputs, the order of outputs,
    values of constants, and shape, dtype and trainability of each parameter do, and so does which layers share a
    parameter. The initialisation counts only for parameters that are not trained, where it is all that is known.

    >>> from netwright.graph import image, ops, parameter
    >>> x = image(3, 8, 8)
    >>> def layer(x, weight=None):
    ...     return ops.conv(x, weight or parameter("weight", (3, 3, 1, 1)))
    >>> one = canonical_hash(Graph([x], [ops.relu(x) + layer(x)]))
    >>> one == canonical_hash(Graph([x], [layer(x) + ops.relu(ops.identity(x))]))
    True
    >>> shared = parameter("weight", (3, 3, 1, 1))
    >>> canonical_hash(Graph([x], [layer(layer(x))])) == canonical_hash(Graph([x], [layer(layer(x, shared), shared)]))
    False
    """
    form = Reduced(graph)
    colours = _Colours(form)
    vertices = colours.vertices
    structure = _tell_apart(form, vertices) if len(set(vertices.values())) < len(vertices) else b""
    told = [repr([(t.shape, t.dtype) for t in graph.inputs]).encode()]
    for output in form.outputs:
        told.append(vertices.get(output.node or output, colours[output]) + b"%d" % output.index)
    return digest(b"|".join((*told, *sorted(vertices.values()), structure))).hex()


@lru_cache(maxsize=4096)
def _parameter(shape: Shape, dtype: str, init: Init | None, shared: bool) -> bytes:
    return digest(repr(("parameter", shape, dtype, init, shared)).encode())


@lru_cache(maxsize=4096)
def _kind(text: str) -> bytes:
    return digest(text.encode())


class _Colours(dict[Tensor | None, bytes]):
    """Colour of each value by all that leads to it (Merkle 1987); those of leaves and sums found when first read.

    A sum is known by the multiset of its terms, whatever partial sums it was built of; so partial sums that only
    other sums read are no vertices.
    """

    def __init__(self, form: Reduced) -> None:
        super().__init__({None: ABSENT})
        self._uses = form.uses
        self._totals: dict[Tensor | None, int] = {}
        self.vertices: dict[Vertex, bytes] = {}
        """Colours of nodes and shared parameters, in topological order."""
        for number, t in enumerate(form.graph.inputs):
            self[t] = digest(repr(("input", number, t.shape, t.dtype)).encode())
        for node, inputs in form.steps.items():
            if node.op.name in SUMS:
                self._totals[node.outputs[0]] = self._total(inputs)
            else:
                self._make(node, inputs)
        for output in form.outputs:
            self[output]  # a sum becomes a vertex by being read

    def _total(self, inputs: Inputs) -> int:
        total = 0
        for t in inputs:
            part = self._totals.get(t)
            if part is None:
                # A parameter among terms always counts as shared: how many partial sums read it says nothing.
                colour = self._parameter(t, shared=True) if isinstance(t, Parameter) else self[t]
                part = int.from_bytes(colour, "little")
            total += part
        return total % PRIME

    def _make(self, node: Node, inputs: Inputs) -> None:
        while inputs and inputs[-1] is None:
            inputs = inputs[:-1]
        parts = [self[t] for t in inputs]
        if node.op.commutative:
            parts.sort()
        colour = self.vertices[node] = digest(_kind(settings(node)) + b"".join(parts))
        self[node.outputs[0]] = colour
        for t in node.outputs[1:]:
            self[t] = digest(colour + b"%d" % t.index)

    def __missing__(self, t: Tensor | None) -> bytes:
        if isinstance(t, Parameter):
            return self._parameter(t, shared=self._uses[t] > 1)
        if isinstance(t, Constant):
            value = t.value.astype(t.value.dtype.newbyteorder("<"))
            found = digest(repr(("constant", t.shape, t.dtype)).encode() + value.tobytes())
        else:
            assert t is not None
            found = self.vertices[t.node] = digest(b"sum" + self._totals[t].to_bytes(16, "little"))
        self[t] = found
        return found

    def _parameter(self, p: Parameter, *, shared: bool) -> bytes:
        """One that a single layer reads is part of that layer's colour; only a shared one is a vertex."""
        colour = _parameter(p.shape, p.dtype, None if p.trainable else p.init, shared)
        if shared:
            self[p] = self.vertices[p] = colour
        return colour


def _tell_apart(form: Reduced, colours: dict[Vertex, bytes]) -> bytes:
    """Sharpen the colours of vertices that share one, by what reads them; digest of what colours cannot tell."""
    sizes = Counter(colours.values())
    crowd = {v: colour for v, colour in colours.items() if sizes[colour] > 1}
    links = Links()
    read_by: dict[Vertex, list[bytes]] = {}
    for number, t in enumerate(form.outputs):
        if (t.node or t) in crowd:
            read_by.setdefault(t.node or t, []).append(b"output %d %d;" % (number, t.index))
    reader = _Reader(crowd, sizes)
    for node, inputs in form.steps.items():
        for lower, label in reader.reads(node, inputs):
            if node in crowd:
                links.add(lower, label, node)
            elif node in colours:
                read_by.setdefault(lower, []).append(label + colours[node])
    for v, seen in read_by.items():
        crowd[v] = digest(crowd[v] + b"".join(sorted(seen)))
    order = list(crowd)
    refine(order, crowd, links)
    colours.update(crowd)
    return certificate(order, crowd, links)


class _Reader:
    """Finds what nodes read of the crowd, the vertices that share their colour with others."""

    def __init__(self, crowd: Mapping[Vertex, bytes], sizes: Mapping[bytes, int]) -> None:
        self._crowd = dict(crowd)
        self._sizes = sizes
        self._terms: dict[Tensor, Counter[tuple[Vertex, int]]] = {}

    def reads(self, node: Node, inputs: Inputs) -> list[tuple[Vertex, bytes]]:
        """Vertices that the node reads, each with its place, output number and how often."""
        if node.op.name in SUMS:
            terms = self._terms[node.output] = self._told(self._sum(inputs))
            return [(v, b"term %d %d;" % (index, often)) for (v, index), often in terms.items()]
        found = [(place, t.node or t, t.index) for place, t in enumerate(inputs) if t is not None]
        found = [(place, v, index) for place, v, index in found if v in self._crowd]
        if node.op.commutative:
            together = Counter((v, index) for _, v, index in found)
            return [(v, b"any %d %d;" % (index, often)) for (v, index), often in together.items()]
        return [(v, b"%d %d;" % (place, index)) for place, v, index in found]

    def _sum(self, inputs: Inputs) -> Counter[tuple[Vertex, int]]:
        terms: Counter[tuple[Vertex, int]] = Counter()
        for t in inputs:
            assert t is not None
            if t in self._terms:
                terms.update(self._terms[t])
            elif (t.node or t) in self._crowd:
                terms[t.node or t, t.index] += 1
        return terms

    def _told(self, terms: Counter[tuple[Vertex, int]]) -> Counter[tuple[Vertex, int]]:
        """Less what all vertices of a colour have in common, which the colour of the sum tells.

        So a residual network with twin branches in each block keeps short lists of terms.
        """
        alike: dict[tuple[bytes, int], list[Vertex]] = {}
        for v, index in terms:
            alike.setdefault((self._crowd[v], index), []).append(v)
        for (colour, index), members in alike.items():
            if len(members) == self._sizes[colour]:
                common = min(terms[v, index] for v in members)
                terms.subtract({(v, index): common for v in members})
        return +terms
