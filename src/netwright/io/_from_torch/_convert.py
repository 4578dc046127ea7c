"""The walk through an exported program: each operator computed, converted, or noted as one without counterpart."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from netwright.errors import ModelError, ShapeError
from netwright.graph import Opaque, Tensor, scope
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError
from netwright.io._from_torch._state import State, dtype_name, real
from netwright.io._from_torch._table import converter_of

if TYPE_CHECKING:
    import torch
    from torch import fx

__all__ = ["Conversion", "Missing"]

SILENT = ("aten._assert", "aten.sym_", "aten._assert_tensor_metadata", "aten.sym_constrain_range", "prim.device")
"""Starts of the names of operators that only check."""

EMPTY = ("aten.empty", "aten.new_empty")
"""Operators whose numbers are whatever stood in memory; zeros here, so that every import gives the same."""

PLACEMENT = frozenset({"device", "layout", "pin_memory", "memory_format", "non_blocking", "generator"})
"""Arguments that say where numbers are kept."""

INLINED = ("wrap_with_set_grad_enabled", "wrap_with_autocast")
"""Operators that run a part of the program under a setting that does not matter here."""


COMPLEX = "complex numbers"


class Missing:
    """An operator without counterpart: what it is called, where it stands, what it reads and why it was refused.

    final: whether simpler operators would not help.
    """

    def __init__(self, node: fx.Node, path: str, inputs: Iterable[Any], reason: str) -> None:
        self.target = node.target
        self.final = reason == COMPLEX
        where = ".".join(filter(None, (path, node.name)))
        shapes = ", ".join("x".join(map(str, t.shape)) or "a number" for t in inputs)
        because = f" ({reason})" if reason else ""
        self.text = f"{_kind(node.target)} {where!r} on {shapes or 'nothing'}{because}"


def _kind(target: Any) -> str:
    """Name of an operator as `aten::name`."""
    space, _, name = str(target).rpartition(".")[0].partition(".")
    return f"{space}::{name}" if space and name else str(target)


class Conversion:
    """Runs the nodes of a program on symbolic values; `missing` lists those that could not be converted."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.builder = Builder(state)
        self.missing: list[Missing] = []
        self._held: dict[int, Any] = {}

    def holds(self, tensor: torch.Tensor, value: Any) -> Any:
        """Note which value a tensor of the module has, and return it."""
        self._held[id(tensor)] = value
        return value

    def again(self, module: fx.GraphModule, inputs: list[Any]) -> list[Tensor] | None:
        """Outputs of another trace of the same module on the same parameters; None where one has no counterpart."""
        found = len(self.missing)
        made = self.run(module, inputs)
        missing, self.missing[found:] = self.missing[found:], []
        return None if missing else [self.builder.tensor(value) for value in made]

    def run(self, module: fx.GraphModule, given: Mapping[str, Any] | list[Any], path: str = "") -> Any:
        """Outputs of a program whose placeholders have the given values, by name or in order."""
        values: dict[fx.Node, Any] = {}
        ordered = iter(given) if isinstance(given, list) else None
        for node in module.graph.nodes:
            if node.op == "placeholder":
                values[node] = next(ordered) if ordered else given[node.name]
            elif node.op == "get_attr":
                found = _attribute(module, node.target)
                values[node] = self._held.get(id(found), found)
            elif node.op == "output":
                return _looked_up(node.args[0], values)
            else:
                self._step(node, values, path)
        raise ModelError("a program must have an output, but has none.")

    def _step(self, node: fx.Node, values: dict[fx.Node, Any], path: str) -> None:
        args, kwargs = _looked_up(node.args, values), _looked_up(node.kwargs, values)
        if node.target is operator.getitem:
            values[node] = args[0][args[1]]
            return
        path = _module_path(node) or path
        with scope(self.state.scope(path)):
            values[node] = self._converted(node, args, kwargs, path)
        if _writes(node):
            # What is read later under the old name is the new value.
            values[node.args[0]] = values[node]  # type: ignore[index]

    def _converted(self, node: fx.Node, args: Any, kwargs: Any, path: str) -> Any:
        name = str(node.target)
        if name in INLINED:
            place = next(i for i, value in enumerate(args) if hasattr(value, "graph"))
            return self.run(args[place], list(args[place + 1 :]), path)
        if name.startswith(SILENT):
            return None
        known = _known_shape(node)
        if known is not None:
            return known
        reads = list(_tensors((args, kwargs)))
        if not any(isinstance(value, Tensor) for value in reads) and _can_be_computed(node.target):
            return _computed(node, args, kwargs)
        self.builder.node, self.builder.path = node, path
        if _is_complex(node):
            self.missing.append(Missing(node, path, reads, COMPLEX))
            return self._opaque(node, reads)
        try:
            convert = converter_of(node.target)
            if convert is None:
                raise NoFormError
            made = _call(convert, self.builder, args, kwargs)
            _check(node, made)
        except (NoFormError, ModelError, ShapeError) as error:
            self.missing.append(Missing(node, path, reads, str(error).rstrip(".")))
            return self._opaque(node, reads)
        return made

    def _opaque(self, node: fx.Node, reads: list[Any]) -> Any:
        value: Any = node.meta.get("val")
        several = isinstance(value, (tuple, list))
        made = [v for v in (value if several else [value]) if hasattr(v, "shape")]
        if not made:
            return None
        types = [(tuple(v.shape), dtype_name(v.dtype)) for v in map(real, made)]
        inputs = [self.builder.tensor(real(t)) for t in reads if isinstance(t, Tensor) or t.numel()]
        result = Opaque(_kind(node.target), types)(*inputs)
        return result if not several else [result] if isinstance(result, Tensor) else list(result)


