"""Known arrays as leaves of the graph: parameters where they belong to a layer, or else constants."""

from __future__ import annotations

import numpy as np

from netwright.graph import Constant, Init, Parameter, Scope
from netwright.io._from_onnx._names import Names, node_path, parameter_path
from netwright.io._from_onnx._values import Known, NoCounterpart
from netwright.io._from_onnx._weights import DTYPES, Stored

__all__ = ["Leaves"]

LARGE = 1024
"""Arrays with more elements than this are parameters, not constants, whatever they are for."""

INITS = {
    "weight": Init(),
    "bias": Init("zeros"),
    "scale": Init("ones"),
    "running_mean": Init("zeros"),
    "running_var": Init("ones"),
}
"""How the parameters of each role start."""

NOT_TRAINED = ("running_mean", "running_var", "mask")
LARGEST_MASK = 1 << 24


class Leaves:
    """The parameters and constants of one graph, one for each array that is read."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.parameters: dict[Parameter, Known] = {}

    def leaf(self, known: Known, reader: str) -> Parameter | Constant:
        """What an array is where no layer asks for it: learned, or large, or else a constant."""
        mask = _is_mask(known)
        if known.source.size > LARGE or (known.is_weight and not mask):
            role = "mask" if mask else "weight" if len(known.shape) > 1 else "bias"
            return self.parameter(known, role, reader)
        if known.constant is None:
            known.constant = Constant(np.asarray(known.array), _checked_dtype(known))
        return known.constant

    def parameter(self, known: Known, role: str, reader: str) -> Parameter:
        """An array as what a node of this name reads in this role."""
        if known.parameter is None:
            floating = _checked_dtype(known).startswith(("float", "bfloat"))
            trainable = floating and role not in NOT_TRAINED
            hint, scope = self._place(known, role, reader)
            init = _init(known, role) if floating else Init("zeros")
            known.parameter = Parameter(hint, known.shape, init, trainable, known.dtype, scope)
            self.parameters[known.parameter] = known
        return known.parameter

    def _place(self, known: Known, role: str, reader: str) -> tuple[str, Scope | None]:
        # Names such as onnx::Conv_123 are numbers that a writer gave to arrays without one.
        path = node_path(reader)
        if "::" in known.name and path:
            return self.names.parameter((*path, "weight" if role == "scale" else role))
        return self.names.parameter(parameter_path(known.name))


def _is_mask(known: Known) -> bool:
    """Whether an array says what is left out: no training leads to infinity."""
    small = known.dtype.startswith(("float", "bfloat")) and known.source.size <= LARGEST_MASK
    return small and bool(np.isinf(known.array).any() and not np.isnan(known.array).any())


def _checked_dtype(known: Known) -> str:
    if known.dtype not in DTYPES.values():
        raise NoCounterpart(f"its input {known.name!r} is {known.dtype}")
    return known.dtype


def _init(known: Known, role: str) -> Init:
    """How the parameter would start if it were drawn anew."""
    source = known.source
    if not isinstance(source, Stored) and source.size and not any(source.strides):
        return Init("constant", float(source.flat[0]))
    init = INITS.get(role, Init())
    return Init("zeros") if init.kind == "kaiming" and len(known.shape) < 2 else init
