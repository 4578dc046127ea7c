"""Runtimes of this machine: how a graph is made ready to run, and what each of them can do."""

from __future__ import annotations

import logging
import tempfile
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright._count import counted
from netwright._optional import require
from netwright.errors import EvaluationError, MissingExtraError
from netwright.target._onnx_runtime import first_line, runner_of

if TYPE_CHECKING:
    from netwright.graph import Graph

__all__ = ["RUNTIMES", "Runtime", "Setup", "onnx_bytes"]

Run = Callable[[], object]


@dataclass(frozen=True)
class Setup:
    """How networks run on this machine: runtime, threads within an operator, rows of the input, data type.

    >>> str(Setup(threads=2)), Setup("torch", dtype="bf16").words
    ('ort:2t:b1:fp32', 'PyTorch, 1 thread, batch 1, bfloat16')
    """

    runtime: str = "ort"
    threads: int = 1
    batch: int = 1
    dtype: str = "fp32"

    def __str__(self) -> str:
        return f"{self.runtime}:{self.threads}t:b{self.batch}:{self.dtype}"

    @property
    def words(self) -> str:
        """The same as a person would say it."""
        threads, title = counted(self.threads, "thread"), RUNTIMES[self.runtime].title
        return f"{title}, {threads}, batch {self.batch}, {DTYPES[self.dtype]}"

    def runner(self, graph: Graph) -> Run:
        """Function that runs a graph once on random inputs; initial weights where it has none.

        Raises EvaluationError when the runtime cannot run it, MissingExtraError when the runtime is not installed.
        """
        if self.threads < 1 or self.batch < 1:
            raise EvaluationError(f"threads and batch must be at least 1, but got {self.threads} and {self.batch}.")
        return RUNTIMES[self.runtime].runner(graph, self)

    def active(self) -> AbstractContextManager[None]:
        """While this lasts, the runtime's own settings are those of the setup."""
        return RUNTIMES[self.runtime].active(self)


class Runtime(ABC):
    """Something that runs networks on this machine: its package, and the data types that it has here.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> ort = RUNTIMES["ort"]
    >>> ort.title, ort.dtypes
    ('ONNX Runtime', ('fp32', 'int8'))
    >>> [y.shape for y in ort.runner(Graph([x], [ops.relu(x)]), Setup("ort"))()]
    [(1, 3, 8, 8)]
    """

    name: str
    title: str
    package: str
    dtypes: tuple[str, ...] = ("fp32",)

    @abstractmethod
    def runner(self, graph: Graph, setup: Setup) -> Run:
        """Function that runs a graph once; the errors are those of `Setup.runner`."""

    def active(self, setup: Setup) -> AbstractContextManager[None]:
        """Hold the runtime's global settings as the setup has them."""
        return nullcontext()

    @property
    def version(self) -> str:
        """Version of the installed package, or `none`."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return "none"


class OnnxRuntime(Runtime):
    name, title, package = "ort", "ONNX Runtime", "onnxruntime"
    dtypes = ("fp32", "int8")

    def runner(self, graph: Graph, setup: Setup) -> Run:
        content = onnx_bytes(graph)
        if setup.dtype == "int8":
            content = _quantised(content, graph, setup.batch)
        return runner_of(content, setup.threads, setup.batch)


class Torch(Runtime):
    name, title, package = "torch", "PyTorch", "torch"
    dtypes: tuple[str, ...] = ("fp32", "bf16", "fp16")

    def runner(self, graph: Graph, setup: Setup) -> Run:
        torch = require("torch", extra="train")
        from netwright.io import to_module
        from netwright.io._agreement import random_inputs

        kind = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[setup.dtype]
        module = self.prepared(torch, to_module(graph).eval().to(kind))
        arrays = [torch.from_numpy(a) for a in random_inputs(graph, setup.batch, np.random.default_rng(0))]
        inputs = [x.to(kind) if x.is_floating_point() else x for x in arrays]

        def run() -> object:
            with torch.inference_mode():
                return module(*inputs)

        try:
            with self.active(setup):
                run()
        # What goes wrong inside an operator or a compiler has no common base below Exception.
        except Exception as error:
            raise EvaluationError(f"{self.title} cannot run the model: {first_line(error)}") from error
        return run

    def prepared(self, torch: Any, module: Any) -> Any:
        """The module as it is run."""
        return module

    @contextmanager
    def active(self, setup: Setup) -> Iterator[None]:
        torch = require("torch", extra="train")
        before = torch.get_num_threads()
        torch.set_num_threads(setup.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


class Compiled(Torch):
    name, title = "compile", "torch.compile"
    dtypes = ("fp32", "bf16")

    def runner(self, graph: Graph, setup: Setup) -> Run:
        # What the compiler imports on its first use warns of its own parts.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super().runner(graph, setup)

    def prepared(self, torch: Any, module: Any) -> Any:
        return torch.compile(module, dynamic=False)


class OpenVino(Runtime):
    name, title, package = "openvino", "OpenVINO", "openvino"
    dtypes = ("fp32", "bf16")

    def runner(self, graph: Graph, setup: Setup) -> Run:
        try:
            openvino = require("openvino", extra="onnx")
        except MissingExtraError as error:
            raise MissingExtraError("this needs openvino, which is not installed: pip install openvino.") from error
        from netwright.io._agreement import random_inputs

        inputs = random_inputs(graph, setup.batch, np.random.default_rng(0))
        core = openvino.Core()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(onnx_bytes(graph))
            model = core.read_model(path)
        model.reshape({place: list(array.shape) for place, array in enumerate(inputs)})
        precision = {"fp32": "f32", "bf16": "bf16"}[setup.dtype]
        options = {"INFERENCE_NUM_THREADS": setup.threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
        request = core.compile_model(model, "CPU", options).create_infer_request()
        for place, array in enumerate(inputs):
            request.set_input_tensor(place, openvino.Tensor(array))
        request.infer()
        return lambda: request.infer()


RUNTIMES: Mapping[str, Runtime] = {each.name: each for each in (OnnxRuntime(), Torch(), Compiled(), OpenVino())}
"""Runtimes by the name that they have in a target's name."""
DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "int8": "int8"}


def onnx_bytes(graph: Graph) -> bytes:
    """The graph as the content of an ONNX file, with initial weights where it has none.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> len(onnx_bytes(Graph([x], [conv(x, 8)]))) > 1000
    True
    """
    from netwright.io import to_onnx

    content: bytes = to_onnx(graph).SerializeToString()
    return content


def _quantised(content: bytes, graph: Graph, batch: int) -> bytes:
    """The model with int8 weights and activations; ranges from one random input, which time does not depend on."""
    from netwright.io._agreement import random_inputs

    onnx = require("onnx", extra="onnx")
    quantization: Any = require("onnxruntime.quantization", extra="onnx")
    arrays = random_inputs(graph, batch, np.random.default_rng(0))
    model = onnx.load_model_from_string(content)
    feeds = iter([{entry.name: array for entry, array in zip(model.graph.input, arrays, strict=True)}])

    class Once(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> Any:
            return next(feeds, None)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        with _silent_log():
            quantization.quantize_static(model, path, Once())
        return path.read_bytes()


@contextmanager
def _silent_log() -> Iterator[None]:
    """Without the advice that the quantiser logs for every model."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
