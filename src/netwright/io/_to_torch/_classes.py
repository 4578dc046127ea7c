"""Classes of an exported source: copies of one structure become one class with constructor arguments."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from netwright.io._to_torch._code import Hole, Holes, Raw, is_plain, literal, same, wrapped
from netwright.io._to_torch._units import Unit

__all__ = ["Arguments", "Draft", "arguments_of", "class_text", "class_word", "sequence_items"]

SIZES = frozenset(
    {"channels", "features", "groups", "in_channels", "in_features", "out_channels", "out_features", "size"}
)
"""Holes that stand for a width: where two of them are always equal they share an argument."""

OPTIONS = ("kernel_size", "stride", "padding", "dilation", "groups", "bias", "eps", "momentum", "dropout")
"""Ends of the names of arguments that have a usual value."""

HALF = " // 2"
"""What makes of a kernel size the padding that keeps the size of an image."""

KINDS = {"MatMul": "linear", "LayerNormalization": "layer_norm"}
"""Names of the classes that are a layer which torch.nn has in another form only."""


@dataclass
class Draft:
    """A class before its copies are compared: statements with holes."""

    unit: Unit
    chained: bool = False
    """Whether it is an nn.Sequential: its statements are then the constructors of its submodules."""
    inits: list[tuple[str, str]] = field(default_factory=list)
    """(owner, statement) of `__init__`."""
    methods: list[str] = field(default_factory=list)
    """Lines of further methods."""
    inputs: list[str] = field(default_factory=list)
    """Names of the tensors that `forward` takes."""
    lines: list[str] = field(default_factory=list)
    """Statements of `forward`."""

    @property
    def text(self) -> str:
        """All statements, in the order in which their holes are counted."""
        return "\n".join([*(s for _, s in self.inits), f"def {', '.join(self.inputs)}", *self.lines])


@dataclass
class Arguments:
    """Constructor arguments of a class: what stands in each hole, and the values that each copy gives."""

    fillings: list[str | None]
    """Expression for each hole; None where all copies agree and the value stands there itself."""
    columns: dict[str, list[object]]
    """Value of each argument in each copy."""

    @property
    def usual(self) -> dict[str, object]:
        """Default values: the commonest, of options, as long as one argument without default is left."""
        names = [name for name in self.columns if name.endswith(OPTIONS)]
        names = names[1:] if len(names) == len(self.columns) else names
        return {name: _commonest(self.columns[name]) for name in names}

    @property
    def signature(self) -> list[str]:
        """Declarations, those with a default last."""
        usual = self.usual
        needed = [f"{name}: {_type(column)}" for name, column in self.columns.items() if name not in usual]
        return needed + [f"{name}: {_type(self.columns[name])} = {literal(value)}" for name, value in usual.items()]

    def call(self, holes: Holes, copy: int) -> str:
        """Arguments with which one copy is constructed, as holes of the class that constructs it."""
        usual = self.usual
        given = [holes.mark(name, column[copy]) for name, column in self.columns.items() if name not in usual]
        others = [holes.mark(n, self.columns[n][copy], f", {n}=", default) for n, default in usual.items()]
        return f"{', '.join(given)}{''.join(others)}"


def arguments_of(holes: Holes, drafts: Sequence[Draft], taken: set[str]) -> Arguments:
    """Constructor arguments for the holes in which the copies of a class differ.

    taken: names that no argument may have.
    """
    found = holes.found_in(drafts[0].text)
    owners = [name for name, s in drafts[0].inits for _ in holes.found_in(s)]
    owners += [""] * (len(found) - len(owners))
    values = [[hole.value for hole in holes.found_in(draft.text)] for draft in drafts]
    arguments = Arguments([], {})
    for hole, owner, column in zip(found, owners, zip(*values, strict=True), strict=True):
        arguments.fillings.append(_filling(hole, owner, list(column), arguments.columns, taken))
    _drop_direction(arguments, found, taken)
    return arguments


def _filling(
    hole: Hole, owner: str, column: list[object], columns: dict[str, list[object]], taken: set[str]
) -> str | None:
    if all(same(value, column[0]) for value in column):
        return None
    if hole.name == "padding":
        for name, kernels in columns.items():
            if name.endswith("kernel_size") and _halves(column, kernels):
                return f"{name}{HALF}"
    for name, other in columns.items():
        alike = name == hole.name or (hole.name in SIZES and name.endswith(tuple(SIZES)))
        if alike and all(map(same, other, column)):
            return name
    candidates = [hole.name, f"{owner}_{hole.name}", *(f"{hole.name}_{i}" for i in range(2, len(columns) + 3))]
    free = next(n for n in candidates if n.isidentifier() and n not in {*taken, *columns} and not n.startswith("_"))
    columns[free] = column
    return free


def _halves(column: list[object], kernels: list[object]) -> bool:
    pairs = zip(column, kernels, strict=True)
    return all(isinstance(p, int) and isinstance(k, int) and p == k // 2 for p, k in pairs)


def _drop_direction(arguments: Arguments, found: list[Hole], taken: set[str]) -> None:
    """Say `channels` for an argument that is both the inputs and the outputs of layers, or a size beside them."""
    for what, given in (("channels", "in_channels"), ("features", "in_features"), ("channels", "size")):
        telling = {f"out_{what}"} if given != "size" else {what, f"in_{what}", f"out_{what}"}
        used = any(f == given and h.name in telling for f, h in zip(arguments.fillings, found, strict=True))
        if used and what not in taken and what not in arguments.columns:
            arguments.fillings = [what if f == given else f for f in arguments.fillings]
            arguments.columns = {what if n == given else n: c for n, c in arguments.columns.items()}


def _commonest(column: list[object]) -> object:
    return max(column, key=lambda value: sum(same(value, other) for other in column))


def _type(column: list[object]) -> str:
    """Annotation of an argument that takes these values."""
    names = {int: "int", float: "float", bool: "bool", str: "str", list: "list[int]", Raw: "Tensor"}
    return " | ".join(sorted({names.get(type(value), "tuple[int, ...]") for value in column}))


def class_text(holes: Holes, draft: Draft, name: str, arguments: Arguments) -> str:
    """Source of a class, with the first copy standing for all."""
    fillings = iter(arguments.fillings)
    inits = [holes.filled(s, [next(fillings) for _ in holes.found_in(s)]) for _, s in draft.inits]
    lines, kept = [], dict[str, None]()
    for line in draft.lines:
        own = [next(fillings) for _ in holes.found_in(line)]
        kept.update(dict.fromkeys(f.removesuffix(HALF) for f in own if f))
        lines.append(holes.filled(line, [f and f"self.{f}" for f in own]))
    body = [f"class {name}(nn.{'Sequential' if draft.chained else 'Module'}):"]
    if inits or arguments.columns:
        chain = {owner: s for (owner, _), s in zip(draft.inits, inits, strict=True)} if draft.chained else {}
        rest = [] if draft.chained else [*(f"self.{name} = {name}" for name in kept), *inits]
        body += wrapped(f"def __init__({', '.join(['self', *arguments.signature])}) -> None:", 4)
        body += [text for s in (f"super().__init__({sequence_items(chain)})", *rest) for text in wrapped(s, 8)]
    body += ["", *draft.methods] if draft.methods else []
    if lines:
        result = ", ".join(["Tensor"] * len(draft.unit.outputs))
        result = result if len(draft.unit.outputs) == 1 else f"tuple[{result}]"
        declared = ", ".join(["self", *(f"{tensor}: Tensor" for tensor in draft.inputs)])
        body += [""] * (len(body) > 1) + wrapped(f"def forward({declared}) -> {result}:", 4)
        body += [text for line in lines for text in wrapped(line, 8)]
    return "\n".join(body)


def sequence_items(children: dict[str, str]) -> str:
    """Submodules as the arguments of nn.Sequential."""
    if list(children) == [str(i) for i in range(len(children))]:
        return ", ".join(children.values())
    if all(is_plain(name) for name in children):
        return f"OrderedDict({', '.join(f'{k}={v}' for k, v in children.items())})"
    return f"OrderedDict([{', '.join(f'({literal(k)}, {v})' for k, v in children.items())}])"


def class_word(units: Sequence[Unit]) -> str:
    """Name of a class, after the commonest name of the scopes that it is for."""
    word = Counter(map(_word, units)).most_common(1)[0][0]
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", word))
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"Block{name}"


def _word(unit: Unit) -> str:
    """What a unit is called: its last name without the number that tells it from its siblings."""
    if unit.nodes and unit.parameters and not unit.children and unit.nodes[0].op.name in KINDS:
        return KINDS[unit.nodes[0].op.name]
    for name in reversed(unit.path):
        word = re.sub(r"_?\d+$", "", name)
        if re.search("[A-Za-z]", word):
            block = "block" if word.rstrip("s") == "block" else f"{word}_block"
            return word if name is unit.path[-1] else _contents(unit) or block
    return _contents(unit) or "block"


def _contents(unit: Unit) -> str:
    """Name of a small numbered unit after what it runs, such as `Relu_conv_norm`; empty where that says little."""
    parts = [item.path[-1] if isinstance(item, Unit) else item.op.name for item in unit.items]
    return "_".join(parts) if len(parts) <= 3 and all(part.isalpha() for part in parts) else ""
