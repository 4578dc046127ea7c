"""Sizes of the inputs: the batch stays free, every other dynamic dimension is bound by the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.errors import ModelError
from netwright.graph import Input, Shape
from netwright.io._from_onnx._weights import DTYPES, numbered_dtype

if TYPE_CHECKING:
    import onnx

__all__ = ["Declared", "bound_dims", "bound_inputs", "declared_inputs"]


@dataclass(frozen=True)
class Declared:
    """An input as the file declares it: each size a number, a name, or None where it has neither."""

    name: str
    dtype: str
    sizes: tuple[int | str | None, ...]


def declared_inputs(graph: onnx.GraphProto) -> list[Declared]:
    """Inputs of a graph; initializers that are listed among them are weights.

    Raises ModelError for an input that is no tensor of a known element type.
    """
    weights = {tensor.name for tensor in graph.initializer}
    return [_declared(info) for info in graph.input if info.name not in weights]


def _declared(info: onnx.ValueInfoProto) -> Declared:
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        what = "has no type" if kind is None else f"is a {kind.removesuffix('_type').replace('_', ' ')}"
        raise ModelError(f"inputs must be tensors, but {info.name!r} {what}.")
    tensor = info.type.tensor_type
    if tensor.elem_type not in DTYPES:
        raise ModelError(
            f"element types must be among {', '.join(DTYPES.values())}, but input {info.name!r} is"
            f" {numbered_dtype(tensor.elem_type)}."
        )
    if not tensor.HasField("shape"):
        raise ModelError(f"inputs must have a known number of dimensions, but {info.name!r} has not.")
    return Declared(info.name, DTYPES[tensor.elem_type], tuple(_size(dim) for dim in tensor.shape.dim))


def _size(dim: onnx.TensorShapeProto.Dimension) -> int | str | None:
    if dim.dim_value > 0:
        return int(dim.dim_value)
    # Some writers put a question mark for each size that they do not know.
    return None if dim.dim_param in ("", "?") else str(dim.dim_param)


def bound_inputs(declared: Sequence[Declared], dims: Mapping[str, int]) -> list[Input]:
    """Symbolic inputs with a batch of 1 and every other size bound.

    The batch is the first dimension of the first input, where that is dynamic or 1, and the same name elsewhere.

    Raises ModelError that lists every unbound dimension and how to bind it.
    """
    names, places = _bindings(declared, dims)
    first = declared[0].sizes[:1] if declared else ()
    batch = first[0] if first else 0
    if isinstance(batch, str):
        batch = names.get(batch, batch)
    if declared and batch is None:
        batch = places.get((declared[0].name, 0))
    free = not isinstance(batch, int)
    inputs, unbound = [], []
    for entry in declared:
        sizes: list[int] = []
        axis = None
        for i, size in enumerate(entry.sizes):
            bound = size if isinstance(size, int) else places.get((entry.name, i), names.get(size or ""))
            if bound is None and free and (size == batch if size else batch is None and i == 0):
                axis, bound = i, 1
            if bound is None:
                unbound.append((entry, i))
            sizes.append(bound or 1)
        inputs.append(Input(tuple(sizes), entry.dtype, entry.name, axis))
    if unbound:
        raise _unbound(unbound)
    return inputs if free else _freed(inputs)


def _freed(inputs: Sequence[Input]) -> list[Input]:
    """Inputs of a model that states its batch: free where it is 1 in all of them."""
    rows = all(t.shape[:1] in ((), (1,)) for t in inputs) and any(t.rank for t in inputs)
    return [Input(t.shape, t.dtype, t.name, 0 if rows and t.rank else None) for t in inputs]


def _bindings(
    declared: Sequence[Declared], dims: Mapping[str, int]
) -> tuple[dict[str, int], dict[tuple[str, int], int]]:
    """Sizes by name of a dimension, and by input and axis.

    Raises ModelError for a key that is neither, a size that is not positive, and one that is fixed otherwise.
    """
    names = {size for entry in declared for size in entry.sizes if isinstance(size, str)}
    slots = {f"{entry.name}:{i}": (entry.name, i, size) for entry in declared for i, size in enumerate(entry.sizes)}
    by_name: dict[str, int] = {}
    by_place: dict[tuple[str, int], int] = {}
    for key, value in dims.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ModelError(f"sizes must be positive integers, but got {value!r} for {key!r}.")
        if key in names:
            stated = by_name.setdefault(key, value)
        elif key in slots:
            name, axis, size = slots[key]
            by_place[name, axis] = value
            stated = by_name.setdefault(size, value) if isinstance(size, str) else size or value
        else:
            known = sorted(names | {slot for slot, (_, _, size) in slots.items() if not isinstance(size, int)})
            raise ModelError(
                f"dims must name dimensions, but there is no {key!r}; known: {', '.join(known) or 'none'}."
            )
        if stated != value:
            raise ModelError(f"a dimension must have one size, but {key!r} is {stated} and got {value}.")
    return by_name, by_place


def _unbound(found: Sequence[tuple[Declared, int]]) -> ModelError:
    listed = [
        f"axis {i} of {entry.name!r}" + (f" ({entry.sizes[i]})" if entry.sizes[i] else "") for entry, i in found
    ]
    keys = dict.fromkeys(str(entry.sizes[i] or f"{entry.name}:{i}") for entry, i in found)
    example = ", ".join(f'"{key}": SIZE' for key in keys)
    return ModelError(
        f"every size but the batch must be bound, but not so {'; '.join(listed)}: dims={{{example}}}, or the whole"
        " shape as --input in the shell."
    )


def bound_dims(declared: Sequence[Declared], text: str) -> dict[str, int]:
    """The `dims` that give an input the shape in a text such as `1x3x224x224`, `3x224x224` or `name=1x3x224x224`.

    Several inputs are separated by commas; one without a name is the first.

    >>> x = Declared("x", "float32", (None, 3, "height", "width"))
    >>> bound_dims([x], "3x224x320")
    {'x:1': 3, 'x:2': 224, 'x:3': 320}

    Raises ModelError when the text is no shape, or not one of the input.
    """
    dims: dict[str, int] = {}
    for part in text.split(","):
        name, _, shape = part.strip().rpartition("=")
        entries = [entry for entry in declared if entry.name == name or not name][:1]
        if not entries:
            known = ", ".join(entry.name for entry in declared) or "none"
            raise ModelError(f"a shape must be that of an input, but there is no {name!r}; known: {known}.")
        dims |= _bound_shape(entries[0], _shape(shape))
    return dims


def _shape(text: str) -> Shape:
    sizes = text.strip().split("x")
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise ModelError(f"a shape must be sizes with x between them, such as 1x3x224x224, but got {text!r}.")
    return tuple(int(size) for size in sizes)


def _bound_shape(entry: Declared, shape: Shape) -> dict[str, int]:
    skipped = len(entry.sizes) - len(shape)
    if skipped not in (0, 1):
        raise ModelError(
            f"input {entry.name!r} must get {len(entry.sizes)} sizes, or all but the batch, but got {len(shape)}."
        )
    # A batch of 1 is what is built anyhow; said as a size it would no longer be free.
    return {f"{entry.name}:{i}": size for i, size in enumerate(shape, start=skipped) if (i, size) != (0, 1)}
