"""Converters of convolution, pooling and normalisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netwright.errors import ModelError
from netwright.graph import OPERATORS, Shape, Tensor, ops
from netwright.io._from_onnx._call import Call

__all__ = ["CONVERTERS", "layer_normalization", "window"]

Converter = Callable[[Call], Any]


def window(call: Call, x: Tensor, kernel: Shape) -> dict[str, Any]:
    """Attributes of a window, with automatic padding as numbers."""
    rank = len(kernel)
    strides = tuple(call.attrs.get("strides", (1,) * rank))
    dilations = tuple(call.attrs.get("dilations", (1,) * rank))
    pads = tuple(call.attrs.get("pads", (0,) * 2 * rank))
    automatic = call.attrs.get("auto_pad", "NOTSET")
    if automatic == "VALID":
        pads = (0,) * 2 * rank
    elif automatic in ("SAME_UPPER", "SAME_LOWER"):
        needed = [
            max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
            for size, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)
        ]
        pads = _shared(needed, upper=automatic == "SAME_UPPER")
    return {"strides": strides, "dilations": dilations, "pads": pads}


def _shared(totals: Sequence[int], *, upper: bool) -> Shape:
    """Padding split into begins and ends; what is odd goes to the end, or, if not upper, to the begin."""
    small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
    return (*small, *large) if upper else (*large, *small)


def _conv(call: Call) -> Tensor:
    x, w = call.tensor(0), call.weight(1)
    attrs = window(call, x, w.shape[2:])
    result: Tensor = ops.conv(x, w, *_bias(call, 2), group=call.attrs.get("group", 1), **attrs)
    return result


def _bias(call: Call, index: int) -> list[Tensor]:
    bias = call.optional(index, "bias")
    return [] if bias is None else [bias]


def _conv_transpose(call: Call) -> Tensor:
    """`output_shape` and automatic padding say the size of the result, from which the padding follows."""
    x, w = call.tensor(0), call.weight(1)
    rank = x.rank - 2
    strides = tuple(call.attrs.get("strides", (1,) * rank))
    dilations = tuple(call.attrs.get("dilations", (1,) * rank))
    extra = tuple(call.attrs.get("output_padding", (0,) * rank))
    pads = tuple(call.attrs.get("pads", (0,) * 2 * rank))
    automatic = call.attrs.get("auto_pad", "NOTSET")
    wanted = call.attrs.get("output_shape")
    if wanted is None and automatic in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [size * s for size, s in zip(x.shape[2:], strides, strict=True)]
    if wanted is not None:
        full = [
            (x.shape[2 + i] - 1) * strides[i] + dilations[i] * (w.shape[2 + i] - 1) + 1 + extra[i]
            for i in range(rank)
        ]
        totals = [size - want for size, want in zip(full, list(wanted)[-rank:], strict=True)]
        extra = tuple(e + max(-total, 0) for e, total in zip(extra, totals, strict=True))
        totals = [max(total, 0) for total in totals]
        # The standard puts what is odd at the begin unless it is to be at the end.
        pads = _shared(totals, upper=automatic == "SAME_UPPER")
    elif automatic == "VALID":
        pads = (0,) * 2 * rank
    result: Tensor = ops.conv_transpose(
        x, w, *_bias(call, 2), group=call.attrs.get("group", 1), strides=strides, dilations=dilations, pads=pads,
        output_padding=extra,
    )  # fmt: skip
    return result


def _pool(*keys: str) -> Converter:
    def convert(call: Call) -> Tensor:
        call.only_first_output()
        x, kernel = call.tensor(0), tuple(call.attrs["kernel_shape"])
        kept = {key: call.attrs[key] for key in ("ceil_mode", *keys) if key in call.attrs}
        result: Tensor = OPERATORS[call.op](x, kernel_shape=kernel, **window(call, x, kernel), **kept)
        return result

    return convert


def _global_pool(call: Call) -> Tensor:
    result: Tensor = OPERATORS[call.op](call.tensor(0))
    return result


def _global_lp_pool(call: Call) -> Tensor:
    p, x = call.attrs.get("p", 2), call.tensor(0)
    call.refuse(p not in (1, 2), f"p is {p}")
    result: Tensor = (ops.reduce_l1 if p == 1 else ops.reduce_l2)(x, axes=tuple(range(2, x.rank)))
    return result


def _grid_sample(call: Call) -> Tensor:
    mode = call.attrs.get("mode", "linear").removeprefix("bi")
    attrs = {key: call.attrs[key] for key in ("padding_mode", "align_corners") if key in call.attrs}
    result: Tensor = ops.grid_sample(call.tensor(0), call.tensor(1), mode=mode, **attrs)
    return result


def _batch_normalization(call: Call) -> Tensor:
    if call.attrs.get("training_mode", 0):
        raise ModelError(
            f"a model must be exported for inference, but BatchNormalization {call.name!r} has training_mode=1."
        )
    call.only_first_output()
    roles = ("scale", "bias", "running_mean", "running_var")
    weights = [call.weight(i, role) for i, role in enumerate(roles, start=1)]
    result: Tensor = ops.batch_normalization(
        call.tensor(0), *weights, epsilon=call.attrs.get("epsilon", 1e-5), momentum=call.attrs.get("momentum", 0.9)
    )
    return result


def _instance_normalization(call: Call) -> Tensor:
    result: Tensor = ops.instance_normalization(
        call.tensor(0), call.weight(1, "scale"), call.weight(2, "bias"), epsilon=call.attrs.get("epsilon", 1e-5)
    )
    return result


def _group_normalization(call: Call) -> Tensor:
    """Until operator set 20 scale and bias have one number per group instead of one per channel."""
    x, groups = call.tensor(0), call.attrs["num_groups"]
    each = x.shape[1] // groups
    weights = [call.weight(1, "scale"), call.weight(2, "bias")]
    if call.opset < 21:
        wide = [ops.expand(ops.unsqueeze(w, axes=(1,)), shape=(groups, each)) for w in weights]
        weights = [ops.reshape(w, shape=(groups * each,)) for w in wide]
    epsilon = call.attrs.get("epsilon", 1e-5)
    result: Tensor = ops.group_normalization(x, *weights, num_groups=groups, epsilon=epsilon)
    return result


def layer_normalization(
    op: Callable[..., Tensor], x: Tensor, scale: Tensor | None, bias: Tensor | None, axis: int, epsilon: float
) -> Tensor:
    """A normalisation of the axes from `axis` on; scale and bias of other shapes become products and sums."""
    shape = x.shape[axis % x.rank :]
    if all(t is None or t.shape == shape for t in (scale, bias)):
        weights = [scale] if bias is None else [scale, bias]
        return op(x, *weights, axis=axis, epsilon=epsilon)
    x = op(x, axis=axis, epsilon=epsilon)
    x = x if scale is None else x * scale
    return x if bias is None else x + bias


def _axis_normalization(call: Call) -> Tensor:
    call.only_first_output()
    return layer_normalization(
        OPERATORS[call.op],
        call.tensor(0),
        call.optional(1, "scale"),
        call.optional(2, "bias"),
        call.attrs.get("axis", -1),
        call.attrs.get("epsilon", 1e-5),
    )


def _local_response_normalization(call: Call) -> Tensor:
    attrs = {key: call.attrs[key] for key in ("alpha", "beta", "bias") if key in call.attrs}
    result: Tensor = ops.local_response_normalization(call.tensor(0), size=call.attrs["size"], **attrs)
    return result


def _lp_normalization(call: Call) -> Tensor:
    axis, p = call.attrs.get("axis", -1), call.attrs.get("p", 2)
    result: Tensor = ops.lp_normalization(call.tensor(0), axis=axis, p=p)
    return result


CONVERTERS: dict[str, Converter] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _pool(),
    "AveragePool": _pool("count_include_pad"),
    "LpPool": _pool("p"),
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "GlobalLpPool": _global_lp_pool,
    "GridSample": _grid_sample,
    "BatchNormalization": _batch_normalization,
    "InstanceNormalization": _instance_normalization,
    "GroupNormalization": _group_normalization,
    "LayerNormalization": _axis_normalization,
    "RMSNormalization": _axis_normalization,
    "LRN": _local_response_normalization,
    "LpNormalization": _lp_normalization,
}
