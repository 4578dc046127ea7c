"""A user's block, written in the user's file, is a full citizen."""

from __future__ import annotations

from netwright.blocks import Call, block, classifier, conv, metaformer
from netwright.graph import Graph, Init, Tensor, image, ops, parameter, scope, verify


@block
def gated(x: Tensor, kernel: int = 3, start: float = 0.5) -> Tensor:
    """Convolution whose output is gated by its own sigmoid and a learned factor."""
    y = conv(x, x.shape[1], kernel, activation="none")
    with scope("gate"):
        factor = parameter("factor", (x.shape[1], 1, 1), Init("constant", start))
    return y * ops.sigmoid(y) * factor


@block
def joined(x: Tensor, other: Tensor, width: int = 4) -> Tensor:
    """Two inputs: further tensors are annotated Tensor and are no hyperparameters."""
    return conv(ops.concat(x, other, axis=1), width, kernel=1)


def test_builds_on_tensors_under_its_own_name() -> None:
    x = image(3, 8, 8)
    graph = verify(Graph([x], [gated(x, kernel=5)]))
    assert graph.outputs[0].shape == (1, 3, 8, 8)
    assert set(graph.parameters) >= {"gated.conv.conv.weight", "gated.gate.factor"}
    assert graph.parameters["gated.conv.conv.weight"].shape == (3, 3, 5, 5)


def test_waits_as_a_call() -> None:
    waiting = gated(start=1.0)
    assert isinstance(waiting, Call)
    assert waiting == gated(start=1.0) != gated(start=0.0)
    assert repr(waiting) == "gated(start=1.0)"
    assert waiting.apply(image(3, 8, 8)).shape == (1, 3, 8, 8)


def test_serves_as_the_mixer_of_a_metaformer() -> None:
    x = image(8, 8, 8)
    graph = verify(Graph([x], [classifier(metaformer(x, mixer=gated()), 10)]))
    assert "metaformer.mix.gated.gate.factor" in graph.parameters
    assert graph.outputs[0].shape == (1, 10)


def test_two_applications_have_weights_of_their_own() -> None:
    x, call = image(8, 8, 8), gated()
    graph = Graph([x], [call.apply(call.apply(x))])
    factors = [name for name in graph.parameters if name.endswith("factor")]
    assert factors == ["gated.gate.factor", "gated_1.gate.factor"]


def test_takes_several_tensors() -> None:
    x = image(3, 8, 8)
    assert joined.hyperparameters == ("width",)
    assert joined(width=6).apply(x, x).shape == (1, 6, 8, 8)
