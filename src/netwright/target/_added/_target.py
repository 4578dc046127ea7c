"""A device that a user added."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright._count import counted
from netwright.errors import DataError, EvaluationError
from netwright.graph import canonical_hash
from netwright.target._added._device_table import MANY, DeviceTable, read_device
from netwright.target._added._few import Foretold, foretell
from netwright.target._added._file import DeviceFile, Measured, shapes_text
from netwright.target._added._kept import Kept, kept_path
from netwright.target._added._on_device import FORMAT
from netwright.target._additive import AdditiveFit
from netwright.target._base import QUANTITIES, Estimate, Target, UniformTarget
from netwright.target._folder import TABLE, format_of, saved_targets
from netwright.target._table_target import TableTarget

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Design, Space

__all__ = ["AddedDevice", "MeasuredNetworks", "is_added", "load_added", "references_for", "tables_of"]

Json = Mapping[str, Any]


class AddedDevice(TableTarget):
    """A device measured on designs of a space; with few of them, foretold from other devices where that is better.

    >>> from netwright.space import Design
    >>> from netwright.target import DeviceFile, Measured
    >>> tried = [Design({"kernel": k, "width": w}) for k in (3, 5) for w in (8, 16, 24, 32)]
    >>> rows = [Measured({"latency_ms": design["kernel"] + design["width"] / 8}, design) for design in tried]
    >>> phone = AddedDevice("phone", DeviceFile("phone", tuple(rows), space={"name": "toy", "input": [[1, 8, 8]]}))
    >>> phone.latency(None, tried[0]).value
    4.0

    file: what was measured. others: tables of other devices on designs of the same space. kept: where what is
    learned from few designs is kept.
    """

    kind = "added device"

    def __init__(
        self,
        name: str,
        file: DeviceFile | DeviceTable,
        others: Mapping[str, TableTarget] | None = None,
        kept: Kept | None = None,
    ) -> None:
        self._begin(name, file.quantities, file.columns, _about(file))
        self.file = file
        self.unread = tuple(map(str, (file.protocol or {}).get("unread", ())))
        self.others = {} if others is None else others
        self._kept = kept
        self._foretellings: dict[str, Foretold] = {}

    @property
    def few(self) -> bool:
        """Whether so few designs were measured that other devices are asked, too."""
        return self.file.count < MANY

    @property
    def how(self) -> str:
        ways = ", ".join(
            f"{quantity.partition('_')[0]} by {self.method(quantity)}" for quantity in sorted(self.knows)
        )
        return f"{counted(self.file.count, 'design')} measured ({self.source}); other designs: {ways}"

    def method(self, quantity: str) -> str:
        """How designs that were not measured are told, in words."""
        return self._foretelling(quantity).method if self.few else "a sum over decisions"

    def fit(self, quantity: str) -> AdditiveFit:
        if self.few:
            return self._foretelling(quantity).fit
        return self.file.fits.get(quantity) or super().fit(quantity)

    def _estimate(self, quantity: str, graph: Graph, design: Mapping[str, Any] | None) -> Estimate:
        """As a table tells it; a network without a design is known where it is one of the measured ones."""
        shapes = (self.file.space or {}).get("input")
        if shapes and graph is not None and [*graph.inputs[0].shape[1:]] not in shapes:
            raise EvaluationError(
                f"target {self.name} was measured with inputs of {shapes_text(shapes)}, but got"
                f" {shapes_text([graph.inputs[0].shape[1:]])}."
            )
        known = self._by_graph.get(canonical_hash(graph)) if design is None else design
        return super()._estimate(quantity, graph, known)

    @cached_property
    def _by_graph(self) -> dict[str, Design]:
        return {graph: self.designs[row] for row, graph in enumerate(self.columns.graphs) if graph}

    def additive(self, quantity: str, space: Space, name: str) -> Any:
        self.file.check_space(space)
        return super().additive(quantity, space, name)

    def _foretold(self, quantity: str, design: Design) -> Estimate:
        known = self._foretelling(quantity).table.get(design) if self.few else None
        if known is None:
            return super()._foretold(quantity, design)
        how = f"{self.method(quantity)} by {len(self.designs):,} measured designs, 90 % interval"
        return Estimate(*known, QUANTITIES[quantity][1], how)

    def _foretelling(self, quantity: str) -> Foretold:
        if quantity not in self._foretellings:
            known = self._kept.get(quantity) if self._kept else None
            self._foretellings[quantity] = known or self._learned(quantity)
        return self._foretellings[quantity]

    def _learned(self, quantity: str) -> Foretold:
        found = foretell(self.designs, np.asarray(self.values[quantity]), self.file.pool, self.others, quantity)
        if self._kept:
            self._kept.put(quantity, found)
        return found

    @cached_property
    def decisions(self) -> AbstractSet[tuple[str, Any]]:
        own = self.designs.decisions
        return own.union(*(design.items() for design in self.file.pool)) if self.few else own


class MeasuredNetworks(UniformTarget):
    """A device measured on networks that are no designs of a space: it knows these and no others.

    >>> from netwright.graph import Graph, canonical_hash, image, ops
    >>> from netwright.target import DeviceFile, Measured
    >>> x = image(3, 8, 8)
    >>> relu = Graph([x], [ops.relu(x)])
    >>> rows = (Measured({"latency_ms": 0.5}, network="relu", graph=canonical_hash(relu)),)
    >>> MeasuredNetworks("phone", DeviceFile("phone", rows)).latency(relu).value
    0.5
    """

    kind = "added device"

    def __init__(self, name: str, file: DeviceFile) -> None:
        super().__init__(name)
        self.file = file
        self.knows = frozenset(file.quantities)

    @property
    def how(self) -> str:
        return f"{counted(len(self.file.rows), 'network')} measured ({_about(self.file)}); no others are known"

    @cached_property
    def _by_graph(self) -> dict[str | None, Measured]:
        return {row.graph: row for row in self.file.rows}

    def _estimate(self, quantity: str, graph: Graph, design: Mapping[str, Any] | None) -> Estimate:
        row = self._by_graph.get(canonical_hash(graph))
        if row is None:
            names = ", ".join(str(each.network) for each in self.file.rows[:5])
            raise EvaluationError(f"target {self.name} knows {names} as measured, but got another network.")
        value = row.values[quantity]
        low, high = row.interval if row.interval and quantity == "latency_ms" else (value, value)
        return Estimate(value, low, high, QUANTITIES[quantity][1], f"measured, {_about(self.file)}")


def is_added(path: Path) -> bool:
    """Whether a file in the user's folder was put there by `add_target`."""
    return path.suffix == TABLE or format_of(path) == FORMAT


