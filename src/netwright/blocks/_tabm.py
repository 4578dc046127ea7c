"""TabM: one perceptron that stands for an ensemble, for tables (Gorishniy et al. 2025)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._dropout import dropped
from netwright.blocks._layers import linear
from netwright.blocks._sizes import chosen, fits
from netwright.graph import Init, Tensor, ops, parameter

__all__ = ["tabm", "tabm_head", "tabm_mini"]


def _members(x: Tensor, members: int | None, name: str) -> tuple[Tensor, int]:
    """The input with an axis for the members, and how many they are."""
    if x.rank == 2:
        return ops.unsqueeze(x, axes=(1,)), chosen(members, 32)
    fits(x.rank == 3, name, "the input must be (N, C) or (N, members, C)", shape=x.shape)
    fits(members in (None, x.shape[1]), name, "members must be those of the input", members=members, shape=x.shape)
    return x, x.shape[1]


@block
def tabm(
    x: Tensor,
    features: int | None = None,
    members: int | None = None,
    activation: str = "relu",
    dropout: float = 0.0,
) -> Tensor:
    """Linear layer shared by all members but for scales of its input and output and a bias, activation, dropout.

    `(N, C)` or `(N, members, C)` to `(N, members, features)`. Gorishniy et al. 2025, TabM: the scales of a first
    layer start as random signs and all others as ones. `members=None` is 32 on a table and the input's number after
    that. Raises ShapeError.

    >>> from netwright.graph import vector
    >>> tabm(tabm(vector(13), 64, members=8), 64).shape
    (1, 8, 64)
    """
    first = x.rank == 2
    y, count = _members(x, members, "tabm")
    width = chosen(features, x.shape[-1])
    y = y * parameter("input_scale", (count, x.shape[-1]), Init("signs" if first else "ones"))
    y = linear(y, width, bias=False) * parameter("output_scale", (count, width), Init("ones"))
    y = y + parameter("bias", (count, width), Init("zeros"))
    return dropped(activate(y, activation), dropout)


@block
def tabm_mini(
    x: Tensor,
    features: int | None = None,
    members: int | None = None,
    activation: str = "relu",
    dropout: float = 0.0,
) -> Tensor:
    """Linear layer shared by all members; the first one, on a table, scales its input for each.

    `(N, C)` or `(N, members, C)` to `(N, members, features)`. Gorishniy et al. 2025, TabM (TabM-mini).
    Raises ShapeError.

    >>> from netwright.graph import vector
    >>> tabm_mini(tabm_mini(vector(13), 64, members=8), 64).shape
    (1, 8, 64)
    """
    y, count = _members(x, members, "tabm_mini")
    if x.rank == 2:
        y = y * parameter("input_scale", (count, x.shape[-1]), Init("signs"))
    return dropped(activate(linear(y, chosen(features, x.shape[-1])), activation), dropout)


@block
def tabm_head(x: Tensor, classes: int = 10) -> Tensor:
    """Linear layer of each member's own: `(N, members, C)` to `(N, members, classes)`.

    Gorishniy et al. 2025, TabM. Train on the mean of the members' losses; predict by the mean of their
    probabilities. Raises ShapeError.

    >>> from netwright.graph import vector
    >>> tabm_head(tabm(vector(13), 64, members=8), 3).shape
    (1, 8, 3)
    """
    fits(x.rank == 3, "tabm_head", "the input must be (N, members, C)", shape=x.shape)
    count, width = x.shape[1:]
    weight = parameter("weight", (count, width, classes), Init("uniform", width**-0.5))
    y = ops.squeeze(ops.matmul(ops.unsqueeze(x, axes=(2,)), weight), axes=(2,))
    z: Tensor = ops.add(y, parameter("bias", (count, classes), Init("zeros")))
    return z
