"""Drawings of blocks: golden files, folding, opening, escaping, any graph at all.

`python tests/io/test_draw.py` writes the golden files of both styles anew; look at them before they are committed.
"""

from __future__ import annotations

import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

import pytest
from drawn_networks import BLOCKS, drawings, layer, mlp, mobilenet, nameless, resnet, vit, windows
from hypothesis import given, settings
from hypothesis import strategies as st
from svg_reading import SVG, boxes, rectangles, texts

from netwright.errors import ExportError
from netwright.graph import Graph, Init, Input, Opaque, Parameter, Tensor, image, ops, parameter, scope, vector
from netwright.io._drawing._draw import draw, repr_svg, save_drawing
from netwright.io._drawing._svg import text_width

GOLDEN = Path(__file__).parent / "golden"

# Golden files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BLOCKS)
def test_drawing_is_the_golden_one(name: str) -> None:
    svg = draw(BLOCKS[name](), title=name)
    assert svg == (GOLDEN / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "plain", "bold"),
    # Advance widths at 10 px in DejaVu Sans and its bold face.
    [
        ("depthwise separable", 103.96, 117.57),
        ("64×8×8", 42.21, 44.59),
        ("MobileNetV3, 1.2 M params", 138.47, 156.11),
    ],
)
def test_boxes_have_room_for_the_widest_font(text: str, plain: float, bold: float) -> None:
    assert plain <= text_width(text, 10) <= 1.1 * plain
    assert bold <= text_width(text, 10, bold=True) <= 1.1 * bold


@pytest.mark.parametrize("name", BLOCKS)
def test_drawing_is_xml_and_stays_in_its_frame(name: str) -> None:
    root = ET.fromstring(draw(BLOCKS[name]()))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert root.attrib["viewBox"] == f"0 0 {root.attrib['width']} {root.attrib['height']}"
    for x0, y0, x1, y1 in rectangles(root):
        assert 0 <= x0 <= x1 <= width
        assert 0 <= y0 <= y1 <= height


# Words --------------------------------------------------------------------------------------------


def test_block_is_summed_up_in_one_line() -> None:
    words = texts(draw(mobilenet()))
    assert any(w.startswith("6× expansion, 3×3 depthwise, stride 2, SE") for w in words)
    assert any(w.startswith("3× expansion, 5×5 depthwise, SE, skip") for w in words)


def test_shapes_stand_on_the_wires_without_the_batch() -> None:
    words = texts(draw(mlp()))
    assert {"input 13", "64", "32", "output 3"} <= set(words)


def test_attention_names_its_heads_and_linear_layers_their_widths() -> None:
    words = texts(draw(vit()))
    assert "3 heads of 64" in words
    assert "192 → 768, GELU" in words


def test_totals_head_the_drawing() -> None:
    weights = 13 * 64 + 64 * 64 + 64 * 64 + 64 * 32 + 32 * 3
    assert (weights, weights + 64 * 3 + 32 + 3) == (11_168, 11_395)
    assert "11.4k parameters · 11.2k MACs · 9 operators" in texts(draw(mlp()))


# Folding ------------------------------------------------------------------------------------------


def test_equal_blocks_in_a_row_are_folded() -> None:
    svg = draw(vit(12))
    assert "× 12" in texts(svg)
    assert "block … 11" in texts(svg)
    assert boxes(svg) < 20


def test_unequal_blocks_are_not_folded() -> None:
    source = image(8, 8, 8)
    svg = draw(Graph([source], [layer(layer(source, 8), 8, 5)]))
    assert not any(w.startswith("× ") for w in texts(svg))
    assert boxes(svg) == 2


def test_row_whose_middle_is_read_elsewhere_is_not_folded() -> None:
    source = image(8, 8, 8)
    first = layer(source, 8)
    svg = draw(Graph([source], [layer(first, 8), first]))
    assert boxes(svg) == 2


def test_folded_copies_that_share_weights_count_them_once() -> None:
    weight = Parameter("weight", (8, 8), Init())
    source = x = vector(8)
    for _ in range(5):
        x = ops.relu(ops.gemm(x, weight))
    svg = draw(Graph([source], [x]))
    assert "64 params · 320 MACs" in texts(svg)
    assert "copies share weights" in svg


def test_repeats_without_scopes_are_found() -> None:
    source = x = image(8, 8, 8)
    for _ in range(60):
        y = ops.relu(ops.conv(x, Parameter("weight", (8, 8, 3, 3), Init()), pads=1))
        x = x + ops.conv(y, Parameter("weight", (8, 8, 1, 1), Init()))
    svg = draw(Graph([source], [x]))
    assert "× 60" in texts(svg)
    assert boxes(svg) == 3


