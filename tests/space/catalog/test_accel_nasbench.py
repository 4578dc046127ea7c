"""Accel-NASBench: its size, and every row of its table with its parameters and MACs."""

from __future__ import annotations

from pathlib import Path

import pytest

from netwright.errors import DesignError
from netwright.graph import Graph
from netwright.space import Space
from netwright.space._condition import trace
from netwright.space.catalog import accel_nasbench, accel_nasbench_from_row, accel_nasbench_row

TABLE = Path(__file__).parents[4] / "shared" / "data" / "accel_nasbench" / "anb.parquet"
needs_data = pytest.mark.skipif(
    not TABLE.is_file(), reason="the folder of shared data sets is not beside the checkout"
)


@pytest.fixture(scope="module")
def space() -> Space:
    return accel_nasbench()


@pytest.fixture(scope="module")
def rows() -> list[dict[str, object]]:
    found: list[dict[str, object]] = pytest.importorskip("pyarrow.parquet").read_table(TABLE).to_pylist()
    return found


def test_size(space: Space) -> None:
    assert space.size() == (3 * 2 * 3 * 2) ** 6 * (3 * 2 * 4 * 2) == 104_485_552_128


@needs_data
def test_every_row_is_in_the_space_with_its_parameters(space: Space, rows: list[dict[str, object]]) -> None:
    params = space.forest.leaf_costs(space.cost("params"))
    assert len(rows) == 5138
    for row in rows:
        design = accel_nasbench_from_row(row)
        visit = trace(space.forest, design)
        assert visit is not None
        assert sum(params[inner.number] for inner in visit.all()) == round(float(str(row["params"])) * 1e6)
        columns = accel_nasbench_row(design)
        assert columns == {name: row[name] for name in columns}


def _authors_macs(graph: Graph) -> int:
    """Their tool adds four operations per normalised value, and one per value that a mean over all pixels meets."""
    total = 0
    for node in graph.nodes:
        total += node.op.macs(node)
        if node.op.name == "BatchNormalization":
            total += 4 * node.output.size
        if node.op.name == "GlobalAveragePool":
            total += sum(t.size for t in (node.inputs[0], node.output) if t is not None)
    return total


@needs_data
def test_macs_are_those_of_the_table(space: Space, rows: list[dict[str, object]]) -> None:
    for row in rows[::100]:
        graph = space.network(accel_nasbench_from_row(row))
        assert _authors_macs(graph) == round(float(str(row["macs"])) * 1e6)


def test_a_missing_column_is_named(space: Space) -> None:
    row = accel_nasbench_row(space.design_at(7))
    del row["block3_k"]
    with pytest.raises(DesignError, match="'block3_k'"):
        accel_nasbench_from_row(row)
