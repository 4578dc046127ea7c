"""A space with networks that are plain tuples, and evaluations by formula: what the tests of studies run."""

from __future__ import annotations

import functools
import hashlib
import json
import time
from pathlib import Path

from netwright.cost import Limit
from netwright.errors import LimitError
from netwright.strategy import Objective, RegularisedEvolution
from netwright.study import Budget, Parts, StudySpec
from netwright.testing import ToySpace

ACCURACY = Objective("accuracy", "maximize")
MACS = Objective("macs", "minimize")


class ToyStudySpace(ToySpace):
    """Widths 3 and 4 give the same network, so that some designs are twins."""

    def network(self, design):
        return tuple(min(width, 3) for width in design.values())

    def recipe(self, design):
        return {}

    def check_limits(self, limits):
        for limit in limits:
            if self.additive(limit.metric):
                least = min(self.costs(design)[limit.metric] for design in self.enumerate())
                if limit.high is not None and least > limit.high:
                    raise LimitError(f"no design has {limit}: the least is {least:g}.")


def network_key(network):
    return hashlib.sha256(repr(network).encode()).hexdigest()


def estimate(design, network):
    return {
        "macs": float(sum((i + 1) * width for i, width in enumerate(network))),
        "heat": (network[0] + network[1]) * 1.1,
    }


def quality(network, seed):
    """Depends on every bit of the seed, so that a trial with another seed shows."""
    return 1 / (1 + sum(abs(width - 2) for width in network)) + (seed % 1009) * 1e-6


def evaluate(request, report, *, seconds=0.0, steps=3):
    """Four endings, by the seed: raise, stop when told, or values; goes on from its checkpoint."""
    start, total = _restored(request.checkpoint)
    for step in range(start, steps):
        time.sleep(seconds / steps)
        total += quality(request.network, request.seed) * (step + 1) / 7
        if request.seed % 11 == step:
            raise ValueError(f"seed {request.seed} is bad\nin step {step}")
        if not report(step, {"accuracy": total, "loss": 1 / total}):
            break
        _save(request.checkpoint, step + 1, total)
    return {"accuracy": total, "loss": 1 / total}


def keep_going(number, step, values, history):
    """Stops what is worse than half of the others at the same step."""
    others = sorted(steps[step]["accuracy"] for trial, steps in history.items() if trial != number and step in steps)
    return step == 2 or not others or values["accuracy"] >= others[len(others) // 2]


def spec(**changes):
    """A small study of both objectives."""
    given = {
        "objectives": (ACCURACY, MACS),
        "limits": (Limit.parse("heat <= 6"),),
        "seed": 5,
        "budget": Budget(trials=60),
        "space": {"name": "toy"},
    }
    return StudySpec(**{**given, **changes})


def parts(asked=None, *, seconds=0.0, steps=3, **changes):
    """Its parts; `resume` calls this with the specification."""
    asked = asked or spec()
    space = ToyStudySpace()
    strategy = RegularisedEvolution(space, asked.objectives, population=8, tournament=3)
    evaluation = functools.partial(evaluate, seconds=seconds, steps=steps)
    given = {"space": space, "strategy": strategy, "evaluation": evaluation, "network_key": network_key}
    return Parts(**{**given, "estimate": estimate, **changes})


def log(store):
    """All that must be equal, bit for bit, after any number of kills."""
    measured = {"cost", "created", "finished"}
    trials = [{k: v for k, v in vars(trial).items() if k not in measured} for trial in store.trials()]
    return trials, store.steps()


def _restored(checkpoint):
    if checkpoint is None or not checkpoint.exists():
        return 0, 0.0
    return json.loads(checkpoint.read_text())


def _save(checkpoint: Path | None, step, total):
    if checkpoint is not None:
        draft = checkpoint.with_suffix(".new")
        draft.write_text(json.dumps([step, total]))
        draft.rename(checkpoint)
