"""A template's copy is what the block itself would have built."""

from __future__ import annotations

from netwright.blocks import mbconv, vit_encoder
from netwright.graph import Graph, Template, canonical_hash, image, scope, vector
from netwright.graph._tensor import Input


def graphs() -> list[tuple[Graph, Graph]]:
    found = []
    for block, shape in ((mbconv(expand=3, se=0.25), (1, 16, 8, 8)), (vit_encoder(heads=2), (1, 16, 32))):
        x = Input(shape)
        with scope("outer"):
            template = Template([x], block.block.function(x, **block.hyperparameters))
        y = Input(shape)
        with scope("there"):
            direct = block.block.function(y, **block.hyperparameters)
        with scope("there"):
            copied = template.build(y)
        found.append((Graph([y], [direct]), Graph([y], [copied])))
    return found


def test_a_copy_has_the_same_names_shapes_and_hash() -> None:
    for direct, copied in graphs():
        assert list(direct.names.values()) == list(copied.names.values())
        assert [t.shape for n in direct.nodes for t in n.outputs] == [
            t.shape for n in copied.nodes for t in n.outputs
        ]
        assert canonical_hash(direct) == canonical_hash(copied)


def test_two_copies_share_no_parameter() -> None:
    x = image(16, 8, 8)
    template = Template([x], mbconv.function(x))
    y = template.build(template.build(x))
    once = Graph([x], [template.build(x)])
    assert len(Graph([x], [y]).parameters) == 2 * len(once.parameters)


def test_the_input_itself_is_a_template() -> None:
    x, y = vector(4), vector(4)
    assert Template([x], x).build(y) is y
