"""The rewrite rules of `simplify`: which applications hand on an input, and which make nothing but zeros."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from netwright.graph._batch import Inputs
from netwright.graph._tensor import Node, Tensor

__all__ = ["IDENTITIES", "SUMS", "Known", "Rule", "covers", "identity_of", "makes_zero"]

SUMS = frozenset({"Add", "Sum"})


@dataclass
class Known:
    """What is known of the values rewritten so far."""

    steps: dict[Node, Inputs] = field(default_factory=dict)
    """Nodes that remain, in topological order, each with what it reads now."""
    rows: set[Tensor | None] = field(default_factory=set)
    """Values whose dimension 0 is the batch."""
    zeros: set[Tensor | None] = field(default_factory=set)
    """Values that are zero in every element."""
    ones: set[Tensor | None] = field(default_factory=set)
    """Constants that are one in every element."""


Rule = Callable[[Node, Inputs, Known], Tensor | None]
"""The value that an application is equal to, or None where the rule does not match."""

Condition = Callable[[Node, Tensor, Known], bool]


def covers(x: Tensor, node: Node, dropped: Iterable[Tensor | None], known: Known) -> bool:
    """Whether `x` alone has the node's shape and dtype for any batch size, once `dropped` no longer broadcasts it.

    A position embedding of shape (1, T, C) plus a batch of zeros looks like the embedding only while the batch is 1.
    """
    y = node.output
    return x.shape == y.shape and x.dtype == y.dtype and (x in known.rows or known.rows.isdisjoint(dropped))


def _first_if(holds: Condition) -> Rule:
    """The rule `y = x` for a condition on node and first input."""

    def rule(node: Node, inputs: Inputs, known: Known) -> Tensor | None:
        x = inputs[0]
        return x if x is not None and holds(node, x, known) else None

    return rule


def _neutral(position: int) -> Rule:
    """The rule `y = x` where the input at `position` is all ones."""

    def rule(node: Node, inputs: Inputs, known: Known) -> Tensor | None:
        if len(inputs) != 2 or inputs[position] not in known.ones:
            return None
        x = inputs[1 - position]
        return x if x is not None and covers(x, node, (inputs[position],), known) else None

    return rule


def _single(node: Node, inputs: Inputs, known: Known) -> Tensor | None:
    return inputs[0] if len(inputs) == 1 else None


def _keeps_rows(node: Node, x: Tensor, known: Known) -> bool:
    return x in known.rows and x.shape == node.output.shape


def _reshape(node: Node, x: Tensor, known: Known) -> bool:
    # (1, -1, C) on a batch of one token each also keeps the shape, but only while the batch is 1.
    return _keeps_rows(node, x, known) and node.attrs["shape"][0] in (0, -1)


def _slice(node: Node, x: Tensor, known: Known) -> bool:
    whole = 0 not in node.attrs["axes"] and all(step == 1 for step in node.attrs["steps"])
    return whole and _keeps_rows(node, x, known)


def _reduce(node: Node, x: Tensor, known: Known) -> bool:
    return 0 not in node.attrs["axes"] and _keeps_rows(node, x, known)


def _pool(node: Node, x: Tensor, known: Known) -> bool:
    attrs = node.attrs
    return {*attrs["kernel_shape"], *attrs["strides"]} == {1} and not any(attrs["pads"])


def _one_pixel(node: Node, x: Tensor, known: Known) -> bool:
    return x.shape == node.output.shape


def _blocks_of_one(node: Node, x: Tensor, known: Known) -> bool:
    return bool(node.attrs["blocksize"] == 1)


def _resize(node: Node, x: Tensor, known: Known) -> bool:
    return x.shape == node.output.shape and all(scale == 1 for scale in node.attrs.get("scales", ()))


def _inner(node: Node, inputs: Inputs) -> Node | None:
    """The node that makes the first input, where it applies the same operator."""
    inner = inputs[0].node if inputs[0] is not None else None
    return inner if inner is not None and inner.op is node.op else None


def _undone(node: Node, inputs: Inputs, known: Known) -> Tensor | None:
    """f(f(x)) = x."""
    inner = _inner(node, inputs)
    x = known.steps[inner][0] if inner is not None else None
    return x if x is not None and x.dtype == node.output.dtype else None


def _repeated(node: Node, inputs: Inputs, known: Known) -> Tensor | None:
    """f(f(x)) = f(x)."""
    return inputs[0] if _inner(node, inputs) is not None else None


def _transposed_back(node: Node, inputs: Inputs, known: Known) -> Tensor | None:
    inner = _inner(node, inputs)
    if inner is None:
        return None
    both = [inner.attrs["perm"][i] for i in node.attrs["perm"]]
    return known.steps[inner][0] if both == sorted(both) else None


IDENTITIES: tuple[tuple[str, Rule], ...] = (
    ("Identity", _first_if(lambda node, x, known: True)),
    # Any other Dropout stays: it is no identity while the network is trained.
    ("Dropout", _first_if(lambda node, x, known: node.attrs.get("ratio") == 0)),
    ("Cast", _first_if(lambda node, x, known: x.dtype == node.output.dtype)),
    ("Clip", _first_if(lambda node, x, known: node.attrs["min"] is node.attrs["max"] is None)),
    ("Mul", _neutral(0)),
    ("Mul", _neutral(1)),
    ("Div", _neutral(1)),
    ("Pow", _neutral(1)),
    ("Reshape", _first_if(_reshape)),
    ("Flatten", _first_if(lambda node, x, known: x.rank == 2 and node.attrs["axis"] in (1, -1))),
    ("Transpose", _first_if(lambda node, x, known: list(node.attrs["perm"]) == sorted(node.attrs["perm"]))),
    ("Transpose", _transposed_back),
    ("Expand", _first_if(_keeps_rows)),
    ("Slice", _first_if(_slice)),
    ("Pad", _first_if(lambda node, x, known: not any(node.attrs["pads"]))),
    ("Tile", _first_if(lambda node, x, known: set(node.attrs["repeats"]) <= {1})),
    ("Squeeze", _first_if(lambda node, x, known: not node.attrs["axes"])),
    ("Unsqueeze", _first_if(lambda node, x, known: not node.attrs["axes"])),
    ("Split", _first_if(lambda node, x, known: len(node.outputs) == 1)),
    ("Resize", _first_if(_resize)),
    *((name, _first_if(_blocks_of_one)) for name in ("SpaceToDepth", "DepthToSpace")),
    *((name, _first_if(_pool)) for name in ("MaxPool", "AveragePool")),
    *((name, _first_if(_one_pixel)) for name in ("GlobalMaxPool", "GlobalAveragePool")),
    *((f"Reduce{kind}", _first_if(_reduce)) for kind in ("Mean", "Sum", "Max", "Min", "Prod")),
    *((name, _undone) for name in ("Neg", "Not")),
    *((name, _repeated) for name in ("Relu", "Abs", "Ceil", "Floor", "Round", "Sign")),
    *((name, _single) for name in ("Add", "Sum", "Sub", "Max", "Min", "Concat")),
)  # fmt: skip
"""Rules (operator, function) for applications that are equal to a value that exists already."""

_BY_OPERATOR: dict[str, tuple[Rule, ...]] = {
    name: tuple(rule for other, rule in IDENTITIES if other == name) for name, _ in IDENTITIES
}


def identity_of(node: Node, inputs: Inputs, known: Known) -> Tensor | None:
    """The value that the node only hands on, by the first rule that matches."""
    for rule in _BY_OPERATOR.get(node.op.name, ()):
        found = rule(node, inputs, known)
        if found is not None:
            return found
    return None


ZeroRule = Callable[[Node, list[bool]], bool]
"""Whether the node makes only zeros, where the list says which inputs are zero."""


def _without(position: int) -> ZeroRule:
    """Zero from a first input of zeros, unless the optional input at `position` adds something."""
    return lambda node, zero: zero[0] and all(t is None for t in node.inputs[position : position + 1])


def _pad_of_zeros(node: Node, zero: list[bool]) -> bool:
    return zero[0] and (node.attrs["mode"] != "constant" or node.attrs["value"] == 0)


def _clip_of_zeros(node: Node, zero: list[bool]) -> bool:
    low, high = node.attrs["min"], node.attrs["max"]
    return zero[0] and (low is None or low <= 0) and (high is None or high >= 0)


_ZEROS: dict[str, ZeroRule] = {
    **dict.fromkeys(("Mul", "MatMul"), lambda node, zero: any(zero)),
    **dict.fromkeys(("Add", "Sum", "Sub", "Concat", "Max", "Min"), lambda node, zero: all(zero)),
    "Div": lambda node, zero: zero[0] and not zero[1],
    "Where": lambda node, zero: zero[1] and zero[2],
    "Attention": lambda node, zero: zero[2],
    "Split": lambda node, zero: zero[0],
    "Gemm": _without(2),
    "LayerNormalization": _without(2),
    "RMSNormalization": _without(2),
    "Pad": _pad_of_zeros,
    "Clip": _clip_of_zeros,
}


def makes_zero(node: Node, inputs: Inputs, known: Known) -> bool:
    """Whether zeros among the inputs make every output zero, all other values being finite.

    By the operator's own `maps_zero` where no rule here says more.
    """
    rule = _ZEROS.get(node.op.name)
    if rule is None:
        return inputs[0] in known.zeros and node.op.maps_zero(node)
    return rule(node, [t in known.zeros for t in inputs])
