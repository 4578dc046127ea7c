"""The additive latency: one line for each distinct block."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.graph import Graph, Tensor, image, ops, parameter, scope
from netwright.io import to_onnx
from netwright.target import TableLatency, latency_here, operator_table, structural_key


def block(channels: int, *, side: int = 16, kernel: int = 3, times: int = 1, name: str = "block") -> Graph:
    x: Tensor = image(channels, side, side)
    value = x
    for _ in range(times):
        with scope(name):
            weight = parameter("weight", (channels, channels, kernel, kernel))
            value = ops.relu(ops.conv(value, weight, pads=kernel // 2))
    return Graph([x], [value])


def export(graph: Graph) -> bytes:
    return to_onnx(graph).SerializeToString()


class CountingExport:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, graph: Graph) -> bytes:
        self.calls += 1
        return export(graph)


def test_names_do_not_change_the_key() -> None:
    assert structural_key(block(8)) == structural_key(block(8, name="other"))


@pytest.mark.parametrize(
    "other",
    [block(4), block(8, side=8), block(8, kernel=5), block(8, times=2)],
    ids=["width", "side", "kernel", "depth"],
)
def test_everything_that_costs_time_changes_the_key(other: Graph) -> None:
    assert structural_key(block(8)) != structural_key(other)


def test_attributes_constants_and_wiring_change_the_key() -> None:
    x = image(4, 8, 8)
    values = [ops.max_pool(x, kernel_shape=k) for k in (2, 3)] + [x * 2.0, x * 3.0, x + x, ops.relu(x) + x]
    keys = {structural_key(Graph([x], [value])) for value in values}
    assert len(keys) == len(values)


def test_a_shared_weight_is_another_structure_than_two_weights() -> None:
    x = image(4, 8, 8)
    one, two = (parameter("weight", (4, 4, 1, 1)) for _ in range(2))
    shared = Graph([x], [ops.conv(ops.conv(x, one), one)])
    separate = Graph([x], [ops.conv(ops.conv(x, one), two)])
    assert structural_key(shared) != structural_key(separate)


def test_each_distinct_graph_is_measured_once() -> None:
    counting = CountingExport()
    table = operator_table([block(4), block(8), block(4, name="again")], counting, seconds=0.01)
    assert counting.calls == 2
    assert set(table) == {structural_key(block(4)), structural_key(block(8))}
    assert all(ms >= 0 for ms in table.values())


def test_no_graphs_give_an_empty_table() -> None:
    assert operator_table([], export) == {}


def test_a_larger_block_has_a_larger_line() -> None:
    small, large = block(8), block(32, times=2)
    table = operator_table([small, large], export, seconds=0.05)
    assert table[structural_key(small)] < table[structural_key(large)]


def test_the_sum_of_the_lines_is_near_the_latency_of_the_whole() -> None:
    table = operator_table([block(24, side=24)], export, seconds=0.1)
    line = table[structural_key(block(24, side=24))]
    whole = latency_here(export(block(24, side=24, times=6)), seconds=0.1).median_ms
    # The lines pay for converting the memory layout at both ends of each block, the whole network once.
    assert 0.6 * whole < 6 * line < 2 * whole


def test_table_latency_measures_on_demand_and_keeps_its_lines() -> None:
    counting = CountingExport()
    latency = TableLatency(counting, seconds=0.01)
    assert latency.name == "latency_ms@here"
    first = latency.of(block(4))
    assert latency.of(block(4, name="again")) == first
    latency.measure([block(4), block(8)])
    assert counting.calls == 2
    again = TableLatency(counting, name="latency_ms@other", table=latency.lines)
    assert again.of(block(8)) == latency.of(block(8))
    assert again.name == "latency_ms@other"
    assert counting.calls == 2


def test_lines_are_a_copy() -> None:
    latency = TableLatency(export, table={"key": 1.0})
    latency.lines["key"] = 2.0
    assert latency.lines == {"key": 1.0}
    assert np.isfinite(list(latency.lines.values())).all()
