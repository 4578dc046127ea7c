"""AutoBuild: a graph network whose embeddings are the longer, the better the networks they appear in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright._optional import require
from netwright.quality.importance._anova import spearman
from netwright.quality.importance._effects import Effect, Effects, Importance, Module, Option

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["autobuild"]

HOPS = 2
STEPS = 300
MEMBERS = 5
"""Networks of the ensemble; each holds out another fifth of the designs, which tells how well it fits."""
MODULES = 20
Floats = NDArray[np.float64]
Tensor = Any
"""A torch tensor; torch is imported where it is used."""


@dataclass(frozen=True)
class _Places:
    """Designs as chains of places: the option of each decision of a place, by the decision's own name."""

    names: tuple[str, ...]
    columns: tuple[str, ...]
    where: Mapping[str, tuple[str, str]]
    options: tuple[Option, ...]
    chosen: NDArray[np.int64]

    @classmethod
    def of(cls, space: Space, designs: Sequence[Mapping[str, Any]]) -> _Places:
        """Every place of the space in the order of the network; (designs, places, columns) numbers of options."""
        domains = {path: values for path, values in space.decisions().items() if isinstance(values, tuple)}
        where = {path: _place(path, domains) for path in domains}
        names = tuple(dict.fromkeys(place for place, _ in where.values()))
        columns = tuple(dict.fromkeys(column for _, column in where.values()))
        options = tuple((path, value) for path, values in domains.items() for value in values)
        numbers = {(path, type(value), value): i for i, (path, value) in enumerate(options)}
        chosen = np.full((len(designs), len(names), len(columns)), -1)
        for row, design in enumerate(designs):
            for path in domains.keys() & design.keys():
                place, column = where[path]
                number = numbers[path, type(design[path]), design[path]]
                chosen[row, names.index(place), columns.index(column)] = number
        return cls(names, columns, where, options, chosen)


def _place(path: str, paths: Collection[str]) -> tuple[str, str]:
    """The part of the network that a decision is about, and its name there; a choice of a part is about that part.

    >>> paths = ["stage.0", "stage.0.kernel", "stage.times"]
    >>> [_place(path, paths) for path in paths]
    [('stage.0', ''), ('stage.0', 'kernel'), ('stage', 'times')]
    """
    if any(other.startswith(f"{path}.") for other in paths):
        return path, ""
    return path.rpartition(".")[0], path.rpartition(".")[2]


def autobuild(
    space: Space,
    designs: Sequence[Mapping[str, Any]],
    values: Sequence[float],
    *,
    limits: Any = (),
    seed: int = 0,
    steps: int = STEPS,
) -> Effects:
    """Scores of options and of modules from the magnitudes of embeddings that are ranked like the metric.

    >>> import numpy as np
    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16), kernel=nw.oneof(1, 3, 5))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> designs = space.sample(np.random.default_rng(0), 20)
    >>> found = autobuild(space, designs, [design["conv.kernel"] for design in designs], steps=20)
    >>> found.options["conv.kernel", 5].value > found.options["conv.kernel", 1].value
    True

    A design is a chain of places (the parts of the network that decide something). Every option has a length of its
    own; a place begins as the vector of those of its decisions, and `HOPS` layers of a graph network mix it with its
    neighbours. The loss asks the mean embedding after each layer for the order of the metric, and the last one for
    its value. The score of an option is the mean length of its place, that of a module the length of its embedding.

    values: of the metric, higher is better. limits: of no effect, since scores come from the given designs alone.
    steps: of the optimiser, for each of the networks.

    Source: Mills et al. 2024, "Building Optimal Neural Architectures using Interpretable Knowledge": magnitude-ranked
    embeddings, scores of operation features and of subgraphs. Here the ranking loss is a pairwise logistic one, and
    the graph is the chain of places; both are choices of this implementation.

    Raises MissingExtraError without torch.
    """
    torch = require("torch", extra="train")
    places = _Places.of(space, designs)
    targets = np.asarray(values, dtype=float)
    targets = (targets - targets.mean()) / (targets.std() or 1.0)
    order = np.random.default_rng(seed).permutation(len(designs))
    lengths, held = [], np.zeros(len(designs))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for member in range(MEMBERS):
            out = order[member::MEMBERS]
            model = _fitted(torch, places, targets, np.setdiff1d(order, out), seed + member, steps)
            with torch.no_grad():
                held[out] = model.predict(places.chosen[out]).numpy()
                lengths.append([h.norm(dim=-1).numpy() for h in model.embeddings(places.chosen)])
    finally:
        torch.set_num_threads(threads)
    options = _options(places, np.array(lengths)[:, 0])
    modules = _modules(places, designs, np.array(lengths)[:, 1:].mean(axis=0))
    return Effects("autobuild", spearman(targets, held), _importances(space, options), options, modules)


def _fitted(
    torch: Any, places: _Places, targets: NDArray[np.float64], rows: NDArray[np.int64], seed: int, steps: int
) -> _Model:
    model = _Model(torch, places, seed)
    optimiser = torch.optim.Adam(model.parameters, lr=0.01)
    y = torch.tensor(targets[rows], dtype=torch.float32)
    better = torch.sign(y[:, None] - y[None, :])
    for _ in range(steps):
        optimiser.zero_grad()
        loss = model.loss(places.chosen[rows], y, better)
        loss.backward()
        optimiser.step()
    return model


