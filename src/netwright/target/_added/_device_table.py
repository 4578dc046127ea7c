"""The file of a device that was measured on many designs: columns, read when they are asked for."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.errors import DataError
from netwright.space import Design
from netwright.target._added._file import DeviceFile, check_inputs, read_device_file
from netwright.target._additive import AdditiveFit
from netwright.target._base import QUANTITIES
from netwright.target._design_table import DesignTable
from netwright.target._folder import TABLE
from netwright.target._table_columns import TableColumns

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["MANY", "DeviceTable", "read_device"]

Json = Mapping[str, Any]

MANY = 100
"""Measured designs from which on a device's own table tells of all others, and helps to foretell other devices."""
FORMAT, VERSION = "netwright-device-table", 1
HEAD = "device.json"
BROKEN = (
    OSError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError, zipfile.BadZipFile,
    NotImplementedError, RuntimeError,
)  # fmt: skip
"""What comes of a file that is no such table, or one that was cut short."""


@dataclass(frozen=True)
class DeviceTable:
    """What a device's file says of it, and the columns of its designs.

    Kept as a ZIP archive: `device.json`, which names each place of a design and its options; `codes.npy`, with a row
    of their numbers for each design, 0 where a place is not decided; and an array for each quantity.

    device, space, runtime, protocol, extra: as in `DeviceFile`. columns: reads the designs. fits: sums over decisions
    by quantity.
    """

    device: str
    space: Json
    runtime: Json | None
    columns: Callable[[], TableColumns]
    count: int
    quantities: list[str]
    protocol: Json | None = None
    extra: Json | None = None
    fits: Mapping[str, AdditiveFit] = field(default_factory=dict)
    pool: tuple[Design, ...] = ()

    @classmethod
    def of(
        cls, columns: TableColumns, device: str, space: Json, runtime: Json | None, protocol: Json | None = None,
        extra: Json | None = None,
    ) -> DeviceTable:  # fmt: skip
        """Table of columns."""
        known = [quantity for quantity in QUANTITIES if quantity in columns.values]
        return cls(device, space, runtime, lambda: columns, len(columns.designs), known, protocol, extra)

    def with_fits(self) -> DeviceTable:
        """The table with sums over decisions fitted to it."""
        columns = self.columns()
        fits = {quantity: AdditiveFit.of(columns.designs, columns.values[quantity]) for quantity in self.quantities}
        return replace(self, columns=lambda: columns, fits=fits)

    def check_space(self, space: Space, *, every: bool = False) -> None:
        """Raise DataError unless designs that take all decisions of the table are of the space, at its inputs.

        every: check all designs, as is due where a file comes from somebody else.
        """
        check_inputs(self.device, self.space, space)
        designs = self.columns().designs
        rows = range(len(designs)) if every else designs.witnesses()
        known = space.unrestricted.contains_each([designs[row] for row in rows])
        strange = next((row for row, has in zip(rows, known, strict=True) if not has), None)
        if strange is not None:
            raise DataError(
                f"designs must be of {space.name}, but row {strange + 1} of {self.device} has"
                f" {str(dict(designs[strange]))[:200]}."
            )

    def content(self) -> bytes:
        """The file."""
        columns = self.columns()
        head = {
            "format": FORMAT, "version": VERSION, "device": self.device, "runtime": self.runtime,
            "protocol": self.protocol, "extra": self.extra, "space": self.space, "designs": self.count,
            "quantities": self.quantities, "fits": {name: fit.with_prices() for name, fit in self.fits.items()},
            "places": columns.designs.places, "options": columns.designs.options,
        }  # fmt: skip
        arrays = {"codes": columns.designs.codes, **columns.values}
        arrays |= {f"{quantity}-interval": ends for quantity, ends in columns.intervals.items()}
        if any(columns.graphs):
            arrays["graphs"] = np.asarray(columns.graphs, dtype=np.str_)
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(HEAD, json.dumps(head, indent=1) + "\n")
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w") as part:
                    np.lib.format.write_array(part, np.asarray(array), allow_pickle=False)
        return whole.getvalue()


def read_device(path: Path, *, edited: bool = False) -> DeviceFile | DeviceTable:
    """What was measured on a device: a file that `measure.py` wrote, or one that was kept of many designs.

    edited: as in `read_device_file`. Raises DataError, in one sentence, for what is no such file.
    """
    if path.suffix.lower() != TABLE:
        return read_device_file(path, edited=edited)
    if not path.is_file():
        raise DataError(f"no device file {path} exists.")
    try:
        with zipfile.ZipFile(path) as archive:
            head = json.loads(archive.read(HEAD))
        if (head["format"], head["version"]) != (FORMAT, VERSION):
            raise ValueError(f"it is of {head['format']} {head['version']}")
        return DeviceTable(
            str(head["device"]), dict(head["space"]), head["runtime"], lambda: _columns(path, head),
            int(head["designs"]), list(head["quantities"]), head["protocol"], head["extra"],
            {name: AdditiveFit.from_json(fit) for name, fit in head["fits"].items()},
        )  # fmt: skip
    except BROKEN as error:
        raise _no_table(path, error) from error


def _columns(path: Path, head: Json) -> TableColumns:
    try:
        with zipfile.ZipFile(path) as archive:
            if json.loads(archive.read(HEAD)) != head:
                raise ValueError("it was replaced while it was read")
            names = archive.namelist()
            arrays = {name.removesuffix(".npy"): _array(archive, name) for name in names if name != HEAD}
        codes = arrays["codes"]
        most = np.array([len(own) for own in head["options"]])
        if codes.shape != (head["designs"], len(head["places"])) or (codes.max(axis=0) > most).any():
            raise ValueError("its codes are of other designs")
        designs = DesignTable(head["places"], head["options"], codes)
        values = {quantity: arrays[quantity] for quantity in head["quantities"]}
        spreads = {quantity: arrays[name] for quantity in values if (name := f"{quantity}-interval") in arrays}
        graphs = arrays["graphs"].tolist() if "graphs" in arrays else ()
        return TableColumns.of(head["device"], designs, values, spreads, graphs)
    except BROKEN as error:
        raise _no_table(path, error) from error


def _array(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(name) as part:
        return np.lib.format.read_array(part, allow_pickle=False)


def _no_table(path: Path, error: Exception) -> DataError:
    return DataError(f"a device table is a file that netwright kept, but {path} is broken: {error}.")
