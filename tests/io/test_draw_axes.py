"""Drawings of axes: golden files, nothing that overlaps, what each operator looks like, large networks."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from drawn_networks import AXES, dense, drawings, layer, mlp, nameless, recurrent, resnet, unet, vit, windows
from hypothesis import given, settings
from svg_reading import SVG, overlap, placed, rectangles, text_areas, texts, wire_ends, within
from test_draw import graphs
from test_operators import CASES

from netwright.errors import ExportError
from netwright.graph import Graph, Init, Input, Opaque, Parameter, Tensor, image, ops, vector
from netwright.io import draw
from netwright.io._drawing._circuit import expanded, steps_of, wires_of

GOLDEN = Path(__file__).parent / "golden"
Build = Callable[[], Graph]
DRAWINGS = list(drawings())


def axes(*outputs: Tensor, inputs: list[Input]) -> str:
    return draw(Graph(inputs, list(outputs)), style="axes")


def weight(*shape: int) -> Parameter:
    return Parameter("weight", shape, Init())


@pytest.mark.parametrize("name", AXES)
def test_drawing_is_the_golden_one(name: str) -> None:
    svg = draw(AXES[name](), title=f"{name}-axes", style="axes")
    assert svg == (GOLDEN / f"{name}-axes.svg").read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.svg")} == {name for name, _, _ in DRAWINGS}


# Nothing overlaps, in both styles -----------------------------------------------------------------


@pytest.mark.parametrize(("name", "style", "build"), DRAWINGS, ids=[name for name, _, _ in DRAWINGS])
def test_words_stand_clear_of_each_other_and_of_the_edges_of_boxes(name: str, style: str, build: Build) -> None:
    root = ET.fromstring(draw(build(), style=style))  # type: ignore[arg-type]
    areas = text_areas(root)
    assert [(a, b) for (a, x), (b, y) in combinations(areas, 2) if overlap(x, y)] == []
    # The edges of copies, 20 pixels high, lie behind the first of them.
    frames = [box for box in rectangles(root) if box[3] - box[1] != 20]
    assert [text for text, area in areas for box in frames if overlap(area, box) and not within(area, box)] == []


@pytest.mark.parametrize("name", AXES)
def test_boxes_of_circuits_stand_clear_of_each_other_and_on_the_page(name: str) -> None:
    root = ET.fromstring(draw(AXES[name](), style="axes"))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = []
    for element, dx, dy in placed(root):
        if element.tag == f"{SVG}rect" and element.get("rx") == "5":
            x, y = dx + float(element.get("x", 0)), dy + float(element.get("y", 0))
            boxes.append((x, y, x + float(element.attrib["width"]), y + float(element.attrib["height"])))
    assert boxes
    assert [pair for pair in combinations(boxes, 2) if overlap(*pair)] == []
    assert all(within(box, (0, 0, width, height)) for box in boxes)


@pytest.mark.parametrize("name", AXES)
def test_wires_are_drawn_once_also_behind_the_dot_where_they_meet(name: str) -> None:
    root = ET.fromstring(draw(AXES[name](), style="axes"))
    ends = [wire_ends(group) for group in root.iter(f"{SVG}g") if group.get("stroke-width") == "1.6"]
    assert any(ends)
    assert [pair for group in ends for pair in combinations(group, 2) if overlap(*pair)] == []


# What a box touches -------------------------------------------------------------------------------


def touched(made: Tensor) -> tuple[int, int]:
    """Number of boxes, and of wires that they touch at the left, of the operator that makes a tensor."""
    assert made.node is not None
    (step,), _ = steps_of([made.node], made.node.outputs)
    wires = wires_of(step, lambda tensor: 0.0)
    within_box = [y for y in set(wires.left.values()) for a, b in wires.boxes if a <= y <= b]
    return len(wires.boxes), len(within_box)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (ops.relu(image(3, 8, 8)), (1, 3)),
        (ops.softmax(Input((1, 4, 5, 6)), axis=2), (1, 1)),
        (ops.max_pool(image(3, 8, 8), kernel_shape=2), (1, 2)),
        (ops.conv(image(3, 8, 8), weight(4, 3, 1, 1)), (1, 1)),
        (ops.conv(image(3, 8, 8), weight(4, 3, 3, 3)), (1, 3)),
        (ops.concat(image(3, 8, 8), image(4, 8, 8), axis=1), (2, 2)),
        (ops.reduce_mean(Input((1, 4, 5, 6)), axes=(1, 3)), (2, 2)),
        (ops.transpose(Input((1, 4, 5)), perm=(0, 2, 1)), (0, 0)),
        (image(3, 8, 8) * image(3, 1, 1), (1, 4)),
    ],
    ids=lambda value: value.node.op.name if isinstance(value, Tensor) else "",
)
def test_box_touches_the_wires_that_the_operator_acts_on(made: Tensor, expected: tuple[int, int]) -> None:
    assert touched(made) == expected


def test_wires_are_named_where_they_start_or_change() -> None:
    source = image(3, 8, 8)
    words = texts(axes(ops.conv(source, weight(4, 3, 3, 3), strides=2, pads=1), inputs=[source]))
    assert {"channel 3", "height 8", "width 8", "conv", "3 /2", "channel 4", "height 4", "width 4"} <= set(words)


def test_window_along_an_axis_of_one_position_has_no_wire_to_stand_on() -> None:
    line = Input((1, 4, 9))
    y = ops.conv(ops.unsqueeze(line, axes=(2,)), weight(6, 4, 3, 3), pads=1)
    words = texts(axes(y, inputs=[line]))
    assert words.count("3") == 1
    point = image(4, 1, 1)
    assert "conv" in texts(axes(ops.conv(point, weight(6, 4, 3, 3), pads=1), inputs=[point]))


def test_contraction_of_two_values_is_a_bow() -> None:
    a, b = Input((1, 5, 7), name="a"), Input((1, 7, 4), name="b")
    words = texts(axes(ops.matmul(a, b), inputs=[a, b]))
    assert words.count("Σ") == 1
    assert not {"matmul", "linear"} & set(words)


def test_attention_is_drawn_as_its_two_contractions_around_a_softmax_over_the_keys() -> None:
    q, k, v = (Input((1, 2, 5, 4), name=name) for name in "qkv")
    node = ops.attention(q, k, v, is_causal=1).node
    assert [part.op.name for part in expanded(node)] == ["Einsum", "Trilu", "Softmax", "Einsum"]
    words = texts(axes(node.output, inputs=[q, k, v]))
    assert words.count("Σ") == 2
    assert {"softmax", "triangle"} <= set(words)


def test_learned_mask_of_an_attention_is_added_to_its_scores() -> None:
    q, k, v = (Input((1, 2, 5, 4), name=name) for name in "qkv")
    words = texts(axes(ops.attention(q, k, v, weight(1, 2, 5, 5)), inputs=[q, k, v]))
    assert {"+ learned", "softmax"} <= set(words)


def test_grouped_attention_stays_one_box() -> None:
    q, k, v = Input((1, 4, 5, 8), name="q"), Input((1, 2, 5, 8), name="k"), Input((1, 2, 5, 8), name="v")
    assert "attention" in texts(axes(ops.attention(q, k, v), inputs=[q, k, v]))


def test_bias_belongs_to_its_linear_layer() -> None:
    source = Input((1, 5, 8))
    y = ops.matmul(source, weight(8, 4)) + Parameter("bias", (4,), Init("zeros"))
    words = texts(axes(y, inputs=[source]))
    assert "linear" in words
    assert not any(word.startswith("+") for word in words)


def test_operator_outside_the_vocabulary_touches_all_wires_with_a_dashed_box() -> None:
    source = Input((1, 5, 8))
    y = Opaque("com.vendor::Fuse", [((1, 6), "float32")])(source)
    svg = axes(y, inputs=[source])
    assert "com.vendor::Fuse" in texts(svg)
    assert 'stroke-dasharray="4 3"' in svg


def test_several_inputs_outputs_scalars_and_a_value_used_twice() -> None:
    a, b = vector(4, name="left"), vector(1, name="right")
    y = a * b
    words = texts(axes(y + y, y, inputs=[a, b]))
    assert {"left", "right", "output", "output 2", "scalar"} <= set(words)


def test_network_of_a_wire() -> None:
    source = vector(3)
    assert "<svg" in axes(source, inputs=[source])


# Large networks -----------------------------------------------------------------------------------


def test_large_network_is_an_overview_with_one_circuit_for_each_kind_of_block() -> None:
    words = texts(draw(vit(12), style="axes"))
    assert words.count("× 12") == 2
    assert words.count("softmax") == 1


def test_blocks_that_differ_in_sizes_only_share_a_circuit() -> None:
    assert "also, at other sizes: stage3.block" in texts(draw(resnet(1), style="axes"))


def test_depth_says_how_far_blocks_are_opened() -> None:
    graph = windows()
    shallow, deep = draw(graph, style="axes", depth=1), draw(graph, style="axes")
    assert "softmax" not in texts(shallow)
    assert any(word.endswith("in the overview only.") for word in texts(shallow))
    assert "softmax" in texts(deep)


@pytest.mark.parametrize("build", [dense, unet, recurrent, mlp, lambda: nameless(windows())])
def test_every_kind_of_network_is_drawn(build: Build) -> None:
    ET.fromstring(draw(build(), style="axes"))


@pytest.mark.parametrize(("blocks", "seconds"), [(40, 2), (190, 10)])
def test_large_networks_are_drawn_quickly(blocks: int, seconds: float) -> None:
    graph = vit(blocks)
    assert len(graph.nodes) > 25 * blocks
    for style in ("blocks", "axes"):
        start = time.perf_counter()
        draw(graph, style=style)  # type: ignore[arg-type]
        assert time.perf_counter() - start < seconds


def test_five_thousand_nodes_without_scopes_or_repeats_take_seconds() -> None:
    source = image(8, 8, 8)
    made = [source]
    for i in range(2500):
        near, far = made[-1], made[max(0, len(made) - 2 - (i * i) % 7)]
        made.append(ops.conv(near + far, weight(8, 8, 1 + 2 * (i % 3), 1), pads=(i % 3, 0)))
    start = time.perf_counter()
    draw(Graph([source], [made[-1]]))
    assert time.perf_counter() - start < 10


# Any graph ----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_any_graph_is_drawn(graph: Graph) -> None:
    root = ET.fromstring(draw(graph, style="axes"))
    assert "input" in [text.text for text in root.iter(f"{SVG}text")] or not graph.nodes


@pytest.mark.parametrize("name", CASES)
def test_every_operator_is_drawn(name: str) -> None:
    for _, shape, build in CASES[name]:
        source = Input(shape)
        made = build(source)
        graph = Graph([source], made if isinstance(made, tuple) else [made])
        for style in ("blocks", "axes"):
            ET.fromstring(draw(graph, style=style))  # type: ignore[arg-type]


def test_style_must_be_known() -> None:
    with pytest.raises(ExportError, match="style must be one of blocks, axes, but got 'wires'"):
        draw(mlp(), style="wires")  # type: ignore[arg-type]


def test_layer_of_names_is_shared_with_the_other_style() -> None:
    source = image(3, 8, 8)
    graph = Graph([source], [layer(source, 4)])
    assert texts(draw(graph, title="t"))[:2] == texts(draw(graph, title="t", style="axes"))[:2]
