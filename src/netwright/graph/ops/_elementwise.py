"""Elementwise operators: arithmetic, comparison, activation."""

from __future__ import annotations

from typing import Any

from netwright.errors import ShapeError
from netwright.graph._operator import Operator, Types, broadcast, positive_axis, require
from netwright.graph._tensor import DTYPE_BYTES, Node, constant


class Unary(Operator):
    """A function of each element; one FLOP per element.

    >>> from netwright.graph import image, ops
    >>> y = ops.relu(image(3, 8, 8))
    >>> y.shape, y.node.op.flops(y.node)
    ((1, 3, 8, 8), 192)
    """

    def __init__(
        self, name: str, *, keeps_zero: bool = False, dtype: str | None = None, **defaults: float | str
    ) -> None:
        super().__init__(name)
        self.keeps_zero = keeps_zero
        self._dtype = dtype
        self._defaults = defaults

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        for key, value in self._defaults.items():
            attrs.setdefault(key, value)
        return ((x.shape, self._dtype or x.dtype),)

    def flops(self, node: Node) -> int:
        return node.output.size


class Movement(Unary):
    """A unary operator that only passes elements on: no FLOPs.

    >>> from netwright.graph import image, ops
    >>> y = ops.dropout(image(3, 8, 8))
    >>> y.shape, y.node.op.flops(y.node)
    ((1, 3, 8, 8), 0)
    """

    def flops(self, node: Node) -> int:
        return 0


class Cast(Movement):
    """Change of dtype to attribute `to`.

    >>> from netwright.graph import image, ops
    >>> ops.cast(image(3, 8, 8), to="float16").dtype
    'float16'
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        if attrs.get("to") not in DTYPE_BYTES:
            raise ShapeError(f"Cast: `to` must be one of {', '.join(DTYPE_BYTES)}, but got {attrs.get('to')!r}.")
        return ((inputs[0].shape, attrs["to"]),)


class Elementwise(Operator):
    """A function of the elements of several broadcast tensors; one FLOP per output element and extra input.

    >>> from netwright.graph import Input, image, ops
    >>> ops.add(image(3, 8, 8), Input((1, 3, 1, 1))).shape
    (1, 3, 8, 8)
    >>> ops.greater(image(3, 8, 8), image(3, 8, 8)).dtype
    'bool'
    >>> ops.add(Input((1, 3)), Input((1, 4)))
    Traceback (most recent call last):
        ...
    netwright.errors.ShapeError: Add: sizes must be equal or 1 in each dimension, but got shapes (1, 3), (1, 4).
    """

    def __init__(
        self, name: str, *, commutative: bool = False, keeps_zero: bool = False, dtype: str | None = None
    ) -> None:
        super().__init__(name)
        self.commutative = commutative
        self.keeps_zero = keeps_zero
        self._dtype = dtype

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        require(len(inputs) >= 1, self, "at least one input is needed", inputs)
        if any(t.dtype != inputs[0].dtype for t in inputs):
            raise ShapeError(
                f"{self.name}: inputs must have one dtype, but got {', '.join(t.dtype for t in inputs)}."
            )
        return ((broadcast(self, inputs), self._dtype or inputs[0].dtype),)

    def flops(self, node: Node) -> int:
        return node.output.size * (len(node.inputs) - 1)

    def __call__(self, *inputs: Any, **attrs: Any) -> Any:
        like = next((t for t in inputs if hasattr(t, "shape")), None)
        dtype = like.dtype if like is not None else "float32"
        return super().__call__(*(t if hasattr(t, "shape") else constant(t, dtype) for t in inputs), **attrs)


class Where(Elementwise):
    """Elements of `b` where `condition` holds, else of `c`.

    >>> from netwright.graph import image, ops
    >>> a, b = image(3, 8, 8), image(3, 8, 8)
    >>> ops.where(ops.greater(a, b), a, b).dtype
    'float32'
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        return ((broadcast(self, inputs), inputs[1].dtype),)

    def flops(self, node: Node) -> int:
        return node.output.size


class PRelu(Unary):
    """Leaky rectifier with a learned slope.

    >>> from netwright.graph import image, ops, parameter
    >>> ops.prelu(image(3, 8, 8), parameter("slope", (3, 1, 1))).shape
    (1, 3, 8, 8)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        require(broadcast(self, inputs) == x.shape, self, "the slope must broadcast to the input", inputs)
        return ((x.shape, x.dtype),)


class Clip(Unary):
    """Limit each element to [min, max]; ReLU6 is Clip(min=0, max=6).

    >>> from netwright.graph import image, ops
    >>> ops.clip(image(3, 8, 8), min=0.0, max=6.0).shape
    (1, 3, 8, 8)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        attrs.setdefault("min", None)
        attrs.setdefault("max", None)
        return super().infer(inputs, attrs)


