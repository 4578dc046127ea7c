"""Cells whose nodes have names: the same designs and networks as with numbers, and errors that name the node."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netwright.blocks import classifier, conv, skip, zero
from netwright.errors import EmptySpaceError
from netwright.graph import canonical_hash, image
from netwright.io import to_module
from netwright.space import Design, Space, cell, oneof, repeat, seq

INPUT = image(3, 8, 8)
NAMED = {
    ("late", "out"): oneof(conv(4, kernel=oneof(1, 3)), skip()),
    ("in", "late"): oneof(conv(4), skip(), zero()),
    ("in", "out"): oneof(skip(), zero()),
}
NUMBERED = {(0, 1): NAMED["in", "late"], (0, 2): NAMED["in", "out"], (1, 2): NAMED["late", "out"]}


def space(edges: object, **options: object) -> Space:
    body = cell(edges, **options)  # type: ignore[arg-type]
    return Space(seq(conv(4), repeat(body, oneof(1, 2), tied=True), classifier(2)), input=INPUT)


def test_names_and_numbers_give_the_same_networks() -> None:
    with_names, with_numbers = space(NAMED), space(NUMBERED)
    assert with_names.size() == with_numbers.size() == 36
    number = {"in": "0", "late": "1", "out": "2"}
    for design in with_names.enumerate():
        same = {re.sub(r"in|late|out", lambda m: number[m[0]], path): value for path, value in design.items()}
        assert canonical_hash(with_names.network(design)) == canonical_hash(with_numbers.network(Design(same)))


def test_names_stand_in_the_paths_and_in_what_is_written(tmp_path: Path) -> None:
    made = space(NAMED)
    assert {"repeat.each.in-late", "repeat.each.in-out", "repeat.each.late-out"} <= set(next(made.enumerate()))
    made.save(tmp_path / "space.yaml")
    read = Space.load(tmp_path / "space.yaml")
    assert read.hash() == made.hash()
    assert list(read.enumerate()) == list(made.enumerate())
    names: dict[str, Space] = {}
    exec(made.to_python(), names)
    assert names["space"].hash() == made.hash()


def test_several_named_nodes_leave_side_by_side() -> None:
    made = space({("in", "a"): conv(3), ("in", "b"): conv(5), ("a", "b"): conv(5)}, output=("b", "a"))
    graph = made.network(next(made.enumerate()))
    assert (1, 8, 8, 8) in {tensor.shape for node in graph.nodes for tensor in node.outputs}


def test_a_network_with_named_nodes_becomes_a_module() -> None:
    torch = pytest.importorskip("torch")
    made = space(NAMED)
    module = to_module(made.network(next(made.enumerate())))
    assert module(torch.zeros(2, 3, 8, 8)).shape == (2, 2)


def test_a_join_that_disagrees_is_told_with_its_node_and_both_shapes() -> None:
    with pytest.raises(EmptySpaceError, match=r"is cell, where add at node out got 1x4x8x8 and 1x8x8x8"):
        Space(seq(conv(4), cell({("in", "a"): conv(4), ("a", "out"): conv(8), ("in", "out"): skip()})), input=INPUT)
    with pytest.raises(EmptySpaceError, match=r"add at node 2 got 1x4x8x8 and 1x8x8x8"):
        Space(seq(conv(4), cell({(0, 1): conv(4), (1, 2): conv(8), (0, 2): skip()})), input=INPUT)
