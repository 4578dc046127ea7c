"""Calibration: networks measured on a device, and a model by kernels that predicts any other network there."""

from netwright.target._calibrate._file import FORMAT, Calibration
from netwright.target._calibrate._kernels import Kernel, kernels_of
from netwright.target._calibrate._networks import GENERAL
from netwright.target._calibrate._run import Timer, calibrate
from netwright.target._calibrate._target import Calibrated, CalibratedLatency

__all__ = [
    "FORMAT",
    "GENERAL",
    "Calibrated",
    "CalibratedLatency",
    "Calibration",
    "Kernel",
    "Timer",
    "calibrate",
    "kernels_of",
]
