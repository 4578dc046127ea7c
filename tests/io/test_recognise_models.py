"""Networks as exporters write them become the operators that they are, and come back as they were."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from test_from_onnx_semantics import Array, assert_comes_back, build, floats, ints, n
from torch import nn
from torch_check import assert_same, leaves, run_original

from netwright.graph import Dependencies, Graph, recognise
from netwright.io import from_onnx, from_torch, to_onnx

TOKENS = (1, 5, 8)
IMAGE = (1, 4, 6, 6)


def number(value: float) -> Array:
    return np.asarray(value, np.float32)


LAYER_NORM = [
    n("ReduceMean", "x", "m", axes=[-1]), n("Sub", "x m", "d"), n("Pow", "d two", "s"),
    n("ReduceMean", "s", "v", axes=[-1]), n("Add", "v eps", "ve"), n("Sqrt", "ve", "r"), n("Div", "d r", "h"),
    n("Mul", "h w", "hw"), n("Add", "hw b"),
]  # fmt: skip
"""As torch.onnx.export writes it before operator set 17."""

KERAS_LAYER_NORM = [
    n("ReduceMean", "x", "m", axes=[2], keepdims=1), n("Sub", "x m", "d"), n("Mul", "d d", "s"),
    n("ReduceMean", "s", "v", axes=[2], keepdims=1), n("Add", "v eps", "ve"), n("Sqrt", "ve", "r"),
    n("Reciprocal", "r", "i"), n("Mul", "i w", "f"), n("Mul", "x f", "xf"), n("Mul", "m f", "mf"),
    n("Sub", "b mf", "t"), n("Add", "xf t"),
]  # fmt: skip
"""As tf2onnx writes tf.keras.layers.LayerNormalization."""

RMS_NORM = [
    n("Cast", "x", "x32", to=1), n("Pow", "x32 two", "s"), n("ReduceMean", "s", "v", axes=[-1]),
    n("Add", "v eps", "ve"), n("Sqrt", "ve", "r"), n("Div", "one r", "i"), n("Mul", "x32 i", "h"),
    n("Cast", "h", "h32", to=1), n("Mul", "w h32"),
]  # fmt: skip
"""As torch.onnx.export writes LlamaRMSNorm of a network in single precision."""

GROUP_NORM = [
    n("Reshape", "x groups", "g"), n("InstanceNormalization", "g one zero", "i", epsilon=1e-5), n("Shape", "x", "s"),
    n("Reshape", "i s", "h"), n("Mul", "h w", "hw"), n("Add", "hw b"),
]  # fmt: skip
"""As torch.onnx.export writes torch.nn.GroupNorm before operator set 21."""

ATTENTION = [
    n("MatMul", "x wq", "q2"), n("Reshape", "q2 heads", "q3"), n("Transpose", "q3", "q", perm=[0, 2, 1, 3]),
    n("MatMul", "x wk", "k2"), n("Reshape", "k2 heads", "k3"), n("Transpose", "k3", "k", perm=[0, 2, 3, 1]),
    n("MatMul", "x wv", "v2"), n("Reshape", "v2 heads", "v3"), n("Transpose", "v3", "v", perm=[0, 2, 1, 3]),
    n("MatMul", "q k", "qk"), n("Div", "qk root", "s"), n("Softmax", "s", "p", axis=-1), n("MatMul", "p v", "o4"),
    n("Transpose", "o4", "o3", perm=[0, 2, 1, 3]), n("Reshape", "o3 rows", "o2"), n("MatMul", "o2 wo"),
]  # fmt: skip
"""Attention of four heads of width 2, as torch.onnx.export writes it."""

NORM_WEIGHTS = {"two": number(2), "eps": number(1e-5), "w": floats(8), "b": floats(8)}
MATRICES = {f"w{role}": floats(8, 8) + i for i, role in enumerate("qkvo")}

FILES: dict[str, tuple[int, tuple[int, ...], list[onnx.NodeProto], dict[str, Array], dict[str, int]]] = {
    "layer norm": (13, TOKENS, LAYER_NORM, NORM_WEIGHTS, {"LayerNormalization": 1}),
    "layer norm of Keras": (13, TOKENS, KERAS_LAYER_NORM, NORM_WEIGHTS, {"LayerNormalization": 1}),
    "RMS norm": (13, TOKENS, RMS_NORM, NORM_WEIGHTS | {"one": number(1)}, {"RMSNormalization": 1}),
    "group norm": (
        13, IMAGE, GROUP_NORM,
        {"groups": ints(0, 2, -1), "one": floats(2) * 0 + 1, "zero": floats(2) * 0, "w": floats(4, 1, 1),
         "b": floats(4, 1, 1)}, {"GroupNormalization": 1, "Squeeze": 2},
    ),
    "GELU": (
        13, TOKENS,
        [n("Div", "x r", "a"), n("Erf", "a", "e"), n("Add", "e one", "f"), n("Mul", "x f", "g"), n("Mul", "g half")],
        {"r": number(1.4142135381698608), "one": number(1), "half": number(0.5)}, {"Gelu": 1},
    ),
    "GELU with constants of one element": (
        13, TOKENS,
        [n("Mul", "x r", "a"), n("Erf", "a", "e"), n("Add", "one e", "f"), n("Mul", "half f", "g"), n("Mul", "x g")],
        {"r": number(0.70710678)[None], "one": number(1)[None], "half": number(0.5)[None]}, {"Gelu": 1},
    ),
    "SiLU": (13, IMAGE, [n("Sigmoid", "x", "s"), n("Mul", "x s")], {}, {"Swish": 1}),
    "hard swish": (
        11, IMAGE,
        [n("Add", "x three", "a"), n("Clip", "a zero six", "c"), n("Mul", "x c", "p"), n("Div", "p six")],
        {"three": number(3), "zero": number(0), "six": number(6)}, {"HardSwish": 1},
    ),
    "hard swish of PaddlePaddle": (
        13, IMAGE, [n("HardSigmoid", "x", "s", alpha=0.1666667, beta=0.5), n("Mul", "x s")], {}, {"HardSwish": 1},
    ),
    "linear": (
        13, (1, 8), [n("MatMul", "x w", "h"), n("Add", "h b")], {"w": floats(8, 3), "b": floats(3)}, {"Gemm": 1},
    ),
    "pooling and a view": (
        13, IMAGE, [n("ReduceMean", "x", "p", axes=[2, 3]), n("Reshape", "p shape")], {"shape": ints(0, -1)},
        {"GlobalAveragePool": 1, "Flatten": 1},
    ),
    "attention": (
        13, TOKENS, ATTENTION, MATRICES | {
            "heads": ints(1, 5, 4, 2), "rows": ints(1, 5, 8), "root": number(2**0.5)},
        {"Attention": 1, "MatMul": 4, "Reshape": 4, "Transpose": 4},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_becomes_what_it_is(name: str) -> None:
    opset, shape, nodes, weights, expected = FILES[name]
    model = build(opset, shape, nodes, weights)
    graph = assert_comes_back(model)
    assert Counter(node.op.name for node in graph.nodes) == expected
    as_written = from_onnx(model, recognise=False)
    assert len(as_written.nodes) >= len(graph.nodes)
    assert graph.weights is None or graph.weights.keys() <= dict(as_written.weights or {}).keys()


def test_group_normalisation_comes_back_from_our_own_file() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 1), nn.GroupNorm(4, 8), nn.ReLU())
    graph = from_torch(module, (1, 3, 5, 5))
    again = from_onnx(to_onnx(graph))
    assert [node.op.name for node in again.nodes] == [node.op.name for node in graph.nodes]
    assert {p.shape for p in again.parameters.values()} == {p.shape for p in graph.parameters.values()}


def test_groups_with_factors_of_their_own_are_no_group_normalisation() -> None:
    _, _, nodes, weights, _ = FILES["group norm"]
    graph = assert_comes_back(build(13, IMAGE, nodes, weights | {"one": floats(2)}))
    assert "GroupNormalization" not in [node.op.name for node in graph.nodes]


def test_heads_of_a_file_are_a_group() -> None:
    opset, shape, nodes, weights, _ = FILES["attention"]
    graph = from_onnx(build(opset, shape, nodes, weights))
    assert [(group.kind, group.size, group.each) for group in Dependencies(graph).groups] == [("heads", 4, 2)]


class SelfAttention(nn.Module):
    """Attention of four query heads with two heads for keys and values, as people write it."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = nn.Linear(16, 16), nn.Linear(16, 8), nn.Linear(16, 8), nn.Linear(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, _ = x.shape
        q = self.q(x).view(rows, length, 4, 4).transpose(1, 2)
        k, v = (layer(x).view(rows, length, 2, 4).transpose(1, 2) for layer in (self.k, self.v))
        k, v = (t[:, :, None].expand(rows, 2, 2, length, 4).reshape(rows, 4, length, 4) for t in (k, v))
        later = torch.full((length, length), float("-inf")).triu(1)
        scores = q @ k.transpose(2, 3) / 2 + later
        return self.o((scores.softmax(-1) @ v).transpose(1, 2).reshape(rows, length, 16))


