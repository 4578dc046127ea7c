"""Latency on this machine: an exported network in ONNX Runtime."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright._optional import require
from netwright.errors import EvaluationError
from netwright.target._protocol import Clock, Timing, measure, measure_interleaved

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["compare_here", "first_line", "latency_here", "runner_of"]

Onnx = bytes | str | PathLike[str]

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}


def latency_here(
    model: Onnx,
    *,
    threads: int = 1,
    batch: int = 1,
    seconds: float = 0.3,
    clock: Clock = time.perf_counter,
) -> Timing:
    """Time one run of an ONNX model in ONNX Runtime on this machine's processor: the target `here`.

    >>> from netwright.graph import Graph, image, ops
    >>> from netwright.target import onnx_bytes
    >>> x = image(3, 8, 8)
    >>> timing = latency_here(onnx_bytes(Graph([x], [ops.relu(x)])), seconds=0.01)
    >>> timing.runs >= 30, timing.median_ms > 0
    (True, True)

    model: the bytes of an ONNX file, or its path. Inputs are random, of the declared shapes.
    threads: threads within an operator; operators run one after another.
    batch: size of the first dimension, where the model leaves it open.
    seconds: time to spend on measuring.

    Raises EvaluationError when the model cannot be loaded or run, MissingExtraError without onnxruntime.
    """
    return measure(runner_of(model, threads, batch), seconds=seconds, clock=clock)


def compare_here(
    models: Sequence[Onnx],
    *,
    threads: int = 1,
    batch: int = 1,
    seconds: float = 0.3,
    clock: Clock = time.perf_counter,
) -> list[Timing]:
    """Time several ONNX models in turns, which makes differences of a few per cent meaningful.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image, ops
    >>> from netwright.target import onnx_bytes
    >>> x = image(3, 32, 32)
    >>> cheap, dear = (onnx_bytes(Graph([x], [y])) for y in (ops.relu(x), conv(conv(x, 64), 64)))
    >>> short, long = compare_here([cheap, dear], seconds=0.02)
    >>> short.median_ms < long.median_ms
    True

    seconds: time to spend on each model; the other arguments and the errors are those of `latency_here`.
    """
    return measure_interleaved([runner_of(m, threads, batch) for m in models], seconds=seconds, clock=clock)


def runner_of(model: Onnx, threads: int, batch: int) -> Callable[[], object]:
    """Function that runs the model once on random inputs."""
    if threads < 1 or batch < 1:
        raise EvaluationError(f"threads and batch must be at least 1, but got {threads} and {batch}.")
    session = _session(model, threads)
    rng = np.random.default_rng(0)
    feeds = {entry.name: _random_input(entry, batch, rng) for entry in session.get_inputs()}
    names = [entry.name for entry in session.get_outputs()]
    try:
        session.run(names, feeds)
    # ONNX Runtime raises exception classes of its own that share no base below Exception.
    except Exception as error:
        raise EvaluationError(f"ONNX Runtime cannot run the model: {first_line(error)}") from error
    return lambda: session.run(names, feeds)


def _session(model: Onnx, threads: int) -> Any:
    runtime = require("onnxruntime", extra="onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = threads
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    name = "the model" if isinstance(model, bytes) else fspath(model)
    if not isinstance(model, bytes) and not Path(model).is_file():
        raise EvaluationError(f"no ONNX file {name} exists.")
    source = model if isinstance(model, bytes) else fspath(model)
    try:
        return runtime.InferenceSession(source, sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EvaluationError(f"ONNX Runtime cannot load {name}: {first_line(error)}") from error


def _random_input(entry: Any, batch: int, rng: np.random.Generator) -> NDArray[Any]:
    shape = list(entry.shape)
    if shape and not isinstance(shape[0], int):
        shape[0] = batch
    if not all(isinstance(size, int) for size in shape):
        raise EvaluationError(
            f"only the first dimension of an input may be open, but {entry.name!r} has shape {entry.shape}."
        )
    if shape and shape[0] != batch:
        raise EvaluationError(f"input {entry.name!r} has a fixed batch of {shape[0]}, but {batch} is asked for.")
    if entry.type not in _DTYPES:
        raise EvaluationError(f"input {entry.name!r} is of type {entry.type}; known: {', '.join(_DTYPES)}.")
    dtype = np.dtype(_DTYPES[entry.type])
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    # 0 and 1 are valid indices of any embedding with two rows.
    return rng.integers(0, 2, shape).astype(dtype)


def first_line(error: Exception) -> str:
    """What an error says first; some go on for pages."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
