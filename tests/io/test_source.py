"""The PyTorch source: its structure, its names, its initial weights, and what it refuses."""

from __future__ import annotations

import ast
import gc
import linecache
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from netwright.blocks import conv
from netwright.blocks._layers import linear
from netwright.blocks._normalisation import normalise
from netwright.errors import ExportError
from netwright.graph import (
    Graph,
    Init,
    Input,
    Operator,
    Tensor,
    constant,
    image,
    ops,
    parameter,
    scope,
    tokens,
    vector,
)
from netwright.io import export, initial_weights, to_module, to_onnx, to_torch_source, weights_of
from netwright.io._to_torch._code import MODULE_NAMES, literal, wrapped
from netwright.io._to_torch._starts import reset_parameters
from netwright.testing import assert_exports_agree


def residual(x: Tensor, channels: int, kernel: int = 3) -> Tensor:
    y = conv(conv(x, channels, kernel=kernel), x.shape[1], activation="none")
    return ops.relu(x + y)


def small_network() -> Graph:
    x = image(3, 8, 8)
    with scope("stem"):
        y = conv(x, 8)
    with scope("stage"):
        for number, (channels, kernel) in enumerate([(12, 3), (16, 5), (16, 5)]):
            with scope(str(number)):
                y = residual(y, channels, kernel)
    y = ops.flatten(ops.global_average_pool(y))
    return Graph([x], [linear(y, 10, name="head")])


def test_parameters_in_a_list_keep_their_numbers() -> None:
    x = vector(4)
    with scope("factors"):
        first, second = parameter("0", (4,)), parameter("1", (4,), trainable=False)
    graph = Graph([x], [x * first + second])
    assert list(graph.parameters) == ["factors.0", "factors.1"]
    assert 'self.factors.get_parameter("0")' in to_torch_source(graph)
    assert assert_exports_agree(graph) <= 1e-6


