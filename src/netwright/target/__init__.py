"""Targets: where a network runs, and what it costs there when it is measured.

The target `here` is this machine's processor: ONNX Runtime, one thread, batch 1, float32.
"""

from netwright.target._here import compare_here, latency_here
from netwright.target._protocol import Timing, measure, measure_interleaved
from netwright.target._table import TableLatency, operator_table, structural_key
from netwright.target._transfer import DeviceTransfer, Prediction

__all__ = [
    "DeviceTransfer",
    "Prediction",
    "TableLatency",
    "Timing",
    "compare_here",
    "latency_here",
    "measure",
    "measure_interleaved",
    "operator_table",
    "structural_key",
]
