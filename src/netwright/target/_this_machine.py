"""The target `here`: this machine's processor, measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from netwright.errors import UnknownNameError
from netwright.target._base import Estimate, Target
from netwright.target._here import latency_here

if TYPE_CHECKING:
    from netwright.graph import Graph

__all__ = ["Here", "onnx_bytes"]

_NAME = re.compile(
    r"here(?::(?P<runtime>ort))?(?::(?P<threads>[1-9]\d{0,2})t)?(?::b(?P<batch>[1-9]\d{0,4}))?(?::(?P<dtype>fp32))?"
)
FORM = "here:ort:1t:b1:fp32"
SECONDS, CAREFUL = 0.15, 1.0
"""Time to spend on one network during a search, and on numbers that are reported."""


class Here(Target):
    """This machine: the exported network in ONNX Runtime, measured by the protocol of `measure`.

    >>> Here.parse("here:4t"), Here.parse("here:ort:1t:b8:fp32").batch
    (<target here:4t: latency_ms>, 8)

    threads: within an operator. batch: rows of the input. seconds: time to spend on a network.
    """

    knows = frozenset({"latency_ms"})

    def __init__(self, name: str = "here", *, threads: int = 1, batch: int = 1, seconds: float = SECONDS) -> None:
        super().__init__(name)
        self.threads = threads
        self.batch = batch
        self.seconds = seconds

    @classmethod
    def parse(cls, name: str) -> Here:
        """Target of a name such as `here:ort:2t:b4:fp32`: runtime, threads, batch, data type, in this order.

        >>> Here.parse("here:fast")
        Traceback (most recent call last):
        netwright.errors.UnknownNameError: no target is named 'here:fast'; known: here:ort:1t:b1:fp32.

        Raises UnknownNameError, which shows the form.
        """
        parts = _NAME.fullmatch(name)
        if parts is None:
            raise UnknownNameError("target", name, [FORM])
        return cls(name, threads=int(parts["threads"] or 1), batch=int(parts["batch"] or 1))

    @property
    def how(self) -> str:
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"measured on this machine in ONNX Runtime, {threads}, batch {self.batch}, float32"

    def careful(self) -> Here:
        return Here(self.name, threads=self.threads, batch=self.batch, seconds=max(self.seconds, CAREFUL))

    def latency(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Median of many runs with its 95 % interval; initial weights where the graph has none."""
        timing = latency_here(onnx_bytes(graph), threads=self.threads, batch=self.batch, seconds=self.seconds)
        how = f"median of {timing.runs} runs, 95 % interval; {self.how}"
        return Estimate(timing.median_ms, timing.low_ms, timing.high_ms, "ms", how, asdict(timing))


def onnx_bytes(graph: Graph) -> bytes:
    """The graph as the content of an ONNX file, with initial weights where it has none.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> len(onnx_bytes(Graph([x], [conv(x, 8)]))) > 1000
    True
    """
    from netwright.io import to_onnx

    content: bytes = to_onnx(graph).SerializeToString()
    return content
