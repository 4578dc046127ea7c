"""The file that a device's measurements are brought back in: read, checked and written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._text import read_text
from netwright.errors import DataError, DesignError
from netwright.space import Design
from netwright.target._added._on_device import FORMAT, VERSION, digest
from netwright.target._additive import AdditiveFit
from netwright.target._base import QUANTITIES
from netwright.target._design_table import DesignTable
from netwright.target._table_columns import TableColumns
from netwright.target._table_file import UNITS

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["DeviceFile", "Measured", "check_inputs", "read_device_file", "shapes_text"]

Json = Mapping[str, Any]

KEYS = ("format", "version", "device", "runtime", "system", "protocol", "measured", "unit", "space", "pool", "rows",
        "sha256")  # fmt: skip
OTHER_COLUMNS = ("design", "network", "graph", "low_ms", "high_ms", "runs", "spread")
LATENCY_UNITS = tuple(column.partition("_")[2] for column, (quantity, _) in UNITS.items() if quantity == "latency_ms")


@dataclass(frozen=True)
class Measured:
    """What was measured of one network: its values by quantity, in ms, mJ and bytes, and the interval of its latency.

    >>> from netwright.space import Design
    >>> Measured({"latency_ms": 0.5}, Design({"kernel": 3}), interval=(0.48, 0.53)).values["latency_ms"]
    0.5

    A network is a design of the file's space, or has the name of a file; graph: its canonical hash.
    """

    values: Mapping[str, float]
    design: Design | None = None
    network: str | None = None
    graph: str | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class DeviceFile:
    """Everything that a device's file says; see docs/targets.md.

    >>> from netwright.space import Design
    >>> rows = [Measured({"latency_ms": kernel / 10}, Design({"kernel": kernel})) for kernel in (3, 5)]
    >>> file = DeviceFile("phone", tuple(rows), space={"name": "toy", "input": [[1, 8, 8]], "classes": 10})
    >>> len(file.designs), file.quantities
    (2, ['latency_ms'])

    device: its name. space: null, or name, input (shapes without the batch) and classes. runtime, protocol: how it
    was measured. pool: designs by which one device is compared with another. extra: what else the file says.
    """

    device: str
    rows: tuple[Measured, ...]
    space: Json | None = None
    runtime: Json | None = None
    protocol: Json | None = None
    pool: tuple[Design, ...] = ()
    extra: Json | None = None

    @property
    def count(self) -> int:
        """Number of measured designs."""
        return len(self.designs)

    @property
    def fits(self) -> Mapping[str, AdditiveFit]:
        """Sums over decisions that the file has; it has none."""
        return {}

    def columns(self) -> TableColumns:
        """The rows that are designs, as columns; a measurement without an interval is taken as it is."""
        rows = self.designs
        values = {quantity: [row.values[quantity] for row in rows] for quantity in self.quantities}
        spread = [row.interval or (row.values["latency_ms"],) * 2 for row in rows if "latency_ms" in row.values]
        return TableColumns.of(
            self.device, DesignTable.of([row.design or {} for row in rows]), values,
            {"latency_ms": spread} if spread else {}, [row.graph or "" for row in rows],
        )  # fmt: skip

    @property
    def designs(self) -> list[Measured]:
        """Rows that are designs of the space."""
        return [row for row in self.rows if row.design is not None]

    @property
    def quantities(self) -> list[str]:
        """What was measured of every row."""
        return [name for name in QUANTITIES if self.rows and name in self.rows[0].values]

    def check_space(self, space: Space) -> None:
        """Raise DataError unless every design is of the space, at the input that the file states."""
        if self.space is None:
            raise DataError(f"{self.device} measured networks without a space, so it says nothing of {space.name}.")
        check_inputs(self.device, self.space, space)
        numbers = [number for number, row in enumerate(self.rows) if row.design is not None]
        known = space.unrestricted.contains_each([row.design for row in self.rows if row.design is not None])
        strange = next((number for number, has in zip(numbers, known, strict=True) if not has), None)
        if strange is not None:
            raise DataError(
                f"designs must be of {space.name}, but row {strange + 1} of {self.device} has"
                f" {_short(self.rows[strange].design or {})}."
            )

    def to_json(self) -> dict[str, Any]:
        """The document, with its digest."""
        content = {
            "format": FORMAT, "version": VERSION, "device": self.device, "runtime": self.runtime,
            "protocol": self.protocol, **(self.extra or {}), "unit": "ms", "space": self.space,
            "pool": [dict(design) for design in self.pool], "rows": [_row_json(row) for row in self.rows],
        }  # fmt: skip
        return {**content, "sha256": digest(content)}


def read_device_file(path: str | PathLike[str], *, edited: bool = False) -> DeviceFile:
    """File that `measure.py` wrote on a device, checked.

    >>> import json
    >>> import tempfile
    >>> from pathlib import Path
    >>> rows = (Measured({"latency_ms": 0.5}, network="one.onnx"), Measured({"latency_ms": 0.9}, network="two.onnx"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "device.json"
    ...     _ = path.write_text(json.dumps(DeviceFile("phone", rows).to_json()))
    ...     read_device_file(path).rows[0].values
    {'latency_ms': 0.5}

    edited: take a file whose content was changed since it was written, such as one with a column of energy put in.

    Raises DataError, in one sentence, for each fault: another format or version, a digest that does not match,
    columns that are not known, units that contradict, rows that repeat, values that are missing or not positive.
    """
    file = Path(path)
    content = _content(file)
    if not edited and content.get("sha256") != digest(content):
        raise DataError(
            f"a device file is as the script wrote it, but {file.name} was changed since; --edited takes it so."
        )
    rows = content["rows"]
    units = _columns(rows, content.get("unit"), file.name)
    read = tuple(_measured(row, number, units, file.name) for number, row in enumerate(rows, 1))
    _check_repeats(read, file.name)
    space = content.get("space")
    if space is None and any(row.design is not None for row in read):
        raise DataError(f"designs are of a space, but {file.name} has designs and no space.")
    pool = tuple(_design(design, f"pool of {file.name}") for design in content.get("pool") or ())
    extra: dict[str, Any] = {key: content[key] for key in ("system", "measured") if key in content}
    return DeviceFile(
        str(content["device"]), read, space, content.get("runtime"), content.get("protocol"), pool, extra
    )


def _content(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise DataError(f"no device file {file} exists.")
    try:
        content = json.loads(read_text(file))
    except ValueError as error:
        raise DataError(f"a device file is JSON, but {file.name}: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"a device file has the format {FORMAT!r}, but {file.name} is another document.")
    if content.get("version") != VERSION:
        raise DataError(
            f"a device file is of format version {VERSION}, but {file.name} is of {content.get('version')}; make its"
            " script anew with this version of netwright."
        )
    strange = next((key for key in content if key not in KEYS), None)
    if strange is not None:
        raise DataError(f"a device file has the keys {', '.join(KEYS)}, but {file.name} has {strange!r}.")
    rows = content.get("rows")
    if not isinstance(rows, list) or len(rows) < 2 or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"a device file has 2 rows or more, each an object, but {file.name} has not.")
    if not isinstance(content.get("device"), str):
        raise DataError(f"a device file states the device's name, but {file.name} does not.")
    _check_parts(content, file.name)
    return content


def _check_parts(content: Json, file: str) -> None:
    """Raise DataError where a part of a file that someone else wrote is not made as the script makes it."""
    for key in ("runtime", "protocol", "space"):
        if not isinstance(content.get(key) or {}, dict):
            raise DataError(f"the {key} in a device file is an object or null, but {file} has {content[key]!r}.")
    if not isinstance(content.get("pool") or [], list):
        raise DataError(f"the pool in a device file is a list of designs, but {file} has {content['pool']!r}.")
    space = content.get("space") or {}
    shapes, classes = space.get("input"), space.get("classes")
    if shapes is not None and not _are_shapes(shapes):
        raise DataError(f"the input of a space is a list of shapes such as [[3, 32, 32]], but {file} has {shapes!r}.")
    if classes is not None and not (_is_whole(classes) and classes > 0):
        raise DataError(f"the classes of a space are a number of 1 or more, but {file} has {classes!r}.")


def _are_shapes(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(shape, list) and all(map(_is_whole, shape)) for shape in value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _columns(rows: Sequence[Json], unit: object, file: str) -> dict[str, tuple[str, float]]:
    """Quantity and factor by column."""
    units = {name: how for name, how in UNITS.items() if name in rows[0]}
    if not units:
        raise DataError(
            f"rows have a value named for its unit as one of {', '.join(UNITS)}, but those of {file} have"
            f" {', '.join(rows[0])}."
        )
    for number, row in enumerate(rows, 1):
        strange = next((name for name in row if name not in UNITS and name not in OTHER_COLUMNS), None)
        if strange is not None:
            raise DataError(
                f"columns are {', '.join((*OTHER_COLUMNS, *UNITS))}, but row {number} of {file} has {strange!r}."
            )
        uneven = next((name for name in UNITS if (name in row) != (name in units)), None)
        if uneven is not None:
            raise DataError(f"every row must have every column, but {uneven} is not in all rows of {file}.")
    _check_units(list(units), unit, file)
    return units


def _check_units(columns: Sequence[str], unit: object, file: str) -> None:
    of: dict[str, str] = {}
    for column in columns:
        quantity = UNITS[column][0]
        if quantity in of:
            raise DataError(f"a device has one column of {quantity}, but {file} has {of[quantity]} and {column}.")
        of[quantity] = column
    named = of.get("latency_ms", "latency_ms").rpartition("_")[2]
    if unit is not None and unit not in LATENCY_UNITS:
        raise DataError(f"the unit of a latency is one of {', '.join(LATENCY_UNITS)}, but {file} has {unit!r}.")
    if unit is not None and unit != named:
        raise DataError(
            f"the unit of a column is in its name, but {file} has latency_{named} and states {unit!r} as its unit."
        )


def _measured(row: Json, number: int, units: Mapping[str, tuple[str, float]], file: str) -> Measured:
    where = f"row {number} of {file}"
    if ("design" in row) == ("network" in row):
        raise DataError(f"a row is of a design or of a network, but {where} has {', '.join(row)}.")
    values = {quantity: _number(row[name], name, where) * factor for name, (quantity, factor) in units.items()}
    interval = None
    if "low_ms" in row and "high_ms" in row and "latency_ms" in units:
        interval = (_number(row["low_ms"], "low_ms", where), _number(row["high_ms"], "high_ms", where))
        if not interval[0] <= values["latency_ms"] <= interval[1]:
            raise DataError(
                f"`low_ms <= latency_ms <= high_ms` must hold, but {where} has {interval[0]:g},"
                f" {values['latency_ms']:g}, {interval[1]:g}."
            )
    design = _design(row["design"], where) if "design" in row else None
    network = str(row["network"]) if "network" in row else None
    return Measured(values, design, network, row.get("graph"), interval)


def _number(value: object, column: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise DataError(f"{column} must be a positive number, but {where} has {value!r}.")
    return float(value)


def _design(value: object, where: str) -> Design:
    if not isinstance(value, dict):
        raise DataError(f"a design is an object of decisions, but {where} has {value!r}.")
    try:
        return Design(value)
    except DesignError as error:
        raise DataError(f"{where} must hold a design: {error}") from error


def _check_repeats(rows: Sequence[Measured], file: str) -> None:
    known: dict[object, int] = {}
    for number, row in enumerate(rows, 1):
        before = known.setdefault(row.design if row.design is not None else row.network, number)
        if before != number:
            raise DataError(f"a device has each network once, but rows {before} and {number} of {file} are one.")


def _row_json(row: Measured) -> dict[str, Any]:
    return dict(_row_parts(row))


def _row_parts(row: Measured) -> Iterator[tuple[str, Any]]:
    if row.design is not None:
        yield "design", dict(row.design)
    if row.network is not None:
        yield "network", row.network
    if row.graph is not None:
        yield "graph", row.graph
    yield from row.values.items()
    if row.interval is not None:
        yield "low_ms", row.interval[0]
        yield "high_ms", row.interval[1]


def check_inputs(device: str, told: Json, space: Space) -> None:
    """Raise DataError unless a space has the inputs that the space of a device's file is told to have."""
    shapes = [list(tensor.shape[1:]) for tensor in space.inputs.values()]
    if told.get("input", shapes) != shapes:
        raise DataError(
            f"a device must be asked about the inputs that it was measured with, but {device} has"
            f" {shapes_text(told['input'])} and the space {shapes_text(shapes)}."
        )


def shapes_text(shapes: Sequence[Sequence[int]]) -> str:
    """Shapes as people write them.

    >>> shapes_text([[3, 32, 32], [3, 64, 64]])
    '3x32x32 | 3x64x64'
    """
    return " | ".join("x".join(map(str, shape)) for shape in shapes)


def _short(design: Mapping[str, Any]) -> str:
    text = json.dumps(dict(design))
    return text if len(text) <= 200 else f"{text[:200]}..."
