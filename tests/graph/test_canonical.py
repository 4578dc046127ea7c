from __future__ import annotations

import itertools
import random
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netwright.graph import (
    Graph,
    Init,
    Input,
    Parameter,
    Tensor,
    canonical_hash,
    image,
    ops,
    parameter,
    scope,
    simplify,
    vector,
)

# ---- NAS-Bench-201 ------------------------------------------------------------------------------------------------

EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
SKIP, NONE, CONV3, CONV1, POOL = range(5)
NAMES = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
TABLE = Path(__file__).parents[3] / "shared" / "data" / "nasbench201" / "accuracy.parquet"
Cell = tuple[int, ...]


def cells() -> Iterator[Cell]:
    return itertools.product(range(5), repeat=6)


def conv(x: Tensor, channels: int, kernel: int = 3, weight: Parameter | None = None) -> Tensor:
    weight = weight or parameter("weight", (channels, x.shape[1], kernel, kernel))
    y: Tensor = ops.conv(x, weight, pads=kernel // 2)
    return y


def norm(x: Tensor) -> Tensor:
    channels = (x.shape[1],)
    learned = [parameter(hint, channels) for hint in ("weight", "bias")]
    running = [parameter(hint, channels, trainable=False) for hint in ("mean", "var")]
    y: Tensor = ops.batch_normalization(x, *learned, *running)
    return y


def edge(x: Tensor, choice: int) -> Tensor:
    if choice in (CONV3, CONV1):
        return norm(conv(ops.relu(x), x.shape[1], 3 if choice == CONV3 else 1))
    if choice == POOL:
        y: Tensor = ops.average_pool(x, kernel_shape=3, strides=1, pads=1)
        return y
    return x if choice == SKIP else x * 0.0


def build_cell(x: Tensor, cell: Cell) -> Tensor:
    nodes = [x]
    for end in (1, 2, 3):
        terms = [edge(nodes[a], choice) for (a, b), choice in zip(EDGES, cell, strict=True) if b == end]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        nodes.append(total)
    return nodes[3]


def bare(cell: Cell) -> Graph:
    x = image(16, 8, 8)
    return Graph([x], [build_cell(x, cell)])


def network(cell: Cell, cells_in_a_row: int = 1) -> Graph:
    x = image(3, 8, 8)
    y = norm(conv(x, 16))
    for _ in range(cells_in_a_row):
        y = build_cell(y, cell)
    y = ops.flatten(ops.global_average_pool(ops.relu(norm(y))))
    return Graph([x], [ops.gemm(y, parameter("weight", (10, 16)), parameter("bias", (10,)))])


def reference(cell: Cell) -> tuple[Any, ...]:
    """What the cell computes, as a sorted tuple of the terms of its last node; layers are told by their edge."""
    values: list[tuple[Any, ...]] = [(("x", -1, ()),)]
    for end in (1, 2, 3):
        terms: list[tuple[Any, ...]] = []
        for number, (a, b) in enumerate(EDGES):
            if b != end or cell[number] == NONE:
                continue
            if cell[number] == SKIP:
                terms += values[a]
            elif cell[number] != POOL:
                terms.append((NAMES[cell[number]], number, values[a]))
            elif values[a]:
                terms.append(("pool", -1, values[a]))
        values.append(tuple(sorted(terms)))
    return values[3]


def layers(value: tuple[Any, ...]) -> set[int]:
    return {n for _, number, inner in value for n in (number, *layers(inner)) if n >= 0}


def renamed(value: tuple[Any, ...], names: dict[int, int]) -> tuple[Any, ...]:
    return tuple(sorted((kind, names.get(number, -1), renamed(inner, names)) for kind, number, inner in value))


@cache
def smallest(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """The least of the forms that any numbering of the layers gives: equal exactly for isomorphic cells."""
    numbers = sorted(layers(value))
    return min(
        renamed(value, dict(zip(numbers, order, strict=True)))
        for order in itertools.permutations(range(len(numbers)))
    )


@pytest.mark.slow
@pytest.mark.parametrize("build", [bare, network])
def test_nas_bench_201_has_5875_networks(build: Any) -> None:
    by_hash: dict[str, set[Any]] = {}
    classes = set()
    for cell in cells():
        form = smallest(reference(cell))
        classes.add(form)
        by_hash.setdefault(canonical_hash(build(cell)), set()).add(form)
    assert len(classes) == 5875
    assert len(by_hash) == 5875
    assert all(len(forms) == 1 for forms in by_hash.values())


def test_three_cells_in_a_row_tell_the_same_as_one() -> None:
    rng = random.Random(0)
    sample = rng.sample(list(cells()), 400)
    one = {smallest(reference(cell)) for cell in sample}
    assert len({canonical_hash(network(cell, 3)) for cell in sample}) == len(one)


def arch_string(cell: Cell) -> str:
    """The authors' name of a cell: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`, nodes joined by +."""
    nodes = [
        "".join(f"|{NAMES[choice]}~{a}" for (a, b), choice in zip(EDGES, cell, strict=True) if b == end)
        for end in (1, 2, 3)
    ]
    return "+".join(f"{node}|" for node in nodes)


def nasbench201_unique_string(arch_str: str) -> str:
    """The authors' own string for the cells that they take to be equal (Dong & Yang 2020).

    A node is the sorted list of what its edges bring: `#` for none and for what comes from a node that is itself
    just `#`, the string of the node for a skip connection, `(string)@op` for any other operator. It names layers by
    their inputs only, so it cannot tell a layer that two places read from two layers.
    """
    strings = ["0"]
    for node in arch_str.split("+"):
        brought = []
        for part in node.strip("|").split("|"):
            name, source = part.rsplit("~", 1)
            below = strings[int(source)]
            if name == "none" or below == "#":
                brought.append("#")
            else:
                brought.append(below if name == "skip_connect" else f"({below})@{name}")
        strings.append("+".join(sorted(brought)))
    return strings[-1]


def test_the_string_rule_of_the_authors_has_6466_classes() -> None:
    assert len({nasbench201_unique_string(arch_string(cell)) for cell in cells()}) == 6466
    # shared and separate layers: one convolution that is read twice, and two convolutions
    shared, separate = (CONV3, NONE, NONE, SKIP, SKIP, SKIP), (CONV3, CONV3, NONE, NONE, SKIP, SKIP)
    strings = [nasbench201_unique_string(arch_string(cell)).replace("#+", "") for cell in (shared, separate)]
    assert strings[0] == strings[1]
    assert canonical_hash(bare(shared)) != canonical_hash(bare(separate))


@pytest.mark.skipif(not TABLE.exists(), reason="the published table of NAS-Bench-201 is not here")
def test_the_string_rule_agrees_with_the_published_table() -> None:
    table = pytest.importorskip("pyarrow.parquet").read_table(TABLE, columns=["arch_str", "op_tuple", "iso_str"])
    for row in table.to_pylist():
        assert nasbench201_unique_string(row["arch_str"]) == row["iso_str"]


# ---- what counts and what does not --------------------------------------------------------------------------------


def test_attributes_widths_and_operators_count() -> None:
    def one(**changes: Any) -> str:
        wanted = {"channels": 4, "kernel": 3, "strides": 1, "act": ops.relu, "source": (4, 8, 8), **changes}
        x = image(*wanted["source"])
        weight = parameter("weight", (wanted["channels"], x.shape[1], wanted["kernel"], wanted["kernel"]))
        return canonical_hash(Graph([x], [wanted["act"](ops.conv(x, weight, strides=wanted["strides"]))]))

    changes: list[dict[str, Any]] = [
        {}, {"channels": 5}, {"kernel": 1}, {"strides": 2}, {"act": ops.tanh}, {"source": (4, 8, 9)},
        {"source": (3, 8, 8)}, {"act": lambda y: ops.leaky_relu(y)}, {"act": lambda y: ops.leaky_relu(y, alpha=0.2)},
        {"act": lambda y: y * 2.0}, {"act": lambda y: y * 3.0},
        {"act": lambda y: y - 1.0}, {"act": lambda y: 1.0 - y},
    ]  # fmt: skip
    assert len({one(**change) for change in changes}) == len(changes)
    assert one() == one(strides=(1, 1))


def test_inputs_and_outputs_count_in_order() -> None:
    def two(
        swap_inputs: bool = False, swap_outputs: bool = False, extra: bool = False, dtype: str = "float32"
    ) -> str:
        a, b = Input((1, 4), name="a"), Input((1, 5), dtype, name="b")
        outputs = [ops.relu(a), ops.tanh(b)][:: -1 if swap_outputs else 1]
        inputs = [b, a] if swap_inputs else [a, b]
        return canonical_hash(Graph([*inputs, *([vector(2)] if extra else [])], outputs))

    hashes = {two(), two(swap_inputs=True), two(swap_outputs=True), two(extra=True), two(dtype="float64")}
    assert len(hashes) == 5
    x = vector(4)
    first, second = ops.split(x, split=(2, 2), axis=1)
    assert canonical_hash(Graph([x], [ops.relu(first)])) != canonical_hash(Graph([x], [ops.relu(second)]))
    assert canonical_hash(Graph([x], [first])) != canonical_hash(Graph([x], [second]))
    assert canonical_hash(Graph([x], [x])) != canonical_hash(Graph([x], [ops.relu(x)]))


def test_trainability_counts_and_names_do_not() -> None:
    x = vector(4)

    def linear(hint: str = "weight", trainable: bool = True, kind: str = "kaiming", where: str = "a") -> str:
        with scope(where):
            weight = parameter(hint, (4, 4), Init(kind), trainable=trainable)
        return canonical_hash(Graph([x], [ops.gemm(x, weight)]))

    assert linear() == linear("kernel") == linear(where="b") == linear(kind="xavier")
    assert linear() != linear(trainable=False)
    assert linear(trainable=False) != linear(trainable=False, kind="xavier")


def test_an_absent_input_is_no_input() -> None:
    x = vector(4)
    weight = parameter("weight", (4, 4))
    assert canonical_hash(Graph([x], [ops.gemm(x, weight)])) == canonical_hash(
        Graph([x], [ops.gemm(x, weight, None)])
    )


def test_a_layer_used_twice_is_not_two_layers() -> None:
    x = image(4, 8, 8)
    a, b = (parameter("weight", (4, 4, 3, 3)) for _ in range(2))
    patterns = [(a, a, a), (a, a, b), (a, b, a), (b, a, a), (a, b, parameter("weight", (4, 4, 3, 3)))]
    chains = [conv(conv(conv(x, 4, weight=u), 4, weight=v), 4, weight=w) for u, v, w in patterns]
    assert len({canonical_hash(Graph([x], [chain])) for chain in chains}) == 5


def test_the_hash_is_the_same_in_every_process() -> None:
    program = (
        "from netwright.graph import *\n"
        "x = image(3, 8, 8)\n"
        "w = [parameter('weight', (3, 3, 1, 1)) for _ in range(3)]\n"
        "y = ops.relu(ops.conv(x, w[0])) + ops.conv(x, w[1]) + ops.conv(x, w[2]) * 0.5\n"
        "print(canonical_hash(Graph([x], [y])))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1")
    }  # fmt: skip
    assert found == {"ea8ae7a307f85ef3e1616ca34396a44c\n"}


# ---- random graphs: isomorphic exactly when equal -----------------------------------------------------------------

Spec = list[tuple[str, tuple[int, ...], int]]
"""Steps (operator, steps read, layer number); step 0 is the input. Layers of one number share their weight."""

PLACES = {"relu": 1, "pool": 1, "conv3": 1, "conv1": 1, "mul": 2, "sub": 2, "concat": 2, "sum2": 2, "sum3": 3}


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    steps: Spec = [("input", (), 0)]
    for number in range(1, draw(st.integers(2, 12))):
        name = draw(st.sampled_from(sorted(PLACES)))
        near = st.integers(max(0, number - 4), number - 1)
        reads = tuple(draw(near) for _ in range(PLACES[name]))
        steps.append((name, reads, draw(st.integers(number - 1, number)) if "conv" in name else 0))
    return steps


def apply(name: str, xs: list[Tensor], weight: Parameter | None) -> Tensor:
    if name in ("conv3", "conv1"):
        return conv(xs[0], 4, 3 if name == "conv3" else 1, weight)
    y: Tensor = {
        "relu": lambda: ops.relu(xs[0]),
        "pool": lambda: ops.max_pool(xs[0], kernel_shape=3, pads=1),
        "mul": lambda: ops.mul(*xs),
        "sub": lambda: ops.sub(*xs),
        "concat": lambda: ops.slice_(ops.concat(*xs, axis=1), starts=(2,), ends=(6,), axes=(1,)),
        "sum2": lambda: ops.add(*xs),
        "sum3": lambda: ops.sum(*xs),
    }[name]()
    return y


def built(steps: Spec, rng: random.Random | None = None) -> Graph:
    """The graph of the steps; with a generator, by another order of construction, of inputs, of partial sums."""
    x = image(4, 6, 6)
    values: dict[int, Tensor] = {0: x}
    weights: dict[tuple[str, int], Parameter] = {}
    waiting = list(range(1, len(steps)))
    while waiting:
        ready = [i for i in waiting if all(read in values for read in steps[i][1])]
        number = rng.choice(ready) if rng else ready[0]
        waiting.remove(number)
        name, reads, layer = steps[number]
        xs = [values[read] for read in reads]
        with scope(f"scope{rng.randrange(3)}" if rng else "scope"):
            if "conv" in name and (name, layer) not in weights:
                side = 3 if name == "conv3" else 1
                weights[name, layer] = parameter(f"w{rng.random()}" if rng else "w", (4, 4, side, side))
            if rng and name in ("mul", "sum2", "sum3"):
                rng.shuffle(xs)
            if rng and name == "sum3" and rng.random() < 0.5:
                values[number] = ops.identity(xs[0] + (xs[1] + xs[2]))
            else:
                values[number] = apply(name, xs, weights.get((name, layer)))
    return Graph([x], [values[len(steps) - 1]])


@settings(max_examples=150, deadline=None)
@given(specs(), st.integers(0, 2**32))
def test_construction_does_not_count(steps: Spec, seed: int) -> None:
    rng = random.Random(seed)
    expected = canonical_hash(built(steps))
    for _ in range(3):
        assert canonical_hash(built(steps, rng)) == expected


def census(graph: Graph) -> tuple[list[str], int]:
    """Operators that must remain, and the number of parameters: different censuses mean different networks."""
    simple = simplify(graph)
    return sorted(node.op.name for node in simple.nodes if node.op.name not in ("Add", "Sum")), len(simple.parameters)


@settings(max_examples=150, deadline=None)
@given(specs(), st.data())
def test_any_change_of_operator_or_sharing_changes_the_hash(steps: Spec, data: st.DataObject) -> None:
    number = data.draw(st.integers(1, len(steps) - 1))
    name, reads, layer = steps[number]
    others = sorted(other for other, places in PLACES.items() if places == len(reads) and other != name)
    assume(others or "conv" in name)
    changed = list(steps)
    if "conv" in name and data.draw(st.booleans()):
        changed[number] = (name, reads, layer + 100)
    else:
        changed[number] = (data.draw(st.sampled_from(others)), reads, 50)
    graph, other = built(steps), built(changed)
    assume(census(graph) != census(other))
    assert canonical_hash(graph) != canonical_hash(other)


def labelled(graph: Graph) -> nx.DiGraph:
    """The simplified graph for networkx: vertices by operator and attributes, parameters as vertices of their own."""
    simple = simplify(graph)
    result = nx.DiGraph()
    for leaf in simple.leaves:
        result.add_node(leaf, kind=f"{type(leaf).__name__} {leaf.shape}")
    for node in simple.nodes:
        kind = "Sum" if node.op.name == "Add" else node.op.name
        result.add_node(node, kind=f"{kind} {sorted(node.attrs.items())}")
        for place, t in enumerate(node.inputs):
            assert t is not None
            result.add_edge(t.node or t, node, place=-node.inputs.count(t) if node.op.commutative else place)
    result.add_node("out", kind="out")
    result.add_edge(simple.outputs[0].node, "out", place=0)
    return result


def partitions(size: int) -> Iterator[tuple[int, ...]]:
    """Every way to share weights among layers: the number of the weight of each."""

    def extend(so_far: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(so_far) == size:
            yield so_far
        else:
            for number in range(max(so_far, default=-1) + 2):
                yield from extend((*so_far, number))

    return extend(())


def layered(subsets: tuple[tuple[int, ...], ...], sharing: tuple[int, ...]) -> Graph:
    """Layers that each read the sum of some earlier values; the output is the sum of all that none reads."""
    x = image(4, 6, 6)
    values: list[Tensor] = [x]
    weights = [parameter("weight", (4, 4, 3, 3)) for _ in sharing]
    for subset, number in zip(subsets, sharing, strict=True):
        values.append(conv(ops.relu(sum_of([values[i] for i in subset])), 4, weight=weights[number]))
    read = {i for subset in subsets for i in subset}
    return Graph([x], [ops.tanh(sum_of([t for i, t in enumerate(values) if i not in read]))])


def sum_of(values: list[Tensor]) -> Tensor:
    y: Tensor = ops.sum(*values) if len(values) > 1 else values[0]
    return y


def subsets_of(size: int) -> list[tuple[int, ...]]:
    return [c for k in range(1, size + 1) for c in itertools.combinations(range(size), k)]


@pytest.mark.parametrize("layers_", [3, 4])
def test_equal_hashes_are_isomorphic_graphs_and_no_others(layers_: int) -> None:
    sharings = list(partitions(layers_))
    by_hash: dict[str, list[nx.DiGraph]] = {}
    for subsets in itertools.product(*(subsets_of(i + 1) for i in range(layers_))):
        for sharing in sharings:
            graph = layered(subsets, sharing)
            by_hash.setdefault(canonical_hash(graph), []).append(labelled(graph))
    # Isomorphic graphs have equal Weisfeiler-Lehman hashes, so only those need to be compared across classes.
    rough: dict[str, list[nx.DiGraph]] = {}
    for alike in by_hash.values():
        for other in alike[1:]:
            assert isomorphic(alike[0], other)
        key = nx.weisfeiler_lehman_graph_hash(alike[0].to_undirected(), node_attr="kind")
        rough.setdefault(key, []).append(alike[0])
    for representatives in rough.values():
        assert not any(isomorphic(a, b) for a, b in itertools.combinations(representatives, 2))


def isomorphic(a: nx.DiGraph, b: nx.DiGraph) -> bool:
    match = nx.algorithms.isomorphism
    kinds, places = match.categorical_node_match("kind", None), match.categorical_edge_match("place", 0)
    return bool(nx.is_isomorphic(a, b, node_match=kinds, edge_match=places))


def rings(*lengths: int, order: random.Random | None = None) -> Graph:
    """Layers on the input, joined in pairs around rings: every vertex looks alike to colour refinement."""
    x = image(4, 6, 6)
    places = list(range(sum(lengths)))
    if order:
        order.shuffle(places)
    firsts = [conv(x, 4) for _ in places]
    joined = []
    for length in lengths:
        ring = [firsts.pop() if order is None else firsts.pop(order.randrange(len(firsts))) for _ in range(length)]
        joined += [conv(ring[i] * ring[i - 1], 4) for i in range(length)]
    if order:
        order.shuffle(joined)
    return Graph([x], [ops.sum(*joined)])


def test_regular_structures_are_told_apart() -> None:
    shapes = [(6,), (3, 3), (8,), (4, 4), (3, 5), (9,), (3, 3, 3), (4, 5)]
    hashes = {shape: canonical_hash(rings(*shape)) for shape in shapes}
    assert len(set(hashes.values())) == len(shapes)
    rng = random.Random(0)
    for shape in shapes:
        assert canonical_hash(rings(*shape, order=rng)) == hashes[shape]


def test_layers_that_differ_in_what_they_share_with_later_ones_are_told_apart() -> None:
    # After one look at the readers no two vertices are alike; what they read of each other must still count.
    def chain(second: int, third: int) -> str:
        x = image(4, 6, 6)
        weights = [parameter("weight", (4, 4, 3, 3)) for _ in range(2)]
        first = conv(ops.relu(x), 4, weight=weights[1])
        y = conv(ops.relu(first), 4, weight=weights[second])
        y = conv(ops.relu(y), 4, weight=weights[third])
        return canonical_hash(Graph([x], [conv(ops.relu(x), 4, weight=weights[0]) + y]))

    assert len({chain(second, third) for second in (0, 1) for third in (0, 1)}) == 4


def test_deep_networks_of_twins_are_hashed() -> None:
    blocks = 400

    def residual(crossed: bool) -> Graph:
        x = image(4, 6, 6)
        y: Tensor = x
        for number in range(blocks):
            a, b = conv(ops.relu(y), 4), conv(ops.relu(y), 4)
            y = y + conv(a, 4) + conv(a if crossed and number == blocks // 2 else b, 4)
        return Graph([x], [y])

    assert canonical_hash(residual(False)) == canonical_hash(residual(False))
    assert canonical_hash(residual(False)) != canonical_hash(residual(True))


def test_wide_layers_that_all_read_all_are_hashed() -> None:
    x = image(4, 6, 6)
    values: list[Tensor] = [x]
    for _ in range(4):
        values = [conv(ops.concat(*values, axis=1), 4) for _ in range(12)]
    first = canonical_hash(Graph([x], [ops.sum(*values)]))
    values = [x]
    for _ in range(4):
        values = [conv(sum_of(values), 4) for _ in range(12)]
    assert first != canonical_hash(Graph([x], [ops.sum(*values)]))
