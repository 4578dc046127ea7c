"""A space around a network that exists: its first design is that network with its weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.blocks import Block, Call, conv, depthwise_separable, mbconv, mlp
from netwright.errors import SpaceError
from netwright.graph import Dependencies, Graph, Input, Scope, Tensor, WidthGroup
from netwright.space._cut import Part, cut
from netwright.space._design import Design, Value
from netwright.space._domain import option_labels
from netwright.space._expression import Builder
from netwright.space._forest import join_path
from netwright.space._knobs import Knob, Knobs
from netwright.space._segment import Segment
from netwright.space._sequence import Seq
from netwright.space._space import Space
from netwright.space._spelling import Spelling

__all__ = ["FINE_TUNING", "Chain", "GivenModel", "Variation", "from_model"]

FINE_TUNING: Mapping[str, Any] = {"lr": 2e-3}
"""Recipe of networks that bring weights: a third of the learning rate of those that start from nothing."""

WAYS = 40
"""Ways to decide the widths within one part, above which they share one ratio."""
FOR_IMAGES = (conv(), depthwise_separable(), mbconv())
FOR_TOKENS = (mlp(),)


@dataclass(frozen=True)
class Variation:
    """What may vary of a given network; the arguments of `from_model`."""

    widths: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25)
    kernels: bool | tuple[int, ...] = True
    skip: bool = True
    blocks: tuple[Any, ...] | None = None

    def __post_init__(self) -> None:
        if not all(isinstance(ratio, (int, float)) and 0 < ratio <= 1 for ratio in self.widths):
            raise SpaceError(f"widths must be ratios above 0 and up to 1, but got {self.widths}.")
        sizes = () if isinstance(self.kernels, bool) else self.kernels
        if not all(isinstance(size, int) and size > 0 and size % 2 for size in sizes):
            raise SpaceError(f"kernels must be odd and positive, but got {self.kernels}.")
        for block in self.blocks or ():
            if not isinstance(block, (Block, Call)):
                raise SpaceError(f"blocks must be blocks with their hyperparameters, but got {block!r}.")

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ratios of widths, the whole width first."""
        return (1.0, *sorted({float(ratio) for ratio in self.widths} - {1.0}, reverse=True))

    def calls_for(self, rank: int) -> dict[str, Call]:
        """Blocks that may take the place of a part, by label."""
        usual = {3: FOR_TOKENS, 4: FOR_IMAGES}.get(rank, ())
        calls = [
            each() if isinstance(each, Block) else each for each in (usual if self.blocks is None else self.blocks)
        ]
        return dict(zip(map(str, option_labels(calls)), calls, strict=True))


class GivenModel:
    """A network ready to be varied: its parts, their widths, and which weights stay at each width."""

    def __init__(self, graph: Graph, options: Variation) -> None:
        self.graph = graph
        self.options = options
        self.dependencies = Dependencies(graph)
        self.groups: tuple[WidthGroup, ...] = self.dependencies.groups
        self.parts: list[Part] = cut(graph)
        self.knobs = Knobs(self.dependencies, self.parts, options.ratios, WAYS)
        self._gone: dict[tuple[Knob, int], NDArray[np.int64]] = {}
        self.segments = tuple(Segment(self, n, label) for n, label in enumerate(self._labels()))

    def __reduce__(self) -> tuple[Any, ...]:
        # Knobs refer to tensors of this very graph: they are found again faster than they are sent.
        return GivenModel, (self.graph, self.options)

    def _labels(self) -> list[str]:
        """Module path of each part; a path that leads to another part, or that designs use, gets a mark."""
        paths = [".".join(part.path) or f"part{number}" for number, part in enumerate(self.parts)]
        taken = {"input", "recipe"} | {path[:i] for path in paths for i, c in enumerate(path) if c == "."}
        labels: list[str] = []
        for path in paths:
            label, number = path, 0
            while label in taken or label in labels:
                number += 1
                label = f"{path}_{number}"
            labels.append(label)
        return labels

    def mask(self, levels: Mapping[Knob, int]) -> NDArray[np.bool_]:
        """Which units stay when each of these knobs is at its level: the most important ones."""
        mask = np.ones(self.dependencies.count, dtype=np.bool_)
        for knob, level in levels.items():
            if level:
                mask[self._removed(knob, level)] = False
        return mask

    def _removed(self, knob: Knob, level: int) -> NDArray[np.int64]:
        key = (knob, level)
        if key not in self._gone:
            pairs = zip(knob.groups, knob.counts[level], strict=True)
            gone = [np.setdiff1d(g.units, self.dependencies.strongest(g, count)) for g, count in pairs]
            self._gone[key] = np.concatenate(gone)
        return self._gone[key]

    def scope_of(self, part: Part) -> Scope:
        """The module in which a part stands, for what takes its place."""
        for node in part.nodes:
            inner, path = node.scope, self.graph.scope_of(node)
            while inner is not None and path != part.path:
                inner, path = inner.parent, path[:-1]
            if inner is not None:
                return inner
        return Scope(f"part{self.parts.index(part)}")

    @cached_property
    def start(self) -> dict[str, Value]:
        """The decisions that give the network itself."""
        return {join_path(s.label, name): value for s in self.segments for name, value in s.first().items()}