def _is_complex(node: fx.Node) -> bool:
    """Whether a node reads or makes complex numbers, which the graph does not have."""
    values: list[Any] = [n.meta.get("val") for n in (node, *node.all_input_nodes)]
    return any(t.dtype.is_complex for t in _tensors(values))


def _module_path(node: fx.Node) -> str:
    """Path of the module that called an operator; the second call of a module counts as the first."""
    stack = node.meta.get("nn_module_stack") or {}
    path = list(stack.values())[-1][0] if stack else ""
    return ".".join(part.partition("@")[0] for part in str(path).split(".")) if path else ""


def _looked_up(argument: Any, values: Mapping[fx.Node, Any]) -> Any:
    """Arguments with the values of the nodes that they name."""
    if isinstance(argument, (list, tuple)):
        return [_looked_up(a, values) for a in argument]
    if isinstance(argument, dict):
        return {key: _looked_up(a, values) for key, a in argument.items()}
    return values[argument] if hasattr(argument, "all_input_nodes") else argument


def _attribute(module: fx.GraphModule, target: Any) -> Any:
    found: Any = module
    for name in str(target).split("."):
        found = getattr(found, name)
    return found


def _tensors(argument: Any) -> Iterator[Any]:
    """Tensors, symbolic or known, in nested arguments."""
    if isinstance(argument, (list, tuple)):
        for a in argument:
            yield from _tensors(a)
    elif isinstance(argument, dict):
        yield from _tensors(list(argument.values()))
    elif hasattr(argument, "shape") and hasattr(argument, "dtype"):
        yield argument


def _known_shape(node: fx.Node) -> torch.Tensor | None:
    """A result without elements is known whatever it is made from."""
    import torch

    value = node.meta.get("val")
    if isinstance(value, torch.Tensor) and 0 in value.shape:
        return torch.empty(tuple(value.shape), dtype=value.dtype)
    return None


def _can_be_computed(target: Any) -> bool:
    """Whether the result is always the same: no random numbers, and no part of a program."""
    import torch

    if isinstance(target, torch._ops.OpOverload):
        return torch.Tag.nondeterministic_seeded not in target.tags
    return not isinstance(target, torch._ops.HigherOrderOperator)


def _computed(node: fx.Node, args: Any, kwargs: Any) -> Any:
    """Result on known numbers; what a write would change is copied first."""
    import torch

    target: Any = node.target
    if _writes(node):
        args = [args[0].clone(), *args[1:]]
    if str(target).startswith(EMPTY):
        return torch.zeros(tuple(node.meta["val"].shape), dtype=node.meta["val"].dtype)
    with torch.no_grad():
        return target(*args, **kwargs)


def _writes(node: fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable and hasattr(node.args[0], "all_input_nodes")


def _call(convert: Converter, builder: Builder, args: Any, kwargs: Any) -> Any:
    options = {key: value for key, value in kwargs.items() if key not in PLACEMENT}
    try:
        return convert(builder, *args, **options)
    except TypeError:
        try:
            inspect.signature(convert).bind(builder, *args, **options)
        except TypeError as error:
            raise NoFormError("an overload with other arguments") from error
        raise


def _check(node: fx.Node, made: Any) -> None:
    """Raise NoFormError where a converter made another shape or type than ATen does."""
    value: Any = node.meta.get("val")
    pairs = zip(made, value, strict=False) if isinstance(value, (tuple, list)) else [(made, value)]
    for ours, theirs in pairs:
        if hasattr(ours, "shape") and hasattr(theirs, "shape"):
            stated = (tuple(theirs.shape), dtype_name(theirs.dtype))
            found = (tuple(ours.shape), ours.dtype if isinstance(ours, Tensor) else dtype_name(ours.dtype))
            if found != stated:
                raise NoFormError(f"it would make {found[0]} {found[1]} instead of {stated[0]} {stated[1]}")
