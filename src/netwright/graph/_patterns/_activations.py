"""Activations written out: GELU (Hendrycks & Gimpel 2016), Swish (Ramachandran et al. 2017), Mish, hard ones."""

from __future__ import annotations

from math import isclose, pi, sqrt
from typing import Any

from netwright.graph import ops
from netwright.graph._patterns._language import CLOSE, Match, Number, Rule, apply, product, total
from netwright.graph._patterns._network import Network
from netwright.graph._tensor import Tensor

__all__ = ["ACTIVATIONS"]

X = "x"
NORMAL = total(1.0, apply("Erf", product(X, 1 / sqrt(2))))
BEND = 0.044715
CUBE = product(BEND, apply("Pow", X, 3.0)) | product(BEND, X, apply("Pow", X, 2.0)) | product(BEND, X, X, X)
SQUARE = product(BEND, apply("Pow", X, 2.0)) | product(BEND, X, X)
BENT = product(sqrt(2 / pi), total(X, CUBE)) | product(X, sqrt(2 / pi), total(1.0, SQUARE))
DECAY = apply("Exp", apply("Neg", X) | product(X, -1.0))
SIX = apply("Clip", total(X, 3.0), name="clip")


def _gelu(approximate: str) -> Any:
    return lambda match, net: ops.gelu(match.tensor(X), approximate=approximate)


def _swish(match: Match, net: Network) -> Tensor:
    alpha = match.number("alpha")
    made: Tensor = ops.silu(match.tensor(X), **({} if alpha == 1 else {"alpha": alpha}))
    return made


def _limits(match: Match, low: float, high: float) -> bool:
    attrs = match.node("clip").attrs
    return bool(attrs["min"] == low and attrs["max"] == high)


def _hard_sigmoid(match: Match, net: Network) -> Tensor | None:
    made: Tensor | None = ops.hard_sigmoid(match.tensor(X)) if _limits(match, 0, 6) else None
    return made


def _sloped(match: Match, net: Network) -> Tensor | None:
    if not _limits(match, 0, 1):
        return None
    alpha, beta = (match.number(key, usual) for key, usual in (("alpha", 1), ("beta", 0)))
    made: Tensor = ops.hard_sigmoid(match.tensor(X), alpha=_sixth(alpha), beta=beta)
    return made


def _sixth(number: float) -> float:
    return 1 / 6 if isclose(number, 1 / 6, rel_tol=CLOSE) else number


def _hard_swish(match: Match, net: Network) -> Tensor | None:
    made: Tensor | None = ops.hard_swish(match.tensor(X)) if _limits(match, 0, 6) else None
    return made


def _gated(match: Match, net: Network) -> Tensor | None:
    attrs = match.node("gate").attrs
    usual = isclose(attrs["alpha"], 1 / 6, rel_tol=CLOSE) and attrs["beta"] == 0.5
    made: Tensor | None = ops.hard_swish(match.tensor(X)) if usual else None
    return made


def _relu(match: Match, net: Network) -> Tensor | None:
    x = match.tensor(X)
    made: Tensor | None = ops.relu(x) if "float" in x.dtype else None
    return made


def _clip(match: Match, net: Network) -> Tensor | None:
    x, low, high = match.tensor(X), match.number("low", 0.0), match.number("high")
    # With the bounds the wrong way round, what stands last decides.
    made: Tensor | None = ops.clip(x, min=low, max=high) if low <= high and "float" in x.dtype else None
    return made


def _positive(match: Match, net: Network) -> Tensor | None:
    attrs = match.node("clip").attrs
    return _relu(match, net) if attrs["min"] == 0 and attrs["max"] is None else None


ACTIVATIONS: tuple[Rule, ...] = (
    (product(X, 0.5, NORMAL), _gelu("none")),
    (product(X, total(0.5, product(0.5, apply("Erf", product(X, 1 / sqrt(2)))))), _gelu("none")),
    (product(X, 0.5, total(1.0, apply("Tanh", BENT))), _gelu("tanh")),
    (apply("Reciprocal", total(1.0, DECAY)), lambda match, net: ops.sigmoid(match.tensor(X))),
    (apply("Div", 1.0, total(1.0, DECAY)), lambda match, net: ops.sigmoid(match.tensor(X))),
    (apply("Div", X, total(1.0, DECAY)), _swish),
    (product(X, apply("Sigmoid", X)), _swish),
    (product(X, apply("Sigmoid", product(X, Number(name="alpha")))), _swish),
    (apply("Log", total(1.0, apply("Exp", X))), lambda match, net: ops.softplus(match.tensor(X))),
    (product(X, apply("Tanh", apply("Softplus", X))), lambda match, net: ops.mish(match.tensor(X))),
    (product(1 / 6, SIX), _hard_sigmoid),
    (product(X, 1 / 6, SIX), _hard_swish),
    (product(X, apply("HardSigmoid", X, name="gate")), _gated),
    (apply("Clip", total(product(X, Number(name="alpha")), Number(name="beta")), name="clip"), _sloped),
    (apply("Max", X, 0.0), _relu),
    (apply("Clip", X, name="clip"), _positive),
    (apply("Min", apply("Relu", X), Number(name="high")), _clip),
    (apply("Min", apply("Max", X, Number(name="low")), Number(name="high")), _clip),
)
"""What an activation is written as, and the activation."""
