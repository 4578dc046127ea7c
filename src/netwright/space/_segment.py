"""One part of a given network as an expression: kept, narrower or wider in its windows, left out, or replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.blocks import Call
from netwright.errors import NetwrightError, ShapeError
from netwright.graph import Constant, Input, Node, Parameter, Rebuild, Tensor, scope
from netwright.space._compile import Compiler, Contexts, Outcomes
from netwright.space._cut import Part
from netwright.space._design import Value
from netwright.space._domain import Choice, Decisions, decide, expansions, resolve
from netwright.space._expression import Builder, Expression
from netwright.space._forest import join_path
from netwright.space._knobs import Knob

if TYPE_CHECKING:
    from netwright.space._from_model import GivenModel

__all__ = ["Segment", "Window"]

KEEP, SKIP = "keep", "skip"

Levels = Mapping[Knob, int]


@dataclass(frozen=True)
class Window:
    """Convolutions of a part with one size of kernel, which one decision changes."""

    name: str
    weights: tuple[Parameter, ...]
    choice: Choice


class Segment(Expression):
    """A part of a given network and what may become of it.

    Decisions, each where there is something to choose: `block` (keep, skip, or the name of a block in its place),
    `width` of what leaves it, widths and `heads` within it, `kernel`. Two segments that compile alike are equal.
    """

    def __init__(self, model: GivenModel, number: int, label: str) -> None:
        self.model = model
        self.number = number
        self._label = label
        self.part: Part = model.parts[number]
        self.into: Knob | None = model.knobs.into[number]
        self.knobs: tuple[Knob, ...] = model.knobs.decided[number]
        self.windows: tuple[Window, ...] = tuple(_windows(self.part, model.options.kernels))
        out = model.knobs.standing([self.part.out])
        self.leaving = next((k for k in self.knobs if any(model.groups[n] in k.groups for n in out)), None)
        self._entering = model.knobs.shapes(self.into, self.part.into) if self.into else []
        self.block = self._options()
        super().__init__(self._signature())

    def __reduce__(self) -> tuple[Any, ...]:
        return Segment, (self.model, self.number, self._label)

    @property
    def label(self) -> str:
        return self._label

    def __repr__(self) -> str:
        return f"<part {self._label} of a model>"

    # -- what may be decided --------------------------------------------------------------------------------------

    def _options(self) -> Choice:
        """What may stand in the place of this part; the first stays, so that no design is empty."""
        part, options = self.part, self.model.options
        labels: list[str] = [KEEP]
        calls: list[Any] = [KEEP]
        same_type = (part.into.shape, part.into.dtype) == (part.out.shape, part.out.dtype)
        if options.skip and self.number and same_type:
            labels, calls = [*labels, SKIP], [*calls, SKIP]
        if 0 < self.number < len(self.model.parts) - 1:
            for label, call in options.calls_for(part.out.rank).items():
                if _fits(self._fitted(expansions(call)[0][1], part.into, part.out), part.into, part.out):
                    labels, calls = [*labels, label], [*calls, call]
        return Choice(tuple(calls), tuple(labels), (1 / len(labels),) * len(labels))

    def first(self) -> dict[str, Value]:
        """The decisions that give this part as it was."""
        found: dict[str, Value] = {"block": KEEP} if len(self.block.labels) > 1 else {}
        choices: tuple[Knob | Window, ...] = (*self.knobs, *self.windows)
        return found | {each.name: each.choice.labels[0] for each in choices}

    # -- compiling ------------------------------------------------------------------------------------------------

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        leaves = []
        for decisions, build in self._ways():
            key = (self, tuple((name, value) for name, value, _ in decisions))
            graphs = compiler.apply(key, build, [(t,) for t in contexts.types])
            if graphs is not None:
                leaves.append((decisions, compiler.leaf(graphs, contexts)))
        return decide(compiler, leaves)

    def _ways(self) -> Iterator[tuple[Decisions, Callable[[Tensor], Tensor]]]:
        for option, label, share in zip(self.block.options, self.block.labels, self.block.probabilities, strict=True):
            first: Decisions = (("block", label, share),) if len(self.block.labels) > 1 else ()
            if option == SKIP:
                yield first, _unchanged
            elif option == KEEP:
                for decisions, levels in _combined(self.knobs):
                    for more, sizes in _combined(self.windows):
                        yield (*first, *decisions, *more), self._keeping(levels, sizes)
            else:
                for decisions, levels in _combined([self.leaving] if self.leaving else []):
                    for more, call in expansions(option, str(label)):
                        yield (*first, *decisions, *more), self._replacing(levels, call)

    def _keeping(self, levels: Levels, sizes: Mapping[Window, int]) -> Callable[[Tensor], Tensor]:
        return lambda x: self._rebuilt(x, levels, sizes).values[self.part.out]

    def _replacing(self, levels: Levels, call: Call) -> Callable[[Tensor], Tensor]:
        return lambda x: self._checked(self._fitted(call, x, self._target(x, levels)), x, levels).apply(x)

    # -- building -------------------------------------------------------------------------------------------------

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        option = KEEP if len(self.block.labels) == 1 else _decided(builder, prefix, "block", self.block)
        if option == SKIP:
            return x
        if option == KEEP:
            levels = {knob: _decided(builder, prefix, knob.name, knob.choice) for knob in self.knobs}
            sizes = {each: _decided(builder, prefix, each.name, each.choice) for each in self.windows}
            rebuild = self._rebuilt(x, levels, sizes)
            builder.carry(rebuild.arrays)
            return rebuild.values[self.part.out]
        leaving = [self.leaving] if self.leaving else []
        levels = {knob: _decided(builder, prefix, knob.name, knob.choice) for knob in leaving}
        label = self.block.labels[self.block.options.index(option)]
        call = self._fitted(resolve(option, builder, prefix, str(label)), x, self._target(x, levels))
        with scope(self.model.scope_of(self.part)):
            return builder.apply(self._checked(call, x, levels), x)

    def _rebuilt(self, x: Tensor, levels: Levels, sizes: Mapping[Window, int]) -> Rebuild:
        entering: Levels = {} if self.into is None else {self.into: self._level(x)}
        new = [(weight, size) for window, size in sizes.items() for weight in window.weights]
        kernels: dict[Tensor | None, int] = {weight: size for weight, size in new if weight.shape[2] != size}
        rebuild = Rebuild(
            self.model.dependencies, self.model.mask({**entering, **levels}), {self.part.into: x}, kernels
        )
        rebuild.run(self.part.nodes)
        return rebuild

    def _level(self, x: Tensor) -> int:
        """The level of what flows in, which its shape tells; raises ShapeError where no level has that shape."""
        for level, sizes in enumerate(self._entering):
            if all(size in (None, given) for size, given in zip(sizes, x.shape, strict=True)):
                return level
        raise ShapeError(f"{self._label}: what flows in must have a width of the model, but has shape {x.shape}.")

    def _target(self, x: Tensor, levels: Levels) -> Tensor:
        """What leaves this part when it is kept."""
        return self._rebuilt(Input(x.shape, x.dtype), levels, {}).values[self.part.out]

    def _fitted(self, call: Call, x: Tensor, y: Tensor) -> Call:
        """The block with the width and stride of the part that it stands for, where the user gives none."""
        known, given = call.block.hyperparameters, dict(call.hyperparameters)
        if "channels" in known:
            given.setdefault("channels", y.shape[2 if y.rank == 3 else 1])
        if "stride" in known and x.rank == y.rank > 3 and x.shape[2] != y.shape[2]:
            given.setdefault("stride", -(-x.shape[2] // y.shape[2]))
        return Call(call.block, given)

    def _checked(self, call: Call, x: Tensor, levels: Levels) -> Call:
        if not _fits(call, x, self._target(x, levels)):
            raise ShapeError(f"{self._label}: {call.block.name} must give what it stands for on shape {x.shape}.")
        return call

    # -- equality -------------------------------------------------------------------------------------------------

    def _signature(self) -> tuple[Any, ...]:
        """All that the forest's view of this part depends on; which units stay does not matter to it."""
        places: dict[Tensor, int] = {self.part.into: 0}
        groups: dict[int, int] = {}

        def told(t: Tensor | None) -> Any:
            if t is None or t in places:
                return t and places[t]
            places[t] = len(places)
            kind = (t.trainable, t.init) if isinstance(t, Parameter) else ()
            value = t.value.tobytes() if isinstance(t, Constant) else b""
            return kind, value, described(t)

        def described(t: Tensor) -> Any:
            axes = [[(groups.setdefault(n, len(groups)), c) for n, c in on] for on in self.model.knobs.on(t)]
            return t.shape, t.dtype, axes

        nodes = [
            (n.op.name, _plain(n), list(map(told, n.inputs)), list(map(told, n.outputs))) for n in self.part.nodes
        ]
        weights = [[places[w] for w in window.weights] for window in self.windows]
        choices = [
            (k.name, [groups.get(self.model.groups.index(g)) for g in k.groups], k.counts, k.choice.labels)
            for k in (*([self.into] if self.into else []), *self.knobs)
        ]
        window_choices = [(window.name, window.choice.labels) for window in self.windows]
        ends = described(self.part.into), places[self.part.out], self.into is None
        return repr((nodes, ends, weights, choices, window_choices)), self.block.labels, self.block.options


