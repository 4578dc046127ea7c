"""Models in, and plain code out: a graph as PyTorch source, as a live module, as ONNX and as a drawing."""

from netwright.io._drawing._draw import draw, save_drawing
from netwright.io._export import Exported, export
from netwright.io._from_onnx import from_onnx, onnx_dims
from netwright.io._from_torch import from_torch
from netwright.io._initial import initial_weights
from netwright.io._module import to_module, weights_of
from netwright.io._read_model import read_model
from netwright.io._to_onnx._model import save_onnx, to_onnx
from netwright.io._to_torch._source import to_torch_source

__all__ = [
    "Exported",
    "draw",
    "export",
    "from_onnx",
    "from_torch",
    "initial_weights",
    "onnx_dims",
    "read_model",
    "save_drawing",
    "save_onnx",
    "to_module",
    "to_onnx",
    "to_torch_source",
    "weights_of",
]
