"""Scaled dot-product attention, and what is known of its mask."""

from __future__ import annotations

from math import prod
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError

__all__ = ["ATTENTION"]


def _attention(
    b: Builder, q: Any, k: Any, v: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    *, scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    query, key, value = (_with_heads(b.tensor(t)) for t in (q, k, v))
    mask, causal = _mask(b, attn_mask, query, key)
    options = {"is_causal": int(is_causal or causal)} | ({} if scale is None else {"scale": float(scale)})
    key, value = (_with_rows(t, query, enable_gqa) for t in (key, value))
    made: Tensor = ops.attention(query, key, value, *([] if mask is None else [mask]), **options)
    return made if made.shape == b.shape else ops.reshape(made, shape=b.shape)


def _with_heads(x: Tensor) -> Tensor:
    """Operand as (N, H, T, d)."""
    if x.rank == 3:
        one: Tensor = ops.unsqueeze(x, axes=(1,))
        return one
    if x.rank > 4:
        merged: Tensor = ops.reshape(x, shape=(prod(x.shape[:-3]), *x.shape[-3:]))
        return merged
    if x.rank < 3:
        raise NoFormError("attention over fewer than three axes")
    return x


def _with_rows(x: Tensor, query: Tensor, grouped: bool) -> Tensor:
    """Keys or values for each row and, unless heads are grouped, each head of the queries."""
    heads = x.shape[1] if grouped else query.shape[1]
    shape = (query.shape[0], heads, *x.shape[2:])
    if x.shape == shape:
        return x
    grown: Tensor = ops.expand(x, shape=shape)
    return grown


def _mask(b: Builder, mask: Any, query: Tensor, key: Tensor) -> tuple[Tensor | None, bool]:
    """Mask, and whether it is the causal one; one that hides nothing is left out."""
    import torch

    if mask is None:
        return None, False
    if isinstance(mask, torch.Tensor):
        shown = mask if mask.dtype == torch.bool else mask > torch.finfo(mask.dtype).min / 2
        plain = mask.dtype == torch.bool or bool((mask[shown] == 0).all())
        if plain and bool(shown.all()):
            return None, False
        rows, columns = query.shape[2], key.shape[2]
        triangle = torch.ones(rows, columns, dtype=torch.bool).tril()
        if plain and rows == columns == mask.shape[-1] == mask.shape[-2] and bool((shown == triangle).all()):
            return None, True
    tensor = b.tensor(mask)
    tensor = tensor if tensor.dtype == "bool" else b.tensor(tensor, query.dtype)
    return _aligned(tensor, b.shape), False


def _aligned(mask: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Mask of queries of another rank than four, as the queries were brought to four axes."""
    made = mask
    if len(shape) == 3 and mask.rank == 3:
        made = ops.unsqueeze(mask, axes=(1,))
    elif len(shape) > 4 and mask.rank > 3:
        whole = ops.expand(mask, shape=(*shape[:-1], mask.shape[-1]))
        made = ops.reshape(whole, shape=(prod(whole.shape[:-3]), *whole.shape[-3:]))
    return made


ATTENTION: dict[str, Converter] = {"aten.scaled_dot_product_attention": _attention}
"""Converters by the name of the operator."""
