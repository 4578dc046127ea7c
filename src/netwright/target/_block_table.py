"""Latency of a network as the sum of its blocks, each measured alone: what makes latency an additive budget."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright._optional import require
from netwright.cost import Cost
from netwright.target._onnx_runtime import compare_here

if TYPE_CHECKING:
    from netwright.graph import Graph

__all__ = ["TableLatency", "operator_table", "structural_key"]

Export = Callable[["Graph"], bytes]

_GROUP = 16
"""Graphs timed in turns with each other; more would each wait too long for its turn to notice a plateau."""


def structural_key(graph: Graph) -> str:
    """Text that is equal for two graphs with the same operators, attributes, shapes and wiring.

    >>> from netwright.graph import Graph, image, ops
    >>> x, other, larger = image(3, 8, 8), image(3, 8, 8, name="x"), image(3, 9, 9)
    >>> keys = [structural_key(Graph([each], [ops.relu(each)])) for each in (x, other, larger)]
    >>> keys[0] == keys[1], keys[0] == keys[2]
    (True, False)

    Names, weights and scopes do not count; two orders of building the same network do.
    """
    numbers: dict[Any, int] = {}
    lines = []

    def value(tensor: Any) -> str:
        if tensor is None:
            return "-"
        fixed = getattr(tensor, "value", None)
        if isinstance(fixed, np.ndarray):
            return f"={tensor.dtype}{fixed.tolist()}"
        return f"{numbers.setdefault(tensor, len(numbers))}:{tensor.dtype}{tuple(tensor.shape)}"

    lines.append(" ".join(map(value, graph.inputs)))
    for node in graph.nodes:
        attrs = sorted((name, _plain(attr)) for name, attr in node.attrs.items())
        sides = [" ".join(map(value, side)) for side in (node.inputs, node.outputs)]
        lines.append(f"{node.op.name} {attrs} {sides[0]} -> {sides[1]}")
    lines.append(" ".join(map(value, graph.outputs)))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def operator_table(
    graphs: Iterable[Graph],
    export: Export,
    *,
    threads: int = 1,
    batch: int = 1,
    seconds: float = 0.1,
) -> dict[str, float]:
    """Time each distinct graph alone in ONNX Runtime and give its ms by `structural_key`.

    >>> from netwright.graph import Graph, image, ops
    >>> from netwright.target import onnx_bytes
    >>> x = image(3, 8, 8)
    >>> relu, again = Graph([x], [ops.relu(x)]), Graph([x], [ops.relu(x)])
    >>> table = operator_table([relu, again], onnx_bytes, seconds=0.01)
    >>> list(table) == [structural_key(relu)]
    True

    What a session costs that does nothing is taken off each, so that lines can be added up. The sum is an estimate:
    inside a network ONNX Runtime may fuse across blocks and keep its own memory layout between them.

    graphs: one small graph for each block of a space, with its input shape. export: a graph's ONNX bytes.
    threads, batch: as in `latency_here`. seconds: time to spend on each distinct graph.
    """
    distinct = {structural_key(graph): graph for graph in graphs}
    keys = list(distinct)
    table: dict[str, float] = {}
    for start in range(0, len(keys), _GROUP):
        group = keys[start : start + _GROUP]
        models = [_empty_model(), *(export(distinct[key]) for key in group)]
        empty, *timings = compare_here(models, threads=threads, batch=batch, seconds=seconds)
        for key, timing in zip(group, timings, strict=True):
            table[key] = max(0.0, timing.median_ms - empty.median_ms)
    return table


class TableLatency(Cost):
    """The additive cost `latency_ms@here`: a block's ms, measured when first asked for and kept.

    >>> from netwright.graph import Graph, image, ops
    >>> from netwright.target import onnx_bytes
    >>> x = image(3, 8, 8)
    >>> relu = Graph([x], [ops.relu(x)])
    >>> TableLatency(onnx_bytes, table={structural_key(relu): 0.25}).of(relu)
    0.25

    table: lines measured before, by `structural_key`; `lines` gives them back for storing.
    name: of the cost; choose another one when threads or batch are not 1, which is what `here` stands for.
    The other arguments are those of `operator_table`.
    """

    additive = True

    def __init__(
        self,
        export: Export,
        *,
        name: str = "latency_ms@here",
        threads: int = 1,
        batch: int = 1,
        seconds: float = 0.1,
        table: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(name, "ms", "sum over the blocks of their latency alone")
        self._export = export
        self._threads = threads
        self._batch = batch
        self._seconds = seconds
        self._lines = dict(table or {})

    @property
    def lines(self) -> dict[str, float]:
        """Copy of the table so far: ms by structural key."""
        return dict(self._lines)

    def of(self, graph: Graph) -> float:
        """Milliseconds of one block graph."""
        key = structural_key(graph)
        if key not in self._lines:
            self.measure([graph])
        return self._lines[key]

    def measure(self, graphs: Sequence[Graph]) -> None:
        """Measure all graphs that have no line yet, in turns: fairer than one at a time."""
        new = [graph for graph in graphs if structural_key(graph) not in self._lines]
        self._lines |= operator_table(
            new, self._export, threads=self._threads, batch=self._batch, seconds=self._seconds
        )


def _plain(attr: Any) -> str:
    return repr(attr.tolist()) if isinstance(attr, np.ndarray) else repr(attr)


def _empty_model() -> bytes:
    """An ONNX file that hands one number through."""
    onnx = require("onnx", extra="onnx")
    helper = require("onnx.helper", extra="onnx")
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", 1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "empty", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    data: bytes = model.SerializeToString()
    return data
