"""A hash that equal networks share, however they were built."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from netwright.graph._batch import Inputs
from netwright.graph._graph import Graph
from netwright.graph._refine import Links, Vertex, certificate, digest, refine
from netwright.graph._simplify import Reduced, settings
from netwright.graph._tensor import Constant, Init, Node, Parameter, Shape, Tensor

__all__ = ["canonical_hash"]

ABSENT = digest(b"absent")


def canonical_hash(graph: Graph) -> str:
    """Hexadecimal digest (128 bits) of the simplified network, up to isomorphism.

    The order of construction and of commutative inputs, the names of scopes and of parameters, and the weights do not
    count. Operators, attributes, the order, shapes and dtypes of inputs, the order of outputs, values of constants,
    and shape, dtype and trainability of each parameter do, and so does which layers share a parameter. The
    initialisation counts only for parameters that are not trained, where it is all that is ever known of them.

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
    colours, leaves = _colours_from_inputs(form)
    structure = b""
    if len(set(colours.values())) < len(colours):
        structure = _tell_apart(form, colours)
    told = [repr([(t.shape, t.dtype) for t in graph.inputs]).encode()]
    for t in form.outputs:
        assert t is not None
        maker = t.node or t
        told.append((colours.get(maker) or leaves[t]) + b"%d" % t.index)
    return digest(b"|".join((*told, *sorted(colours.values()), structure))).hex()


@lru_cache(maxsize=4096)
def _parameter(shape: Shape, dtype: str, init: Init | None, shared: bool) -> bytes:
    return digest(repr(("parameter", shape, dtype, init, shared)).encode())


@lru_cache(maxsize=4096)
def _kind(text: str) -> bytes:
    return digest(text.encode())


class _Leaves(dict[Tensor | None, bytes]):
    """Colours of what no node makes, each found when it is first read."""

    def __init__(self, form: Reduced) -> None:
        super().__init__({None: ABSENT})
        self._uses = form.uses
        for number, t in enumerate(form.graph.inputs):
            self[t] = digest(repr(("input", number, t.shape, t.dtype)).encode())
        self.shared: dict[Vertex, bytes] = {}

    def __missing__(self, t: Tensor | None) -> bytes:
        if isinstance(t, Parameter):
            shared = self._uses[t] > 1
            found = _parameter(t.shape, t.dtype, None if t.trainable else t.init, shared)
            if shared:
                self[t] = self.shared[t] = found
            return found
        assert isinstance(t, Constant)
        value = t.value.astype(t.value.dtype.newbyteorder("<"))
        self[t] = digest(repr(("constant", t.shape, t.dtype)).encode() + value.tobytes())
        return self[t]


def _colours_from_inputs(form: Reduced) -> tuple[dict[Vertex, bytes], _Leaves]:
    """Colour of each node and each shared parameter by all that leads to it (Merkle 1987), and those of the leaves."""
    leaves = _Leaves(form)
    colours: dict[Vertex, bytes] = {}
    made = leaves
    for node, inputs in form.steps.items():
        parts = [made[t] for t in _present(inputs)]
        if node.op.commutative:
            parts.sort()
        colour = colours[node] = digest(_kind(settings(node)) + b"".join(parts))
        made[node.outputs[0]] = colour
        for t in node.outputs[1:]:
            made[t] = digest(colour + b"%d" % t.index)
    return leaves.shared | colours, leaves


def _present(inputs: Inputs) -> Inputs:
    while inputs and inputs[-1] is None:
        inputs = inputs[:-1]
    return inputs


def _tell_apart(form: Reduced, colours: dict[Vertex, bytes]) -> bytes:
    """Sharpen the colours of vertices that share one, by what reads them; digest of what colours cannot tell."""
    sizes = Counter(colours.values())
    crowd = {v: colour for v, colour in colours.items() if sizes[colour] > 1}
    links = Links()
    read_by: dict[Vertex, list[bytes]] = {}
    for number, t in enumerate(form.outputs):
        if t is not None and (t.node or t) in crowd:
            read_by.setdefault(t.node or t, []).append(b"output %d %d;" % (number, t.index))
    for node, inputs in form.steps.items():
        for label, lower in _reads(node, inputs, crowd):
            if node in crowd:
                links.add(lower, label, node)
            else:
                read_by.setdefault(lower, []).append(label + colours[node])
    for v, seen in read_by.items():
        crowd[v] = digest(crowd[v] + b"".join(sorted(seen)))
    order = list(crowd)
    refine(order, crowd, links)
    colours.update(crowd)
    return certificate(order, crowd, links)


def _reads(node: Node, inputs: Inputs, crowd: dict[Vertex, bytes]) -> list[tuple[bytes, Vertex]]:
    """What the node reads of the crowd, each with place, output number and, where order is nothing, how often."""
    if node.op.commutative:
        often = Counter(t for t in inputs if t is not None and (t.node or t) in crowd)
        return [(b"0 %d %d;" % (t.index, n), t.node or t) for t, n in often.items()]
    return [
        (b"%d %d 1;" % (place, t.index), t.node or t)
        for place, t in enumerate(inputs)
        if t is not None and (t.node or t) in crowd
    ]
