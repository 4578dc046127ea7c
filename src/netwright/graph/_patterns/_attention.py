"""Scaled dot-product attention written out (Vaswani et al. 2017), and heads that are repeated for it."""

from __future__ import annotations

from math import isclose

import numpy as np

from netwright.graph import ops
from netwright.graph._patterns._language import CLOSE, Match, Number, Pattern, Rule, apply, product, total
from netwright.graph._patterns._network import Network
from netwright.graph._tensor import Constant, Tensor, constant

__all__ = ["ATTENTION"]

LOWEST = -1e30
"""A score that is lost in nothing else it is added to, and after the softmax is nothing."""

RAW = apply("MatMul", "q", "k", name="raw")
SCORES = product(RAW, Number(name="scale")) | RAW
LOW = Number(name="low")
MASKED: Pattern = (
    total(SCORES, "mask")
    | total(SCORES, "bias", "mask")
    | apply("Where", "seen", SCORES, LOW)
    | apply("Where", "hidden", LOW, SCORES)
    | SCORES
)


def _attention(match: Match, net: Network) -> Tensor | None:
    q, k, v = (match.tensor(key) for key in "qkv")
    if not (q.rank == k.rank == v.rank == 4 and match.node("softmax").attrs["axis"] == 3):
        return None
    if not all(map(net.flows, (q, k, v))):
        return None
    keys = ops.transpose(k, perm=(0, 1, 3, 2))
    mask, causal = _mask(match), 0
    if mask is None and ("seen" in match.found or "hidden" in match.found):
        return None
    if isinstance(mask, Constant) and _is_causal(mask, (q.shape[2], k.shape[3])):
        mask, causal = None, 1
    scale, usual = match.number("scale"), q.shape[3] ** -0.5
    made: Tensor = ops.attention(
        q, keys, v, *([] if mask is None else [mask]),
        scale=usual if isclose(scale, usual, rel_tol=CLOSE) else scale, is_causal=causal,
    )  # fmt: skip
    return made


def _mask(match: Match) -> Tensor | None:
    """What is added to the scores; None for nothing, and for scores that are replaced by no lowest number."""
    found = match.found
    if "mask" in found:
        mask = match.tensor("mask")
        return ops.add(match.tensor("bias"), mask) if "bias" in found else mask
    low, dtype = match.number("low", 0.0), match.tensor("q").dtype
    if not low <= LOWEST:
        return None
    zero, lowest = constant(0, dtype), constant(low, dtype)
    if "seen" in found:
        return _chosen(match.tensor("seen"), zero, lowest)
    return _chosen(match.tensor("hidden"), lowest, zero)


def _chosen(condition: Tensor, yes: Constant, no: Constant) -> Tensor:
    if isinstance(condition, Constant):
        return constant(np.where(condition.value, yes.value, no.value), yes.dtype)
    made: Tensor = ops.where(condition, yes, no)
    return made


def _is_causal(mask: Constant, shape: tuple[int, int]) -> bool:
    """Whether every query sees the keys up to its own place, and no others."""
    if mask.shape[-2:] != shape or shape[0] != shape[1]:
        return False
    earlier = np.tri(*shape, dtype=bool)
    value = mask.value
    return bool((value[..., earlier] == 0).all() and (value[..., ~earlier] <= LOWEST).all())


def _scaled(match: Match, net: Network) -> Tensor | None:
    """A factor of all queries, or of all keys, is one of the scores."""
    node = match.node("attention")
    attrs = {**node.attrs, "scale": node.attrs["scale"] * match.number("factor")}
    usual = match.tensor("q").shape[3] ** -0.5
    attrs["scale"] = usual if isclose(attrs["scale"], usual, rel_tol=CLOSE) else attrs["scale"]
    made: Tensor = ops.attention(match.tensor("q"), match.tensor("k"), *net.inputs(node)[2:], **attrs)
    return made


REPEATED = "Expand Tile"


def _repeat(name: str) -> Pattern:
    wide = apply("Unsqueeze Reshape", name, name=f"{name} wide")
    return apply("Reshape", apply(REPEATED, wide, name=f"{name} copies", more=True))


def _shared_heads(match: Match, net: Network) -> Tensor | None:
    """Each key and value head for a run of query heads."""
    node = match.node("attention")
    for key in "kv":
        head = match.tensor(key)
        n, g, *rest = head.shape
        copies = match.tensor(f"{key} copies").shape
        if head.rank != 4 or match.tensor(f"{key} wide").shape != (n, g, 1, *rest) or len(copies) != 5:
            return None
        if copies != (n, g, copies[2], *rest):
            return None
    made: Tensor = ops.attention(
        match.tensor("q"), match.tensor("k"), match.tensor("v"), *net.inputs(node)[3:], **node.attrs
    )
    return made


def _merged(match: Match, net: Network) -> Tensor | None:
    """Products of matrices (N H, T, d): heads that were merged with the batch before are an axis again."""
    q, v = (_taken_apart(match.tensor(key), net) for key in "qv")
    k = _taken_apart(match.tensor("k"), net)
    if q is None or k is None or v is None or match.node("softmax").attrs["axis"] != 2:
        return None
    keys = ops.transpose(k, perm=(0, 1, 3, 2))
    made: Tensor = ops.attention(q, keys, v, scale=match.number("scale"))
    out = match.tensor("out")
    shape = net.view(made, out)
    return None if shape is None else ops.reshape(made, shape=shape)


def _taken_apart(t: Tensor, net: Network) -> Tensor | None:
    """The value (N, H, T, d) whose first two axes were merged to make this one."""
    node = net.maker(t)
    source = net.inputs(node)[0] if node is not None else None
    if node is None or source is None:
        return None
    if node.op.name == "Reshape":
        whole = source.rank == 4 and t.rank == 3 and net.many(source)[2:] == net.many(t)[1:]
        return source if whole else None
    if node.op.name == "Transpose" and node.attrs["perm"] == (0, 2, 1):
        inner = _taken_apart(source, net)
        return None if inner is None else ops.transpose(inner, perm=(0, 1, 3, 2))
    return None


FACTOR = Number(name="factor")
ATTENTION: tuple[Rule, ...] = (
    (apply("MatMul", apply("Softmax", MASKED, name="softmax"), "v"), _attention),
    (apply("MatMul", apply("Softmax", SCORES, name="softmax"), "v", name="out"), _merged),
    (apply("Attention", product("q", FACTOR), "k", name="attention", more=True), _scaled),
    (apply("Attention", "q", product("k", FACTOR), name="attention", more=True), _scaled),
    (apply("Attention", "q", _repeat("k"), _repeat("v"), name="attention", more=True), _shared_heads),
)
"""What attention is written as, and the attention."""
