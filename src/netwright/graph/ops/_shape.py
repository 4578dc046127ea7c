"""Operators that move elements: no FLOPs, only memory traffic."""

from __future__ import annotations

from math import prod
from typing import Any

from netwright.errors import ShapeError
from netwright.graph._operator import Operator, Types, positive_axis, require
from netwright.graph._tensor import Shape, Tensor


class Reshape(Operator):
    """View in another shape; in `shape`, 0 copies the input's size and -1 is inferred.

    >>> from netwright.graph import image, ops
    >>> ops.reshape(image(3, 8, 8), shape=(0, 3, -1)).shape
    (1, 3, 64)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        wanted = attrs["shape"] = tuple(attrs["shape"])
        sizes = [x.shape[i] if size == 0 and i < x.rank else size for i, size in enumerate(wanted)]
        known = prod(size for size in sizes if size != -1)
        if -1 in sizes and known:
            sizes[sizes.index(-1)] = x.size // known
        require(
            prod(sizes) == x.size and wanted.count(-1) <= 1 and all(size > 0 for size in sizes),
            self,
            f"shape {wanted} must hold the {x.size} elements of the input",
            inputs,
        )
        return ((tuple(sizes), x.dtype),)


class Flatten(Operator):
    """Two axes: those before `axis` and those from it on.

    >>> from netwright.graph import image, ops
    >>> ops.flatten(image(3, 8, 8)).shape, ops.flatten(image(3, 8, 8), axis=2).shape
    ((1, 192), (3, 64))
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        axis = attrs.setdefault("axis", 1)
        require(-x.rank <= axis <= x.rank, self, f"axis ({axis}) must be in -rank..rank", inputs)
        return (((prod(x.shape[:axis]), prod(x.shape[axis:])), x.dtype),)


class Transpose(Operator):
    """Permutation of the axes by `perm`.

    >>> from netwright.graph import image, ops
    >>> ops.transpose(image(3, 8, 6), perm=(0, 2, 3, 1)).shape
    (1, 8, 6, 3)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        perm = attrs["perm"] = tuple(attrs["perm"])
        require(sorted(perm) == list(range(x.rank)), self, f"perm {perm} must order all axes", inputs)
        return ((tuple(x.shape[i] for i in perm), x.dtype),)


class Concat(Operator):
    """Tensors one after the other along `axis`.

    >>> from netwright.graph import Input, image, ops
    >>> ops.concat(image(3, 8, 8), image(5, 8, 8), axis=1).shape
    (1, 8, 8, 8)
    >>> ops.concat(Input((1, 3, 8)), Input((1, 5, 4)), axis=1)
    Traceback (most recent call last):
        ...
    netwright.errors.ShapeError: Concat: all sizes but axis 1 must be equal, but got shapes (1, 3, 8), (1, 5, 4).
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        axis = attrs["axis"] = positive_axis(self, attrs.get("axis", 1), x)
        others = [(*t.shape[:axis], *t.shape[axis + 1 :]) for t in inputs]
        require(
            all(rest == others[0] and t.rank == x.rank for rest, t in zip(others, inputs, strict=True)),
            self,
            f"all sizes but axis {axis} must be equal",
            inputs,
        )
        return (((*x.shape[:axis], sum(t.shape[axis] for t in inputs), *x.shape[axis + 1 :]), x.dtype),)


