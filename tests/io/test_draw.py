"""Drawings: golden files of five kinds of networks, folding, opening, escaping, any graph at all.

`python tests/io/test_draw.py` writes the golden files anew; look at them before they are committed.
"""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.errors import ExportError
from netwright.graph import Graph, Init, Parameter, Tensor, image, ops, parameter, scope, vector
from netwright.io._draw import draw, repr_svg, save_drawing

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


# Networks, from operators alone: the golden files show the drawing, not what the blocks of today are made of. ---


def layer(x: Tensor, channels: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: bool = True) -> Tensor:
    with scope("conv"):
        weight = parameter("weight", (channels, x.shape[1] // groups, kernel, kernel))
        y = ops.conv(x, weight, strides=stride, pads=kernel // 2, group=groups)
        y = ops.batch_normalization(y, *(parameter(hint, (channels,), Init("ones")) for hint in "wbmv"))
        return ops.relu(y) if act else y


def linear(x: Tensor, features: int, name: str = "linear") -> Tensor:
    with scope(name):
        if x.rank == 2:
            return ops.gemm(x, parameter("weight", (features, x.shape[1])), parameter("bias", (features,)))
        return ops.matmul(x, parameter("weight", (x.shape[-1], features))) + parameter("bias", (features,))


def layer_norm(x: Tensor) -> Tensor:
    with scope("norm"):
        return ops.layer_normalization(x, parameter("w", x.shape[-1:]), parameter("b", x.shape[-1:]))


def classifier(x: Tensor, classes: int = 10) -> Tensor:
    with scope("head"):
        return linear(ops.flatten(ops.global_average_pool(x)), classes)


def residual(x: Tensor, channels: int, stride: int = 1) -> Tensor:
    with scope("block"):
        y = layer(layer(x, channels, stride=stride), channels, act=False)
        if y.shape != x.shape:
            with scope("shortcut"):
                x = layer(x, channels, 1, stride, act=False)
        return ops.relu(x + y)


def resnet(depth: int = 2) -> Graph:
    source = image(3, 32, 32)
    with scope("stem"):
        x = layer(source, 16)
    for stage, channels in enumerate((16, 32, 64), start=1):
        with scope(f"stage{stage}"):
            for i in range(depth):
                x = residual(x, channels, 2 if stage > 1 and i == 0 else 1)
    return Graph([source], [classifier(x)])


def mbconv(x: Tensor, channels: int, kernel: int, stride: int, expand: int) -> Tensor:
    with scope("mbconv"):
        y = layer(x, x.shape[1] * expand, 1) if expand > 1 else x
        y = layer(y, y.shape[1], kernel, stride, groups=y.shape[1])
        with scope("se"):
            gate = layer(layer(ops.global_average_pool(y), y.shape[1] // 4, 1), y.shape[1], 1, act=False)
            y = y * ops.sigmoid(gate)
        y = layer(y, channels, 1, act=False)
        return x + y if x.shape == y.shape else y


def mobilenet() -> Graph:
    source = image(3, 96, 96)
    with scope("stem"):
        x = layer(source, 16, stride=2)
    plan = [(16, 3, 1, 1, 1), (24, 3, 2, 4, 2), (40, 5, 2, 3, 3), (80, 3, 2, 6, 4)]
    for stage, (channels, kernel, stride, expand, depth) in enumerate(plan, start=1):
        with scope(f"stage{stage}"):
            for i in range(depth):
                x = mbconv(x, channels, kernel, stride if i == 0 else 1, expand)
    return Graph([source], [classifier(x)])


def cell() -> Graph:
    """Four nodes, six edges."""

    def edge(name: str, x: Tensor) -> Tensor:
        with scope(name):
            if name == "skip":
                return ops.identity(x)
            if name == "pool":
                return ops.average_pool(x, kernel_shape=3, pads=1)
            return layer(ops.relu(x), 16, int(name[-1]), act=False)

    source = image(3, 32, 32)
    with scope("stem"):
        x = layer(source, 16, act=False)
    with scope("cell"):
        one = edge("conv3x3", x)
        two = edge("conv1x1", x) + edge("conv3x3", one)
        x = ops.sum(edge("skip", x), edge("pool", one), edge("conv3x3", two))
    return Graph([source], [classifier(x)])


def vit(depth: int = 12) -> Graph:
    source = image(3, 224, 224)
    with scope("patches"):
        x = ops.conv(source, parameter("weight", (192, 3, 16, 16)), strides=16)
        x = ops.transpose(ops.reshape(x, shape=(0, 0, -1)), perm=(0, 2, 1))
    x = x + parameter("position", (196, 192))
    for _ in range(depth):
        with scope("block"):
            y = layer_norm(x)
            with scope("attention"):
                heads = [ops.reshape(linear(y, 192, name), shape=(0, 0, 3, -1)) for name in "qkv"]
                heads = [ops.transpose(head, perm=(0, 2, 1, 3)) for head in heads]
                y = ops.reshape(ops.transpose(ops.attention(*heads), perm=(0, 2, 1, 3)), shape=(0, 0, -1))
                x = x + linear(y, 192, "project")
            y = layer_norm(x)
            with scope("mlp"):
                x = x + linear(ops.gelu(linear(y, 768, "up")), 192, "down")
    with scope("head"):
        x = linear(ops.reduce_mean(layer_norm(x), axes=(1,), keepdims=0), 1000)
    return Graph([source], [x])


def mlp() -> Graph:
    source = x = vector(13)
    for width in (64, 64, 64, 32):
        x = ops.relu(linear(x, width))
    return Graph([source], [linear(x, 3)])


def unet() -> Graph:
    source = x = image(3, 32, 32)
    skips = []
    for channels in (8, 16):
        with scope("down"):
            skips.append(layer(x, channels))
            x = ops.max_pool(skips[-1], kernel_shape=2, strides=2)
    x = layer(x, 32)
    for skip in reversed(skips):
        with scope("up"):
            x = layer(ops.concat(ops.resize(x, sizes=skip.shape[2:]), skip, axis=1), skip.shape[1])
    return Graph([source], [x])


ZOO: dict[str, Callable[[], Graph]] = {
    "resnet": resnet, "mobilenet": mobilenet, "cell": cell, "vit": vit, "mlp": mlp, "unet": unet,
}  # fmt: skip


# Reading a drawing --------------------------------------------------------------------------------


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def boxes(svg: str) -> int:
    """Things with a tooltip that hold no others: boxes and joins, without frames."""
    groups = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.find(f"{SVG}title") is not None]
    return sum(len(list(g.iter(f"{SVG}title"))) == 1 for g in groups)


# Golden files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ZOO)
def test_drawing_is_the_golden_one(name: str) -> None:
    svg = draw(ZOO[name](), title=name)
    assert svg == (GOLDEN / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ZOO)
def test_drawing_is_xml_and_stays_in_its_frame(name: str) -> None:
    root = ET.fromstring(draw(ZOO[name]()))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert root.attrib["viewBox"] == f"0 0 {root.attrib['width']} {root.attrib['height']}"
    for x0, y0, x1, y1 in rectangles(root):
        assert 0 <= x0 <= x1 <= width
        assert 0 <= y0 <= y1 <= height


def rectangles(element: ET.Element, dx: float = 0, dy: float = 0) -> list[tuple[float, float, float, float]]:
    shift = re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", element.get("transform", ""))
    if shift:
        dx, dy = dx + float(shift[1]), dy + float(shift[2])
    found = []
    if element.tag == f"{SVG}rect":
        x, y = dx + float(element.get("x", 0)), dy + float(element.get("y", 0))
        found.append((x, y, x + float(element.attrib["width"]), y + float(element.attrib["height"])))
    return found + [r for child in element for r in rectangles(child, dx, dy)]


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
    for golden_name, build in ZOO.items():
        save_drawing(build(), GOLDEN / f"{golden_name}.svg", title=golden_name)
