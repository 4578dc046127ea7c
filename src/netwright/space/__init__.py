"""Spaces: expressions over blocks, compiled into forests of every shape-correct design."""

from netwright.space._bundle import grow, put, several, take
from netwright.space._cell import cell
from netwright.space._choice import oneof
from netwright.space._climb import climb
from netwright.space._design import Design
from netwright.space._domain import integer, real
from netwright.space._expression import named
from netwright.space._formula import Formula, formula
from netwright.space._from_model import from_model
from netwright.space._given import given
from netwright.space._grammar import grammar, rule
from netwright.space._histogram import Histogram
from netwright.space._join import branch, residual
from netwright.space._let import let
from netwright.space._networks import block_graphs, distinct_networks
from netwright.space._parallel import parallel
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space
from netwright.space._tie import tied
from netwright.space._trade import trades
from netwright.space._types import Type, signatures, types_of
from netwright.space._wiring import wiring

__all__ = [
    "Design",
    "Formula",
    "Histogram",
    "Space",
    "Type",
    "block_graphs",
    "branch",
    "cell",
    "climb",
    "distinct_networks",
    "formula",
    "from_model",
    "given",
    "grammar",
    "grow",
    "integer",
    "let",
    "named",
    "oneof",
    "parallel",
    "put",
    "real",
    "repeat",
    "residual",
    "rule",
    "seq",
    "several",
    "signatures",
    "take",
    "tied",
    "trades",
    "types_of",
    "wiring",
]
