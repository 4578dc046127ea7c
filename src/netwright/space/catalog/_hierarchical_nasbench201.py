"""Hierarchical NAS-Bench-201: a grammar from macro-structure to convolution block (Schrodi et al., NeurIPS 2023).

One of the two grammar spaces over which the surrogates of row 261 carry; the other is einspace.
"""

from __future__ import annotations

from netwright.blocks import activated_conv, avg_pool, classifier, conv, residual_reduction, skip, zero
from netwright.graph import Input, image
from netwright.space._cell import cell
from netwright.space._choice import oneof
from netwright.space._expression import Expression, named
from netwright.space._join import branch
from netwright.space._sequence import seq
from netwright.space._space import Space
from netwright.space.catalog._nasbench201 import EDGES

__all__ = ["hierarchical_nasbench201"]


def hierarchical_nasbench201(input: Input | None = None, classes: int = 10, *, scale: float = 1.0) -> Space:
    """Stages of blocks of cells, chained or residual, no two decided together: 7e375 networks.

    >>> len(str(hierarchical_nasbench201().size()))
    376

    The paper's 10^446 counts the production of an operation that is a convolution block twice; here it has twice the
    weight instead. A cell without a way from its input is none of the paper's; here its zeros stay.

    scale: of the 16 channels of the first stage.
    """
    network = seq(
        stem=conv(max(round(16 * scale), 1), activation="none"),
        body=_macro(),
        head=classifier(classes, norm="batch", activation="relu"),
    )
    return Space(network, input=input or image(3, 32, 32), name="hierarchical-nasbench201")


def _chain(*parts: Expression) -> Expression:
    return named(f"linear{len(parts)}", seq(**{f"part{i}": part for i, part in enumerate(parts)}))


def _residual(*parts: Expression) -> Expression:
    """A chain of all parts but the one before the last, which is the way around it."""
    *body, around, last = parts
    chain = seq(**{f"part{i}": part for i, part in enumerate((*body, last))})
    return named(f"residual{len(body) + 1}", branch(body=chain, around=around))


def _macro() -> Expression:
    """The paper's productions D2, D1, D0, DOWN and C, in this order from the network down to cells."""
    one, halve = _cell(), residual_reduction(stride=2, widen=2)
    halving = named("block", seq(halve))
    block: Expression = oneof(_chain(one, one), _chain(one, one, one), _residual(one, one, one))
    down: Expression = oneof(_chain(one, halving), _chain(one, one, halving), _residual(one, halving, halving))
    flat: Expression = oneof(
        _chain(block, block, one), _chain(block, block, block, one), _residual(block, block, one, one)
    )
    lower: Expression = oneof(
        _chain(block, block, down), _chain(block, block, block, down), _residual(block, block, down, down)
    )
    found: Expression = oneof(
        named("lower_first", _chain(lower, lower, flat)),
        named("flat_first", _chain(flat, lower, lower)),
        named("two_flat", _chain(lower, lower, flat, flat)),
    )
    return found


def _cell() -> Expression:
    block = activated_conv(
        kernel=oneof(1, 3), norm=oneof("batch", "instance", "group1"), activation=oneof("relu", "hard_swish", "mish")
    )
    depthwise = activated_conv(
        depthwise=True, norm=oneof("batch", "instance", "group1"), activation=oneof("relu", "hard_swish", "mish")
    )
    operation = oneof(
        named("id", skip()),
        named("zero", zero()),
        named("avg_pool", avg_pool(3)),
        named("conv", block),
        named("depthwise", depthwise),
        weights=(3, 3, 3, 4, 2),
    )
    return cell(dict.fromkeys(EDGES, operation))
