"""Operators that move elements, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.graph import Node, Shape, Tensor
from netwright.io._to_torch._base import Form, Scribe, last_as_minus_one, source_of
from netwright.io._to_torch._code import Code

__all__ = ["SHAPES", "following_batch"]


def _reshape(s: Scribe, node: Node, given: list[Code]) -> Code:
    """Fixed sizes as numbers, the one that follows the batch as -1."""
    x, now, source = given[0].atom, node.output, source_of(node)
    free = following_batch(s, node)
    kept = now.rank - 1
    if 1 <= kept < source.rank and _leading(s, source, kept) == _leading(s, now, kept):
        return Code(f"{x}.flatten({kept})")
    sizes = [s.hole("size", size) for size in now.shape]
    if len(free) == 1:
        sizes[free[0]] = "-1"
    elif free:
        # Several sizes follow the batch; what the attribute copies is read from the input, the rest is inferred.
        wanted = node.attrs["shape"]
        for i in free:
            sizes[i] = "-1" if wanted[i] == -1 else f"{x}.shape[{i}]"
    return Code(f"{x}.reshape({', '.join(sizes)})")


def _leading(s: Scribe, tensor: Tensor, count: int) -> tuple[Shape, Shape]:
    """First sizes of a tensor with one row and with two."""
    return tensor.shape[:count], s.shapes_at_two[tensor][:count]


def following_batch(scribe: Scribe, node: Node) -> list[int]:
    """Axes of the output whose size grows with the batch."""
    grown = scribe.shapes_at_two[node.output]
    return [i for i, (a, b) in enumerate(zip(node.output.shape, grown, strict=True)) if a != b]


def _flatten(s: Scribe, node: Node, given: list[Code]) -> Code:
    axis, source = node.attrs["axis"], source_of(node)
    x = given[0].atom
    axis = axis % source.rank if axis < 0 else axis
    if axis == 0:
        return Code(f"{x}.reshape(1, -1)")
    if axis == source.rank:
        return Code(f"{x}.reshape(-1, 1)")
    head = "" if axis == 1 else f".flatten(0, {axis - 1})"
    tail = "" if axis == source.rank - 1 else ".flatten(1)"
    return Code(f"{x}{head}{tail}")


def _transpose(s: Scribe, node: Node, given: list[Code]) -> Code:
    perm = node.attrs["perm"]
    moved = [i for i, axis in enumerate(perm) if i != axis]
    if not moved:
        return given[0]
    if len(moved) == 2:
        return Code(f"{given[0].atom}.transpose({moved[0]}, {moved[1]})")
    return Code(f"{given[0].atom}.permute({', '.join(map(str, perm))})")


def _concat(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"torch.cat([{', '.join(g.text for g in given)}], dim={node.attrs['axis']})")


def _split(s: Scribe, node: Node, given: list[Code]) -> Code:
    parts = node.attrs["split"]
    if len(set(parts)) == 1:
        return Code(f"{given[0].atom}.chunk({len(parts)}, dim={last_as_minus_one(node)})")
    return Code(f"{given[0].atom}.split({s.hole('parts', parts)}, dim={last_as_minus_one(node)})")


def _slice(s: Scribe, node: Node, given: list[Code]) -> Code:
    a, source, x = node.attrs, source_of(node), given[0].atom
    cuts = [":"] * source.rank
    for start, end, axis, step in zip(a["starts"], a["ends"], a["axes"], a["steps"], strict=True):
        size = source.shape[axis]
        if step < 0:
            # PyTorch has no negative steps: the same elements in the reversed tensor.
            start, end, _ = slice(start, end, step).indices(size)
            x, start, end, step = f"{x}.flip({axis})", size - 1 - start, size - 1 - end, -step
        first = "" if start == 0 else s.hole("start", start)
        last = "" if (end >= size and axis > 0) or end >= 2**31 - 1 else s.hole("end", end)
        cuts[axis] = f"{first}:{last}" + (f":{s.hole('step', step)}" if step != 1 else "")
    while cuts and cuts[-1] == ":":
        cuts.pop()
    return Code(f"{x}[{', '.join(cuts)}]" if cuts else x)


def _pad(s: Scribe, node: Node, given: list[Code]) -> Code:
    pads, mode, rank, x = node.attrs["pads"], node.attrs["mode"], node.output.rank, given[0]
    pairs = [(pads[i], pads[rank + i]) for i in range(rank)]
    if mode == "constant":
        number = float if node.output.dtype.startswith(("float", "bfloat")) else int
        value = s.hole("value", number(node.attrs["value"]), ", value=", number(0))
        while len(pairs) > 1 and pairs[0] == (0, 0):
            pairs.pop(0)
        return Code(f"F.pad({x.text}, {_reversed(s, pairs)}{value})")
    torch_mode = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}.get(mode)
    fits = all(p <= size for pair, size in zip(pairs, source_of(node).shape, strict=True) for p in pair)
    if torch_mode and (fits or mode != "wrap") and rank in (3, 4, 5) and pairs[:2] == [(0, 0)] * 2 and min(pads) >= 0:
        return Code(f'F.pad({x.text}, {_reversed(s, pairs[2:])}, mode="{torch_mode}")')
    text = x.atom
    for axis, (before, after) in enumerate(pairs):
        if (before, after) != (0, 0):
            index = _padded_index(source_of(node).shape[axis], before, after, mode)
            text = f"{text}[{':, ' * axis}{s.hole('index', index)}]"
    return Code(text)


def _reversed(s: Scribe, pairs: Sequence[tuple[int, int]]) -> str:
    """Pads as PyTorch reads them: the last axis first."""
    return s.hole("pad", tuple(n for pair in reversed(pairs) for n in pair))


def _padded_index(size: int, before: int, after: int, mode: str) -> list[int]:
    index = np.arange(size)[max(-before, 0) : size - max(-after, 0)]
    padded = np.pad(index, (max(before, 0), max(after, 0)), mode)  # type: ignore[call-overload]
    return [int(i) for i in padded]


def _expand(s: Scribe, node: Node, given: list[Code]) -> Code:
    source, out = source_of(node), node.output
    before = out.rank - len(node.attrs["shape"])
    sizes = []
    for i, ours in enumerate((0,) * (out.rank - source.rank) + source.shape):
        wanted = node.attrs["shape"][i - before] if i >= before else 1
        if wanted == 0:
            sizes.append(f"{given[1].atom}.shape[{i - before}]")
        else:
            sizes.append("-1" if ours and wanted in (1, ours) else s.hole("size", wanted))
    return Code(f"{given[0].atom}.expand({', '.join(sizes)})")


def _tile(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"{given[0].atom}.tile({s.hole('repeats', tuple(node.attrs['repeats']))})")


def _squeeze(s: Scribe, node: Node, given: list[Code]) -> Code:
    axes = node.attrs["axes"]
    return Code(f"{given[0].atom}.squeeze({axes[0] if len(axes) == 1 else axes})") if axes else given[0]


def _unsqueeze(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(given[0].atom + "".join(f".unsqueeze({axis})" for axis in sorted(node.attrs["axes"])))


def _space_to_depth(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"{s.helper('space_to_depth')}({given[0].text}, {s.hole('block', node.attrs['blocksize'])})")


def _depth_to_space(s: Scribe, node: Node, given: list[Code]) -> Code:
    block = s.hole("block", node.attrs["blocksize"])
    name = "F.pixel_shuffle" if node.attrs["mode"] == "CRD" else s.helper("depth_to_space")
    return Code(f"{name}({given[0].text}, {block})")


def _resize(s: Scribe, node: Node, given: list[Code]) -> Code:
    """F.interpolate where it counts positions in the same way, else a helper."""
    a, size = node.attrs, s.hole("size", tuple(node.attrs["sizes"]))
    place = a.get("coordinate_transformation_mode", "asymmetric" if a["mode"] == "nearest" else "half_pixel")
    rounding = a.get("nearest_mode", "floor")
    mode = _interpolation(node, place, rounding)
    if mode is None:
        return Code(f'{s.helper("resize")}({given[0].text}, {size}, "{a["mode"]}", "{place}", "{rounding}")')
    chosen = "" if mode == "nearest" else f', mode="{mode}"'
    corners = ", align_corners=True" if place == "align_corners" else ""
    return Code(f"F.interpolate({given[0].text}, size={size}{chosen}{corners})")


def _interpolation(node: Node, place: str, rounding: str) -> str | None:
    """Mode of F.interpolate for a Resize, if there is one."""
    a, space = node.attrs, node.output.rank - 2
    if space > 3:
        return None
    if a["mode"] == "nearest":
        return {("asymmetric", "floor"): "nearest", ("half_pixel", "round_prefer_ceil"): "nearest-exact"}.get(
            (place, rounding)
        )
    if place == "asymmetric" or (place == "pytorch_half_pixel" and 1 in a["sizes"]):
        return None
    names = {"linear": ("linear", "bilinear", "trilinear"), "cubic": (None, "bicubic", None)}
    return names[a["mode"]][space - 1]


SHAPES: dict[str, Form] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Pad": _pad,
    "Expand": _expand,
    "Tile": _tile,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "SpaceToDepth": _space_to_depth,
    "DepthToSpace": _depth_to_space,
    "Resize": _resize,
}
"""Forms by operator."""