def _unchanged(x: Tensor) -> Tensor:
    return x


def _plain(node: Node) -> list[tuple[str, str]]:
    return sorted((key, repr(v.tolist() if isinstance(v, np.ndarray) else v)) for key, v in node.attrs.items())


def _decided(builder: Builder, prefix: str, name: str, choice: Choice) -> Any:
    path = join_path(prefix, name)
    return choice.option(builder.decide(path), path)


def _combined(choices: Sequence[Any]) -> Iterator[tuple[Decisions, dict[Any, int]]]:
    """Every way to decide a few knobs or windows: the decisions, and the option of each."""
    rows = [list(zip(c.choice.options, c.choice.labels, c.choice.probabilities, strict=True)) for c in choices]
    for row in product(*rows):
        decisions = tuple((c.name, label, share) for c, (_, label, share) in zip(choices, row, strict=True))
        yield decisions, {c: option for c, (option, _, _) in zip(choices, row, strict=True)}


def _fits(call: Call, x: Tensor, y: Tensor) -> bool:
    """Whether a block gives the shape and dtype of `y` on `x`."""
    try:
        made = call.apply(Input(x.shape, x.dtype))
    except NetwrightError:
        return False
    return (made.shape, made.dtype) == (y.shape, y.dtype)


def _windows(part: Part, sizes: bool | Sequence[int]) -> Iterator[Window]:
    """Square odd kernels of a part, by size, with the other sizes that the padding allows."""
    found: dict[int, list[Node]] = {}
    for node in part.nodes:
        kernel = node.attrs.get("kernel_shape", (0,))
        if node.op.name == "Conv" and isinstance(node.inputs[1], Parameter) and set(kernel) == {kernel[0]}:
            found.setdefault(kernel[0], []).append(node)
    for kernel, nodes in found.items():
        if kernel < 3 or kernel % 2 == 0 or sizes is False:
            continue
        wanted = (kernel - 2, kernel + 2) if sizes is True else tuple(size for size in sizes if size != kernel)
        others = [size for size in wanted if all(_may_be(node, kernel, size) for node in nodes)]
        options = (kernel, *others)
        name = "kernel" if sum(k >= 3 and k % 2 for k in found) == 1 else f"kernel{kernel}"
        weights = tuple(dict.fromkeys(n.inputs[1] for n in nodes if isinstance(n.inputs[1], Parameter)))
        if others:
            yield Window(name, weights, Choice(options, options, (1 / len(options),) * len(options)))


def _may_be(node: Node, kernel: int, size: int) -> bool:
    """Whether padding can make up for another size of the kernel."""
    sides = zip(node.attrs["pads"], node.attrs["dilations"] * 2, strict=True)
    return all(pad + dilation * (size - kernel) // 2 >= 0 for pad, dilation in sides)
