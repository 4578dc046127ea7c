"""Convolution and pooling in PyTorch, with the paddings that its functions do not take themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.errors import ExportError
from netwright.graph import Node
from netwright.io._to_torch._code import Code

if TYPE_CHECKING:
    from netwright.io._to_torch._base import Scribe

__all__ = [
    "average_pool",
    "compact",
    "convolution",
    "grid_sample",
    "lp_pool",
    "max_pool",
    "symmetric",
    "transposed_convolution",
]


def compact(values: Sequence[int]) -> int | tuple[int, ...]:
    """One number where all are equal."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def symmetric(node: Node) -> tuple[int, ...] | None:
    """Padding per axis, or None where the two sides differ."""
    pads = node.attrs["pads"]
    rank = len(pads) // 2
    return tuple(pads[:rank]) if pads[:rank] == pads[rank:] else None


def _sides(pads: Sequence[int]) -> tuple[int, ...]:
    """Pads as F.pad reads them: the last axis first."""
    rank = len(pads) // 2
    return tuple(n for i in reversed(range(rank)) for n in (pads[i], pads[rank + i]))


def _rank(node: Node) -> int:
    rank = node.output.rank - 2
    if rank > 3:
        raise ExportError(f"PyTorch has windows over at most 3 axes, but got {rank}.")
    return rank


def convolution(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
    """Call of F.conv1d, F.conv2d or F.conv3d."""
    x, weight, bias, *_ = (*given, None)
    a, pads = node.attrs, symmetric(node)
    if pads is None:
        x, pads = f"F.pad({x}, {s.hole('pad', _sides(a['pads']))})", (0,)
    options = (
        s.hole("stride", compact(a["strides"]), ", stride=", 1)
        + s.hole("padding", compact(pads), ", padding=", 0)
        + s.hole("dilation", compact(a["dilations"]), ", dilation=", 1)
        + s.hole("groups", a["group"], ", groups=", 1)
    )
    return f"F.conv{_rank(node)}d({x}, {weight}{f', {bias}' if bias else ''}{options})"


def transposed_convolution(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
    """Call of F.conv_transpose1d and its kin; sides that differ are cut off afterwards."""
    x, weight, bias, *_ = (*given, None)
    a, pads = node.attrs, symmetric(node)
    options = (
        s.hole("stride", compact(a["strides"]), ", stride=", 1)
        + s.hole("padding", compact(pads or (0,)), ", padding=", 0)
        + s.hole("output_padding", compact(a["output_padding"]), ", output_padding=", 0)
        + s.hole("groups", a["group"], ", groups=", 1)
        + s.hole("dilation", compact(a["dilations"]), ", dilation=", 1)
    )
    text = f"F.conv_transpose{_rank(node)}d({x}, {weight}{f', {bias}' if bias else ''}{options})"
    return text if pads is not None else f"F.pad({text}, {s.hole('crop', _sides([-p for p in a['pads']]))})"


def _fits(node: Node) -> tuple[int, ...] | None:
    """Padding that a pooling function takes: equal on both sides and at most half of the window."""
    pads = symmetric(node)
    kernel = node.attrs["kernel_shape"]
    return pads if pads is not None and all(2 * p <= k for p, k in zip(pads, kernel, strict=True)) else None


def _strides(s: Scribe, node: Node) -> str:
    """Stride, always written: the default of PyTorch is the window, that of ONNX is 1."""
    return f", stride={s.hole('stride', compact(node.attrs['strides']))}"


def max_pool(s: Scribe, node: Node, given: list[Code]) -> Code:
    """Call of F.max_pool1d and its kin."""
    a, pads, x, rank = node.attrs, _fits(node), given[0].text, _rank(node)
    kernel = s.hole("kernel_size", compact(a["kernel_shape"]))
    if pads is None:
        x = f'F.pad({x}, {s.hole("pad", _sides(a["pads"]))}, value=float("-inf"))'
    options = (
        _strides(s, node)
        + s.hole("padding", compact(pads or (0,)), ", padding=", 0)
        + s.hole("dilation", compact(a["dilations"]), ", dilation=", 1)
        + (", ceil_mode=True" if a.get("ceil_mode") else "")
    )
    text = f"F.max_pool{rank}d({x}, {kernel}{options})"
    if pads is None and a.get("ceil_mode"):
        # Windows that start in the padding do not count, which F.max_pool2d cannot know here.
        text += "[:, :, " + ", ".join(f":{s.hole('end', size)}" for size in node.output.shape[2:]) + "]"
    return Code(text)


def average_pool(s: Scribe, node: Node, given: list[Code]) -> Code:
    """Call of F.avg_pool1d and its kin, or of a helper for dilated windows and uneven paddings."""
    a, pads, x, rank = node.attrs, _fits(node), given[0].text, _rank(node)
    kernel = compact(a["kernel_shape"])
    counted = bool(a.get("count_include_pad", 0))
    if pads is not None and set(a["dilations"]) == {1}:
        options = (
            _strides(s, node)
            + s.hole("padding", compact(pads), ", padding=", 0)
            + (", ceil_mode=True" if a.get("ceil_mode") else "")
            + ("" if counted or not any(pads) else ", count_include_pad=False")
        )
        return Code(f"F.avg_pool{rank}d({x}, {s.hole('kernel_size', kernel)}{options})")
    options = "".join(
        f", {s.hole(name, value)}"
        for name, value in (
            ("kernel_size", tuple(a["kernel_shape"])),
            ("stride", tuple(a["strides"])),
            ("pad", _sides(a["pads"])),
            ("overhang", _sides((0,) * rank + _overhang(node))),
            ("dilation", tuple(a["dilations"])),
        )
    )
    return Code(f"{s.helper('window_mean')}({x}{options}, count_padding={counted})")


def _overhang(node: Node) -> tuple[int, ...]:
    """How far the last window reaches beyond the padded input, which only happens in ceil mode."""
    a, source = node.attrs, node.inputs[0]
    if source is None:
        raise ExportError(f"{node.op.name} needs an input.")
    rank = source.rank - 2
    return tuple(
        max((out - 1) * a["strides"][i] + a["dilations"][i] * (a["kernel_shape"][i] - 1) + 1 - padded, 0)
        for i, out in enumerate(node.output.shape[2:])
        for padded in [source.shape[2 + i] + a["pads"][i] + a["pads"][rank + i]]
    )


def lp_pool(s: Scribe, node: Node, given: list[Code]) -> Code:
    """Call of a helper: F.lp_pool2d and its kin know neither padding nor the sign."""
    a, rank = node.attrs, _rank(node)
    ends = tuple(end + more for end, more in zip(a["pads"][rank:], _overhang(node), strict=True))
    options = "".join(
        f", {s.hole(name, value)}"
        for name, value in (
            ("order", a["p"]),
            ("kernel_size", tuple(a["kernel_shape"])),
            ("stride", tuple(a["strides"])),
            ("pad", _sides((*a["pads"][:rank], *ends))),
            ("dilation", tuple(a["dilations"])),
        )
    )
    return Code(f"{s.helper('window_norm')}({given[0].text}{options})")


def grid_sample(s: Scribe, node: Node, given: list[Code]) -> Code:
    """Call of F.grid_sample."""
    a = node.attrs
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(a["mode"], a["mode"])
    options = f'mode="{mode}", padding_mode="{a["padding_mode"]}", align_corners={bool(a["align_corners"])}'
    return Code(f"F.grid_sample({given[0].text}, {given[1].text}, {options})")
