"""Symbolic tensors and the one intermediate form: a frozen graph in the ONNX operator vocabulary."""

from netwright.graph import ops
from netwright.graph._canonical import canonical_hash
from netwright.graph._dependency import Dependencies, WidthGroup
from netwright.graph._graph import Graph, topological_order
from netwright.graph._operator import OPERATORS, Opaque, Operator
from netwright.graph._recognise import recognise
from netwright.graph._scope import Scope, current_scope, scope
from netwright.graph._simplify import simplify
from netwright.graph._slim import Rebuild, slim
from netwright.graph._template import Template
from netwright.graph._tensor import (
    DTYPE_BYTES,
    Constant,
    Init,
    Input,
    Node,
    Parameter,
    Shape,
    Tensor,
    constant,
    image,
    parameter,
    tokens,
    vector,
)
from netwright.graph._verify import RULES, Violation, verify, violations

__all__ = [
    "DTYPE_BYTES",
    "OPERATORS",
    "RULES",
    "Constant",
    "Dependencies",
    "Graph",
    "Init",
    "Input",
    "Node",
    "Opaque",
    "Operator",
    "Parameter",
    "Rebuild",
    "Scope",
    "Shape",
    "Template",
    "Tensor",
    "Violation",
    "WidthGroup",
    "canonical_hash",
    "constant",
    "current_scope",
    "image",
    "ops",
    "parameter",
    "recognise",
    "scope",
    "simplify",
    "slim",
    "tokens",
    "topological_order",
    "vector",
    "verify",
    "violations",
]
