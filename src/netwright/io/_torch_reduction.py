"""Reductions, and reading and writing by index, in PyTorch."""

from __future__ import annotations

from netwright.errors import ExportError
from netwright.graph import Node
from netwright.io._code import PRODUCT, SUM, Code
from netwright.io._torch_base import Form, Scribe, last_as_minus_one

__all__ = ["REDUCTIONS"]


def _reduction(function: str, dims: str = "dim") -> Form:
    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        keep = ", keepdim=True" if node.attrs["keepdims"] else ""
        axes = node.attrs["axes"]
        if not axes:
            return given[0]
        text = str(axes[0]) if len(axes) == 1 else str(axes)
        if function.startswith("torch."):
            return Code(f"{function}({given[0].text}, {dims}={text}{keep})")
        return Code(f"{given[0].atom}.{function}({dims}={text}{keep})")

    return form


def _product(s: Scribe, node: Node, given: list[Code]) -> Code:
    keep = ", keepdim=True" if node.attrs["keepdims"] else ""
    return Code(given[0].atom + "".join(f".prod(dim={axis}{keep})" for axis in reversed(node.attrs["axes"])))


def _arg(name: str) -> Form:
    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        keep = ", keepdim=True" if node.attrs["keepdims"] else ""
        last = node.attrs.get("select_last_index")
        if last:
            raise ExportError(f"{name} with select_last_index has no form in PyTorch.")
        return Code(f"{given[0].atom}.{name}(dim={last_as_minus_one(node)}{keep})")

    return form


def _cumsum(s: Scribe, node: Node, given: list[Code]) -> Code:
    axis, x = node.attrs["axis"], given[0]
    if node.attrs.get("reverse"):
        total = f"{x.atom}.flip({axis}).cumsum({axis}).flip({axis})"
    else:
        total = f"{x.atom}.cumsum(dim={last_as_minus_one(node)})"
    return Code(f"{total} - {x.within(PRODUCT)}", SUM) if node.attrs.get("exclusive") else Code(total)


def _gather(s: Scribe, node: Node, given: list[Code]) -> Code:
    data, indices = given
    source = node.inputs[0]
    if source is not None and source.rank == 2 and node.attrs["axis"] == 0 and data.text.startswith("self."):
        return Code(f"F.embedding({indices.text}, {data.text})")
    return Code(f"{data.atom}[{':, ' * node.attrs['axis']}{indices.text}]")


def _gather_elements(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"{given[0].atom}.gather({node.attrs['axis']}, {given[1].text})")


def _scatter_elements(s: Scribe, node: Node, given: list[Code]) -> Code:
    data, indices, updates = given
    reduction = node.attrs["reduction"]
    arguments = f"{node.attrs['axis']}, {indices.text}, {updates.text}"
    if reduction == "none":
        return Code(f"{data.atom}.scatter({arguments})")
    name = {"add": "sum", "mul": "prod", "min": "amin", "max": "amax"}[reduction]
    return Code(f'{data.atom}.scatter_reduce({arguments}, reduce="{name}")')


def _topk(s: Scribe, node: Node, given: list[Code]) -> Code:
    k = s.hole("k", node.attrs["k"])
    options = "".join(f", {n}=False" for n in ("largest", "sorted") if not node.attrs.get(n, 1))
    return Code(f"{given[0].atom}.topk({k}, dim={last_as_minus_one(node)}{options})")


def _global_pool(function: str) -> Form:
    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        axes = tuple(range(2, node.output.rank))
        text = str(axes[0]) if len(axes) == 1 else str(axes)
        return Code(f"{given[0].atom}.{function}(dim={text}, keepdim=True)")

    return form


REDUCTIONS: dict[str, Form] = {
    "ReduceMean": _reduction("mean"),
    "ReduceSum": _reduction("sum"),
    "ReduceMax": _reduction("amax"),
    "ReduceMin": _reduction("amin"),
    "ReduceProd": _product,
    "ReduceL2": _reduction("torch.linalg.vector_norm"),
    "ArgMax": _arg("argmax"),
    "ArgMin": _arg("argmin"),
    "CumSum": _cumsum,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "ScatterElements": _scatter_elements,
    "TopK": _topk,
    "GlobalAveragePool": _global_pool("mean"),
    "GlobalMaxPool": _global_pool("amax"),
}
"""Forms by operator."""