class Split(Operator):
    """Parts of sizes `split` along `axis`.

    >>> from netwright.graph import image, ops
    >>> [part.shape for part in ops.split(image(8, 4, 4), split=(2, 6), axis=1)]
    [(1, 2, 4, 4), (1, 6, 4, 4)]
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        axis = attrs["axis"] = positive_axis(self, attrs.get("axis", 1), x)
        parts = attrs["split"] = tuple(attrs["split"])
        require(
            sum(parts) == x.shape[axis] and min(parts) > 0,
            self,
            f"split {parts} must be positive and sum to the size of axis {axis}",
            inputs,
        )
        return tuple(((*x.shape[:axis], part, *x.shape[axis + 1 :]), x.dtype) for part in parts)


class Slice(Operator):
    """Elements starts:ends:steps along `axes`.

    >>> from netwright.graph import image, ops
    >>> ops.slice_(image(3, 8, 8), starts=(0,), ends=(8,), axes=(2,), steps=(2,)).shape
    (1, 3, 4, 8)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        starts = attrs["starts"] = tuple(attrs["starts"])
        ends = attrs["ends"] = tuple(attrs["ends"])
        axes = attrs["axes"] = tuple(positive_axis(self, a, x) for a in attrs.get("axes", range(len(starts))))
        steps = attrs["steps"] = tuple(attrs.get("steps", (1,) * len(starts)))
        counts = {len(starts), len(ends), len(axes), len(steps)}
        require(len(counts) == 1 and 0 not in steps, self, "starts, ends, axes and steps must be as many", inputs)
        sizes = list(x.shape)
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            sizes[axis] = len(range(*slice(start, end, step).indices(sizes[axis])))
        require(all(sizes), self, f"the slice {starts}:{ends}:{steps} must not be empty", inputs)
        return ((tuple(sizes), x.dtype),)


class Pad(Operator):
    """Padding by `pads` (all begins, then all ends) with `value` or by `mode` constant, reflect, edge or wrap.

    >>> from netwright.graph import image, ops
    >>> ops.pad(image(3, 8, 8), pads=(0, 0, 1, 1, 0, 0, 1, 1)).shape
    (1, 3, 10, 10)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        pads = attrs["pads"] = tuple(attrs["pads"])
        attrs.setdefault("mode", "constant")
        attrs.setdefault("value", 0.0)
        require(len(pads) == 2 * x.rank, self, f"pads {pads} must have a begin and an end per axis", inputs)
        sizes = tuple(size + pads[i] + pads[x.rank + i] for i, size in enumerate(x.shape))
        require(min(sizes) > 0, self, f"the padded shape {sizes} must not be empty", inputs)
        return ((sizes, x.dtype),)


class Expand(Operator):
    """Repetition of axes of size 1 up to `shape`; 1 in `shape` keeps the input's size.

    >>> from netwright.graph import Input, ops
    >>> ops.expand(Input((1, 1, 8)), shape=(1, 16, 1)).shape
    (1, 16, 8)

    With a second tensor, 0 in `shape` is the size that this tensor has on the same axis (counted from the front of
    `shape`): how a class token gets as many rows as the batch.
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x, like, *_ = (*inputs, None)
        stated: Shape = tuple(attrs["shape"])
        attrs["shape"] = stated
        holds = 0 not in stated or (like is not None and stated.index(0) < like.rank)
        require(holds, self, f"0 in shape {stated} needs a second tensor that has this axis", inputs)
        wanted = tuple(like.shape[i] if size == 0 and like is not None else size for i, size in enumerate(stated))
        rank = max(len(wanted), x.rank)
        ours = (1,) * (rank - x.rank) + x.shape
        theirs = (1,) * (rank - len(wanted)) + wanted
        holds = all(1 in (a, b) or a == b for a, b in zip(ours, theirs, strict=True))
        require(holds, self, f"shape {wanted} must be reachable by repeating axes of size 1", inputs)
        return ((tuple(max(a, b) for a, b in zip(ours, theirs, strict=True)), x.dtype),)


class Tile(Operator):
    """Copies: `repeats` per axis.

    >>> from netwright.graph import image, ops
    >>> ops.tile(image(3, 8, 8), repeats=(1, 2, 1, 1)).shape
    (1, 6, 8, 8)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        require(len(attrs["repeats"]) == x.rank, self, "repeats must have one number per axis", inputs)
        return ((tuple(s * r for s, r in zip(x.shape, attrs["repeats"], strict=True)), x.dtype),)


class Squeeze(Operator):
    """Axes of size 1 removed.

    >>> from netwright.graph import image, ops
    >>> ops.squeeze(image(3, 1, 8), axes=(2,)).shape
    (1, 3, 8)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        axes = attrs["axes"] = tuple(positive_axis(self, axis, x) for axis in attrs["axes"])
        require(all(x.shape[axis] == 1 for axis in axes), self, f"axes {axes} must have size 1", inputs)
        return ((tuple(size for i, size in enumerate(x.shape) if i not in axes), x.dtype),)


