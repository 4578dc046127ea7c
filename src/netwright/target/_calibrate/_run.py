"""A calibration as it goes: each measurement is kept at once, and what was kept is not measured again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from netwright.errors import DataError
from netwright.graph import Graph
from netwright.space import Space
from netwright.target._calibrate._file import Calibration, Measured, this_device, this_runtime
from netwright.target._calibrate._fit import FEWEST
from netwright.target._calibrate._networks import Network, networks_to_measure
from netwright.target._protocol import Timing, measure
from netwright.target._reference import reference_graph
from netwright.target._runtimes import Setup
from netwright.target._this_machine import time_graphs

__all__ = ["Timer", "calibrate", "journal_of"]

NETWORKS = 300
TOGETHER = 6
"""Networks that are measured in turns with each other."""
SHARE = 0.75
"""Part of the time left that is spent on measuring; the rest goes into making networks ready."""
LONGEST, SHORTEST = 0.5, 0.05
"""Seconds for one network."""
REFERENCE_SECONDS = 2.0
LEAST_ERROR = 0.002
"""Relative standard deviation of a measurement, however narrow its interval is."""


@dataclass(frozen=True)
class Timer:
    """How networks are timed; tests put a device of their own in its place.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> def networks(graphs, seconds, nominal):
    ...     return [Timing(0.1 * len(graph.nodes), 0.0, 0.1, 0.1, 30, 10, 0.0) for graph in graphs]
    >>> timer = Timer(reference=lambda seconds: 1e-4, networks=networks)
    >>> timer.networks([Graph([x], [ops.relu(x)])], 0.1, 1e-4)[0].median_ms
    0.1

    reference: seconds that the reference network takes at the device's best, looked for in so many seconds.
    networks: timing of several networks, given the seconds for each and the reference's own. clock: seconds since
    some moment.
    """

    reference: Callable[[float], float]
    networks: Callable[[Sequence[Graph], float, float], Sequence[Timing]]
    clock: Callable[[], float] = time.perf_counter

    @classmethod
    def here(cls, setup: Setup) -> Timer:
        """This machine in a setup."""

        def reference(seconds: float) -> float:
            own = Setup("torch" if setup.runtime == "compile" else setup.runtime, setup.threads)
            run = own.runner(reference_graph())
            with own.active():
                return fastest(run, seconds)

        def networks(graphs: Sequence[Graph], seconds: float, nominal: float) -> Sequence[Timing]:
            return time_graphs(graphs, setup, seconds=seconds, nominal=nominal)

        return cls(reference, networks)


def fastest(run: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest of the runs in some seconds."""
    measure(run, seconds=seconds / 10)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.thread_time()
        run()
        best = min(best, time.thread_time() - start)
    return best


@dataclass(frozen=True)
class _Time:
    """What may be spent, in seconds from a moment on; for_each: what learning from one network will take."""

    clock: Callable[[], float]
    started: float
    seconds: float
    for_each: float = 0.0

    @property
    def spent(self) -> float:
        return self.clock() - self.started

    def left(self, networks: int) -> float:
        """Seconds until so many networks have to be learned from."""
        return self.seconds - self.spent - networks * self.for_each


def calibrate(
    name: str,
    spaces: Sequence[Space],
    *,
    setup: Setup | None = None,
    minutes: float = 10.0,
    networks: int = NETWORKS,
    journal: Path,
    any_runtime: bool = False,
    seed: int = 0,
    timer: Timer | None = None,
    started: float | None = None,
    report: Callable[[int, int, float], None] = lambda done, total, seconds: None,
) -> Calibration:
    """Measure networks of some spaces on this machine, and learn what any network takes here.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import netwright as nw
    >>> def networks(graphs, seconds, nominal):
    ...     times = [0.1 + nw.costs_of(graph, ["macs"])["macs"] / 1e5 for graph in graphs]
    ...     return [Timing(ms, 0.0, 0.99 * ms, 1.01 * ms, 30, 10, 0.0) for ms in times]
    >>> board = Timer(reference=lambda seconds: 1e-4, networks=networks)
    >>> layer = nw.conv(nw.oneof(8, 16, 24, 32), kernel=nw.oneof(1, 3, 5))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8), name="toy")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = calibrate("board", [space], networks=12, journal=Path(folder) / "board.jsonl", timer=board)
    >>> found.name, found.spaces, len(found.measured)
    ('board', ('toy',), 12)

    minutes: time to spend at most, choosing networks and learning from them included, unless the fewest that tell
    anything take longer. started: by the timer's clock, the moment from which they count. networks: to measure at
    most; more, or fewer, may be asked for when it goes on. journal: file that each measurement is added to, and from
    which a calibration that was broken off goes on; it stays when an error breaks off this one. any_runtime: go on
    from one that another version of the runtime began.
    report: called with the number measured, of how many, and the seconds spent.

    Raises DataError for a journal of other spaces, another setup, device or version of the runtime, and
    EvaluationError when a network cannot be run or too few were measured.
    """
    setup = setup or Setup()
    timer = timer or Timer.here(setup)
    limit = _Time(timer.clock, timer.clock() if started is None else started, minutes * 60)
    head: dict[str, Any] = {
        "name": name, "spaces": [space.name for space in spaces], "setup": asdict(setup), "seed": seed,
        "networks": networks, "device": this_device(), "runtime": this_runtime(setup),
    }  # fmt: skip
    kept, known = _begun(journal, head, timer, min(REFERENCE_SECONDS, 6 * minutes), any_runtime)
    before = timer.clock()
    planned = networks_to_measure(spaces, networks, seed)
    # Learning from networks takes about as long as choosing them, whatever else the machine does.
    limit = replace(limit, for_each=(timer.clock() - before) / len(planned))
    planned += _of_other_plans(spaces, planned, [other for other in kept["plans"] if other != networks], known, seed)
    waiting = [network for network in planned if network.what not in known][: max(networks - len(known), 0)]
    total = len(known) + len(waiting)
    seconds = min(LONGEST, max(SHORTEST, SHARE * limit.left(len(planned)) / max(len(waiting), 1)))
    nominal = kept["reference_ms"] / 1e3
    turns = count(1 + max((took.turn for took in known.values() if took.turn is not None), default=-1))
    for turn, part in zip(turns, _in_time(waiting, known, limit), strict=False):
        report(len(known), total, limit.spent)
        for network, timing in zip(part, timer.networks([n.graph for n in part], seconds, nominal), strict=True):
            known[network.what] = Took(timing.median_ms, _error(timing), turn)
            _append(journal, {"what": network.what, **asdict(known[network.what])})
    report(len(known), total, limit.spent)
    found = [_measured(network, known[network.what]) for network in planned if network.what in known]
    return Calibration.fitted(
        found, name=name, spaces=tuple(kept["spaces"]), setup=setup, device=kept["device"], runtime=kept["runtime"],
        reference_ms=kept["reference_ms"],
    )  # fmt: skip