class _Model:
    """Lengths of options, layers that mix a place with its neighbours, and a linear readout of the last one."""

    def __init__(self, torch: Any, places: _Places, seed: int) -> None:
        self.torch = torch
        generator = torch.Generator().manual_seed(seed)
        width = len(places.columns)

        def weights(*shape: int, scale: float) -> Tensor:
            return (scale * torch.randn(*shape, generator=generator)).requires_grad_()

        # The last one stands for a decision that is not made; it stays at zero length.
        self.raw = weights(len(places.options), scale=0.1)
        self.layers = [(weights(a, 32, scale=a**-0.5), weights(a, 32, scale=a**-0.5)) for a in (width, 32)[:HOPS]]
        self.readout = weights(32, scale=32**-0.5)
        self.scale = torch.ones(HOPS + 1).requires_grad_()
        self.offset = torch.zeros(1).requires_grad_()
        self.parameters = [
            self.raw,
            *(w for pair in self.layers for w in pair),
            self.readout,
            self.scale,
            self.offset,
        ]

    def lengths(self) -> Tensor:
        """Length of each option, (options,)."""
        found: Tensor = self.torch.nn.functional.softplus(self.raw)
        return found

    def embeddings(self, chosen: NDArray[np.int64]) -> list[Tensor]:
        """Embeddings of the places after 0, 1, ... hops, each (designs, places, width)."""
        torch = self.torch
        lengths = torch.cat([self.lengths(), torch.zeros(1)])
        h = lengths[torch.from_numpy(chosen)]
        present = torch.from_numpy((chosen >= 0).any(-1, keepdims=True)).float()
        found = [h]
        for own, beside in self.layers:
            # Neighbours along the chain; a place that a design does not have passes nothing on.
            sides = torch.nn.functional.pad(h[:, 1:], (0, 0, 0, 1)) + torch.nn.functional.pad(h[:, :-1], (0, 0, 1, 0))
            h = torch.relu(h @ own + 0.5 * sides @ beside) * present
            found.append(h)
        return found

    def predict(self, chosen: NDArray[np.int64]) -> Tensor:
        """The metric, standardised, (designs,)."""
        found: Tensor = self.embeddings(chosen)[-1].mean(1) @ self.readout + self.offset
        return found

    def loss(self, chosen: NDArray[np.int64], y: Tensor, better: Tensor) -> Tensor:
        torch = self.torch
        found = self.embeddings(chosen)
        error = ((found[-1].mean(1) @ self.readout + self.offset - y) ** 2).mean()
        for scale, h in zip(self.scale, found, strict=True):
            length = 10 * scale.exp() * h.mean(1).norm(dim=-1)
            error = error + torch.nn.functional.softplus(-better * (length[:, None] - length[None, :])).mean()
        return error


def _options(places: _Places, lengths: Floats) -> dict[Option, Effect]:
    """Mean length of a place with each option, against that of all designs that decide there.

    lengths: (members, designs, places). An option is judged with what it brings: a block with its kernel and width.
    """
    found: dict[Option, Effect] = {}
    for path in dict.fromkeys(path for path, _ in places.options):
        numbers = [i for i, option in enumerate(places.options) if option[0] == path]
        having = {i: (places.chosen == i).any(axis=(1, 2)) for i in numbers}
        place = places.names.index(places.where[path][0])
        deciding = np.any(list(having.values()), axis=0)
        for i, designs in having.items():
            if designs.any():
                ahead = lengths[:, designs, place].mean(axis=1) - lengths[:, deciding, place].mean(axis=1)
                found[places.options[i]] = Effect(float(ahead.mean()), float(ahead.std()))
    return found


def _importances(space: Space, options: Mapping[Option, Effect]) -> tuple[Importance, ...]:
    """Share of the variance of the lengths that is between the options of each decision."""
    variances = {
        path: float(np.var([effect.value for (at, _), effect in options.items() if at == path] or [0.0]))
        for path in space.decisions()
    }
    whole = sum(variances.values()) or 1.0
    return tuple(Importance(path, variance / whole, 0.0) for path, variance in variances.items())


def _modules(places: _Places, designs: Sequence[Mapping[str, Any]], scores: Floats) -> tuple[Module, ...]:
    """The best module around each place after each number of hops; scores: (hops, designs, places)."""
    found = []
    for hops, each in enumerate(scores, 1):
        # Against the mean of the place: places differ in length for reasons of their own.
        ahead = each - each.mean(axis=0, keepdims=True)
        for place, name in enumerate(places.names):
            row = int(ahead[:, place].argmax())
            near = places.names[max(place - hops, 0) : place + hops + 1]
            decisions = {path: v for path, v in designs[row].items() if _place(path, designs[row])[0] in near}
            found.append(Module(name, hops, decisions, float(ahead[row, place])))
    return tuple(sorted(found, key=lambda module: -module.score)[:MODULES])
