"""What is known of a microcontroller: memory, clock and cycles by kind of operator, from a data file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from netwright.errors import DataError, UnknownNameError
from netwright.target._sources import Source, looked_up, read_sources

__all__ = ["KINDS", "Cycles", "Device", "device_names", "read_device"]

KINDS = ("conv", "pointwise", "depthwise", "linear", "pool", "elementwise")
"""Kinds of operators that differ in speed."""

_NUMBERS = ("sram_bytes", "flash_bytes", "clock_mhz")
_FOLDER = files("netwright.target").joinpath("devices", "microcontrollers")


@dataclass(frozen=True)
class Cycles:
    """Cycles for one multiply-add, or for one element where there are none, and how they follow from their source."""

    low: float
    value: float
    high: float
    source: str


@dataclass(frozen=True)
class Device:
    """A microcontroller.

    >>> device = read_device("stm32f746")
    >>> device.title, device.cycles["conv"].value
    ('STM32F746, Arm Cortex-M7 at 216 MHz', 1.7)

    sram_bytes: the largest run of addresses in memory. flash_bytes: of the whole chip or board. cycles: by kind of
    operator, all of `KINDS` or none. sources: where its figures were looked up.
    """

    name: str
    title: str
    sram_bytes: int
    flash_bytes: int
    clock_mhz: float
    sources: tuple[Source, ...]
    cycles: Mapping[str, Cycles] = field(default_factory=dict)

    @property
    def looked_up(self) -> Mapping[str, str | None]:
        """Document of each figure, cycles by the kind of operator; None for one that was not looked up.

        >>> read_device("stm32f746").looked_up["elementwise"] is None
        True
        """
        return looked_up([*_NUMBERS, *self.cycles], self.sources)


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
        cycles = {kind: Cycles(**entry) for kind, entry in content.pop("cycles", {}).items()}
        if "sources" in content:
            content["sources"] = read_sources(name, content["sources"], [*_NUMBERS, *cycles])
        device = Device(name, cycles=cycles, **content)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise DataError(f"a device is read from TOML with the fields of Device, but {name}: {error}.") from error
    if cycles and set(cycles) != set(KINDS):
        raise DataError(f"cycles must be given for {', '.join(KINDS)} or none, but {name} has {', '.join(cycles)}.")
    wrong = [kind for kind, each in cycles.items() if not 0 < each.low <= each.value <= each.high]
    if wrong:
        raise DataError(f"`0 < low <= value <= high` must hold for cycles, but not for {wrong[0]} of {name}.")
    return device
