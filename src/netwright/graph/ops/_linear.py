"""Matrix products and attention."""

from __future__ import annotations

from math import prod
from typing import Any

from netwright.errors import ShapeError
from netwright.graph._operator import Operator, Types, broadcast, require
from netwright.graph._tensor import Node, Tensor


class MatMul(Operator):
    """Matrix product of the last two axes: (..., n, k) and (..., k, m) to (..., n, m); the rest broadcasts.

    >>> from netwright.graph import Input, ops, parameter
    >>> y = ops.matmul(Input((1, 16, 8)), parameter("weight", (8, 4)))
    >>> y.shape, y.node.op.macs(y.node)
    ((1, 16, 4), 512)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        a, b = inputs
        require(
            a.rank >= 2 and b.rank >= 2 and a.shape[-1] == b.shape[-2],
            self,
            "the inner sizes must be equal and ranks at least 2",
            inputs,
        )
        outer = broadcast(self, (Tensor(a.shape[:-2]), Tensor(b.shape[:-2])))
        return (((*outer, a.shape[-2], b.shape[-1]), a.dtype),)

    def macs(self, node: Node) -> int:
        a = node.inputs[0]
        assert a is not None
        return node.output.size * a.shape[-1]


class Gemm(Operator):
    """Fully connected layer: A (N, K), B (M, K) with transB=1 or (K, M), optional C that broadcasts to (N, M).

    >>> from netwright.graph import ops, parameter, vector
    >>> y = ops.gemm(vector(64), parameter("weight", (10, 64)), parameter("bias", (10,)), transB=1)
    >>> y.shape, y.node.op.macs(y.node), y.node.op.flops(y.node)
    ((1, 10), 640, 1290)

    Gives alpha * A B + beta * C of shape (N, M). A is (K, N) with transA=1.
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        a, b, *_ = inputs
        attrs.setdefault("transB", 1)
        require(a.rank == b.rank == 2, self, "A must be (N, K) and B (M, K)", inputs)
        rows, k = a.shape[::-1] if attrs.get("transA") else a.shape
        inner, m = b.shape[::-1] if attrs["transB"] else b.shape
        require(k == inner, self, "A must be (N, K) and B (M, K)", inputs)
        bias = inputs[2] if len(inputs) > 2 else None
        if bias is not None:
            fits = bias.rank <= 2 and all(s in (1, n) for s, n in zip(bias.shape[::-1], (m, rows), strict=False))
            require(fits, self, f"the bias must have shape ({m},) or broadcast to ({rows}, {m})", inputs)
        return (((rows, m), a.dtype),)

    def macs(self, node: Node) -> int:
        a = node.inputs[0]
        assert a is not None
        return node.output.size * a.shape[0 if node.attrs.get("transA") else 1]

    def flops(self, node: Node) -> int:
        bias = len(node.inputs) > 2 and node.inputs[2] is not None
        return 2 * self.macs(node) + (node.output.size if bias else 0)


class Attention(Operator):
    """Scaled dot-product attention with grouped key and value heads (Vaswani et al. 2017; Ainslie et al. 2023).

    >>> from netwright.graph import Input, ops
    >>> q, k, v = Input((1, 8, 16, 32)), Input((1, 2, 16, 32)), Input((1, 2, 16, 32))
    >>> y = ops.attention(q, k, v, is_causal=1)
    >>> y.shape, y.node.op.macs(y.node)
    ((1, 8, 16, 32), 131072)

    Q (N, H, T, d), K (N, G, S, d), V (N, G, S, e), where G divides H, to (N, H, T, e). Attributes: `scale`
    (default d ** -0.5) and `is_causal`. A fourth input is a mask that broadcasts to (N, H, T, S): added to the scores
    where it is floating, and where it is bool the scores of its False entries are left out. Neither mask lowers the
    count: kernels differ in what they skip.
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        q, k, v, mask, *_ = (*inputs, None)
        holds = q.rank == k.rank == v.rank == 4 and q.shape[3] == k.shape[3] and k.shape[:3] == v.shape[:3]
        require(
            holds and q.shape[0] == k.shape[0] and q.shape[1] % k.shape[1] == 0,
            self,
            "Q (N, H, T, d), K (N, G, S, d), V (N, G, S, e) with G dividing H",
            inputs,
        )
        if mask is not None:
            scores = Tensor((*q.shape[:3], k.shape[2]))
            fits = mask.rank <= 4 and broadcast(self, (scores, mask)) == scores.shape
            require(fits, self, f"the mask must broadcast to {scores.shape}", inputs)
        attrs.setdefault("is_causal", 0)
        attrs.setdefault("scale", q.shape[3] ** -0.5)
        return (((*q.shape[:3], v.shape[3]), q.dtype),)

    def macs(self, node: Node) -> int:
        q, k, v = node.inputs[:3]
        assert q is not None
        assert k is not None
        assert v is not None
        return q.shape[0] * q.shape[1] * q.shape[2] * k.shape[2] * (q.shape[3] + v.shape[3])

    def flops(self, node: Node) -> int:
        q, k = node.inputs[:2]
        assert q is not None
        assert k is not None
        return 2 * self.macs(node) + 5 * q.shape[0] * q.shape[1] * q.shape[2] * k.shape[2]


class Einsum(Operator):
    """Sum of products by an `equation` such as "bij,bjk->bik"; sizes of 1 do not broadcast, and there is no "...".

    >>> from netwright.graph import Input, ops
    >>> y = ops.einsum(Input((1, 4, 8)), Input((1, 8, 5)), equation="bij,bjk->bik")
    >>> y.shape, y.node.op.macs(y.node)
    ((1, 4, 5), 160)

    MACs are the product of the sizes of all letters, for each operand after the first.
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        terms, result = _equation(self, attrs)
        require(len(terms) == len(inputs), self, f"equation {attrs['equation']!r} must have a term per input", inputs)
        sizes: dict[str, int] = {}
        for term, tensor in zip(terms, inputs, strict=True):
            require(len(term) == tensor.rank, self, f"{term!r} must have a letter per axis", inputs)
            for letter, size in zip(term, tensor.shape, strict=True):
                require(sizes.setdefault(letter, size) == size, self, f"{letter!r} must have one size", inputs)
        require(set(result) <= sizes.keys(), self, f"{result!r} must use letters of the inputs", inputs)
        return ((tuple(sizes[letter] for letter in result), inputs[0].dtype),)

    def macs(self, node: Node) -> int:
        terms, _ = _equation(self, node.attrs)
        pairs = [(term, t) for term, t in zip(terms, node.inputs, strict=True) if t is not None]
        sizes = {letter: size for term, t in pairs for letter, size in zip(term, t.shape, strict=True)}
        return prod(sizes.values()) * (len(terms) - 1)


def _equation(op: Operator, attrs: dict[str, Any]) -> tuple[list[str], str]:
    text = str(attrs["equation"]).replace(" ", "")
    left, arrow, right = text.partition("->")
    if not arrow or "." in text:
        raise ShapeError(f"{op.name}: an equation must have '->' and no '...', but got {attrs['equation']!r}.")
    attrs["equation"] = text
    return left.split(","), right


matmul = MatMul("MatMul")
gemm = Gemm("Gemm")
attention = Attention("Attention")
einsum = Einsum("Einsum")