# Networks from elsewhere --------------------------------------------------------------------------


def test_lists_of_modules_are_named_with_their_list() -> None:
    words = texts(draw(windows()))
    assert {"layers.0.blocks.0 … 1", "layers.1", "blocks.0 … 5", "× 6"} <= set(words)


def test_network_without_names_folds_its_repeats() -> None:
    words = texts(draw(nameless(resnet(4))))
    assert {"× 4", "× 3"} <= set(words)


def test_densely_connected_blocks_stay_closed() -> None:
    words = texts(draw(BLOCKS["dense"]()))
    assert {"dense", "dense_1"} <= set(words)
    assert not any(word.startswith("layer") for word in words)


@pytest.mark.parametrize("name", BLOCKS)
def test_no_drawing_has_more_boxes_than_can_be_read(name: str) -> None:
    assert boxes(draw(BLOCKS[name]())) <= 40


def test_recurrent_layer_is_summed_up_and_its_table_stands_alone() -> None:
    words = texts(draw(BLOCKS["recurrent"]()))
    assert {"LSTM 64 → 128", "LSTM 128 → 128", "1000 × 64 table, embedding, transpose"} <= set(words)


def test_weight_that_two_blocks_use_is_marked() -> None:
    shared = Parameter("weight", (4, 4, 3, 3), Init())
    a, b = image(4, 8, 8, name="a"), image(4, 8, 8, name="b")
    svg = draw(Graph([a, b], [ops.conv(a, shared) + ops.conv(b, shared)]))
    assert texts(svg).count("144 params, shared · 5.18k MACs") == 2
    assert "144 parameters · 10.4k MACs · 3 operators" in texts(svg)


def test_what_is_computed_from_weights_alone_is_a_weight() -> None:
    source, matrix = Input((1, 5, 8)), parameter("weight", (4, 8))
    turned = ops.transpose(matrix, perm=(1, 0))
    svg = draw(Graph([source], [ops.relu(ops.matmul(source, turned))]))
    assert boxes(svg) == 1
    assert {"8 → 4, ReLU", "32 params · 160 MACs"} <= set(texts(svg))


def test_weight_is_counted_once_however_it_is_prepared() -> None:
    source, matrix = Input((1, 5, 8)), parameter("weight", (8, 8))
    first, second = (ops.transpose(matrix, perm=(1, 0)) for _ in range(2))
    svg = draw(Graph([source], [ops.matmul(ops.matmul(source, first), second)]))
    assert "64 params · 640 MACs" in texts(svg)


def test_rows_of_a_class_token_are_no_second_branch() -> None:
    source, token = Input((1, 5, 8)), parameter("token", (1, 1, 8))
    whole = ops.concat(ops.expand(token, source, shape=(0, 1, 8)), source, axis=1)
    assert boxes(draw(Graph([source], [ops.gelu(whole)]))) == 1


def test_output_that_needs_no_input_is_still_drawn() -> None:
    source, matrix = Input((1, 8)), parameter("weight", (1, 8))
    svg = draw(Graph([source], [ops.relu(matrix), source]))
    assert "ReLU" in texts(svg)


def test_operator_outside_the_vocabulary_is_a_dashed_box_of_its_own() -> None:
    source = image(4, 8, 8)
    y = Opaque("com.vendor::Fuse", [((1, 4, 8, 8), "float32")])(
        ops.conv(source, Parameter("w", (4, 4, 1, 1), Init()))
    )
    svg = draw(Graph([source], [y]))
    assert boxes(svg) == 2
    assert "com.vendor::Fuse" in texts(svg)
    assert 'stroke-dasharray="4 3"' in svg


# Opening ------------------------------------------------------------------------------------------


def test_depth_opens_level_by_level() -> None:
    graph = resnet()
    counts = [boxes(draw(graph, depth=depth)) for depth in (1, 2, 3)]
    assert counts[0] == 5
    assert counts == sorted(counts)
    assert counts[2] == boxes(draw(graph, depth=9))


@pytest.mark.parametrize("depth", [0, -1, True, 1.5, "all"])
def test_depth_must_be_positive(depth: object) -> None:
    with pytest.raises(ExportError, match="depth must be a positive integer or None"):
        draw(mlp(), depth=depth)  # type: ignore[arg-type]


