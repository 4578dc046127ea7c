"""Spaces written down and read again: Python, JSON and YAML give the same space, and nothing of a file is run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from netwright.blocks import Block, block, classifier, conv, dense, mbconv, metaformer, skip
from netwright.errors import SpaceError
from netwright.graph import Graph, Input, Tensor, image, ops
from netwright.space import (
    Space,
    branch,
    cell,
    formula,
    from_model,
    grammar,
    grow,
    integer,
    let,
    named,
    oneof,
    parallel,
    put,
    real,
    repeat,
    residual,
    rule,
    seq,
    several,
    take,
    tied,
    wiring,
)
from netwright.space import given as given_value
from netwright.space.catalog import SPACES

from .random_sources import sources

INPUT = image(3, 8, 8)


@block
def labelled(x: Tensor, label: object = None) -> Tensor:
    """A block that takes anything as a hyperparameter."""
    return x


@block
def doubled(x: Tensor, factor: float = 2.0) -> Tensor:
    """A block of a user's own."""
    return ops.relu(x) * factor


def executed(source: str) -> Space:
    """What a user gets who runs the source."""
    names: dict[str, Any] = {}
    exec(compile(source, "space.py", "exec"), names)
    space = names["space"]
    assert isinstance(space, Space)
    return space


def same(a: Space, b: Space) -> bool:
    inputs = [[(t.shape, t.dtype, t.name, t.batch_axis) for t in each.inputs.values()] for each in (a, b)]
    return a.expression == b.expression and inputs[0] == inputs[1] and a.hash() == b.hash() and a.name == b.name


def read_back(space: Space, folder: Path, suffix: str, **options: Any) -> Space:
    space.save(folder / f"space{suffix}")
    return Space.load(folder / f"space{suffix}", **options)


LARGE = ("ascan", "dla", "mcuformer", "ofa-proxyless", "regnet", "spaceevo", "star", "turbovit")
"""Spaces that take a second and more to compile, here three times."""


@formula
def line(depth: int, slope: int, least: int = 8) -> dict[str, Any] | None:
    """Widths on a line."""
    return {"widths": [least + slope * i for i in range(depth)]} if depth * slope < 12 else None


def pyramid(**values: Any) -> Any:
    tower = repeat(conv(given_value("width")), times=given_value("depth"), each={"width": given_value("widths")})
    return let(tower, line, depth=integer(1, 3), slope=oneof(2, 4), **values)


def expressions() -> dict[str, Any]:
    layer = conv(given_value("channels"), kernel=oneof(3, 5))
    net = oneof(conv(4), seq(rule("net"), rule("net")), weights=(0.3, 0.7))
    return {
        "applied": mbconv(8, expand=oneof(3, 6), se=oneof(0.0, 0.25), activation="relu"),
        "truths": oneof(conv(4, kernel=oneof(1, 3)), named("true", doubled(True)), named("one", doubled(1))),
        "nested": metaformer(mixer=oneof(skip(), conv(None)), mlp=conv(3)),
        "tuple": conv(4, kernel=oneof((3, 3), (3, 5))),
        "list": conv(4, kernel=[3, 5]),
        "nothing": seq(conv(4), seq()),
        "infinite": doubled(float("inf")),
        "named": seq(conv(4), stem=conv(8), head=named("inner", conv(4))),
        "branch": branch(conv(4), join=oneof("add", "concat"), wide=conv(4, kernel=5)),
        "residual": residual(conv(3)),
        "shortcut": residual(conv(4), conv(4, kernel=1)),
        "cell": cell({(0, 1): conv(4), (0, 2): conv(4), (1, 2): conv(4)}, join="mul", output=(1, 2)),
        "repeat": repeat(conv(4), times=oneof(0, 1, weights=(1, 2)), first={"a": 1}, rest={"a": 2}),
        "copies": repeat(conv(None, kernel=oneof(1, 3)), times=3, tied=True),
        "tied": seq(tied("layer", layer, channels=8), tied("layer", layer, channels=16)),
        "depth": grammar("net", depth=3, net=net),
        "size": grammar("net", size=4, net=net),
        "parallel": parallel(conv(3), 3, axis=1, join="concat"),
        "several": seq(several(conv(4), seq()), grow(take(0)), branch(take(0), take(2))),
        "put": seq(several(conv(4), seq()), put(1, seq(take(0), conv(4))), take(1, 0), branch(take(0), take(1))),
        "wiring": wiring(conv(), vertices=oneof(2, 3), edges=3, channels=8),
        "let": pyramid(),
        "let fixed": pyramid(least=oneof(4, 8), most=[3, (4, 5)]),
        "let alone": let(conv(given_value("width")), width=oneof(4, 8, weights=(1, 2)), slope=2),
        "places": let(conv(given_value("sizes", 0), kernel=given_value("sizes", 1, 0)), sizes=(4, (3, 5))),
        "each": repeat(conv(given_value("width")), times=oneof(1, 3), each={"width": (4, 5, 6)}),
        "quoted": named('a "b" \\ c', conv(4)),
    }


