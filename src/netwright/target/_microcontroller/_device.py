"""What is known of a microcontroller: memory, clock, and cycles of its libraries of kernels, from a data file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from netwright.errors import DataError, UnknownNameError
from netwright.target._sources import Source, looked_up, read_sources

__all__ = ["Device", "Library", "device_names", "parse_device", "read_device"]

_NUMBERS = ("sram_bytes", "flash_bytes", "clock_mhz")
_FOLDER = files("netwright.target").joinpath("devices", "microcontrollers")


@dataclass(frozen=True)
class Library:
    """Cycles of a library of kernels in 8 bits, and how they follow from their source.

    >>> library = read_device("stm32l4r5").library("cmsis-nn")
    >>> library.output > library.mac > library.weight
    True

    mac: cycles of one multiply-add, or of one element that a kernel without any reads. output: of an element that a
    layer writes, for its sum is scaled. weight: of a weight, for it is fetched. known: where they were measured,
    `here` for whole networks on this chip, `core` for those on another chip with its core, `kernels` for single ones.
    source: networks or kernels that the cycles were fitted to.
    power_mw: of the board while it runs, the least, the mean and the most of several networks; None where it was not
    measured.
    """

    name: str
    mac: float
    output: float
    weight: float
    known: str
    source: str
    power_mw: tuple[float, float, float] | None = None


KNOWN = ("here", "core", "kernels")


@dataclass(frozen=True)
class Device:
    """A microcontroller.

    >>> device = read_device("stm32f746")
    >>> device.title, [library.name for library in device.libraries]
    ('STM32F746, Arm Cortex-M7 at 216 MHz', ['x-cube-ai', 'plumerai', 'cmsis-nn'])

    sram_bytes: the largest run of addresses in memory. flash_bytes: of the whole chip or board. libraries: the first
    is the one that networks run with unless told otherwise. sources: where its figures were looked up.
    """

    name: str
    title: str
    sram_bytes: int
    flash_bytes: int
    clock_mhz: float
    sources: tuple[Source, ...]
    libraries: tuple[Library, ...] = ()

    @property
    def looked_up(self) -> Mapping[str, str | None]:
        """Document of each figure, cycles by their library; None for one that was not looked up.

        >>> read_device("stm32f746").looked_up["plumerai"].partition(",")[0]
        'MLPerf Tiny v1.0'
        """
        return looked_up([*_NUMBERS, *(library.name for library in self.libraries)], self.sources)

    def library(self, name: str) -> Library:
        """A library by its name; raises UnknownNameError that lists those that are known."""
        found = next((library for library in self.libraries if library.name == name), None)
        if found is None:
            raise UnknownNameError(f"library of {self.name}", name, [library.name for library in self.libraries])
        return found


@cache
def device_names() -> tuple[str, ...]:
    """Names of the microcontrollers that have a data file, sorted.

    >>> "stm32f746" in device_names()
    True
    """
    return tuple(sorted(entry.name[:-5] for entry in _FOLDER.iterdir() if entry.name.endswith(".toml")))


@cache
def read_device(name: str) -> Device:
    """A microcontroller by its name.

    >>> device = read_device("stm32f746")
    >>> device.sram_bytes // 1024, device.flash_bytes // 1024, device.clock_mhz
    (320, 1024, 216)

    Raises UnknownNameError that lists the names.
    """
    if name not in device_names():
        raise UnknownNameError("microcontroller", name, device_names())
    return parse_device(name, _FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def parse_device(name: str, text: str) -> Device:
    """A microcontroller from the text of a data file; raises DataError where it is not one."""
    try:
        content = tomllib.loads(text)
        libraries = tuple(_library(entry) for entry in content.pop("libraries", []))
        if "sources" in content:
            figures = [*_NUMBERS, *(library.name for library in libraries)]
            content["sources"] = read_sources(name, content["sources"], figures)
        device = Device(name, libraries=libraries, **content)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise DataError(f"a device is read from TOML with the fields of Device, but {name}: {error}.") from error
    for library in libraries:
        _check(name, library)
    return device


def _library(entry: dict[str, object]) -> Library:
    power = entry.pop("power_mw", None)
    return Library(**entry, power_mw=None if power is None else tuple(power))  # type: ignore[arg-type]


def _check(name: str, library: Library) -> None:
    cycles = (library.mac, library.output, library.weight)
    if library.mac <= 0 or min(cycles) < 0:
        raise DataError(f"`0 < mac` and `0 <= output, weight` must hold for {library.name} of {name}, got {cycles}.")
    if library.known not in KNOWN:
        raise DataError(f"known must be {', '.join(KNOWN)}, but {library.name} of {name} has {library.known!r}.")
    power = library.power_mw
    if power is not None and not (len(power) == 3 and 0 < power[0] <= power[1] <= power[2]):
        raise DataError(f"`0 < low <= mean <= high` must hold for power_mw of {library.name} of {name}, got {power}.")
