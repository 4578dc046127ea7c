"""Every public class, function and operator shows how it is used, by an example that the doctests run.

Left out are exceptions, of which `netwright.errors` draws the tree, and the command line, which docs/cli.md shows.
Tables and type aliases have no docstring of their own.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
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


@pytest.mark.parametrize("name", rooms())
def test_what_is_public_has_an_example(name: str) -> None:
    assert without_example(importlib.import_module(name)) == []


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
