"""Every catalogued space passes the suite that ships with the package; so does one of a user's own."""

from __future__ import annotations

import json
import pickle
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import conv, skip
from netwright.cost import Limit
from netwright.errors import DesignError, SpaceError, UnknownNameError
from netwright.graph import Input, image
from netwright.space import Space, catalog, oneof, real, repeat, seq, tied
from netwright.space._design import Value
from netwright.space.catalog import SPACES, auto_space, get_space, read_design, write_design
from netwright.space.catalog._registry import files
from netwright.testing import SpaceConformance, assert_exports_agree

INPUTS = {
    "accel-nasbench": (3, 64, 64),
    "anynet": (3, 64, 64),
    "archcraft": (3, 16, 16),
    "ascan": (3, 64, 64),
    "autoformer": (3, 64, 64),
    "branched": (3, 64, 64),
    "composer": (16,),
    "convnet-tiny": (3, 16, 16),
    "dartopti": (1, 16, 16),
    "darts": (1, 16, 16),
    "ddarts": (1, 16, 16),
    "deeparchitect": (3, 16, 16),
    "dla": (3, 64, 64),
    "einspace": (3, 16, 16),
    "encoder-decoder": (16,),
    "fbnet": (3, 64, 64),
    "flexibert": (16,),
    "fractalnet": (3, 32, 32),
    "grammar-tiny": (3, 16, 16),
    "hat": (16,),
    "hierarchical-nasbench201": (3, 16, 16),
    "hourglass-mlp": (5,),
    "hytra": (3, 64, 64),
    "lowformer": (3, 64, 64),
    "mcuformer": (3, 64, 64),
    "metaformer": (3, 64, 64),
    "micronas": (3, 40),
    "mlp-tabular": (5,),
    "mobilenet-tiny": (1, 28, 28),
    "nasbench101": (1, 16, 16),
    "nasbench201": (1, 16, 16),
    "ofa-mobilenetv3": (3, 96, 96),
    "ofa-proxyless": (3, 64, 64),
    "ofa-resnet50": (3, 64, 64),
    "proxylessnas": (3, 64, 64),
    "regnet": (3, 64, 64),
    "robust-cnn": (3, 64, 64),
    "series-tiny": (2, 40),
    "shufflenet-v2": (3, 64, 64),
    "simplenet": (1, 28, 28),
    "spaceevo": (3, 64, 64),
    "spatial-mixers": (3, 56, 56),
    "star": (16,),
    "transnas101-macro": (3, 128, 128),
    "transnas101-micro": (3, 64, 64),
    "turbovit": (3, 64, 64),
    "vit-tiny": (3, 16, 16),
}


def _own() -> Space:
    tie = tied("tie", conv(None, kernel=oneof(1, 3)))
    network = seq(conv(oneof(4, 8)), tie, repeat(oneof(conv(None), skip()), times=oneof(0, 1, 2)), conv(4), tie)
    recipe = {"lr": real(1e-4, 1e-2, log=True), "epochs": oneof(5, 10), "seed": 0}
    return Space(network, input=[image(3, 8, 8), image(3, 12, 12)], recipe=recipe)


@cache
def _made(name: str) -> Space:
    """A space as it is, or narrow and on small images where its networks are made for large ones."""
    if name == "own":
        return _own()
    space = SPACES[name]()
    if max(max(t.shape) for t in space.inputs.values()) < 64 and name not in NARROWED:
        return space
    return SPACES[name](Input((1, *INPUTS[name])), 10, scale=0.25, **SHORTER.get(name, {}))


NARROWED = ("archcraft", "composer", "dartopti", "darts", "ddarts", "einspace", "fractalnet", "hat", "nasbench101")
"""Spaces for small images, or for none, that are wide all the same."""
SHORTER: dict[str, dict[str, Any]] = {
    "anynet": {"widths": (64, 256), "deepest": 4},
    "archcraft": {"depth": (2, 5)},
    "composer": {"layers": 6},
    "dla": {"levels": (2, 3, 3, 2)},
    "einspace": {"widths": (32, 64), "depth": 2},
    "regnet": {"depth": (12, 16)},
    "star": {"layers": 5},
}
"""Less of what takes the suite long and is tested with the space itself."""
LARGE = (
    "anynet", "archcraft", "darts", "ddarts", "deeparchitect", "dla", "hierarchical-nasbench201", "mcuformer",
    "micronas", "nasbench101", "ofa-resnet50", "regnet", "spaceevo", "star", "transnas101-macro", "turbovit",
)  # fmt: skip
"""Spaces whose tests take seconds each."""
LONG_WALKS = ("archcraft", "einspace")
"""Spaces in which it takes a chain of mutations seconds to meet every option."""


def _catalogued(*slow: str) -> list[Any]:
    """Names of all spaces, some of them slow."""
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in slow)) for name in SPACES]


class TestEverySpace(SpaceConformance):
    draws = 4

    @pytest.fixture(params=[*_catalogued(*LARGE), "own"])
    def space(self, request: pytest.FixtureRequest) -> Space:
        return _made(request.param)


def test_every_space_is_on_the_list_of_inputs() -> None:
    assert INPUTS.keys() == SPACES.keys()


