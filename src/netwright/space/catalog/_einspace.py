"""einspace: a probabilistic grammar of fundamental operations (Ericsson et al., NeurIPS 2024; row 217).

A module is two modules in sequence, a branching with an aggregation, a routing around a module, or one computation.
Images (N, C, H, W) become tokens (N, T, D) by im2col and images again by col2im.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

from netwright.blocks import (
    classifier,
    col2im,
    dense,
    im2col,
    last_softmax,
    leaky,
    learned_positions,
    part,
    permute,
    plain_norm,
    skip,
)
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._expression import Expression, named
from netwright.space._grammar import grammar, rule
from netwright.space._join import branch
from netwright.space._parallel import parallel
from netwright.space._sequence import seq
from netwright.space._space import Space

__all__ = ["einspace"]

WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
WINDOWS = ((1, 1), (1, 2), (3, 1), (3, 2), (4, 4), (8, 8), (16, 16))
"""Kernel and stride of each im2col."""
ORDERS = ((2, 1), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1))
COMPUTATION = 0.32
"""Probability that a module is a computation, by which derivations stay finite (section 3.4)."""
JOINS = ("add", "concat1", "concat2", "concat3")
PRODUCTS = ("dot", "scaled_dot")


def einspace(
    input: Input | None = None,
    classes: int = 10,
    *,
    scale: float = 1.0,
    depth: int = 3,
    widths: Sequence[int] = WIDTHS,
    largest: int = 2**15,
) -> Space:
    """All operations of the paper, to a depth of modules inside one another; `weighted=True` draws by its rules.

    >>> from netwright.graph import image
    >>> einspace(image(1, 4, 4), widths=(16,), depth=2).size()
    840

    depth: of modules inside one another, the whole network included. The authors force a computation 100 modules
        deep, which is no bound in practice. Here every shape that a module can give is a node of the forest, and of
        these there are 8, 345 and 16,420 at depths 1 to 3 on 3x32x32. Costs are exact, so a module behind another
        needs nodes of its own for each shape that it can meet: at depth 3 modules of depth 2 stand on 417 shapes and
        give 52,245 pairs of a shape before and one after; at depth 4 modules of depth 3 would stand on more than
        16,420. That is why it ends at 3. widths: features of the linear layers. scale: of them.
        largest: most elements of any value; ten times the input's keeps the forest of depth 3 under 500,000 nodes.

    col2im restores the ratio of the input's sides, where the authors restore the sizes at the last im2col; the head
    takes the mean over all axes but the first, as theirs does.
    """
    given = input or image(3, 32, 32)
    height, width = given.shape[2:]
    ratio = height // gcd(height, width), width // gcd(height, width)
    module, features = rule("module"), oneof(*dict.fromkeys(max(round(w * scale), 1) for w in widths))
    productions = {
        "sequential": seq(first=module, second=module),
        "branching": _branching(module),
        "routing": _routing(module, ratio),
    }
    larger = [named(name, body) for name, body in productions.items()]
    share = (1 - COMPUTATION) / len(larger)
    computation = named("computation", _computation(features))
    body = grammar(
        "network",
        depth=depth,
        network=oneof(*larger),
        module=oneof(*larger, computation, weights=(*(share for _ in larger), COMPUTATION)),
    )
    return Space(seq(body=body, head=classifier(classes)), input=given, name="einspace", largest=largest)


def _branching(module: Expression) -> Expression:
    """Two parts differ; of four or eight, all are alike."""
    pair, many = oneof(*JOINS, *PRODUCTS), oneof(*JOINS)
    options: list[Expression] = [named("clone2", branch(module, module, join=pair))]
    options += [named(f"clone{n}", parallel(module, n, join=many)) for n in (4, 8)]
    for axis in (1, 2, 3):
        halves = [seq(half=part(axis, place, 2), inner=module) for place in (0, 1)]
        options.append(named(f"group2_{axis}", branch(*halves, join=pair)))
        options += [named(f"group{n}_{axis}", parallel(module, n, join=many, axis=axis)) for n in (4, 8)]
    found: Expression = oneof(*options)
    return found


def _routing(module: Expression, ratio: tuple[int, int]) -> Expression:
    orders = [named(f"permute{''.join(map(str, order))}", permute(order)) for order in ORDERS]
    windows = [named(f"im2col{kernel}s{stride}", im2col(kernel, stride)) for kernel, stride in WINDOWS]
    before = oneof(named("identity", skip()), *orders, *windows)
    after = oneof(named("identity", skip()), *orders, named("col2im", col2im(ratio)))
    return seq(before=before, inner=module, after=after)


def _computation(features: Any) -> Expression:
    found: Expression = oneof(
        named("identity", skip()),
        named("linear", dense(features)),
        named("norm", plain_norm()),
        named("leaky_relu", leaky()),
        named("softmax", last_softmax()),
        named("positions", learned_positions()),
        weights=(1, len(getattr(features, "options", (0,))), 1, 1, 1, 1),
    )
    return found
