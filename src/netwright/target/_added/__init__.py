"""Devices that a user adds: a script measures them, a file brings the numbers back, a folder keeps them."""

from netwright.target._added._device_table import MANY, DeviceTable, read_device
from netwright.target._added._file import DeviceFile, Measured, read_device_file
from netwright.target._added._kept import kept_path
from netwright.target._added._prices import DecisionPrices, has_decisions, is_priced, prices_of
from netwright.target._added._script import choose_designs, designs_script, draw_pool, models_script
from netwright.target._added._target import (
    AddedDevice,
    MeasuredNetworks,
    is_added,
    load_added,
    references_for,
    tables_of,
)

__all__ = [
    "MANY",
    "AddedDevice",
    "DecisionPrices",
    "DeviceFile",
    "DeviceTable",
    "Measured",
    "MeasuredNetworks",
    "choose_designs",
    "designs_script",
    "draw_pool",
    "has_decisions",
    "is_added",
    "is_priced",
    "kept_path",
    "load_added",
    "models_script",
    "prices_of",
    "read_device",
    "read_device_file",
    "references_for",
    "tables_of",
]