def test_what_the_catalogue_gives_is_said_in_its_files_alone() -> None:
    folder = Path(catalog.__file__).parent
    shared = {"_ofa_dictionary", "_registry", "_star_genome", "_texts"}
    modules = {path.stem: import_module(f"{catalog.__name__}.{path.stem}") for path in folder.glob("_[a-z]*.py")}
    # A file without a space in the registry would be missed by all that goes through the registry.
    assert set(files()) == {module for name, module in modules.items() if name not in shared}
    given = {name: value for module in files() for name in module.__all__ if (value := getattr(module, name))}
    own = {"FORMS", "SPACES", "auto_space", "get_space", "read_design", "write_design"}
    assert sorted(catalog.__all__) == sorted({*given, *own})
    public = {name for name, value in vars(catalog).items() if not name.startswith("_")}
    assert public == {*catalog.__all__}
    assert all(getattr(catalog, name) is value for name, value in given.items())


@pytest.mark.parametrize("name", _catalogued(*LARGE))
def test_every_space_travels_to_another_process(name: str) -> None:
    space = _made(name)
    other = pickle.loads(pickle.dumps(space))
    assert other.expression == space.expression
    assert other.design_at(other.network_size() - 1) == space.design_at(space.network_size() - 1)


@pytest.mark.parametrize("name", catalog.FORMS)
def test_text_forms_go_both_ways(name: str) -> None:
    write, read = catalog.FORMS[name]
    space = SPACES[name]()
    for design in space.sample(np.random.default_rng(0), 50):
        assert read(write(design)) == design
        assert read_design(name, write_design(name, design)) == design
        assert read_design(name, design.to_json()) == design


def test_what_has_no_form_of_its_authors_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"no form of designs is named 'vit-tiny'.*known: accel-nasbench"):
        write_design("vit-tiny", {})
    for text in ("", "none", "1 2 3", "[1, 2]", '"text"', "{", "[[0, 1], [0, 0]]"):
        for name in (*catalog.FORMS, "vit-tiny"):
            with pytest.raises(DesignError):
                read_design(name, text)


@pytest.mark.parametrize("name", _catalogued(*LARGE))
def test_torch_and_onnx_agree_on_a_sample(name: str) -> None:
    pytest.importorskip("torch")
    space = _made(name)
    low, high = (value for value, _ in space.extremes("macs"))
    for design in space.sample(np.random.default_rng(1), 2, [Limit("macs", None, low + 0.2 * (high - low))]):
        assert_exports_agree(space.network(design), batches=(2,))


@pytest.mark.parametrize("name", _catalogued(*LARGE, *LONG_WALKS))
def test_mutation_reaches_every_choice_of_a_small_space(name: str) -> None:
    space, rng = _made(name), np.random.default_rng(2)
    if space.network_size() > 10**6:
        pytest.skip("the space is too large to walk through")
    wanted = {(path, value) for path, values in space.decisions().items() for value in _plain(values)}
    design, met = space.design_at(0), set()
    for _ in range(200 * len(wanted)):
        met |= set(design.items())
        if met >= wanted:
            break
        design = space.mutate(design, rng)
    assert met >= wanted, f"never reached: {sorted(map(str, wanted - met))[:3]}"


def _plain(values: object) -> tuple[Value, ...]:
    return values if isinstance(values, tuple) else ()


@pytest.mark.parametrize("name", _catalogued(*LARGE, "einspace"))
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
    with pytest.raises(UnknownNameError, match=r"no space is named 'resnet'; did you mean 'regnet'"):
        get_space("resnet")
    with pytest.raises(
        SpaceError,
        match=r"nasbench201 takes inputs of shape .channels, height, width., without the batch, but got .4,.",
    ):
        get_space("nasbench201", (4,))
    with pytest.raises(SpaceError, match=r"1, 2 or 3 dimensions, without the batch, but got"):
        auto_space((1, 2, 3, 4))
    for name in ("mlp-tabular", "series-tiny", "mobilenet-tiny"):
        assert auto_space(INPUTS[name]) == name


FAULTS = (
    ("nasbench201", "|nor_conv_3x3~0||none~0|none~1||none~0|none~1|none~2|", "reads '|a~0|"),
    ("nasbench201", "|nor_conv_9x9~0|+|none~0|none~1|+|none~0|none~1|none~2|", "six edges of none"),
    ("nasbench101", '[[[0, 1], [1, 0]], ["input", "output"]]', "upper triangular"),
    ("ofa-mobilenetv3", '{"ks": [3], "e": [4], "d": [2]}', "'ks' must hold 20 numbers"),
    ("ofa-mobilenetv3", json.dumps({"ks": [3] * 20, "e": [4] * 20, "d": [4] * 5, "r": [128, 132]}), "one resolution"),
)


@pytest.mark.parametrize(("name", "text", "why"), FAULTS)
def test_a_form_that_is_wrong_is_refused_with_the_reason(name: str, text: str, why: str) -> None:
    with pytest.raises(DesignError, match=re.escape(why)):
        read_design(name, text)


def test_a_resolution_may_stand_in_a_list_as_the_authors_searches_write_it() -> None:
    text = json.dumps({"wid": None, "ks": [7] * 20, "e": [6] * 20, "d": [4] * 5, "r": [224]})
    assert read_design("ofa-mobilenetv3", text) in get_space("ofa-mobilenetv3")
