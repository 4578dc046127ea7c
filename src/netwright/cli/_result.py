"""The outcome of a search, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

from netwright._count import counted

__all__ = ["words"]


def words(result: Mapping[str, Any]) -> RenderableType:
    """Winner, limits, baselines and files of a search, from the content of its result.json."""
    from rich.console import Group

    return Group(*_head(result), _contestants(result), *_files(result))


def _head(result: Mapping[str, Any]) -> list[str]:
    trials = result["trials"]
    states = ", ".join(f"{number} {state}" for state, number in trials.items() if state != "total" and number)
    lines = [f"{counted(trials['total'], 'trial')} ({states}), {result['seconds']['total']:.0f} s in all"]
    lines += [f"  {entry['trials']} failed: {entry['error']}" for entry in result.get("failures", ())]
    winner = result["winner"]
    if not result["front"]:
        lines += [
            f"  {entry['trials']} broke {entry['limit']}: the nearest has {_number(entry['nearest'])}"
            for entry in result.get("infeasible", ())
        ]
    if winner is None:
        return [
            *lines,
            f"no winner; the front has {counted(len(result['front']), 'design')}",
            *map(_broken, result["broken"]),
        ]
    lines.append(f"winner: trial {winner['trial']}")
    for check in winner["limits"]:
        lines.append(f"  {check['limit']}: {_number(check['value'])}, {'holds' if check['holds'] else 'BROKEN'}")
        if check.get("crosses"):
            lines[-1] += f", but not for sure: between {_number(check['low'])} and {_number(check['high'])}"
    return [*lines, *_unsure(result["front"], winner["trial"])]


def _unsure(front: Sequence[Mapping[str, Any]], winner: int) -> list[str]:
    """Other trials of the front whose limits may break, or break, when their targets are asked again."""
    marked = [f"{entry['trial']} ({mark})" for entry in front if entry["trial"] != winner and (mark := _mark(entry))]
    return [f"also on the front: trial {', '.join(marked)}"] if marked else []


def _mark(entry: Mapping[str, Any]) -> str:
    """What is to be said of a trial's limits; nothing where all hold for sure."""
    checks = entry.get("limits") or ()
    if any(not check["holds"] for check in checks):
        return "breaks " + ", ".join(check["limit"] for check in checks if not check["holds"])
    unsure = [check["limit"] for check in checks if check.get("crosses")]
    return f"not for sure within {', '.join(unsure)}" if unsure else ""


def _broken(entry: Mapping[str, Any]) -> str:
    faults = ", ".join(f"{c['limit']} has {_number(c['value'])}" for c in entry["limits"] if not c["holds"])
    return f"  trial {entry['trial']} broke its limits when measured again: {faults}"


def _contestants(result: Mapping[str, Any]) -> RenderableType:
    """Winner and baselines side by side; with a function of the user's own, the front."""
    from rich.table import Table

    if result["winner"] is None:
        table = Table("trial", "values", "", box=None, pad_edge=False)
        for entry in result["front"]:
            table.add_row(str(entry["trial"]), _values(entry["values"]), _mark(entry))
        return table
    winner = result["winner"]
    table = Table("", "test", "epochs", "params", "MACs", "latency [ms]", box=None, pad_edge=False)
    latency = winner["latency"] or {}
    test = winner["metrics"]["test"]
    rows = [("winner", test, winner.get("epochs"), winner["costs"], latency.get("median_ms"))]
    for entry in result["baselines"]:
        costs = entry["costs"]
        same = entry.get("design", "") == winner.get("design")
        name = f"{entry['name']}: the winner, by another seed" if same else entry["name"]
        rows.append((name, entry["metrics"], entry.get("epochs"), costs, costs.get("latency_ms@here")))
    for name, metrics, epochs, costs, milliseconds in rows:
        numbers = (epochs, costs.get("params"), costs.get("macs"), milliseconds)
        table.add_row(name, _headline(metrics), *map(_number, numbers))
    return table


def _files(result: Mapping[str, Any]) -> list[str]:
    return [f"{role}: {path}" for role, path in result["paths"].items()]


def _headline(metrics: Mapping[str, float]) -> str:
    """The metric that people ask for first; the loss only where there is no other."""
    name = next((name for name in metrics if name != "loss"), "loss")
    return f"{name} {_number(metrics.get(name))}"


def _values(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in values.items())


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{round(value):,}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
