"""MetaFormer and its token mixers (Yu et al. 2022)."""

from __future__ import annotations

from netwright.blocks._base import Call, block
from netwright.blocks._layers import as_image, as_tokens, branch, convolution
from netwright.blocks._mlp import mlp as plain_mlp
from netwright.blocks._pools import mean_windows
from netwright.graph import Init, Tensor, ops, parameter

__all__ = ["depthwise_mixer", "metaformer", "pool_mixer", "random_mixer"]


@block
def pool_mixer(x: Tensor, kernel: int = 3) -> Tensor:
    """Mean over windows less the input itself: `(N, C, *space)` keeps its shape (Yu et al. 2022, equation 4).

    >>> from netwright.graph import image
    >>> pool_mixer(image(8, 7, 7)).shape
    (1, 8, 7, 7)
    """
    return mean_windows(x, kernel, 1) - x


@block
def depthwise_mixer(x: Tensor, kernel: int = 7) -> Tensor:
    """Depthwise convolution with bias: `(N, C, *space)` keeps its shape.

    >>> from netwright.graph import image
    >>> depthwise_mixer(image(8, 7, 7)).shape
    (1, 8, 7, 7)
    """
    return convolution(x, x.shape[1], kernel, groups=x.shape[1], bias=True)


@block
def random_mixer(x: Tensor) -> Tensor:
    """Fixed random mixing of the positions, rows summing to 1: `(N, T, D)` or `(N, C, H, W)` keeps its shape.

    Yu et al. 2024, MetaFormer Baselines for Vision (RandFormer). The matrix is a buffer.

    >>> from netwright.graph import image
    >>> random_mixer(image(8, 7, 7)).shape
    (1, 8, 7, 7)
    """
    tokens = as_tokens(x) if x.rank == 4 else x
    length = tokens.shape[1]
    # Softmax ignores a shift, so this equals the uniform numbers between 0 and 1 of the paper.
    mixing = parameter("mixing", (length, length), Init("uniform", 0.5), trainable=False)
    y = ops.matmul(ops.softmax(mixing, axis=-1), tokens)
    return as_image(y, x.shape[2:]) if x.rank == 4 else y


@block
def metaformer(
    x: Tensor,
    mixer: Call | None = None,
    mlp: Call | None = None,
    norm: str | None = None,
    scale: float | None = 1e-5,
) -> Tensor:
    """Token mixer and then channel MLP, each a pre-normalised residual branch; the shape stays.

    `(N, C, H, W)` or `(N, T, D)`. Yu et al. 2022, MetaFormer Is Actually What You Need for Vision, equations 2-3.
    `mixer` is any block that keeps the shape: `pool_mixer()` (default, PoolFormer), `skip()`, `depthwise_mixer()`,
    `attention()`, `random_mixer()` or a user's own; `mlp` defaults to the plain one. `norm=None` is group1 on images
    and layer on tokens; `scale` starts the layer scale, None leaves it out. Raises ShapeError.

    >>> from netwright.blocks import attention
    >>> from netwright.graph import image
    >>> metaformer(image(32, 8, 8), mixer=attention(heads=4)).shape
    (1, 32, 8, 8)
    """
    norm = ("group1" if x.rank == 4 else "layer") if norm is None else norm
    y = branch(x, mixer or pool_mixer(), norm=norm, scale=scale, name="mix")
    return branch(y, mlp or plain_mlp(), norm=norm, scale=scale, name="feed")
