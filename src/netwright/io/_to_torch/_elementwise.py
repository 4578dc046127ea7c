"""Elementwise operators in PyTorch."""

from __future__ import annotations

from typing import Any

from netwright.graph import Node
from netwright.io._to_torch._base import Form, Scribe, last_as_minus_one
from netwright.io._to_torch._code import COMPARISON, POWER, PRODUCT, SUM, UNARY, Code

__all__ = ["CALLS", "ELEMENTWISE", "METHODS", "infix"]


METHODS = {
    "Abs": ".abs()",
    "Ceil": ".ceil()",
    "Cos": ".cos()",
    "Erf": ".erf()",
    "Exp": ".exp()",
    "Floor": ".floor()",
    "Log": ".log()",
    "Reciprocal": ".reciprocal()",
    "Round": ".round()",
    "Sign": ".sign()",
    "Sin": ".sin()",
    "Sqrt": ".sqrt()",
    "Not": ".logical_not()",
    **{name: f".{name.lower()}()" for name in ("Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh")},
    **{name: f".{name.lower()}()" for name in ("Asinh", "Acosh", "Atanh", "IsNaN", "IsInf")},
}
"""Operators that are a method without arguments."""

CALLS = {
    "HardSwish": "F.hardswish({})",
    "Mish": "F.mish({})",
    "Relu": "F.relu({})",
    "Sigmoid": "torch.sigmoid({})",
    "Softplus": "F.softplus({})",
    "Softsign": "F.softsign({})",
    "Tanh": "torch.tanh({})",
    "And": "torch.logical_and({}, {})",
    "Or": "torch.logical_or({}, {})",
    "Xor": "torch.logical_xor({}, {})",
    "Where": "torch.where({}, {}, {})",
}
"""Operators that are a function of their inputs alone."""


def infix(symbol: str, binds: int) -> Form:
    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        # Comparisons do not associate: a > b == c would ask for a > b and b == c.
        left, right = given[0].within(binds - (binds == COMPARISON)), given[1].within(binds - 1)
        return Code(f"{left} {symbol} {right}", binds)

    return form


def _power(s: Scribe, node: Node, given: list[Code]) -> Code:
    left = given[0].atom if not given[0].text.startswith("-") else f"({given[0].text})"
    return Code(f"{left} ** {given[1].atom}", POWER)


def _div(s: Scribe, node: Node, given: list[Code]) -> Code:
    if node.output.dtype.startswith("float"):
        return infix("/", PRODUCT)(s, node, given)
    return Code(f'torch.div({given[0].text}, {given[1].text}, rounding_mode="trunc")')


def _sum(s: Scribe, node: Node, given: list[Code]) -> Code:
    return given[0] if len(given) == 1 else Code(" + ".join(g.within(SUM) for g in given), SUM)


def _extreme(function: str, bound: str) -> Form:
    """Maximum or minimum of several tensors and numbers; a number becomes a clamp."""

    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        tensors = [g for g in given if not g.scalar]
        text = tensors[0].text
        for other in tensors[1:]:
            text = f"torch.{function}({text}, {other.text})"
        numbers = [g for g in given if g.scalar]
        made = tensors[0] if len(tensors) == 1 else Code(text)
        for number in numbers:
            made = Code(f"{made.atom}.clamp({bound}={number.text})")
        return made

    return form


def _neg(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"-{given[0].within(POWER)}", UNARY)


def _mod(s: Scribe, node: Node, given: list[Code]) -> Code:
    function = "fmod" if node.attrs.get("fmod") else "remainder"
    return Code(f"torch.{function}({given[0].text}, {given[1].text})")


def _activation(function: str, **options: tuple[str, Any]) -> Form:
    """Call of torch.nn.functional; an option is the name of the attribute and its default there."""

    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        holes = [
            s.hole(key, node.attrs.get(attribute, default), f", {key}=", default)
            for key, (attribute, default) in options.items()
        ]
        return Code(f"F.{function}({given[0].text}{''.join(holes)})")

    return form


def _hard_sigmoid(s: Scribe, node: Node, given: list[Code]) -> Code:
    alpha, beta = node.attrs["alpha"], node.attrs["beta"]
    if abs(alpha - 1 / 6) < 1e-9 and beta == 0.5:
        return Code(f"F.hardsigmoid({given[0].text})")
    return Code(f"({given[0].within(PRODUCT)} * {s.hole('alpha', alpha)} + {s.hole('beta', beta)}).clamp(0, 1)")