def load_added(name: str) -> Target:
    """Target that was added under this name; raises DataError where its file is broken, KeyError where it is none."""
    files = {each: (str(path), path.stat().st_mtime_ns) for each, path in _added_files().items()}
    return _loaded(name, files[name], tuple(sorted(files.items())))


def _added_files() -> dict[str, Path]:
    return {name: path for name, path in saved_targets().items() if is_added(path)}


def references_for(file: DeviceFile | DeviceTable, *, apart_from: str) -> dict[str, TableTarget]:
    """Added devices with many measured designs of the same space and input as a file, by name."""
    return {name: table for name, (table, _) in _tables(file.space or {}).items() if name != apart_from}


def tables_of(name: str, space: Space) -> dict[str, TableTarget]:
    """Added devices with many measured designs of a space of this name and its inputs, by name.

    >>> import json
    >>> import os
    >>> import tempfile
    >>> from pathlib import Path
    >>> from unittest.mock import patch
    >>> import netwright as nw
    >>> from netwright.target import DeviceFile, Measured, add_target
    >>> layer = nw.conv(nw.integer(4, 60), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8), name="toy")
    >>> rows = tuple(Measured({"latency_ms": float(d["conv.channels"])}, d) for d in space.enumerate())
    >>> file = DeviceFile("phone", rows, space={"name": "toy", "input": [[1, 8, 8]], "classes": 10})
    >>> with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, NETWRIGHT_HOME=home):
    ...     path = Path(home) / "device.json"
    ...     _ = path.write_text(json.dumps(file.to_json()))
    ...     _ = add_target(path, space=space)
    ...     tables_of("toy", space)
    {'phone': <target phone: latency_ms>}
    """
    told = {"name": name, "input": [list(tensor.shape[1:]) for tensor in space.inputs.values()]}
    return {name: table for name, (table, _) in _tables(told).items()}


def _tables(told: Json) -> dict[str, tuple[TableTarget, Path]]:
    """Added devices with many measured designs of a space, and their files; one that is broken is left out."""
    found: dict[str, tuple[TableTarget, Path]] = {}
    for name, path in _added_files().items():
        changed = path.stat().st_mtime_ns
        # What is wrong with a file is said where its own device is asked about.
        with suppress(DataError):
            other = _read(str(path), changed)
            if other.space is not None and _same(other.space, told) and other.count >= MANY:
                found[name] = _table(name, str(path), changed), path
    return found


# A study asks for its target by name again for every trial; files are read again when they have changed.
@lru_cache(maxsize=64)
def _loaded(name: str, place: tuple[str, int], all_files: object) -> Target:
    file = _read(*place)
    if isinstance(file, DeviceTable) or file.count >= MANY:
        return AddedDevice(name, file)
    if file.space is None:
        return MeasuredNetworks(name, file)
    return AddedDevice(name, file, references_for(file, apart_from=name), _kept(name, Path(place[0]), file))


def _kept(name: str, path: Path, file: DeviceFile) -> Kept:
    """What was learned of a device from its own file and the tables of the others that tell the same quantity."""
    own = file.to_json()["sha256"]
    others = [
        (each, table.knows, sha256(path.read_bytes()).hexdigest())
        for each, (table, path) in sorted(_tables(file.space or {}).items()) if each != name
    ]  # fmt: skip
    parts = {
        quantity: [own, *(part for each, knows, digest in others if quantity in knows for part in (each, digest))]
        for quantity in file.quantities
    }
    return Kept(kept_path(path), parts, [*(row.design for row in file.designs if row.design), *file.pool])


@lru_cache(maxsize=64)
def _table(name: str, path: str, changed: int) -> AddedDevice:
    return AddedDevice(name, _read(path, changed))


@lru_cache(maxsize=64)
def _read(path: str, changed: int) -> DeviceFile | DeviceTable:
    return read_device(Path(path))


def _same(a: Json, b: Json) -> bool:
    return a.get("name") == b.get("name") and a.get("input") == b.get("input")


def _about(file: DeviceFile | DeviceTable) -> str:
    runtime = file.runtime or {}
    setup = [f"{runtime.get('name', '')} {runtime.get('version', '')}".strip()]
    setup += [f"{runtime['threads']} threads" if runtime.get("threads", 1) != 1 else ""]
    setup += [f"batch {runtime['batch']}" if runtime.get("batch", 1) != 1 else ""]
    return ", ".join(part for part in (file.device, *setup) if part)
