"""What the texts on the command line mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from netwright.cli._arguments import find_space, import_path, load_own, parse_shape
from netwright.errors import NetwrightError, SpaceError


@pytest.mark.parametrize(("text", "shape"), [("3x32x32", (3, 32, 32)), ("1x150", (1, 150)), (" 13 ", (13,))])
def test_shapes(text: str, shape: tuple[int, ...]):
    assert parse_shape(text) == shape


@pytest.mark.parametrize("text", ["", "0x3", "3x", "x3", "3,32,32", "3x-1", "3x3.5", "³x2", "3X32", "1e3", "9" * 40])
def test_bad_shapes_show_the_form(text: str):
    with pytest.raises(SpaceError, match="3x32x32"):
        parse_shape(text)


def test_a_member_of_a_file_is_no_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").touch()
    assert import_path("mine:space")
    assert import_path("mine.spaces:Family.small")
    for text in ("mobilenet-tiny", "x.npz:A", "dir/x.npz:A", "data:A", ":a", "a:", "a:b:c", "C:\\x", "a b:c"):
        assert not import_path(text), text


def test_own_objects_are_found_in_the_current_folder(own: str):
    assert load_own(f"{own}:space").name == "own"
    assert load_own(f"{own}:nw.space.Space").__name__ == "Space"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:space", "importing no_such_module failed with ModuleNotFoundError"),
        ("OWN:nothing", "has no 'nothing'"),
        ("OWN:number", "must be a Space or a function that makes one, but is of int"),
        ("OWN:broken", r"failed with ValueError: no such luck \(own_.*\.py, line 13\)"),
        ("auto", "no --input is given"),
        ("mobilenet", "did you mean 'mobilenet-tiny'"),
    ],
)
def test_what_is_no_space_says_why(own: str, name: str, message: str):
    with pytest.raises(NetwrightError, match=message):
        find_space(name.replace("OWN", own))


def test_own_functions_get_shape_and_classes(own: str):
    assert list(find_space(f"{own}:make").inputs) == ["5"]
    made = find_space(f"{own}:make", (7,), 2)
    assert list(made.inputs) == ["7"]
    assert made.network(made.design_at(0)).outputs[0].shape == (1, 2)


def test_a_finished_space_takes_no_shape(own: str):
    with pytest.raises(SpaceError, match="takes neither"):
        find_space(f"{own}:space", (7,))
