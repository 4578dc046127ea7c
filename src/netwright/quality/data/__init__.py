"""Loaders: from files, arrays and data sets to a Task."""

from __future__ import annotations

from netwright.quality.data._idx import decode_idx, encode_idx
from netwright.quality.data._load import BUILTIN, FILE_KINDS, load_task

__all__ = ["BUILTIN", "FILE_KINDS", "decode_idx", "encode_idx", "load_task"]