def test_thousand_nodes_stay_readable_and_quick() -> None:
    graph = vit(40)
    assert len(graph.nodes) > 1000
    start = time.perf_counter()
    svg = draw(graph)
    assert time.perf_counter() - start < 2
    assert boxes(svg) <= 40


def test_thousand_nodes_without_scopes_or_repeats_stay_readable() -> None:
    source = image(8, 8, 8)
    made = [source]
    for i in range(500):
        near, far = made[-1], made[max(0, len(made) - 2 - (i * i) % 7)]
        made.append(ops.conv(near + far, Parameter("weight", (8, 8, 1 + 2 * (i % 3), 1), Init()), pads=(i % 3, 0)))
    assert boxes(draw(Graph([source], [made[-1]]))) <= 40


def test_blocks_of_one_name_open_together() -> None:
    words = texts(draw(mobilenet()))
    assert sum(w.startswith(("mbconv", "stage1.mbconv")) for w in words) == 7
    assert not any(w.startswith("se") for w in words)


def test_scope_that_does_not_nest_with_the_data_is_drawn() -> None:
    source = image(8, 8, 8)
    with scope("odd") as odd:
        first = ops.relu(source)
    with scope("between"):
        second = ops.sigmoid(first)
    third = ops.tanh(second)
    assert third.node is not None
    third.node.scope = odd
    svg = draw(Graph([source], [third]))
    assert boxes(svg) >= 1
    assert "output 8×8×8" in texts(svg)


# Wires --------------------------------------------------------------------------------------------


def test_several_inputs_and_outputs() -> None:
    a, b = image(4, 8, 8, name="left"), image(4, 8, 8, name="right")
    parts = ops.split(a + b, split=(1, 3), axis=1)
    words = texts(draw(Graph([a, b], [*parts, a])))
    assert {"left 4×8×8", "right 4×8×8", "output 1×8×8", "output 2 3×8×8", "output 3 4×8×8"} <= set(words)


def test_empty_network_is_a_wire() -> None:
    source = vector(3)
    assert boxes(draw(Graph([source], [source]))) == 0


def test_learned_value_is_no_wire() -> None:
    source = vector(3)
    words = texts(draw(Graph([source], [source + parameter("shift", (3,))])))
    assert "a learned scalar" not in words
    assert "a learned 3" in words


# Text ---------------------------------------------------------------------------------------------


def test_names_and_titles_are_escaped() -> None:
    source = image(4, 8, 8, name='a<b>&"c"')
    with scope("x<y>&\x00"):
        y = ops.max_pool(source, kernel_shape=2)
    svg = draw(Graph([source], [y]), title='<script>"&\n\x01</script>')
    words = texts(svg)
    assert "<script>" not in svg
    assert 'a<b>&"c" 4×8×8' in words
    assert "x<y>&?" in words


def test_drawing_is_the_same_each_time() -> None:
    assert draw(resnet()) == draw(resnet())
    assert repr_svg(mlp()) == draw(mlp())


def test_save_writes_the_drawing(tmp_path: Path) -> None:
    path = save_drawing(mlp(), tmp_path / "mlp.svg", title="mlp")
    assert path.read_text(encoding="utf-8") == draw(mlp(), title="mlp")


def test_save_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="folder that exists"):
        save_drawing(mlp(), tmp_path / "none" / "mlp.svg")


# Any graph ----------------------------------------------------------------------------------------


@st.composite
def graphs(pick: st.DrawFn) -> Graph:
    source = image(4, 4, 4)
    made: list[Tensor] = [source]
    for _ in range(pick(st.integers(1, 24))):
        a, b = pick(st.sampled_from(made[-5:])), pick(st.sampled_from(made[-5:]))
        with scope(pick(st.sampled_from("abc"))):
            made.append(pick(st.sampled_from([lambda a, b: a + b, lambda a, b: ops.relu(a), one_by_one]))(a, b))
    outputs = pick(st.lists(st.sampled_from(made), min_size=1, max_size=3))
    return Graph([source], outputs)


def one_by_one(a: Tensor, b: Tensor) -> Tensor:
    return ops.conv(a, parameter("weight", (4, 4, 1, 1)))


@settings(max_examples=60, deadline=None)
@given(graphs(), st.sampled_from([None, 1, 2]))
def test_any_graph_is_drawn(graph: Graph, depth: int | None) -> None:
    root = ET.fromstring(draw(graph, depth=depth))
    assert len([t for t in root.iter(f"{SVG}text") if (t.text or "").startswith("input")]) == 1


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for golden_name, style, build in drawings():
        save_drawing(build(), GOLDEN / f"{golden_name}.svg", title=golden_name, style=style)
