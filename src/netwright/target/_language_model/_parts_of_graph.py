"""A language model in a graph as what it does for each token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netwright._count import counted
from netwright.cost._decoding import is_causal
from netwright.errors import DataError
from netwright.graph import Graph, Node, Shape
from netwright.target._fusion import Group, fused
from netwright.target._language_model._transformer import Attends, Part
from netwright.target._work import Work, work_of

__all__ = ["parts_of"]

MOVES = frozenset({"Transpose", "Split"})


def parts_of(graph: Graph) -> tuple[Part, ...]:
    """Every operation of a causal language model, those that are alike together.

    >>> from netwright.blocks import multi_head_attention
    >>> from netwright.graph import Graph, Input
    >>> x = Input((1, 16, 64))
    >>> parts = parts_of(Graph([x], [multi_head_attention(x, heads=4, causal=True)]))
    >>> [part.name for part in parts if part.work and part.work.products]
    ['MatMul 64 to 192', 'MatMul 64 to 64']

    graph: of one sequence of any length. What it does for a token is what it does for all of them, shared out, but
    for attention. What gives the result of the network is asked of the last token alone, and so is what is done once.
    Attention reads heads where they lie, so moving them there and back costs nothing.

    Raises DataError where no attention is causal, where another is not, where they are of several lengths, and for
    other products of two values: attention that was not recognised, or experts, which a configuration describes.
    """
    length = _length([node for node in graph.nodes if node.op.name == "Attention"])
    found: dict[Part, int] = {}
    for group in fused(graph, sums=True):
        if group.head.op.name in MOVES:
            continue
        final = any(tensor in graph.outputs for tensor in group.writes)
        part = _attention(group.head) if group.head.op.name == "Attention" else _each_token(group, length, final)
        found[part] = found.get(part, 0) + 1
    return tuple(replace(part, count=count) for part, count in found.items())


def _length(attentions: Sequence[Node]) -> int:
    if not attentions or not all(is_causal(node) for node in attentions):
        found = f"{counted(len(attentions), 'attention')}, {sum(map(is_causal, attentions))} of them causal"
        raise DataError(f"a language model must attend causally in every layer, but this network has {found}.")
    lengths = {_shapes(node)[0][2] for node in attentions}
    if len(lengths) > 1:
        raise DataError(f"a language model must attend to one sequence, but its attentions see {sorted(lengths)}.")
    return lengths.pop()


def _shapes(node: Node) -> list[Shape]:
    return [tensor.shape for tensor in node.inputs[:3] if tensor is not None]


def _attention(node: Node) -> Part:
    (_, heads, _, key_width), (_, kv_heads, _, _), (*_, value_width) = _shapes(node)
    return Part("attention", 1, attends=Attends(heads, kv_heads, key_width, value_width))


def _each_token(group: Group, length: int, final: bool) -> Part:
    """The group as work of one token; what has no row for each token is done once for a sequence."""
    work = work_of(group)
    if work.products and not work.shared:
        raise DataError(
            f"products in a language model must be of weights or in an Attention, but {group.head.op.name} multiplies"
            f" {' and '.join(map(str, _shapes(group.head)))}."
        )
    rows = [product.rows for product in work.products] or [group.writes[0].size]
    once = any(row % length for row in rows)
    return Part(_name(work), 1, work if once else _shared_out(work, length), last=once or final)


def _shared_out(work: Work, length: int) -> Work:
    return replace(
        work,
        products=tuple(replace(product, rows=product.rows // length) for product in work.products),
        flops=work.flops / length,
        activations=work.activations / length,
        other_bytes=work.other_bytes / length,
    )


def _name(work: Work) -> str:
    sizes = [f" {product.inner} to {product.columns}" for product in work.products]
    return work.operator + "".join(sizes)
