"""Arithmetic, comparison and activation, in small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from operator_parts import IMAGE, Build, Case, bits, elementwise, positive, weight, whole

from netwright.graph import Tensor, constant, ops

__all__ = ["CASES"]


def several(op: Callable[..., Tensor], count: int = 2) -> Build:
    return lambda x: op(*(x * (i + 1.0) - 0.3 * i for i in range(count)))


CASES: dict[str, list[Case]] = {
    "Add": [
        ("", IMAGE, several(ops.add)),
        ("number", IMAGE, lambda x: 1.5 + x),
        ("array", IMAGE, lambda x: x + constant(np.arange(8))),
        ("whole", IMAGE, lambda x: ops.add(whole(x), constant([3], "int64"))),
        ("int32", IMAGE, lambda x: ops.add(whole(x, "int32"), whole(-x, "int32"))),
    ],
    "Sub": [
        ("", IMAGE, several(ops.sub)),
        ("order", IMAGE, lambda x: 1.5 - (x - (x - 2.0))),
        ("whole", IMAGE, lambda x: ops.sub(whole(x), constant([3], "int64"))),
        ("int32", IMAGE, lambda x: ops.sub(whole(x, "int32"), whole(-x, "int32"))),
    ],
    "Mul": [
        ("", IMAGE, several(ops.mul)),
        ("number", IMAGE, lambda x: (x + 1.0) * -0.1),
        ("whole", IMAGE, lambda x: ops.mul(whole(x), constant([3], "int64"))),
        ("int32", IMAGE, lambda x: ops.mul(whole(x, "int32"), whole(-x, "int32"))),
    ],
    "Div": [
        ("", IMAGE, lambda x: x / positive(x)),
        ("order", IMAGE, lambda x: (x / 2.0) / (x * x + 1.0) / 3.0),
        ("whole", IMAGE, lambda x: ops.div(ops.cast(x * 9.0, to="int64"), constant(2, "int64"))),
        ("int32", IMAGE, lambda x: ops.div(whole(x, "int32"), constant(-4, "int32"))),
    ],
    "Pow": [
        ("", IMAGE, lambda x: ops.pow(positive(x), x)),
        ("square", IMAGE, lambda x: ops.pow(x - 1.0, constant(2.0))),
        ("of a number", IMAGE, lambda x: ops.pow(constant(2.0), -x)),
        ("whole", IMAGE, lambda x: ops.pow(whole(x), constant(2, "int64"))),
        ("int32", IMAGE, lambda x: ops.pow(constant(2, "int32"), ops.abs(whole(x * 0.2, "int32")))),
    ],
    "Mod": [
        ("", IMAGE, lambda x: ops.mod(x * 3.0, constant(1.7))),
        ("fmod", IMAGE, lambda x: ops.mod(x * 3.0, positive(x), fmod=1)),
        ("whole", IMAGE, lambda x: ops.mod(ops.cast(x * 9.0, to="int64"), constant(4, "int64"))),
        ("int32", IMAGE, lambda x: ops.mod(whole(x, "int32"), constant(-4, "int32"))),
        ("whole fmod", IMAGE, lambda x: ops.mod(whole(x), constant(4, "int64"), fmod=1)),
    ],
    "Sum": [("one", IMAGE, several(ops.sum, 1)), ("three", IMAGE, several(ops.sum, 3))],
    "Max": [
        ("", IMAGE, several(ops.maximum)),
        ("three", IMAGE, several(ops.maximum, 3)),
        ("number", IMAGE, lambda x: ops.maximum(x, constant(0.1))),
        ("whole", IMAGE, lambda x: ops.maximum(whole(x), whole(-x), constant(-7, "int64"))),
        ("int32", IMAGE, lambda x: ops.maximum(whole(x, "int32"), constant(2, "int32"))),
    ],
    "Min": [
        ("", IMAGE, several(ops.minimum)),
        ("number", IMAGE, lambda x: ops.minimum(constant(0.1), x)),
        ("whole", IMAGE, lambda x: ops.minimum(whole(x), whole(-x), constant(-7, "int64"))),
        ("int32", IMAGE, lambda x: ops.minimum(whole(x, "int32"), constant(2, "int32"))),
    ],
    "Equal": [
        ("", IMAGE, lambda x: ops.equal(ops.relu(x), x)),
        ("bits", IMAGE, lambda x: ops.equal(bits(x), bits(x - 0.2))),
        ("whole", IMAGE, lambda x: ops.equal(whole(x * 0.1), constant(0, "int64"))),
    ],
    "Greater": [
        ("", IMAGE, several(ops.greater)),
        ("number", IMAGE, lambda x: ops.greater(x, constant(0.0))),
        ("whole", IMAGE, lambda x: ops.greater(whole(x), constant(3, "int64"))),
    ],
    "Less": [
        ("", IMAGE, several(ops.less)),
        ("int32", IMAGE, lambda x: ops.less(whole(x, "int32"), constant(3, "int32"))),
    ],
    "And": [
        ("", IMAGE, lambda x: ops.logical_and(bits(x), bits(x - 0.5))),
        ("broadcast", IMAGE, lambda x: ops.logical_and(bits(x), constant(np.arange(8) % 3 == 0, "bool"))),
    ],
    "Or": [
        ("", IMAGE, lambda x: ops.logical_or(bits(x), bits(-x - 0.5))),
        ("broadcast", IMAGE, lambda x: ops.logical_or(bits(x), constant(np.arange(8) % 3 == 0, "bool"))),
    ],
    "Not": [("", IMAGE, lambda x: ops.logical_not(bits(x)))],
    "Where": [
        ("", IMAGE, lambda x: ops.where(bits(x), x, x * 0.1)),
        ("number", IMAGE, lambda x: ops.where(bits(x), x, constant(-1.0))),
        ("bits", IMAGE, lambda x: ops.where(bits(x), bits(x - 0.5), bits(x + 0.5))),
        ("whole", IMAGE, lambda x: ops.where(bits(x), whole(x), constant(3, "int64"))),
        ("int32", IMAGE, lambda x: ops.where(bits(x), whole(x, "int32"), constant(3, "int32"))),
        ("float64", IMAGE, lambda x: ops.where(bits(x), ops.cast(x, to="float64"), constant(3, "float64"))),
    ],
    "Neg": [
        elementwise(ops.neg),
        ("power", IMAGE, lambda x: ops.pow(-x, constant(2.0))),
        ("whole", IMAGE, lambda x: ops.neg(whole(x))),
    ],
    "Abs": [
        elementwise(ops.abs),
        ("whole", IMAGE, lambda x: ops.abs(whole(x))),
    ],
    "Exp": [elementwise(ops.exp)],
    "Log": [("", IMAGE, lambda x: ops.log(positive(x)))],
    "Sqrt": [("", IMAGE, lambda x: ops.sqrt(positive(x)))],
    "Reciprocal": [("", IMAGE, lambda x: ops.reciprocal(positive(x)))],
    "Floor": [elementwise(ops.floor)],
    "Ceil": [elementwise(ops.ceil)],
    "Round": [elementwise(ops.round), ("halves", IMAGE, lambda x: ops.round(ops.floor(x * 2.0) / 2.0))],
    "Sign": [
        elementwise(ops.sign),
        ("whole", IMAGE, lambda x: ops.sign(whole(x))),
    ],
    "Sin": [elementwise(ops.sin)],
    "Cos": [elementwise(ops.cos)],
    "Erf": [elementwise(ops.erf)],
    "Relu": [
        elementwise(ops.relu),
        ("int32", IMAGE, lambda x: ops.relu(whole(x, "int32"))),
    ],
    "LeakyRelu": [elementwise(ops.leaky_relu), elementwise(ops.leaky_relu, alpha=0.2)],
    "PRelu": [("", IMAGE, lambda x: ops.prelu(x, weight(4, 1, 1)))],
    "Elu": [elementwise(ops.elu, alpha=0.5)],
    "Celu": [elementwise(ops.celu, alpha=2.0)],
    "Selu": [elementwise(ops.selu), elementwise(ops.selu, alpha=1.5, gamma=1.2)],
    "Sigmoid": [elementwise(ops.sigmoid)],
    "HardSigmoid": [elementwise(ops.hard_sigmoid), elementwise(ops.hard_sigmoid, alpha=0.2, beta=0.4)],
    "HardSwish": [elementwise(ops.hard_swish)],
    "Tanh": [elementwise(ops.tanh)],
    "Softplus": [elementwise(ops.softplus)],
    "Softsign": [elementwise(ops.softsign)],
    "Mish": [elementwise(ops.mish)],
    "Gelu": [elementwise(ops.gelu), elementwise(ops.gelu, approximate="tanh")],
    "Swish": [elementwise(ops.silu), elementwise(ops.silu, alpha=1.7)],
    "Clip": [
        elementwise(ops.clip, min=0.0, max=6.0),
        elementwise(ops.clip, max=0.3),
        elementwise(ops.clip),
        ("whole", IMAGE, lambda x: ops.clip(whole(x), min=-2, max=3)),
    ],
    "Softmax": [elementwise(ops.softmax), elementwise(ops.softmax, axis=1)],
    "LogSoftmax": [elementwise(ops.log_softmax, axis=1)],
    "Xor": [
        ("", IMAGE, lambda x: ops.logical_xor(bits(x), bits(x - 0.5))),
        ("broadcast", IMAGE, lambda x: ops.logical_xor(bits(x), constant(np.arange(8) % 3 == 0, "bool"))),
    ],
    "GreaterOrEqual": [
        ("", IMAGE, lambda x: ops.greater_or_equal(ops.relu(x), x)),
        ("number", IMAGE, lambda x: ops.greater_or_equal(x, constant(0.0))),
    ],
    "LessOrEqual": [
        ("", IMAGE, lambda x: ops.less_or_equal(x, ops.relu(x))),
        ("whole", IMAGE, lambda x: ops.less_or_equal(whole(x), constant(3, "int64"))),
    ],
    "Tan": [("", IMAGE, lambda x: ops.tan(ops.tanh(x)))],
    "Asin": [("", IMAGE, lambda x: ops.asin(ops.tanh(x)))],
    "Acos": [("", IMAGE, lambda x: ops.acos(ops.tanh(x)))],
    "Atan": [elementwise(ops.atan)],
    "Sinh": [elementwise(ops.sinh)],
    "Cosh": [elementwise(ops.cosh)],
    "Asinh": [elementwise(ops.asinh)],
    "Acosh": [("", IMAGE, lambda x: ops.acosh(positive(x) + 1.0))],
    "Atanh": [("", IMAGE, lambda x: ops.atanh(ops.tanh(x) * 0.9))],
    "IsNaN": [("", IMAGE, lambda x: ops.is_nan(ops.log(x)))],
    "IsInf": [("", IMAGE, lambda x: ops.is_inf(1.0 / ops.relu(x)))],
    "ThresholdedRelu": [elementwise(ops.thresholded_relu), elementwise(ops.thresholded_relu, alpha=0.2)],
    "Shrink": [
        elementwise(ops.shrink),
        elementwise(ops.shrink, lambd=0.3, bias=0.3),
        elementwise(ops.shrink, lambd=0.3, bias=0.1),
    ],
    "Hardmax": [elementwise(ops.hardmax), elementwise(ops.hardmax, axis=1)],
}