@dataclass(frozen=True)
class Took:
    """Median in ms of a network that was measured, its relative error, and the turn in which it came.

    Journals of before turns were kept have none.
    """

    ms: float
    error: float
    turn: int | None = None


Known = dict[str, Took]


def _begun(
    journal: Path, head: Mapping[str, Any], timer: Timer, seconds: float, any_runtime: bool
) -> tuple[dict[str, Any], Known]:
    """Head and measurements of a journal; where there is none, one that begins with the reference network."""
    kept, known = journal_of(journal, head, any_runtime)
    if kept:
        # What broke it off may have cut the last line short.
        _append(journal, {})
        if head["networks"] not in kept["plans"]:
            _append(journal, {"networks": head["networks"]})
    else:
        begun = {**head, "reference_ms": timer.reference(seconds) * 1e3}
        _append(journal, begun)
        kept = {**begun, "plans": [head["networks"]]}
    return kept, known


def _of_other_plans(
    spaces: Sequence[Space], planned: Sequence[Network], counts: Sequence[int], known: Known, seed: int
) -> list[Network]:
    """Networks that were measured when other numbers of networks were asked for, and would not be chosen now."""
    others = {each.what: each for other in counts for each in networks_to_measure(spaces, other, seed)}
    now = {each.what for each in planned}
    return [each for what, each in others.items() if what in known and what not in now]


def _in_time(waiting: Sequence[Network], known: Sized, limit: _Time) -> Iterator[Sequence[Network]]:
    """Networks to measure together, while there is time for as many again; `known` grows meanwhile."""
    longest = 0.0
    for start in range(0, len(waiting), TOGETHER):
        if len(known) >= FEWEST and limit.left(len(known) + TOGETHER) < longest:
            return
        before = limit.spent
        yield waiting[start : start + TOGETHER]
        longest = max(longest, limit.spent - before)


def journal_of(path: Path, head: Mapping[str, Any], any_runtime: bool) -> tuple[dict[str, Any], Known]:
    """Head and measurements of a journal, both empty where there is none; a line that was cut short is left out.

    The head's `plans` are all the numbers of networks that were asked for, which may change as it goes on. Raises
    DataError when the journal is of another calibration than `head` says.
    """
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    records = [record for record in map(_record, lines) if record]
    if not records or "reference_ms" not in records[0]:
        return {}, {}
    found = records[0]
    compared = [name for name in head if name != "networks" and not (any_runtime and name == "runtime")]
    other = [name for name in compared if found.get(name) != head[name]]
    if other:
        raise DataError(
            f"a calibration goes on as it began, but {path} has {other[0]} {_short(found.get(other[0]))} "
            f"instead of {_short(head[other[0]])}; delete it to begin anew"
            f"{', or take it with --any-runtime' if other == ['runtime'] else ''}."
        )
    plans = [record["networks"] for record in records if isinstance(record.get("networks"), int)]
    known = {r["what"]: Took(float(r["ms"]), float(r["error"]), r.get("turn")) for r in records[1:] if "what" in r}
    return {**found, "plans": plans}, known


def _append(path: Path, record: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write((json.dumps(record) if record else "") + "\n")
    except OSError as error:
        raise DataError(f"what is measured must be kept, but {path} is not writable: {error.strerror}.") from error


def _record(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _error(timing: Timing) -> float:
    """Relative standard deviation of a time, of its 95 % interval."""
    return max((timing.high_ms - timing.low_ms) / (2 * 1.96 * timing.median_ms), LEAST_ERROR)


def _measured(network: Network, took: Took) -> Measured:
    return Measured(network.what, took.ms, took.error, network.kernels, network.nodes, network.whole, took.turn)


def _short(value: object) -> str:
    return f"{value.get('version', value.get('processor', value))}" if isinstance(value, dict) else f"{value}"
