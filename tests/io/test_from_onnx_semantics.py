"""What an operator means in each operator set: the original in ONNX Runtime against what comes out again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from netwright.errors import UnsupportedError
from netwright.graph import Constant, Graph, Parameter
from netwright.io import from_onnx, to_module, to_onnx
from netwright.io._agreement import difference, random_inputs, run_onnx, run_torch

Array = NDArray[Any]
Shape = tuple[int, ...]
MICROSOFT = "com.microsoft"


def n(op: str, inputs: str, outputs: str = "y", domain: str = "", **attrs: Any) -> onnx.NodeProto:
    """A node; `_` is an optional input that is left out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    made = ["" if name == "_" else name for name in outputs.split()]
    return helper.make_node(op, names, made, domain=domain, **attrs)


def ints(*values: int) -> Array:
    return np.asarray(values, np.int64)


def floats(*shape: int) -> Array:
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


def build(
    opset: int, shape: Shape, nodes: Sequence[onnx.NodeProto], weights: dict[str, Array], outputs: str = "y"
) -> onnx.ModelProto:
    """A model of one input `x`."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info(name) for name in outputs.split()],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in weights.items()],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def assert_comes_back(model: onnx.ModelProto, *, strict: bool = True) -> Graph:
    """Original, ONNX and torch agree on random inputs of one row; returns the graph."""
    graph = from_onnx(model, strict=strict)
    arrays = random_inputs(graph, 1, np.random.default_rng(0))
    expected = run_onnx(model, {t.name: a for t, a in zip(graph.inputs, arrays, strict=True)})
    assert [t.shape for t in graph.outputs] == [a.shape for a in expected]
    found = run_onnx(to_onnx(graph), {graph.names[t]: a for t, a in zip(graph.inputs, arrays, strict=True)})
    assert difference(expected, found) < 1e-5
    assert difference(expected, run_torch(to_module(graph), arrays)) < 1e-5
    return graph


IMAGE: Shape = (1, 4, 6, 6)
ROI = np.zeros(0, np.float32)
SCALES = np.asarray([1, 1, 2, 3], np.float32)

CASES: dict[str, tuple[int, Shape, list[onnx.NodeProto], dict[str, Array]]] = {
    "softmax flattens": (11, (1, 3, 4, 5), [n("Softmax", "x")], {}),
    "softmax flattens from axis 2": (11, (1, 3, 4, 5), [n("LogSoftmax", "x", axis=2)], {}),
    "softmax of one axis": (13, (1, 3, 4, 5), [n("Softmax", "x", axis=1)], {}),
    "upsample": (9, IMAGE, [n("Upsample", "x s", mode="nearest")], {"s": SCALES}),
    "resize 10": (10, IMAGE, [n("Resize", "x s", mode="nearest")], {"s": SCALES}),
    "resize 11": (11, IMAGE, [n("Resize", "x r s", mode="linear")], {"r": ROI, "s": SCALES}),
    "resize 13 sizes": (13, IMAGE, [n("Resize", "x _ _ z", mode="linear")], {"z": ints(1, 4, 9, 5)}),
    "resize 18 axes": (
        18,
        IMAGE,
        [n("Resize", "x _ _ z", mode="cubic", axes=[2, 3], coordinate_transformation_mode="half_pixel")],
        {"z": ints(9, 5)},
    ),
    "resize corners": (
        13,
        IMAGE,
        [n("Resize", "x _ _ z", mode="linear", coordinate_transformation_mode="align_corners")],
        {"z": ints(1, 4, 11, 3)},
    ),
    "slice 9": (9, IMAGE, [n("Slice", "x", starts=[1, -3], ends=[9, 2**31], axes=[2, 3])], {}),
    "slice 10": (
        10,
        IMAGE,
        [n("Slice", "x a b c d")],
        {"a": ints(-1), "b": ints(-(2**31)), "c": ints(-1), "d": ints(-2)},
    ),
    "clip 9": (9, IMAGE, [n("Clip", "x", min=-0.5, max=0.25)], {}),
    "clip 11": (11, IMAGE, [n("Clip", "x _ b")], {"b": np.float32(0.3)}),
    "clip by what is computed": (
        13,
        IMAGE,
        [n("ReduceMax", "x", "m", keepdims=0), n("Neg", "m", "l"), n("Clip", "x l")],
        {},
    ),
    "pad 9": (9, IMAGE, [n("Pad", "x", mode="reflect", pads=[0, 0, 1, 2, 0, 0, 2, 1])], {}),
    "pad 11": (11, IMAGE, [n("Pad", "x p v")], {"p": ints(0, 0, 1, 0, 0, 0, 0, 2), "v": np.float32(1.5)}),
    "pad 18": (18, IMAGE, [n("Pad", "x p _ a", mode="edge")], {"p": ints(1, 2, 0, 3), "a": ints(2, -1)}),
    "topk 10": (10, (1, 9), [n("TopK", "x k", "y i")], {"k": ints(3)}),
    "topk 11": (11, (1, 9), [n("TopK", "x k", "y i", largest=0)], {"k": ints(3)}),
    "squeeze 9": (9, (1, 1, 5), [n("Squeeze", "x", axes=[1])], {}),
    "squeeze 13": (13, (1, 1, 5), [n("Squeeze", "x a")], {"a": ints(1)}),
    "squeeze all": (13, (1, 1, 5), [n("Squeeze", "x")], {}),
    "unsqueeze": (13, (1, 5), [n("Unsqueeze", "x a")], {"a": ints(-1, 1)}),
    "reduce 9": (9, IMAGE, [n("ReduceSum", "x", axes=[1, -1], keepdims=0)], {}),
    "reduce 13": (13, IMAGE, [n("ReduceSum", "x a", keepdims=0)], {"a": ints(2)}),
    "reduce some, and nothing without axes": (
        13,
        IMAGE,
        [n("ReduceSum", "x a", noop_with_empty_axes=1)],
        {"a": ints(2)},
    ),
    "reduce all": (13, IMAGE, [n("ReduceMean", "x", keepdims=1)], {}),
    "reduce nothing": (
        13,
        IMAGE,
        [n("ReduceSum", "x a", "z", noop_with_empty_axes=1), n("Neg", "z")],
        {"a": ints()},
    ),
    "logarithm of a sum": (13, IMAGE, [n("Exp", "x", "e"), n("ReduceLogSum", "e", axes=[1])], {}),
    "split 9": (9, IMAGE, [n("Split", "x", "y z", axis=1)], {}),
    "split 13": (13, IMAGE, [n("Split", "x s", "y z", axis=1)], {"s": ints(1, 3)}),
    "split 18": (18, (1, 7), [n("Split", "x", "y z w", axis=1, num_outputs=3)], {}),
    "mean": (13, IMAGE, [n("Neg", "x", "a"), n("Abs", "x", "b"), n("Mean", "a b x")], {}),
    "maximum of one": (13, IMAGE, [n("Max", "x", "m"), n("Neg", "m")], {}),
    "power of whole numbers": (13, IMAGE, [n("Pow", "x p")], {"p": np.asarray(3, np.int64)}),
    "linear layer": (13, (1, 5), [n("Gemm", "x w b", transB=1)], {"w": floats(3, 5), "b": floats(3)}),
    "product with factors": (
        13,
        (1, 5),
        [n("Gemm", "x w b", alpha=0.5, beta=2.0)],
        {"w": floats(5, 3), "b": floats(1, 3)},
    ),
    "product turned": (13, (5, 2), [n("Gemm", "x w", transA=1)], {"w": floats(5, 3)}),
    "product with a number": (13, (1, 5), [n("Gemm", "x w b", transB=1)], {"w": floats(3, 5), "b": np.float32(2)}),
    "product with a vector": (13, (1, 3, 5), [n("MatMul", "x w")], {"w": floats(5)}),
    "vector times matrices": (13, (2, 5, 3), [n("MatMul", "w x")], {"w": floats(5)}),
    "gather from the end": (13, IMAGE, [n("Gather", "x i", axis=2)], {"i": ints(-1, 0, -3)}),
    "gather one": (13, IMAGE, [n("Gather", "x i", axis=1)], {"i": np.asarray(-2)}),
    "embedding": (
        13,
        (1, 4),
        [n("Cast", "x", "c", to=7), n("Clip", "c lo hi", "i"), n("Gather", "w i")],
        {"w": floats(9, 3), "lo": np.asarray(0), "hi": np.asarray(8)},
    ),
    "flatten from the end": (13, IMAGE, [n("Flatten", "x", axis=-1)], {}),
    "same upper": (13, IMAGE, [n("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2])], {"w": floats(3, 4, 3, 3)}),
    "same lower": (13, IMAGE, [n("Conv", "x w", auto_pad="SAME_LOWER", strides=[2, 1])], {"w": floats(3, 4, 4, 2)}),
    "valid": (13, IMAGE, [n("MaxPool", "x", kernel_shape=[3, 3], auto_pad="VALID")], {}),
    "pool same": (13, IMAGE, [n("AveragePool", "x", kernel_shape=[2, 3], auto_pad="SAME_UPPER")], {}),
    "transposed": (
        13,
        IMAGE,
        [n("ConvTranspose", "x w", strides=[2, 2], output_shape=[12, 13])],
        {"w": floats(4, 2, 3, 3)},
    ),
    "transposed same": (
        13,
        IMAGE,
        [n("ConvTranspose", "x w", strides=[2, 2], auto_pad="SAME_UPPER")],
        {"w": floats(4, 2, 3, 3)},
    ),
    "einsum": (13, (1, 3, 4), [n("Einsum", "x w", equation="...ij,jk->...ik")], {"w": floats(4, 5)}),
    "einsum without result": (13, (1, 3, 4), [n("Einsum", "x w", equation="bij,jk")], {"w": floats(4, 5)}),
    "depth to space": (13, IMAGE, [n("DepthToSpace", "x", blocksize=2)], {}),
    "depth to space by columns": (13, IMAGE, [n("DepthToSpace", "x", blocksize=2, mode="CRD")], {}),
    "where": (13, IMAGE, [n("Greater", "x z", "c"), n("Where", "c x z")], {"z": np.float32(0.2)}),
    "expand": (13, (1, 4, 1), [n("Expand", "x s")], {"s": ints(1, 1, 3)}),
    "tile": (13, (1, 4, 2), [n("Tile", "x s")], {"s": ints(1, 2, 3)}),
    "slope of each channel": (13, IMAGE, [n("PRelu", "x w")], {"w": np.abs(floats(4, 1, 1))}),
    "scale of its own shape": (
        17,
        (1, 3, 8),
        [n("LayerNormalization", "x w b", axis=1)],
        {"w": floats(8), "b": floats(3, 8)},
    ),
    "normalised channels": (13, IMAGE, [n("InstanceNormalization", "x w b")], {"w": floats(4), "b": floats(4)}),
    "cast like": (15, (1, 4), [n("CastLike", "x z", "i"), n("Cast", "i", to=1)], {"z": ints(1)}),
    "ai.onnx": (13, (1, 4), [n("Relu", "x", domain="ai.onnx")], {}),
    "gelu of microsoft": (13, (1, 4), [n("Gelu", "x", domain=MICROSOFT)], {}),
    "gelu with bias": (13, (1, 4), [n("BiasGelu", "x b", domain=MICROSOFT)], {"b": floats(4)}),
    "fast gelu": (13, (1, 4), [n("FastGelu", "x b", domain=MICROSOFT)], {"b": floats(4)}),
    "quick gelu": (13, (1, 4), [n("QuickGelu", "x", domain=MICROSOFT)], {}),
    "normalised sum": (
        13,
        (1, 3, 4),
        [n("Neg", "x", "z"), n("Exp", "x", "e"), n("SkipLayerNormalization", "z e w b c", domain=MICROSOFT)],
        {"w": floats(4), "b": floats(4), "c": floats(4)},
    ),
    "fused product": (
        13,
        (1, 3, 4),
        [n("FusedMatMul", "x w", domain=MICROSOFT, transB=1, alpha=0.5)],
        {"w": floats(5, 4)},
    ),
    "root mean square of ONNX Runtime": (
        13,
        (1, 3, 4),
        [n("SimplifiedLayerNormalization", "x w", axis=-1, epsilon=1e-3)],
        {"w": floats(4)},
    ),
    "root mean square of a sum": (
        13,
        (1, 3, 4),
        [
            n("Exp", "x", "e"),
            n("SkipSimplifiedLayerNormalization", "x e w", "y _ _ s", "com.microsoft", epsilon=1e-3),
        ],
        {"w": floats(4)},
    ),
    "defined by others": (13, IMAGE, [n("MeanVarianceNormalization", "x")], {}),
    "dropout": (12, (1, 4), [n("Dropout", "x r")], {"r": np.float32(0.3)}),
    "weights by way of a transpose": (
        13,
        (1, 5),
        [n("Transpose", "w", "t", perm=[1, 0]), n("MatMul", "x t")],
        {"w": floats(3, 5)},
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_means_the_same(name: str) -> None:
    opset, shape, nodes, weights = CASES[name]
    outputs = " ".join(o for o in nodes[-1].output if o)
    assert_comes_back(build(opset, shape, nodes, weights, outputs))


def test_shape_arithmetic_is_gone() -> None:
    """x.view(x.size(0), -1) as PyTorch wrote it for years, and the batch is free again."""
    nodes = [
        n("Shape", "x", "s"),
        n("Gather", "s zero", "rows", axis=0),
        n("Unsqueeze", "rows", "r", axes=[0]),
        n("Unsqueeze", "minus", "m", axes=[0]),
        n("Concat", "r m", "shape", axis=0),
        n("Reshape", "x shape"),
    ]
    graph = assert_comes_back(build(11, IMAGE, nodes, {"zero": np.asarray(0), "minus": np.asarray(-1)}))
    assert [node.op.name for node in graph.nodes] == ["Flatten"]
    assert graph.inputs[0].batch_axis == 0
    assert run_torch(to_module(graph), [floats(3, 4, 6, 6)])[0].shape == (3, 144)


@pytest.mark.parametrize("opset", [11, 13, 17, 18, 20])
def test_positions_are_worked_out(opset: int) -> None:
    """Range, ConstantOfShape, NonZero, Where, Equal and comparisons of what is known leave a constant."""
    nodes = [
        n("Range", "zero six one", "positions"),
        n("Less", "positions three", "first"),
        n("ConstantOfShape", "six_of", "blank"),
        n("Where", "first positions blank", "chosen"),
        n("NonZero", "chosen", "found"),
        n("Squeeze", "found", "index") if opset < 13 else n("Squeeze", "found zero_of", "index"),
        n("Gather", "x index", axis=3),
    ]
    numbers = {"zero": 0, "six": 6, "one": 1, "three": 3}
    weights = {name: np.asarray(value) for name, value in numbers.items()} | {"six_of": ints(6), "zero_of": ints(0)}
    nodes[2].attribute.append(helper.make_attribute("value", numpy_helper.from_array(ints(0))))
    graph = assert_comes_back(build(opset, IMAGE, nodes, weights))
    assert [node.op.name for node in graph.nodes] == ["Gather"]
    assert isinstance(graph.nodes[0].inputs[1], Constant)
    assert graph.nodes[0].inputs[1].value.tolist() == [1, 2]


def test_positions_may_be_read_from_a_longer_row() -> None:
    """How BERT looks up its token types: seven of 512 known numbers."""
    nodes = [n("GatherElements", "buffer places", "types", axis=1), n("Gather", "x types", axis=3)]
    weights = {"buffer": np.arange(512)[None] % 6, "places": np.asarray([[3, 1, 2, -1]])}
    graph = assert_comes_back(build(13, IMAGE, nodes, weights))
    assert [node.op.name for node in graph.nodes] == ["Gather"]


def test_constants_in_every_form() -> None:
    nodes = [
        n("Constant", "", "a", value_float=0.5),
        n("Constant", "", "b", value_floats=[1.0, 2.0, 3.0]),
        n("Constant", "", "c", value_int=2),
        n("Constant", "", "d", value_ints=[1, 3]),
        n("Mul", "x a", "e"),
        n("Add", "e b", "f"),
        n("Cast", "c", "g", to=1),
        n("Mul", "f g", "h"),
        n("Reshape", "h d"),
    ]
    assert_comes_back(build(13, (1, 3), nodes, {}))


def test_groups_are_scaled_until_operator_set_20() -> None:
    old = build(18, IMAGE, [n("GroupNormalization", "x w b", num_groups=2)], {"w": floats(2), "b": floats(2)})
    new = build(21, IMAGE, [n("GroupNormalization", "x w b", num_groups=2)],
                {"w": np.repeat(floats(2), 2), "b": np.repeat(floats(2), 2)})  # fmt: skip
    x = floats(*IMAGE)
    found = [run_torch(to_module(from_onnx(model)), [x]) for model in (old, new)]
    assert difference(*found) < 1e-6
    assert difference(found[1], run_onnx(new, {"x": x})) < 1e-5


def test_a_function_is_its_nodes() -> None:
    inner = [n("Mul", "a a", "s"), n("LeakyRelu", "s", "b")]
    inner[1].attribute.append(
        onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    )
    function = helper.make_function("local", "Squared", ["a"], ["b"], inner, [helper.make_opsetid("", 17)], ["slope"])
    calls = [
        n("Squared", "x", "h", "local", slope=0.5, name="/block/0/Squared"),
        n("Squared", "h", "y", "local", slope=0.2),
    ]
    model = build(17, (1, 4), calls, {})
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("local", 1))
    graph = assert_comes_back(model)
    assert [node.op.name for node in graph.nodes] == ["Mul", "LeakyRelu"] * 2
    assert [node.attrs.get("alpha") for node in graph.nodes] == [None, pytest.approx(0.5), None, pytest.approx(0.2)]
    assert [graph.scope_of(node) for node in graph.nodes] == [("block", "0")] * 2 + [()] * 2


def test_branches_see_the_values_around_them() -> None:
    deep = helper.make_graph([n("Mul", "h w", "deep")], "deep", [], [helper.make_empty_tensor_value_info("deep")])
    flat = helper.make_graph([n("Neg", "h", "flat")], "flat", [], [helper.make_empty_tensor_value_info("flat")])
    nodes = [
        n("Relu", "x", "h"),
        n("Shape", "h", "s"),
        n("Size", "s", "rank"),
        n("Equal", "rank two", "is_matrix"),
        n("If", "is_matrix", "z", then_branch=deep, else_branch=flat),
        n("Abs", "z"),
    ]
    graph = from_onnx(build(13, (1, 4), nodes, {"two": np.asarray(2), "w": floats(4)}))
    assert [node.op.name for node in graph.nodes] == ["Relu", "Mul", "Abs"]


def test_names_are_module_paths() -> None:
    weights = {
        "layer1.0.conv1.weight": floats(4, 4, 3, 3),
        "gpu_0/conv2_w_0": floats(4, 4, 1, 1),
        "conv3/7x7_w:0": floats(4, 4, 1, 1),
        "half": floats(4, 4, 1, 1),
        "onnx::Conv_123": floats(4, 4, 1, 1),
        "layer1.0": floats(4, 4, 1, 1),
    }
    names = ["/layer1/layer1.0/conv1/Conv", "gpu_0/conv2", "Conv_3", "", "/layer1/layer1.1/head/Conv", "last"]
    nodes = [
        helper.make_node("Conv", [source, name], [target], name=node)
        for source, name, target, node in zip(["x", *"abcde"], weights, [*"abcde", "y"], names, strict=True)
    ]
    graph = assert_comes_back(build(13, (1, 4, 9, 9), nodes, weights))
    assert list(graph.parameters) == [
        "layer1.0.conv1.weight",
        "gpu_0.conv2_w_0",
        "conv3._7x7_w_0",
        "half_",
        "layer1.1.head.weight",
        "layer1._0",
    ]
    assert graph.scope_of(graph.nodes[0]) == ("layer1", "0", "conv1")
    assert graph.scope_of(graph.nodes[2]) == ()


def test_what_is_learned_and_what_is_part_of_the_computation() -> None:
    weights = {"scale": np.float32(2.0), "mean": floats(4, 1, 1), "rows": ints(1, -1), "w": floats(3, 4)}
    nodes = [n("Mul", "x scale", "a"), n("Sub", "a mean", "b"), n("GlobalAveragePool", "b", "c"),
             n("Reshape", "c rows", "d"), n("Gemm", "d w", transB=1)]  # fmt: skip
    graph = from_onnx(build(13, IMAGE, nodes, weights))
    assert list(graph.parameters) == ["mean", "w"]
    assert [type(t) for t in graph.leaves if t not in graph.inputs] == [Constant, Parameter, Parameter]
    statistics = build(13, IMAGE, [n("BatchNormalization", "x w w m v")],
                       {"w": floats(4), "m": floats(4), "v": np.abs(floats(4))})  # fmt: skip
    assert {p.hint: p.trainable for p in from_onnx(statistics).parameters.values()} == {
        "w": True, "m": False, "v": False,
    }  # fmt: skip


def test_shared_weights_stay_shared() -> None:
    graph = from_onnx(build(13, (1, 4), [n("MatMul", "x w", "h"), n("MatMul", "h w")], {"w": floats(4, 4)}))
    assert graph.nodes[0].inputs[1] is graph.nodes[1].inputs[1]


def test_another_name_for_a_weight_is_the_weight() -> None:
    nodes = [n("Identity", "w", "v"), n("MatMul", "x w", "h"), n("MatMul", "h v")]
    graph = assert_comes_back(build(13, (1, 4), nodes, {"w": floats(4, 4)}))
    assert [node.op.name for node in graph.nodes] == ["Gemm", "Gemm"]
    assert len(graph.parameters) == 1


def test_weights_among_the_inputs_are_weights() -> None:
    model = build(9, (1, 4), [n("MatMul", "x w")], {"w": floats(4, 4)})
    model.ir_version = 3
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, (4, 4)))
    graph = assert_comes_back(model)
    assert [t.name for t in graph.inputs] == ["x"]


def test_attributes_that_nobody_knows_are_not_ignored() -> None:
    with pytest.raises(UnsupportedError, match=r"Sqrt 'y' on 1x4 \(its attribute curl is not known"):
        from_onnx(build(13, (1, 4), [n("Sqrt", "x", curl=1.0)], {}))


def test_quantised_weights() -> None:
    scale, zero = np.asarray([0.5, 0.25, 0.125], np.float32), np.asarray([1, 0, -1], np.int8)
    weights = {"q": np.arange(12, dtype=np.int8).reshape(3, 4), "s": scale, "z": zero}
    nodes = [n("DequantizeLinear", "q s z", "w", axis=0), n("Gemm", "x w", transB=1)]
    model = build(13, (1, 4), nodes, weights)
    graph = from_onnx(model)
    assert {name: (p.dtype, p.trainable) for name, p in graph.parameters.items()}["q"] == ("int8", False)
    x = floats(1, 4)
    assert difference(run_onnx(model, {"x": x}), run_onnx(to_onnx(graph), {"x": x})) < 1e-6


def test_attention_of_operator_set_23() -> None:
    attrs = {"q_num_heads": 4, "kv_num_heads": 2}
    graph = from_onnx(build(23, (1, 5, 8), [n("Slice", "x a b c", "k"), n("Attention", "x k k", **attrs)],
                            {"a": ints(0), "b": ints(4), "c": ints(2)}))  # fmt: skip
    assert graph.outputs[0].shape == (1, 5, 8)
    assert "Attention" in [node.op.name for node in graph.nodes]


def test_five_thousand_nodes_in_seconds() -> None:
    import time

    nodes = [n("Relu", "x", "h0")]
    for i in range(2500):
        nodes += [n("Mul", f"h{i} w{i % 50}", f"m{i}"), n("Relu", f"m{i}", f"h{i + 1}")]
    weights = {f"w{i}": floats(1, 4) for i in range(50)}
    model = build(13, (1, 4), nodes, weights, "h2500")
    start = time.perf_counter()
    graph = from_onnx(model)
    assert time.perf_counter() - start < 10
    assert len(graph.nodes) == 5001