def _selu(s: Scribe, node: Node, given: list[Code]) -> Code:
    if not node.attrs:
        return Code(f"F.selu({given[0].text})")
    alpha = s.hole("alpha", node.attrs.get("alpha", 1.67326319217681884765625))
    gamma = s.hole("gamma", node.attrs.get("gamma", 1.05070102214813232421875))
    return Code(f"{gamma} * F.elu({given[0].text}, {alpha})", PRODUCT)


def _swish(s: Scribe, node: Node, given: list[Code]) -> Code:
    alpha, x = node.attrs.get("alpha", 1.0), given[0]
    if alpha == 1.0:
        return Code(f"F.silu({x.text})")
    return Code(f"{x.within(PRODUCT)} * torch.sigmoid({s.hole('alpha', alpha)} * {x.atom})", PRODUCT)


def _thresholded(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"F.threshold({given[0].text}, {s.hole('alpha', node.attrs['alpha'])}, 0.0)")


def _shrink(s: Scribe, node: Node, given: list[Code]) -> Code:
    x, limit, bias = given[0], node.attrs["lambd"], node.attrs["bias"]
    if bias in (0.0, limit):
        return Code(f"F.{'hardshrink' if bias == 0.0 else 'softshrink'}({x.text}, {s.hole('lambd', limit)})")
    moved = f"{x.within(SUM)} - {s.hole('bias', bias)} * {x.atom}.sign()"
    return Code(f"torch.where({x.atom}.abs() > {s.hole('lambd', limit)}, {moved}, 0.0)")


def _hardmax(s: Scribe, node: Node, given: list[Code]) -> Code:
    x, axis = given[0].atom, last_as_minus_one(node)
    return Code(f"torch.zeros_like({x}).scatter({axis}, {x}.argmax(dim={axis}, keepdim=True), 1.0)")


def _prelu(s: Scribe, node: Node, given: list[Code]) -> Code:
    x, slope = given
    return Code(f"{x.atom}.clamp(min=0) + {slope.within(PRODUCT)} * {x.atom}.clamp(max=0)", SUM)


def _clip(s: Scribe, node: Node, given: list[Code]) -> Code:
    low, high = node.attrs["min"], node.attrs["max"]
    if (low, high) == (0.0, 6.0):
        return Code(f"F.relu6({given[0].text})")
    bounds = [f"{k}={s.hole(k, v)}" for k, v in (("min", low), ("max", high)) if v is not None]
    return Code(f"{given[0].atom}.clamp({', '.join(bounds)})") if bounds else given[0]


def _softmax(name: str) -> Form:
    return lambda s, node, given: Code(f"{given[0].atom}.{name}(dim={last_as_minus_one(node)})")


def _dropout(s: Scribe, node: Node, given: list[Code]) -> Code:
    ratio = s.hole("dropout", node.attrs.get("ratio", 0.5), ", ", 0.5)
    return Code(f"F.dropout({given[0].text}{ratio}, training=self.training)")


def _cast(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"{given[0].atom}.to(torch.{node.attrs['to']})")


ELEMENTWISE: dict[str, Form] = {
    "Add": infix("+", SUM),
    "Sub": infix("-", SUM),
    "Mul": infix("*", PRODUCT),
    "Div": _div,
    "Pow": _power,
    "Mod": _mod,
    "Sum": _sum,
    "Max": _extreme("maximum", "min"),
    "Min": _extreme("minimum", "max"),
    "Equal": infix("==", COMPARISON),
    "Greater": infix(">", COMPARISON),
    "GreaterOrEqual": infix(">=", COMPARISON),
    "Less": infix("<", COMPARISON),
    "LessOrEqual": infix("<=", COMPARISON),
    "Neg": _neg,
    "LeakyRelu": _activation("leaky_relu", negative_slope=("alpha", 0.01)),
    "PRelu": _prelu,
    "Elu": _activation("elu", alpha=("alpha", 1.0)),
    "Celu": _activation("celu", alpha=("alpha", 1.0)),
    "Selu": _selu,
    "ThresholdedRelu": _thresholded,
    "Shrink": _shrink,
    "Hardmax": _hardmax,
    "HardSigmoid": _hard_sigmoid,
    "Gelu": _activation("gelu", approximate=("approximate", "none")),
    "Swish": _swish,
    "Clip": _clip,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "Dropout": _dropout,
    "Cast": _cast,
}
"""Operators with attributes or in infix form."""
