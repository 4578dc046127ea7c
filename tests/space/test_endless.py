"""What a grammar's bound leaves no room for is left out before anything is applied."""

from __future__ import annotations

import gc

import pytest

from netwright.blocks import block, conv
from netwright.errors import EmptySpaceError
from netwright.graph import Tensor, image
from netwright.space import Space, branch, grammar, oneof, repeat, rule, seq

SEEN: list[tuple[int, ...]] = []


@block
def noted(x: Tensor) -> Tensor:
    """Passes on what it gets, and notes that it was asked."""
    SEEN.append(x.shape)
    return x


def nested(depth: int, inner: object) -> Space:
    return Space(grammar("net", depth=depth, net=oneof(conv(4), inner)), input=image(4, 4, 4))


@pytest.mark.parametrize(
    "inner",
    [
        seq(noted(), rule("net")),
        branch(noted(), rule("net")),
        seq(noted(), branch(conv(4), oneof(rule("net"), seq(conv(4), rule("net"))))),
    ],
)
def test_nothing_is_applied_before_a_rule_that_cannot_end(inner: object) -> None:
    SEEN.clear()
    assert nested(1, inner).size() == 1
    assert SEEN == []
    assert nested(2, inner).size() > 1
    assert SEEN


def test_a_part_that_need_not_stand_hides_no_design() -> None:
    # Without copies of it the rule inside is none of the design.
    space = nested(1, repeat(seq(conv(4), rule("net")), times=oneof(0, 1)))
    assert space.size() == 2


def test_rules_that_end_only_through_one_another_are_counted_by_the_deepest() -> None:
    rules = {"a": seq(conv(4), rule("b")), "b": seq(conv(4), rule("c")), "c": conv(4, kernel=oneof(1, 3))}
    assert Space(grammar("a", depth=3, **rules), input=image(4, 4, 4)).size() == 2
    with pytest.raises(EmptySpaceError, match="does not end within its bound"):
        Space(grammar("a", depth=2, **rules), input=image(4, 4, 4))


def test_garbage_is_searched_for_again_after_compiling() -> None:
    assert gc.isenabled()
    assert Space(conv(oneof(2, 4)), input=image(4, 4, 4)).size() == 2
    assert gc.isenabled()
