"""Documents of spaces read: only the language, our own blocks and those that the reader names are called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from netwright import blocks as vocabulary
from netwright._optional import require
from netwright._text import read_text
from netwright.blocks import Block
from netwright.errors import NetwrightError, SpaceError
from netwright.graph import Input
from netwright.space._document import VERSION, path_of
from netwright.space._formula import Formula

__all__ = ["Blocks", "from_document", "read_document", "restrictions", "text_of", "write_document"]

Own = Block | Formula
_Kind = TypeVar("_Kind", Block, Formula)
Blocks = Mapping[str, Own] | Iterable[Own]
"""Blocks and formulas of a user, which a document may name."""
LANGUAGE = (
    "branch", "cell", "given", "grammar", "grow", "let", "named", "oneof", "parallel", "put", "real",
    "repeat", "residual", "rule", "seq", "several", "take", "tied", "wiring",
)  # fmt: skip


def from_document(told: Any, blocks: Blocks = ()) -> dict[str, Any]:
    """Arguments of the space that a document describes.

    Raises SpaceError where it is no such document, or names a block that is neither of the vocabulary nor given.
    """
    if not isinstance(told, Mapping) or told.get("netwright") != "space":
        raise SpaceError("a document of a space must say `netwright: space`, but this one does not.")
    if told.get("version") != VERSION:
        raise SpaceError(f"a document of a space must be of version {VERSION}, but got {told.get('version')!r}.")
    reader = _Reader(blocks)
    try:
        for name, part in told.get("parts", {}).items():
            reader.parts[name] = reader.value(part)
        inputs = [Input(**{**each, "shape": tuple(each["shape"])}) for each in told["inputs"]]
        recipe = {name: reader.value(value) for name, value in told.get("recipe", {}).items()}
        network = reader.value(told["network"])
        options = {"name": str(told["name"]), "largest": told.get("largest")}
    except NetwrightError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise SpaceError(f"a document of a space must have its form, but this one has not: {error!r}.") from error
    return {"network": network, "input": inputs, "recipe": recipe, **options}


def restrictions(told: Mapping[str, Any]) -> list[dict[str, list[Any]]]:
    """Values that a document leaves of decisions, by pattern; raises SpaceError where it has not that form."""
    try:
        return [{str(each["paths"]): list(each["values"])} for each in told.get("restricted", ())]
    except (KeyError, TypeError) as error:
        raise SpaceError(f"what a document restricts must be paths and values, but got {error!r}.") from error


class _Reader:
    """Makes the values that a document holds."""

    def __init__(self, blocks: Blocks) -> None:
        import netwright.space as language

        named = blocks if isinstance(blocks, Mapping) else {path_of(block): block for block in blocks}
        self._blocks = dict(named)
        self._language: dict[str, Callable[..., Any]] = {name: getattr(language, name) for name in LANGUAGE}
        self.parts: dict[str, Any] = {}

    def value(self, told: Any) -> Any:
        """A value of the document."""
        if isinstance(told, list):
            return tuple(map(self.value, told))
        if not isinstance(told, Mapping):
            return told
        if "part" in told:
            return self.parts[told["part"]]
        if "list" in told:
            return [self.value(inner) for inner in told["list"]]
        if "map" in told:
            return {self.value(key): self.value(inner) for key, inner in told["map"]}
        if "formula" in told:
            return self._own(str(told["formula"]), Formula)
        if "float" in told:
            return float(told["float"])
        keywords = {name: self.value(inner) for name, inner in told.get("with", {}).items()}
        return self._function(told)(*map(self.value, told.get("of", ())), **keywords)

    def _function(self, told: Mapping[str, Any]) -> Callable[..., Any]:
        name = told["block"] if "block" in told else told["call"]
        if "block" not in told:
            if name not in self._language:
                raise SpaceError(f"a document may call {', '.join(self._language)}, but it calls {name!r}.")
            return self._language[name]
        return self._own(str(name), Block)

    def _own(self, name: str, kind: type[_Kind]) -> _Kind:
        """A block or formula that the reader has, or that is ours."""
        found = self._blocks.get(name) or _ours(name)
        if not isinstance(found, kind):
            what = f"a {kind.__name__.lower()}"
            raise SpaceError(f"{what} must be of the vocabulary or be given in `blocks`, but {name!r} is neither.")
        return found


def _ours(name: str) -> Any:
    """What a name of the vocabulary stands for, or one that its room or a catalogued space keeps for itself."""
    module, _, attribute = name.rpartition(":")
    if module and not module.startswith(("netwright.blocks.", "netwright.space.catalog.")):
        return None
    try:
        return getattr(import_module(module) if module else vocabulary, attribute, None)
    except ImportError:
        return None


def write_document(told: Mapping[str, Any], path: Path) -> None:
    """Write a document as JSON, or as YAML where the file's name says so; raises SpaceError where that cannot be."""
    try:
        path.write_text(text_of(told, yaml=path.suffix in (".yaml", ".yml")), encoding="utf-8")
    except OSError as error:
        raise SpaceError(f"a space must be written to a file, but {path}: {error.strerror}.") from error


def text_of(told: Mapping[str, Any], *, yaml: bool) -> str:
    """A document as text.

    >>> text_of({"name": "mine"}, yaml=False)
    '{\\n "name": "mine"\\n}\\n'
    """
    if not yaml:
        return json.dumps(told, indent=1) + "\n"
    dumped: str = require("yaml", extra="yaml").safe_dump(dict(told), sort_keys=False, width=110)
    return dumped


def read_document(path: Path) -> Any:
    """Document of a JSON or YAML file; raises SpaceError where there is none."""
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise SpaceError(f"a space is read from a JSON or YAML file, but {path}: {error}.") from error
    if path.suffix not in (".yaml", ".yml"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise SpaceError(f"a space is read from JSON, but {path}: {error}.") from error
    yaml = require("yaml", extra="yaml")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SpaceError(f"a space is read from YAML, but {path}: {error}.") from error
