"""PyTorch source out: one readable file that needs nothing but torch."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netwright.errors import ExportError
from netwright.graph import Graph, Parameter, Shape, Tensor
from netwright.io._batch import shapes_at
from netwright.io._to_torch._classes import Arguments, Draft, arguments_of, class_text, class_word, sequence_items
from netwright.io._to_torch._code import MODULE_NAMES, Holes, Raw, is_plain, literal, wrapped
from netwright.io._to_torch._forward import Forward, array_text
from netwright.io._to_torch._helpers import HELPERS
from netwright.io._to_torch._layers import layer
from netwright.io._to_torch._starts import reset_parameters
from netwright.io._to_torch._units import Unit, unit_tree

__all__ = ["to_torch_source"]

MOST_ARGUMENTS = 6
"""Copies that differ in more values than this get classes of their own."""

LONG = 120
"""A chain of submodules that recurs gets a class when its text is longer."""


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
    """Writes the classes of one graph, the innermost first."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name
        self.holes = Holes()
        self.shapes = shapes_at(graph, 2)
        self.root = unit_tree(graph)
        self.constructors: dict[Unit, str] = {}
        self.helpers: set[str] = set()
        self.classes: list[str] = []
        self.class_names = {name, "F", "OrderedDict", "Path", "Tensor", *HELPERS}
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
        return f"{_docstring(self.graph, self.name, self.shapes)}\n\n{imports}\n\n{body}\n"

    def _height(self, unit: Unit, levels: dict[int, list[Unit]]) -> int:
        height = 1 + max((self._height(child, levels) for child in unit.children.values()), default=0)
        levels.setdefault(height, []).append(unit)
        return height

    def _write_level(self, units: list[Unit]) -> None:
        """Constructor expression of each unit; those that are a class of their own are grouped by structure."""
        groups: dict[str, list[Draft]] = {}
        for unit in units:
            constructor = None if unit is self.root else layer(self.graph, unit, self.holes)
            if constructor is not None:
                self.constructors[unit] = constructor
                continue
            draft = self._draft(unit)
            # The text of a chain does not name its parts: without their names, {"2": x} would pass for {"3": x}.
            names = [name for name, _ in draft.inits] if draft.chained else None
            key = "root" if unit is self.root else f"{names} {self.holes.skeleton(draft.text)}"
            groups.setdefault(key, []).append(draft)
        for drafts in groups.values():
            self._write_group(drafts)

    def _write_group(self, drafts: list[Draft]) -> None:
        """One class for copies of one structure, or several where they differ in too much; none for a small chain."""
        arguments = self._arguments(drafts)
        many = len(arguments.columns) > MOST_ARGUMENTS
        if drafts[0].chained and (many or len(drafts) == 1 or len(drafts[0].text) < LONG):
            for draft in drafts:
                self.constructors[draft.unit] = f"nn.Sequential({sequence_items(dict(draft.inits))})"
        elif many:
            alike: dict[str, list[Draft]] = {}
            for draft in drafts:
                alike.setdefault(repr([h.value for h in self.holes.found_in(draft.text)]), []).append(draft)
            for copies in alike.values():
                self._write_class(copies, self._arguments(copies))
        else:
            self._write_class(drafts, arguments)

    def _arguments(self, drafts: list[Draft]) -> Arguments:
        first = drafts[0]
        own = {self.graph.names[p].rpartition(".")[2] for p in first.unit.parameters}
        return arguments_of(self.holes, drafts, {*own, *(n for n, _ in first.inits), *first.inputs, *MODULE_NAMES})

    def _write_class(self, drafts: list[Draft], arguments: Arguments) -> None:
        name = self.name if drafts[0].unit is self.root else self._class_name([d.unit for d in drafts])
        self.classes.append(class_text(self.holes, drafts[0], name, arguments))
        for number, draft in enumerate(drafts):
            self.constructors[draft.unit] = f"{name}({arguments.call(self.holes, number)})"

    def _class_name(self, units: list[Unit]) -> str:
        base = name = class_word(units)
        number = 1
        while name in self.class_names:
            number += 1
            name = f"{base}{number}"
        self.class_names.add(name)
        return name

    def _draft(self, unit: Unit) -> Draft:
        if unit is not self.root and _is_chain(unit):
            return Draft(unit, True, [(name, self.constructors[child]) for name, child in unit.children.items()])
        draft = Draft(unit, inits=[("", self._parameter(parameter)) for parameter in unit.parameters])
        if unit.called:
            self._write_forward(draft)
        for name, child in self._in_order(unit):
            draft.inits.append((name, _assignment(name, self.constructors[child])))
        if unit is self.root and self.graph.parameters:
            draft.inits.append(("", "self.reset_parameters()"))
            draft.methods = reset_parameters(self.graph)
        return draft

    def _write_forward(self, draft: Draft) -> None:
        forward = Forward(self.graph, draft.unit, self.holes, self.shapes)
        try:
            forward.write()
        except ExportError as error:
            self.faults.append(str(error))
        for tensor, name in forward.constants.items():
            value = self.holes.mark(name, array_text(tensor))
            draft.inits.append((name, f'self.register_buffer("{name}", {value}, persistent=False)'))
        draft.inputs = forward.arguments
        draft.lines = [*forward.lines, f"return {forward.result}"]
        self.helpers |= forward.helpers

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
            made = f"nn.Parameter(torch.empty({sizes or '()'}{dtype}))"
            return f"self.{name} = {made}" if name.isidentifier() else f'self.register_parameter("{name}", {made})'
        return f'self.register_buffer("{name}", torch.empty({sizes or "()"}{dtype}))'


