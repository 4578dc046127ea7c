"""Every way in which an ONNX model cannot be taken in gives one sentence that names the rule and what was found."""

from __future__ import annotations

import re
import resource
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from netwright.errors import ModelError, NetwrightError, UnsupportedError
from netwright.graph import Graph, Input, Opaque
from netwright.io import from_onnx, onnx_dims

FLOAT = TensorProto.FLOAT


def value(name: str, *sizes: int | str | None, kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, sizes)


def model(
    nodes: Sequence[onnx.NodeProto],
    *,
    inputs: Sequence[onnx.ValueInfoProto] = (value("x", 1, 4),),
    outputs: Sequence[str] = ("y",),
    weights: Sequence[onnx.TensorProto] = (),
    opset: int = 17,
    ir: int = 8,
    vendor: bool = True,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes, "g", inputs, [helper.make_empty_tensor_value_info(name) for name in outputs], weights
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.vendor", 1)][: 1 + vendor]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir)


def weight(array: NDArray[np.generic], name: str = "w") -> onnx.TensorProto:
    return numpy_helper.from_array(array, name)


def node(op: str, inputs: str, outputs: str = "y", **attrs: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), outputs.split(), name=f"the_{op.lower()}", **attrs)


RELU = model([node("Relu", "x")])


def refuses(source: onnx.ModelProto | Path, sentence: str, **options: object) -> None:
    """One sentence that matches, and no other kind of error."""
    with pytest.raises(ModelError, match=sentence) as caught:
        from_onnx(source, **options)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith((".", ")"))


def test_good_form() -> None:
    assert len(from_onnx(RELU).nodes) == 1


def test_not_onnx(tmp_path: Path) -> None:
    for content in (b"hello world", b"PK\x03\x04 a zip file", b"\x89PNG\r\n", b"\xff" * 100, bytes(100)):
        (tmp_path / "a.onnx").write_bytes(content)
        refuses(tmp_path / "a.onnx", "binary format of ONNX, but")


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").touch()
    refuses(tmp_path / "a.onnx", r"must hold a model, but .*a\.onnx is empty")


def test_truncated_everywhere(tmp_path: Path) -> None:
    whole = model([node("Add", "x w")], weights=[weight(np.ones(4, np.float32))], vendor=False).SerializeToString()
    for length in range(1, len(whole)):
        (tmp_path / "a.onnx").write_bytes(whole[:length])
        with pytest.raises(ModelError):
            from_onnx(tmp_path / "a.onnx")
    (tmp_path / "a.onnx").write_bytes(whole[:-40])
    refuses(tmp_path / "a.onnx", r"must be whole, but it ends at byte \d+ where \d+ are announced")


def test_damaged_bytes_never_crash(tmp_path: Path) -> None:
    whole = model([node("Add", "x w")], weights=[weight(np.ones(4, np.float32))]).SerializeToString()
    rng = np.random.default_rng(0)
    for _ in range(300):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            content[place] = rng.integers(0, 256)
        (tmp_path / "a.onnx").write_bytes(content)
        try:
            from_onnx(tmp_path / "a.onnx")
        except NetwrightError:
            continue


def test_directory_and_missing_file(tmp_path: Path) -> None:
    refuses(tmp_path, "must be readable, but .*: Is a directory")
    refuses(tmp_path / "none.onnx", r"must be readable, but .*none\.onnx: No such file")


