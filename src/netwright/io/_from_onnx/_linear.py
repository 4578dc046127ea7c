"""Converters of matrix products and attention."""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_letters
from typing import Any

import numpy as np

from netwright.graph import Tensor, constant, ops
from netwright.io._from_onnx._call import Call
from netwright.io._from_onnx._values import Known

__all__ = ["CONVERTERS", "matmul"]

Converter = Callable[[Call], Any]


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product by NumPy's rule: a vector is a row on the left, a column on the right, and loses that axis."""
    left, right = a.rank == 1, b.rank == 1
    a = ops.unsqueeze(a, axes=(0,)) if left else a
    b = ops.unsqueeze(b, axes=(1,)) if right else b
    result: Tensor = ops.matmul(a, b)
    axes = [result.rank - 2] * left + [result.rank - 1] * right
    return ops.squeeze(result, axes=tuple(axes)) if axes else result


def _matmul(call: Call) -> Tensor:
    a, b = (call.weight(i) if _is_matrix(call, i) else call.tensor(i) for i in (0, 1))
    return matmul(a, b)


def _is_matrix(call: Call, index: int) -> bool:
    value = call.value(index)
    return isinstance(value, Known) and len(value.shape) > 1 and value.dtype.startswith("float")


def _gemm(call: Call) -> Tensor:
    stated = {"transB": 0} | {
        key: call.attrs[key] for key in ("transA", "transB", "alpha", "beta") if key in call.attrs
    }
    result: Tensor = ops.gemm(call.tensor(0), call.weight(1), call.optional(2, "bias"), **stated)
    return result


def _einsum(call: Call) -> Tensor:
    tensors = call.tensors()
    result: Tensor = ops.einsum(
        *tensors, equation=explicit_equation(call.attrs["equation"], [t.rank for t in tensors])
    )
    return result


def explicit_equation(text: str, ranks: list[int]) -> str:
    """An equation with a letter for each axis and with its result.

    >>> explicit_equation("...ij,...jk", [3, 3]), explicit_equation("ij,jk", [2, 2])
    ('aij,ajk->aik', 'ij,jk->ik')
    """
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    free = [letter for letter in ascii_letters if letter not in text]
    hidden = max((rank - len(term) + 3 for term, rank in zip(terms, ranks, strict=True) if "..." in term), default=0)
    dots = "".join(free[:hidden])
    if not arrow:
        letters = left.replace(".", "").replace(",", "")
        right = ("..." if hidden else "") + "".join(sorted(x for x in set(letters) if letters.count(x) == 1))
    own = [dots[hidden - (rank - len(term) + 3) :] for term, rank in zip(terms, ranks, strict=True)]
    terms = [term.replace("...", inner) for term, inner in zip(terms, own, strict=True)]
    return f"{','.join(terms)}->{right.replace('...', dots)}"


def _attention(call: Call) -> list[Any]:
    """Attention of operator set 23: heads as an axis or within the last one, with keys and values from before."""
    special = call.attrs.get("softcap", 0) or call.has(6) or (len(call.used) > 3 and call.used[3])
    call.refuse(bool(special), "it caps its scores, gives them out, or has lengths")
    q, k, v = (call.tensor(i) for i in range(3))
    folded = q.rank == 3
    if folded:
        heads, groups = call.attrs["q_num_heads"], call.attrs["kv_num_heads"]
        q, k, v = (_with_heads(t, n) for t, n in ((q, heads), (k, groups), (v, groups)))
    past = 0
    if call.has(4):
        past = call.tensor(4).shape[2]
        k, v = ops.concat(call.tensor(4), k, axis=2), ops.concat(call.tensor(5), v, axis=2)
    causal = bool(call.attrs.get("is_causal", 0))
    mask = _mask(call, q, k, past if causal else None)
    scale = call.attrs.get("scale", q.shape[3] ** -0.5)
    plain = causal and not past and mask is None
    y = ops.attention(q, k, v, *([] if mask is None else [mask]), is_causal=int(plain), scale=scale)
    if folded:
        y = ops.reshape(ops.transpose(y, perm=(0, 2, 1, 3)), shape=(y.shape[0], y.shape[2], y.shape[1] * y.shape[3]))
    return [y, k, v]


def _with_heads(x: Tensor, heads: int) -> Tensor:
    rows, length, width = x.shape
    result: Tensor = ops.transpose(ops.reshape(x, shape=(rows, length, heads, width // heads)), perm=(0, 2, 1, 3))
    return result


def _mask(call: Call, q: Tensor, k: Tensor, past: int | None) -> Tensor | None:
    """The mask, and with it what lies ahead of each query, where there are keys from before or both are asked for."""
    mask = call.optional(3)
    if mask is not None and mask.shape[-1] != k.shape[2]:
        call.refuse(True, "its mask is shorter than its keys")
    if past is None or (mask is None and past == 0):
        return mask
    seen = np.tril(np.ones((q.shape[2], k.shape[2]), bool), past)
    if mask is None:
        return constant(seen, "bool")
    if mask.dtype == "bool":
        return ops.logical_and(mask, constant(seen, "bool"))  # type: ignore[no-any-return]
    return mask + constant(np.where(seen, 0.0, -np.inf), mask.dtype)


CONVERTERS: dict[str, Converter] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Einsum": _einsum,
    "Attention": _attention,
}
