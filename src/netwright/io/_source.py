"""PyTorch source out: one readable file that needs nothing but torch."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from netwright.errors import ExportError
from netwright.graph import Graph, Parameter, Tensor
from netwright.io._batch import shapes_at
from netwright.io._code import MODULE_NAMES, Holes, Raw, is_plain, literal, same, wrapped
from netwright.io._forward import Forward, array_text
from netwright.io._starts import reset_parameters
from netwright.io._torch_layers import layer
from netwright.io._torch_windows import HELPERS
from netwright.io._units import Unit, unit_tree

__all__ = ["to_torch_source"]

MOST_ARGUMENTS = 8
"""Copies that differ in more values than this get classes of their own."""

SIZES = frozenset(
    "in_channels out_channels channels num_features in_features out_features features groups size".split()
)
"""Holes that stand for a width: where two of them are always equal they share an argument."""


@dataclass
class Draft:
    """A class before its copies are compared: statements with holes."""

    unit: Unit
    inits: list[tuple[str, str]] = field(default_factory=list)
    """(owner, statement) of `__init__`."""
    lines: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All statements, in the order in which their holes are counted."""
        return "\n".join([statement for _, statement in self.inits] + ["def " + ", ".join(self.arguments)] + self.lines)


def to_torch_source(graph: Graph, *, name: str = "Model") -> str:
    """Source of a PyTorch module that computes the graph and imports nothing but torch.

    Scopes become submodules, so that `state_dict()` has the names of `graph.parameters` (and, beside each
    nn.BatchNorm, `num_batches_tracked`, which loading does not ask for). Scopes of one structure share a class. The
    initial weights follow each parameter's Init: the method `reset_parameters(seed)`, called with seed 0 at
    construction.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> print(to_torch_source(Graph([x], [ops.relu(x)])).partition("class ")[2].partition("if __name__")[0])
    Model(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.relu(x)
    <BLANKLINE>
    <BLANKLINE>

    Raises ExportError that lists every node that PyTorch cannot express or that holds for a batch of one only.
    """
    if not name.isidentifier():
        raise ExportError(f"the name of a module must be an identifier, but got {name!r}.")
    return _Writer(graph, name).source()