def test_cycle() -> None:
    refuses(
        model([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b")]),
        "must have no cycle, but (Add 'the_add', which makes 'a'|Relu 'the_relu', which makes 'b')",
    )


def test_unsorted_nodes_are_sorted() -> None:
    graph = from_onnx(model([node("Relu", "a"), node("Neg", "x", "a")]))
    assert [n.op.name for n in graph.nodes] == ["Neg", "Relu"]


def test_read_but_never_made() -> None:
    refuses(model([node("Add", "x nothing")]), "nothing makes 'nothing', which Add 'the_add' reads")
    refuses(model([node("Relu", "x", "z")]), "nothing makes 'y', which the output of the graph reads")


def test_made_twice() -> None:
    refuses(model([node("Relu", "x"), node("Neg", "x")]), "must be made once, but 'y' is made twice")


def test_no_outputs() -> None:
    refuses(model([node("Relu", "x")], outputs=()), "must have a graph with outputs")


def test_versions() -> None:
    newest = onnx.defs.onnx_opset_version()
    refuses(model([node("Relu", "x")], opset=8), rf"must be of version 9\.\.{newest}, but got 8")
    refuses(model([node("Relu", "x")], opset=newest + 1), rf"must be of version 9\.\.{newest}, but got {newest + 1}")
    refuses(model([node("Relu", "x")], ir=2), "IR version must be 3 or later, but got 2")


def test_shapes_that_contradict_each_other() -> None:
    conv = model([node("Conv", "x w")], inputs=[value("x", 1, 3, 8, 8)], weights=[weight(np.ones((4, 5, 3, 3), "f"))])
    refuses(conv, r"must fit, but not so in Conv 'the_conv' on 1x3x8x8, 4x5x3x3: Conv: channels")
    refuses(model([node("Add", "x w")], weights=[weight(np.ones(3, "f"))]), "must fit, but not so in Add")


def test_nan_is_named() -> None:
    array = np.ones((100, 4), np.float32)
    array[50, 2] = np.nan
    refuses(model([node("MatMul", "x w")], weights=[weight(array.T.copy())]), r"tensor 'w' \(4, 100\) has NaN")
    assert from_onnx(model([node("Add", "x w")], weights=[weight(np.full(4, -np.inf, "f"))]))


def test_every_node_without_counterpart_at_once() -> None:
    nodes = [
        helper.make_node("Fast", ["x"], ["a"], name="first", domain="com.vendor"),
        node("Relu", "x", "b"),
        node("NonZero", "b", "c"),
        node("Cast", "c", "d", to=FLOAT),
        node("Det", "x2", "e"),
        node("Concat", "a d e", "y", axis=0),
    ]
    inputs = [value("x", 1, 4), value("x2", 1, 3, 3)]
    with pytest.raises(UnsupportedError) as caught:
        from_onnx(model(nodes, inputs=inputs))
    assert caught.value.nodes == (
        "com.vendor::Fast 'first' on 1x4",
        "NonZero 'the_nonzero' on 1x4",
        "Det 'the_det' on 1x3x3",
    )


def test_unknown_domain_is_kept_when_asked() -> None:
    nodes = [
        node("Relu", "x", "a"),
        helper.make_node("Fast", ["a"], ["b"], name="first", domain="com.vendor"),
        node("Relu", "b"),
    ]
    kept = model(nodes)
    kept.graph.value_info.append(value("b", 1, 7))
    graph = from_onnx(kept, strict=False)
    assert isinstance(graph.nodes[1].op, Opaque)
    assert [n.op.name for n in graph.nodes] == ["Relu", "com.vendor::Fast", "Relu"]
    assert graph.outputs[0].shape == (1, 7)
    refuses(model(nodes), "shape of what an opaque node makes must be known, but not so after com", strict=False)


def test_loop_and_scan_are_listed() -> None:
    body = helper.make_graph(
        [node("Identity", "go", "go_on"), node("Relu", "state", "next")],
        "body",
        [value("i", kind=TensorProto.INT64), value("go", kind=TensorProto.BOOL), value("state", 1, 4)],
        [value("go_on", kind=TensorProto.BOOL), value("next", 1, 4)],
    )
    trips = weight(np.asarray(3, np.int64), "trips")
    looped = [node("Loop", "trips go x", body=body)]
    refuses(model(looped, weights=[trips, weight(np.asarray(True), "go")]), "1 has none: Loop 'the_loop' on scalar")


def test_if_needs_a_known_condition() -> None:
    then, other = (helper.make_graph([node(op, "x", op)], op, [], [value(op, 1, 4)]) for op in ("Relu", "Neg"))
    chosen = model(
        [node("If", "flag", then_branch=then, else_branch=other)],
        inputs=[value("x", 1, 4), value("flag", kind=TensorProto.BOOL)],
    )
    refuses(chosen, r"""If 'the_if' on scalar \(its condition must be known .*constants=\{"flag": VALUE\}""")
    for flag, op in ((True, "Relu"), (False, "Neg")):
        assert [n.op.name for n in from_onnx(chosen, constants={"flag": flag}).nodes] == [op]


def test_constants() -> None:
    refuses(RELU, "constants must name inputs, but there is no 'sr'; known: x", constants={"sr": 1})
    refuses(RELU, r"must have its input's shape, but 'x' \(1, 4\) got \(\)", constants={"x": 1})


def test_inputs_that_are_no_tensors() -> None:
    sequence = helper.make_tensor_sequence_value_info("x", FLOAT, [1, 4])
    refuses(model([node("Relu", "x")], inputs=[sequence]), "inputs must be tensors, but 'x' is a sequence")
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, [1, 4]))
    optional = helper.make_value_info("x", kind)
    refuses(model([node("Relu", "x")], inputs=[optional]), "inputs must be tensors, but 'x' is a optional")
    text = value("x", 1, 4, kind=TensorProto.STRING)
    refuses(model([node("Relu", "x")], inputs=[text]), "input 'x' is string")
    free = helper.make_tensor_value_info("x", FLOAT, None)
    refuses(model([node("Relu", "x")], inputs=[free]), "known number of dimensions, but 'x' has not")