def _check_names(graph: Graph, root: Unit) -> None:
    faults = []
    for unit in root.subtree():
        hints = [graph.names[p][len(".".join(unit.path)) + bool(unit.path) :] for p in unit.parameters]
        for hint in hints:
            # Numbers are the names in an nn.ParameterList.
            if not (hint.isidentifier() or hint.isdecimal()) or hint in MODULE_NAMES or hint in unit.children:
                faults.append(f"parameter {hint!r} of {'.'.join(unit.path) or 'the network'}")
        faults += [f"scope {name!r}" for name in unit.children if "." in name or not name]
    if faults:
        raise ExportError(f"names must be usable as attributes of a torch module, but not so: {', '.join(faults)}.")


def _is_chain(unit: Unit) -> bool:
    """Whether a unit only passes one value through its submodules, in the order in which they stand."""
    children = list(unit.children.values())
    if not unit.called or not children or unit.parameters or unit.items != children:
        return False
    if unit.children.keys() & MODULE_NAMES:  # nn.Sequential would refuse a child named `half`
        return False
    values = [unit.inputs, *(child.outputs for child in children)]
    passed = all(child.inputs == value for child, value in zip(children, values, strict=False))
    return passed and values[-1] == unit.outputs and all(len(value) == 1 for value in values)


def _assignment(name: str, constructor: str) -> str:
    if is_plain(name):
        return f"self.{name} = {constructor}"
    if name in MODULE_NAMES:
        return f'self._modules["{name}"] = {constructor}'
    return f'self.add_module("{name}", {constructor})'


def _shape(tensor: Tensor, with_two: Mapping[Tensor, Shape]) -> str:
    """Shape in which `batch` stands for the number of rows."""
    pairs = zip(tensor.shape, with_two.get(tensor, tensor.shape), strict=True)
    sizes = tuple(Raw(str(a) if a == b else "batch" if a == 1 else f"{a} * batch") for a, b in pairs)
    return literal(sizes)


def _docstring(graph: Graph, name: str, with_two: Mapping[Tensor, Shape]) -> str:
    count = sum(p.size for p in graph.parameters.values() if p.trainable)
    inputs = " and ".join(f"{_shape(t, with_two)} {t.dtype}" for t in graph.inputs)
    outputs = " and ".join(_shape(t, with_two) for t in graph.outputs)
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
        f"torch.randn{literal(t.shape_at(2))}"
        if t.dtype.startswith("float")
        else f"torch.zeros({literal(t.shape_at(2))}, dtype=torch.{t.dtype})"
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
