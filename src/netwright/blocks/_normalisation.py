"""Normalisations by name, with parameters of their own."""

from __future__ import annotations

from collections.abc import Callable

from netwright.blocks._sizes import width_of
from netwright.errors import UnknownNameError
from netwright.graph import Init, Tensor, ops, parameter, scope

__all__ = ["NORMALISATIONS", "normalise"]


def _batch_norm(x: Tensor) -> Tensor:
    channels = (x.shape[1],)
    scale, shift = parameter("weight", channels, Init("ones")), parameter("bias", channels, Init("zeros"))
    mean = parameter("running_mean", channels, Init("zeros"), trainable=False)
    variance = parameter("running_var", channels, Init("ones"), trainable=False)
    y: Tensor = ops.batch_normalization(x, scale, shift, mean, variance)
    return y


def _group_norm(x: Tensor, groups: int) -> Tensor:
    channels = (x.shape[1],)
    scale, shift = parameter("weight", channels, Init("ones")), parameter("bias", channels, Init("zeros"))
    y: Tensor = ops.group_normalization(x, scale, shift, num_groups=groups)
    return y


def _instance_norm(x: Tensor) -> Tensor:
    channels = (x.shape[1],)
    y: Tensor = ops.instance_normalization(
        x, parameter("weight", channels, Init("ones")), parameter("bias", channels, Init("zeros"))
    )
    return y


def _over_channels(x: Tensor, norm: Callable[[Tensor], Tensor]) -> Tensor:
    if x.rank != 4:
        return norm(x)
    y: Tensor = ops.transpose(norm(ops.transpose(x, perm=(0, 2, 3, 1))), perm=(0, 3, 1, 2))
    return y


def _layer_norm(x: Tensor) -> Tensor:
    """Over the last axis; over the channels of an image, which are moved to the end and back."""
    scale = parameter("weight", (width_of(x),), Init("ones"))
    shift = parameter("bias", scale.shape, Init("zeros"))
    return _over_channels(x, lambda last: ops.layer_normalization(last, scale, shift, axis=-1))


def _rms_norm(x: Tensor) -> Tensor:
    scale = parameter("weight", (width_of(x),), Init("ones"))
    return _over_channels(x, lambda last: ops.rms_normalization(last, scale, axis=-1))


NORMALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "batch": _batch_norm,
    "layer": _layer_norm,
    "rms": _rms_norm,
    "group1": lambda x: _group_norm(x, 1),
    "group8": lambda x: _group_norm(x, 8),
    "instance": _instance_norm,
    "none": lambda x: x,
}


def normalise(x: Tensor, norm: str = "batch", *, name: str = "norm") -> Tensor:
    """Normalise by name: batch, layer, rms, group1, group8, instance or none; raises UnknownNameError.

    >>> from netwright.graph import image
    >>> normalise(image(3, 8, 8), "batch").node.op.name
    'BatchNormalization'
    """
    if norm not in NORMALISATIONS:
        raise UnknownNameError("normalisation", norm, NORMALISATIONS)
    with scope(name):
        return NORMALISATIONS[norm](x)
