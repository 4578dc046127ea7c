"""Exporting a module with torch.export, its errors as one sentence each, the module left as it was."""

from __future__ import annotations

import linecache
import re
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.errors import ModelError

if TYPE_CHECKING:
    from torch import fx, nn
    from torch.export import ExportedProgram

__all__ = ["as_exported", "decomposed", "exported", "functional", "traced", "writes_into_views"]

DATA_RULE = "control flow and shapes must not depend on the numbers in a tensor"

DEPENDS_ON_DATA = ("GuardOnDataDependentSymNode", "DataDependentOutputException", "DynamicOutputShapeException")
"""Errors by which torch says that control flow or a shape needs the numbers in a tensor."""


SETTINGS = ("torch._C", "torch.amp.autocast_mode")
"""Modules of the functions that a trace has for `torch.no_grad` and `torch.autocast`."""


def exported(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ExportedProgram:
    """Program of a module in evaluation mode, in ATen operators as they are called, none decomposed.

    Raises ModelError when the module does not run on the example, or when its control flow depends on data.
    """
    import torch

    with _evaluation(module), _quiet(), torch.no_grad():
        try:
            program: ExportedProgram = torch.export.export(module, args, kwargs, strict=False)
        except Exception as error:
            raise ModelError(_sentence(error, (args, kwargs))) from error
    _check_shapes(program.graph)
    return program


def traced(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> fx.GraphModule:
    """The operators that a module calls, as `exported` has them but at a third of its time, without checks.

    Parameters and buffers are attributes of the result; placeholders are the tensors of the arguments in order.
    """
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.utils import _pytree

    leaves, spec = _pytree.tree_flatten((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]

    def call(*given: Any) -> list[Any]:
        left = iter(given)
        filled = [next(left) if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        positional, named = _pytree.tree_unflatten(filled, spec)
        result = _pytree.tree_leaves(module(*positional, **named))
        return [value for value in result if isinstance(value, torch.Tensor)]

    with as_exported(module):
        trace = make_fx(call, tracing_mode="fake", pre_dispatch=True, _allow_non_fake_inputs=True)
        made: fx.GraphModule = trace(*tensors)
    _drop_settings(made.graph)
    return made


def _drop_settings(graph: fx.Graph) -> None:
    """Drop what switches gradients or autocast on and off, which is no operator."""
    for node in reversed(list(graph.nodes)):
        if node.op == "call_function" and getattr(node.target, "__module__", "") in SETTINGS:
            graph.erase_node(node)


def _check_shapes(graph: fx.Graph) -> None:
    """Raise ModelError where a size is not known before the network runs."""
    for node in graph.nodes:
        value: Any = node.meta.get("val")
        for made in value if isinstance(value, (tuple, list)) else [value]:
            if hasattr(made, "shape") and not all(isinstance(size, int) for size in made.shape):
                lines = re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or "")
                place = f" at {lines[-1][0]}:{lines[-1][1]}" if lines else ""
                raise ModelError(f"{DATA_RULE}, but that of {node.target} does{place}.")


def functional(program: ExportedProgram) -> ExportedProgram:
    """The same program without writes into views."""
    with _quiet():
        made: ExportedProgram = program.run_decompositions({})
    return made


def writes_into_views(graph: fx.Graph) -> bool:
    """Whether something is written in place that is read later under another name, such as x[:, 0] = y and then x."""
    place = {node: number for number, node in enumerate(graph.nodes)}
    memory: dict[fx.Node, list[fx.Node]] = {}
    for node in graph.nodes:
        schema = getattr(node.target, "_schema", None)
        source = node.args[0] if node.args and hasattr(node.args[0], "all_input_nodes") else None
        if schema is None or source is None:
            continue
        if schema.is_mutable and any(
            place[user] > place[node]
            for other in memory.get(source, ())
            if other is not source
            for user in other.users
        ):
            return True
        if any(result.alias_info is not None for result in schema.returns):
            group = memory.setdefault(source, [source])
            group.append(node)
            memory[node] = group
    return False


def decomposed(program: ExportedProgram, operators: Iterable[Any]) -> ExportedProgram | None:
    """The program with some operators written as simpler ones, or None where torch knows no simpler ones."""
    import torch

    known: Any = torch.export.default_decompositions()
    more: Any = torch._decomp.decomposition_table
    table = {o: known[o] if o in known else more[o] for o in operators if o in known or o in more}
    if not table:
        return None
    with _quiet():
        simpler: ExportedProgram = program.run_decompositions(table)
    return simpler


@contextmanager
def _evaluation(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without what exists for speed only; every module's mode is restored.

    That is fused kernels, and looking into a mask to see whether it is causal, which would be a branch on data.
    """
    import torch
    from torch.nn.modules import transformer

    modes = [(inner, inner.training) for inner in module.modules()]
    fast = torch.backends.mha.get_fastpath_enabled()
    looked = transformer._detect_is_causal_mask
    torch.backends.mha.set_fastpath_enabled(False)
    transformer._detect_is_causal_mask = lambda mask, is_causal=None, size=None: is_causal is True
    try:
        module.eval()
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        transformer._detect_is_causal_mask = looked
        for inner, training in modes:
            inner.training = training


@contextmanager
def as_exported(module: nn.Module) -> Iterator[None]:
    """A module as during its export; afterwards its attributes, and dicts and lists in them, are as before.

    Some modules keep tensors there for the next call, such as attention its biases.
    """
    import torch

    kept = [(vars(inner), dict(vars(inner))) for inner in module.modules()]
    values = [value for _, attributes in kept for value in attributes.values()]
    kept += [(value, dict(value)) for value in values if isinstance(value, dict)]
    lists = [(value, list(value)) for value in values if isinstance(value, list)]
    flags = ("_is_compiling_flag", "_is_exporting_flag")
    before = {flag: getattr(torch.compiler, flag) for flag in flags if hasattr(torch.compiler, flag)}
    try:
        for flag in before:
            setattr(torch.compiler, flag, True)
        with _evaluation(module), _quiet(), torch.no_grad():
            yield
    finally:
        for flag, value in before.items():
            setattr(torch.compiler, flag, value)
        for now, earlier in kept:
            _restore(now, earlier)
        for items, as_before in lists:
            items[:] = as_before


def _restore(now: dict[Any, Any], before: dict[Any, Any]) -> None:
    """Put back what is no longer the same object, and drop what is new."""
    for name in [name for name in now if name not in before]:
        del now[name]
    now.update({name: value for name, value in before.items() if now.get(name, now) is not value})


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings and log lines of torch.export, which speak to its own developers."""
    import logging

    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _sentence(error: Exception, example: Any) -> str:
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    place = next((found for e in chain if (found := _place(e))), "")
    kinds = {kind.__name__ for e in chain for kind in type(e).__mro__}
    if kinds.intersection(DEPENDS_ON_DATA):
        return f"{DATA_RULE}, but they do{place}."
    first = str(error).strip().partition("\n")[0].rstrip(".")
    raised = f"{type(error).__name__}: {first or 'no message'}{place}"
    return f"a module must run on the example, but with {_shapes(example)} it raises {raised}."


def _shapes(example: Any) -> str:
    """Shapes of the tensors; a shape that lacks the batch is often what is wrong."""
    from torch.utils import _pytree

    shapes = ["x".join(map(str, leaf.shape)) for leaf in _pytree.tree_leaves(example) if hasattr(leaf, "shape")]
    return f"{', '.join(shapes)}, the batch first," if shapes else "no arrays"


def _place(error: BaseException) -> str:
    """Innermost line outside of torch and of this package, where the user can look."""
    import torch

    ours = (str(Path(torch.__file__).parent), str(Path(__file__).parents[2]))
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if not frame.filename.startswith(ours)]
    if not outside:
        return ""
    last = outside[-1]
    code = linecache.getline(last.filename, last.lineno or 0).strip()
    return f" at {last.filename}:{last.lineno}" + (f" ({code})" if code else "")