def test_attention_of_a_module_has_heads_that_are_shared_and_causal() -> None:
    module = SelfAttention()
    graph = from_torch(module, (1, 6, 16))
    arrays = [np.random.default_rng(0).standard_normal((2, 6, 16)).astype("f4")]
    assert_same(graph, module, arrays, run_original(module, arrays))
    (node,) = [node for node in graph.nodes if node.op.name == "Attention"]
    assert [None if t is None else t.shape for t in node.inputs] == [(1, 4, 6, 4), (1, 2, 6, 4), (1, 2, 6, 4)]
    assert node.attrs["is_causal"]
    (group,) = Dependencies(graph).groups
    assert (group.kind, group.size) == ("heads", 2)
    assert {name for name, p in graph.parameters.items() if p in dict(group.places)} == {
        "q.weight", "q.bias", "k.weight", "k.bias", "v.weight", "v.bias", "o.weight",
    }  # fmt: skip


SMALL: dict[str, Any] = {
    "vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "attn_implementation": "eager",
}  # fmt: skip
GROUPED: dict[str, Any] = SMALL | {"num_key_value_heads": 2, "use_cache": False}
T5: dict[str, Any] = {"vocab_size": 60, "d_model": 32, "d_kv": 8, "num_layers": 2, "num_heads": 4, "d_ff": 64}

