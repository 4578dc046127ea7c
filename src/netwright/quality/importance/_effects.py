"""What evaluated designs say of the options of a space, and the space that is left without the worst of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netwright.cost import DecisionCost
from netwright.errors import EmptySpaceError, SpaceError

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["Effect", "Effects", "Importance", "Module", "shrink"]

Option = tuple[str, Any]
"""The path of a decision, and one of its values."""


@dataclass(frozen=True)
class Importance:
    """Share of the variance of the metric that one decision explains by itself, and its spread over models.

    >>> Importance("stem.channels", share=0.6, spread=0.05).share
    0.6
    """

    path: str
    share: float
    spread: float


@dataclass(frozen=True)
class Effect:
    """How much better (above 0) designs with an option are than designs with another value there, and the spread.

    >>> Effect(value=0.2, spread=0.05).value > Effect(value=-0.1, spread=0.05).value
    True

    A share of the designs that it passes for the functional ANOVA, a length without a unit for AutoBuild.
    """

    value: float
    spread: float


@dataclass(frozen=True)
class Module:
    """Neighbouring places of a network with their decisions, scored together; scores compare within one place.

    >>> Module("stage1", hops=1, decisions={"stage1.kernel": 3}, score=2.5).decisions
    {'stage1.kernel': 3}
    """

    place: str
    hops: int
    decisions: Mapping[str, Any]
    score: float


@dataclass(frozen=True)
class Effects:
    """Importance of every decision and effect of every option of a space; higher is better whatever the metric.

    >>> options = {("kernel", 3): Effect(-0.1, 0.0), ("kernel", 5): Effect(0.1, 0.0)}
    >>> effects = Effects("by hand", 1.0, (Importance("kernel", 1.0, 0.0),), options)
    >>> effects.cost().of_design({"kernel": 5})
    -0.1

    fit: rank correlation of the model with the metric on designs that it did not see.
    """

    method: str
    fit: float
    decisions: tuple[Importance, ...]
    options: Mapping[Option, Effect]
    modules: tuple[Module, ...] = field(default=())

    def cost(self, name: str = "demerit") -> DecisionCost:
        """Minus the sum of the effects, as a cost of designs: the best design built without a search has the least.

        `space.with_costs(effects.cost())` answers `extremes("demerit")`, `k_best` and limits on it exactly.
        """
        prices = {option: -effect.value for option, effect in self.options.items()}
        return DecisionCost(name, "", f"minus the effects of the options, by {self.method}", prices)

    def to_json(self) -> dict[str, Any]:
        """Decisions by importance, each with its options from the best to the worst."""
        return {
            "method": self.method,
            "fit": self.fit,
            "decisions": [
                {
                    **vars(decision),
                    "options": [
                        {"value": option[1], "effect": effect.value, "spread": effect.spread}
                        for option, effect in sorted(self.options.items(), key=lambda item: -item[1].value)
                        if option[0] == decision.path
                    ],
                }
                for decision in sorted(self.decisions, key=lambda decision: -decision.share)
            ],
            "modules": [{**vars(module), "decisions": dict(module.decisions)} for module in self.modules],
        }


def shrink(space: Space, effects: Effects, share: float) -> Space:
    """The space without its worst options, with at most this share of its designs where it can be had.

    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16), kernel=nw.oneof(1, 3, 5))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> kernels = {("conv.kernel", kernel): Effect(kernel / 5, 0.0) for kernel in (1, 3, 5)}
    >>> left = shrink(space, Effects("by hand", 1.0, (), kernels), share=1 / 3)
    >>> left.decisions(), left.size()
    ({'conv.channels': (8, 16), 'conv.kernel': (5,)}, 2)

    Options go one after the other, that with the largest distance to the best option of its decision first; the best
    of each decision stays, and so does any option without which no design would be left.

    Raises SpaceError for a share outside of (0, 1].
    """
    if not 0 < share <= 1:
        raise SpaceError(f"`0 < share <= 1` must hold, but got share={share}.")
    best: dict[str, float] = {}
    for (path, _), effect in effects.options.items():
        best[path] = max(best.get(path, effect.value), effect.value)
    worst = sorted(effects.options, key=lambda option: effects.options[option].value - best[option[0]])
    left = {path: [value for p, value in effects.options if p == path] for path in best}
    found, wanted = space, share * space.network_size()
    for path, value in worst:
        if found.network_size() <= wanted or effects.options[path, value].value == best[path]:
            break
        kept = [other for other in left[path] if other is not value]
        try:
            found = found.restricted({path: kept})
        except (EmptySpaceError, SpaceError):
            continue
        left[path] = kept
    return found
