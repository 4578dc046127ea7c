"""Which operators run as one kernel, and the work that follows."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.blocks import classifier, conv, mbconv
from netwright.graph import Graph, Input, Tensor, constant, image, ops, parameter
from netwright.space.catalog import get_space
from netwright.target import fused
from netwright.target._work import Product, works_of

X = image(8, 8, 8)


def kinds(*outputs: Tensor) -> list[list[str]]:
    return [[node.op.name for node in group.nodes] for group in fused(Graph([X], outputs))]


def pointwise(x: Tensor, channels: int = 8) -> Tensor:
    y: Tensor = ops.conv(x, parameter("weight", (channels, x.shape[1], 1, 1)))
    return y


def test_a_sum_goes_with_the_branch_that_ends_last() -> None:
    left = pointwise(X)
    right = pointwise(pointwise(X))
    assert kinds(ops.relu(left + right)) == [["Conv"], ["Conv"], ["Conv", "Add", "Relu"]]


def test_a_residual_goes_with_its_branch() -> None:
    assert kinds(X + pointwise(X)) == [["Conv", "Add"]]


def test_a_value_that_two_read_ends_its_kernel() -> None:
    y = pointwise(X)
    assert kinds(ops.relu(y) + ops.sigmoid(y))[0] == ["Conv"]


def test_additions_that_were_simplified_to_one_follow_as_before() -> None:
    graph = Graph([X], [ops.sum(ops.relu(X), X, pointwise(X))])
    together, apart = ([[n.op.name for n in g.nodes] for g in fused(graph, sums=sums)] for sums in (True, False))
    assert together == [["Relu"], ["Conv", "Sum"]]
    assert apart == [["Relu"], ["Conv"], ["Sum"]]


def test_an_output_ends_its_kernel() -> None:
    y = pointwise(X)
    assert kinds(y, ops.relu(y)) == [["Conv"], ["Relu"]]


def test_views_are_looked_through_and_are_no_kernel() -> None:
    y = ops.relu(ops.reshape(pointwise(X), shape=(0, -1)))
    assert kinds(y) == [["Conv", "Relu"]]


def test_what_changes_the_size_does_not_follow() -> None:
    assert kinds(ops.max_pool(pointwise(X), kernel_shape=(2, 2), strides=(2, 2))) == [["Conv"], ["MaxPool"]]


def test_constants_run_once_and_are_weights_of_what_reads_them() -> None:
    weight = ops.transpose(parameter("weight", (8, 8)), perm=(1, 0))
    x = Input((1, 4, 8))
    [group] = fused(Graph([x], [ops.matmul(x, weight)]))
    assert [node.op.name for node in group.nodes] == ["MatMul"]
    assert group.weights == (weight,)
    assert group.reads == (x,)


def test_alone_every_operator_is_a_kernel() -> None:
    graph = Graph([X], [conv(X, 8)])
    assert [len(group.nodes) for group in fused(graph)] == [3]
    assert [len(group.nodes) for group in fused(graph, alone=True)] == [1, 1, 1]


@pytest.mark.parametrize("name", ["mobilenet-tiny", "vit-tiny", "nasbench201", "hat", "shufflenet-v2", "series-tiny"])
def test_every_node_that_does_something_is_in_one_kernel(name: str) -> None:
    space = get_space(name)
    graph = space.network(space.design_at(space.size() // 2))
    members = [node for group in fused(graph) for node in group.nodes]
    assert len(members) == len(set(members))
    left = {node.op.name for node in graph.nodes if node not in set(members) and node not in graph.constant_nodes}
    assert left <= {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"}
    macs = sum(node.op.macs(node) for node in graph.nodes)
    assert sum(product.macs for work in works_of(graph) for product in work.products) == macs


def test_a_convolution_is_a_product_of_positions_and_channels() -> None:
    [full] = works_of(Graph([X], [conv(X, 16, kernel=3, stride=2)]))
    assert full.products == (Product(1, 16, 16, 72),)
    assert full.activations == 8 * 64 + 16 * 16
    expand, depthwise, project = works_of(Graph([X], [mbconv(X, 8, expand=2)]))
    assert depthwise.products == (Product(16, 64, 1, 9),)
    assert expand.products == (Product(1, 64, 16, 8),)
    assert project.nodes == 3


def test_a_batch_has_more_rows_and_the_same_weights() -> None:
    [*_, last] = works_of(Graph([X], [classifier(X, 10)]))
    assert last.of_batch(4).products == (Product(1, 4, 10, 8),)
    assert last.of_batch(4).weights == last.weights == 90
    assert last.of_batch(4).activations == 4 * last.activations


def test_attention_is_two_products_of_each_head_and_each_example() -> None:
    q, k, v = (Input((1, heads, 16, 4), name=name) for heads, name in ((4, "q"), (2, "k"), (2, "v")))
    [work] = works_of(Graph([q, k, v], [ops.attention(q, k, v)]))
    assert work.products == (Product(4, 16, 16, 4), Product(4, 16, 4, 16))
    assert work.of_batch(3).products[0] == Product(12, 16, 16, 4)


def test_a_lookup_reads_its_rows_and_not_the_table() -> None:
    x = Input((1, 5), "int64")
    [work] = works_of(Graph([x], [ops.gather(parameter("table", (1000, 8)), x)]))
    assert (work.weights, work.activations, work.other_bytes) == (0, 40 + 40, 5 * 8)


def test_a_constant_operand_is_a_weight() -> None:
    [work] = works_of(Graph([X], [pointwise(X) + constant(np.ones((8, 1, 1)))]))
    assert work.weights == 64 + 8
