"""Convolution, pooling, sampling and interpolation, in small."""

from __future__ import annotations

from operator_parts import IMAGE, Build, Case, elementwise, weight

from netwright.graph import Tensor, ops

__all__ = ["CASES"]


def grid_sample(**attrs: object) -> Build:
    def build(x: Tensor) -> Tensor:
        first = ops.slice_(x, starts=(0,), ends=(2,), axes=(1,))
        y: Tensor = ops.grid_sample(x, ops.transpose(first, perm=(0, 2, 3, 1)), **attrs)
        return y

    return build


CASES: dict[str, list[Case]] = {
    "Conv": [
        ("plain", IMAGE, lambda x: ops.conv(x, weight(6, 4, 3, 3), pads=1)),
        ("bias", IMAGE, lambda x: ops.conv(x, weight(6, 4, 3, 3), weight(6, hint="bias"), strides=2)),
        ("grouped", IMAGE, lambda x: ops.conv(x, weight(8, 2, 3, 3), group=2, pads=1)),
        ("depthwise", IMAGE, lambda x: ops.conv(x, weight(4, 1, 3, 3), group=4, pads=2, dilations=2)),
        ("uneven pads", IMAGE, lambda x: ops.conv(x, weight(6, 4, 3, 2), pads=(0, 1, 2, 0), strides=(1, 2))),
        ("long", IMAGE, lambda x: ops.conv(x, weight(4, 4, 1, 7), pads=(0, 3))),
        ("1d", (1, 4, 16), lambda x: ops.conv(x, weight(6, 4, 5), pads=2, strides=2)),
        ("3d", (1, 2, 4, 5, 6), lambda x: ops.conv(x, weight(3, 2, 2, 3, 3), pads=1)),
        (
            "1d grouped",
            (1, 4, 16),
            lambda x: ops.conv(x, weight(4, 2, 3), weight(4, hint="bias"), group=2, pads=(2, 0)),
        ),
        ("3d grouped", (1, 4, 4, 5, 6), lambda x: ops.conv(x, weight(4, 1, 3, 3, 3), group=4, strides=2, pads=1)),
    ],
    "ConvTranspose": [
        ("plain", IMAGE, lambda x: ops.conv_transpose(x, weight(4, 6, 2, 2), strides=2)),
        (
            "all",
            IMAGE,
            lambda x: ops.conv_transpose(
                x, weight(4, 3, 3, 3), weight(6, hint="bias"), strides=2, pads=1, output_padding=1, group=2
            ),
        ),
        ("uneven pads", IMAGE, lambda x: ops.conv_transpose(x, weight(4, 3, 3, 3), pads=(0, 1, 2, 0), dilations=2)),
        ("1d", (1, 4, 7), lambda x: ops.conv_transpose(x, weight(4, 2, 3), strides=3)),
        ("3d", (1, 2, 3, 4, 5), lambda x: ops.conv_transpose(x, weight(2, 3, 2, 3, 2), weight(3), strides=2, pads=1)),
        (
            "1d grouped",
            (1, 4, 7),
            lambda x: ops.conv_transpose(x, weight(4, 2, 3), strides=2, pads=(0, 1), group=2, output_padding=1),
        ),
    ],
    "MaxPool": [
        (
            "after padding",
            IMAGE,
            lambda x: ops.max_pool(ops.pad(x - 5.0, pads=(0, 0, 1, 1) * 2), kernel_shape=(3, 3)),
        ),
        ("plain", IMAGE, lambda x: ops.max_pool(x, kernel_shape=2, strides=2)),
        ("pads", IMAGE, lambda x: ops.max_pool(x, kernel_shape=3, strides=1, pads=1)),
        ("uneven pads", IMAGE, lambda x: ops.max_pool(x, kernel_shape=3, strides=2, pads=(0, 1, 2, 2))),
        ("dilated", IMAGE, lambda x: ops.max_pool(x, kernel_shape=2, dilations=2)),
        ("ceil", (1, 2, 6, 7), lambda x: ops.max_pool(x, kernel_shape=3, strides=2, ceil_mode=1)),
        ("ceil and pads", (1, 2, 6, 7), lambda x: ops.max_pool(x, kernel_shape=2, strides=3, pads=1, ceil_mode=1)),
        (
            "ceil and uneven pads",
            (1, 2, 6, 7),
            lambda x: ops.max_pool(x, kernel_shape=2, strides=2, pads=(0, 0, 1, 1), ceil_mode=1),
        ),
        ("1d", (1, 4, 9), lambda x: ops.max_pool(x, kernel_shape=3, strides=3)),
        ("3d", (1, 2, 5, 6, 7), lambda x: ops.max_pool(x, kernel_shape=3, strides=2, pads=1)),
        ("3d ceil", (1, 2, 5, 6, 7), lambda x: ops.max_pool(x, kernel_shape=(1, 2, 3), strides=2, ceil_mode=1)),
        ("1d uneven pads", (1, 2, 9), lambda x: ops.max_pool(x, kernel_shape=3, strides=2, pads=(0, 2))),
    ],
    "AveragePool": [
        ("plain", IMAGE, lambda x: ops.average_pool(x, kernel_shape=2, strides=2)),
        ("pads", IMAGE, lambda x: ops.average_pool(x, kernel_shape=3, strides=1, pads=1)),
        ("counted pads", IMAGE, lambda x: ops.average_pool(x, kernel_shape=3, pads=1, count_include_pad=1)),
        ("uneven pads", IMAGE, lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=(0, 1, 2, 2))),
        (
            "uneven counted pads",
            IMAGE,
            lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=(0, 1, 2, 2), count_include_pad=1),
        ),
        ("dilated", IMAGE, lambda x: ops.average_pool(x, kernel_shape=2, dilations=2, pads=1)),
        ("ceil", (1, 2, 6, 7), lambda x: ops.average_pool(x, kernel_shape=3, strides=2, ceil_mode=1)),
        (
            "ceil and pads",
            (1, 2, 6, 7),
            lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=1, ceil_mode=1),
        ),
        (
            "ceil and counted pads",
            (1, 2, 6, 7),
            lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=1, ceil_mode=1, count_include_pad=1),
        ),
        (
            "ceil and uneven pads",
            (1, 2, 6, 7),
            lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=(0, 1, 1, 1), ceil_mode=1),
        ),
        (
            "ceil and dropped window",
            (1, 2, 6, 7),
            lambda x: ops.average_pool(x, kernel_shape=2, strides=3, pads=1, ceil_mode=1, count_include_pad=1),
        ),
        ("1d", (1, 4, 9), lambda x: ops.average_pool(x, kernel_shape=3, strides=3)),
        ("3d", (1, 2, 5, 6, 7), lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=1)),
        ("3d ceil", (1, 2, 5, 6, 7), lambda x: ops.average_pool(x, kernel_shape=(1, 2, 3), strides=2, ceil_mode=1)),
        ("1d uneven pads", (1, 2, 9), lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=(0, 2))),
    ],
    "LpPool": [
        elementwise(ops.lp_pool, kernel_shape=2, strides=2),
        elementwise(ops.lp_pool, kernel_shape=3, strides=2, pads=1, p=1),
        elementwise(ops.lp_pool, kernel_shape=3, pads=(0, 1, 2, 0), p=3),
        elementwise(ops.lp_pool, kernel_shape=2, strides=3, ceil_mode=1),
        ("1d", (1, 4, 9), lambda x: ops.lp_pool(x, kernel_shape=3, strides=2)),
        ("3d", (1, 2, 5, 6, 7), lambda x: ops.lp_pool(x, kernel_shape=2, strides=2)),
    ],
    "GlobalAveragePool": [
        elementwise(ops.global_average_pool),
        ("1d", (1, 3, 9), ops.global_average_pool),
        ("3d", (1, 3, 2, 3, 4), ops.global_average_pool),
        ("float64", (1, 3, 4, 5), lambda x: ops.global_average_pool(ops.cast(x, to="float64"))),
    ],
    "GlobalMaxPool": [
        ("float64", (1, 3, 4, 5), lambda x: ops.global_max_pool(ops.cast(x, to="float64"))),
        elementwise(ops.global_max_pool),
        ("1d", (1, 3, 9), ops.global_max_pool),
        ("3d", (1, 3, 2, 3, 4), ops.global_max_pool),
    ],
    "GridSample": [
        (f"{mode} {padding} {corners}", IMAGE, grid_sample(mode=mode, padding_mode=padding, align_corners=corners))
        for mode in ("linear", "nearest", "cubic")
        for padding in ("zeros", "border", "reflection")
        for corners in (0, 1)
    ],
    "Resize": [
        elementwise(ops.resize, scales=(2.0, 2.0)),
        elementwise(ops.resize, sizes=(5, 11)),
        elementwise(ops.resize, sizes=(5, 11), mode="linear"),
        elementwise(ops.resize, sizes=(13, 3), mode="linear"),
        elementwise(ops.resize, sizes=(9, 5), mode="linear", coordinate_transformation_mode="align_corners"),
        elementwise(ops.resize, sizes=(9, 11), mode="cubic"),
        ("series", (1, 3, 9), lambda x: ops.resize(x, sizes=(14,), mode="linear")),
        *[
            elementwise(
                ops.resize, sizes=sizes, mode="nearest", coordinate_transformation_mode=place, nearest_mode=rounding
            )
            for sizes in ((3, 4), (9, 12), (5, 11), (1, 1))
            for place in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
            for rounding in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
        ],
        *[
            elementwise(ops.resize, sizes=sizes, mode=mode, coordinate_transformation_mode=place)
            for sizes in ((3, 4), (9, 11), (1, 5))
            for mode in ("linear", "cubic")
            for place in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
        ],
        ("volume", (1, 3, 4, 3, 5), lambda x: ops.resize(x, sizes=(7, 6, 4), mode="linear")),
        (
            "asymmetric volume",
            (1, 3, 4, 3, 5),
            lambda x: ops.resize(x, sizes=(7, 6, 4), mode="linear", coordinate_transformation_mode="asymmetric"),
        ),
        ("nearest volume", (1, 3, 4, 3, 5), lambda x: ops.resize(x, sizes=(7, 6, 4), nearest_mode="ceil")),
        (
            "asymmetric series",
            (1, 3, 9),
            lambda x: ops.resize(x, sizes=(14,), mode="linear", coordinate_transformation_mode="asymmetric"),
        ),
    ],
}
