from __future__ import annotations

from collections.abc import Callable

import pytest

from netwright.errors import VerifyError
from netwright.graph import RULES, Graph, Node, Operator, Tensor, image, ops, parameter, verify, violations
from netwright.graph._operator import OPERATORS


def sound() -> Graph:
    x = image(3, 8, 8)
    y = ops.relu(ops.conv(x, parameter("weight", (4, 3, 3, 3)), pads=1))
    learned = [parameter(hint, (4,)) for hint in ("scale", "shift")]
    running = [parameter(hint, (4,), trainable=False) for hint in ("mean", "var")]
    parts = ops.split(ops.batch_normalization(y, *learned, *running), split=(1, 3), axis=1)
    return Graph([x], [ops.softmax(parts[1]), parts[0]])


def node(graph: Graph, name: str) -> Node:
    return next(node for node in graph.nodes if node.op.name == name)


class _Copy(Operator):
    """A second ReLU that is not in the vocabulary."""

    def __init__(self) -> None:
        self.name = "Relu"

    def infer(self, inputs: tuple[Tensor, ...], attrs: dict[str, object]) -> list[tuple[tuple[int, ...], str]]:
        return [(inputs[0].shape, inputs[0].dtype)]


def wrong_operator(graph: Graph) -> None:
    node(graph, "Relu").op = _Copy()


def wrong_shape(graph: Graph) -> None:
    node(graph, "Relu").output.shape = (1, 4, 8, 9)


def wrong_dtype(graph: Graph) -> None:
    node(graph, "Softmax").output.dtype = "float16"


def unfit_inputs(graph: Graph) -> None:
    conv = node(graph, "Conv")
    conv.inputs = (conv.inputs[0], parameter("weight", (4, 2, 3, 3)))


def one_output_lost(graph: Graph) -> None:
    split = node(graph, "Split")
    split.outputs = split.outputs[:1]


def empty_output(graph: Graph) -> None:
    node(graph, "Softmax").output.shape = (1, 0, 8, 8)


def unknown_dtype(graph: Graph) -> None:
    graph.inputs[0].dtype = "complex"


def swapped_outputs(graph: Graph) -> None:
    split = node(graph, "Split")
    split.outputs = split.outputs[::-1]


def orphan_output(graph: Graph) -> None:
    relu = node(graph, "Relu")
    relu.outputs = (Tensor(relu.output.shape),)


def trainable_statistics(graph: Graph) -> None:
    norm = node(graph, "BatchNormalization")
    norm.inputs = (*norm.inputs[:4], parameter("var", (4,)))


CORRUPTIONS: list[tuple[Callable[[Graph], None], str, str, str]] = [
    (wrong_operator, "Relu", "the operator must be known", "Relu is not in the vocabulary"),
    (wrong_shape, "Relu", "shapes must follow from the inputs", "the rule gives (((1, 4, 8, 8), 'float32'),) and"),
    (wrong_dtype, "Softmax", "shapes must follow from the inputs", "the node states (((1, 3, 8, 8), 'float16'),)"),
    (unfit_inputs, "Conv", "shapes must follow from the inputs", "Conv: channels must be group (1) x W.shape[1]"),
    (one_output_lost, "Split", "shapes must follow from the inputs", "the node states (((1, 1, 8, 8), 'float32'),)"),
    (empty_output, "Softmax", "sizes must be positive", "it makes (1, 0, 8, 8)"),
    (unknown_dtype, "Conv", "dtypes must be known", "complex is not one"),
    (swapped_outputs, "Split", "outputs must belong to their node", "output 0 does not point back to its node"),
    (orphan_output, "Relu", "outputs must belong to their node", "output 0 does not point back to its node"),
    (trainable_statistics, "BatchNormalization", "running statistics must be buffers", "one of them is trainable"),
]


def test_a_sound_graph_has_no_violations() -> None:
    graph = sound()
    assert list(violations(graph)) == []
    assert verify(graph) is graph


@pytest.mark.parametrize(("corrupt", "operator", "rule", "found"), CORRUPTIONS)
def test_the_verifier_finds(corrupt: Callable[[Graph], None], operator: str, rule: str, found: str) -> None:
    graph = sound()
    corrupt(graph)
    where = next(i for i, node in enumerate(graph.nodes) if node.op.name == operator)
    matching = [v for v in violations(graph) if v.rule == rule and v.position == where]
    assert matching
    assert found in matching[0].found
    with pytest.raises(VerifyError, match=rf"node {where} {operator}\(.*\): {rule}, but "):
        verify(graph)


def test_every_rule_has_a_corruption() -> None:
    assert {rule for _, _, rule, _ in CORRUPTIONS} == set(RULES)


def test_a_violation_states_node_shapes_rule_and_what_was_found() -> None:
    graph = sound()
    trainable_statistics(graph)
    (violation,) = violations(graph)
    assert str(violation) == (
        "node 2 BatchNormalization((1, 4, 8, 8), (4,), (4,), (4,), (4,)): running statistics must be buffers,"
        " but one of them is trainable."
    )


def test_many_violations_are_cut_to_three() -> None:
    x = image(3, 8, 8)
    y: Tensor = x
    for _ in range(5):
        y = ops.relu(y)
    graph = Graph([x], [y])
    for broken in graph.nodes:
        broken.attrs["kind"] = "renamed"
        broken.op = _Copy()
    with pytest.raises(VerifyError, match=r"node 0 .* node 1 .* node 2 .*\(2 more\)") as caught:
        verify(graph)
    assert "node 3" not in str(caught.value)
    assert OPERATORS["Relu"] is ops.relu
