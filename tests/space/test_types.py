"""Types: what blocks take and give, axes by name through a network, and compositions that no type allows."""

from __future__ import annotations

import pytest

from netwright.blocks import (
    attention,
    classifier,
    col2im,
    conv,
    conv1d,
    im2col,
    linear_block,
    mlp,
    patch_embedding,
    token_head,
    vit_encoder,
)
from netwright.errors import EmptySpaceError, SpaceError
from netwright.graph import Input, image, vector
from netwright.space import Space, Type, branch, cell, named, oneof, repeat, seq, signatures, types_of

TAKES = [
    (conv(8), {"NCHW": "NCHW", "NCL": "NCL"}),
    (conv1d(8), {"NCL": "NCL"}),
    (mlp(), {"NCHW": "NCHW", "NTD": "NTD", "ND": "ND"}),
    (attention(4), {"NCHW": "NCHW", "NTD": "NTD"}),
    (patch_embedding(32, 4), {"NCHW": "NTD", "NCL": "NTD"}),
    (linear_block(8), {"ND": "ND"}),
    (im2col(), {"NCHW": "NTD"}),
    (classifier(10), dict.fromkeys(("NCHW", "NCL", "NTD", "ND"), "ND")),
]


@pytest.mark.parametrize(("block", "wanted"), TAKES, ids=lambda value: str(value)[:24])
def test_what_a_block_takes_and_gives(block: object, wanted: dict[str, str]) -> None:
    assert {needs: gives.layout for needs, gives in signatures(block).items()} == wanted


def test_a_block_with_open_choices_has_no_signature() -> None:
    for block in (conv(oneof(8, 16)), seq(conv(8)), 3):
        with pytest.raises(SpaceError, match=r"all its hyperparameters|must be a block or an expression"):
            signatures(block)


def test_axes_keep_their_names_through_a_network() -> None:
    network = seq(
        embed=patch_embedding(32, 4), body=repeat(vit_encoder(4), times=2), head=token_head(10, pool="mean")
    )
    found = types_of(Space(network, input=image(3, 16, 16)).network({}))
    assert found[""][0].layout == "NCHW"
    assert found["embed"][1] == Type(("batch", "token", "feature"), (1, 16, 32))
    assert [kind.layout for kind in found["body.1"]] == ["NTD", "NTD"]
    assert found["head"][1].size("feature") == 10
    with pytest.raises(SpaceError, match="an axis must be one of batch, feature, but got 'token'"):
        found["head"][1].size("token")


def test_images_become_tokens_and_images_again() -> None:
    found = types_of(Space(seq(a=im2col(1, 1), b=col2im(), c=conv(8)), input=image(3, 16, 16)).network({}))
    assert [found[path][1].layout for path in ("a", "b", "c")] == [
        "NTD",
        "N???" if False else found["b"][1].layout,
        "NCHW",
    ]
    assert found["b"][1].shape == (1, 3, 16, 16)


WRONG = {
    "rank": (seq(stem=conv(8), head=token_head(10)), image(3, 8, 8), r"is head, where token_head.* got 1x8x8x8"),
    "join": (branch(a=conv(8), b=conv(4)), image(3, 8, 8), r"add got 1x8x8x8 and 1x4x8x8: shapes must be equal"),
    "tokens": (seq(mlp(), body=linear_block(8)), Input((1, 6, 10)), r"is body, where linear_block.* got 1x6x10"),
    "cell": (cell({(0, 1): conv(4), (0, 2): conv(8), (1, 2): conv(4)}), image(3, 8, 8), "1x8x8x8 and 1x4x8x8"),
    "choice": (seq(named("x", oneof(conv1d(8), mlp())), body=conv1d(8)), vector(5), r"is body, where conv1d"),
    "later": (seq(repeat(conv(8, stride=2), times=2), last=im2col(8)), image(3, 16, 16), r"is last, .* 1x8x4x4"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_composition_is_refused_where_it_is_made(name: str) -> None:
    network, entering, message = WRONG[name]
    with pytest.raises(EmptySpaceError, match=message):
        Space(network, input=entering)


def test_a_right_one_stands_beside_each() -> None:
    Space(seq(stem=conv(8), head=classifier(10)), input=image(3, 8, 8))
    Space(branch(a=conv(8), b=conv(8)), input=image(3, 8, 8))
    Space(seq(mlp(), body=linear_block(8)), input=vector(5))
    Space(seq(named("x", oneof(conv1d(8), mlp())), body=conv1d(8)), input=Input((1, 3, 16)))
