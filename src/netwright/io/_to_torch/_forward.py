"""The body of a forward method: which values get a variable, which are nested, and the names of the variables."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, count

import numpy as np

from netwright.errors import ExportError
from netwright.graph import Constant, Graph, Node, Parameter, Tensor
from netwright.io._batch import describe
from netwright.io._to_torch._code import Code, Holes, Raw, literal, member
from netwright.io._to_torch._helpers import HELPERS
from netwright.io._to_torch._ops import SCALAR_OPERANDS, expression, names_input_twice
from netwright.io._to_torch._units import Unit, resolved

__all__ = ["Forward"]

NESTED = 3
"""Most operations in one expression."""

VARIABLES = ("x", "y", "z", "u", "v", "w", "a", "b", "c", "d", "e")


class Forward:
    """Writes the forward method of one unit: `lines`, `arguments`, and the arrays that it needs as buffers."""

    def __init__(self, graph: Graph, unit: Unit, holes: Holes, shapes_at_two: dict[Tensor, tuple[int, ...]]) -> None:
        self.graph, self.unit, self.holes = graph, unit, holes
        self.shapes_at_two = shapes_at_two
        self.helpers: set[str] = set()
        self.constants: dict[Constant, str] = {}
        self.lines: list[str] = []
        self.arguments: list[str] = []
        self.result = ""
        self._values: dict[Tensor, Code] = {}
        self._known: set[str] = set()
        self._pending: dict[Tensor, Code] = {}
        self._uses = self._count_uses()
        self._own = {p: below.path for below in unit.subtree() for p in below.parameters}
        self._root = not unit.path

    # What the operators need (see `Scribe`).

    def hole(self, name: str, value: object, prefix: str = "", default: object = None) -> str:
        """Text of a literal that may differ between copies of a module."""
        return self.holes.mark(name, value, prefix, default)

    def helper(self, name: str) -> str:
        """Name of a function that the source must define."""
        if name not in HELPERS:
            raise ExportError(f"there is no helper named {name}.")
        self.helpers.add(name)
        return name

    def write(self) -> None:
        """Fill in the lines and the result.

        Raises ExportError that lists the operators that have no form in PyTorch.
        """
        self._name_arguments()
        faults = []
        for item in self.unit.items:
            try:
                self._run(item)
            except ExportError as error:
                where = "" if isinstance(item, Unit) else f"{describe(self.graph, item.output)}: "
                faults.append(f"{where}{error}")
        if faults:
            raise ExportError(" ".join(faults))
        self.result = ", ".join(self._read(t).text for t in self.unit.outputs)

    def _count_uses(self) -> Counter[Tensor]:
        uses: Counter[Tensor] = Counter(self.unit.outputs)
        for item in self.unit.items:
            uses.update(self._inputs(item))
        return uses

    def _inputs(self, item: Node | Unit) -> list[Tensor]:
        if isinstance(item, Unit):
            return item.inputs
        return [resolved(t) for t in item.inputs if t is not None]

    def _name_arguments(self) -> None:
        for tensor in self.unit.inputs:
            name = self._argument(tensor)
            self.arguments.append(name)
            self._known.add(name)
            self._values[tensor] = Code(name)

    def _argument(self, tensor: Tensor) -> str:
        wanted = "x"
        if self._root and len(self.unit.inputs) > 1:
            wanted = re.sub(r"\W", "_", self.graph.names[tensor])
            wanted = wanted if wanted.isidentifier() else f"input_{wanted}"
        elif isinstance(tensor, Parameter):
            wanted = tensor.hint
        if wanted in self.arguments or keyword.iskeyword(wanted) or wanted in ("F", "nn", "self", "torch"):
            return next(n for n in self._pool() if n not in self.arguments)
        return wanted

    def _pool(self) -> Iterator[str]:
        return chain(VARIABLES, (f"t{i}" for i in count()))

    def _run(self, item: Node | Unit) -> None:
        inputs = self._inputs(item)
        if isinstance(item, Node) and names_input_twice(self, item):
            self._settle(inputs[0])
        self._keep_short(inputs)
        nested = {t: self._pending[t] for t in inputs if t in self._pending}
        code = self._call(item) if isinstance(item, Unit) else expression(self, item, self._operands(item))
        outputs = list(item.outputs)
        for tensor in nested:
            self._pending.pop(tensor, None)
        self._uses.subtract(inputs)
        if len(outputs) > 1:
            self._assign_all(outputs, code)
        elif self._uses[outputs[0]] == 1:
            self._pending[outputs[0]] = self._values[outputs[0]] = code
        else:
            self._assign(outputs[0], code)

    def _call(self, unit: Unit) -> Code:
        codes = [self._read(tensor) for tensor in unit.inputs]
        given = ", ".join(code.text for code in codes)
        return Code(f"{member(unit.path[len(self.unit.path) :])}({given})", size=1 + sum(c.size for c in codes))

    def _operands(self, node: Node) -> list[Code | None]:
        tensors = [t and resolved(t) for t in node.inputs]
        variable = any(t is not None and not isinstance(t, Constant) for t in tensors)
        codes: list[Code | None] = []
        for tensor in tensors:
            if isinstance(tensor, Constant) and tensor.size == 1 and variable and self._takes_number(node, tensor):
                codes.append(self._number(tensor))
            else:
                codes.append(None if tensor is None else self._read(tensor))
        return codes

    def _takes_number(self, node: Node, constant: Constant) -> bool:
        name = node.op.name
        return (
            name in SCALAR_OPERANDS
            and node.output.rank >= constant.rank
            and not (name == "Where" and node.inputs[0] is constant)
            and any(t is not None and not isinstance(t, Constant) and t.rank >= constant.rank for t in node.inputs)
        )

    def _number(self, constant: Constant) -> Code:
        value = constant.value.reshape(()).item()
        if constant.value.dtype == "float32":
            value = _shortest(value)
        text = self.hole("factor", value)
        return Code(text if not isinstance(value, float) or value >= 0 else f"({text})", scalar=True)

    def _read(self, tensor: Tensor) -> Code:
        """Expression for a tensor that is there already."""
        if tensor in self._values:
            return self._values[tensor]
        if isinstance(tensor, Parameter) and tensor in self._own:
            path = self._own[tensor][len(self.unit.path) :]
            name = self.graph.names[tensor].rpartition(".")[2]
            kind = "parameter" if tensor.trainable else "buffer"
            return Code(f"{member(path)}." + (name if name.isidentifier() else f'get_{kind}("{name}")'))
        if isinstance(tensor, Constant):
            return Code(f"self.{self._constant(tensor)}")
        raise ExportError(f"{self.graph.names[tensor]} is read before it is made.")

    def _constant(self, tensor: Constant) -> str:
        if tensor not in self.constants:
            taken = {*self.unit.children, *(p.hint for p in self.unit.parameters), *self.constants.values()}
            names = ["constant", *(f"constant_{i}" for i in range(1, len(taken) + 2))]
            self.constants[tensor] = next(n for n in names if n not in taken)
        return self.constants[tensor]

    def _keep_short(self, inputs: Sequence[Tensor]) -> None:
        """Give the largest nested operands a variable until the expression is short enough to read."""
        while True:
            nested = [t for t in inputs if t in self._pending]
            if sum(self._pending[t].size for t in nested) < NESTED or not nested:
                return
            self._settle(max(nested, key=lambda t: self._pending[t].size))

    def _settle(self, tensor: Tensor) -> None:
        if tensor in self._pending:
            self._assign(tensor, self._pending.pop(tensor))

    def _assign(self, tensor: Tensor, code: Code) -> None:
        name = self._variable(code.text)
        self.lines.append(f"{name} = {code.text}")
        self._values[tensor] = Code(name)

    def _assign_all(self, outputs: Sequence[Tensor], code: Code) -> None:
        names: list[str] = []
        for tensor in outputs:
            name = self._variable(code.text, names) if self._uses[tensor] else "_"
            names.append(name)
            self._values[tensor] = Code(name)
        self.lines.append(f"{', '.join(names)} = {code.text}")

    def _variable(self, text: str, also: Sequence[str] = ()) -> str:
        """Name for a new value: that of an operand that is not needed any more, or a new one."""
        # Values that no one reads any more are forgotten, or a long network would take quadratic time.
        self._values = {t: c for t, c in self._values.items() if self._uses[t] > 0}
        live = {c.text for t, c in self._values.items() if t not in self._pending} | set(also)
        live |= {word for code in self._pending.values() for word in re.findall(r"[A-Za-z_]\w*", code.text)}
        words = re.findall(r"(?<![\w.])[A-Za-z_]\w*", text)
        old = [w for w in words if w in self._known and w not in live]
        name = old[0] if old else next(n for n in self._pool() if n not in live)
        self._known.add(name)
        return name


def array_text(constant: Constant) -> Raw:
    """Expression that makes the array of a constant."""
    value = constant.value
    dtype = "" if constant.dtype in ("int64", "bool") else f", dtype=torch.{constant.dtype}"
    flat = value.reshape(-1)
    if flat.size > 1 and (flat == flat[0]).all():
        return Raw(f"torch.full({literal(value.shape)}, {literal(flat[0].item())}{dtype})")
    if value.ndim == 1 and value.dtype.kind == "i" and (value == range(value.size)).all():
        return Raw(f"torch.arange({value.size}{dtype})")
    return Raw(f"torch.tensor({_nested(value.tolist(), constant.dtype)}{dtype})")


def _nested(values: object, dtype: str) -> str:
    if isinstance(values, list):
        return f"[{', '.join(_nested(v, dtype) for v in values)}]"
    if dtype == "float32" and isinstance(values, float):
        return literal(_shortest(values))
    return literal(values)


def _shortest(value: float) -> float:
    """The number of the shortest text that gives the same float32.

    As a double it may lie beyond the largest float32, which PyTorch takes for an overflow; then the exact one.
    """
    short = float(str(np.float32(value)))
    return short if abs(short) <= float(np.finfo(np.float32).max) else value
