"""Once-for-All and ProxylessNAS: sizes, dictionaries, and the totals of published networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.errors import DesignError
from netwright.graph import image
from netwright.space import Design, Space
from netwright.space.catalog import (
    ofa_mobilenetv3,
    ofa_mobilenetv3_dictionary,
    ofa_mobilenetv3_from_dictionary,
    ofa_proxyless,
    ofa_proxyless_dictionary,
    ofa_proxyless_from_dictionary,
    ofa_resnet50,
    ofa_resnet50_dictionary,
    ofa_resnet50_from_dictionary,
    proxylessnas,
    proxylessnas_blocks,
    proxylessnas_from_blocks,
)

TABLE = Path(__file__).parents[4] / "shared" / "data" / "device_latency" / "ofa_ms.parquet"
Write = Callable[[Mapping[str, Any]], dict[str, Any]]
Read = Callable[[Mapping[str, Any]], Design]

DICTIONARIES: list[tuple[Callable[..., Space], Write, Read]] = [
    (ofa_mobilenetv3, ofa_mobilenetv3_dictionary, ofa_mobilenetv3_from_dictionary),
    (ofa_proxyless, ofa_proxyless_dictionary, ofa_proxyless_from_dictionary),
    (ofa_resnet50, ofa_resnet50_dictionary, ofa_resnet50_from_dictionary),
]
each = pytest.mark.parametrize(("make", "write", "read"), DICTIONARIES, ids=lambda f: f.__name__)


def test_sizes() -> None:
    one = image(3, 224, 224)
    deep = sum(9**depth for depth in (2, 3, 4))
    assert ofa_mobilenetv3(one).size() == deep**5
    assert ofa_proxyless(one).size() == deep**5 * 9
    stages = [3 * sum(3 ** (least + more) for more in range(3)) for least in (2, 2, 4, 2)]
    assert ofa_resnet50(one).size() == 2 * 3 * 3 * np.prod(stages)
    assert proxylessnas().size() == 6**6 * 7**15


@each
@pytest.mark.parametrize("several", [True, False])
def test_dictionaries_go_both_ways(make: Callable[..., Space], write: Write, read: Read, several: bool) -> None:
    space = make() if several else make(image(3, 64, 64))
    for design in space.sample(np.random.default_rng(0), 200):
        dictionary = write(design)
        assert read(dictionary) == design
        assert ("r" in dictionary) == several


@each
def test_what_a_depth_leaves_out_does_not_count(make: Callable[..., Space], write: Write, read: Read) -> None:
    design = make().extremes("params")[0][1]
    dictionary = write(design)
    changed = {key: [v or 7 for v in values] if key in ("ks", "e") else values for key, values in dictionary.items()}
    assert changed != dictionary
    assert read(changed) == design


@each
def test_what_is_no_dictionary_is_refused(make: Callable[..., Space], write: Write, read: Read) -> None:
    dictionary = write(make().design_at(0))
    with pytest.raises(DesignError, match="'d' must hold"):
        read({**dictionary, "d": [2]})
    with pytest.raises(DesignError, match="'e' must hold"):
        read({key: values for key, values in dictionary.items() if key != "e"})
    with pytest.raises(DesignError):
        read({**dictionary, "d": [9] * len(dictionary["d"])})


@pytest.mark.skipif(not TABLE.is_file(), reason="the folder of shared data sets is not beside the checkout")
def test_every_row_of_the_latency_table_is_in_the_space() -> None:
    rows = pytest.importorskip("pyarrow.parquet").read_table(TABLE, columns=["ks", "e", "d", "r"]).to_pylist()
    assert len(rows) == 5000
    space = ofa_mobilenetv3()
    for row in rows:
        dictionary = {key: row[key] if key == "r" else list(map(int, row[key].split())) for key in row}
        design = ofa_mobilenetv3_from_dictionary(dictionary)
        assert design in space
        written = ofa_mobilenetv3_dictionary(design)
        assert (written["d"], written["r"]) == (dictionary["d"], dictionary["r"])
        assert all(w in (0, given) for w, given in zip(written["ks"], dictionary["ks"], strict=True))


# Totals -------------------------------------------------------------------------------------------------------------


def test_resnet50d_is_in_the_space() -> None:
    # timm's resnet50d; its stem has the same three convolutions.
    design = ofa_resnet50_from_dictionary({"d": [2, 1, 2, 2, 1], "e": [0.25] * 18, "w": [2] * 6})
    assert ofa_resnet50(image(3, 224, 224)).costs(design, ["params"]) == {"params": 25_576_264}


def test_proxyless_mobile_has_its_published_totals() -> None:
    names = [
        "53",
        "33",
        "Zero",
        "Zero",
        "73",
        "33",
        "53",
        "53",
        "76",
        "53",
        "53",
        "53",
        "56",
        "53",
        "53",
        "53",
        "76",
        "76",
        "73",
        "73",
        "76",
    ]  # kernel and expansion of each block of the network published for phones
    blocks = [name if name == "Zero" else f"{name[0]}x{name[0]}_MBConv{name[1]}" for name in names]
    space = proxylessnas(widths=(32, 40, 80, 96, 192, 320))
    design = proxylessnas_from_blocks(blocks)
    assert proxylessnas_blocks(design) == blocks
    costs = space.costs(design)
    assert costs["params"] / 1e6 == pytest.approx(4.08, abs=0.005)
    assert costs["macs"] / 1e6 == pytest.approx(320, abs=1)


def test_the_largest_mobilenet_has_its_published_totals() -> None:
    # Cai et al. 2020, section 4: the largest network of the supernet of width 1.0 has 7.7 M parameters.
    space = ofa_mobilenetv3(image(3, 224, 224))
    design = ofa_mobilenetv3_from_dictionary({"ks": [7] * 20, "e": [6] * 20, "d": [4] * 5})
    assert space.costs(design, ["params"])["params"] / 1e6 == pytest.approx(7.7, abs=0.1)
    assert space.extremes("params")[1][0] == space.costs(design, ["params"])["params"]


@pytest.mark.parametrize("blocks", [[], ["Zero"] * 22, ["9x9_MBConv3"] * 21])
def test_what_is_no_list_of_blocks_is_refused(blocks: list[str]) -> None:
    with pytest.raises(DesignError, match="21 blocks of 3x3_MBConv3"):
        proxylessnas_from_blocks(blocks)