@pytest.mark.parametrize("name", expressions())
@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_every_kind_of_part_is_written_and_read(name: str, suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    space = Space(expressions()[name], input=INPUT, name=name)
    assert same(space, executed(space.to_python()))
    assert same(space, read_back(space, tmp_path, suffix, blocks=[doubled, line]))


def test_the_rest_of_a_space_is_written_and_read(tmp_path: Path) -> None:
    recipe = {"lr": real(1e-4, 1e-2, log=True), "epochs": oneof(5, 10), "seed": 0, "mix": real(0, 1)}
    inputs = [INPUT, Input((1, 3, 4, 4), "float32", "pixels", None)]
    space = Space(conv(4), input=inputs, recipe=recipe, name="mine", largest=10**4)
    for other in (executed(space.to_python()), read_back(space, tmp_path, ".json")):
        assert same(space, other)
        assert other.recipe_space.given == recipe
        assert other.largest == 10**4


def test_what_is_left_of_a_space_is_written_and_read(tmp_path: Path) -> None:
    space = SPACES["nasbench201"]()
    some = space.restricted({"cell.*": ["none", "skip_connect"]}).restricted({"cell.0-1": ["none"]})
    for other in (executed(some.to_python()), read_back(some, tmp_path, ".json")):
        assert same(some, other)
        assert other.size() == 2**5
    assert some.hash() != space.hash()


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sources())
def test_random_spaces_are_written_and_read(source: Any) -> None:
    space = source.space()
    other = executed(space.to_python())
    assert same(space, other)
    assert list(space.enumerate()) == list(other.enumerate())


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in LARGE)) for n in SPACES])
def test_every_catalogued_space_is_written_and_read(name: str, tmp_path: Path) -> None:
    space = SPACES[name]()
    assert same(space, read_back(space, tmp_path, ".json"))
    source = space.to_python()
    assert same(space, executed(source))
    # Two pages, of lines that fit on them.
    assert len(source.splitlines()) <= 125
    assert max(map(len, source.splitlines())) <= 110


def test_a_read_space_draws_the_same_designs(tmp_path: Path) -> None:
    space = SPACES["nasbench201"]()
    other = read_back(space, tmp_path, ".json")
    assert space.sample(np.random.default_rng(0), 9) == other.sample(np.random.default_rng(0), 9)


def test_the_hash_is_that_of_the_content() -> None:
    one, two = Space(conv(4), input=INPUT, name="a"), Space(conv(4), input=INPUT, name="b")
    assert one.hash() == two.hash()
    shared = conv(4, kernel=oneof(1, 3), activation="hard_swish")
    alike = [conv(4, kernel=oneof(1, 3), activation="hard_swish") for _ in range(2)]
    assert Space(seq(shared, shared), input=INPUT).hash() == Space(seq(*alike), input=INPUT).hash()
    others = [
        Space(conv(5), input=INPUT),
        Space(conv(4), input=image(3, 8, 9)),
        Space(conv(4), input=INPUT, recipe={"lr": 0.1}),
        Space(conv(4), input=INPUT, largest=9999),
        Space(conv(4, kernel=True), input=INPUT),
        Space(conv(4, kernel=1), input=INPUT),
    ]
    assert len({space.hash() for space in (one, *others)}) == len(others) + 1


