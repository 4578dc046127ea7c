"""Devices as their data sheets describe them: one file for each in `devices/data_sheets/`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from netwright._count import counted
from netwright._text import read_text
from netwright.errors import DataError, UnknownNameError
from netwright.target._folder import targets_folder
from netwright.target._roofline_model import KINDS, Machine
from netwright.target._sources import Source, looked_up, read_sources

__all__ = ["BYTES", "DataSheet", "data_sheet_names", "get_data_sheet", "own_data_sheets", "read_data_sheet"]

_NUMBERS = ("cores", "clock_ghz", "bandwidth_gbs", "cache_mib", "memory_gib", "tdp_w")
_OPTIONAL = frozenset({"memory_gib", "tdp_w"})
FOLDER = Path(__file__).parent / "devices" / "data_sheets"
BYTES: Mapping[str, float] = {"fp32": 4, "fp16": 2, "int16": 2, "int8": 1}
"""Bytes of a number by data type."""


@dataclass(frozen=True)
class DataSheet:
    """What a data sheet says of a device.

    >>> sheet = get_data_sheet("raspberry-pi-4")
    >>> sheet.cores, sheet.clock_ghz, sheet.peak_gflops["fp32"], sheet.bandwidth_gbs
    (4, 1.5, 48, 12.8)

    kind: cpu, gpu or npu. cores: of a processor, or what corresponds to them. clock_ghz: at which the peaks hold.
    peak_gflops: by data type; the first is the one that networks run in unless told otherwise. bandwidth_gbs: of the
    memory. cache_mib: the last cache. memory_gib: None where it is not the device's own. tdp_w: power that it is
    made for, in W; None where it is not known. sources: where it says so.
    """

    name: str
    title: str
    kind: str
    cores: int
    clock_ghz: float
    peak_gflops: Mapping[str, float]
    bandwidth_gbs: float
    cache_mib: float
    memory_gib: float | None
    tdp_w: float | None
    sources: tuple[Source, ...]

    @property
    def dtype(self) -> str:
        """Data type that networks run in unless told otherwise."""
        return next(iter(self.peak_gflops))

    @property
    def looked_up(self) -> Mapping[str, str | None]:
        """Document of each figure, a peak by its data type; None for one that was entered from memory.

        >>> get_data_sheet("raspberry-pi-5").looked_up["bandwidth_gbs"]
        'Raspberry Pi documentation, BCM2712: https://www.raspberrypi.com/documentation/computers/processors.html'
        """
        return looked_up(_figures(vars(self)), self.sources)

    def machine(self, dtype: str | None = None, threads: int | None = None, *, eager: bool = False) -> Machine:
        """The numbers that a latency follows from, with so many of the cores.

        >>> pi = get_data_sheet("raspberry-pi-4")
        >>> pi.machine().flops, pi.machine(threads=1).flops
        (48000000000.0, 12000000000.0)

        Raises DataError for a data type that the sheet does not state, and for more threads than cores.
        """
        dtype = dtype or self.dtype
        if dtype not in self.peak_gflops:
            known = ", ".join(self.peak_gflops)
            raise DataError(f"{self.name} must state a peak of the data type, but it states {known}, no {dtype}.")
        if threads is not None and (self.kind != "cpu" or not 1 <= threads <= self.cores):
            got = counted(threads, "thread")
            if self.kind != "cpu":
                raise DataError(f"threads are chosen on a cpu, but {self.name} is a {self.kind} and got {got}.")
            raise DataError(f"{self.name} is a cpu of {counted(self.cores, 'core')}, but got {got}.")
        share = (threads or self.cores) / self.cores
        plain = self.peak_gflops.get("fp32", self.peak_gflops[self.dtype])
        return Machine(
            self.kind,
            threads or self.cores,
            1e9 * self.clock_ghz,
            1e9 * share * self.peak_gflops[dtype],
            1e9 * share * plain,
            1e9 * self.bandwidth_gbs,
            self.cache_mib * 2**20,
            BYTES[dtype],
            eager,
        )


@cache
def _shipped() -> Mapping[str, Path]:
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def own_data_sheets() -> dict[str, Path]:
    """Files of the user's own data sheets by name, beside the user's other targets."""
    return {path.stem: path for path in sorted(targets_folder().glob("*.toml"))}


def data_sheet_names(*, own: bool = False) -> list[str]:
    """Names of the devices that come with netwright, sorted; with `own` also of those that the user has added.

    >>> "raspberry-pi-4" in data_sheet_names()
    True
    """
    return sorted({**_shipped(), **(own_data_sheets() if own else {})})


def get_data_sheet(name: str) -> DataSheet:
    """A device that comes with netwright or was added by the user, by its name.

    >>> get_data_sheet("nvidia-a100-pcie-40gb").bandwidth_gbs
    1555

    Raises UnknownNameError that lists near names, and DataError for a file of the user's that is not whole.
    """
    if name in _shipped():
        return _read_shipped(name)
    own = own_data_sheets()
    if name not in own:
        raise UnknownNameError("device", name, data_sheet_names(own=True))
    return read_data_sheet(own[name])


@cache
def _read_shipped(name: str) -> DataSheet:
    return read_data_sheet(_shipped()[name])


def read_data_sheet(path: Path) -> DataSheet:
    """A device of a file of your own, in the form of those that come with netwright; its name is that of the file.

    >>> import tempfile
    >>> from pathlib import Path
    >>> text = '''
    ... title = "A board of mine"
    ... kind = "cpu"
    ... cores = 2
    ... clock_ghz = 1.0
    ... bandwidth_gbs = 4.0
    ... cache_mib = 0.5
    ... sources = ["The board's page"]
    ... peak_gflops.fp32 = 16
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "board.toml"
    ...     _ = file.write_text(text)
    ...     read_data_sheet(file).name
    'board'

    Raises DataError in one sentence for a file that is not TOML, and for a field that is missing, unknown, or no
    positive number.
    """
    try:
        found = tomllib.loads(read_text(path))
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} must be a readable TOML file, but {error}.") from error
    wanted = {"title", "kind", "peak_gflops", "sources", *_NUMBERS} - _OPTIONAL
    wrong = sorted(wanted - found.keys()) + sorted(found.keys() - wanted - _OPTIONAL)
    if wrong:
        has = f"has {wrong[0]}, too" if wrong[0] in found else f"has no {wrong[0]}"
        raise DataError(f"{path.name} must have the fields {', '.join(sorted(wanted))}, but {has}.")
    if not isinstance(found["kind"], str) or found["kind"] not in KINDS:
        raise DataError(f"{path.name} must be of kind {', '.join(KINDS)}, but got {found['kind']!r}.")
    _check_numbers(path.name, found)
    sources = read_sources(path.name, found.pop("sources"), _figures(found))
    return DataSheet(name=path.stem, sources=sources, **{**dict.fromkeys(_OPTIONAL), **found})


def _figures(found: Mapping[str, Any]) -> list[str]:
    """Names of the numbers that a sheet states: peaks by their data type."""
    return [name for name in _NUMBERS if found.get(name) is not None] + list(found["peak_gflops"])


def _check_numbers(name: str, found: Mapping[str, object]) -> None:
    peaks = found["peak_gflops"]
    if not isinstance(peaks, dict) or not peaks or not peaks.keys() <= BYTES.keys():
        raise DataError(f"{name} must have peak_gflops of {', '.join(BYTES)}, but got {peaks!r}.")
    numbers = {key: found[key] for key in _NUMBERS if key in found} | peaks
    for key, value in numbers.items():
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise DataError(f"{name} must have positive numbers, but {key} is {value!r}.")
