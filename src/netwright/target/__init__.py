"""Targets: where a network runs, and what it costs there when it is measured.

`latency_ms@here` asks the target `here`, this machine's processor in ONNX Runtime: one thread, batch 1, float32,
unless its name says otherwise, as `here:torch:4t:b8:bf16` does.

`latency_ms@raspberry-pi-4` asks one of the devices that are known from their data sheets: see docs/devices.md.
"""

from netwright.target._add import add_target, remove_target
from netwright.target._added import (
    AddedDevice,
    DecisionPrices,
    DeviceFile,
    Measured,
    MeasuredNetworks,
    choose_designs,
    designs_script,
    models_script,
    read_device_file,
    tables_of,
)
from netwright.target._additive import AdditiveFit, rank_correlation
from netwright.target._base import QUANTITIES, Estimate, Target, differ
from netwright.target._block_table import TableLatency, operator_table, structural_key
from netwright.target._calibrate import GENERAL, Calibrated, CalibratedLatency, Calibration, Timer, calibrate
from netwright.target._checks import Check
from netwright.target._data_sheet import DataSheet, data_sheet_names, get_data_sheet, read_data_sheet
from netwright.target._folder import check_name, saved_targets, targets_folder
from netwright.target._fusion import Group, fused
from netwright.target._language_model import (
    PHASES,
    Part,
    PartTime,
    Step,
    Transformer,
    parts_of,
    step,
    turning_batch,
)
from netwright.target._latency_predictor import LatencyPredictor, PredictedTarget
from netwright.target._microcontroller import (
    Buffer,
    BufferPlan,
    Device,
    DeviceFit,
    MicrocontrollerTarget,
    PatchPlan,
    device_fit,
    plan_buffers,
    read_device,
    read_grid,
)
from netwright.target._onnx_runtime import compare_here, latency_here
from netwright.target._protocol import Timing, measure, measure_interleaved
from netwright.target._prune import Left, Order, PrunedSpace, by_listing, precedes, prune
from netwright.target._rank import Leaning, RankComparison, compare_ranks
from netwright.target._rank_page import rank_page
from netwright.target._reference import measure_against, reference_graph
from netwright.target._registry import TargetMetric, get_target, target_metric, target_names, with_targets
from netwright.target._roofline_target import RooflineLatency, RooflineTarget
from netwright.target._runtimes import RUNTIMES, Runtime, Setup, onnx_bytes
from netwright.target._sources import Source, sources_in_words
from netwright.target._table_file import read_table
from netwright.target._table_target import TableTarget
from netwright.target._this_machine import Here, time_graphs
from netwright.target._transfer import DeviceTransfer, Prediction

__all__ = [
    "GENERAL",
    "PHASES",
    "QUANTITIES",
    "RUNTIMES",
    "AddedDevice",
    "AdditiveFit",
    "Buffer",
    "BufferPlan",
    "Calibrated",
    "CalibratedLatency",
    "Calibration",
    "Check",
    "DataSheet",
    "DecisionPrices",
    "Device",
    "DeviceFile",
    "DeviceFit",
    "DeviceTransfer",
    "Estimate",
    "Group",
    "Here",
    "LatencyPredictor",
    "Leaning",
    "Left",
    "Measured",
    "MeasuredNetworks",
    "MicrocontrollerTarget",
    "Order",
    "Part",
    "PartTime",
    "PatchPlan",
    "PredictedTarget",
    "Prediction",
    "PrunedSpace",
    "RankComparison",
    "RooflineLatency",
    "RooflineTarget",
    "Runtime",
    "Setup",
    "Source",
    "Step",
    "TableLatency",
    "TableTarget",
    "Target",
    "TargetMetric",
    "Timer",
    "Timing",
    "Transformer",
    "add_target",
    "by_listing",
    "calibrate",
    "check_name",
    "choose_designs",
    "compare_here",
    "compare_ranks",
    "data_sheet_names",
    "designs_script",
    "device_fit",
    "differ",
    "fused",
    "get_data_sheet",
    "get_target",
    "latency_here",
    "measure",
    "measure_against",
    "measure_interleaved",
    "models_script",
    "onnx_bytes",
    "operator_table",
    "parts_of",
    "plan_buffers",
    "precedes",
    "prune",
    "rank_correlation",
    "rank_page",
    "read_data_sheet",
    "read_device",
    "read_device_file",
    "read_grid",
    "read_table",
    "reference_graph",
    "remove_target",
    "saved_targets",
    "sources_in_words",
    "step",
    "structural_key",
    "tables_of",
    "target_metric",
    "target_names",
    "targets_folder",
    "time_graphs",
    "turning_batch",
    "with_targets",
]
