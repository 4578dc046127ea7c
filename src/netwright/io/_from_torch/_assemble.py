"""From a module to a graph: export, convert, decompose what is left, convert again, name the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright._optional import require
from netwright.errors import ModelError, UnsupportedError
from netwright.graph import Graph, Input, Tensor
from netwright.graph import recognise as recognised
from netwright.io._free_batch import free_batch
from netwright.io._from_torch._convert import Conversion
from netwright.io._from_torch._example import arguments_of
from netwright.io._from_torch._exporting import decomposed, exported, functional, writes_into_views
from netwright.io._from_torch._state import State, dtype_name
from netwright.io._from_torch._twin import Original

if TYPE_CHECKING:
    from torch import fx, nn
    from torch.export import ExportedProgram

__all__ = ["from_torch"]

ROUNDS = 4
"""How often operators are written as simpler ones before what is left counts as unknown."""


def from_torch(module: nn.Module, example: Any, *, strict: bool = True, recognise: bool = True) -> Graph:
    """Graph of a PyTorch module with its weights, through `torch.export`: no edit of its source is needed.

    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    >>> graph = from_torch(net, (1, 3, 8, 8))
    >>> graph
    <Graph 1x3x8x8 -> 1x10, 4 nodes, 4 parameters>
    >>> list(graph.parameters)
    ['0.weight', '0.bias', '3.weight', '3.bias']

    The module is exported in evaluation mode and left as it was. Parameters and buffers keep the names of its state
    dict and share its memory; what it computes from numbers alone is computed here. Outputs in tuples, lists and
    dicts become the outputs of the graph in their order, without those that are None.

    The batch is free where the module, asked with two rows, takes the same steps, or else gives the same numbers; one
    that computes with its batch size, such as `x.sum() / x.shape[0]`, has inputs with `batch_axis` None.

    example: a tensor or an array, a tuple of them, a dict of keyword arguments, or, for random numbers, a shape such
        as (1, 3, 224, 224) or "1x3x224x224". Where all have one first size, the first row is taken. An argument of a
        tuple or a dict may be a list or a dict of arrays; these are inputs of their own.
    strict: whether operators without counterpart are an error. If not, each becomes a node of `graph.Opaque` that
        keeps its shapes, so that the graph can be profiled but not exported.
    recognise: whether what the module writes out becomes one operator, as in `graph.recognise`.

    Raises ModelError when the module does not run on the example or its control flow depends on data, and
    UnsupportedError that lists every operator without counterpart.
    """
    torch = require("torch", extra="train")
    if not isinstance(module, torch.nn.Module):
        raise ModelError(f"a model must be a torch.nn.Module, but got {type(module).__name__}.")
    args, kwargs = arguments_of(example, module)
    program = exported(module, args, kwargs)
    if writes_into_views(program.graph):
        program = functional(program)
    attempt = _completed(module, program)
    if attempt.missing and strict:
        raise UnsupportedError(missing.text for missing in attempt.missing)
    graph = attempt.graph(Original(module, args, kwargs))
    return recognised(graph) if recognise else graph


def _completed(module: nn.Module, program: ExportedProgram) -> _Attempt:
    """Conversion in which operators without a converter are made of simpler ones, where all of these have one."""
    attempt = _Attempt(module, program)
    unknown = attempt.unknown
    if not unknown:
        return attempt
    simpler = _simplified(module, program, unknown)
    if not simpler.unknown:
        return simpler
    # An operator that does not come out whole is reported, or kept, as what the module calls.
    whole = {target for target in unknown if not _simplified(module, program, {target}).unknown - unknown}
    return _simplified(module, program, whole) if whole else attempt


def _simplified(module: nn.Module, program: ExportedProgram, targets: set[Any]) -> _Attempt:
    """Conversion with these operators, and what they are made of, written as simpler ones."""
    others = _Attempt(module, program).unknown - targets
    for _ in range(ROUNDS):
        simpler = decomposed(program, targets)
        if simpler is None:
            break
        program = simpler
        targets = _Attempt(module, program).unknown - others
        if not targets:
            break
    return _Attempt(module, program)


class _Attempt:
    """One conversion of a program: inputs, outputs, and what had no counterpart."""

    def __init__(self, module: nn.Module, program: ExportedProgram) -> None:
        self.state = State(module)
        self.inputs: list[Input] = []
        self._conversion = Conversion(self.state)
        self.missing = self._conversion.missing
        given = self._given(program)
        made = list(_flat(self._conversion.run(program.graph_module, given)))
        specs = program.graph_signature.output_specs
        results = [value for value, spec in zip(made, specs, strict=True) if spec.kind.name == "USER_OUTPUT"]
        self.outputs = [self._conversion.builder.tensor(value) for value in results if hasattr(value, "shape")]
        if not self.outputs:
            raise ModelError("a module must return a tensor, but returns none.")

    @property
    def unknown(self) -> set[Any]:
        """Operators, by what is called, without counterpart somewhere, that simpler ones may stand for."""
        return {missing.target for missing in self.missing if not missing.final}

    def _given(self, program: ExportedProgram) -> dict[str, Any]:
        """Value of each placeholder by its name."""
        nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
        return {
            spec.arg.name: self._value(nodes[spec.arg.name], spec, program)
            for spec in program.graph_signature.input_specs
        }

    def _value(self, node: fx.Node, spec: Any, program: ExportedProgram) -> Any:
        kind = spec.kind.name
        if kind in ("PARAMETER", "BUFFER"):
            tensor = self.state.tensors[spec.target]
            if tensor.is_complex():
                return self._conversion.holds(tensor, tensor.detach())
            learned = kind == "PARAMETER" or (spec.persistent and tensor.is_floating_point())
            known = self.state.parameter if learned else self._conversion.builder.buffer
            return self._conversion.holds(tensor, known(spec.target))
        if kind != "USER_INPUT":
            return program.constants[spec.target]
        value: Any = node.meta.get("val")
        if not hasattr(value, "shape"):
            return value
        made = Input(tuple(value.shape), dtype_name(value.dtype), self._free_name(node.name))
        self.inputs.append(made)
        return made

    def _free_name(self, name: str) -> str:
        while name in self.state.tensors:
            name += "_"
        return name

    def graph(self, original: Original) -> Graph:
        """The graph with its weights, for any batch where the original has the same meaning for two rows."""
        bare = Graph(self.inputs, self.outputs)
        weights = self.state.weights(bare)
        one = bare if weights is None else bare.with_weights(weights)
        return free_batch(one, lambda freed, sizes: original.confirms(one, freed, sizes, self._conversion))


def _flat(value: Any) -> list[Any]:
    """Values in nested lists and dicts, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and not isinstance(value, Tensor):
        return [inner for part in value for inner in _flat(part)]
    return [value]
