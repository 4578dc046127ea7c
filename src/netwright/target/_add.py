"""Adding a device: its file is checked and kept in the user's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._text import read_text
from netwright.errors import DataError, UnknownNameError
from netwright.target._added import (
    MANY,
    DecisionPrices,
    DeviceFile,
    DeviceTable,
    Measured,
    draw_pool,
    has_decisions,
    kept_path,
    load_added,
    prices_of,
    read_device,
    references_for,
)
from netwright.target._base import Target
from netwright.target._calibrate import FORMAT as CALIBRATION
from netwright.target._calibrate import Calibrated, Calibration
from netwright.target._data_sheet import own_data_sheets, read_data_sheet
from netwright.target._folder import (
    TABLE,
    check_name,
    format_of,
    keep_only,
    saved_targets,
    targets_folder,
    write_bytes,
    write_json,
    write_text,
)
from netwright.target._registry import target_names
from netwright.target._roofline_target import RooflineTarget
from netwright.target._table_file import SUFFIXES, Row, rows_of, table_of

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["add_target", "remove_target"]


def add_target(
    path: str | Path,
    *,
    name: str | None = None,
    space: Space | None = None,
    told: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
    edited: bool = False,
    overwrite: bool = False,
) -> Target:
    """Check a device's file and keep it, so that `latency_ms@NAME` can be asked; the target.

    >>> import os
    >>> import tempfile
    >>> from pathlib import Path
    >>> from unittest.mock import patch
    >>> import netwright as nw
    >>> space = nw.Space(nw.conv(nw.oneof(8, 16), kernel=nw.oneof(1, 3)), input=nw.image(1, 8, 8), name="toy")
    >>> with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, NETWRIGHT_HOME=home):
    ...     file = Path(home) / "phone.csv"
    ...     _ = file.write_text("channels,kernel,latency_ms\\n8,1,0.2\\n8,3,0.4\\n16,1,0.3\\n16,3,0.7\\n")
    ...     phone = add_target(file, space=space)
    >>> phone, phone.latency(None, {"channels": 8, "kernel": 3}).value
    (<target phone: latency_ms>, 0.4)

    path: a file that `measure.py` wrote, a table of a space in CSV, Parquet or JSON, of designs (see `read_table`)
    or of decisions (see `DecisionPrices`), a data sheet in TOML (see `read_data_sheet`), or a calibration. name: of
    the target; the device's own if none. space: that the designs are of; one of the catalogue is found by its name
    in the file. told: the space's name and classes as the file should keep them, for a table. columns: as in
    `read_table`. edited: as in `read_device_file`. overwrite: replace a target that was added under this name.

    Raises DataError, in one sentence, for a file that is not as it should be, and for a name that is taken.
    """
    file = Path(path)
    if file.suffix.lower() == ".toml":
        return _add_data_sheet(file, name, overwrite)
    if format_of(file) == CALIBRATION:
        return _add_calibration(file, name, overwrite)
    if _is_table(file):
        if space is None:
            raise DataError(f"a table is of a space, but none is named for {file.name}; name it with --space.")
        rows = rows_of(file)
        if has_decisions(rows):
            prices = prices_of(rows, file, space, columns)
            return _keep_prices(prices, _named(name, file.stem, overwrite))
        measured = _of_table(rows, file, name or file.stem, space, told or {}, columns)
    elif columns:
        raise DataError(f"columns are named in a table, but {file.name} is what the script wrote.")
    else:
        measured = read_device(file, edited=edited)
        space = _checked_space(measured, space, file.name)
    target = _named(name, measured.device, overwrite)
    return _keep_device(_ready(measured, space, target), target)


def remove_target(name: str) -> Path:
    """Remove a target from the user's folder, added or calibrated; the path that its file had.

    >>> import os
    >>> import tempfile
    >>> from unittest.mock import patch
    >>> from netwright.target import saved_targets, targets_folder
    >>> with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, NETWRIGHT_HOME=home):
    ...     targets_folder().mkdir()
    ...     _ = (targets_folder() / "phone.json").write_text("{}")
    ...     remove_target("phone").name, saved_targets()
    ('phone.json', {})

    Raises UnknownNameError that lists those that are there.
    """
    files = saved_targets() | own_data_sheets()
    if name not in files:
        raise UnknownNameError("target of your own", name, files)
    files[name].unlink()
    kept_path(files[name]).unlink(missing_ok=True)
    return files[name]


def _checked_space(measured: DeviceFile | DeviceTable, space: Space | None, file: str) -> Space | None:
    """The space that a device's designs are of; None for one that was measured on other networks."""
    if measured.space is None:
        return space
    space = space or _catalogued(measured.space, file)
    if isinstance(measured, DeviceTable):
        measured.check_space(space, every=True)
    else:
        measured.check_space(space)
    return space


