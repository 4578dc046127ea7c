"""Normalisation."""

from __future__ import annotations

from typing import Any

from netwright.graph._operator import Operator, Types, positive_axis, require
from netwright.graph._tensor import Node


class Normalisation(Operator):
    """Normalise, scale and shift; five FLOPs per element (mean, variance, two for x', scale and shift as one).

    >>> from netwright.graph import image, ops, parameter
    >>> scale, bias = parameter("scale", (3,)), parameter("bias", (3,))
    >>> y = ops.instance_normalization(image(3, 8, 8), scale, bias)
    >>> y.shape, y.node.op.flops(y.node)
    ((1, 3, 8, 8), 960)
    """

    per_element = 5

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x, *rest = inputs
        attrs.setdefault("epsilon", 1e-5)
        channels = (x.shape[1],) if x.rank > 1 else ()
        require(
            all(t is None or t.shape == channels for t in rest),
            self,
            f"scale, bias and statistics must have one value per channel {channels}",
            inputs,
        )
        return ((x.shape, x.dtype),)

    def flops(self, node: Node) -> int:
        return self.per_element * node.output.size


class BatchNormalization(Normalisation):
    """Normalisation over the batch (Ioffe & Szegedy 2015): X (N, C, ...), scale, B, mean, var (C).

    >>> from netwright.graph import image, ops, parameter
    >>> learned = [parameter(name, (3,)) for name in ("scale", "bias")]
    >>> running = [parameter(name, (3,), trainable=False) for name in ("mean", "var")]
    >>> y = ops.batch_normalization(image(3, 8, 8), *learned, *running)
    >>> y.shape, y.node.op.flops(y.node)
    ((1, 3, 8, 8), 384)

    A scale and a shift at inference: two FLOPs per element.
    """

    per_element = 2

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        attrs.setdefault("momentum", 0.9)
        return super().infer(inputs, attrs)


class GroupNormalization(Normalisation):
    """Normalisation over groups of channels (Wu & He 2018): X (N, C, ...), scale and bias (C), `num_groups`.

    >>> from netwright.graph import image, ops, parameter
    >>> scale, bias = parameter("scale", (8,)), parameter("bias", (8,))
    >>> ops.group_normalization(image(8, 4, 4), scale, bias, num_groups=2).shape
    (1, 8, 4, 4)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        groups = attrs["num_groups"]
        require(inputs[0].shape[1] % groups == 0, self, f"num_groups ({groups}) must divide channels", inputs)
        return super().infer(inputs, attrs)


class LayerNormalization(Normalisation):
    """Normalisation over the axes from `axis` on (Ba et al. 2016): X, scale, optional bias of those axes' shape.

    >>> from netwright.graph import Input, ops, parameter
    >>> ops.layer_normalization(Input((1, 16, 8)), parameter("scale", (8,)), parameter("bias", (8,)), axis=-1).shape
    (1, 16, 8)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x, *rest = inputs
        axis = attrs["axis"] = positive_axis(self, attrs.get("axis", -1), x)
        attrs.setdefault("epsilon", 1e-5)
        require(
            all(t is None or t.shape == x.shape[axis:] for t in rest),
            self,
            f"scale and bias must have shape {x.shape[axis:]}",
            inputs,
        )
        return ((x.shape, x.dtype),)


class LocalResponseNormalisation(Operator):
    """Division by the energy of the `size` channels around (Krizhevsky et al. 2012, section 3.3): X (N, C, ...).

    >>> from netwright.graph import image, ops
    >>> ops.local_response_normalization(image(8, 4, 4), size=5).shape
    (1, 8, 4, 4)

    x / (bias + alpha / size * sum of squares) ** beta; `size` + 4 FLOPs per element.
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        require(x.rank >= 3 and attrs["size"] >= 1, self, "X must be (N, C, *space) and size positive", inputs)
        for key, value in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)):
            attrs.setdefault(key, value)
        return ((x.shape, x.dtype),)

    def flops(self, node: Node) -> int:
        return int((node.attrs["size"] + 4) * node.output.size)


class LpNormalisation(Operator):
    """Division by the `p`-norm (1 or 2) along `axis`; three FLOPs per element.

    >>> from netwright.graph import Input, ops
    >>> ops.lp_normalization(Input((1, 16, 8)), p=2, axis=-1).shape
    (1, 16, 8)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        attrs["axis"] = positive_axis(self, attrs.get("axis", -1), x)
        attrs.setdefault("p", 2)
        require(attrs["p"] in (1, 2), self, f"p ({attrs['p']}) must be 1 or 2", inputs)
        return ((x.shape, x.dtype),)

    def flops(self, node: Node) -> int:
        return 3 * node.output.size


batch_normalization = BatchNormalization("BatchNormalization")
group_normalization = GroupNormalization("GroupNormalization")
instance_normalization = Normalisation("InstanceNormalization")
layer_normalization = LayerNormalization("LayerNormalization")
rms_normalization = LayerNormalization("RMSNormalization")
local_response_normalization = LocalResponseNormalisation("LRN")
lp_normalization = LpNormalisation("LpNormalization")
