"""Measurements by others of kernels and networks on devices that have a data sheet, as work and milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from _table import SHARED

# isort: split
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from netwright.blocks import classifier, conv, fbnet_block, mbconv, skip
from netwright.graph import Graph, image, simplify
from netwright.space.catalog import (
    accel_nasbench,
    accel_nasbench_from_row,
    nasbench201,
    nasbench201_from_string,
    ofa_mobilenetv3,
    ofa_mobilenetv3_from_dictionary,
)
from netwright.target import Transformer
from netwright.target._work import Product, Work, works_of

__all__ = ["VIDUR", "VIDUR_OPERATIONS", "Measured", "kernels", "networks", "vidur_operations"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Times on one target. works: the kernels of each row, for one example. ms: what was measured."""

    target: str
    source: str
    works: list[list[Work]] = field(repr=False)
    ms: Array = field(repr=False)

    @property
    def macs(self) -> Array:
        """Multiply-adds of each row."""
        return np.array([sum(p.macs for work in row for p in work.products) for row in self.works], float)


# -- kernels --------------------------------------------------------------------------------------------------------

NEUSIGHT = {
    "NVIDIA L4": "nvidia-l4",
    "Tesla V100-PCIE-32GB": "nvidia-v100-pcie",
    "NVIDIA A100-PCIE-40GB": "nvidia-a100-pcie-40gb",
    "NVIDIA A100 80GB PCIe": "nvidia-a100-pcie-80gb",
    "Tesla P100-PCIE-16GB": "nvidia-p100-pcie",
    "Tesla T4": "nvidia-t4",
    "Tesla P4": "nvidia-p4",
    "NVIDIA H100 80GB HBM3": "nvidia-h100-sxm",
}
DEEPBENCH = {
    ("NV_1080Ti", "Results - FP32"): "nvidia-gtx-1080ti",
    ("NV_TitanX_Pascal", "Results - FP32"): "nvidia-titan-x-pascal",
    ("NV_TitanX", "Results - FP32"): "nvidia-titan-x-maxwell",
    ("NV_M40", "Results - FP32"): "nvidia-m40",
    ("NV_P100", "Results FP32"): "nvidia-p100-pcie",
    ("NV_V100", "Results FP32"): "nvidia-v100-sxm2",
    ("NV_V100", "Results - FP16 ip, Mixed math"): "nvidia-v100-sxm2:fp16",
    ("NV_T4", "Results FP32"): "nvidia-t4",
    ("NV_T4", "Results - FP16 ip, Mixed math"): "nvidia-t4:fp16",
    ("AMD_MI25", "Results FP32"): "amd-mi25",
    ("AMD_VegaFE", "Results FP32"): "amd-vega-fe",
    ("IA_KNL7250", "Results - FP32"): "intel-xeon-phi-7250",
}
"""Sheets of a precision that the device's data sheet states, by platform."""
VIDUR = {"a100": "nvidia-a100-sxm-80gb:fp16", "a40": "nvidia-a40:fp16", "h100": "nvidia-h100-sxm:fp16"}
VIDUR_OPERATIONS = {
    "emb": "embedding", "input_layernorm": "norm", "attn_pre_proj": "query, key, value", "attn_rope": "rotary",
    "attn_post_proj": "attention out", "post_attention_layernorm": "norm", "mlp_up_proj": "mlp up",
    "mlp_act": "activation", "mlp_down_proj": "mlp down", "add": "add",
}  # fmt: skip
"""Columns of the profile, and what each is among the parts of a transformer."""
BINARY, UNARY = ("add", "mul", "pow", "div"), ("addu", "mulu", "powu", "divu", "relu", "gelu", "tanh")


def kernels(most: int) -> Iterator[Measured]:
    """Kernels of NeuSight and of DeepBench, at most so many of a device."""
    yield from _by_target("neusight", _rows("neusight_gpu_kernels/kernels"), _neusight, most)
    yield from _by_target("deepbench gemm", _rows("deepbench/gemm"), _deepbench_gemm, most)
    yield from _by_target("deepbench conv", _rows("deepbench/conv"), _deepbench_conv, most)
    yield from _layers(most)


def _layers(most: int) -> Iterator[Measured]:
    """Layers of language models, without attention, which the profile lacks."""
    rows = _rows("vidur_llm_profile/mlp_ops")
    for device, target in VIDUR.items():
        own = [row for row in rows if row["device"] == device]
        chosen = [own[i] for i in np.random.default_rng(0).permutation(len(own))[:most]]
        pairs = [vidur_operations(row) for row in chosen]
        ms = np.array([sum(ms for _, ms in row.values()) for row in pairs])
        yield Measured(target, "vidur", [[work for work, _ in row.values()] for row in pairs], ms)