class Softmax(Unary):
    """Exponentials that sum to one along `axis`; five FLOPs per element.

    >>> from netwright.graph import Input, ops
    >>> y = ops.softmax(Input((1, 16, 8)), axis=-1)
    >>> y.shape, y.node.op.flops(y.node)
    ((1, 16, 8), 640)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        attrs["axis"] = positive_axis(self, attrs.get("axis", -1), inputs[0])
        return super().infer(inputs, attrs)

    def flops(self, node: Node) -> int:
        return 5 * node.output.size


add = Elementwise("Add", commutative=True)
sub = Elementwise("Sub")
mul = Elementwise("Mul", commutative=True, keeps_zero=True)
div = Elementwise("Div", keeps_zero=True)
pow = Elementwise("Pow")
mod = Elementwise("Mod")
sum = Elementwise("Sum", commutative=True)
maximum = Elementwise("Max", commutative=True)
minimum = Elementwise("Min", commutative=True)
equal = Elementwise("Equal", commutative=True, dtype="bool")
greater = Elementwise("Greater", dtype="bool")
less = Elementwise("Less", dtype="bool")
greater_or_equal = Elementwise("GreaterOrEqual", dtype="bool")
less_or_equal = Elementwise("LessOrEqual", dtype="bool")
logical_xor = Elementwise("Xor", commutative=True, dtype="bool")
logical_and = Elementwise("And", commutative=True, dtype="bool")
logical_or = Elementwise("Or", commutative=True, dtype="bool")
where = Where("Where")

neg = Unary("Neg", keeps_zero=True)
abs = Unary("Abs", keeps_zero=True)
exp = Unary("Exp")
log = Unary("Log")
sqrt = Unary("Sqrt", keeps_zero=True)
reciprocal = Unary("Reciprocal")
floor = Unary("Floor", keeps_zero=True)
ceil = Unary("Ceil", keeps_zero=True)
round = Unary("Round", keeps_zero=True)
sign = Unary("Sign", keeps_zero=True)
sin = Unary("Sin", keeps_zero=True)
cos = Unary("Cos")
tan = Unary("Tan", keeps_zero=True)
asin = Unary("Asin", keeps_zero=True)
acos = Unary("Acos")
atan = Unary("Atan", keeps_zero=True)
sinh = Unary("Sinh", keeps_zero=True)
cosh = Unary("Cosh")
asinh = Unary("Asinh", keeps_zero=True)
acosh = Unary("Acosh")
atanh = Unary("Atanh", keeps_zero=True)
erf = Unary("Erf", keeps_zero=True)
is_nan = Unary("IsNaN", keeps_zero=True, dtype="bool")
is_inf = Unary("IsInf", keeps_zero=True, dtype="bool")
logical_not = Unary("Not", dtype="bool")

relu = Unary("Relu", keeps_zero=True)
leaky_relu = Unary("LeakyRelu", keeps_zero=True, alpha=0.01)
prelu = PRelu("PRelu", keeps_zero=True)
elu = Unary("Elu", keeps_zero=True, alpha=1.0)
celu = Unary("Celu", keeps_zero=True, alpha=1.0)
selu = Unary("Selu", keeps_zero=True)
sigmoid = Unary("Sigmoid")
hard_sigmoid = Unary("HardSigmoid", alpha=1 / 6, beta=0.5)
hard_swish = Unary("HardSwish", keeps_zero=True)
tanh = Unary("Tanh", keeps_zero=True)
softplus = Unary("Softplus")
softsign = Unary("Softsign", keeps_zero=True)
thresholded_relu = Unary("ThresholdedRelu", keeps_zero=True, alpha=1.0)
shrink = Unary("Shrink", keeps_zero=True, lambd=0.5, bias=0.0)
mish = Unary("Mish", keeps_zero=True)
gelu = Unary("Gelu", keeps_zero=True, approximate="none")
silu = Unary("Swish", keeps_zero=True)
clip = Clip("Clip")
softmax = Softmax("Softmax")
log_softmax = Softmax("LogSoftmax")
hardmax = Softmax("Hardmax")

identity = Movement("Identity", keeps_zero=True)
dropout = Movement("Dropout", keeps_zero=True)
cast = Cast("Cast", keeps_zero=True)