def test_strings_and_sparse_weights() -> None:
    words = helper.make_tensor("w", TensorProto.STRING, [1], [b"word"])
    refuses(model([node("Add", "x w")], weights=[words]), "tensor 'w' is string")
    constant = helper.make_node("Constant", [], ["w"], value_string="word")
    refuses(model([constant, node("Add", "x w")]), "Constant 'w' on nothing .*it is a value_string")


def test_unbound_dimensions_are_listed() -> None:
    inputs = [value("x", "batch", 3, "height", None), value("state", 2, "batch", "width")]
    two = model([node("Relu", "x"), node("Relu", "state", "z")], inputs=inputs, outputs=("y", "z"))
    refuses(
        two,
        r"must be bound, but not so axis 2 of 'x' \(height\); axis 3 of 'x'; axis 2 of 'state' \(width\):"
        r' dims=\{"height": SIZE, "x:3": SIZE, "width": SIZE\}',
    )
    graph = from_onnx(two, dims={"height": 8, "x:3": 9, "width": 5})
    assert [(t.shape, t.batch_axis) for t in graph.inputs] == [((1, 3, 8, 9), 0), ((2, 1, 5), 1)]
    refuses(
        two, "there is no 'depth'; known: batch, height, state:1, state:2, width, x:0, x:2, x:3", dims={"depth": 1}
    )
    refuses(two, "must be positive integers, but got 0 for 'height'", dims={"height": 0})
    refuses(two, "one size, but 'x:1' is 3 and got 4", dims={"x:1": 4})


def test_input_shapes_as_text() -> None:
    image = model([node("Relu", "x")], inputs=[value("x", "n", 3, "h", "w")])
    for text in ("1x3x8x9", "3x8x9", "x=3x8x9"):
        assert from_onnx(image, dims=onnx_dims(image, text)).inputs[0].shape == (1, 3, 8, 9)
    for text, sentence in (
        ("3x8", "must get 4 sizes, or all but the batch, but got 2"),
        ("axb", "sizes with x between them"),
        ("z=1x3x8x8", "there is no 'z'; known: x"),
    ):
        with pytest.raises(ModelError, match=sentence):
            onnx_dims(image, text)
    assert from_onnx(image, dims=onnx_dims(image, "2x3x8x9")).inputs[0].batch_axis is None


def external(tmp_path: Path, location: str, *, length: int | None = None, offset: int = 0, shape: int = 4) -> Path:
    """A model whose weight lies in another file."""
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[shape], data_location=TensorProto.EXTERNAL)
    entries = {"location": location, "offset": str(offset)} | ({} if length is None else {"length": str(length)})
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=text)
    path = tmp_path / "model" / "a.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model([node("Add", "x w")], weights=[tensor]).SerializeToString())
    return path


def test_external_data(tmp_path: Path) -> None:
    path = external(tmp_path, "w.bin", offset=8)
    refuses(path, "must be beside the model, but 'w' needs 'w.bin': No such file")
    (path.parent / "w.bin").write_bytes(np.arange(6, dtype=np.float32).tobytes())
    weights = from_onnx(path).weights
    assert weights is not None
    assert weights["w"].tolist() == [2, 3, 4, 5]
    assert isinstance(weights["w"], np.memmap)
    refuses(external(tmp_path, "w.bin", offset=12), "needs bytes 12 to 28 of 'w.bin', which has 24")
    refuses(external(tmp_path, "w.bin", length=12), r"'w' \(4,\) float32 needs 16 and has 12")