class _Writer:
    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name
        self.holes = Holes()
        self.shapes = shapes_at(graph, 2)
        self.root = unit_tree(graph)
        self.constructors: dict[Unit, str] = {}
        self.helpers: set[str] = set()
        self.classes: list[str] = []
        self.used_names = {name, "Tensor", "OrderedDict", *HELPERS}
        self.faults: list[str] = []

    def source(self) -> str:
        """The whole file."""
        _check_names(self.graph, self.root)
        levels: dict[int, list[Unit]] = {}
        self._height(self.root, levels)
        for height in sorted(levels):
            self._write_level(levels[height])
        if self.faults:
            raise ExportError("every node must have a form in PyTorch: " + " ".join(self.faults))
        helpers = [HELPERS[h].strip("\n") for h in sorted(self.helpers)]
        body = "\n\n\n".join([*helpers, *self.classes, _demo(self.graph, self.name)])
        ordered = "from collections import OrderedDict\n\n" if "OrderedDict(" in body else ""
        functional = "import torch.nn.functional as F\n" if re.search(r"\bF\.", body) else ""
        imports = f"{ordered}import torch\n{functional}from torch import Tensor, nn\n"
        return f"{_docstring(self.graph, self.name)}\n\n{imports}\n\n{body}\n"

    def _height(self, unit: Unit, levels: dict[int, list[Unit]]) -> int:
        height = 1 + max((self._height(child, levels) for child in unit.children.values()), default=0)
        levels.setdefault(height, []).append(unit)
        return height

    def _write_level(self, units: list[Unit]) -> None:
        """Constructor expression of each unit; those that are a class of their own are grouped by structure."""
        groups: dict[str, list[Draft]] = {}
        for unit in units:
            simple = None if unit is self.root else layer(self.graph, unit, self.holes) or self._sequence(unit)
            if simple is not None:
                self.constructors[unit] = simple
            else:
                draft = self._draft(unit)
                groups.setdefault("root" if unit is self.root else self.holes.skeleton(draft.text), []).append(draft)
        for drafts in groups.values():
            self._write_classes(drafts)

    def _sequence(self, unit: Unit) -> str | None:
        """nn.Sequential for a scope that only passes one value through its submodules."""
        children = list(unit.children.values())
        chain = unit.called and children and not unit.parameters and unit.items == children
        if not chain or len(unit.inputs) != 1 or len(unit.outputs) != 1:
            return None
        value: list[Tensor] = unit.inputs
        for child in children:
            if child.inputs != value or len(child.outputs) != 1:
                return None
            value = child.outputs
        if value != unit.outputs:
            return None
        return _sequential({name: self.constructors[child] for name, child in unit.children.items()})

    def _draft(self, unit: Unit) -> Draft:
        draft = Draft(unit)
        for parameter in unit.parameters:
            draft.inits.append(("", self._parameter(parameter)))
        if unit.called:
            forward = Forward(self.graph, unit, self.holes, self.shapes)
            try:
                forward.write()
            except ExportError as error:
                self.faults.append(f"in {'.'.join(unit.path) or 'the network'}: {error}")
            for tensor, name in forward.constants.items():
                value = self.holes.mark(name, array_text(tensor))
                draft.inits.append((name, f'self.register_buffer("{name}", {value}, persistent=False)'))
            draft.arguments = forward.arguments
            draft.lines = [*forward.lines, f"return {forward.result}"]
            self.helpers |= forward.helpers
        for name, child in self._in_order(unit):
            draft.inits.append((name, _assignment(name, self.constructors[child])))
        return draft

    def _in_order(self, unit: Unit) -> list[tuple[str, Unit]]:
        """Submodules in the order in which they run."""
        place = {item: i for i, item in enumerate(unit.items) if isinstance(item, Unit)}
        return sorted(unit.children.items(), key=lambda pair: place.get(pair[1], -1))

    def _parameter(self, parameter: Parameter) -> str:
        name = self.graph.names[parameter].rpartition(".")[2]
        names = {1: ["features"], 2: ["in_features", "out_features"]}.get(parameter.rank, ["size"] * parameter.rank)
        sizes = ", ".join(self.holes.mark(n, size) for n, size in zip(names, parameter.shape, strict=True))
        dtype = "" if parameter.dtype == "float32" else f", dtype=torch.{parameter.dtype}"
        if parameter.trainable:
            return f"self.{name} = nn.Parameter(torch.empty({sizes or '()'}{dtype}))"
        return f'self.register_buffer("{name}", torch.empty({sizes or "()"}{dtype}))'

    def _write_classes(self, drafts: list[Draft]) -> None:
        """One class for copies of one structure, or several where they differ in too much."""
        values = [[hole.value for hole in self.holes.found_in(d.text)] for d in drafts]
        arguments = self._arguments(drafts[0], values)
        if len(set(filter(None, arguments))) > MOST_ARGUMENTS:
            alike: dict[str, list[Draft]] = {}
            for draft, own in zip(drafts, values, strict=True):
                alike.setdefault(repr(own), []).append(draft)
            for copies in alike.values():
                self._write_class(copies, [None] * len(arguments), [])
        else:
            self._write_class(drafts, arguments, values)

    def _arguments(self, draft: Draft, values: list[list[object]]) -> list[str | None]:
        """Expression for each hole: the name of a constructor argument, or None where all copies agree."""
        holes = self.holes.found_in(draft.text)
        owners = [name for name, s in draft.inits for _ in self.holes.found_in(s)]
        columns = [[own[i] for own in values] for i in range(len(holes))]
        taken = {*(name for name, _ in draft.inits), *draft.arguments}
        given: list[tuple[str, bool, list[object]]] = []
        result: list[str | None] = []
        for number, (hole, column) in enumerate(zip(holes, columns, strict=True)):
            if all(same(v, column[0]) for v in column):
                result.append(None)
                continue
            half = next((n for n, _, c in given if n.endswith("kernel_size") and _halves(column, c)), None)
            if hole.name == "padding" and half is not None:
                result.append(f"{half} // 2")
                continue
            width = hole.name in SIZES
            known = next(
                (n for n, w, c in given if all(map(same, c, column)) and (w and width or _stem(n) == hole.name)), None
            )
            if known is None:
                owner = owners[number] if number < len(owners) and owners[number].isidentifier() else ""
                known = _free(hole.name, owner, taken)
                taken.add(known)
                given.append((known, width, column))
            result.append(known)
        return result

    def _write_class(self, drafts: list[Draft], arguments: list[str | None], values: list[list[object]]) -> None:
        draft = drafts[0]
        name = self.name if draft.unit is self.root else self._class_name(drafts)
        names = list(dict.fromkeys(a for a in arguments if a and "//" not in a))
        self.classes.append(self._class_text(draft, name, arguments, names))
        for number, copy in enumerate(drafts):
            own = dict(zip(arguments, values[number], strict=True)) if values else {}
            given = ", ".join(self.holes.mark(n, own[n]) for n in names)
            self.constructors[copy.unit] = f"{name}({given})"

    def _class_text(self, draft: Draft, name: str, arguments: list[str | None], names: list[str]) -> str:
        pending = iter(arguments)

        def filled(text: str, in_forward: bool = False) -> str:
            count = len(self.holes.found_in(text))
            own = [next(pending) for _ in range(count)]
            if in_forward:
                stored.update(dict.fromkeys(a for a in own if a))
                own = [a and f"self.{a}" for a in own]
            return self.holes.filled(text, own)

        stored: dict[str, None] = {}
        inits = [filled(statement) for _, statement in draft.inits]
        lines = [filled(line, in_forward=True) for line in draft.lines]
        kept = [f"self.{a} = {a}" for a in stored]
        root = draft.unit is self.root
        body = [f"class {name}(nn.Module):"]
        if inits or names:
            signature = ", ".join(["self", *(f"{n}: {self._type(draft, arguments, n)}" for n in names)])
            inner = ["super().__init__()", *kept, *inits, *(["self.reset_parameters()"] if root and self.graph.parameters else [])]
            body += wrapped(f"def __init__({signature}) -> None:", 4)
            body += [line for statement in inner for line in wrapped(statement, 8)]
        if root and self.graph.parameters:
            body += ["", *reset_parameters(self.graph)]
        if lines:
            body += [""] * (len(body) > 1)
            count = len(draft.unit.outputs)
            result = "Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]"
            tensors = "".join(f", {a}: Tensor" for a in draft.arguments)
            body += wrapped(f"def forward(self{tensors}) -> {result}:", 4)
            body += [line for statement in lines for line in wrapped(statement, 8)]
        return "\n".join(body)

    def _type(self, draft: Draft, arguments: list[str | None], name: str) -> str:
        value = self.holes.found_in(draft.text)[arguments.index(name)].value
        if isinstance(value, Raw):
            return "Tensor"
        return f"int | tuple[int, ...]" if name.endswith(("kernel_size", "stride", "padding", "dilation")) else {
            int: "int", float: "float", bool: "bool", str: "str", list: "list[int]", tuple: "tuple[int, ...]"
        }[type(value)]

    def _class_name(self, drafts: list[Draft]) -> str:
        """Name after the commonest scope; one that is numbered is named after what holds it."""
        words = Counter(_word(d.unit.path) for d in drafts)
        base = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", words.most_common(1)[0][0]))
        base = base if base.isidentifier() else f"Block{base}"
        name, number = base, 1
        while name in self.used_names:
            number += 1
            name = f"{base}{number}"
        self.used_names.add(name)
        return name


