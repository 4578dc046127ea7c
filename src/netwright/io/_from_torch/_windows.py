"""Pooling, resizing, and images cut into columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError, per_axis
from netwright.io._from_torch._movement import moved
from netwright.io._from_torch._parts import part

__all__ = ["WINDOWS"]

Numbers = int | Sequence[int]
Pool = Callable[[Tensor], Tensor]


def _batched(x: Tensor, space: int, pool: Pool) -> Tensor:
    """Pool that also takes an image without a batch axis."""
    if x.rank == space + 2:
        return pool(x)
    made: Tensor = ops.squeeze(pool(ops.unsqueeze(x, axes=(0,))), axes=(0,))
    return made


def _max_pool(space: int) -> Converter:
    def convert(
        b: Builder, x: Any, kernel: Numbers, stride: Numbers = (), padding: Numbers = 0, dilation: Numbers = 1,
        ceil_mode: bool = False,
    ) -> Tensor:  # fmt: skip
        sides = per_axis(kernel, space)
        options = {
            "kernel_shape": sides,
            "strides": per_axis(stride, space) or sides,
            "pads": per_axis(padding, space) * 2,
            "dilations": per_axis(dilation, space),
            "ceil_mode": int(ceil_mode),
        }
        return _batched(b.tensor(x), space, lambda x: ops.max_pool(x, **options))

    return convert


def _max_pool_with_places(space: int) -> Converter:
    return lambda b, *given: (_max_pool(space)(b, *given), None)


def _average_pool(space: int) -> Converter:
    def convert(
        b: Builder, x: Any, kernel: Numbers, stride: Numbers = (), padding: Numbers = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> Tensor:  # fmt: skip
        sides = per_axis(kernel, space)
        options = {
            "kernel_shape": sides,
            "strides": per_axis(stride, space) or sides,
            "pads": per_axis(padding, space) * 2,
            "ceil_mode": int(ceil_mode),
            "count_include_pad": int(count_include_pad),
        }
        if divisor_override is not None and ceil_mode:
            raise NoFormError("a divisor of its own with a last window that is cut")
        if divisor_override is not None:
            options["count_include_pad"] = 1
        made = _batched(b.tensor(x), space, lambda x: ops.average_pool(x, **options))
        return made if divisor_override is None else made * (prod(sides) / divisor_override)

    return convert


def _adaptive_pool(space: int, average: bool) -> Converter:
    """To one position as a global pool, so that the resolution stays free; else by windows as they come."""

    def convert(b: Builder, x: Any, size: Numbers) -> Any:
        wanted = b.shape[-space:]
        made = _batched(b.tensor(x), space, lambda x: _adapted(x, wanted, average))
        return made if average else (made, None)

    return convert


def _adapted(x: Tensor, wanted: tuple[int, ...], average: bool) -> Tensor:
    sizes = x.shape[2:]
    if wanted == sizes:
        return x
    if set(wanted) == {1}:
        made: Tensor = ops.global_average_pool(x) if average else ops.global_max_pool(x)
        return made
    if all(size % count == 0 for size, count in zip(sizes, wanted, strict=True)):
        sides = tuple(size // count for size, count in zip(sizes, wanted, strict=True))
        pool = ops.average_pool if average else ops.max_pool
        windows: Tensor = pool(x, kernel_shape=sides, strides=sides)
        return windows
    reduce = ops.reduce_mean if average else ops.reduce_max
    for axis, (size, count) in enumerate(zip(sizes, wanted, strict=True), start=2):
        if size != count:
            # Windows of uneven sizes, which may overlap: from floor(i size / count) to ceil((i + 1) size / count).
            ends = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
            x = ops.concat(*(reduce(part(x, axis, *e), axes=(axis,), keepdims=1) for e in ends), axis=axis)
    return x


RESIZED = {
    "nearest": "nearest",
    "linear": "linear",
    "bilinear": "linear",
    "trilinear": "linear",
    "bicubic": "cubic",
}
"""Mode of Resize by what `upsample_` is followed by; the others go through matrices."""


def _upsample(kind: str, space: int) -> Converter:
    def convert(b: Builder, x: Any, *options: Any, **named: Any) -> Any:
        x = b.tensor(x)
        sizes = b.shape[2:]
        if sizes == x.shape[2:]:
            return x
        scales = _scales(options, space)
        exact = scales is None or all(
            abs(n * s - m) < 1e-6 for n, s, m in zip(x.shape[2:], scales, sizes, strict=True)
        )
        corners = kind != "nearest" and len(options) > 1 and options[1] is True
        usual = kind in RESIZED and exact and (space < 3 or kind != "bicubic")
        if not usual:
            return _by_matrices(b, x, sizes, options)
        extra = {"coordinate_transformation_mode": "align_corners"} if corners else {}
        return ops.resize(x, sizes=sizes, mode=RESIZED[kind], **extra)

    return convert


def _scales(options: Sequence[Any], space: int) -> tuple[float, ...] | None:
    """Factors that were asked for instead of sizes: a list in `.vec` overloads, one argument per axis in others."""
    last = options[-1] if options else None
    if isinstance(last, (list, tuple)) and len(options) > 1 and all(isinstance(s, float) for s in last) and last:
        return tuple(last)
    tail = options[-space:]
    if len(tail) == space and all(isinstance(s, float) for s in tail):
        return tuple(tail)
    return None


def _by_matrices(b: Builder, x: Tensor, sizes: tuple[int, ...], options: Sequence[Any]) -> Tensor:
    """Interpolation that works axis by axis is a product with one matrix each: what it makes of the identity."""
    import torch

    target: Any = b.node.target
    if "cubic" not in str(target) and "linear" not in str(target) and "nearest" not in str(target):
        raise NoFormError("interpolation that does not work axis by axis")
    scales, vector = _scales(options, len(sizes)), str(target).endswith(".vec")
    corners = [option for option in options if isinstance(option, bool)]
    for i, (now, wanted) in enumerate(zip(x.shape[2:], sizes, strict=True)):
        if now == wanted:
            continue
        # Other axes keep two positions: with one, PyTorch takes the identity for another memory format.
        shape, goal = ([2 if j != i else size for j in range(len(sizes))] for size in (now, wanted))
        column = torch.eye(now).reshape(1, now, *(1 if j != i else now for j in range(len(sizes))))
        eye = column.expand(1, now, *shape).contiguous()
        factor = None if scales is None else [scales[i] if j == i else 1.0 for j in range(len(sizes))]
        open_ends: list[float | None] = [None] * len(sizes)
        tail: list[Any] = [factor] if vector else list(factor or open_ends)
        size: Any = None if vector and factor is not None else goal
        matrix = target(eye, size, *corners, *tail).movedim(i + 2, 2).reshape(now, wanted, -1)[..., 0]
        axis = x.rank - len(sizes) + i
        swap = [*(a for a in range(x.rank) if a != axis), axis]
        turned = ops.matmul(moved(x, swap), b.tensor(matrix, x.dtype))
        x = moved(turned, [swap.index(a) for a in range(x.rank)])
    return x


def _columns(
    b: Builder, x: Any, kernel: Numbers, dilation: Numbers = 1, padding: Numbers = 0, stride: Numbers = 1
) -> Any:
    """Patches of (N, C, H, W) as columns: (N, C kh kw, positions)."""
    x = b.tensor(x)
    sides, steps, gaps, pads = (per_axis(v, 2) for v in (kernel, stride, dilation, padding))
    if any(pads):
        x = ops.pad(x, pads=(0, 0, *pads, 0, 0, *pads))
    # One axis after the other: (N, C, kh, rows, kw, columns).
    for i, axis in ((0, 2), (1, 4)):
        count = (x.shape[axis] - gaps[i] * (sides[i] - 1) - 1) // steps[i] + 1
        index = [[k * gaps[i] + p * steps[i] for p in range(count)] for k in range(sides[i])]
        x = ops.gather(x, b.constant(index), axis=axis)
    return ops.reshape(moved(x, (0, 1, 2, 4, 3, 5)), shape=b.shape)


def _from_columns(
    b: Builder, x: Any, size: Sequence[int], kernel: Numbers, dilation: Numbers = 1, padding: Numbers = 0,
    stride: Numbers = 1,
) -> Any:  # fmt: skip
    """The sum of overlapping patches, as a transposed convolution that puts each value at its place in the patch."""
    import torch

    x = b.tensor(x)
    sides, steps, gaps, pads = (per_axis(v, 2) for v in (kernel, stride, dilation, padding))
    area = prod(sides)
    channels = x.shape[1] // area
    counts = [(size[i] + 2 * pads[i] - gaps[i] * (sides[i] - 1) - 1) // steps[i] + 1 for i in range(2)]
    extra = [size[i] - ((counts[i] - 1) * steps[i] - 2 * pads[i] + gaps[i] * (sides[i] - 1) + 1) for i in range(2)]
    image = ops.reshape(x, shape=(x.shape[0], x.shape[1], *counts))
    places = torch.eye(area).reshape(area, 1, *sides).repeat(channels, 1, 1, 1)
    return ops.conv_transpose(
        image, b.tensor(places, x.dtype), strides=steps, pads=pads * 2, dilations=gaps,
        output_padding=tuple(extra), group=channels,
    )  # fmt: skip


MODES = {0: "linear", 1: "nearest", 2: "cubic"}
PADDINGS = {0: "zeros", 1: "border", 2: "reflection"}


def _grid_sample(b: Builder, x: Any, grid: Any, mode: int, padding: int, align_corners: bool) -> Any:
    options = {"mode": MODES[mode], "padding_mode": PADDINGS[padding], "align_corners": int(align_corners)}
    return ops.grid_sample(b.tensor(x), b.tensor(grid), **options)


WINDOWS: dict[str, Converter] = {
    **{f"aten.max_pool{n}d": _max_pool(n) for n in (1, 2, 3)},
    **{f"aten.max_pool{n}d_with_indices": _max_pool_with_places(n) for n in (1, 2, 3)},
    **{f"aten.avg_pool{n}d": _average_pool(n) for n in (1, 2, 3)},
    **{f"aten.adaptive_avg_pool{n}d": _adaptive_pool(n, average=True) for n in (1, 2, 3)},
    **{f"aten._adaptive_avg_pool{n}d": _adaptive_pool(n, average=True) for n in (2, 3)},
    **{f"aten.adaptive_max_pool{n}d": _adaptive_pool(n, average=False) for n in (1, 2, 3)},
    **{
        f"aten.{prefix}{kind}{n}d{suffix}": _upsample(kind + suffix, n)
        for prefix, kind, n, suffix in (
            ("upsample_", "nearest", 1, ""),
            ("upsample_", "nearest", 2, ""),
            ("upsample_", "nearest", 3, ""),
            ("_upsample_", "nearest_exact", 1, ""),
            ("_upsample_", "nearest_exact", 2, ""),
            ("_upsample_", "nearest_exact", 3, ""),
            ("upsample_", "linear", 1, ""),
            ("upsample_", "bilinear", 2, ""),
            ("_upsample_", "bilinear", 2, "_aa"),
            ("upsample_", "trilinear", 3, ""),
            ("upsample_", "bicubic", 2, ""),
            ("_upsample_", "bicubic", 2, "_aa"),
        )
    },
    "aten.im2col": _columns,
    "aten.col2im": _from_columns,
    "aten.grid_sampler": _grid_sample,
    "aten.grid_sampler_2d": _grid_sample,
}
"""Converters by the name of the operator."""
