"""Convolution and pooling."""

from __future__ import annotations

from math import prod
from typing import Any

from netwright.errors import ShapeError
from netwright.graph._operator import Operator, Types, require
from netwright.graph._tensor import Node, Shape, Tensor


def _per_axis(op: Operator, name: str, value: int | tuple[int, ...], rank: int, *, least: int = 1) -> tuple[int, ...]:
    """One number per spatial axis; raises ShapeError where there are more or fewer, or one is too small."""
    sizes = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(sizes) != rank or any(size < least for size in sizes):
        raise ShapeError(f"{op.name}: {name} must be {rank} numbers of at least {least}, but got {value}.")
    return sizes


def _pads(op: Operator, value: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    """ONNX pads, all begins and then all ends; one number or one per axis is symmetric."""
    both = tuple(value) * 2 if not isinstance(value, int) and len(value) == rank else value
    return _per_axis(op, "pads (a begin and an end per axis)", both, 2 * rank, least=0)


def _check_bias(op: Operator, inputs: tuple[Any, ...], channels: int) -> None:
    if len(inputs) > 2 and inputs[2] is not None:
        require(inputs[2].shape == (channels,), op, f"the bias must have shape ({channels},)", inputs)


def _windows(op: Operator, x: Tensor, attrs: dict[str, Any]) -> Shape:
    """Fill in the window attributes and count the window positions along each spatial axis.

    Raises ShapeError when the window is larger than the padded input.
    """
    kernel = attrs["kernel_shape"]
    rank = len(kernel)
    strides = attrs["strides"] = _per_axis(op, "strides", attrs.get("strides", 1), rank)
    pads = attrs["pads"] = _pads(op, attrs.get("pads", 0), rank)
    dilations = attrs["dilations"] = _per_axis(op, "dilations", attrs.get("dilations", 1), rank)
    ceil_mode = attrs.get("ceil_mode", 0)
    sizes = []
    for i, size in enumerate(x.shape[2:]):
        free = size + pads[i] + pads[rank + i] - dilations[i] * (kernel[i] - 1) - 1
        if free < 0 or x.rank != rank + 2:
            raise ShapeError(
                f"{op.name}: the window must fit into the padded input, but got kernel {kernel}, dilations"
                f" {dilations} and pads {pads} on shape {x.shape}."
            )
        count = -(-free // strides[i]) + 1 if ceil_mode else free // strides[i] + 1
        # A last window that starts in the padding on the right is dropped (as PyTorch and ONNX 19 do).
        if ceil_mode and (count - 1) * strides[i] >= size + pads[i]:
            count -= 1
        sizes.append(count)
    return tuple(sizes)


def _with_bias(op: Operator, node: Node) -> int:
    """FLOPs of a convolution: two a multiply-add, and one for the bias of each output."""
    bias = len(node.inputs) > 2 and node.inputs[2] is not None
    return 2 * op.macs(node) + (node.output.size if bias else 0)


class Conv(Operator):
    """Convolution: X (N, C, *space), W (M, C / group, *kernel), optional B (M) to (N, M, *space').

    >>> from netwright.graph import image, ops, parameter
    >>> y = ops.conv(image(3, 8, 8), parameter("weight", (16, 3, 3, 3)), strides=2, pads=1)
    >>> y.shape, y.node.op.macs(y.node)
    ((1, 16, 4, 4), 6912)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x, w, *_ = inputs
        group = attrs.setdefault("group", 1)
        attrs["kernel_shape"] = w.shape[2:]
        holds = x.rank == w.rank >= 3 and x.shape[1] == w.shape[1] * group and w.shape[0] % group == 0
        require(holds, self, f"channels must be group ({group}) x W.shape[1], and group divide W.shape[0]", inputs)
        _check_bias(self, inputs, w.shape[0])
        return (((x.shape[0], w.shape[0], *_windows(self, x, attrs)), x.dtype),)

    def maps_zero(self, node: Node) -> bool:
        return len(node.inputs) < 3 or node.inputs[2] is None

    def macs(self, node: Node) -> int:
        w = node.inputs[1]
        assert w is not None
        return int(node.output.size * prod(w.shape[1:]))

    def flops(self, node: Node) -> int:
        return _with_bias(self, node)


class ConvTranspose(Operator):
    """Transposed convolution: X (N, C, *space), W (C, M / group, *kernel), optional B (M).

    >>> from netwright.graph import image, ops, parameter
    >>> ops.conv_transpose(image(16, 8, 8), parameter("weight", (16, 3, 2, 2)), strides=2).shape
    (1, 3, 16, 16)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x, w, *_ = inputs
        group = attrs.setdefault("group", 1)
        kernel = attrs["kernel_shape"] = w.shape[2:]
        require(
            x.rank == w.rank >= 3 and x.shape[1] == w.shape[0] and w.shape[0] % group == 0,
            self,
            "W.shape[0] must be the channels, and group divide it",
            inputs,
        )
        rank = len(kernel)
        strides = attrs["strides"] = _per_axis(self, "strides", attrs.get("strides", 1), rank)
        pads = attrs["pads"] = _pads(self, attrs.get("pads", 0), rank)
        dilations = attrs["dilations"] = _per_axis(self, "dilations", attrs.get("dilations", 1), rank)
        extra = attrs["output_padding"] = _per_axis(
            self, "output_padding", attrs.get("output_padding", 0), rank, least=0
        )
        require(
            all(e < max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)),
            self,
            f"output_padding {extra} must be smaller than the stride {strides} or the dilation {dilations}",
            inputs,
        )
        sizes = [
            (size - 1) * strides[i] - pads[i] - pads[rank + i] + dilations[i] * (kernel[i] - 1) + extra[i] + 1
            for i, size in enumerate(x.shape[2:])
        ]
        require(all(size > 0 for size in sizes), self, f"the output must not be empty, got {sizes}", inputs)
        _check_bias(self, inputs, w.shape[1] * group)
        return (((x.shape[0], w.shape[1] * group, *sizes), x.dtype),)

    def macs(self, node: Node) -> int:
        x, w = node.inputs[:2]
        assert x is not None
        assert w is not None
        return int(x.size * prod(w.shape[1:]))

    def flops(self, node: Node) -> int:
        return _with_bias(self, node)


class Pool(Operator):
    """Maximum or mean over windows; one FLOP per element read.

    >>> from netwright.graph import image, ops
    >>> ops.max_pool(image(3, 8, 8), kernel_shape=3, strides=2, pads=1).shape
    (1, 3, 4, 4)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        rank = x.rank - 2
        require(rank >= 1, self, "the input must be (N, C, *space)", inputs)
        attrs["kernel_shape"] = _per_axis(self, "kernel_shape", attrs.get("kernel_shape", ()), rank)
        return (((*x.shape[:2], *_windows(self, x, attrs)), x.dtype),)

    def flops(self, node: Node) -> int:
        return int(node.output.size * prod(node.attrs["kernel_shape"]))


class GlobalPool(Operator):
    """Maximum or mean over all spatial positions: (N, C, *space) to (N, C, 1, ...).

    >>> from netwright.graph import image, ops
    >>> ops.global_average_pool(image(3, 8, 8)).shape
    (1, 3, 1, 1)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        require(x.rank >= 3, self, "the input must be (N, C, *space)", inputs)
        return (((*x.shape[:2], *(1,) * (x.rank - 2)), x.dtype),)

    def flops(self, node: Node) -> int:
        x = node.inputs[0]
        assert x is not None
        return x.size


class LpPool(Pool):
    """Norm over windows, of order `p`: two FLOPs per element read.

    >>> from netwright.graph import image, ops
    >>> ops.lp_pool(image(3, 8, 8), kernel_shape=2, strides=2, p=2).shape
    (1, 3, 4, 4)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        attrs.setdefault("p", 2)
        return super().infer(inputs, attrs)

    def flops(self, node: Node) -> int:
        return 2 * super().flops(node)


class GridSample(Operator):
    """Values of X (N, C, H, W) at positions GRID (N, H', W', 2) in [-1, 1]: (N, C, H', W').

    >>> from netwright.graph import Input, image, ops
    >>> ops.grid_sample(image(3, 8, 8), Input((1, 5, 6, 2))).shape
    (1, 3, 5, 6)

    `mode` linear, nearest or cubic; `padding_mode` zeros, border or reflection; `align_corners` 0 or 1. Eight FLOPs
    per output element.
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x, grid = inputs
        holds = x.rank == grid.rank == 4 and grid.shape[3] == 2 and grid.shape[0] == x.shape[0]
        require(holds, self, "X must be (N, C, H, W) and the grid (N, H', W', 2)", inputs)
        for key, value in (("mode", "linear"), ("padding_mode", "zeros"), ("align_corners", 0)):
            attrs.setdefault(key, value)
        return (((*x.shape[:2], *grid.shape[1:3]), x.dtype),)

    def flops(self, node: Node) -> int:
        return 8 * node.output.size


conv = Conv("Conv")
conv_transpose = ConvTranspose("ConvTranspose")
max_pool = Pool("MaxPool")
average_pool = Pool("AveragePool")
global_average_pool = GlobalPool("GlobalAveragePool")
global_max_pool = GlobalPool("GlobalMaxPool")
lp_pool = LpPool("LpPool")
grid_sample = GridSample("GridSample")
