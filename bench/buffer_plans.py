"""Most networks' buffers are planned with no gap to the bound by the heuristic alone; CP-SAT has only the rest to do.

Bytes in 8 bits, in KiB: the network's own order with nothing lost in placing, the heuristic's order and offsets, what
CP-SAT makes of that in the seconds given (`-` where nothing is left to find), and the bound that no plan goes below.
`in place` lets sums and activations write over what they read last; `2x2` computes the first stage in patches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from _table import SHARED, arguments, number, show, verdict

# isort: split
import numpy as np

from netwright.blocks import classifier, conv, mbconv
from netwright.errors import EvaluationError
from netwright.graph import Graph, image, simplify
from netwright.space.catalog import get_space
from netwright.target import BufferPlan, plan_buffers

V2 = ((16, 1, 1, 1), (24, 2, 2, 6), (32, 3, 2, 6), (64, 4, 2, 6), (96, 3, 1, 6), (160, 3, 2, 6), (320, 1, 1, 6))
"""Width, blocks, stride and expansion of each stage of MobileNetV2 (Sandler et al. 2018, table 2)."""


def mobilenet_v2(side: int, width: float = 0.35) -> Graph:
    """MobileNetV2 of a width, for an input of a side."""

    def channels(wanted: int) -> int:
        return max(8, round(wanted * width / 8) * 8)

    x = image(3, side, side)
    y = conv(x, channels(32), stride=2, activation="relu6")
    for wanted, blocks, stride, expand in V2:
        for i in range(blocks):
            y = mbconv(y, channels(wanted), expand=expand, stride=stride if i == 0 else 1)
    return Graph([x], [classifier(conv(y, 1280, kernel=1, activation="relu6"), 1000)])


def drawn(name: str, shape: tuple[int, ...]) -> Graph:
    """The design of a space that is drawn with seed 0."""
    space = get_space(name, shape, 10)
    return simplify(space.network(space.sample(np.random.default_rng(0), 1)[0]))


def networks(quick: bool) -> Iterator[tuple[str, Callable[[], Graph]]]:
    """Names of networks, and how to make them."""
    yield "mobilenet-tiny, 96", lambda: drawn("mobilenet-tiny", (3, 96, 96))
    for side in (96,) if quick else (96, 128, 160):
        yield f"MobileNetV2 x0.35, {side}", lambda side=side: mobilenet_v2(side)
    if quick:
        return
    yield "ProxylessNAS, 96", lambda: drawn("proxylessnas", (3, 96, 96))
    yield "NAS-Bench-201, 32", lambda: drawn("nasbench201", (3, 32, 32))
    yield "DARTS, 32", lambda: drawn("darts", (3, 32, 32))
    for file in sorted((SHARED / "onnx_models").glob("light_*.onnx")):
        yield file.stem, lambda file=file: Graph.from_onnx(file)


def kib(size: int) -> str:
    return number(size / 1024, 5)


def row(name: str, quick: BufferPlan, solved: BufferPlan) -> list[str | float]:
    """Line of the table; the seconds of both, one after the other."""
    found = kib(solved.peak_bytes) if quick.gap > 0 else "-"
    gap = "0" if solved.gap == 0 else f"{100 * solved.gap:.2g} %"
    steps = str(len(quick.steps))
    least = [kib(quick.own_order_bytes), kib(quick.peak_bytes), found, kib(solved.lower_bound), gap]
    return [name, steps, *least, quick.seconds, solved.seconds if quick.gap > 0 else "-"]


def main() -> None:
    given = arguments(__doc__, ("seconds", 20, 1, "that CP-SAT may take for each plan"))
    rows: list[list[str | float]] = []
    closed = 0
    for name, make in networks(given.quick):
        graph = make()
        for words, options in (("", {}), (", in place", {"in_place": True}), (", 2x2", {"patches": (2, 2)})):
            try:
                quick = plan_buffers(graph, solver="heuristic", **options)
            except EvaluationError:
                continue
            solved = plan_buffers(graph, solver="cp-sat", seconds=given.seconds, **options) if quick.gap else quick
            rows.append(row(name + words, quick, solved))
            closed += solved.gap == 0
    head = ["network", "steps", "own order", "heuristic", "CP-SAT", "bound", "gap", "s", "s CP-SAT"]
    show(f"Memory of activations in KiB; CP-SAT for {given.seconds} s", head, rows)
    print(f"\nproven to be the least: {closed} of {len(rows)}; most: {verdict(2 * closed > len(rows))}")


if __name__ == "__main__":
    main()
