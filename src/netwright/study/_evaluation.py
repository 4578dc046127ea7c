"""One evaluation: what it is given, what it reports, and what came of it."""

from __future__ import annotations

import inspect
import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.errors import EvaluationError, NetwrightError
from netwright.target import target_metric

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Design

__all__ = [
    "Evaluation",
    "FunctionEvaluation",
    "Report",
    "Request",
    "Result",
    "evaluate",
    "missing",
    "numbers",
    "reason",
]

Report = Callable[[int, Mapping[str, float]], bool]
"""report(step, values) during an evaluation; False asks it to stop now and return what it has."""


@dataclass(frozen=True)
class Request:
    """One trial to be evaluated.

    >>> from netwright.graph import Graph, image, ops
    >>> from netwright.space import Design
    >>> x = image(1, 8, 8)
    >>> request = Request(4, Design({"kernel": 3}), Graph([x], [ops.relu(x)]), seed=7, budget=9.0)
    >>> request.number, request.budget
    (4, 9.0)

    budget: fidelity, such as epochs. seed: for every random choice of the evaluation.
    checkpoint: file that the evaluation may write to (by renaming a finished file onto it) and, where it exists, go
    on from; the study removes it when the trial is finished.
    """

    number: int
    design: Design
    network: Graph
    seed: int
    budget: float = 1.0
    recipe: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: Path | None = None


Evaluation = Callable[[Request, Report], Mapping[str, float]]
"""What the study calls for each trial: metrics by name."""


@dataclass(frozen=True)
class Result:
    """What came of an evaluation: values, or the error that ended it; seconds on the wall.

    >>> good = Result(4, {"accuracy": 0.9}, None, seconds=1.5, worker="inline")
    >>> bad = Result(5, None, "ValueError: no data", seconds=0.1, worker="inline")
    >>> good.values, bad.error
    ({'accuracy': 0.9}, 'ValueError: no data')
    """

    number: int
    values: Mapping[str, float] | None
    error: str | None
    seconds: float
    worker: str


class FunctionEvaluation:
    """A user's `evaluate(network, budget, report)` as an evaluation of trials.

    >>> def evaluate(network, budget, report, *, seed):
    ...     return {"accuracy": 0.5 + seed / 10}
    >>> FunctionEvaluation(evaluate)(Request(0, design=None, network=None, seed=4), lambda step, values: True)
    {'accuracy': 0.9}

    The function may name, as further parameters, any of `seed`, `recipe`, `design` and `checkpoint`.

    Raises EvaluationError for a function that cannot be called so.
    """

    _EXTRAS = ("seed", "recipe", "design", "checkpoint")

    def __init__(self, function: Callable[..., Mapping[str, float]]) -> None:
        self.function = function
        parameters = inspect.signature(function).parameters
        self.extras = tuple(name for name in self._EXTRAS if name in parameters)
        try:
            inspect.signature(function).bind(None, 1, None, **dict.fromkeys(self.extras))
        except TypeError as error:
            name = getattr(function, "__name__", repr(function))
            raise EvaluationError(
                "an evaluation is called as evaluate(network, budget, report), and may name "
                f"{', '.join(self._EXTRAS)}, but {name} does not allow that: {error}."
            ) from None

    def __call__(self, request: Request, report: Report) -> Mapping[str, float]:
        extras = {name: getattr(request, name) for name in self.extras}
        return self.function(request.network, request.budget, report, **extras)


def evaluate(evaluation: Evaluation, request: Request, report: Report, worker: str) -> Result:
    """Run one evaluation; whatever it raises becomes the result's error."""
    started = time.perf_counter()

    def checked(step: int, values: Mapping[str, float]) -> bool:
        if isinstance(step, bool) or not isinstance(step, int):
            raise EvaluationError(f"a report's step is an integer, but got {step!r}.")
        return report(step, numbers(values, "report"))

    values: dict[str, float] | None = None
    error: str | None = None
    try:
        values = numbers(evaluation(request, checked), "evaluation")
    except (Exception, SystemExit) as raised:
        error = reason(raised)
    return Result(request.number, values, error, time.perf_counter() - started, worker)


def reason(error: BaseException) -> str:
    """Type and message of an exception on one line, and the line of code that raised it.

    >>> try:
    ...     int("x")
    ... except ValueError as error:
    ...     reason(error).split(" (")[0]
    "ValueError: invalid literal for int() with base 10: 'x'"
    """
    message = " ".join(str(error).split())
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return text
    last = frames[-1]
    code = f": {last.line}" if last.line else ""
    return f"{text} ({Path(last.filename).name}:{last.lineno} in {last.name}{code})"


def numbers(values: object, source: str) -> dict[str, float]:
    """Values by name as plain floats; raises EvaluationError, which names the source, for anything else."""
    if not isinstance(values, Mapping):
        raise EvaluationError(f"an {source} gives a mapping of names to numbers, but got {type(values).__name__}.")
    return {str(name): _number(name, value) for name, value in values.items()}


def _number(name: object, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise EvaluationError(f"the value of {name!r} must be a number, but got {value!r:.80}.") from None


def missing(values: Mapping[str, float], metrics: Sequence[str]) -> str | None:
    """Say which of the metrics are absent or not finite, or None when all are there.

    >>> missing({"accuracy": float("nan")}, ("accuracy",))
    'the evaluation must give finite values of accuracy, but gave accuracy=nan.'
    >>> missing({"error": 0.1}, ("latency_ms@heer",)).split("; ")[1]
    "no target is named 'heer'"
    """
    wrong = [name for name in metrics if not math.isfinite(values.get(name, math.nan))]
    if not wrong:
        return None
    given = ", ".join(f"{name}={value:g}" for name, value in values.items()) or "nothing"
    # Whoever asked for one of a target most likely misspelled that.
    why = "".join(f"; {reason}" for reason in map(_untold, wrong) if reason)
    return f"the evaluation must give finite values of {', '.join(wrong)}, but gave {given}{why or '.'}"


def _untold(metric: str) -> str | None:
    """Why no target tells a metric that is named like one of a target's."""
    try:
        target_metric(metric)
    except NetwrightError as error:
        return str(error)
    return None
