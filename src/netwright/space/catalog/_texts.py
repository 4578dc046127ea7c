"""Designs in the forms of their authors: strings, genotypes, matrices, dictionaries, lists and configurations."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from netwright._optional import require
from netwright.errors import DesignError, UnknownNameError
from netwright.space._design import Design, Value
from netwright.space.catalog._accel_nasbench import accel_nasbench_from_row, accel_nasbench_row
from netwright.space.catalog._darts import darts_from_genotype, darts_genotype
from netwright.space.catalog._fbnet import fbnet_from_indices, fbnet_indices
from netwright.space.catalog._flexibert import flexibert_dictionary, flexibert_from_dictionary
from netwright.space.catalog._hat import hat_config, hat_from_config
from netwright.space.catalog._hytra import hytra_encoding, hytra_from_encoding
from netwright.space.catalog._nasbench101 import nasbench101_from_matrix, nasbench101_matrix
from netwright.space.catalog._nasbench201 import nasbench201_from_string, nasbench201_string
from netwright.space.catalog._ofa_mobilenetv3 import ofa_mobilenetv3_dictionary, ofa_mobilenetv3_from_dictionary
from netwright.space.catalog._ofa_resnet50 import ofa_resnet50_dictionary, ofa_resnet50_from_dictionary
from netwright.space.catalog._proxylessnas import (
    ofa_proxyless_dictionary,
    ofa_proxyless_from_dictionary,
    proxylessnas_blocks,
    proxylessnas_from_blocks,
)
from netwright.space.catalog._regnet import regnet_config, regnet_from_config
from netwright.space.catalog._star_genome import star_from_genome, star_genome
from netwright.space.catalog._transnas101 import (
    transnas101_from_string,
    transnas101_macro_string,
    transnas101_micro_string,
)

__all__ = ["FORMS", "read_design", "write_design"]

Write = Callable[[Mapping[str, Value]], Any]
Read = Callable[[Any], Design]
FORMS: dict[str, tuple[Write, Read]] = {
    "accel-nasbench": (accel_nasbench_row, accel_nasbench_from_row),
    "darts": (darts_genotype, darts_from_genotype),
    "fbnet": (fbnet_indices, fbnet_from_indices),
    "flexibert": (flexibert_dictionary, flexibert_from_dictionary),
    "hat": (hat_config, hat_from_config),
    "hytra": (hytra_encoding, hytra_from_encoding),
    "nasbench101": (nasbench101_matrix, lambda form: nasbench101_from_matrix(*form)),
    "nasbench201": (nasbench201_string, nasbench201_from_string),
    "ofa-mobilenetv3": (ofa_mobilenetv3_dictionary, ofa_mobilenetv3_from_dictionary),
    "ofa-proxyless": (ofa_proxyless_dictionary, ofa_proxyless_from_dictionary),
    "ofa-resnet50": (ofa_resnet50_dictionary, ofa_resnet50_from_dictionary),
    "proxylessnas": (proxylessnas_blocks, proxylessnas_from_blocks),
    "regnet": (regnet_config, regnet_from_config),
    "star": (star_genome, star_from_genome),
    "transnas101-macro": (transnas101_macro_string, transnas101_from_string),
    "transnas101-micro": (transnas101_micro_string, transnas101_from_string),
}
"""How the authors of a space write a design, and how that is read: text, or lists and dictionaries."""


def write_design(space: str, design: Mapping[str, Value]) -> str:
    """A design as the authors of a space by this name write it; lists and dictionaries as JSON.

    >>> design = read_design("nasbench201", "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|")
    >>> write_design("nasbench201", design)
    '|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|'

    Raises UnknownNameError for a space whose authors have no form of their own.
    """
    if space not in FORMS:
        raise UnknownNameError("form of designs", space, FORMS)
    form = FORMS[space][0](design)
    return form if isinstance(form, str) else json.dumps(form)


def read_design(space: str, text: str) -> Design:
    """Design of a text: a JSON object, or the form that the authors of a space by this name write.

    >>> read_design("fbnet", "8 " * 22)["layer21"]
    'skip'
    >>> read_design("mine", '{"width": 8}')
    Design({'width': 8})

    Raises DesignError.
    """
    form = _parsed(text)
    if space in FORMS and text.strip() and (form is not None or not text.lstrip().startswith("{")):
        try:
            return FORMS[space][1](text if form is None else form)
        except (DesignError, AttributeError, KeyError, TypeError, ValueError) as error:
            # A dictionary of plain values may also be a design here; there, nothing has parts of its own.
            if not isinstance(form, dict) or any(isinstance(value, (list, dict)) for value in form.values()):
                why = f": {error}" if isinstance(error, DesignError) else "."
                raise DesignError(
                    f"a design of {space} must have its authors' form, but got {text[:80]!r}{why}"
                ) from error
    if text.lstrip().startswith("{"):
        return Design(form) if isinstance(form, dict) else Design.from_json(text)
    raise DesignError(f"a design of {space} is written as a JSON object, but got {text[:80]!r}.")


def _parsed(text: str) -> Any:
    """Lists, dictionaries and rows of numbers, as JSON, as Python prints them or, over several lines, as YAML.

    None for any other text.
    """
    words = text.split()
    if words and all(word.isdecimal() for word in words):
        return [int(word) for word in words]
    try:
        found = json.loads(text)
    except ValueError:
        found = _of_yaml(text) if re.search(r":\s*\n", text) else _of_python(text)
    return found if isinstance(found, (dict, list)) else None


def _of_python(text: str) -> Any:
    """Plain values as Python prints them, such as {'ks': (3, 5)} in a column of a data frame, tuples as lists."""
    if text.lstrip()[:1] not in ("{", "[", "("):
        return None
    try:
        return json.loads(json.dumps(ast.literal_eval(text.strip())))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _of_yaml(text: str) -> Any:
    yaml = require("yaml", extra="yaml")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