def _check_names(graph: Graph, root: Unit) -> None:
    faults = []
    for unit in root.subtree():
        hints = [graph.names[p][len(".".join(unit.path)) + bool(unit.path) :] for p in unit.parameters]
        for hint in hints:
            if not hint.isidentifier() or hint in MODULE_NAMES or hint in unit.children:
                faults.append(f"parameter {hint!r} of {'.'.join(unit.path) or 'the network'}")
        faults += [f"scope {name!r}" for name in unit.children if "." in name or not name]
    if faults:
        raise ExportError(f"names must be usable as attributes of a torch module, but not so: {', '.join(faults)}.")


def _word(path: tuple[str, ...]) -> str:
    """Last part of a path without the number that tells it from its siblings."""
    for name in reversed(path):
        if not name.isdigit():
            word = re.sub(r"_?\d+$", "", name) or name
            return word if name is path[-1] else f"{word}_item"
    return "block"


def _stem(name: str) -> str:
    return name


def _halves(column: list[object], kernels: list[object]) -> bool:
    return all(
        isinstance(p, int) and isinstance(k, int) and p == k // 2 for p, k in zip(column, kernels, strict=True)
    )


def _free(name: str, owner: str, taken: set[str]) -> str:
    numbered = (f"{name}_{i}" for i in range(2, len(taken) + 3))
    return next(n for n in (name, *([f"{owner}_{name}"] if owner else []), *numbered) if n not in taken)