def test_the_hash_is_the_same_in_another_process() -> None:
    code = "from netwright.space.catalog import SPACES; print(SPACES['einspace']().hash())"
    found = [
        subprocess.run([sys.executable, "-c", code], env={**_environment(), "PYTHONHASHSEED": seed}, text=True,
                       capture_output=True, check=True).stdout.strip()
        for seed in ("1", "2")
    ]  # fmt: skip
    assert found == [SPACES["einspace"]().hash()] * 2


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_source_reads_well() -> None:
    space = Space(seq(stem=conv(oneof(8, 16)), head=classifier(10)), input=INPUT, name="mine")
    assert space.to_python() == (
        "import netwright as nw\n\n"
        "space = nw.Space(\n"
        "    nw.seq(stem=nw.conv(channels=nw.oneof(8, 16)), head=nw.classifier(classes=10)),\n"
        "    input=nw.Input((1, 3, 8, 8)),\n"
        '    name="mine",\n'
        ")\n"
    )


def test_what_cannot_be_written_is_refused() -> None:
    @block
    def hidden(x: Tensor) -> Tensor:
        return x

    with pytest.raises(SpaceError, match=r"must stand in a module to be written down, but .*hidden"):
        Space(hidden(), input=INPUT).to_python()
    with pytest.raises(SpaceError, match="must be numbers, strings or lists of them, but got"):
        Space(labelled(label=2j), input=INPUT).hash()
    x = image(1, 8, 8)
    around = from_model(Graph([x], [classifier(10).apply(conv(x, 16))]), kernels=False)
    with pytest.raises(SpaceError, match="a space around a model cannot be written down"):
        around.hash()


def test_blocks_of_a_file_must_be_given(tmp_path: Path) -> None:
    space = Space(doubled(3.0), input=INPUT)
    space.save(tmp_path / "space.json")
    with pytest.raises(SpaceError, match=r"given in `blocks`, but '.*test_written:doubled' is neither"):
        Space.load(tmp_path / "space.json")
    moved = {f"{__name__}:doubled": doubled}
    assert Space.load(tmp_path / "space.json", blocks=moved).expression == space.expression


GOOD = {"netwright": "space", "version": 1, "name": "x", "network": {"block": "skip"},
        "inputs": [{"shape": [1, 3, 8, 8], "dtype": "float32", "name": "input"}]}  # fmt: skip
REGNET = "netwright.space.catalog._regnet"
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no space": ({"netwright": "model"}, "must say `netwright: space`"),
    "version": ({"version": 2}, "must be of version 1, but got 2"),
    "function": ({"network": {"call": "eval", "of": ["1"]}}, "may call branch, .*, but it calls 'eval'"),
    "dunder": ({"network": {"call": "__init__"}}, "it calls '__init__'"),
    "module": ({"network": {"block": "os:system", "of": ["true"]}}, "'os:system' is neither"),
    "inner": ({"network": {"block": "netwright.space.catalog._darts:ast"}}, "is neither"),
    "no block": ({"network": {"block": "make_divisible", "of": [3]}}, "'make_divisible' is neither"),
    "part": ({"network": {"part": "lost"}}, "must have its form"),
    "inputs": ({"inputs": 3}, "must have its form"),
    "argument": ({"network": {"block": "conv", "with": {"width": 3}}}, "'width' is not one of channels"),
    "empty": ({"network": {"call": "oneof"}}, "oneof needs at least one option"),
    "formula": ({"network": {"call": "let", "of": [{"block": "skip"}, "eval"], "with": {"a": 1}}},
                "made by a formula, but got 'eval'"),
    "outer formula": ({"network": {"call": "let", "of": [{"block": "skip"}, {"formula": "os:system"}]}},
                      "a formula must be of the vocabulary or be given in `blocks`, but 'os:system' is neither"),
    "any function": ({"network": {"call": "let", "of": [{"block": "skip"}, {"formula": f"{REGNET}:regnet"}]}},
                     "a formula must be of .*, but '.*:regnet' is neither"),
    "block as formula": ({"network": {"call": "let", "of": [{"block": "skip"}, {"formula": "conv"}]}},
                         "a formula must be of .*'conv' is neither"),
    "formula as block": ({"network": {"block": f"{REGNET}:quantised_linear"}},
                         "a block must be of .*quantised_linear' is neither"),
}  # fmt: skip


