"""Convolution, matrix products and normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from netwright.graph import Parameter, Tensor, ops
from netwright.io._from_torch._arithmetic import scaled
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError, per_axis
from netwright.io._from_torch._reductions import variance

__all__ = ["LAYERS", "linear"]

Numbers = int | Sequence[int]


def _pads(padding: Numbers | str, kernel: Sequence[int], dilations: Sequence[int]) -> tuple[int, ...]:
    """ONNX pads; where "same" needs an odd number, PyTorch pads one more at the end."""
    if padding == "valid":
        return (0,) * (2 * len(kernel))
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
        return (*(t // 2 for t in totals), *(t - t // 2 for t in totals))
    assert not isinstance(padding, str)
    return per_axis(padding, len(kernel)) * 2


def _conv(
    b: Builder, x: Any, weight: Any, bias: Any = None, stride: Numbers = 1, padding: Numbers | str = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Any:  # fmt: skip
    x, w = b.tensor(x), b.tensor(weight)
    space = w.rank - 2
    dilations = per_axis(dilation, space)
    made: Tensor = ops.conv(
        _batched(x, w.rank), w, *_present(b.optional(bias)), strides=per_axis(stride, space),
        pads=_pads(padding, w.shape[2:], dilations), dilations=dilations, group=groups,
    )  # fmt: skip
    return made if x.rank == w.rank else ops.squeeze(made, axes=(0,))


def _conv_transpose(
    b: Builder, x: Any, weight: Any, bias: Any = None, stride: Numbers = 1, padding: Numbers = 0,
    output_padding: Numbers = 0, groups: int = 1, dilation: Numbers = 1,
) -> Any:  # fmt: skip
    x, w = b.tensor(x), b.tensor(weight)
    space = w.rank - 2
    made: Tensor = ops.conv_transpose(
        _batched(x, w.rank), w, *_present(b.optional(bias)), strides=per_axis(stride, space),
        pads=per_axis(padding, space) * 2, output_padding=per_axis(output_padding, space),
        dilations=per_axis(dilation, space), group=groups,
    )  # fmt: skip
    return made if x.rank == w.rank else ops.squeeze(made, axes=(0,))


def _convolution(
    b: Builder, x: Any, weight: Any, bias: Any, stride: Numbers, padding: Numbers, dilation: Numbers,
    transposed: bool, output_padding: Numbers, groups: int, *options: Any,
) -> Any:  # fmt: skip
    if transposed:
        return _conv_transpose(b, x, weight, bias, stride, padding, output_padding, groups, dilation)
    return _conv(b, x, weight, bias, stride, padding, dilation, groups)


def _batched(x: Tensor, rank: int) -> Tensor:
    return x if x.rank == rank else ops.unsqueeze(x, axes=(0,))


def _present(tensor: Tensor | None) -> tuple[Tensor, ...]:
    return () if tensor is None else (tensor,)


def linear(b: Builder, x: Any, weight: Any, bias: Any = None) -> Any:
    """A Gemm on matrices; on more axes a product with the turned weight, which keeps its layout in the state dict."""
    x, w = b.tensor(x), b.tensor(weight)
    shift = b.optional(bias)
    if w.rank == 1:
        w = ops.unsqueeze(w, axes=(0,))
    if x.rank == 2 and (shift is None or shift.shape == w.shape[:1]):
        made: Tensor = ops.gemm(x, w, *_present(shift), transB=1)
    else:
        row = ops.unsqueeze(x, axes=(0,)) if x.rank == 1 else x
        made = ops.matmul(row, ops.transpose(w, perm=(1, 0)))
        made = made if shift is None else ops.add(made, shift)
    return made if made.shape == b.shape else ops.reshape(made, shape=b.shape)


def _matmul(b: Builder, x: Any, y: Any) -> Any:
    """A vector is a row on the left and a column on the right."""
    left, right = b.operands(x, y)
    row = ops.unsqueeze(left, axes=(0,)) if left.rank == 1 else left
    column = ops.unsqueeze(right, axes=(1,)) if right.rank == 1 else right
    made: Tensor = ops.matmul(row, column)
    if right.rank == 1:
        made = ops.squeeze(made, axes=(made.rank - 1,))
    if left.rank == 1:
        made = ops.squeeze(made, axes=(made.rank - (1 if right.rank == 1 else 2),))
    return made


def _addmm(b: Builder, x: Any, first: Any, second: Any, beta: float = 1, alpha: float = 1) -> Any:
    a, c, bias = b.tensor(first), b.tensor(second), b.tensor(x)
    if isinstance(c, Parameter) and bias.shape == c.shape[1:] and beta == alpha == 1:
        return ops.gemm(a, c, bias, transB=0)
    return ops.add(b.tensor(scaled(b, bias, beta)), b.tensor(scaled(b, ops.matmul(a, c), alpha)))


def _einsum(b: Builder, equation: str, operands: Sequence[Any], path: Any = None) -> Any:
    given = b.operands(*operands)
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    spare = iter(c for c in "ZYXWVUTSRQPONM" if c not in equation)
    deepest = max(t.rank - len(term.replace("...", "")) for term, t in zip(terms, given, strict=True))
    dots = "".join(next(spare) for _ in range(deepest)) if "..." in equation else ""
    full = []
    for term, tensor in zip(terms, given, strict=True):
        count = tensor.rank - len(term.replace("...", ""))
        full.append(term.replace("...", dots[len(dots) - count :]))
    if not arrow:
        letters = [c for c in "".join(full) if c not in dots]
        right = "..." + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if any(len(set(term)) < len(term) for term in full):
        raise NoFormError("a diagonal in an equation")
    return ops.einsum(*given, equation=f"{','.join(full)}->{right.replace('...', dots)}")


def _bilinear(b: Builder, x: Any, y: Any, weight: Any, bias: Any = None) -> Any:
    """A product of both inputs with a matrix for each feature, as nn.Bilinear has it."""
    first, second, w = b.tensors((x, y, weight))
    rows = prod(first.shape[:-1])
    left, right = (t if t.rank == 2 else ops.reshape(t, shape=(rows, t.shape[-1])) for t in (first, second))
    made = ops.einsum(left, w, right, equation="ni,oij,nj->no")
    made = made if bias is None else ops.add(made, b.tensor(bias))
    return made if made.shape == b.shape else ops.reshape(made, shape=b.shape)


def _batch_norm(
    b: Builder, x: Any, weight: Any, bias: Any, mean: Any, var: Any, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5, *options: Any,
) -> Any:  # fmt: skip
    x = b.tensor(x)
    if training or mean is None:
        return _from_batch(b, x, weight, bias, eps)
    ones, zeros = (b.constant(np.full(x.shape[1], v), x.dtype) for v in (1.0, 0.0))
    given = (b.optional(weight) or ones, b.optional(bias) or zeros, b.tensor(mean), b.tensor(var))
    return ops.batch_normalization(x, *given, epsilon=eps, momentum=1 - momentum)


def _from_batch(b: Builder, x: Tensor, weight: Any, bias: Any, eps: float) -> Any:
    """Normalisation with the statistics of what comes in, as standardised weights have it."""
    axes = tuple(a for a in range(x.rank) if a != 1)
    spread, mean = variance(x, axes, 0, keepdims=1)
    made = ops.div(ops.sub(x, mean), ops.sqrt(ops.add(spread, b.constant(eps, x.dtype))))
    column = (-1, *(1,) * (x.rank - 2))
    for op, given in ((ops.mul, weight), (ops.add, bias)):
        if given is not None:
            made = op(made, ops.reshape(b.tensor(given), shape=column))
    return made


def _inference_norm(
    b: Builder, x: Any, weight: Any, bias: Any, mean: Any, var: Any, momentum: float, eps: float
) -> Any:
    return _batch_norm(b, x, weight, bias, mean, var, False, momentum, eps), None, None


def _layer_norm(
    b: Builder, x: Any, shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any
) -> Any:
    x = b.tensor(x)
    given = [b.optional(weight), b.optional(bias)]
    while given and given[-1] is None:
        given.pop()
    return ops.layer_normalization(x, *given, axis=x.rank - len(shape), epsilon=eps)


def _rms_norm(b: Builder, x: Any, shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    x = b.tensor(x)
    epsilon = float(np.finfo("float32" if x.dtype == "bfloat16" else x.dtype).eps) if eps is None else eps
    return ops.rms_normalization(x, *_present(b.optional(weight)), axis=x.rank - len(shape), epsilon=epsilon)


def _group_norm(
    b: Builder, x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any
) -> Any:
    given = [b.optional(weight), b.optional(bias)]
    while given and given[-1] is None:
        given.pop()
    return ops.group_normalization(b.tensor(x), *given, num_groups=groups, epsilon=eps)


def _native_group_norm(
    b: Builder, x: Any, weight: Any, bias: Any, n: int, c: int, space: int, groups: int, eps: float
) -> Any:
    return _group_norm(b, x, groups, weight, bias, eps), None, None


def _instance_norm(
    b: Builder, x: Any, weight: Any, bias: Any, mean: Any, var: Any, use_input_stats: bool, momentum: float,
    eps: float, *options: Any,
) -> Any:  # fmt: skip
    if not use_input_stats:
        return _batch_norm(b, x, weight, bias, mean, var, False, momentum, eps)
    return ops.instance_normalization(
        b.tensor(x), *_present(b.optional(weight)), *_present(b.optional(bias)), epsilon=eps
    )


LAYERS: dict[str, Converter] = {
    **{f"aten.conv{n}d": _conv for n in (1, 2, 3)},
    "aten.conv_transpose1d": _conv_transpose,
    "aten.conv_transpose2d": _conv_transpose,
    "aten.conv_transpose3d": _conv_transpose,
    "aten.convolution": _convolution,
    "aten.linear": linear,
    "aten.matmul": _matmul,
    "aten.mm": _matmul,
    "aten.bmm": _matmul,
    "aten.mv": _matmul,
    "aten.dot": _matmul,
    "aten.addmm": _addmm,
    "aten.baddbmm": _addmm,
    "aten.einsum": _einsum,
    "aten.outer": lambda b, x, y: _matmul(
        b, ops.unsqueeze(b.tensor(x), axes=(1,)), ops.unsqueeze(b.tensor(y), axes=(0,))
    ),
    "aten.bilinear": _bilinear,
    "aten.batch_norm": _batch_norm,
    "aten._native_batch_norm_legit_no_training": _inference_norm,
    "aten.layer_norm": _layer_norm,
    "aten.native_layer_norm": lambda b, *given: (_layer_norm(b, *given), None, None),
    "aten.rms_norm": _rms_norm,
    "aten.group_norm": _group_norm,
    "aten.native_group_norm": _native_group_norm,
    "aten.instance_norm": _instance_norm,
}
"""Converters by the name of the operator."""
