"""Flash, latency and energy of a microcontroller as sums over blocks, which a space's forest holds exactly."""

from __future__ import annotations

from netwright.cost import Cost
from netwright.graph import Graph
from netwright.target._microcontroller._device import Device, Library
from netwright.target._microcontroller._flash import flash_bytes
from netwright.target._microcontroller._latency import milliseconds

__all__ = ["FlashBytes", "KernelEnergy", "KernelLatency"]


class FlashBytes(Cost):
    """Flash of the weights as a sum over blocks.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, oneof
    >>> space = Space(conv(oneof(8, 64)), input=image(3, 32, 32)).with_costs(FlashBytes("flash_bytes@board"))
    >>> [int(value) for value, _ in space.extremes("flash_bytes@board")]
    [312, 2496]

    It is that of the network where no block begins with what joins the last layer of the one before it.
    """

    additive = True

    def __init__(self, name: str) -> None:
        super().__init__(name, "bytes", "weights in 8 bits, biases and scales in 32, summed over the blocks")

    def of(self, graph: Graph) -> int:
        return flash_bytes(graph)


class KernelLatency(Cost):
    """Latency by what kernels do as a sum over blocks.

    A kernel does not reach over the end of a block here, so an activation that begins a block is one of its own.
    """

    additive = True

    def __init__(self, name: str, device: Device, library: Library) -> None:
        super().__init__(name, "ms", f"cycles of {library.name} on {device.title}, summed over the blocks")
        self.device, self.library = device, library

    def of(self, graph: Graph) -> float:
        return sum(milliseconds(graph, self.device, self.library).values())


class KernelEnergy(KernelLatency):
    """Energy as a sum over blocks: the power of the board while it runs, times the latency."""

    def __init__(self, name: str, device: Device, library: Library, milliwatts: float) -> None:
        super().__init__(name, device, library)
        self.unit = "mJ"
        self.milliwatts = milliwatts

    def of(self, graph: Graph) -> float:
        return super().of(graph) * self.milliwatts / 1e3
