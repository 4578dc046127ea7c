"""Spaces as documents of plain values, which JSON and YAML hold: what is shared stands once, under a name."""

from __future__ import annotations

import hashlib
import json
import keyword
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from netwright import blocks
from netwright.blocks import Block
from netwright.errors import SpaceError
from netwright.graph import Input
from netwright.space._formula import Formula
from netwright.space._spelling import Spelling, plain, spelling

__all__ = ["VERSION", "Parts", "content_hash", "document", "path_of"]

VERSION = 1
Document = dict[str, Any]
RESERVED = {"nw", "space"}


def path_of(block: Block | Formula) -> str:
    """Name of a block of the vocabulary, import path of another and of a formula.

    >>> path_of(blocks.conv)
    'conv'

    Raises SpaceError for one that stands inside a function, which no path leads to.
    """
    if getattr(blocks, block.name, None) is block:
        return str(block.name)
    module, name = block.function.__module__, str(block.function.__qualname__)
    if "<" in name:
        kind = type(block).__name__.lower()
        raise SpaceError(f"a {kind} must stand in a module to be written down, but {name} stands in a function.")
    return f"{module}:{name}"


class Parts:
    """Parts of a space, each once, as calls of plain values in which `{"part": n}` is the n-th part."""

    def __init__(self) -> None:
        self.parts: list[Document] = []
        self._numbers: dict[str, int] = {}
        self._known: dict[int, tuple[int, Any]] = {}

    def encode(self, value: Any) -> Any:
        """A value as plain values; a part as its number."""
        told = spelling(value)
        if told is not None:
            return {"part": self._number(value, told)}
        if isinstance(value, Formula):
            return {"formula": path_of(value)}
        if isinstance(value, Mapping):
            return {"map": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        if isinstance(value, list):
            return {"list": [self.encode(inner) for inner in value]}
        if isinstance(value, tuple):
            return [self.encode(inner) for inner in value]
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": repr(value)}
        return plain(value)

    def _number(self, value: Any, told: Spelling) -> int:
        # The value is kept, so that no other takes its id.
        if id(value) not in self._known:
            call = self._call(told)
            text = json.dumps(call)
            if text not in self._numbers:
                self._numbers[text] = len(self.parts)
                self.parts.append(call)
            self._known[id(value)] = self._numbers[text], value
        return self._known[id(value)][0]

    def _call(self, told: Spelling) -> Document:
        if isinstance(told.function, Block):
            call: Document = {"block": path_of(told.function)}
        else:
            call = {"call": told.function}
        if told.arguments:
            call["of"] = [self.encode(value) for value in told.arguments]
        if told.keywords:
            call["with"] = {name: self.encode(value) for name, value in told.keywords.items()}
        return call


def document(space: Any) -> Document:
    """A space as a document.

    >>> from netwright.graph import image
    >>> from netwright.space import Space
    >>> document(Space(blocks.conv(8), input=image(3, 8, 8)))["network"]
    {'block': 'conv', 'with': {'channels': 8}}

    Raises SpaceError for a space around a model, and for blocks and values that cannot be written down.
    """
    written = Parts()
    network = written.encode(space.expression)
    recipe = {name: written.encode(value) for name, value in space.recipe_space.given.items()}
    shared = Shared(written, [network, *recipe.values()])
    found: Document = {"netwright": "space", "version": VERSION, "name": space.name}
    found["inputs"] = [_input(tensor) for tensor in space.inputs.values()]
    found |= {"largest": space.largest} if space.largest is not None else {}
    found |= {"recipe": {name: shared.inline(value) for name, value in recipe.items()}} if recipe else {}
    inlined = shared.inline(network)
    parts = {name: shared.inline(written.parts[number]) for number, name in shared.names.items()}
    found |= ({"parts": parts} if parts else {}) | {"network": inlined}
    left = [{"paths": path, "values": [plain(value) for value in values]} for path, values in space.allowed]
    return found | ({"restricted": left} if left else {})


class Shared:
    """Names of the parts that stand in several places, and every other part put in its place."""

    def __init__(self, written: Parts, outside: Any) -> None:
        self._written = written
        # Uses are those in distinct parts: which of them were one object when they were made does not matter.
        uses = Counter(_numbers([*written.parts, outside]))
        used = [number for number in range(len(written.parts)) if uses[number] > 1]
        self.names: dict[int, str] = {}
        imported = {path.rpartition(":")[2] for path in _paths([*written.parts])}
        taken = {*RESERVED, *keyword.kwlist, *imported}
        for number in used:
            call = written.parts[number]
            # What is as short as a name is no easier to read under one.
            if len(json.dumps(call)) > 40:
                self.names[number] = _free(_label(call), taken)
                taken.add(self.names[number])

    def inline(self, value: Any) -> Any:
        """A value in which parts stand in full, or by their name."""
        if isinstance(value, list):
            return [self.inline(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        number = value.get("part")
        if number is None:
            return {key: self.inline(inner) for key, inner in value.items()}
        return {"part": self.names[number]} if number in self.names else self.inline(self._written.parts[number])


def _numbers(value: Any) -> Iterator[int]:
    """Numbers of the parts that a value names."""
    if isinstance(value, list):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, dict):
        if "part" in value:
            yield value["part"]
        else:
            yield from _numbers([*value.values()])


def _paths(value: Any) -> Iterator[str]:
    """Paths of the blocks and formulas that a value names."""
    if isinstance(value, dict):
        yield from (value[kind] for kind in ("block", "formula") if isinstance(value.get(kind), str))
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _paths(inner)


def _label(call: Document) -> str:
    name = str(call.get("call") or call["block"].rpartition(":")[2])
    name = str(call["of"][0]) if name in ("named", "tied") else name
    return {"oneof": "choice"}.get(name, name) if name.isidentifier() else "part"


def _free(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _input(tensor: Input) -> Document:
    found: Document = {"shape": list(tensor.shape), "dtype": tensor.dtype, "name": tensor.name}
    return found | ({} if tensor.batch_axis == 0 else {"batch_axis": tensor.batch_axis})


def content_hash(told: Document) -> str:
    """SHA-256 of a document but for its name; the same in every process.

    >>> content_hash({"name": "a", "network": 1}) == content_hash({"name": "b", "network": 1})
    True
    """
    kept = {key: value for key, value in told.items() if key != "name"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
