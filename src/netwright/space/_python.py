"""Documents of spaces as Python source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.space._abbreviate import Program, abbreviated
from netwright.space._naming import Names
from netwright.space._term import Head, Terms

__all__ = ["to_python"]

WIDTH = 110
SHORT = 24
"""Characters of arguments that share a line where they do not fit on that of their call; values do in any case."""


def to_python(told: Mapping[str, Any]) -> str:
    """Source that makes the space of a document and calls it `space`; what is alike in several parts is a function.

    >>> print(to_python({"inputs": [{"shape": [1, 3, 8, 8], "dtype": "float32", "name": "input"}], "name": "mine",
    ...                  "network": {"block": "conv", "with": {"channels": 8}}}))
    import netwright as nw
    <BLANKLINE>
    space = nw.Space(nw.conv(channels=8), input=nw.Input((1, 3, 8, 8)), name="mine")
    <BLANKLINE>
    """
    terms = Terms()
    known: dict[str, int] = {}
    for name, part in told.get("parts", {}).items():
        known[name] = terms.read(part, known)
    inputs = [_input(each) for each in told["inputs"]]
    options: dict[str, Any] = {"input": inputs[0] if len(inputs) == 1 else {"list": inputs}}
    if told.get("recipe"):
        options["recipe"] = {"map": list(map(list, told["recipe"].items()))}
    options["name"] = told["name"]
    options |= {"largest": told["largest"]} if "largest" in told else {}
    root = terms.read({"call": "Space", "of": [told["network"]], "with": options}, known)
    left = [{"map": [[each["paths"], {"list": each["values"]}]]} for each in told.get("restricted", ())]
    return _Printer(abbreviated(terms, [root]), [terms.read(each, known) for each in left]).source()


def _input(told: Mapping[str, Any]) -> dict[str, Any]:
    options = {"dtype": told["dtype"]} if told["dtype"] != "float32" else {}
    options |= {"name": told["name"]} if told["name"] != "input" else {}
    options |= {"batch_axis": told["batch_axis"]} if "batch_axis" in told else {}
    return {"call": "Input", "of": [list(told["shape"])], **({"with": options} if options else {})}


class _Printer:
    """Prints a program: what several parts have in common first, then the space."""

    def __init__(self, program: Program, left: Sequence[int]) -> None:
        self._program, self._terms, self._left = program, program.terms, left
        heads = [self._terms.heads[term] for term in self._terms.below(program.everything)]
        paths = [head.name.rpartition(":") for head in heads if head.kind in ("call", "formula") and ":" in head.name]
        self._imports = sorted({(module, name.split(".")[0]) for module, _, name in paths})
        self._names = Names(program, {"nw", "space", *(name for _, name in self._imports)})

    def source(self) -> str:
        """The whole text."""
        imports = [f"from {module} import {name}" for module, name in self._imports]
        lines = ["import netwright as nw", *(["", *imports] if imports else []), ""]
        for (kind, number), name in self._names.defined.items():
            lines += self._function(number, name) if kind == "function" else [self._assigned(name, number)]
        lines.append(self._assigned("space", self._program.roots[0]))
        lines += [f"space = space.restricted({self._text(each, 26)})" for each in self._left]
        text = "\n".join([*lines, ""])
        return text.replace("\n\n\n", "\n\n")

    def _assigned(self, name: str, term: int) -> str:
        return f"{name} = {self._text(term, len(name) + 3)}"

    def _function(self, number: int, name: str) -> list[str]:
        function = self._program.functions[number]
        parameters = ", ".join(self._names.parameters[term] for term in function.parameters)
        return ["", f"def {name}({parameters}):", f"    return {self._text(function.body, 11, 4)}", ""]

    def _inner(self, term: int, used: int, indent: int) -> str:
        """Source of a part of another: its name, or all of it."""
        return self._names.defined.get(("part", term)) or self._text(term, used, indent)

    def _text(self, term: int, used: int = 0, indent: int = 0) -> str:
        """Source of a term; used: columns taken on its line."""
        head, parts = self._terms.heads[term], self._terms.parts[term]
        if head.kind == "value":
            return head.name
        if head.kind == "parameter":
            return self._names.parameters[term]
        if head.kind == "formula":
            return _path(head.name)
        start, end = self._brackets(head)
        equals = ": " if head.kind == "map" else "="
        rows = [(f"{name}{equals}" if name else "", part) for name, part in zip(head.names, parts, strict=True)]
        return self._wrapped(start, rows, end, used, indent)

    def _brackets(self, head: Head) -> tuple[str, str]:
        if head.kind == "tuple":
            return "(", ",)" if len(head.names) == 1 else ")"
        if head.kind in ("list", "map"):
            return ("[", "]") if head.kind == "list" else ("{", "}")
        if head.kind == "function":
            return f"{self._names.defined['function', int(head.name)]}(", ")"
        return f"{_path(head.name)}(", ")"

    def _wrapped(self, start: str, rows: Sequence[tuple[str, int]], end: str, used: int, indent: int) -> str:
        whole = start + ", ".join(before + self._inner(term, -(10**6), 0) for before, term in rows) + end
        if used + len(whole) <= WIDTH or not rows:
            return whole
        deeper = indent + 4
        texts = [before + self._inner(term, deeper + len(before) + 1, deeper) for before, term in rows]
        short = all(
            not before and (self._terms.leaf[term] or len(text) < SHORT)
            for (before, term), text in zip(rows, texts, strict=True)
        )
        lines = _filled(texts, WIDTH - deeper) if short else texts
        return f"{start}\n" + "".join(f"{' ' * deeper}{line},\n" for line in lines) + " " * indent + end[-1]


def _path(name: str) -> str:
    """Source of a name of ours, or of one that is imported."""
    return name.rpartition(":")[2] if ":" in name else f"nw.{name}"


def _filled(texts: Sequence[str], width: int) -> list[str]:
    """Short texts, as many on a line as fit.

    >>> _filled(["1", "2", "3"], 5)
    ['1, 2', '3']
    """
    lines = [""]
    for text in texts:
        if lines[-1] and len(lines[-1]) + len(text) + 3 > width:
            lines.append("")
        lines[-1] += f", {text}" if lines[-1] else text
    return lines
