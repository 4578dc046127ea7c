"""Reading and writing by index in PyTorch."""

from __future__ import annotations

from netwright.graph import Constant, Node, Tensor
from netwright.io._to_torch._base import Form, Scribe, last_as_minus_one, source_of
from netwright.io._to_torch._code import PRODUCT, Code

__all__ = ["INDEXING"]

REDUCTIONS = {"add": "sum", "mul": "prod", "min": "amin", "max": "amax"}
"""Names of ONNX's reductions in PyTorch."""

COUNTED = ("ArgMax", "ArgMin", "TopK", "Mod")
MOVING = (
    "Reshape",
    "Flatten",
    "Transpose",
    "Slice",
    "Split",
    "Gather",
    "Expand",
    "Tile",
    "Squeeze",
    "Unsqueeze",
    "Cast",
    "Identity",
)


def may_be_negative(tensor: Tensor | None) -> bool:
    """Whether indices may count from the end: those that are computed, unless it is known how."""
    if isinstance(tensor, Constant):
        return bool((tensor.value < 0).any())
    if tensor is None or tensor.node is None or tensor.node.op.name in COUNTED:
        return False
    if tensor.node.op.name in MOVING:
        return may_be_negative(tensor.node.inputs[0])
    return True


def _index(node: Node, code: Code, size: int) -> str:
    """Indices for the functions that take no negative ones."""
    indices = node.inputs[1]
    text = code.text if not may_be_negative(indices) else f"{code.within(PRODUCT)} % {size}"
    if indices is not None and indices.dtype != "int64":
        text = f"({text}).long()" if "%" in text else f"{code.atom}.long()"
    return text


def _gather(s: Scribe, node: Node, given: list[Code]) -> Code:
    data, indices = given
    source, index = source_of(node), node.inputs[1]
    table = source.rank == 2 and node.attrs["axis"] == 0 and data.text.startswith("self.")
    if table and source.dtype.startswith(("float", "bfloat")) and not may_be_negative(index):
        return Code(f"F.embedding({indices.text}, {data.text})")
    return Code(f"{data.atom}[{':, ' * node.attrs['axis']}{indices.text}]")


def _gather_elements(s: Scribe, node: Node, given: list[Code]) -> Code:
    axis, source = node.attrs["axis"], source_of(node)
    return Code(f"{given[0].atom}.gather({axis}, {_index(node, given[1], source.shape[axis])})")


def _scatter_elements(s: Scribe, node: Node, given: list[Code]) -> Code:
    data, indices, updates = given
    axis, reduction = node.attrs["axis"], node.attrs["reduction"]
    arguments = f"{axis}, {_index(node, indices, source_of(node).shape[axis])}, {updates.text}"
    if reduction == "none":
        return Code(f"{data.atom}.scatter({arguments})")
    return Code(f'{data.atom}.scatter_reduce({arguments}, reduce="{REDUCTIONS[reduction]}")')


def _gather_nd(s: Scribe, node: Node, given: list[Code]) -> Code:
    data, indices = given
    if node.attrs["batch_dims"]:
        return Code(f"{s.helper('gather_nd')}({data.text}, {indices.text}, {node.attrs['batch_dims']})")
    return Code(f"{data.atom}[{indices.atom}.unbind(-1)]")


def _scatter_nd(s: Scribe, node: Node, given: list[Code]) -> Code:
    data, indices, updates = given
    reduction = node.attrs["reduction"]
    if reduction in ("none", "add"):
        accumulate = ", accumulate=True" if reduction == "add" else ""
        return Code(f"{data.atom}.index_put({indices.atom}.unbind(-1), {updates.text}{accumulate})")
    arguments = f"{data.text}, {indices.text}, {updates.text}"
    return Code(f'{s.helper("scatter_nd")}({arguments}, reduce="{REDUCTIONS[reduction]}")')


def _one_hot(s: Scribe, node: Node, given: list[Code]) -> Code:
    depth, axis = s.hole("depth", node.attrs["depth"]), node.attrs["axis"]
    return Code(f"{s.helper('one_hot')}({given[0].text}, {depth}, {axis}, torch.{node.attrs['dtype']})")


def _trilu(s: Scribe, node: Node, given: list[Code]) -> Code:
    k = s.hole("diagonal", node.attrs["k"], "", 0) if node.attrs["k"] else ""
    return Code(f"{given[0].atom}.{'triu' if node.attrs['upper'] else 'tril'}({k})")


def _topk(s: Scribe, node: Node, given: list[Code]) -> Code:
    """In order also where none is asked for, so that every runtime gives the same."""
    k = s.hole("k", node.attrs["k"])
    largest = "" if node.attrs.get("largest", 1) else ", largest=False"
    return Code(f"{given[0].atom}.topk({k}, dim={last_as_minus_one(node)}{largest})")


INDEXING: dict[str, Form] = {
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
    "OneHot": _one_hot,
    "Trilu": _trilu,
    "TopK": _topk,
}
"""Forms by operator."""
