"""The target `here`: this machine's processor, measured."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from netwright._count import counted
from netwright.cost import cost
from netwright.target._base import Estimate, Target
from netwright.target._name_parts import THREADS_AND_BATCH, wrong_parts
from netwright.target._protocol import Timing, together
from netwright.target._reference import measure_against, reference_graph
from netwright.target._runtimes import DTYPES, RUNTIMES, Setup

if TYPE_CHECKING:
    from netwright.graph import Graph

__all__ = ["Here", "time_graphs"]

_NAME = re.compile(
    rf"here(?::(?P<runtime>{'|'.join(RUNTIMES)}))?(?::(?P<threads>[1-9]\d{{0,2}})t)?(?::b(?P<batch>[1-9]\d{{0,4}}))?"
    rf"(?::(?P<dtype>{'|'.join(DTYPES)}))?"
)
FORMS = tuple(f"here:{Setup(name, dtype=dtype)}" for name, each in RUNTIMES.items() for dtype in each.dtypes)
"""Names with one thread and batch 1, of every runtime and data type."""
SECONDS, CAREFUL = 0.15, 1.0
"""Time to spend on one network during a search, and on numbers that are reported."""
PLACES = 3
"""How many times a network is loaded that is compared with others, or whose latency is reported."""
MOST_PARAMETERS = 2**28
"""Of all that is loaded at once so that each network is loaded several times: a gigabyte."""


class Here(Target):
    """This machine: the network in a runtime, measured by the protocol of `measure_against`.

    >>> Here.parse("here:4t"), Here.parse("here:torch:1t:b8:bf16").setup
    (<target here:4t: latency_ms>, Setup(runtime='torch', threads=1, batch=8, dtype='bf16'))

    threads: within an operator. batch: rows of the input. seconds: time to spend on a network. runtime: ort (ONNX
    Runtime), torch (PyTorch as it is), compile (torch.compile) or openvino. dtype: of weights and activations.
    """

    kind = "measured here"
    knows = frozenset({"latency_ms"})

    def __init__(
        self,
        name: str = "here",
        *,
        threads: int = 1,
        batch: int = 1,
        seconds: float = SECONDS,
        runtime: str = "ort",
        dtype: str = "fp32",
    ) -> None:
        super().__init__(name)
        self.setup = Setup(runtime, threads, batch, dtype)
        self.seconds = seconds

    @property
    def threads(self) -> int:
        """Threads within an operator."""
        return self.setup.threads

    @property
    def batch(self) -> int:
        """Rows of the input."""
        return self.setup.batch

    @classmethod
    def parse(cls, name: str) -> Here:
        """Target of a name such as `here:torch:2t:b4:bf16`: runtime, threads, batch, data type, in this order.

        >>> Here.parse("here:fast")
        Traceback (most recent call last):
        netwright.errors.UnknownNameError: no part of here:ort:1t:b1:fp32 is named 'fast'; known: ...

        Raises UnknownNameError, which says which part is unknown, and shows the forms for parts in another order and
        for a data type that the runtime lacks.
        """
        parts = _NAME.fullmatch(name)
        runtime, dtype = (parts["runtime"] or "ort", parts["dtype"] or "fp32") if parts else ("", "")
        if parts is None or dtype not in RUNTIMES[runtime].dtypes:
            raise wrong_parts(name, f"here:{Setup()}", (*RUNTIMES, *DTYPES), THREADS_AND_BATCH, FORMS)
        return cls(
            name, threads=int(parts["threads"] or 1), batch=int(parts["batch"] or 1), runtime=runtime, dtype=dtype
        )

    @property
    def how(self) -> str:
        return f"measured on this machine in {self.setup.words}"

    def with_batch(self, batch: int) -> Here:
        """The same target with another batch."""
        return self._with(replace(self.setup, batch=batch), self.seconds)

    def careful(self) -> Here:
        return self._with(self.setup, max(self.seconds, CAREFUL))

    def _with(self, setup: Setup, seconds: float) -> Here:
        return Here(self.name, seconds=seconds, **asdict(setup))

    def latency(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Median of many runs with its interval; initial weights where the graph has none.

        The interval holds what the runs vary by, and what may be missed of the machine's best in the time given.
        """
        [found] = self.compare([graph])
        slack = found.detail["slack"]
        return replace(found, low=found.low * (1 - min(slack, 1.0)), high=found.high * (1 + slack))

    def compare(self, graphs: Sequence[Graph]) -> list[Estimate]:
        """Latency of several networks measured in turns; the intervals are for comparing them with each other.

        Each network is loaded several times, unless it is compiled, or large, or one alone is measured quickly: where
        in memory it comes to lie makes one of microseconds some percent faster or slower until it is loaded again,
        which no number of runs tells (Kalibera & Jones 2013). The interval holds those of all the places.
        """
        places = self._places(graphs)
        timings = time_graphs([*graphs] * places, self.setup, seconds=self.seconds / places)
        return [self._estimate(together(timings[first :: len(graphs)])) for first in range(len(graphs))]

    def _places(self, graphs: Sequence[Graph]) -> int:
        if self.setup.runtime == "compile" or (len(graphs) == 1 and self.seconds < CAREFUL):
            return 1
        parameters = sum(cost("params").of(graph) for graph in graphs)
        return min(PLACES, max(1, int(MOST_PARAMETERS / max(parameters, 1))))

    def _estimate(self, timing: Timing) -> Estimate:
        how = f"median of {counted(timing.runs, 'run')}, 95 % interval; {self.how}"
        return Estimate(timing.median_ms, timing.low_ms, timing.high_ms, "ms", how, asdict(timing))


def time_graphs(
    graphs: Sequence[Graph], setup: Setup, *, seconds: float, nominal: float | None = None
) -> list[Timing]:
    """Time networks in turns in a setup, against the reference network in the same setup.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> (timing,) = time_graphs([Graph([x], [ops.relu(x)])], Setup("ort"), seconds=0.01)
    >>> timing.median_ms > 0
    True

    seconds: for each network. nominal: as in `measure_against`. The errors are those of `Setup.runner`.
    """
    # Compiling the reference would take longer than all the rest, and its job is to follow the clock.
    reference = Setup("torch" if setup.runtime == "compile" else setup.runtime, setup.threads)
    runs = [setup.runner(graph) for graph in graphs]
    # Work that is all done in this thread is told by the thread's own time, from which neighbours take nothing.
    alone = setup.threads == 1 and setup.runtime != "openvino"
    with setup.active():
        return measure_against(
            runs,
            reference.runner(reference_graph()),
            seconds=seconds,
            nominal=nominal,
            clock=time.thread_time if alone else time.perf_counter,
        )
