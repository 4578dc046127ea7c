"""What a device has to do for one kernel: matrix products, elementwise work and bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from netwright.graph import DTYPE_BYTES, Graph, Node, Parameter, Tensor
from netwright.target._fusion import Group, fused

__all__ = ["Product", "Work", "work_of", "works_of"]


@dataclass(frozen=True, slots=True)
class Product:
    """So many products of a (rows, inner) and an (inner, columns) matrix.

    >>> Product(1, 196, 64, 576).macs
    7225344
    """

    count: int
    rows: int
    columns: int
    inner: int

    @property
    def macs(self) -> int:
        """Multiply-adds of all of them."""
        return self.count * self.rows * self.columns * self.inner


@dataclass(frozen=True, slots=True)
class Work:
    """One kernel, for one example.

    operator: of its first node. nodes: how many it stands for. flops: those outside of the products. activations:
    elements read and written that are of the network's own data type, and bytes of others. weights: the same of
    what is read and stays the same. shared: whether the products have the same right-hand side for every example.
    winograd: whether they are a convolution of 3 x 3 at stride 1, which can be done with fewer multiplications.
    """

    operator: str
    nodes: int
    products: tuple[Product, ...] = ()
    flops: float = 0.0
    activations: float = 0.0
    other_bytes: float = 0.0
    weights: float = 0.0
    shared: bool = True
    winograd: bool = False

    def of_batch(self, batch: int) -> Work:
        """The same for several examples at once: weights are read once.

        >>> Work("Gemm", 1, (Product(1, 1, 10, 64),), activations=74, weights=640).of_batch(8).products
        (Product(count=1, rows=8, columns=10, inner=64),)
        """
        if batch == 1:
            return self
        grown = [
            replace(p, rows=p.rows * batch) if self.shared else replace(p, count=p.count * batch)
            for p in self.products
        ]
        return replace(
            self,
            products=tuple(grown),
            flops=self.flops * batch,
            activations=self.activations * batch,
            other_bytes=self.other_bytes * batch,
        )


def works_of(graph: Graph, *, alone: bool = False) -> list[Work]:
    """The kernels of a network, in the order in which they run; `alone` makes each operator one of its own.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> x = image(3, 8, 8)
    >>> [work] = works_of(Graph([x], [conv(x, 16)]))
    >>> work.operator, work.nodes, work.products
    ('Conv', 3, (Product(count=1, rows=64, columns=16, inner=27),))
    """
    return [work_of(group) for group in fused(graph, alone=alone, sums=True)]


def work_of(group: Group) -> Work:
    """What one kernel does."""
    head = group.head
    products = _products(head)
    touched = [*_read(group), *group.writes]
    flops = sum(node.op.flops(node) for node in group.nodes) - 2 * sum(p.macs for p in products)
    folded = _folded(group)
    own = [t for t in touched if t.dtype == "float32"]
    return Work(
        head.op.name,
        len(group.nodes),
        products,
        float(max(flops - folded, 0)),
        float(sum(t.size for t in own)),
        float(sum(t.size * DTYPE_BYTES[t.dtype] for t in touched if t.dtype != "float32")),
        float(sum(_weight_size(t, head) for t in group.weights) - folded),
        _shared(head),
        _winograd(head),
    )


def _folded(group: Group) -> int:
    """Additions in a Sum of what stays the same, which are done once; they stood apart before it was simplified."""
    if group.head.op.name != "Sum":
        return 0
    fixed = [tensor.size for tensor in group.weights]
    return sum(fixed) - max(fixed, default=0)


def _winograd(node: Node) -> bool:
    if node.op.name != "Conv" or node.attrs["group"] != 1 or node.inputs[1] is None:
        return False
    return node.inputs[1].shape[2:] == (3, 3) and tuple(node.attrs["strides"]) == (1, 1)


def _read(group: Group) -> list[Tensor]:
    """Activations that the group reads; a lookup reads the rows that it gives, not the whole table."""
    if group.head.op.name == "Gather":
        return [t for t in group.reads if t is not group.head.inputs[0]] + list(group.writes)
    return list(group.reads)


def _weight_size(weight: Tensor, head: Node) -> int:
    return 0 if head.op.name == "Gather" else weight.size


def _shared(head: Node) -> bool:
    """Whether the right-hand side of a product is a weight."""
    operand = head.inputs[1] if len(head.inputs) > 1 else None
    return head.op.name != "Attention" and (isinstance(operand, Parameter) or operand is None or _made(operand))


def _made(tensor: Tensor) -> bool:
    """Whether a value is made of weights alone: a chain of single inputs that ends at one."""
    while tensor.node is not None and len(tensor.node.inputs) == 1 and tensor.node.inputs[0] is not None:
        tensor = tensor.node.inputs[0]
    return isinstance(tensor, Parameter)


def _products(node: Node) -> tuple[Product, ...]:
    """The matrix products that an operator is, or comes down to."""
    name, shapes = node.op.name, [t.shape if t is not None else () for t in node.inputs]
    if name in ("Conv", "ConvTranspose"):
        return (_convolution(node, shapes),)
    if name == "Attention":
        (n, heads, rows, width), keys, values = shapes[0], shapes[1][2], shapes[2][3]
        return (Product(n * heads, rows, keys, width), Product(n * heads, rows, values, keys))
    if name == "Gemm":
        rows, columns = node.output.shape
        return (Product(1, rows, columns, node.op.macs(node) // (rows * columns)),)
    if name == "MatMul":
        return (_matrices(node, shapes[0], shapes[1]),)
    macs = node.op.macs(node)
    if not macs:
        return ()
    columns = node.output.shape[-1] if node.output.rank else 1
    rows = max(node.output.size // columns, 1)
    return (Product(1, rows, columns, max(macs // (rows * columns), 1)),)


def _convolution(node: Node, shapes: Sequence[tuple[int, ...]]) -> Product:
    """A convolution as a product: rows are positions, columns are output channels of a group (im2col)."""
    groups = node.attrs["group"]
    if node.op.name == "Conv":
        rows, columns = node.output.size // node.output.shape[1], node.output.shape[1] // groups
        return Product(groups, rows, columns, prod(shapes[1][1:]))
    rows = prod(shapes[0]) // shapes[0][1]
    return Product(groups, rows, prod(shapes[1][1:]), shapes[0][1] // groups)


def _matrices(node: Node, a: tuple[int, ...], b: tuple[int, ...]) -> Product:
    columns, inner = b[-1], a[-1]
    outer = prod(b[:-2])
    return Product(outer, max(node.output.size // (columns * outer), 1), columns, inner)
