"""RegNet: the published models come out of the rule with their stages and totals; configurations go both ways."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.errors import DesignError, EmptySpaceError
from netwright.space.catalog import (
    REGNETS,
    anynet,
    read_design,
    regnet,
    regnet_config,
    regnet_from_config,
    regnet_of,
    regnet_stages,
)

# Figures 16 and 18 of Radosavovic et al. 2020. model: blocks and widths of the stages, width of a group, and as the
# tables round them billions of multiply-adds and millions of parameters
PUBLISHED = {
    "RegNetX-200MF": ((1, 1, 4, 7), (24, 56, 152, 368), 8, 0.2, 2.7),
    "RegNetX-400MF": ((1, 2, 7, 12), (32, 64, 160, 384), 16, 0.4, 5.2),
    "RegNetX-600MF": ((1, 3, 5, 7), (48, 96, 240, 528), 24, 0.6, 6.2),
    "RegNetX-800MF": ((1, 3, 7, 5), (64, 128, 288, 672), 16, 0.8, 7.3),
    "RegNetX-1.6GF": ((2, 4, 10, 2), (72, 168, 408, 912), 24, 1.6, 9.2),
    "RegNetX-3.2GF": ((2, 6, 15, 2), (96, 192, 432, 1008), 48, 3.2, 15.3),
    "RegNetX-4.0GF": ((2, 5, 14, 2), (80, 240, 560, 1360), 40, 4.0, 22.1),
    "RegNetX-6.4GF": ((2, 4, 10, 1), (168, 392, 784, 1624), 56, 6.5, 26.2),
    "RegNetX-8.0GF": ((2, 5, 15, 1), (80, 240, 720, 1920), 120, 8.0, 39.6),
    "RegNetX-12GF": ((2, 5, 11, 1), (224, 448, 896, 2240), 112, 12.1, 46.1),
    "RegNetX-16GF": ((2, 6, 13, 1), (256, 512, 896, 2048), 128, 15.9, 54.3),
    "RegNetX-32GF": ((2, 7, 13, 1), (336, 672, 1344, 2520), 168, 31.7, 107.8),
    "RegNetY-200MF": ((1, 1, 4, 7), (24, 56, 152, 368), 8, 0.2, 3.2),
    "RegNetY-400MF": ((1, 3, 6, 6), (48, 104, 208, 440), 8, 0.4, 4.3),
    "RegNetY-600MF": ((1, 3, 7, 4), (48, 112, 256, 608), 16, 0.6, 6.1),
    "RegNetY-800MF": ((1, 3, 8, 2), (64, 128, 320, 768), 16, 0.8, 6.3),
    "RegNetY-1.6GF": ((2, 6, 17, 2), (48, 120, 336, 888), 24, 1.6, 11.2),
    "RegNetY-3.2GF": ((2, 5, 13, 1), (72, 216, 576, 1512), 24, 3.2, 19.4),
    "RegNetY-4.0GF": ((2, 6, 12, 2), (128, 192, 512, 1088), 64, 4.0, 20.6),
    "RegNetY-6.4GF": ((2, 7, 14, 2), (144, 288, 576, 1296), 72, 6.4, 30.6),
    "RegNetY-8.0GF": ((2, 4, 10, 1), (168, 448, 896, 2016), 56, 8.0, 39.2),
    "RegNetY-12GF": ((2, 5, 11, 1), (224, 448, 896, 2240), 112, 12.1, 51.8),
    "RegNetY-16GF": ((2, 4, 11, 1), (224, 448, 1232, 3024), 112, 15.9, 83.6),
    "RegNetY-32GF": ((2, 5, 12, 1), (232, 696, 1392, 3712), 232, 32.3, 145.0),
}


def test_every_published_model_is_listed() -> None:
    assert REGNETS.keys() == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_come_out_of_the_rule(name: str) -> None:
    depths, widths, group, gigamacs, millions = PUBLISHED[name]
    config = REGNETS[name]
    assert config["GROUP_W"] == group
    numbers = (config[key] for key in ("DEPTH", "W0", "WA", "WM", "GROUP_W"))
    assert regnet_stages(*numbers) == tuple(zip(widths, depths, strict=True))
    space = regnet_of(config)
    costs = space.costs(space.design_at(0))
    # Within half of the last digit that the table states, which is finer than 2 % but for the smallest models.
    assert costs["params"] / 1e6 == pytest.approx(millions, abs=0.0501)
    assert costs["macs"] / 1e9 == pytest.approx(gigamacs, abs=0.0501)
    assert costs["params"] / 1e6 == pytest.approx(millions, rel=0.02)
    assert costs["macs"] / 1e9 == pytest.approx(gigamacs, rel=0.02)
    assert regnet_config(space.design_at(0)) == config


def test_configurations_go_both_ways() -> None:
    space = regnet()
    for design in space.sample(np.random.default_rng(0), 100):
        assert regnet_from_config(regnet_config(design)) == design


def test_every_design_has_four_stages_that_widen() -> None:
    for design in regnet().enumerate():
        config = regnet_config(design)
        stages = regnet_stages(*(config[key] for key in ("DEPTH", "W0", "WA", "WM", "GROUP_W")))
        widths, depths = zip(*stages, strict=True)
        assert len(stages) == 4
        assert list(widths) == sorted(widths)
        assert sum(depths) == config["DEPTH"]


def test_a_configuration_must_be_whole_and_of_four_stages() -> None:
    config = dict(REGNETS["RegNetX-200MF"])
    with pytest.raises(EmptySpaceError):
        regnet_of({**config, "WA": 0.1}).size()
    del config["WM"]
    with pytest.raises(DesignError, match="'WM' is missing"):
        regnet_from_config(config)
    design = regnet().design_at(0)
    with pytest.raises(DesignError, match="quantised_linear allows"):
        regnet().network({**design, "body.w0": 112, "body.wa": 20.0, "body.wm": 2.75})


def test_the_authors_files_are_read_whole() -> None:
    text = """MODEL:
  TYPE: regnet
  NUM_CLASSES: 1000
REGNET:
  DEPTH: 22
  W0: 24
  WA: 24.48
  WM: 2.54
  GROUP_W: 16
OPTIM:
  LR_POLICY: cos
"""
    assert read_design("regnet", text) == regnet_from_config(REGNETS["RegNetX-400MF"])
    assert read_design("regnet", text.replace("  W0", "  SE_ON: True\n  W0"))["body.se"] == 0.25
    with pytest.raises(DesignError, match="'GROUP_W' is missing"):
        read_design("regnet", text.replace("GROUP_W", "GROUP"))
    with pytest.raises(DesignError, match="its authors' form"):
        read_design("regnet", text.replace("  DEPTH", " DEPTH: ["))


def test_stages_of_anynet_are_independent() -> None:
    one = anynet(widths=(64,), deepest=2)
    # A group of 32 does not divide the inner width of 16 behind a ratio of 4.
    assert one.size() == (2 * (3 * 6 - 1)) ** 4
    assert anynet().size() == (16 * 4 * 17) ** 4
