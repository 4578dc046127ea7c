"""What the encodings call a node: its operator with the little that tells one use from another."""

from __future__ import annotations

from netwright.graph import Constant, Node, Parameter, Tensor

__all__ = ["data_inputs", "family", "label"]

_FAMILIES = {
    "Conv": "convolution", "ConvTranspose": "convolution",
    "Gemm": "linear", "MatMul": "linear", "Attention": "attention",
    "MaxPool": "pool", "AveragePool": "pool", "GlobalAveragePool": "pool", "GlobalMaxPool": "pool",
    "Softmax": "activation", "LogSoftmax": "activation", "Relu": "activation", "LeakyRelu": "activation",
    "PRelu": "activation", "Elu": "activation", "Celu": "activation", "Selu": "activation", "Gelu": "activation",
    "Swish": "activation", "HardSwish": "activation", "Mish": "activation", "Tanh": "activation",
    "Sigmoid": "activation", "HardSigmoid": "activation", "Clip": "activation", "Softplus": "activation",
    "Softsign": "activation", "Erf": "activation",
    "Concat": "join",
}  # fmt: skip
_ARITHMETIC = {"Add", "Sum", "Sub", "Mul", "Div", "Max", "Min", "Where"}


def data_inputs(node: Node) -> list[Tensor]:
    """What a node reads from other nodes and from the inputs; weights and constants are no data."""
    return [t for t in node.inputs if t is not None and not isinstance(t, Parameter | Constant)]


def family(node: Node) -> str:
    """convolution, linear, attention, pool, join, normalisation, activation or other.

    >>> from netwright.graph import image, ops
    >>> family(ops.relu(image(1, 4, 4)).node), family(ops.flatten(image(1, 4, 4)).node)
    ('activation', 'other')
    """
    name = node.op.name
    if name.endswith("Normalization"):
        return "normalisation"
    if name.startswith("Reduce"):
        return "pool"
    if name in _ARITHMETIC:
        return "join" if len(data_inputs(node)) > 1 else "other"
    return _FAMILIES.get(name, "other")


def label(node: Node) -> str:
    """Operator, with the window where it has one and the kind of convolution: `Conv3x3`, `DepthwiseConv5x5`.

    >>> from netwright.graph import image, ops
    >>> label(ops.max_pool(image(1, 4, 4), kernel_shape=2).node)
    'MaxPool2x2'
    """
    window = "x".join(map(str, node.attrs.get("kernel_shape", ())))
    source, group = node.inputs[0] if node.inputs else None, node.attrs.get("group", 1)
    if group == 1 or source is None:
        return f"{node.op.name}{window}"
    return f"{'Depthwise' if group == source.shape[1] else 'Grouped'}{node.op.name}{window}"
