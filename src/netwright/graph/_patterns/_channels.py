"""Group normalisation (Wu & He 2018) as ONNX without it has it: instances of groups, then factors of channels."""

from __future__ import annotations

from typing import Any

from netwright.graph import ops
from netwright.graph._patterns._language import Match, Rule, apply, product, total
from netwright.graph._patterns._network import Network
from netwright.graph._tensor import Shape, Tensor

__all__ = ["CHANNELS"]

VIEWS = ("Reshape", "Unsqueeze")


def _group_norm(match: Match, net: Network) -> Tensor | None:
    """Each group of channels normalised as if it were one channel, by factors of 1 and summands of 0."""
    x, wide, norm = match.tensor("x"), match.tensor("wide"), match.node("norm")
    _, scale, shift, *_ = (*net.inputs(norm), None, None)
    plain = (scale is None or net.filled_with(scale, 1)) and (shift is None or net.filled_with(shift, 0))
    groups = wide.shape[1]
    if not plain or x.rank < 3 or wide.rank != 3 or wide.shape[0] != x.shape[0] or x.shape[1] % groups:
        return None
    made: Tensor = ops.group_normalization(x, num_groups=groups, epsilon=norm.attrs["epsilon"])
    return made


def _affine(key: str) -> Any:
    """A factor or a summand of each channel that is no activation."""

    def rewrite(match: Match, net: Network) -> Tensor | None:
        node, extra = match.node("norm"), match.tensor(key)
        x, *rest = net.inputs(node)
        if x is None or net.flows(extra) or _without_ones_before(extra.shape) != (x.shape[1], *(1,) * (x.rank - 2)):
            return None
        column = _column(extra, net)
        given = (column,) if key == "scale" else (*(rest or [None]), column)
        made: Tensor = node.op(x, *given, **node.attrs)
        return made

    return rewrite


def _without_ones_before(shape: Shape) -> Shape:
    while shape[:1] == (1,) and len(shape) > 1:
        shape = shape[1:]
    return shape


def _column(t: Tensor, net: Network) -> Tensor:
    """The values of channels as a vector: the one that was widened, where one was."""
    node = net.maker(t)
    source = net.inputs(node)[0] if node is not None and node.op.name in VIEWS else None
    made: Tensor = source if source is not None and source.rank == 1 else ops.reshape(t, shape=(t.size,))
    return made


BARE = apply("GroupNormalization", "x", name="norm")
CHANNELS: tuple[Rule, ...] = (
    (
        apply(
            "Reshape",
            apply("InstanceNormalization", apply("Reshape", "x", name="wide"), name="norm", more=True),
        ),
        _group_norm,
    ),
    (product(BARE, "scale"), _affine("scale")),
    (total(BARE | apply("GroupNormalization", "x", "scale", name="norm"), "shift"), _affine("shift")),
)
"""What a normalisation of channels is written as, and the normalisation."""