def _ready(measured: DeviceFile | DeviceTable, space: Space | None, target: str) -> DeviceFile | DeviceTable:
    """A file with the designs by which its device is compared with others; as a table where it has many itself."""
    if isinstance(measured, DeviceTable) or space is None:
        return measured
    if measured.count < MANY:
        return replace(measured, pool=tuple(draw_pool(space, references_for(measured, apart_from=target))))
    if measured.count < len(measured.rows) or measured.space is None:
        return measured
    return DeviceTable.of(
        measured.columns(), measured.device, measured.space, measured.runtime, measured.protocol, measured.extra
    )


def _keep_device(measured: DeviceFile | DeviceTable, target: str) -> Target:
    """Keep what was measured on a device under a name."""
    path = targets_folder() / f"{target}{TABLE if isinstance(measured, DeviceTable) else '.json'}"
    if isinstance(measured, DeviceTable):
        write_bytes(path, measured.with_fits().content())
    else:
        write_json(path, measured.to_json())
    keep_only(path)
    return load_added(target)


def _add_data_sheet(file: Path, name: str | None, overwrite: bool) -> Target:
    """Keep a data sheet under its own name, or another."""
    read_data_sheet(file)
    target = _named(name, file.stem, overwrite)
    path = targets_folder() / f"{target}.toml"
    write_text(path, read_text(file))
    keep_only(path)
    return RooflineTarget.parse(target)


def _add_calibration(file: Path, name: str | None, overwrite: bool) -> Target:
    """Keep what `netwright calibrate --out` wrote, here or on another machine, under its own name, or another."""
    found = Calibration.load(file)
    target = _named(name, found.name, overwrite)
    path = targets_folder() / f"{target}.json"
    replace(found, name=target).save(path)
    keep_only(path)
    return Calibrated.read(path, target)


def _keep_prices(prices: DecisionPrices, target: str) -> Target:
    """Keep a table of blocks under a name."""
    path = targets_folder() / f"{target}.json"
    write_json(path, prices.to_json())
    keep_only(path)
    return DecisionPrices.read(path, target)


def _is_table(file: Path) -> bool:
    """Whether a file is a table, rather than what the script wrote; raises DataError for one that can be neither."""
    if file.is_dir():
        raise DataError(f"a target is added from a file, as device.json, but {file} is a folder.")
    if file.suffix.lower() == TABLE:
        return False
    if file.suffix.lower() in SUFFIXES and file.suffix.lower() != ".json":
        return True
    try:
        start = read_text(file).lstrip()[:1] if file.is_file() else "{"
    except ValueError:
        start = ""
    if start != "{" and file.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"a target is added from what the script wrote, a data sheet ending in .toml or a table ending in"
            f" {', '.join(SUFFIXES)}, but got {file.name}."
        )
    return start == "["


def _of_table(
    rows: Sequence[Row],
    file: Path,
    name: str,
    space: Space,
    told: Mapping[str, Any],
    columns: Mapping[str, str] | None,
) -> DeviceFile | DeviceTable:
    table = table_of(rows, file, space, columns=columns)
    columns_read, protocol = table.columns, {"unread": list(table.unread)} if table.unread else None
    shapes = [list(tensor.shape[1:]) for tensor in space.inputs.values()]
    told_space, runtime = {"name": space.name, **told, "input": shapes}, {"name": f"table {file.name}"}
    if len(columns_read.designs) >= MANY:
        return DeviceTable.of(columns_read, name, told_space, runtime, protocol)
    measured = tuple(
        Measured({quantity: float(column[i]) for quantity, column in columns_read.values.items()}, design)
        for i, design in enumerate(columns_read.designs)
    )
    return DeviceFile(name, measured, told_space, runtime, protocol)


def _named(name: str | None, device: str, overwrite: bool) -> str:
    """The name that was asked for, or the device's own; raises DataError where it is taken, or can be no target's."""
    if not name:
        try:
            check_name(device)
        except DataError as error:
            raise DataError(f"{str(error)[:-1]}; state another as --name.") from error
    return _free(name or device, overwrite)


def _free(name: str, overwrite: bool) -> str:
    """The name; raises DataError where it is taken."""
    check_name(name)
    if name in saved_targets() | own_data_sheets():
        if not overwrite:
            raise DataError(f"a target is added once, but {name} is there; state another name, or --overwrite.")
    elif name in target_names():
        raise DataError(f"a target has a name of its own, but {name} comes with netwright; state another as --name.")
    return name


def _catalogued(told: Mapping[str, Any], file: str) -> Space:
    """The space that a file names; one of the user's own is not imported because a file says so."""
    from netwright.space.catalog import SPACES, get_space

    if not (isinstance(told.get("name"), str) and told["name"] in SPACES):
        raise DataError(
            f"the designs of {file} are of {told.get('name')}, which is not in the catalogue: name it with --space."
        )
    shapes = told.get("input") or []
    return get_space(told["name"], tuple(shapes[0]) if len(shapes) == 1 else None, told.get("classes"))
