"""Pieces of Python source: expressions with their precedence, literals, and holes for what differs between copies."""

from __future__ import annotations

import keyword
import math
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["ATOM", "MODULE_NAMES", "Code", "Hole", "Holes", "Raw", "is_plain", "literal", "member", "wrapped"]

ATOM, POWER, UNARY, PRODUCT, SUM, COMPARISON = range(6)
"""How tightly an expression binds, the tightest first."""

WIDTH = 110

MODULE_NAMES = frozenset({
    "T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile", "cpu",
    "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state",
    "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia", "named_buffers",
    "named_children", "named_modules", "named_parameters", "parameters", "register_backward_hook",
    "register_buffer", "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook",
    "register_module", "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook",
    "requires_grad_", "reset_parameters", "set_extra_state", "set_submodule", "share_memory", "state_dict", "to",
    "to_empty", "train", "training", "type", "xpu", "zero_grad",
})  # fmt: skip
"""Names that torch.nn.Module uses itself: a submodule of such a name is reached through `_modules`."""


@dataclass(frozen=True)
class Code:
    """An expression: its text, how tightly it binds, and how many operations it nests."""

    text: str
    binds: int = ATOM
    size: int = 0
    scalar: bool = False

    def within(self, binds: int) -> str:
        """Text for a place that needs an expression that binds at least so tightly."""
        return self.text if self.binds <= binds else f"({self.text})"

    @property
    def atom(self) -> str:
        """Text that a method or an index can follow."""
        return self.within(ATOM)


@dataclass(frozen=True)
class Raw:
    """A literal that is source text already."""

    text: str


@dataclass(frozen=True)
class Hole:
    """A literal in a piece of source that may differ between the copies of a module.

    prefix: text before the value, such as `, stride=`, left out with it where the value is the default.
    """

    name: str
    value: Any
    prefix: str = ""
    default: Any = None


class Holes:
    """All holes of one source under construction; a hole stands in text as a mark."""

    _MARK = re.compile("\x00(\\d+)\x00")

    def __init__(self) -> None:
        self._holes: list[Hole] = []

    def mark(self, name: str, value: Any, prefix: str = "", default: Any = None) -> str:
        """New hole; returns the text that stands for it."""
        self._holes.append(Hole(name, value, prefix, default))
        return f"\x00{len(self._holes) - 1}\x00"

    def found_in(self, text: str) -> list[Hole]:
        """Holes of a text in the order of their marks."""
        return [self._holes[int(number)] for number in self._MARK.findall(text)]

    def skeleton(self, text: str) -> str:
        """Text with the values taken out: equal for copies that differ in values only."""
        return self._MARK.sub(lambda m: f"\x00{self._holes[int(m[1])].name}\x00", text)

    def filled(self, text: str, values: list[str | None]) -> str:
        """Text with an expression in each hole, in order; None for the literal value of the hole itself."""
        given = iter(values)

        def fill(match: re.Match[str]) -> str:
            hole, expression = self._holes[int(match[1])], next(given)
            if expression is not None:
                return hole.prefix + expression
            return "" if hole.prefix and same(hole.value, hole.default) else hole.prefix + literal(hole.value)

        return self._MARK.sub(fill, text)


def same(a: Any, b: Any) -> bool:
    """Equality that tells 1 from True and from 1.0."""
    return type(a) is type(b) and bool(a == b)


def literal(value: Any) -> str:
    """Source text of a plain value.

    >>> literal((1, 2.5, "edge")), literal(float("inf"))
    ('(1, 2.5, "edge")', 'float("inf")')
    """
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, (tuple, list)):
        inner = ", ".join(literal(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def is_plain(name: str) -> bool:
    """Whether a name can follow `self.`"""
    return name.isidentifier() and not keyword.iskeyword(name) and name not in MODULE_NAMES


def member(path: tuple[str, ...]) -> str:
    """Expression that reaches a submodule.

    >>> member(("stage", "0", "conv")), member(("half",))
    ('self.stage.get_submodule("0").conv', 'self._modules["half"]')
    """
    text = "self"
    for name in path:
        if is_plain(name):
            text += f".{name}"
        else:
            text += f'._modules["{name}"]' if name in MODULE_NAMES else f'.get_submodule("{name}")'
    return text


def wrapped(line: str, indent: int) -> list[str]:
    """A statement on one line, or, where too long, with what stands in its largest brackets on lines of their own.

    Equal neighbours among the submodules of an nn.Sequential become one comprehension.

    >>> wrapped("y = nn.Sequential(Block(8), Block(8))", 4)
    ['    y = nn.Sequential(*(Block(8) for _ in range(2)))']
    """
    pad, span = " " * indent, _largest_brackets(line)
    if span is None:
        return [pad + line]
    head, inside, tail = line[: span[0] + 1], line[span[0] + 1 : span[1]], line[span[1] :]
    parts, few = _at_commas(inside), True
    if head.endswith(("nn.Sequential(", "super().__init__(")):
        parts = _folded(parts)
        line = f"{head}{', '.join(parts)}{tail}"
        few = len(parts) <= 2 or not head.endswith("nn.Sequential(")
    if not parts or (few and indent + len(line) <= WIDTH):
        return [pad + line]
    if len(parts) > 8 and all(len(part) <= 20 for part in parts):
        return [pad + head, *_filled(parts, indent + 4), pad + tail]
    # A comma after one part would make a tuple of a group, and is an error after a comprehension.
    is_call = re.search(r"[\w\])]\($", head) is not None
    comma = "," if is_call or len(parts) > 1 or inside.endswith(",") else ""
    broken = [wrapped(part, indent + 4) for part in parts]
    return [pad + head, *(text for lines in broken for text in (*lines[:-1], lines[-1] + comma)), pad + tail]


def _filled(parts: list[str], indent: int) -> list[str]:
    """Short parts, as many to a line as fit."""
    lines = [" " * indent]
    for part in parts:
        if len(lines[-1]) + len(part) + 2 > WIDTH:
            lines.append(" " * indent)
        lines[-1] += ("" if lines[-1].isspace() else " ") + part + ","
    return lines


def _folded(parts: list[str]) -> list[str]:
    """Equal neighbours as one comprehension."""
    runs: list[list[str]] = []
    for part in parts:
        if runs and runs[-1][0] == part and "=" not in part.partition("(")[0]:
            runs[-1].append(part)
        else:
            runs.append([part])
    return [run[0] if len(run) == 1 else f"*({run[0]} for _ in range({len(run)}))" for run in runs]


def _largest_brackets(line: str) -> tuple[int, int] | None:
    """Position of the outermost brackets that hold the most."""
    depth, start, spans = 0, 0, []
    for position, letter in _outside_strings(line):
        if letter in "([{":
            if depth == 0:
                start = position
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0:
                spans.append((start, position))
    return max(spans, key=lambda span: span[1] - span[0], default=None)


def _at_commas(text: str) -> list[str]:
    parts, depth, last = [], 0, 0
    for position, letter in _outside_strings(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append(text[last:position].strip())
            last = position + 1
    return [part for part in (*parts, text[last:].strip()) if part]


def _outside_strings(text: str) -> list[tuple[int, str]]:
    inside, found = False, []
    for position, letter in enumerate(text):
        if letter == '"':
            inside = not inside
        elif not inside:
            found.append((position, letter))
    return found
