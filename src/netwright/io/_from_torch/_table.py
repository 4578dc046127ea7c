"""All converters by the names of ATen operators."""

from __future__ import annotations

from typing import Any

from netwright.io._from_torch._activations import ACTIVATIONS
from netwright.io._from_torch._arithmetic import ARITHMETIC
from netwright.io._from_torch._attention import ATTENTION
from netwright.io._from_torch._experts import EXPERTS
from netwright.io._from_torch._filled import FILLED
from netwright.io._from_torch._form import Converter
from netwright.io._from_torch._indexing import INDEXING
from netwright.io._from_torch._layers import LAYERS
from netwright.io._from_torch._movement import MOVEMENT
from netwright.io._from_torch._parts import PARTS
from netwright.io._from_torch._recurrent import RECURRENT
from netwright.io._from_torch._reductions import REDUCTIONS
from netwright.io._from_torch._windows import WINDOWS

__all__ = ["CONVERTERS", "converter_of"]

CONVERTERS: dict[str, Converter] = {
    **ACTIVATIONS,
    **ARITHMETIC,
    **ATTENTION,
    **EXPERTS,
    **FILLED,
    **INDEXING,
    **LAYERS,
    **MOVEMENT,
    **PARTS,
    **RECURRENT,
    **REDUCTIONS,
    **WINDOWS,
}
"""By `aten.name`, or by `aten.name.overload` where an overload means something else."""


def converter_of(target: Any) -> Converter | None:
    """Converter of an operator; one that writes in place has that of its twin that does not."""
    overload = str(target)
    name = overload.rpartition(".")[0]
    plain = name[:-1] if name.endswith("_") and not name.endswith("__") else name
    return CONVERTERS.get(overload) or CONVERTERS.get(name) or CONVERTERS.get(plain)
