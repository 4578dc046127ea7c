"""The same spaces here and in PyGlove and NePS: designs drawn a second, and lines of code.

Here a design is drawn uniformly among those whose shapes fit, as one of many at once, and its network and costs
follow from the same lines. PyGlove and NePS draw decision after decision and know no shapes, so that their lines hold
no layer. Lines are those of the definition without blank ones and docstrings. Each draws on one core, after the first
draw; a language that is not installed is left out.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from _spaces_of_others import DEFINITIONS, DRAWS, LANGUAGES, installed
from _table import arguments, interleaved, number, show

# isort: split
import numpy as np

from netwright.space import Space
from netwright.space.catalog import SPACES

NAMES = ("nasbench201", "darts", "einspace")


def main() -> None:
    given = arguments(
        __doc__,
        ("sample", 2000, 20, "designs drawn from each space at once"),
        ("others", 200, 5, "designs drawn by the others, which are slower"),
        ("repeats", 5, 1, "repeats, interleaved"),
    )
    languages = [language for language in LANGUAGES if installed(language)]
    rows = [row for name in NAMES for row in space_rows(name, languages, given)]
    header = ["space", "language", "designs a second", "lines", "draws that fit"]
    show("Designs drawn a second, lines of code", header, rows)
    missing = [language for language in LANGUAGES if language not in languages]
    if missing:
        print(f"\nnot installed, and left out: {', '.join(missing)}")


def space_rows(name: str, languages: list[str], given: Any) -> list[list[str]]:
    """One row a language, drawn in turn."""
    space, rng = SPACES[name](**QUICK.get(name, {}) if given.quick else {}), np.random.default_rng(0)
    others = {language: made(language, name) for language in languages}
    draws: dict[str, Callable[[], Any]] = {"netwright": lambda: space.sample(rng, given.sample)}
    draws |= {language: drawer(language, others[language], given.others) for language in languages}
    for draw in draws.values():
        draw()
    spent = interleaved(draws, given.repeats)
    counts = {"netwright": given.sample}
    return [
        [name, language, spent[language].rate(counts.get(language, given.others)), str(lines(language, name)),
         "all" if language == "netwright" else fitting(space)]
        for language in draws
    ]  # fmt: skip


QUICK: dict[str, dict[str, Any]] = {"einspace": {"depth": 2}}


def made(language: str, name: str) -> Any:
    """A space in another language."""
    return DEFINITIONS[language, name](import_module(LANGUAGES[language]))


def drawer(language: str, space: Any, count: int) -> Callable[[], int]:
    """Draws so many designs each time."""
    return lambda: DRAWS[language](space, count)


def fitting(space: Space) -> str:
    """Share of the draws of a sampler that knows no shapes whose shapes fit."""
    share = space.probability()
    return "all" if share > 1 - 1e-9 else number(share, 2)


def lines(language: str, name: str) -> int:
    """Lines of code that define a space."""
    if language == "netwright":
        tree = ast.parse(Path(inspect.getfile(SPACES[name])).read_text())
        kept = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.Assign))]
        return sum(code_lines(node) for node in kept if not is_names(node) and not is_text(node))
    function = ast.parse(inspect.getsource(DEFINITIONS[language, name])).body[0]
    return code_lines(function)


def is_text(node: ast.stmt) -> bool:
    """Whether a function reads or writes the texts of the authors."""
    words = ("genotype", "string", "_edges", "_cells")
    return isinstance(node, ast.FunctionDef) and any(word in node.name for word in words)


def is_names(node: ast.stmt) -> bool:
    """Whether a statement lists the public names."""
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def code_lines(node: ast.stmt) -> int:
    """Lines of a statement that hold code, its docstrings left out."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef) and ast.get_docstring(inner) is not None:
            inner.body = inner.body[1:] or [ast.Pass()]
    return len({inner.lineno for inner in ast.walk(node) if hasattr(inner, "lineno")})


if __name__ == "__main__":
    main()
