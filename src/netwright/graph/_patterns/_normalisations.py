"""Normalisations written out: layer (Ba et al. 2016), RMS (Zhang & Sennrich 2019), group, softmax, p-norms."""

from __future__ import annotations

from typing import Any

from netwright.graph import ops
from netwright.graph._patterns._language import Match, Number, Pattern, Rule, apply, product, total
from netwright.graph._patterns._network import Network
from netwright.graph._tensor import Node, Tensor

__all__ = ["NORMALISATIONS"]

X = "x"


def _square(of: Pattern | str) -> Pattern:
    return apply("Pow", of, 2.0) | product(of, of)


def _root(of: Pattern | str) -> tuple[Pattern, Pattern]:
    """Root of the mean square and epsilon, and its inverse."""
    raised = total(apply("ReduceMean", _square(of), name="mean"), Number(name="epsilon"))
    root = apply("Sqrt", raised) | apply("Pow", raised, 0.5)
    return root, apply("Reciprocal", root) | apply("Div", 1.0, root) | apply("Pow", raised, -0.5)


def _centred(mean: str) -> Pattern:
    return apply("Sub", X, apply("ReduceMean", X, name=mean))


ROOT, INVERSE = _root(X)
DEVIATION, INVERSE_DEVIATION = _root(_centred("middle"))
AGAIN = apply("Mul", INVERSE_DEVIATION, "scale", name="factor")


def _trailing(node: Node, x: Tensor) -> int | None:
    """First of the axes of a reduction, where these are the last ones and are kept."""
    axes = node.attrs["axes"]
    return axes[0] if axes == tuple(range(axes[0], x.rank)) and node.attrs["keepdims"] else None


def _rms_norm(match: Match, net: Network) -> Tensor | None:
    x = match.tensor(X)
    axis, epsilon = _trailing(match.node("mean"), x), match.number("epsilon")
    if axis is None or epsilon <= 0:
        return None
    made: Tensor = ops.rms_normalization(x, axis=axis, epsilon=epsilon)
    return ops.mul(made, match.tensor("scale")) if "scale" in match.found else made


def _layer_norm(match: Match, net: Network) -> Tensor | None:
    """Both means over the same last axes; scale and shift follow by rules of their own."""
    x = match.tensor(X)
    axis, epsilon = _trailing(match.node("mean"), x), match.number("epsilon")
    middles = [match.node(key) for key in ("middle", "other") if key in match.found]
    if axis is None or epsilon <= 0 or any(_trailing(node, x) != axis for node in middles):
        return None
    made: Tensor = ops.layer_normalization(x, axis=axis, epsilon=epsilon)
    for key, op in (("scale", ops.mul), ("shift", ops.add)):
        made = op(made, match.tensor(key)) if key in match.found else made
    return made


def _centred_rms_norm(match: Match, net: Network) -> Tensor | None:
    x, norm = match.tensor(X), match.node("norm")
    if _trailing(match.node("middle"), x) != norm.attrs["axis"]:
        return None
    made: Tensor = ops.layer_normalization(x, *net.inputs(norm)[1:], **norm.attrs)
    return made


def _affine(key: str) -> Any:
    """A factor or a summand of the normalised shape that is no activation."""

    def rewrite(match: Match, net: Network) -> Tensor | None:
        node, extra = match.node("norm"), match.tensor(key)
        x, *rest = net.inputs(node)
        if x is None or net.flows(extra) or extra.shape != x.shape[node.attrs["axis"] :] or extra.dtype != x.dtype:
            return None
        given = (extra,) if key == "scale" else (*(rest or [None]), extra)
        made: Tensor = node.op(x, *given, **node.attrs)
        return made

    return rewrite


def _softmax(match: Match, net: Network) -> Tensor | None:
    attrs, x = match.node("sum").attrs, match.tensor(X)
    made: Tensor | None = ops.softmax(x, axis=attrs["axes"][0]) if _one_kept(attrs) else None
    return made


def _one_kept(attrs: dict[str, Any]) -> bool:
    return len(attrs["axes"]) == 1 and bool(attrs["keepdims"])


def _lowered(match: Match, net: Network) -> Tensor | None:
    """A softmax does not see what is taken from all its scores."""
    highest, attrs = match.node("highest").attrs, match.node("softmax").attrs
    if not _one_kept(highest) or highest["axes"][0] != attrs["axis"]:
        return None
    made: Tensor = ops.softmax(match.tensor(X), axis=attrs["axis"])
    return made


def _reduced(op: Any, name: str) -> Any:
    def rewrite(match: Match, net: Network) -> Tensor:
        attrs = match.node(name).attrs
        made: Tensor = op(match.tensor(X), axes=attrs["axes"], keepdims=attrs["keepdims"])
        return made

    return rewrite


BARE = apply("LayerNormalization RMSNormalization", X, name="norm")

NORMALISATIONS: tuple[Rule, ...] = (
    (apply("Div", _centred("other"), DEVIATION) | product(_centred("other"), INVERSE_DEVIATION), _layer_norm),
    (product(_centred("other"), AGAIN), _layer_norm),
    (
        apply(
            "Add",
            apply("Mul", X, AGAIN),
            apply("Sub", "shift", apply("Mul", apply("ReduceMean", X, name="middle"), "factor")),
        ),
        _layer_norm,
    ),
    (apply("Div", X, ROOT) | product(X, INVERSE), _rms_norm),
    (apply("Mul", X, apply("Mul", INVERSE, "scale")), _rms_norm),
    (apply("RMSNormalization", _centred("middle"), name="norm", more=True), _centred_rms_norm),
    (product(BARE, "scale"), _affine("scale")),
    (total(BARE | apply("LayerNormalization", X, "scale", name="norm"), "shift"), _affine("shift")),
    (apply("Div", apply("Exp", X, name="e"), apply("ReduceSum", apply("Exp", X, name="e"), name="sum")), _softmax),
    (
        apply("Softmax", apply("Sub", X, apply("ReduceMax", X, name="highest")), name="softmax"),
        _lowered,
    ),
    (apply("Log", apply("Softmax", X, name="softmax")), lambda match, net: ops.log_softmax(
        match.tensor(X), axis=match.node("softmax").attrs["axis"])),
    (apply("ReduceSum", _square(X), name="sum"), _reduced(ops.reduce_sum_square, "sum")),
    (apply("Sqrt", apply("ReduceSumSquare", X, name="sum")), _reduced(ops.reduce_l2, "sum")),
)  # fmt: skip
"""What a normalisation is written as, and the normalisation."""