class Chain(Seq):
    """The parts of a given network, in modules that keep their names."""

    def spelled(self) -> Spelling:
        raise SpaceError("a space around a model cannot be written down without it: keep the model's file.")

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        for component, part in self.parts:
            x = part.build(builder, x, join_path(prefix, component))
        return x


def from_model(
    model: Any,
    example: Any = None,
    *,
    widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
    kernels: bool | Sequence[int] = True,
    skip: bool = True,
    blocks: Sequence[Any] | None = None,
    resolutions: Sequence[int | tuple[int, int]] = (),
    recipe: Mapping[str, Any] | None = None,
    name: str = "model",
    **options: Any,
) -> Space:
    """The space around a network that exists: its `start` is that network with its weights.

    >>> from netwright.blocks import classifier, conv
    >>> from netwright.graph import Graph, image
    >>> x = image(1, 8, 8)
    >>> space = from_model(Graph([x], [classifier(10).apply(conv(x, 16))]), kernels=False)
    >>> space.start, space.size()
    (Design({'conv.width': 16}), 4)
    >>> space.network({"conv.width": 8}).parameters["classifier.linear.weight"].shape
    (10, 8)

    model: a Graph, or a torch module with an `example` of its input. The network is cut into parts where all of it
    flows through one value; a part is a block of the model, or a layer with what follows it. In a design each part
    has, under its module path and where there is a choice, `width` (channels that leave it), widths within it,
    `heads`, `kernel`, and `block`: keep it, skip it, or the name of a block in its place. Layers that depend on each
    other change together (Fang et al. 2023, "DepGraph"); the most important channels and heads stay, with their
    weights. Where a part has more than 40 ways to choose its widths, those within it share one `ratio`; so do widths
    that leave a part side by side.

    widths: ratios that a width may have, rounded to multiples of 8, 4 or 2 where it is large. kernels: whether odd
    square kernels may be two larger (zeros around) or smaller (their centre), or the sizes that they may have.
    skip: whether parts after the first that keep their shape may be left out. blocks: what may replace a part between
    the first and the last, such as `mbconv(expand=4)`, with initial weights; by default conv, depthwise_separable and
    mbconv for images and mlp for tokens; () for nothing. resolutions: further sizes of the image. recipe: of the
    training; by default, for a model with weights, a learning rate for fine-tuning. options: those of `Space`.

    Raises SpaceError for ratios outside (0, 1], for a model with several inputs or outputs, and for one of which
    nothing can vary.
    """
    windows = kernels if isinstance(kernels, bool) else _listed("kernels", kernels)
    instead = None if blocks is None else _listed("blocks", blocks)
    given = _given(model, example, Variation(_listed("widths", widths), windows, skip, instead))
    inputs = _resized(given.graph, _listed("resolutions", resolutions))
    if recipe is None and given.graph.weights is not None:
        recipe = FINE_TUNING
    space = Space(Chain(given.segments), input=inputs, recipe=recipe, name=name, **options)
    first: dict[str, Value] = {"input": next(iter(space.inputs))} if len(inputs) > 1 else {}
    space.start = Design({**first, **given.start, **space.recipe_space.first()})
    return space


def _listed(name: str, values: Any) -> tuple[Any, ...]:
    if isinstance(values, (str, Mapping)) or not isinstance(values, Iterable):
        raise SpaceError(f"{name} must be a list, such as [{values!r}], but got {values!r}.")
    return tuple(values)


def _given(model: Any, example: Any, options: Variation) -> GivenModel:
    """The model of a Graph, or of a torch module with an example of its input.

    Raises SpaceError where nothing of it can vary, or a module comes without an example.
    """
    if not isinstance(model, Graph):
        if example is None:
            raise SpaceError("a torch module needs an example of its input, but got none.")
        model = Graph.from_torch(model, example)
    given = GivenModel(model, options)
    if not given.start:
        raise SpaceError(f"something of a model must be free to vary, but nothing of {model!r} is.")
    return given


def _resized(graph: Graph, resolutions: Sequence[int | tuple[int, int]]) -> list[Input]:
    """The network's input, and the same in other resolutions; raises SpaceError unless it is an image."""
    source = graph.inputs[0]
    if resolutions and source.rank != 4:
        raise SpaceError(f"resolutions are for images (N, C, H, W), but the model takes {source.shape}.")
    sizes = [(size, size) if isinstance(size, int) else tuple(size) for size in resolutions]
    if not all(len(size) == 2 and min(size) > 0 for size in sizes):
        raise SpaceError(f"resolutions must be positive numbers or pairs of them, but got {list(resolutions)}.")
    shapes = [(*source.shape[:2], *size) for size in sizes]
    others = [Input(shape, source.dtype, source.name, source.batch_axis) for shape in dict.fromkeys(shapes)]
    return [source, *(other for other in others if other.shape != source.shape)]