def test_external_data_outside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    for location in ("../secret.bin", str(tmp_path / "secret.bin"), "a/../../secret.bin", ""):
        refuses(external(tmp_path, location), "must lie inside the folder of the model, but 'w' needs")
    path = external(tmp_path, "link.bin")
    (path.parent / "link.bin").symlink_to(tmp_path / "secret.bin")
    refuses(path, "must lie inside the folder of the model, but 'w' needs 'link.bin'")


def test_external_data_of_a_model_in_memory(tmp_path: Path) -> None:
    refuses(
        onnx.load(external(tmp_path, "w.bin"), load_external_data=False),
        "with external data must be given by its path, but 'w' needs 'w.bin'",
    )


@pytest.mark.slow
def test_three_gigabytes_take_little_memory(tmp_path: Path) -> None:
    """A sparse file takes no space on disk, and is mapped, not loaded."""
    columns = 3 * 2**30 // 16
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4, columns], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="w.bin")
    path = tmp_path / "a.onnx"
    path.write_bytes(model([node("MatMul", "x w")], weights=[tensor]).SerializeToString())
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(4 * 4 * columns)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    graph = from_onnx(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert graph.weights is not None
    assert isinstance(graph.weights["w"], np.memmap)
    assert graph.weights["w"].nbytes == 3 * 2**30
    assert grown < 200 * 1024


@pytest.mark.parametrize("inside", [False, True])
def test_weights_inside_the_file_are_mapped(tmp_path: Path, inside: bool) -> None:
    """As initializers, and as constants among the nodes, as some writers have them."""
    array = np.random.default_rng(0).standard_normal((4, 5000)).astype(np.float32)
    constant = [helper.make_node("Constant", [], ["w"], value=weight(array))]
    holding = model([*(constant if inside else []), node("MatMul", "x w")], weights=[] if inside else [weight(array)])
    path = tmp_path / "a.onnx"
    path.write_bytes(holding.SerializeToString())
    weights = from_onnx(path).weights
    assert weights is not None
    assert isinstance(weights["w"], np.memmap)
    assert np.array_equal(weights["w"], array)


def test_attributes_must_be_as_stated() -> None:
    refuses(model([node("Concat", "x x")]), "Concat 'the_concat' must have the attribute axis, but has not")
    refuses(model([node("Concat", "x x", axis=[1])]), "must be of their type, but axis of Concat 'the_concat' is not")
    odd = model([node("Flatten", "x", axis=1)])
    odd.graph.node[0].attribute[0].type = onnx.AttributeProto.UNDEFINED
    refuses(odd, "attributes must have a type, but 'axis' has none")


def test_training_mode() -> None:
    ones = [weight(np.ones(4, "f"), name) for name in "abcd"]
    trained = model([node("BatchNormalization", "x a b c d", training_mode=1)], weights=ones)
    refuses(trained, "exported for inference, but BatchNormalization 'the_batchnormalization' has training_mode=1")


def test_function_that_calls_itself() -> None:
    inner = helper.make_node("Again", ["a"], ["b"], domain="com.vendor")
    function = helper.make_function("com.vendor", "Again", ["a"], ["b"], [inner], [helper.make_opsetid("", 17)])
    endless = model([helper.make_node("Again", ["x"], ["y"], domain="com.vendor")])
    endless.functions.append(function)
    refuses(endless, "must not call itself, but 'Again' does")


def test_graph_class_method() -> None:
    graph = Graph.from_onnx(RELU)
    assert isinstance(graph.inputs[0], Input)
    assert re.match("<Graph 1x4 -> 1x4", repr(graph))


def field(number: int, content: bytes) -> bytes:
    """A field of bytes in the wire format."""
    size, length = len(content), b""
    while size >= 128:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def test_endless_nesting(tmp_path: Path) -> None:
    """Branches in branches, more than any reader takes."""
    graph = field(1, bytes(5000))
    for _ in range(200):
        graph = field(1, field(5, field(6, graph)))
    (tmp_path / "a.onnx").write_bytes(b"\x08\x08" + field(7, graph))
    refuses(tmp_path / "a.onnx", "must not be nested more than 100 times")
