"""Names of the file as module paths: scopes of nodes, and unique names of parameters that torch can have."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from netwright.graph import Scope
from netwright.io._to_torch._code import MODULE_NAMES

__all__ = ["Names", "node_path", "parameter_path"]

Path = tuple[str, ...]


def node_path(name: str) -> Path:
    """Modules in which a node stands, by its name; none where the name has no path.

    >>> node_path("/layer1/layer1.0/conv1/Conv"), node_path("model/stem/Relu"), node_path("Conv_12")
    (('layer1', '0', 'conv1'), ('model', 'stem'), ())
    """
    path: list[str] = []
    before = ""
    for part in name.strip("/").split("/")[:-1]:
        # PyTorch repeats the name of the module around: layer1, and then layer1.0.
        inner = part[len(before) + 1 :] if before and part.startswith(f"{before}.") else part
        path += [_word(word) for word in inner.split(".") if word]
        before = part
    return tuple(path)


def parameter_path(name: str) -> Path:
    """Modules and last name of a parameter.

    >>> parameter_path("layer1.0.conv1.weight"), parameter_path("gpu_0/conv1_w_0"), parameter_path("conv1/7x7_w:0")
    (('layer1', '0', 'conv1', 'weight'), ('gpu_0', 'conv1_w_0'), ('conv1', '_7x7_w_0'))
    """
    words = [_word(word) for word in re.split(r"[./]", name) if word] or ["_"]
    return (*words[:-1], attribute(words[-1]))


def attribute(word: str) -> str:
    """A word that can be an attribute of a module."""
    if word in MODULE_NAMES or keyword.iskeyword(word):
        return f"{word}_"
    return word if word.isidentifier() else f"_{word}"


def _word(text: str) -> str:
    return re.sub(r"\W+", "_", text, flags=re.ASCII) or "_"


class Names:
    """Scopes by their path, each made once, and the names that parameters have taken."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._taken: set[Path] = set()
        for path in paths:
            self._taken.update(path[:end] for end in range(1, len(path) + 1))
        self._counts: dict[Path, int] = {}
        self._scopes: dict[Path, Scope | None] = {(): None}

    def scope(self, path: Path) -> Scope | None:
        """The scope of a path."""
        if path not in self._scopes:
            self._scopes[path] = Scope(path[-1], self.scope(path[:-1]))
        return self._scopes[path]

    def parameter(self, path: Path) -> tuple[str, Scope | None]:
        """Last name and scope for a parameter that is to have this path; numbered where it is taken."""
        wanted = path
        while path in self._taken:
            count = self._counts[wanted] = self._counts.get(wanted, 0) + 1
            path = (*wanted[:-1], f"{wanted[-1]}_{count}")
        self._taken.add(path)
        return path[-1], self.scope(path[:-1])