def test_pools_whose_padding_is_half_their_size_are_copies_of_one_class() -> None:
    x = y = image(3, 8, 8)
    for size in (3, 5):
        with scope(f"pool{size}"):
            y = ops.relu(ops.max_pool(ops.neg(y), kernel_shape=(size, size), pads=size // 2))
    graph = Graph([x], [y])
    assert "padding=self.kernel_size // 2" in to_torch_source(graph)
    assert assert_exports_agree(graph) == 0


def test_source_reads_as_written_by_hand() -> None:
    source = to_torch_source(small_network(), name="Small")
    assert "netwright" not in source
    assert "class Small(nn.Module):" in source
    assert "self.head = nn.Linear(8, 10)" in source
    assert "return F.relu(self.norm(self.conv(x)))" in source
    assert source.count("nn.Conv2d(") == 2, "the copies of a structure share a class"
    assert max(map(len, source.splitlines())) <= 118


def test_copies_that_are_equal_are_folded() -> None:
    assert "StageBlock(12, kernel_size=3), *(StageBlock(16) for _ in range(2))" in to_torch_source(small_network())


def test_source_passes_ruff(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(to_torch_source(small_network()))
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=E,F,I,W", "--line-length=118"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_state_dict_has_the_names_of_the_graph() -> None:
    graph = small_network()
    module = to_module(graph)
    extra = module.state_dict().keys() - graph.parameters.keys()
    assert all(name.endswith(".num_batches_tracked") for name in extra)
    assert weights_of(module, graph).keys() == graph.parameters.keys()
    assert {n for n, _ in module.named_parameters()} == {n for n, p in graph.parameters.items() if p.trainable}


def test_batch_norm_momentum_is_the_complement_of_that_of_onnx() -> None:
    module = to_module(small_network())
    momenta = {m.momentum for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert momenta == {0.1}


def test_training_moves_the_running_statistics() -> None:
    graph = small_network()
    module = to_module(graph)
    before = weights_of(module, graph)
    module(torch.randn(4, 3, 8, 8)).sum().backward()
    after = weights_of(module, graph)
    assert not np.array_equal(before["stem.conv.norm.running_mean"], after["stem.conv.norm.running_mean"])
    assert all(p.grad is not None for p in module.parameters())


def test_module_names_of_torch_are_known() -> None:
    module = torch.nn.Module()
    public = [name for name in dir(module) if not name.startswith("_")]
    # Other packages, once imported, put methods of their own on every module.
    theirs = {n for n in public if getattr(getattr(module, n), "__module__", "torch").startswith("torch")}
    assert len(theirs) > 50
    assert theirs <= MODULE_NAMES


# Initial weights ----------------------------------------------------------------------------------------------


def test_initial_weights_follow_each_init() -> None:
    x = vector(64)
    inits = {
        **{kind: Init(kind) for kind in ("zeros", "ones", "kaiming", "xavier", "signs")},
        "constant": Init("constant", 0.25),
        "normal": Init("normal", 0.1),
        "uniform": Init("uniform", 0.3),
    }
    y: Tensor = x
    for name, init in inits.items():
        with scope(name):
            y = ops.gemm(y, parameter("weight", (64, 64), init))
    with scope("turned"):
        y = y @ parameter("weight", (64, 256), Init("kaiming"))
    with scope("vector"):
        y = y * parameter("weight", (256,), Init("kaiming"))
    graph = Graph([x], [y])
    for weights in (weights_of(to_module(graph, seed=3), graph), initial_weights(graph, seed=3)):
        kinds = {name: weights[f"{name}.weight"] for name in inits}
        assert not kinds["zeros"].any()
        assert (kinds["ones"] == 1).all()
        assert (kinds["constant"] == 0.25).all()
        assert kinds["normal"].std() == pytest.approx(0.1, rel=0.1)
        assert 0.28 < np.abs(kinds["uniform"]).max() <= 0.3
        assert kinds["kaiming"].std() == pytest.approx((2 / 64) ** 0.5, rel=0.1)
        assert np.abs(kinds["xavier"]).max() <= (6 / 128) ** 0.5 < np.abs(kinds["xavier"]).max() * 1.05
        assert set(np.unique(kinds["signs"])) == {-1.0, 1.0}
        assert weights["turned.weight"].std() == pytest.approx((2 / 64) ** 0.5, rel=0.1), "fan-in is the first size"
        assert weights["vector.weight"].std() == pytest.approx((2 / 256) ** 0.5, rel=0.3)


def test_seed_decides_the_initial_weights_and_leaves_the_global_state() -> None:
    graph = small_network()
    state = torch.get_rng_state()
    first, again, other = (weights_of(to_module(graph, seed=s), graph) for s in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert all(np.array_equal(first[name], again[name]) for name in graph.parameters)
    assert not np.array_equal(first["head.weight"], other["head.weight"])


def test_unknown_init_is_refused() -> None:
    x = vector(4)
    with pytest.raises(ExportError, match="the Init of weight must be one of zeros"):
        to_torch_source(Graph([x], [ops.gemm(x, parameter("weight", (2, 4), Init("magic")))]))


def test_one_name_may_start_in_many_ways() -> None:
    """Rules by the ends of names must not catch a longer name that starts otherwise."""
    x = vector(4)
    y: Tensor = x
    for number, kind in enumerate(["zeros", "ones", "signs", "zeros", "ones"]):
        with scope("layer" if number % 2 else "player"):
            y = ops.gemm(y, parameter("weight", (4, 4), Init(kind)))
    y = y * parameter("weight", (4,), Init("constant", 2.0))
    graph = Graph([x], [y])
    weights = weights_of(to_module(graph), graph)
    for name, p in graph.parameters.items():
        expected = {"zeros": {0.0}, "ones": {1.0}, "signs": {-1.0, 1.0}, "constant": {2.0}}[p.init.kind]
        assert set(np.unique(weights[name])) <= expected, name


# Wiring -------------------------------------------------------------------------------------------------------


def test_weights_of_the_graph_are_loaded() -> None:
    graph = small_network()
    weights = weights_of(to_module(graph, seed=5), graph)
    loaded = weights_of(to_module(graph.with_weights(weights)), graph)
    assert all(np.array_equal(weights[name], loaded[name]) for name in weights)


def test_shared_layer_keeps_one_weight() -> None:
    x = vector(6)
    with scope("layer"):
        weight = parameter("weight", (6, 6), Init("xavier"))
        y = ops.gemm(x, weight)
    with scope("again"):
        y = ops.gemm(ops.relu(y), weight)
    graph = Graph([x], [y])
    assert list(graph.parameters) == ["layer.weight"]
    assert_exports_agree(graph)


def test_scope_that_cannot_run_in_one_go_is_run_by_its_parent() -> None:
    x = image(2, 4, 4)
    with scope("odd"):
        first = ops.relu(x)
        weight = parameter("scale", (2, 1, 1), Init("normal", 1.0))
    with scope("between"):
        middle = ops.sigmoid(first)
    with scope("even"):
        last = ops.tanh(middle)
    # A rewrite may leave nodes of one scope on both sides of another.
    back = ops.mul(last, weight)
    assert back.node is not None
    assert first.node is not None
    back.node.scope = first.node.scope
    graph = Graph([x], [back + first])
    assert graph.scope_of(back.node) == ("odd",)
    assert_exports_agree(graph)


def test_names_that_torch_or_python_keep_for_themselves() -> None:
    x = image(2, 4, 4)
    y: Tensor = x
    for name in ("half", "lambda", "0", "type", "none", "path", "f", "tensor"):
        with scope(name):
            y = conv(y, 3) + 1.0
            y = y * parameter("scale", (3, 1, 1), Init("normal", 0.5))
    assert_exports_agree(Graph([x], [y]))


def test_a_chain_of_blocks_may_start_with_such_a_name() -> None:
    x = image(2, 4, 4)
    with scope("chain"):
        with scope("half"):
            y = conv(x, 3)
        with scope("inner"):
            y = conv(y, 3)
    assert_exports_agree(Graph([x], [y]))


def test_constructor_arguments_stay_clear_of_parameters() -> None:
    x = image(4, 4, 4)
    y: Tensor = x
    for factor in (0.5, 2.0):
        with scope("scaled"):
            y = ops.leaky_relu(y * parameter("factor", (4, 1, 1), Init("normal", 1.0)), alpha=factor) * factor
    source = to_torch_source(Graph([x], [y]))
    assert source.count("(nn.Module)") == 2
    assert_exports_agree(Graph([x], [y]))


def test_several_inputs_and_outputs() -> None:
    a, b = Input((1, 5), name="left"), Input((1, 5), name="F")
    with scope("pair"):
        first, second = ops.split(ops.concat(a, b), split=(4, 6))
    graph = Graph([a, b], [second, first, a, ops.identity(first), b * 2.0])
    source = to_torch_source(graph)
    assert "def forward(self, left: Tensor, x: Tensor)" in source
    assert_exports_agree(graph)


def test_parameter_or_constant_as_output() -> None:
    x = vector(3)
    graph = Graph([x], [ops.relu(x), parameter("table", (2, 3), Init("normal", 1.0)), constant([1.0, 2.0])])
    assert_exports_agree(graph)


def test_tokens_and_tables() -> None:
    x = tokens(7)
    with scope("embed"):
        y = ops.gather(parameter("weight", (11, 6), Init("normal", 1.0)), x)
    y = y + ops.gather(parameter("positions", (9, 6), Init("normal", 1.0)), constant(np.arange(7), "int64"))
    graph = Graph([x], [normalise(y, "layer")])
    assert "self.embed = nn.Embedding(11, 6)" in to_torch_source(graph)
    assert_exports_agree(graph)


def test_buffers_and_frozen_layers() -> None:
    x = vector(4)
    y = linear(x, 4, trainable=False, name="fixed")
    y = y + parameter("shift", (4,), Init("normal", 1.0), trainable=False)
    graph = Graph([x], [y])
    module = to_module(graph)
    assert not any(p.requires_grad for p in module.parameters())
    assert set(module.state_dict()) == set(graph.parameters)
    assert_exports_agree(graph)


def test_deep_expressions_keep_their_meaning() -> None:
    """Variables are reused and expressions nested, so every order of use has to come out right."""
    x = image(2, 4, 4)
    a = ops.relu(x)
    b = ops.sigmoid(x) * a
    c = -(a - (b - x)) / (b + 2.0)
    d = ops.pow(-c, constant(2.0)) + ops.exp(-ops.abs(c - a)) * (b - (a - c))
    assert_exports_agree(Graph([x], [d - (c - (b - a)), b]))


# Refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [to_torch_source, to_onnx])
def test_node_for_one_row_only_is_named(write: object) -> None:
    x = image(2, 4, 4)
    y = ops.reshape(ops.relu(x), shape=(1, 32)) + ops.reshape(x, shape=(1, -1))
    z = ops.reshape(x, shape=(1, 2, 16))
    with pytest.raises(ExportError, match=r"any batch size.*Reshape 'reshape'.*Reshape 'reshape_2'"):
        write(Graph([x], [y, z]))  # type: ignore[operator]


def test_all_inexpressible_nodes_are_listed() -> None:
    x = Input((1, 2, 4, 4, 4, 4))
    with scope("first"):
        y = ops.max_pool(x, kernel_shape=2)
    with scope("second"):
        y = ops.arg_max(y, axis=0, select_last_index=1)
    with pytest.raises(ExportError, match=r"MaxPool 'first.maxpool'.*ArgMax 'second.argmax'"):
        to_torch_source(Graph([x], [y]))


def test_half_precision_goes_out_and_bfloat16_is_refused_in_one_sentence(tmp_path: Path) -> None:
    def network(dtype: str) -> Graph:
        x = Input((1, 4, 6, 6), dtype)
        y = ops.conv(x, parameter("weight", (8, 4, 3, 3), dtype=dtype), parameter("bias", (8,), dtype=dtype))
        return Graph([x], [ops.gelu(y) * 0.5])

    export(network("float16"), tmp_path / "half")
    with pytest.raises(ExportError, match="element type of NumPy, but weight, bias would be bfloat16"):
        export(network("bfloat16"), tmp_path / "brain")
    with pytest.raises(ExportError, match=r"element types must be among float64, .*Cast 'cast' on"):
        to_onnx(Graph([x := image(2, 4, 4)], [ops.cast(x, to="bfloat16")]))
    assert not (tmp_path / "brain").exists()


def test_operator_outside_the_vocabulary_is_refused_by_both() -> None:
    class Odd(Operator):
        def __init__(self) -> None:
            self.name = "Odd"

        def infer(self, inputs, attrs):  # type: ignore[no-untyped-def]
            return ((inputs[0].shape, inputs[0].dtype),)

    x = image(2, 4, 4)
    graph = Graph([x], [Odd()(x)])
    for write in (to_torch_source, to_onnx):
        with pytest.raises(ExportError, match="Odd 'odd'"):
            write(graph)


@pytest.mark.parametrize("name", ["9a", "a b", "training"])
def test_unusable_parameter_name_is_refused(name: str) -> None:
    x = vector(3)
    with pytest.raises(ExportError, match="names must be usable"):
        to_torch_source(Graph([x], [x * parameter(name, (3,))]))


def test_module_without_the_parameters_is_refused() -> None:
    with pytest.raises(ExportError, match="has no stem"):
        weights_of(torch.nn.Linear(2, 2), small_network())


def test_name_must_be_an_identifier() -> None:
    with pytest.raises(ExportError, match="identifier"):
        to_torch_source(small_network(), name="my model")


# Text ---------------------------------------------------------------------------------------------------------


def test_literals_read_back() -> None:
    for value in (1, -2.5, True, (1,), (1, 2.0), float("inf"), "edge", (), (True, ("a",))):
        assert eval(literal(value)) == value


def test_long_calls_are_broken_at_their_commas() -> None:
    line = f"self.layer = nn.Conv2d({', '.join(f'argument_{i}=value_{i}' for i in range(8))}).requires_grad_(False)"
    lines = wrapped(line, 8)
    assert lines[0] == "        self.layer = nn.Conv2d("
    assert lines[1] == "            argument_0=value_0,"
    assert lines[-1] == "        ).requires_grad_(False)"


@pytest.mark.parametrize(
    "text",
    [
        "f(*(g(AAA, BBB) for _ in range(2)), CCC)",
        "f(*(g(AAA, BBB) for _ in range(2)))",
        "((AAA + BBB) * CCC)",
        "f((AAA,))",
        "(AAA,)",
        "[AAA]",
        "h[AAA]",
        "h[AAA, BBB:CCC]",
        "f((AAA + BBB))(CCC)",
        "dict(a=[AAA, (BBB,)], b=CCC)",
    ],
)
def test_breaking_a_line_does_not_change_it(text: str) -> None:
    for long in ("A", "A" * 60, "A" * 120):
        line = text.replace("AAA", long).replace("BBB", "B" * len(long)).replace("CCC", "C" * len(long))
        lines = wrapped(f"y = {line}", 4)
        assert ast.dump(ast.parse("\n".join(lines).strip())) == ast.dump(ast.parse(f"y = {line}"))


def test_lines_of_a_module_are_kept_as_long_as_the_module() -> None:
    before = len(linecache.cache)
    module = to_module(small_network())
    assert len(linecache.cache) == before + 1
    del module
    gc.collect()
    assert len(linecache.cache) == before


def flat(layers: int) -> Graph:
    """Unnamed layers in one scope, whose weights start in turns of no pattern."""
    starts = [Init("ones"), Init("zeros"), Init("normal", 0.5)]
    x = wire = vector(4)
    for i in range(layers):
        wire = ops.add(wire, parameter("weight", (1, 4), starts[(i * 7) % 3 if i % 5 else 0]))
    return Graph([x], [wire])


def test_start_rules_decide_every_name_as_its_parameter_says() -> None:
    graph = flat(60)
    state = to_module(graph, seed=1).state_dict()
    for name, part in graph.parameters.items():
        kind = part.init.kind
        values = set(state[name].flatten().tolist())
        assert values == {1.0} if kind == "ones" else values == {0.0} if kind == "zeros" else len(values) == 4


def test_start_rules_take_twice_the_work_for_twice_the_layers() -> None:
    def work(layers: int) -> int:
        graph, count = flat(layers), 0
        assert graph.names

        def noted(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(noted)
        try:
            reset_parameters(graph)
        finally:
            sys.setprofile(None)
        return count

    assert work(2000) < 2.5 * work(1000)
