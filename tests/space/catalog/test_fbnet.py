"""FBNet: its size, its index lists, and the totals of the published networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from netwright.errors import DesignError
from netwright.space import Space
from netwright.space.catalog import fbnet, fbnet_from_indices, fbnet_indices

TABLE = Path(__file__).parents[4] / "shared" / "data" / "device_latency" / "fbnet_ms.parquet"

# name: blocks as published with the paper, features in front of the classifier, parameters, millions of MACs
PUBLISHED = {
    "FBNet-A": ([8, 2, 0, 8, 8, 7, 2, 4, 2, 7, 6, 5, 7, 3, 5, 4, 1, 7, 7, 6, 7, 7], 1504, 4.3e6, 249),
    "FBNet-C": ([0, 3, 8, 0, 0, 7, 6, 7, 3, 7, 6, 7, 7, 7, 7, 7, 6, 7, 7, 7, 7, 3], 1984, 5_572_200, 375),
}


@pytest.fixture(scope="module")
def space() -> Space:
    return fbnet()


def test_the_published_size_comes_out(space: Space) -> None:
    assert space.size() == 9**22


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_have_their_totals(name: str) -> None:
    indices, features, params, macs = PUBLISHED[name]
    costs = fbnet(features=features).costs(fbnet_from_indices(indices))
    assert costs["params"] == pytest.approx(params, rel=0 if isinstance(params, int) else 0.01)
    assert costs["macs"] / 1e6 == pytest.approx(macs, rel=0.05)


@pytest.mark.skipif(not TABLE.is_file(), reason="the folder of shared data sets is not beside the checkout")
def test_every_row_of_the_latency_table_is_in_the_space(space: Space) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    rows = pq.read_table(TABLE, columns=["ops"])["ops"].to_pylist()
    assert len(rows) == 5000
    for text in rows:
        indices = list(map(int, text.split()))
        design = fbnet_from_indices(indices)
        assert design in space
        assert fbnet_indices(design) == indices


@pytest.mark.parametrize("indices", [[], [0] * 21, [9] + [0] * 21, [-1] + [0] * 21, [True] + [0] * 21])
def test_what_is_no_index_list_is_refused(indices: list[int]) -> None:
    with pytest.raises(DesignError, match="22 indices from 0 to 8"):
        fbnet_from_indices(indices)
