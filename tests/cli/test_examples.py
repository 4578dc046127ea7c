"""Every public class, function and operator shows how it is used, by an example that the doctests run.

The doctests run it in its own file; here it must do with the public names of its room and what it imports itself, so
that a reader can run it, too.

Left out are exceptions, of which `netwright.errors` draws the tree, and the command line, which docs/cli.md shows.
Tables and type aliases have no docstring of their own.
"""

from __future__ import annotations

import ast
import builtins
import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Collection
from types import ModuleType
from typing import Any

import pytest

import netwright
from netwright.graph import Operator


def rooms() -> list[str]:
    """Public modules with a list of what is public in them."""
    walked = [each.name for each in pkgutil.walk_packages(netwright.__path__, "netwright.")]
    return ["netwright", *(name for name in walked if "._" not in name and not name.startswith("netwright.cli"))]


def must_show(value: Any) -> bool:
    # A block, a formula and what is cached wrap the function that has their docstring.
    plain = inspect.unwrap(value) if callable(value) else value
    fault = inspect.isclass(plain) and issubclass(plain, BaseException)
    return (inspect.isroutine(plain) or inspect.isclass(plain) or isinstance(plain, Operator)) and not fault


def without_example(room: ModuleType) -> list[str]:
    public = {name: getattr(room, name) for name in room.__all__}
    return [name for name, value in public.items() if must_show(value) and ">>>" not in (value.__doc__ or "")]


def unknown(docstring: str, known: Collection[str]) -> set[str]:
    """Names that the examples of a docstring read and nobody gave them."""
    tree = ast.parse("".join(example.source for example in doctest.DocTestParser().get_examples(docstring)))
    given = {*known, *dir(builtins)}
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            given.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            given.add(node.name)
        elif isinstance(node, ast.arg):
            given.add(node.arg)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    given.update(name.id for name in names if not isinstance(name.ctx, ast.Load))
    return {name.id for name in names} - given


def docstrings(value: Any) -> dict[str, str]:
    """Of a value and, where it is a class, of its public methods and properties."""
    members = vars(value) if inspect.isclass(value) else {}
    parts = {name: member for name, member in members.items() if not name.startswith("_")}
    return {name: part.__doc__ or "" for name, part in {"": value, **parts}.items()}


@pytest.mark.parametrize("name", rooms())
def test_what_is_public_has_an_example(name: str) -> None:
    assert without_example(importlib.import_module(name)) == []


@pytest.mark.parametrize("name", rooms())
def test_examples_run_outside_of_their_file(name: str) -> None:
    room = importlib.import_module(name)
    public = {each: getattr(room, each) for each in room.__all__}
    lacking = {
        f"{each}.{part}": missing
        for each, value in public.items()
        if must_show(value)
        for part, text in docstrings(value).items()
        if (missing := unknown(text, public))
    }
    assert lacking == {}


def test_names_that_nobody_gave_an_example_are_found() -> None:
    text = """Sum.

    >>> import numpy as np
    >>> total = sum(np.abs(each - shift) for each in values)
    >>> [f"{total}" for x in (lambda y: y)(range(LAST))]
    """
    assert unknown(text, {"values"}) == {"shift", "LAST"}


def test_what_has_none_is_found() -> None:
    room = ModuleType("room")
    room.__dict__.update(
        __all__=["Bare", "Fault", "LIMIT", "bare", "shown"],
        Bare=type("Bare", (), {"__doc__": "A class."}),
        Fault=type("Fault", (Exception,), {}),
        LIMIT=3,
        bare=lambda: None,
        shown=netwright.cost.profile,
    )
    assert without_example(room) == ["Bare", "bare"]
