"""Random networks, and every catalogued space: PyTorch and ONNX agree, and names survive the round trip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwright.blocks._activation import ACTIVATIONS, activate
from netwright.blocks._layers import conv, linear
from netwright.blocks._normalisation import normalise
from netwright.graph import Graph, Input, Tensor, image, ops, scope, vector
from netwright.io import initial_weights, to_onnx
from netwright.io._agreement import difference
from netwright.space.catalog import get_space
from netwright.testing import assert_exports_agree

LIMITS = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.sampled_from(["block", "block", "stage", "0", "1", "half"])
ACTIVATION = st.sampled_from(sorted(ACTIVATIONS))


@st.composite
def convolutional(draw: st.DrawFn) -> Graph:
    """A DAG of image tensors of one size: each step reads one or two earlier tensors."""
    x = image(draw(st.integers(1, 4)), 6, 5)
    made: list[Tensor] = [conv(x, 4, activation=draw(ACTIVATION))]
    for _ in range(draw(st.integers(1, 6))):
        source, other = (draw(st.sampled_from(made)) for _ in range(2))
        with scope(draw(NAMES)):
            made.append(_image_step(draw, source, other))
    outputs = [made[-1]] if draw(st.booleans()) else [ops.global_average_pool(made[-1]), made[len(made) // 2]]
    return Graph([x], outputs)


def _image_step(draw: st.DrawFn, x: Tensor, other: Tensor) -> Tensor:
    kind = draw(st.sampled_from(["conv", "depthwise", "add", "multiply", "cat", "pool", "shuffle", "gate", "nested"]))
    if kind == "conv":
        norm = draw(st.sampled_from(["batch", "group1", "layer", "none"]))
        return conv(x, 4, kernel=draw(st.sampled_from([1, 3])), norm=norm, activation=draw(ACTIVATION))
    if kind == "depthwise":
        return conv(x, 4, groups=4, dilation=draw(st.integers(1, 2)))
    if kind == "add":
        return x + other * draw(st.sampled_from([1.0, -0.5]))
    if kind == "multiply":
        return activate(x, draw(ACTIVATION)) * ops.sigmoid(other)
    if kind == "cat":
        return conv(ops.concat(x, other), 4, kernel=1)
    if kind == "pool":
        pool = draw(st.sampled_from([ops.max_pool, ops.average_pool]))
        return pool(x, kernel_shape=3, strides=1, pads=1) - other
    if kind == "shuffle":
        y = ops.transpose(ops.reshape(x, shape=(0, 2, 2, 6, 5)), perm=(0, 2, 1, 3, 4))
        return ops.reshape(y, shape=(0, -1, 6, 5))
    if kind == "gate":
        return x * ops.hard_sigmoid(conv(ops.global_average_pool(other), 4, kernel=1, norm="none", activation="none"))
    with scope(draw(NAMES)):
        left, right = ops.split(_image_step(draw, x, other), split=(2, 2))
    return ops.concat(right, left)


@st.composite
def transformer(draw: st.DrawFn) -> Graph:
    """Pre-norm blocks with one of several attentions and widths."""
    length, heads, width = draw(st.integers(1, 6)), draw(st.sampled_from([2, 4])), 8
    x = Input((1, length, width))
    y: Tensor = x
    for _ in range(draw(st.integers(1, 3))):
        groups, causal = draw(st.sampled_from([heads, heads // 2, 1])), draw(st.integers(0, 1))
        norm = draw(st.sampled_from(["layer", "rms"]))
        with scope(draw(NAMES)):
            y = y + _attend(normalise(y, norm), heads, groups, causal)
            z = linear(normalise(y, norm), width * draw(st.integers(1, 3)), name="expand")
            y = y + linear(activate(z, draw(ACTIVATION)), width, name="project")
    return Graph([x], [ops.reduce_mean(y, axes=(1,), keepdims=0)])


def _attend(x: Tensor, heads: int, groups: int, causal: int) -> Tensor:
    wide = x.shape[-1] // heads
    counts = {"query": heads, "key": groups, "value": groups}
    query, key, value = (linear(x, count * wide, name=name) for name, count in counts.items())

    def split(t: Tensor, count: int) -> Tensor:
        y: Tensor = ops.transpose(ops.reshape(t, shape=(0, 0, count, -1)), perm=(0, 2, 1, 3))
        return y

    y = ops.attention(split(query, heads), split(key, groups), split(value, groups), is_causal=causal)
    return ops.reshape(ops.transpose(y, perm=(0, 2, 1, 3)), shape=(0, 0, -1))  # type: ignore[no-any-return]


@st.composite
def perceptron(draw: st.DrawFn) -> Graph:
    """Layers that read any earlier ones."""
    x = vector(draw(st.integers(1, 6)))
    made: list[Tensor] = [x]
    for _ in range(draw(st.integers(1, 5))):
        sources = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3))
        with scope(draw(NAMES)):
            y = linear(ops.concat(*sources) if len(sources) > 1 else sources[0], draw(st.integers(1, 5)))
            made.append(activate(normalise(y, draw(st.sampled_from(["batch", "layer", "none"]))), draw(ACTIVATION)))
    return Graph([x], [made[-1]])


@LIMITS
@given(graph=st.one_of(convolutional(), transformer(), perceptron()))
def test_random_networks_agree(graph: Graph) -> None:
    assert_exports_agree(graph)


SMALL = ("convnet-tiny", "grammar-tiny", "mlp-tabular", "mobilenet-tiny", "nasbench201", "series-tiny", "vit-tiny")
"""Spaces of networks that run in a moment; the tests of the catalogue hold all of them, narrow, on small images."""


@pytest.mark.parametrize("name", SMALL)
def test_catalogued_spaces_agree(name: str) -> None:
    space = get_space(name)
    for design in space.sample(np.random.default_rng(1), 3):
        assert_exports_agree(space.network(design))


def test_difference_of_unlike_arrays_is_infinite() -> None:
    one = np.ones((2, 2), "float32")
    for other in (np.ones((2, 1), "float32"), np.ones((2, 2), "int64"), one * np.nan, one * np.inf):
        assert difference([one], [other]) == float("inf")
    assert difference([one * np.inf], [one * np.inf]) == 0.0
    assert difference([one * 0], [one * 0]) == 0.0
    assert difference([one.astype("int64")], [one.astype("int64") * 2]) == float("inf")
    assert difference([one], [one * 1.5]) == pytest.approx(1 / 3)


def test_a_disagreement_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from netwright.testing import _export

    x = vector(4)
    graph = Graph([x], [linear(x, 3)])
    monkeypatch.setattr(_export, "to_onnx", lambda g, weights: to_onnx(g, weights=initial_weights(g, seed=7)))
    with pytest.raises(AssertionError, match="differ by"):
        assert_exports_agree(graph)
    # Nor is what rounding might explain let pass unseen: float64 tells.
    monkeypatch.setattr(_export, "rounding_error", lambda module, inputs: 1.0)
    with pytest.raises(AssertionError, match=r"differ by .* in float64"):
        assert_exports_agree(graph)