def test_the_good_document_is_read(tmp_path: Path) -> None:
    (tmp_path / "space.json").write_text(json.dumps(GOOD))
    assert Space.load(tmp_path / "space.json").size() == 1


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_document_of_a_space_is_refused(name: str, tmp_path: Path) -> None:
    change, message = BAD[name]
    (tmp_path / "space.json").write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(SpaceError, match=message):
        Space.load(tmp_path / "space.json")


HARMFUL = "!!python/object/new:os.system ['true']"


@pytest.mark.parametrize(("file", "text"), [("a.json", "{"), ("a.yaml", "a: [1"), ("a.yaml", HARMFUL)])
def test_broken_files_are_refused(file: str, text: str, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / file).write_text(text)
    with pytest.raises(SpaceError, match=file):
        Space.load(tmp_path / file)
    with pytest.raises(SpaceError, match="no-such"):
        Space.load(tmp_path / "no-such.json")
    with pytest.raises(SpaceError, match="must be written to a file"):
        Space(conv(4), input=INPUT).save(tmp_path / "no" / "space.json")


def test_a_formula_is_written_by_its_name_alone(tmp_path: Path) -> None:
    space = Space(pyramid(), input=INPUT)
    space.save(tmp_path / "space.json")
    assert f'"formula": "{__name__}:line"' in (tmp_path / "space.json").read_text()
    assert f"from {__name__} import line\n" in space.to_python()
    with pytest.raises(SpaceError, match=r"a formula must be .*, but '.*test_written:line' is neither"):
        Space.load(tmp_path / "space.json")
    other = Space.load(tmp_path / "space.json", blocks={f"{__name__}:line": line})
    assert list(other.enumerate()) == list(space.enumerate())

    @formula
    def hidden(depth: int) -> dict[str, int]:
        return {"width": depth}

    with pytest.raises(SpaceError, match=r"a formula must stand in a module to be written down, but .*hidden"):
        Space(let(conv(given_value("width")), hidden, depth=oneof(1, 2)), input=INPUT).hash()


def test_parts_that_differ_in_a_few_values_are_calls_of_a_function() -> None:
    def layer(width: int, wider: int) -> Any:
        return seq(first=conv(width, kernel=oneof(3, 5)), then=conv(wider, kernel=1, activation="hard_swish"))

    stages = {f"stage{i}": layer(width, 2 * width) for i, width in enumerate((8, 16, 24))}
    space = Space(seq(conv(4), first=conv(4), **stages), input=INPUT, name="stages")
    assert space.to_python() == (
        "import netwright as nw\n"
        "\n"
        "def stage(channels, channels_2):\n"
        "    return nw.seq(\n"
        "        first=nw.conv(channels=channels, kernel=nw.oneof(3, 5)),\n"
        '        then=nw.conv(channels=channels_2, kernel=1, activation="hard_swish"),\n'
        "    )\n"
        "\n"
        "space = nw.Space(\n"
        "    nw.seq(\n"
        "        nw.conv(channels=4),\n"
        "        first=nw.conv(channels=4),\n"
        "        stage0=stage(8, 16),\n"
        "        stage1=stage(16, 32),\n"
        "        stage2=stage(24, 48),\n"
        "    ),\n"
        "    input=nw.Input((1, 3, 8, 8)),\n"
        '    name="stages",\n'
        ")\n"
    )
    assert same(space, executed(space.to_python()))


def test_a_parameter_hides_no_part_that_its_function_needs() -> None:
    shared = seq(conv(8, kernel=oneof(1, 3), activation="hard_swish"), conv(8, kernel=5, activation="relu6"))
    last = conv(4, kernel=oneof(3, 5), activation="hard_swish", norm="none")
    steps = [branch(first=seq(shared, conv(n)), second=seq(last, shared, conv(n))) for n in (1, 2, 3, 4)]
    space = Space(seq(*steps, first=shared, second=last, channels=last), input=INPUT)
    assert space.to_python().count("def ") == 1
    assert same(space, executed(space.to_python()))


def test_blocks_of_one_name_are_told_apart() -> None:
    other = Block(_dense_of_another_kind, "dense")
    assert Space(other(3), input=INPUT).hash() != Space(dense(3), input=INPUT).hash()


def _dense_of_another_kind(x: Tensor, features: int = 3) -> Tensor:
    return ops.relu(x) * float(features)
