"""Documents of spaces as Python source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["to_python"]

WIDTH = 100


def to_python(told: Mapping[str, Any]) -> str:
    """Source that makes the space of a document and calls it `space`.

    >>> print(to_python({"inputs": [{"shape": [1, 3, 8, 8], "dtype": "float32", "name": "input"}], "name": "mine",
    ...                  "network": {"block": "conv", "with": {"channels": 8}}}))
    import netwright as nw
    <BLANKLINE>
    space = nw.Space(nw.conv(channels=8), input=nw.Input((1, 3, 8, 8)), name="mine")
    <BLANKLINE>
    """
    printer = _Printer()
    lines = [f"{name} = {printer.text(part, len(name) + 3)}" for name, part in told.get("parts", {}).items()]
    inputs = [_input(each) for each in told["inputs"]]
    options: dict[str, Any] = {"input": _Source(inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]")}
    if told.get("recipe"):
        options["recipe"] = {"map": list(map(list, told["recipe"].items()))}
    options["name"] = told["name"]
    options |= {"largest": told["largest"]} if "largest" in told else {}
    space = printer.text({"call": "Space", "of": [told["network"]], "with": options}, len("space = "))
    imports = [f"from {module} import {name}" for module, name in sorted(printer.imported)]
    head = ["import netwright as nw", *(["", *imports] if imports else []), ""]
    left = [
        f"space = space.restricted({printer.text({'map': [[each['paths'], {'list': each['values']}]]}, 26)})"
        for each in told.get("restricted", ())
    ]
    return "\n".join([*head, *lines, f"space = {space}", *left, ""])


class _Source(str):
    """Text that is source already."""


class _Printer:
    """Prints calls on one line, or one argument a line where they are long."""

    def __init__(self) -> None:
        self.imported: set[tuple[str, str]] = set()

    def text(self, value: Any, used: int = 0, indent: int = 0) -> str:
        """Source of a value; used: columns taken on its line."""
        if isinstance(value, _Source):
            return value
        if isinstance(value, list):
            ends = ("(", ",)") if len(value) == 1 else ("(", ")")
            return self._wrapped(ends[0], [("", inner) for inner in value], ends[1], used, indent)
        if not isinstance(value, Mapping):
            return _literal(value)
        if "part" in value:
            return str(value["part"])
        if "formula" in value:
            return self._imported(value["formula"])
        if "float" in value:
            return f'float("{value["float"]}")'
        if "list" in value:
            return self._wrapped("[", [("", inner) for inner in value["list"]], "]", used, indent)
        if "map" in value:
            pairs = [(f"{self.text(key)}: ", inner) for key, inner in value["map"]]
            return self._wrapped("{", pairs, "}", used, indent)
        arguments = [("", inner) for inner in value.get("of", [])]
        arguments += [(f"{name}=", inner) for name, inner in value.get("with", {}).items()]
        return self._wrapped(f"{self._function(value)}(", arguments, ")", used, indent)

    def _function(self, call: Mapping[str, Any]) -> str:
        return self._imported(str(call.get("call") or call["block"]))

    def _imported(self, name: str) -> str:
        """Source of a name of ours, or of one to import."""
        module, _, attribute = name.rpartition(":")
        if not module:
            return f"nw.{name}"
        self.imported.add((module, attribute.split(".")[0]))
        return attribute

    def _wrapped(self, start: str, parts: Sequence[tuple[str, Any]], end: str, used: int, indent: int) -> str:
        whole = start + ", ".join(before + self.text(value, -(10**6)) for before, value in parts) + end
        if used + len(whole) <= WIDTH or not parts:
            return whole
        deeper = indent + 4
        rows = (before + self.text(value, deeper + len(before) + 1, deeper) for before, value in parts)
        closing = end[-1]
        return f"{start}\n" + "".join(f"{' ' * deeper}{row},\n" for row in rows) + " " * indent + closing


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return repr(value)


def _input(told: Mapping[str, Any]) -> str:
    options = [_literal(tuple(told["shape"]))]
    options += [f"dtype={_literal(told['dtype'])}"] if told["dtype"] != "float32" else []
    options += [f"name={_literal(told['name'])}"] if told["name"] != "input" else []
    options += [f"batch_axis={told['batch_axis']}"] if "batch_axis" in told else []
    return f"nw.Input({', '.join(options)})"