# name, options, groups of heads (T5 adds one bias in all layers), and how many of these operators
PUBLISHED: list[tuple[str, dict[str, Any], list[int], dict[str, int]]] = [
    ("Bert", SMALL, [4, 4], {"LayerNormalization": 5, "Attention": 2, "Gelu": 2, "Softmax": 0}),
    ("Llama", GROUPED, [2, 2], {"RMSNormalization": 5, "Attention": 2, "Swish": 2, "Softmax": 0, "ReduceMean": 0}),
    ("Qwen3", GROUPED | {"head_dim": 8}, [2, 2], {"RMSNormalization": 9, "Attention": 2, "Softmax": 0}),
    ("Gemma", GROUPED | {"head_dim": 8}, [2, 2], {"RMSNormalization": 5, "Attention": 2, "Gelu": 2, "Softmax": 0}),
    ("T5Encoder", T5 | {"attn_implementation": "eager"}, [4], {"RMSNormalization": 5, "Attention": 2, "Softmax": 0}),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not (find_spec("transformers") and find_spec("timm")), reason="needs transformers and timm")
@pytest.mark.parametrize(("name", "options", "heads", "expected"), PUBLISHED, ids=[p[0] for p in PUBLISHED])
def test_a_published_network_becomes_what_it_is(
    name: str, options: dict[str, Any], heads: list[int], expected: dict[str, int]
) -> None:
    from test_from_torch_models import transformers_model

    transformers_model("BERT")  # transformers is imported only after torchvision has been prepared
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{name.removesuffix('Encoder')}Config")(**options)
    module = getattr(transformers, f"{name}Model")(config)
    graph = from_torch(module, {"input_ids": torch.arange(3, 10)[None]})
    found = Counter(node.op.name for node in graph.nodes)
    assert {op: found[op] for op in expected} == expected
    assert [group.size for group in Dependencies(graph).groups if group.kind == "heads"] == heads
    ids = np.random.default_rng(0).integers(3, 50, (2, 7))
    with torch.no_grad():
        wanted = leaves(dict(module.eval()(input_ids=torch.from_numpy(ids))))
    assert_same(graph, module, [ids], wanted)


def test_what_was_recognised_before_is_left_alone() -> None:
    graph = from_torch(SelfAttention(), (1, 6, 16), recognise=False)
    once = recognise(graph)
    assert isinstance(once, Graph)
    assert recognise(once) is once
    assert {name: id(p) for name, p in once.parameters.items()} == {n: id(p) for n, p in graph.parameters.items()}
