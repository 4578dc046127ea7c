"""Microcontrollers: memory by a plan of buffers, flash, latency and energy, in 8 bits."""

from netwright.target._microcontroller._buffers import Buffer, BufferPlan, PatchPlan
from netwright.target._microcontroller._device import Device, device_names, read_device
from netwright.target._microcontroller._fit import DeviceFit, device_fit
from netwright.target._microcontroller._plan import SOLVERS, plan_buffers
from netwright.target._microcontroller._target import MicrocontrollerTarget, read_grid

__all__ = [
    "SOLVERS",
    "Buffer",
    "BufferPlan",
    "Device",
    "DeviceFit",
    "MicrocontrollerTarget",
    "PatchPlan",
    "device_fit",
    "device_names",
    "plan_buffers",
    "read_device",
    "read_grid",
]