def vidur_operations(row: Mapping[str, Any]) -> dict[str, tuple[Work, float]]:
    """Work and milliseconds of each operation of one layer on one of several workers, by column."""
    workers = row["num_tensor_parallel_workers"]
    model = Transformer(
        layers=1, width=row["n_embd"], heads=row["n_head"] // workers, kv_heads=max(row["n_kv_head"] // workers, 1),
        hidden=row["n_expanded_embd"] // workers, vocabulary=row["vocab_size"], gated=row["use_gated_mlp"],
        head_width=row["n_embd"] // row["n_head"],
    )  # fmt: skip
    parts = {part.name: part.work for part in model.parts}
    found = {}
    for column, name in VIDUR_OPERATIONS.items():
        work, ms = parts[name], row[f"ms_{column}"]
        if work is not None and ms is not None and ms > 0:
            found[column] = (work.of_batch(row["num_tokens"]), float(ms))
    return found


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(SHARED / f"{name}.parquet").to_pylist()
    return rows


def _by_target(
    source: str, rows: list[dict[str, Any]], read: Callable[[Any], tuple[str, Work, float] | None], most: int
) -> Iterator[Measured]:
    found: dict[str, list[tuple[Work, float]]] = {}
    for row in rows:
        told = read(row)
        if told is not None and told[2] and told[2] > 0:
            found.setdefault(told[0], []).append(told[1:])
    for target, pairs in found.items():
        chosen = np.random.default_rng(0).permutation(len(pairs))[:most]
        yield Measured(target, source, [[pairs[i][0]] for i in chosen], np.array([pairs[i][1] for i in chosen]))


def _neusight(row: Mapping[str, Any]) -> tuple[str, Work, float]:
    name, n = row["OPName"], int(row["B"])
    if name in ("bmm", "linear"):
        m, b, c = (int(row[key]) for key in ("M", "N", "K"))
        # A batched product is (M, K) by (K, N); a linear layer has N features in and K out.
        product = Product(n, m, b, c) if name == "bmm" else Product(1, n * m, c, b)
        weights = 0 if name == "bmm" else b * c
        moved = n * (m * c + b * c + m * b) if name == "bmm" else n * m * (b + c)
        work = Work(name, 1, (product,), activations=moved, weights=weights)
    else:
        size = n * int(row["H"])
        flops = 5 * size if name in ("ln", "softmax") else size
        work = Work(name, 1, flops=flops, activations=(3 if name in BINARY else 2) * size)
    return NEUSIGHT[row["Device"]], work, row["latency_ms"]


def _deepbench_gemm(row: Mapping[str, Any]) -> tuple[str, Work, float] | None:
    target = DEEPBENCH.get((row["platform"], row["sheet"]))
    m, n, k = (int(row[key]) for key in "mnk")
    work = Work("Gemm", 1, (Product(1, n, m, k),), activations=n * (m + k), weights=m * k)
    return target and (target, work, row["time_ms"])  # type: ignore[return-value]


def _deepbench_conv(row: Mapping[str, Any]) -> tuple[str, Work, float] | None:
    target = DEEPBENCH.get((row["platform"], row["sheet"]))
    n, c, k, h, w, fh, fw = (int(row[key]) for key in ("n", "c", "k", "h", "w", "filt_h", "filt_w"))
    high = (h + 2 * int(row["pad_h"]) - fh) // int(row["stride_h"]) + 1
    wide = (w + 2 * int(row["pad_w"]) - fw) // int(row["stride_w"]) + 1
    moved = n * (c * h * w + k * high * wide)
    winograd = (fh, fw, row["stride_h"], row["stride_w"]) == (3, 3, 1, 1)
    work = Work(
        "Conv", 1, (Product(1, n * high * wide, k, c * fh * fw),), activations=moved, weights=k * c * fh * fw,
        winograd=winograd,
    )  # fmt: skip
    return target and (target, work, row["fwd_ms"])  # type: ignore[return-value]


# -- networks -------------------------------------------------------------------------------------------------------

HELP = {
    "1080ti_1": "nvidia-gtx-1080ti:eager",
    "1080ti_32": "nvidia-gtx-1080ti:eager:b32",
    "2080ti_1": "nvidia-rtx-2080ti:eager",
    "titan_rtx_1": "nvidia-titan-rtx:eager",
    "titan_xp_1": "nvidia-titan-xp:eager",
    "gold_6226": "intel-xeon-gold-6226:eager:1t",
    "silver_4114": "intel-xeon-silver-4114:eager:1t",
    "pixel2": "pixel-2:eager:1t",
    "samsung_a50": "galaxy-a50:eager:1t",
    "raspi4": "raspberry-pi-4:1t",
    "eyeriss": "eyeriss",
}
"""Columns of the tables of HELP. They were run by PyTorch, operator by operator; those that it took from HW-NAS-Bench
were compiled. No source states threads: absolute times fit one."""
HW_NAS_BENCH = {"raspi4_latency": "raspberry-pi-4:1t", "pixel3_latency": "pixel-3:1t", "eyeriss_latency": "eyeriss"}
TF_NAS = {"gpu": "nvidia-titan-rtx:eager:b32", "cpu": "intel-xeon-gold-6130:eager:1t"}
FBNET_STAGES = ((16, 1, 1), (24, 4, 1), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1))
"""Width, layers and first stride on the 32 pixels of CIFAR."""


