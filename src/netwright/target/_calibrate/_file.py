"""A calibration: what was measured, on what, and the models learned from it; one readable JSON file."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from netwright.errors import DataError
from netwright.target._calibrate._fit import FEWEST, SHARES, Fit, fit, in_runs
from netwright.target._calibrate._kernels import Kernel
from netwright.target._calibrate._model import KernelModel, Observation, Smoothness
from netwright.target._calibrate._roofline import Roofline
from netwright.target._folder import read_json, write_json
from netwright.target._runtimes import RUNTIMES, Setup

__all__ = ["FORMAT", "Calibration", "Measured", "this_device", "this_runtime"]

FORMAT = "netwright-calibration"
VERSION = 1


def this_device() -> dict[str, Any]:
    """What this machine is: processor, architecture, cores, and a hash of the three."""
    facts = {"processor": _processor(), "machine": platform.machine(), "cores": os.cpu_count() or 1}
    return facts | {"hash": hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]}


def this_runtime(setup: Setup) -> dict[str, str]:
    """The runtime of a setup: package, installed version, and a hash of both."""
    runtime = RUNTIMES[setup.runtime]
    facts = {"package": runtime.package, "version": runtime.version}
    return facts | {"hash": hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]}


@dataclass(frozen=True)
class Measured:
    """A network that was measured: what it is, its time with the error of it, its kernels, its nodes.

    whole, turn: as an observation has them.
    """

    what: str
    ms: float
    error: float
    kernels: Mapping[Kernel, int]
    nodes: Mapping[Kernel, int]
    whole: bool = True
    turn: int | None = None

    def observed(self, *, fused: bool) -> Observation:
        """What a model learns from: of kernels, or of nodes one by one."""
        return Observation(self.kernels if fused else self.nodes, self.ms, self.error, self.whole, self.turn)

    @property
    def lives(self) -> bool:
        """Whether hardly a multiply-add of the design was taken away when it was simplified."""
        done, planned = (sum(n * k.macs for k, n in of.items()) for of in (self.kernels, self.nodes))
        return done >= 0.98 * planned


@dataclass(frozen=True)
class Calibration:
    """Networks that were measured on a device, and what was learned from them.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import netwright as nw
    >>> from netwright.target import Timer, Timing, calibrate
    >>> def networks(graphs, seconds, nominal):
    ...     times = [0.1 + nw.costs_of(graph, ["macs"])["macs"] / 1e5 for graph in graphs]
    ...     return [Timing(ms, 0.0, 0.99 * ms, 1.01 * ms, 30, 10, 0.0) for ms in times]
    >>> board = Timer(reference=lambda seconds: 1e-4, networks=networks)
    >>> layer = nw.conv(nw.oneof(8, 16, 24, 32), kernel=nw.oneof(1, 3, 5))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8), name="toy")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = calibrate("board", [space], networks=12, journal=Path(folder) / "board.jsonl", timer=board)
    ...     found.save(Path(folder) / "board.json")
    ...     Calibration.load(Path(folder) / "board.json").measured == found.measured
    True

    spaces: whose designs they are. device, runtime: as `this_device` and `this_runtime` tell. reference_ms: of the
    reference network at the device's best. network: the model of a network's latency, which knows what is fused.
    blocks: one in which each node counts for itself, so that it holds for any part of a network, too.
    """

    name: str
    spaces: tuple[str, ...]
    setup: Setup
    device: Mapping[str, Any]
    runtime: Mapping[str, str]
    reference_ms: float
    measured: tuple[Measured, ...]
    network: Fit
    blocks: Fit

    @classmethod
    def fitted(cls, measured: Sequence[Measured], **facts: Any) -> Calibration:
        """Learn both models from what was measured; raises EvaluationError when that is too little."""
        network = fit([each.observed(fused=True) for each in measured])
        blocks = fit([each.observed(fused=False) for each in in_blocks(measured)], fused=False)
        return cls(measured=tuple(measured), network=network, blocks=blocks, **facts)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        kernels = list(dict.fromkeys(k for each in self.measured for k in (*each.kernels, *each.nodes)))
        number = {kernel: place for place, kernel in enumerate(kernels)}

        def counts(of: Mapping[Kernel, int]) -> dict[str, int]:
            return {str(number[kernel]): count for kernel, count in of.items()}

        return {
            "format": FORMAT, "version": VERSION, "name": self.name, "spaces": list(self.spaces),
            "setup": asdict(self.setup), "device": dict(self.device), "runtime": dict(self.runtime),
            "reference_ms": self.reference_ms,
            "network": _fit_to_json(self.network), "blocks": _fit_to_json(self.blocks),
            "kernels": [kernel.to_json() for kernel in kernels],
            "measured": [
                {
                    "what": each.what, "whole": each.whole, "ms": each.ms, "error": each.error, "turn": each.turn,
                    "kernels": counts(each.kernels), "nodes": counts(each.nodes),
                }
                for each in self.measured
            ],
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Calibration:
        """Calibration of plain data; nothing is learned again.

        Raises DataError, which says what is missing or wrong.
        """
        if data.get("format") != FORMAT or data.get("version") != VERSION:
            given = f"{data.get('format')!r}, version {data.get('version')!r}"
            raise DataError(f"a calibration is of format {FORMAT!r}, version {VERSION}, but got {given}.")
        try:
            kernels = [Kernel.from_json(each) for each in data["kernels"]]
            measured = tuple(_measured(each, kernels) for each in data["measured"])
            blocks = [each.observed(fused=False) for each in in_blocks(measured)]
            cache = None if data["network"]["cache"] is None else int(data["network"]["cache"])
            network = in_runs([each.observed(fused=True) for each in measured], cache)
            return cls(
                str(data["name"]), tuple(map(str, data["spaces"])), Setup(**data["setup"]), dict(data["device"]),
                dict(data["runtime"]), float(data["reference_ms"]), measured,
                _fit_from_json(data["network"], network, cache), _fit_from_json(data["blocks"], blocks, None),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise DataError(
                f"a calibration must have all its parts, but one is missing or wrong: {type(error).__name__} {error}."
            ) from error

    def save(self, path: Path) -> None:
        """Write the file; raises DataError where that is not possible."""
        write_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path, *, any_runtime: bool = False) -> Calibration:
        """Read a file.

        any_runtime: take one that was made on this machine with another version of the runtime, too.

        Raises DataError for a file that is no calibration, and for one of another version of the runtime.
        """
        found = cls.from_json(read_json(path))
        now = this_runtime(found.setup)
        here = found.device.get("hash") == this_device()["hash"]
        if here and not any_runtime and found.runtime.get("hash") != now["hash"]:
            raise DataError(
                f"a calibration holds for the runtime that it was measured with, {found.runtime.get('package')} "
                f"{found.runtime.get('version')}, but here is {now['package']} {now['version']}: calibrate again, "
                f"or take it as it is by the name {found.name}:any-runtime."
            )
        return found


def in_blocks(measured: Sequence[Measured]) -> list[Measured]:
    """What the sum over blocks is learned from: designs all of whose parts run, where there are enough of them.

    A design with parts that lead nowhere costs less than its blocks do, which says nothing of any block.
    """
    living = [each for each in measured if each.lives]
    return living if len([each for each in living if each.whole]) >= FEWEST else list(measured)


def _fit_to_json(found: Fit) -> dict[str, Any]:
    return {
        "roofline": found.model.roofline.to_json(),
        "cache": found.cache,
        "smoothness": asdict(found.model.smoothness),
        "deviations": {f"{share:.0%}": width for share, width in found.widths.items()},
        "left_out": found.checked,
        "errors": [round(error, 6) for error in found.errors],
    }


def _fit_from_json(data: Mapping[str, Any], observations: Sequence[Observation], cache: int | None) -> Fit:
    errors = tuple(map(float, data["errors"]))
    if len(errors) != len(observations) or not observations:
        raise ValueError(f"{len(errors)} errors for {len(observations)} measured networks")
    smoothness = Smoothness(**{name: float(value) for name, value in data["smoothness"].items()})
    model = KernelModel(Roofline.from_json(data["roofline"]), smoothness, observations, errors)
    widths = {share: float(data["deviations"][f"{share:.0%}"]) for share in SHARES}
    return Fit(model, cache, errors, widths, {str(name): float(value) for name, value in data["left_out"].items()})


def _measured(data: Mapping[str, Any], kernels: Sequence[Kernel]) -> Measured:
    def counts(of: Mapping[str, Any]) -> dict[Kernel, int]:
        return {kernels[int(place)]: int(count) for place, count in of.items()}

    ms, error = float(data["ms"]), float(data["error"])
    if not (0 < ms < float("inf") and 0 <= error < float("inf")):
        raise ValueError(f"{ms} ms with error {error} in {data['what']!r}")
    # Files of before moments were kept have none.
    turn = None if data.get("turn") is None else int(data["turn"])
    return Measured(
        str(data["what"]), ms, error, counts(data["kernels"]), counts(data["nodes"]), bool(data["whole"]), turn
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith(("model name", "Model")):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
