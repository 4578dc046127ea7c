"""Devices that a user adds: a script measures them, a file brings the numbers back, a folder keeps them."""

from netwright.target._added._file import DeviceFile, Measured, read_device_file
from netwright.target._added._prices import DecisionPrices, is_priced
from netwright.target._added._script import choose_designs, designs_script, models_script
from netwright.target._added._target import (
    AddedDevice,
    MeasuredNetworks,
    is_added,
    load_added,
    references_for,
    tables_of,
)

__all__ = [
    "AddedDevice",
    "DecisionPrices",
    "DeviceFile",
    "Measured",
    "MeasuredNetworks",
    "choose_designs",
    "designs_script",
    "is_added",
    "is_priced",
    "load_added",
    "models_script",
    "read_device_file",
    "references_for",
    "tables_of",
]