def networks(most: int) -> Iterator[Measured]:
    """Networks of NAS-Bench-201, FBNet, Once-for-All and Accel-NASBench, at most so many of each."""
    yield from _table("nb201", "device_latency/nb201_ms", HELP, _nasbench201(), most)
    yield from _table("nb201", "hw_nas_bench/nb201", HW_NAS_BENCH, _nasbench201(), most)
    yield from _table("fbnet", "device_latency/fbnet_ms", HELP, _fbnet, most)
    yield from _table("ofa", "device_latency/ofa_ms", HELP, _ofa(), most)
    yield from _table("accel-nasbench", "accel_nasbench/anb", {"latency_zcu102": "xilinx-zcu102-dpu"}, _accel(), most)
    yield from _blocks(most)


def _blocks(most: int) -> Iterator[Measured]:
    """Blocks of TF-NAS, measured alone. The source smoothed them, so that small ones may be below zero."""
    rows = [row for row in _rows("tfnas_lut/tfnas_latency_lut") if row["mid_channels"] > 0 and row["latency_ms"] > 0]
    for device, target in TF_NAS.items():
        own = [row for row in rows if row["device"] == device]
        chosen = [own[i] for i in np.random.default_rng(0).permutation(len(own))[:most]]
        works = [works_of(_inverted(row["block_key"], row["mid_channels"]), alone=True) for row in chosen]
        yield Measured(target, "tf-nas", works, np.array([row["latency_ms"] for row in chosen], float))


def _inverted(key: str, middle: int) -> Graph:
    """Block of a key such as MBInvertedResBlock_112_16_0_24_k3_s2_relu: size, channels, squeeze, channels."""
    _, size, width, squeeze, channels, kernel, stride, activation = key.split("_")
    x = image(int(width), int(size), int(size))
    y = mbconv(
        x, int(channels), middle / int(width), int(kernel[1:]), int(stride[1:]), int(squeeze) / middle,
        activation={"swish": "silu"}.get(activation, activation), se_divisor=1,
    )  # fmt: skip
    return Graph([x], [y])


def _table(
    source: str,
    name: str,
    columns: Mapping[str, str],
    network: Callable[[Mapping[str, Any]], Graph],
    most: int,
) -> Iterator[Measured]:
    rows = _rows(name)
    chosen = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:most]]
    graphs = [network(row) for row in chosen]
    fused = [works_of(simplify(graph)) for graph in graphs]
    alone = [works_of(graph, alone=True) for graph in graphs]
    for column, target in columns.items():
        if column in rows[0]:
            works = alone if ":eager" in target else fused
            known = [i for i, row in enumerate(chosen) if row[column] and row[column] > 0]
            ms = np.array([chosen[i][column] for i in known], float)
            yield Measured(target, source, [works[i] for i in known], ms)


def _nasbench201() -> Callable[[Mapping[str, Any]], Graph]:
    cells = {row["arch_index"]: row["arch_str"] for row in _rows("nasbench201/accuracy")}
    space = nasbench201()
    return lambda row: space.network(nasbench201_from_string(cells[row["arch_index"]].replace("||", "|")))


def _fbnet(row: Mapping[str, Any]) -> Graph:
    picked = [int(number) for number in row["ops"].split()]
    shapes = [(k, e, g) for k in (3, 5) for e, g in ((1, 1), (1, 2), (3, 1), (6, 1))]
    layers = [(w, s) for w, count, first in FBNET_STAGES for s in [first] + [1] * (count - 1)]
    x = image(3, 32, 32)
    y = conv(x, 16)
    for (width, stride), op in zip(layers, picked, strict=True):
        if op == len(shapes):
            y = skip(y, width, stride=stride)
        else:
            k, e, g = shapes[op]
            y = fbnet_block(y, width, e, k, stride, g)
    return Graph([x], [classifier(conv(y, 1504, kernel=1), 100)])


def _ofa() -> Callable[[Mapping[str, Any]], Graph]:
    space = ofa_mobilenetv3()

    def network(row: Mapping[str, Any]) -> Graph:
        lists = {key: [int(n) for n in row[key].split()] for key in ("ks", "e", "d")}
        return space.network(ofa_mobilenetv3_from_dictionary({**lists, "r": row["r"]}))

    return network


def _accel() -> Callable[[Mapping[str, Any]], Graph]:
    space = accel_nasbench()
    return lambda row: space.network(accel_nasbench_from_row(row))
