"""Reductions in PyTorch."""

from __future__ import annotations

from netwright.errors import ExportError
from netwright.graph import Node
from netwright.io._to_torch._base import Form, Scribe, last_as_minus_one, source_of
from netwright.io._to_torch._code import PRODUCT, SUM, Code

__all__ = ["REDUCTIONS"]


OF_ONE = {"ReduceL1": ".abs()", "ReduceL2": ".abs()"}
"""What a reduction along no axis does to each element, where it does anything."""

WHOLE = ("sum", "amax", "amin")
"""Methods that take whole numbers."""


def _reduction(function: str, options: str = "") -> Form:
    """A method with the axes as `dim`, or a function of torch."""

    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        keep = ", keepdim=True" if node.attrs["keepdims"] else ""
        axes = node.attrs["axes"]
        if not axes:
            return Code(given[0].atom + OF_ONE[node.op.name]) if node.op.name in OF_ONE else given[0]
        if node.output.dtype.startswith(("int", "uint")) and function not in WHOLE:
            raise ExportError(f"{node.op.name} of whole numbers has no form in PyTorch.")
        dim = f"dim={axes[0] if len(axes) == 1 else axes}{keep}{_whole(node) if function == 'sum' else ''}"
        if function.startswith("torch."):
            return Code(f"{function}({given[0].text}, {options}{dim})")
        return Code(f"{given[0].atom}.{function}({dim})")

    return form


def _whole(node: Node) -> str:
    """Element type of a sum of whole numbers, for which PyTorch would take int64."""
    return f", dtype=torch.{node.output.dtype}" if node.output.dtype in ("int32", "int16", "int8", "uint8") else ""


def _sum_square(s: Scribe, node: Node, given: list[Code]) -> Code:
    return _reduction("sum")(s, node, [Code(f"{given[0].atom}.square()")])


def _product(s: Scribe, node: Node, given: list[Code]) -> Code:
    keep = ", keepdim=True" if node.attrs["keepdims"] else ""
    options = f"{keep}{_whole(node)}"
    return Code(given[0].atom + "".join(f".prod(dim={axis}{options})" for axis in reversed(node.attrs["axes"])))


def _arg(name: str) -> Form:
    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        keep = ", keepdim=True" if node.attrs["keepdims"] else ""
        if not node.attrs.get("select_last_index"):
            return Code(f"{given[0].atom}.{name}(dim={last_as_minus_one(node)}{keep})")
        axis, source = node.attrs["axis"], source_of(node)
        if s.shapes_at_two[source][axis] != source.shape[axis]:
            raise ExportError(f"{node.op.name} with select_last_index over the batch has no form in PyTorch.")
        last = s.hole("last", source.shape[axis] - 1)
        return Code(f"{last} - {given[0].atom}.flip({axis}).{name}(dim={axis}{keep})", SUM)

    return form


def _cumsum(s: Scribe, node: Node, given: list[Code]) -> Code:
    axis, x = node.attrs["axis"], given[0]
    dtype = _whole(node)
    if node.attrs.get("reverse"):
        total = f"{x.atom}.flip({axis}).cumsum({axis}{dtype}).flip({axis})"
    else:
        total = f"{x.atom}.cumsum(dim={last_as_minus_one(node)}{dtype})"
    return Code(f"{total} - {x.within(PRODUCT)}", SUM) if node.attrs.get("exclusive") else Code(total)


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
    "ReduceL1": _reduction("torch.linalg.vector_norm", "ord=1, "),
    "ReduceL2": _reduction("torch.linalg.vector_norm"),
    "ReduceSumSquare": _sum_square,
    "ReduceLogSumExp": _reduction("logsumexp"),
    "ArgMax": _arg("argmax"),
    "ArgMin": _arg("argmin"),
    "CumSum": _cumsum,
    "GlobalAveragePool": _global_pool("mean"),
    "GlobalMaxPool": _global_pool("amax"),
}
"""Forms by operator."""
