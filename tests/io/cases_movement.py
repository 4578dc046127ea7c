"""Operators that move elements, in small."""

from __future__ import annotations

from operator_parts import IMAGE, TOKENS, Case, bits, elementwise, positive, weight, whole

from netwright.graph import ops

__all__ = ["CASES"]


CASES: dict[str, list[Case]] = {
    "Reshape": [
        elementwise(ops.reshape, shape=(0, 4, -1)),
        elementwise(ops.reshape, shape=(0, -1)),
        elementwise(ops.reshape, shape=(-1, 8)),
        elementwise(ops.reshape, shape=(0, 2, 2, 48)),
        ("windows", IMAGE, lambda x: ops.reshape(ops.reshape(x, shape=(-1, 6, 8)), shape=(-1, 4, 6, 8))),
    ],
    "Flatten": [
        elementwise(ops.flatten),
        elementwise(ops.flatten, axis=3),
        elementwise(ops.flatten, axis=0),
        elementwise(ops.flatten, axis=4),
        elementwise(ops.flatten, axis=-1),
    ],
    "Transpose": [
        elementwise(ops.transpose, perm=(0, 2, 3, 1)),
        elementwise(ops.transpose, perm=(0, 1, 3, 2)),
        elementwise(ops.transpose, perm=(0, 1, 2, 3)),
    ],
    "Concat": [
        ("", IMAGE, lambda x: ops.concat(x, x * 2.0)),
        ("last", IMAGE, lambda x: ops.concat(x, -x, x, axis=-1)),
    ],
    "Split": [
        elementwise(ops.split, split=(2, 2), axis=1),
        elementwise(ops.split, split=(1, 3, 4), axis=3),
        ("part", IMAGE, lambda x: ops.split(x, split=(1, 3))[1]),
    ],
    "Slice": [
        elementwise(ops.slice_, starts=(1,), ends=(3,), axes=(1,)),
        elementwise(ops.slice_, starts=(0, -3), ends=(6, 2**31), axes=(2, 3), steps=(2, 1)),
        elementwise(ops.slice_, starts=(-1,), ends=(-(2**31),), axes=(3,), steps=(-2,)),
        elementwise(ops.slice_, starts=(4,), ends=(1,), axes=(2,), steps=(-1,)),
        elementwise(ops.slice_, starts=(0,), ends=(-1,), axes=(2,)),
        elementwise(ops.slice_, starts=(-1, 10), ends=(-99, 1), axes=(1, 3), steps=(-1, -3)),
        ("bits", IMAGE, lambda x: ops.slice_(bits(x), starts=(-1,), ends=(-99,), axes=(2,), steps=(-1,))),
    ],
    "Pad": [
        elementwise(ops.pad, pads=(0, 0, 1, 2, 0, 0, 3, 0)),
        elementwise(ops.pad, pads=(0, 1, 0, 0, 0, 2, 0, 0), value=1.5),
        elementwise(ops.pad, pads=(0, 0, -1, 0, 0, 0, 0, -2)),
        elementwise(ops.pad, pads=(0, 0, 1, 2, 0, 0, 3, 0), mode="reflect"),
        elementwise(ops.pad, pads=(0, 0, 1, 2, 0, 0, 3, 0), mode="edge"),
        elementwise(ops.pad, pads=(0, 2, 0, 0, 0, 1, 0, 0), mode="reflect"),
        ("tokens", TOKENS, lambda x: ops.pad(x, pads=(0, 1, 0, 0, 2, 0), mode="edge")),
        elementwise(ops.pad, pads=(0, 1, 0, 1, 0, 1, 0, 2), mode="reflect"),
        elementwise(ops.pad, pads=(0, 1, -1, 1, 0, 0, 2, -2), mode="reflect"),
        elementwise(ops.pad, pads=(0, 1, -1, 1, 0, 0, 2, -2), mode="edge"),
        elementwise(ops.pad, pads=(0, -1, 2, -1, 0, -1, 0, 3), value=0.5),
        elementwise(ops.pad, pads=(0, 0, 1, 2, 0, 0, 3, 0), mode="wrap"),
        elementwise(ops.pad, pads=(0, 2, 0, 0, 0, 1, 0, 3), mode="wrap"),
        ("series", (1, 3, 7), lambda x: ops.pad(x, pads=(0, 0, 2, 0, 0, 1), mode="wrap")),
        ("row", (1, 7), lambda x: ops.pad(x, pads=(0, 2, 0, 1), mode="reflect")),
        ("whole", IMAGE, lambda x: ops.pad(whole(x), pads=(0, 1, 0, 2) * 2, value=-3)),
        ("int32", IMAGE, lambda x: ops.pad(whole(x, "int32"), pads=(0, 0, 0, 2) * 2, mode="edge")),
        ("bits", IMAGE, lambda x: ops.pad(bits(x), pads=(0, 1, 0, 2) * 2, value=1)),
        ("reflected bits", IMAGE, lambda x: ops.pad(bits(x), pads=(0, 1, 0, 2) * 2, mode="reflect")),
        ("reflected whole", IMAGE, lambda x: ops.pad(whole(x), pads=(0, 0, 0, 2) * 2, mode="reflect")),
    ],
    "Expand": [
        ("", (1, 4, 1, 8), lambda x: ops.expand(x, shape=(1, 4, 5, 8))),
        ("longer", (1, 1), lambda x: ops.expand(ops.unsqueeze(x, axes=(1,)), shape=(3, 4))),
        ("shorter", (1, 4, 1, 8), lambda x: ops.expand(x, shape=(5, 1))),
        ("like", TOKENS, lambda x: ops.concat(ops.expand(weight(1, 1, 12), x, shape=(0, 1, 1)), x, axis=1)),
        ("like and longer", TOKENS, lambda x: ops.expand(weight(3, 1), x, shape=(0, 3, 4))),
        ("like twice", TOKENS, lambda x: ops.expand(weight(12), ops.relu(x), shape=(0, 0, 1))),
    ],
    "Tile": [elementwise(ops.tile, repeats=(1, 2, 1, 3))],
    "Squeeze": [
        ("", (1, 1, 5, 1), lambda x: ops.squeeze(x, axes=(1, -1))),
        ("one", (1, 1, 5), lambda x: ops.squeeze(x, axes=(1,))),
    ],
    "Unsqueeze": [elementwise(ops.unsqueeze, axes=(1, -1))],
    "SpaceToDepth": [elementwise(ops.space_to_depth, blocksize=2)],
    "DepthToSpace": [
        elementwise(ops.depth_to_space, blocksize=2),
        elementwise(ops.depth_to_space, blocksize=2, mode="DCR"),
    ],
    "Identity": [elementwise(ops.identity), ("inside", IMAGE, lambda x: ops.relu(ops.identity(x) + x))],
    "Dropout": [elementwise(ops.dropout), elementwise(ops.dropout, ratio=0.1)],
    "Cast": [
        elementwise(ops.cast, to="int64"),
        elementwise(ops.cast, to="float64"),
        ("bits to numbers", IMAGE, lambda x: ops.cast(bits(x), to="float32")),
        ("bits to whole", IMAGE, lambda x: ops.cast(bits(x), to="int32")),
        ("numbers to bits", IMAGE, lambda x: ops.cast(ops.relu(x), to="bool")),
        ("whole to bits", IMAGE, lambda x: ops.cast(whole(x * 0.1), to="bool")),
        ("whole to numbers", IMAGE, lambda x: ops.cast(whole(x, "int8"), to="float32")),
        ("half and back", IMAGE, lambda x: ops.cast(ops.cast(x, to="float16"), to="float32")),
        ("to bytes", IMAGE, lambda x: ops.cast(positive(x) * 9.0, to="uint8")),
    ],
}