def _assignment(name: str, constructor: str) -> str:
    if is_plain(name):
        return f"self.{name} = {constructor}"
    if name in MODULE_NAMES:
        return f'self._modules["{name}"] = {constructor}'
    return f'self.add_module("{name}", {constructor})'


def _sequential(children: dict[str, str]) -> str:
    if list(children) == [str(i) for i in range(len(children))]:
        return f"nn.Sequential({', '.join(children.values())})"
    if all(is_plain(name) for name in children):
        return f"nn.Sequential(OrderedDict({', '.join(f'{k}={v}' for k, v in children.items())}))"
    pairs = ", ".join(f"({literal(k)}, {v})" for k, v in children.items())
    return f"nn.Sequential(OrderedDict([{pairs}]))"


def _shape(tensor: Tensor) -> str:
    return literal(("batch", *tensor.shape[1:])).replace('"', "")


def _docstring(graph: Graph, name: str) -> str:
    count = sum(p.size for p in graph.parameters.values() if p.trainable)
    inputs = " and ".join(f"{_shape(t)} {t.dtype}" for t in graph.inputs)
    outputs = " and ".join(_shape(t) for t in graph.outputs)
    lines = [f'"""{name}: {inputs} to {outputs}, {count:,} trained parameters.']
    if graph.parameters:
        lines += [
            "",
            "Load the weights that stand beside this file with",
            "",
            f"    model = {name}()",
            '    model.load_state_dict(safetensors.torch.load_file("model.safetensors"))',
            "    model.eval()",
            "",
            "Without them the weights are the initial ones; `model.reset_parameters(seed)` draws others.",
        ]
    return "\n".join([*lines, '"""'])


def _demo(graph: Graph, name: str) -> str:
    """What the file does when it is run: load the weights beside it and apply the network to random inputs."""
    draws = [
        f"torch.randn{literal((2, *t.shape[1:]))}" if t.dtype.startswith("float")
        else f"torch.zeros({literal((2, *t.shape[1:]))}, dtype=torch.{t.dtype})"
        for t in graph.inputs
    ]
    load = '    model.load_state_dict(load_file(Path(__file__).with_name("model.safetensors")))\n'
    has_weights = bool(graph.parameters)
    head = "    from pathlib import Path\n\n    from safetensors.torch import load_file\n\n" if has_weights else ""
    result = "\n".join(wrapped(f"result = model({', '.join(draws)})", 8))
    show = "result.shape" if len(graph.outputs) == 1 else "[tensor.shape for tensor in result]"
    return (
        f'if __name__ == "__main__":\n{head}    model = {name}()\n{load if has_weights else ""}    model.eval()\n'
        f"    with torch.inference_mode():\n{result}\n    print({show})"
    )
