"""What a part of a network costs, as one value that adds up."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from netwright.cost._cost import activation_bytes, weights_of
from netwright.graph import Node, Parameter

__all__ = ["Amounts", "amounts_of"]


@dataclass(frozen=True, slots=True)
class Amounts:
    """Costs of a node, an operator, a block or a network.

    params: trainable ones, each counted where it is read first. macs, flops. activation_bytes: read and written.
    weight_bytes: parameters and buffers as stored, each counted where it is read first.

    >>> both = Amounts.total([Amounts(params=10, flops=40, activation_bytes=12), Amounts(flops=8, weight_bytes=4)])
    >>> both.flops, both.traffic, both.intensity
    (48, 16, 3.0)
    """

    params: int = 0
    macs: int = 0
    flops: int = 0
    activation_bytes: int = 0
    weight_bytes: int = 0

    @staticmethod
    def total(parts: Sequence[Amounts]) -> Amounts:
        """Sum of all parts."""
        return Amounts(
            sum([part.params for part in parts]),
            sum([part.macs for part in parts]),
            sum([part.flops for part in parts]),
            sum([part.activation_bytes for part in parts]),
            sum([part.weight_bytes for part in parts]),
        )

    @property
    def traffic(self) -> int:
        """Bytes moved: activations, and weights once."""
        return self.activation_bytes + self.weight_bytes

    @property
    def intensity(self) -> float:
        """FLOPs per byte of traffic; 0 where nothing moves."""
        return self.flops / self.traffic if self.traffic else 0.0

    def to_json(self) -> dict[str, float]:
        """All of it by name."""
        return {
            "params": self.params,
            "macs": self.macs,
            "flops": self.flops,
            "activation_bytes": self.activation_bytes,
            "weight_bytes": self.weight_bytes,
            "traffic": self.traffic,
            "intensity": round(self.intensity, 6),
        }


def amounts_of(node: Node, constant: Set[Node], counted: set[Parameter]) -> Amounts:
    """Costs of one node; parameters that are already in `counted` cost nothing again, and others are put there.

    constant: nodes that depend on no input; parameters behind them count where their results are read.
    """
    params = weight_bytes = 0
    for tensor in weights_of(node, constant):
        if tensor not in counted:
            counted.add(tensor)
            params += tensor.size if tensor.trainable else 0
            weight_bytes += tensor.bytes
    moved = activation_bytes(node, constant)
    return Amounts(params, node.op.macs(node), node.op.flops(node), moved, weight_bytes)