class Unsqueeze(Operator):
    """Axes of size 1 inserted at `axes` of the result.

    >>> from netwright.graph import Input, ops
    >>> ops.unsqueeze(Input((1, 16, 8)), axes=(1,)).shape
    (1, 1, 16, 8)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        rank = x.rank + len(attrs["axes"])
        axes = attrs["axes"] = tuple(axis % rank for axis in attrs["axes"])
        require(len(set(axes)) == len(axes), self, f"axes {axes} must differ", inputs)
        sizes = iter(x.shape)
        return ((tuple(1 if i in axes else next(sizes) for i in range(rank)), x.dtype),)


class SpaceDepth(Operator):
    """Blocks of `blocksize` x `blocksize` pixels to channels, or back.

    >>> from netwright.graph import image, ops
    >>> ops.space_to_depth(image(3, 8, 8), blocksize=2).shape, ops.depth_to_space(image(12, 4, 4), blocksize=2).shape
    ((1, 12, 4, 4), (1, 3, 8, 8))
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x, block = inputs[0], attrs["blocksize"]
        require(x.rank == 4, self, "the input must be (N, C, H, W)", inputs)
        n, c, h, w = x.shape
        if self.name == "SpaceToDepth":
            require(h % block == w % block == 0, self, f"blocksize ({block}) must divide H and W", inputs)
            return (((n, c * block * block, h // block, w // block), x.dtype),)
        attrs.setdefault("mode", "CRD")
        require(c % (block * block) == 0, self, f"blocksize ({block}) squared must divide C", inputs)
        return (((n, c // (block * block), h * block, w * block), x.dtype),)


class Resize(Operator):
    """Interpolation of the spatial axes to `sizes`, or by `scales`; `mode` nearest, linear or cubic.

    >>> from netwright.graph import image, ops
    >>> ops.resize(image(3, 8, 8), scales=(2, 2)).shape
    (1, 3, 16, 16)

    Coordinates are those of PyTorch unless attributes say otherwise: `nearest` rounds position * (size in / size out)
    down (asymmetric, floor); `linear` and `cubic` (a = -0.75) take pixels as squares with the value at their centre
    (half_pixel). `coordinate_transformation_mode`: asymmetric, half_pixel, pytorch_half_pixel (a single pixel is the
    first) or align_corners (the first and the last pixel are the ends). `nearest_mode`: floor, ceil,
    round_prefer_floor or round_prefer_ceil.
    """

    choices = (
        ("mode", ("nearest", "linear", "cubic")),
        ("coordinate_transformation_mode", ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")),
        ("nearest_mode", ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")),
    )

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x: Tensor = inputs[0]
        space = x.shape[2:]
        if "sizes" in attrs:
            sizes = tuple(attrs["sizes"])
        else:
            scales = attrs.get("scales", ())
            require(len(scales) == len(space), self, "sizes or scales must be one per spatial axis", inputs)
            sizes = tuple(int(size * scale) for size, scale in zip(space, scales, strict=True))
        attrs["sizes"] = sizes
        attrs.setdefault("mode", "nearest")
        for key, known in self.choices:
            if attrs.get(key, known[0]) not in known:
                raise ShapeError(f"Resize: {key} must be one of {', '.join(known)}, but got {attrs[key]!r}.")
        if len(sizes) != len(space) or min(sizes, default=0) < 1:
            raise ShapeError(f"Resize: sizes must be one positive number per spatial axis, got {sizes}.")
        return (((*x.shape[:2], *sizes), x.dtype),)


reshape = Reshape("Reshape")
flatten = Flatten("Flatten")
transpose = Transpose("Transpose")
concat = Concat("Concat")
split = Split("Split")
slice_ = Slice("Slice")
pad = Pad("Pad")
expand = Expand("Expand")
tile = Tile("Tile")
squeeze = Squeeze("Squeeze")
unsqueeze = Unsqueeze("Unsqueeze")
space_to_depth = SpaceDepth("SpaceToDepth")
depth_to_space = SpaceDepth("DepthToSpace")
resize = Resize("Resize")
