"""Shapes: what each block makes, with any batch, at any size."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netwright import blocks
from netwright.blocks import (
    Block,
    avg_pool,
    bottleneck,
    conv,
    depthwise_separable,
    factorized_reduction,
    fused_mbconv,
    max_pool,
    mbconv,
    relu_conv_bn,
    residual_block,
    residual_reduction,
    resnext,
    shufflenet_v2,
    skip,
    vanilla,
    zero,
)
from netwright.graph import Constant, Graph, Input, Shape, Tensor, verify

from .examples import EXAMPLES, Example, graph_of, name_of

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=name_of)


def test_every_block_has_an_example() -> None:
    public = {name for name in blocks.__all__ if isinstance(getattr(blocks, name), Block)}
    assert public == {call.block.name for call, _, _ in EXAMPLES}


def test_public_names_are_those_of_all() -> None:
    # Submodules are attributes too, but private ones.
    assert {name for name in vars(blocks) if not name.startswith("_")} == set(blocks.__all__)


@every_example
def test_output_shape(example: Example) -> None:
    graph = verify(graph_of(example))
    assert graph.outputs[0].shape == example[2]
    assert graph.outputs[0].dtype == "float32"


def shape_with_batch(graph: Graph, batch: int) -> Shape:
    """Shape of the output when the input has another batch, by inferring every node anew."""
    fresh: dict[Tensor, Tensor] = {x: Tensor((batch, *x.shape[1:]), x.dtype) for x in graph.inputs}
    for node in graph.nodes:
        inputs = tuple(None if t is None else fresh.get(t, t) for t in node.inputs)
        types = node.op.infer(inputs, dict(node.attrs))
        for tensor, (shape, dtype) in zip(node.outputs, types, strict=True):
            fresh[tensor] = Tensor(shape, dtype)
    return fresh[graph.outputs[0]].shape


@every_example
def test_batch_stays_free(example: Example) -> None:
    assert shape_with_batch(graph_of(example), 5) == (5, *example[2][1:])


@every_example
def test_constants_are_small(example: Example) -> None:
    constants = [t for t in graph_of(example).leaves if isinstance(t, Constant)]
    assert all(t.size == 1 for t in constants)


@every_example
def test_parameters_have_names_below_the_block(example: Example) -> None:
    graph = graph_of(example)
    assert all(name.startswith(f"{example[0].block.name}.") for name in graph.parameters)


STRIDED: list[Callable[..., Tensor]] = [
    conv, depthwise_separable, mbconv, fused_mbconv, residual_block, bottleneck, resnext, shufflenet_v2, skip, zero,
    factorized_reduction, relu_conv_bn, residual_reduction, vanilla,
]  # fmt: skip
odd = st.sampled_from([3, 5, 7])
sizes = st.integers(1, 33)


@settings(deadline=None)
@given(st.sampled_from(STRIDED), sizes, sizes, st.integers(1, 3), st.integers(1, 2), st.integers(1, 2))
def test_size_is_divided_by_the_stride_and_rounded_up(
    block: Callable[..., Tensor], height: int, width: int, stride: int, entering: int, leaving: int
) -> None:
    x = Input((1, 64 * entering, height, width))
    y = block(x, 64 * leaving, stride=stride)
    assert y.shape == (1, 64 * leaving, -(-height // stride), -(-width // stride))
    if y is not x:
        verify(Graph([x], [y]))


@settings(deadline=None)
@given(st.sampled_from([max_pool, avg_pool]), st.integers(1, 7), sizes, sizes, st.integers(1, 4))
def test_pools_round_up_too(block: Callable[..., Tensor], kernel: int, height: int, width: int, stride: int) -> None:
    assume(kernel % 2 == 1 or kernel == stride)
    y = block(Input((1, 3, height, width)), kernel, stride=stride)
    assert y.shape == (1, 3, -(-height // stride), -(-width // stride))


@settings(deadline=None)
@given(st.integers(1, 64), odd, st.floats(1, 6), st.booleans(), st.integers(4, 20))
def test_mbconv_keeps_any_width(channels: int, kernel: int, expand: float, se: bool, size: int) -> None:
    x = Input((1, channels, size, size))
    y = mbconv(x, expand=expand, kernel=kernel, se=0.25 if se else 0.0)
    assert y.shape == x.shape
    assert y.node is not None
    assert y.node.op.name == "Add"


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 16), st.integers(1, 20))
def test_attention_keeps_tokens(keys: int, group: int, each: int, length: int) -> None:
    queries = keys * group
    x = Input((1, length, queries * each))
    assert blocks.grouped_query_attention(x, queries, keys).shape == x.shape


@settings(deadline=None)
@given(st.integers(1, 96), st.integers(1, 96), st.integers(1, 12))
def test_monarch_maps_any_width_to_any_other(width: int, features: int, length: int) -> None:
    x = Input((1, length, width))
    assert blocks.monarch_linear(x, features).shape == (1, length, features)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 4), st.sampled_from([1, 2, 4, 8]))
def test_patches_become_tokens(width: int, count: int, patch: int) -> None:
    x = Input((1, 3, count * patch, patch))
    assert blocks.patch_embedding(x, width, patch, class_token=True).shape == (1, count + 1, width)


@settings(deadline=None)
@given(st.integers(1, 5000), st.sampled_from([1, 4, 8, 16]))
def test_make_divisible_is_a_multiple_not_far_below(value: int, divisor: int) -> None:
    result = blocks.make_divisible(value, divisor)
    assert result % divisor == 0
    assert 0.9 * value <= result <= value + divisor
