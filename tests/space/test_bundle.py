"""Several tensors that flow together: taken apart, joined, given to a block of several, or left as outputs."""

from __future__ import annotations

import pytest

from netwright.blocks import block, classifier, conv
from netwright.errors import EmptySpaceError, ShapeError, SpaceError
from netwright.graph import Tensor, canonical_hash, image
from netwright.space import Space, branch, distinct_networks, grow, oneof, put, seq, several, take, tied

INPUT = image(3, 8, 8)


@block
def gated(x: Tensor, gate: Tensor) -> Tensor:
    """Product of two tensors of one shape."""
    if x.shape != gate.shape:
        raise ShapeError("shapes must be equal.")
    return x * gate


def test_a_block_of_several_tensors_reads_them_in_order() -> None:
    space = Space(seq(several(conv(oneof(4, 8)), conv(8)), gated()), input=INPUT)
    assert [dict(d) for d in space.enumerate()] == [{"several.conv.channels": 8}]
    assert space.network(space.design_at(0)).outputs[0].shape == (1, 8, 8, 8)


def test_several_at_the_end_are_the_outputs() -> None:
    heads = several(colour=classifier(3), shape=classifier(oneof(4, 5)))
    space = Space(seq(conv(8), heads), input=INPUT)
    assert space.size() == 2
    network = space.network(space.design_at(1))
    assert [y.shape for y in network.outputs] == [(1, 3), (1, 5)]
    assert space.costs(space.design_at(1))["params"] == space.all_costs(["params"])[1, 0]


def test_values_grow_one_by_one() -> None:
    node = oneof(seq(take(0), conv(4)), seq(take(1), conv(4, kernel=1)))
    space = Space(seq(conv(4), several(seq(), conv(4)), grow(node), branch(*map(take, (0, 1, 2)))), input=INPUT)
    assert space.size() == 2
    assert distinct_networks(space) == 2


def test_one_tensor_is_put_in_the_place_of_another() -> None:
    made, start = conv(4, kernel=oneof(1, 3)), several(seq(), conv(4), conv(4))
    ends = branch(take(1), seq(take(2, 1), take(0)))
    short = Space(seq(conv(4), start, put(1, seq(take(0), made)), ends), input=INPUT)
    whole = several(take(0), seq(take(0), made), take(2))
    long = Space(seq(conv(4), start, whole, ends), input=INPUT)
    assert short.size() == long.size() == 2
    networks = [[canonical_hash(space.network(space.design_at(i))) for i in range(2)] for space in (short, long)]
    assert networks[0] == networks[1]
    assert short.all_costs(["params"]).tolist() == long.all_costs(["params"]).tolist()


def test_a_tie_may_hold_several() -> None:
    cell = tied("cell", seq(grow(seq(take(0), conv(None, kernel=oneof(1, 3)))), branch(take(1), take(2))))
    network = seq(conv(4), several(seq(), seq()), several(take(1), cell), cell, classifier(2))
    space = Space(network, input=INPUT)
    assert space.size() == 2 == distinct_networks(space)


def test_what_is_not_there_cannot_be_taken() -> None:
    with pytest.raises(EmptySpaceError, match="more than 2 tensors"):
        Space(seq(several(conv(4), conv(4)), take(2)), input=INPUT).size()
    with pytest.raises(EmptySpaceError, match="more than 2 tensors"):
        Space(seq(several(conv(4), conv(4)), put(2, take(0)), branch(take(0), take(1))), input=INPUT).size()
    with pytest.raises(SpaceError, match="counted from 0, but got 1, -1"):
        take(1, -1)
    with pytest.raises(SpaceError, match="counted from 0, but got -1"):
        put(-1, take(0))
    with pytest.raises(SpaceError, match="at least one part"):
        several()
