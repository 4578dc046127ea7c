"""SimpleNet: plain convolutions in groups that only ever widen (Hasanpour et al. 2016; row 25).

A baseline that needs nothing but convolutions and pools, and the rules that it was designed by as a space. Pools
stand where the authors' code has them: one more, behind the fifth group, was a mistake of an early version of it.
"""

from __future__ import annotations

from netwright.blocks import block, conv, make_divisible, max_pool, skip, table_head
from netwright.errors import ShapeError
from netwright.graph import Input, Tensor, image, ops
from netwright.space._choice import oneof
from netwright.space._expression import Expression, named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["simplenet"]

GROUPS = (
    # widths, layers, whether a pool follows; the published network has the second width and number of each
    ((96, 128, 160), (2, 3, 4), True),
    ((96, 128, 160), (1, 2, 3), False),
    ((192, 256, 320), (0, 1, 2), True),
    ((192, 256, 320), (1, 2, 3), True),
    ((384, 512, 640), (0, 1, 2), False),
)


@block
def _no_narrower(x: Tensor, channels: int = 64) -> Tensor:
    """3x3 convolution of a group that is at least as wide as the one before: gradual expansion (section 3.1)."""
    if channels < x.shape[1]:
        raise ShapeError(f"a group must not be narrower than the one before, but {channels} < {x.shape[1]}.")
    y: Tensor = conv(x, channels)
    return y


@block
def _largest(x: Tensor) -> Tensor:
    """Largest value of each channel: `(N, C, H, W)` to `(N, C)`."""
    y: Tensor = ops.flatten(ops.global_max_pool(x), axis=1)
    return y


def simplenet(input: Input | None = None, classes: int = 10, *, scale: float = 1.0) -> Space:
    """Width and layers of five homogeneous groups, none narrower than the one before; the 13-layer SimpleNet is one.

    >>> simplenet().size()
    17010

    scale: multiplier of all widths.
    """

    def group(widths: tuple[int, ...], depths: tuple[int, ...], pooled: bool) -> Expression:
        layer = _no_narrower(oneof(*(make_divisible(width * scale) for width in widths)))
        more = tuple(depth - 1 for depth in depths if depth)
        body = seq(enter=layer, more=repeat(conv(None), times=oneof(*more)))
        whole = oneof(named("none", skip()), named("layers", body)) if 0 in depths else body
        return seq(group=whole, pool=max_pool(2, stride=2)) if pooled else whole

    groups = {f"group{i}": group(*numbers) for i, numbers in enumerate(GROUPS, start=1)}
    narrow = make_divisible(256 * scale)
    head = seq(
        wide=conv(make_divisible(2048 * scale), kernel=1),
        narrow=conv(narrow, kernel=1),
        pool=max_pool(2, stride=2),
        last=conv(narrow),
        peak=_largest(),
        classes=table_head(classes),
    )
    network = seq(stem=conv(make_divisible(64 * scale)), **groups, head=head)
    return Space(network, input=input or image(3, 32, 32), name="simplenet")
