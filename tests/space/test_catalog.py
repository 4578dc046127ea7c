"""Every catalogued space passes the suite that ships with the package; so does one of a user's own."""

from __future__ import annotations

from functools import cache

import pytest

from netwright.blocks import conv, skip
from netwright.errors import SpaceError, UnknownNameError
from netwright.graph import image
from netwright.space import Space, oneof, real, repeat, seq, tied
from netwright.space.catalog import SPACES, auto_space, get_space
from netwright.testing import SpaceConformance

INPUTS = {
    "accel-nasbench": (3, 64, 64),
    "anynet": (3, 64, 64),
    "convnet-tiny": (3, 16, 16),
    "fbnet": (3, 64, 64),
    "grammar-tiny": (3, 16, 16),
    "mlp-tabular": (5,),
    "mobilenet-tiny": (1, 28, 28),
    "nasbench101": (1, 16, 16),
    "nasbench201": (1, 16, 16),
    "ofa-mobilenetv3": (3, 96, 96),
    "ofa-proxyless": (3, 64, 64),
    "ofa-resnet50": (3, 64, 64),
    "proxylessnas": (3, 64, 64),
    "regnet": (3, 64, 64),
    "series-tiny": (2, 40),
    "transnas101-macro": (3, 128, 128),
    "transnas101-micro": (3, 64, 64),
    "vit-tiny": (3, 16, 16),
}


def _own() -> Space:
    tie = tied("tie", conv(None, kernel=oneof(1, 3)))
    network = seq(conv(oneof(4, 8)), tie, repeat(oneof(conv(None), skip()), times=oneof(0, 1, 2)), conv(4), tie)
    recipe = {"lr": real(1e-4, 1e-2, log=True), "epochs": oneof(5, 10), "seed": 0}
    return Space(network, input=[image(3, 8, 8), image(3, 12, 12)], recipe=recipe)


@cache
def _made(name: str) -> Space:
    return _own() if name == "own" else get_space(name)


class TestEverySpace(SpaceConformance):
    draws = 4

    @pytest.fixture(params=[*SPACES, "own"])
    def space(self, request: pytest.FixtureRequest) -> Space:
        return _made(request.param)


@pytest.mark.parametrize("name", SPACES)
def test_every_space_takes_the_shape_and_classes_of_a_task(name: str) -> None:
    space = get_space(name, INPUTS[name], 7)
    assert space.name == name
    for _, design in space.extremes("params"):
        network = space.network(design)
        assert network.inputs[0].shape[1:] == INPUTS[name]
        assert network.outputs[0].shape[-1] == 7


@pytest.mark.parametrize("shape", [(3, 7, 9), (1, 4, 4), (3, 32, 20)])
@pytest.mark.parametrize("name", ["convnet-tiny", "grammar-tiny", "mobilenet-tiny", "vit-tiny"])
def test_spaces_of_images_take_odd_sizes(name: str, shape: tuple[int, ...]) -> None:
    space = get_space(name, shape, 3)
    assert space.network(space.design_at(0)).outputs[0].shape[-1] == 3


@pytest.mark.parametrize("length", [4, 16, 63, 1000])
def test_spaces_of_series_take_any_length(length: int) -> None:
    space = get_space("series-tiny", (1, length), 3)
    assert space.network(space.design_at(0)).outputs[0].shape == (1, 3)


def test_unknown_names_and_shapes() -> None:
    with pytest.raises(UnknownNameError, match=r"no space is named 'resnet'.*known: accel-nasbench"):
        get_space("resnet")
    with pytest.raises(
        SpaceError, match=r"nasbench201 takes inputs of shape .channels, height, width., but got .4,."
    ):
        get_space("nasbench201", (4,))
    with pytest.raises(SpaceError, match=r"1, 2 or 3 dimensions, but got"):
        auto_space((1, 2, 3, 4))
    for name in ("mlp-tabular", "series-tiny", "mobilenet-tiny"):
        assert auto_space(INPUTS[name]) == name
