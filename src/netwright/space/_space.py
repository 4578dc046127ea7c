"""A space: what may vary, compiled once, asked many questions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from netwright._count import counted
from netwright.cost import COSTS, Cost, Limit
from netwright.errors import DesignError, LimitError, ShapeError, SpaceError, UnknownNameError
from netwright.graph import Graph, Input, Tensor
from netwright.space import _vary
from netwright.space._bundle import tensors
from netwright.space._compile import too_large
from netwright.space._condition import contained, trace
from netwright.space._design import Design, Value
from netwright.space._domain import Choice, Real
from netwright.space._expression import Builder, Expression, as_expression
from netwright.space._forest import Forest
from netwright.space._histogram import Histogram, histogram
from netwright.space._index import all_costs, design_at, open_decisions
from netwright.space._places import is_placed, placed
from netwright.space._recipe import Recipe
from netwright.space._restrict import restricted
from netwright.space._sample import Draws, Sampler, Window, binds
from netwright.space._semiring import Counting, Inside, best, evaluate, k_best
from netwright.space._whole import compiled, compiled_if_small, prefix_of
from netwright.space._written import Written

__all__ = ["Space"]

Limits = Any
CACHED_SAMPLERS = 8


class Space(Written):
    """A set of designs: networks from one input shape, and optionally recipes to train them with.

    >>> import numpy as np
    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import oneof, repeat, seq
    >>> space = Space(seq(conv(oneof(8, 16)), repeat(conv(16), times=oneof(1, 2, 3))), input=image(3, 8, 8))
    >>> space.size()
    6
    >>> design = space.sample(np.random.default_rng(0), limits=["params <= 4000"])[0]
    >>> space.network(design)
    <Graph 1x3x8x8 -> 1x16x8x8, 6 nodes, 10 parameters>

    network: an expression, or a block call. input: a symbolic input (`image`, `vector`, `tokens`), or several, of
    which a design then picks one under `input`, such as `3x160x160`. recipe: hyperparameters of the training, each a
    value, a `oneof` or a `real`; in a design they stand under `recipe`. costs: further costs that limits may name.
    largest: most elements that any value of a network may have; a design with a larger one is none of the space.

    Raises EmptySpaceError when no design fits its shapes, with the first place where nothing fits.
    """

    def __init__(
        self,
        network: Any,
        *,
        input: Input | Sequence[Input],
        recipe: Mapping[str, Any] | None = None,
        name: str = "space",
        costs: Sequence[Cost] = (),
        largest: int | None = None,
        max_nodes: int = 1_000_000,
    ) -> None:
        self.expression: Expression = as_expression(network)
        self.inputs = {_input_label(t): t for t in ((input,) if isinstance(input, Input) else tuple(input))}
        self.name = name
        self._own_costs = {cost.name: cost for cost in costs}
        self.recipe_space = Recipe(recipe or {})
        self.largest = largest
        self._max_nodes = max_nodes
        self._samplers: dict[tuple[tuple[Window, ...], bool], Sampler] = {}
        self._templates: dict[Any, Any] = {}
        if not self.inputs:
            raise SpaceError("a space needs at least one input shape, but got none.")
        # A space without designs is refused where it is made, unless its forest is large.
        small = compiled_if_small(self.expression, self.inputs, bound=max_nodes, largest=largest)
        if small is not None:
            self.__dict__["forest"] = self._priced(small)

    @property
    def is_compiled(self) -> bool:
        """Whether the forest is there, as it is at once for spaces up to 5,000 nodes."""
        return "forest" in self.__dict__

    allowed: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    """What `restricted` left of some decisions, by pattern of their paths."""

    _unrestricted: Space | None = None

    start: Design | None = None
    """The design that is the network which the space was made around; None for other spaces."""

    @classmethod
    def from_model(cls, model: Any, example: Any = None, **options: Any) -> Space:
        """The space around a network that exists: see `netwright.space.from_model`."""
        from netwright.space._from_model import from_model

        return from_model(model, example, **options)

    def __repr__(self) -> str:
        return f"<Space {self.name}: {counted(self.size(), 'design')} on {' | '.join(self.inputs)}>"

    def with_costs(self, *costs: Cost) -> Space:
        """The same space, not compiled again, with further costs that limits may name.

        >>> from netwright.blocks import conv
        >>> from netwright.cost import Additive
        >>> from netwright.graph import image
        >>> convolutions = Additive("convolutions", "", "how many", lambda node: int(node.op.name == "Conv"))
        >>> Space(conv(8), input=image(3, 8, 8)).with_costs(convolutions).extremes("convolutions")[0][0]
        1
        """
        other = copy(self)
        other._own_costs = {**self._own_costs, **{cost.name: cost for cost in costs}}
        other._samplers = {}
        if "forest" in self.__dict__:
            other.__dict__["forest"] = other._priced(replace(self.forest, _costs={}))
            other.__dict__.pop("_counts", None)
        return other

    def restricted(self, allowed: Mapping[str, Collection[Value]]) -> Self:
        """The same space with fewer options: every decision that is named keeps only the given values.

        >>> from netwright.blocks import conv
        >>> from netwright.graph import image
        >>> from netwright.space import oneof, seq
        >>> space = Space(seq(conv(oneof(8, 16, 24)), conv(oneof(8, 16))), input=image(3, 8, 8))
        >>> space.size(), space.restricted({"conv.channels": [8, 24]}).size(), space.restricted({"*": [8]}).size()
        (6, 4, 1)

        allowed: values by path, or by a pattern such as `stage*.kernel`; where several fit, all must allow a value.
        Decisions of a recipe are not restricted.

        Raises SpaceError for a pattern that fits no decision, EmptySpaceError when nothing is left.
        """
        other = copy(self)
        other._unrestricted = self.unrestricted
        other.allowed = (*self.allowed, *((path, tuple(values)) for path, values in allowed.items()))
        other._samplers = {}
        for made in ("forest", "_counts"):
            other.__dict__.pop(made, None)
        other.__dict__["forest"] = restricted(self.forest, tuple(allowed.items()), self.name)
        return other

    @property
    def unrestricted(self) -> Space:
        """The space with all options that `restricted` took away.

        >>> from netwright.blocks import conv
        >>> from netwright.graph import image
        >>> from netwright.space import oneof
        >>> space = Space(conv(oneof(8, 16, 24)), input=image(3, 8, 8))
        >>> space.restricted({"channels": [8]}).unrestricted.size()
        3
        """
        return self if self._unrestricted is None else self._unrestricted

    def _priced(self, forest: Forest) -> Forest:
        """The forest, with a place for each decision where some cost is a sum over decisions."""
        wanted = any(cost.by_decision for cost in self._own_costs.values())
        return placed(forest, bound=self._max_nodes) if wanted and not is_placed(forest) else forest

    def __getstate__(self) -> dict[str, Any]:
        # A forest is compiled again faster than it is sent.
        made = ("forest", "_counts", "_samplers", "_templates")
        return {key: value for key, value in self.__dict__.items() if key not in made}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _samplers={}, _templates={})

    # -- the forest and what it answers ---------------------------------------------------------------------------

    @cached_property
    def forest(self) -> Forest:
        """The compiled space; made at the first question."""
        whole = compiled(self.expression, self.inputs, bound=self._max_nodes, largest=self.largest)
        return self._priced(restricted(whole, self.allowed, self.name))

    @cached_property
    def _counts(self) -> list[int]:
        return evaluate(self.forest, Counting())

    def size(self) -> int:
        """Exact number of network designs (derivations), times those of a recipe without real intervals."""
        return self._counts[self.forest.root] * self.recipe_space.size()

    @property
    def costs_known(self) -> dict[str, Cost]:
        """Costs that limits on this space may name."""
        return {**COSTS, **self._own_costs}

    def network_size(self) -> int:
        """Exact number of network designs, without the recipe's part."""
        return self._counts[self.forest.root]

    def cost(self, name: str) -> Cost:
        """A cost that limits may name; raises UnknownNameError."""
        if name not in self.costs_known:
            raise UnknownNameError("cost", name, self.costs_known)
        return self.costs_known[name]

    def additive(self, metric: str) -> bool:
        """Whether the forest can hold a limit on this metric exactly.

        >>> from netwright.blocks import conv
        >>> from netwright.graph import image
        >>> space = Space(conv(8), input=image(3, 8, 8))
        >>> space.additive("macs"), space.additive("peak_memory"), space.additive("accuracy")
        (True, False, False)
        """
        return metric in self.costs_known and self.costs_known[metric].additive

    def extremes(self, cost: str) -> tuple[tuple[float, Design], tuple[float, Design]]:
        """Cheapest and dearest value of an additive cost, each with a design that has it, exactly."""
        found = self._additive(cost)
        return best(self.forest, found), best(self.forest, found, largest=True)

    def k_best(self, cost: str, k: int) -> list[tuple[float, Design]]:
        """The k designs of smallest additive cost."""
        return k_best(self.forest, self._additive(cost), k)

    def histogram(self, cost: str, **options: Any) -> Histogram:
        """Distribution of an additive cost over all network designs."""
        return histogram(self.forest, self._additive(cost), **options)

    def all_costs(self, costs: Sequence[str]) -> NDArray[np.float64]:
        """Additive costs of every network design, `(designs, costs)`, in the order of `enumerate`."""
        return all_costs(self.forest, [self._additive(name) for name in costs])

    def probability(self) -> float:
        """Share of the weighted distribution that falls on designs whose shapes fit."""
        return evaluate(self.forest, Inside())[self.forest.root]

    def _additive(self, name: str) -> Cost:
        found = self.cost(name)
        if not found.additive:
            raise SpaceError(f"this needs an additive cost, but {name} is not.")
        return found

    # -- designs --------------------------------------------------------------------------------------------------

    def sample(
        self, rng: np.random.Generator, n: int = 1, limits: Limits = (), *, weighted: bool = False
    ) -> list[Design]:
        """n designs, independent and uniform over all network designs that keep the limits.

        limits: bounds on additive costs, as strings, Limit objects or a mapping. weighted: in proportion to the
            weights of the choices (the probabilities of a grammar) instead.

        Raises LimitError when no design keeps the limits, and for a limit on something that is not additive.
        """
        return self.draw(rng, n, limits, weighted=weighted).designs

    def draw(self, rng: np.random.Generator, n: int = 1, limits: Limits = (), *, weighted: bool = False) -> Draws:
        """Like `sample`, with the exact costs of the draws and the shares that were accepted."""
        draws = self._sampler(tuple(self._windows(limits)), weighted).draw(n, rng)
        if not self.recipe_space:
            return draws
        designs = [Design.trusted({**design, **self.recipe_space.sample(rng)}) for design in draws.designs]
        return Draws(designs, draws.costs, draws.acceptance, draws.splits)

    def _sampler(self, windows: tuple[Window, ...], weighted: bool) -> Sampler:
        key = (windows, weighted)
        if key not in self._samplers:
            if len(self._samplers) >= CACHED_SAMPLERS:
                self._samplers.pop(next(iter(self._samplers)))
            binding = tuple(window for window in windows if binds(self.forest, *window))
            if binding == windows:
                made = Sampler(self.forest, windows, weighted=weighted)
            else:
                made = self._sampler(binding, weighted).telling(windows)
            self._samplers[key] = made
        return self._samplers[key]

    def _windows(self, limits: Limits) -> list[Window]:
        windows: list[Window] = []
        for limit in Limit.of(limits):
            found = self.cost(limit.metric)
            if not found.additive:
                raise LimitError(f"a forest can only hold limits on additive costs, but {limit.metric} is not.")
            windows.append((found, *limit.window))
        return windows

    def check_limits(self, limits: Limits) -> None:
        """Raise LimitError when no design keeps the additive ones of these limits, with the reach of the cost.

        >>> from netwright.blocks import conv
        >>> from netwright.graph import image
        >>> Space(conv(8, kernel=1), input=image(3, 8, 8)).check_limits("params <= 10")
        Traceback (most recent call last):
        netwright.errors.LimitError: a limit must hold for some design, but params <= 10 holds for none: ...
        """
        held = [limit for limit in Limit.of(limits) if self.additive(limit.metric)]
        self._sampler(tuple(self._windows(held)), False)

    def mutate(
        self, design: Design, rng: np.random.Generator, limits: Limits = (), *, weighted: bool = False
    ) -> Design:
        """One decision changed, and what hangs below it drawn anew, within the limits; the design itself if none can.

        weighted: in proportion to the weights of the choices, as a grammar grows its trees; else uniformly.

        Raises DesignError when the space does not contain the design.
        """
        network, recipe = self._split(design)
        if recipe and rng.random() < len(recipe) / len(design):
            return Design({**network, **self.recipe_space.mutate(recipe, rng)})
        found = _vary.mutate(self.forest, Design(network), self._windows(limits), rng, weighted=weighted)
        return Design({**(found or network), **recipe})

    def crossover(self, a: Design, b: Design, rng: np.random.Generator, limits: Limits = ()) -> Design:
        """`a` with a part of `b` in it, within the limits; a mutation of `a` when no part can be exchanged."""
        (network_a, recipe_a), (network_b, recipe_b) = self._split(a), self._split(b)
        found = _vary.crossover(self.forest, Design(network_a), Design(network_b), self._windows(limits), rng)
        recipe = self.recipe_space.crossover(recipe_a, recipe_b, rng)
        if found is None and recipe == recipe_a:
            return self.mutate(a, rng, limits)
        return Design({**(found or network_a), **recipe})

    def neighbours(self, design: Design, limits: Limits = ()) -> Iterator[Design]:
        """Designs that differ in one network decision (and what hangs below it), within the limits."""
        network, recipe = self._split(design)
        for found in _vary.neighbours(self.forest, Design(network), self._windows(limits)):
            yield Design.trusted({**found, **recipe})

    def enumerate(self) -> Iterator[Design]:
        """Every network design, in a fixed order; a recipe's decisions are left out."""
        counts = self._counts
        return (design_at(self.forest, i, counts) for i in range(counts[self.forest.root]))

    def design_at(self, number: int) -> Design:
        """Network design by its number in the order of `enumerate`; numbers of any size."""
        return design_at(self.forest, number, self._counts)

    def contains(self, design: Mapping[str, Value]) -> bool:
        """Whether the space has this design: every decision it asks for, with a value it knows, and no other."""
        network = {path: v for path, v in design.items() if not path.startswith("recipe.")}
        recipe = {path: v for path, v in design.items() if path.startswith("recipe.")}
        return self.recipe_space.contains(recipe) and trace(self.forest, network) is not None

    def contains_each(self, designs: Sequence[Mapping[str, Value]]) -> list[bool]:
        """Whether the space has each of these designs, as `contains` tells it, for many at once.

        >>> from netwright.blocks import conv
        >>> from netwright.graph import image
        >>> from netwright.space import oneof, seq
        >>> space = Space(seq(conv(oneof(4, 8)), conv(oneof(8, 16))), input=image(3, 8, 8))
        >>> design = space.design_at(0)
        >>> space.contains_each([design, {**design, "other": 1}])
        [True, False]
        """
        parts = [{path: v for path, v in design.items() if not path.startswith("recipe.")} for design in designs]
        recipes = [{path: v for path, v in design.items() if path.startswith("recipe.")} for design in designs]
        known = contained(self.forest, parts)
        return [has and self.recipe_space.contains(recipe) for has, recipe in zip(known, recipes, strict=True)]

    def keeps(self, design: Mapping[str, Value], limits: Limits = ()) -> bool:
        """Whether a design of this space is within these limits on additive costs."""
        network = {path: v for path, v in design.items() if not path.startswith("recipe.")}
        return _vary.within(self.forest, Design(network), self._windows(limits))

    def _split(self, design: Mapping[str, Value]) -> tuple[dict[str, Value], dict[str, Value]]:
        """Network and recipe of a design; raises DesignError, with the path, when it is not of this space."""
        if not self.contains(design):
            try:
                self.network(design)
            except ShapeError as error:
                raise DesignError(f"the shapes of a design must fit, but they do not: {error}") from error
            self.recipe(design)
            raise DesignError(f"a design must be one of {self.name}, but {dict(design)!r} is not.")
        network = {path: v for path, v in design.items() if not path.startswith("recipe.")}
        return network, {path: v for path, v in design.items() if path.startswith("recipe.")}

    # -- networks -------------------------------------------------------------------------------------------------

    def network(self, design: Mapping[str, Value]) -> Graph:
        """The graph of a design, as it stands: nothing is simplified, so its costs are those of the forest.

        In a space around a model with weights it has those that stay, and initial ones where a block is new.

        Raises DesignError that names the path where the design does not belong to the space, and ShapeError where
        its shapes do not fit.
        """
        builder = Builder(design, templates=self._templates, carries=True)
        return builder.with_weights(self._built(builder, design))

    def _built(self, builder: Builder, design: Mapping[str, Value]) -> Graph:
        if len(self.inputs) > 1:
            choice = Choice(tuple(self.inputs.values()), tuple(self.inputs), (1.0,) * len(self.inputs))
            x = choice.option(builder.decide("input"), "input")
        else:
            x = next(iter(self.inputs.values()))
        y: Tensor = self.expression.build(builder, x, prefix_of(self.expression))
        unknown = [path for path in design if path not in builder.read and not path.startswith("recipe.")]
        if unknown:
            raise DesignError(f"a design must decide only what is open, but {unknown[0]!r} is no decision of it.")
        graph = Graph([x], tensors(y))
        if error := too_large(graph, self.largest):
            raise error
        return graph

    def recipe(self, design: Mapping[str, Value]) -> dict[str, Value]:
        """Hyperparameters of the training that a design states, with those the space fixes."""
        return self.recipe_space.values(design)

    def costs(self, design: Mapping[str, Value], names: Sequence[str] = ("params", "macs")) -> dict[str, float]:
        """Costs of one design by name."""
        graph = self._built(Builder(design, templates=self._templates), design)
        return {name: self.cost(name).of_design(design, graph) for name in names}

    def decisions(self, *, bound: int = 100_000) -> dict[str, tuple[Value, ...] | Real]:
        """Every decision path of the space with its possible values (or interval), in the order of the network.

        Raises SpaceError when there are more than `bound` places to look at, as in a deep grammar.
        """
        found: dict[str, tuple[Value, ...] | Real] = dict(open_decisions(self.forest, bound, self.name))
        return found | self.recipe_space.domains()

    def __contains__(self, design: object) -> bool:
        return isinstance(design, Mapping) and self.contains(design)


def _input_label(tensor: Input) -> str:
    return "x".join(map(str, tensor.shape[1:]))
