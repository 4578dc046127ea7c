"""NAS-Bench-201: one cell of 4 nodes and 5 operations, stacked (Dong & Yang, ICLR 2020; row 207)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netwright.blocks import avg_pool, classifier, conv, relu_conv_bn, residual_reduction, skip, zero
from netwright.errors import DesignError
from netwright.graph import Input, image
from netwright.space._cell import cell
from netwright.space._choice import oneof
from netwright.space._design import Design
from netwright.space._expression import named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space
from netwright.space._tie import tied

__all__ = ["nasbench201", "nasbench201_from_string", "nasbench201_string"]

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""In the order of the authors' strings."""
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def nasbench201(input: Input | None = None, classes: int = 10, *, scale: float = 1.0, cells: int = 5) -> Space:
    """The space of the benchmark: 15,625 designs, the cell tied over all stages.

    >>> nasbench201().size()
    15625

    scale: of the 16 channels of the first stage. cells: cells of a stage, 5 in the paper.
    """
    channels = max(round(16 * scale), 1)
    operation = oneof(
        named("none", zero()),
        named("skip_connect", skip()),
        named("nor_conv_1x1", relu_conv_bn(kernel=1)),
        named("nor_conv_3x3", relu_conv_bn(kernel=3)),
        named("avg_pool_3x3", avg_pool(3)),
    )
    the_cell = tied("cell", cell(dict.fromkeys(EDGES, operation)))
    network = seq(
        stem=conv(channels, activation="none"),
        stage1=repeat(the_cell, times=cells),
        reduction1=residual_reduction(2 * channels),
        stage2=repeat(the_cell, times=cells),
        reduction2=residual_reduction(4 * channels),
        stage3=repeat(the_cell, times=cells),
        head=classifier(classes, norm="batch", activation="relu"),
    )
    return Space(network, input=input or image(3, 32, 32), name="nasbench201")


def nasbench201_string(design: Mapping[str, object]) -> str:
    """The authors' string of a design.

    >>> nasbench201_string(nasbench201().design_at(0))
    '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|'
    """
    nodes = [[f"{design[f'cell.{i}-{j}']}~{i}" for i in range(j)] for j in (1, 2, 3)]
    return "+".join(f"|{'|'.join(edges)}|" for edges in nodes)


def nasbench201_from_string(text: str) -> Design:
    """Design of an authors' string; raises DesignError when it is not one.

    >>> design = nasbench201_from_string('|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|')
    >>> design["cell.0-1"], design["cell.2-3"]
    ('nor_conv_3x3', 'skip_connect')
    """
    found = re.findall(r"([a-z0-9_]+)~(\d)", text)
    if len(found) != len(EDGES) or any(name not in OPERATIONS for name, _ in found):
        raise DesignError(f"a NAS-Bench-201 string has six edges of {', '.join(OPERATIONS)}, but got {text!r}.")
    if [int(source) for _, source in found] != [i for i, _ in EDGES]:
        raise DesignError(f"edges of a NAS-Bench-201 string start at 0, 0, 1, 0, 1, 2 in turn, but got {text!r}.")
    design = Design({f"cell.{i}-{j}": name for (i, j), (name, _) in zip(EDGES, found, strict=True)})
    if nasbench201_string(design) != text.strip(" \n\"'"):
        raise DesignError(f"a NAS-Bench-201 string reads '|a~0|+|b~0|c~1|+|d~0|e~1|f~2|', but got {text!r}.")
    return design
