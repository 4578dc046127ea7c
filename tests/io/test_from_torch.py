"""Every family of ATen operators comes in with the meaning that it has in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_check import Function, check

from netwright.graph import Graph

IMAGE = (1, 4, 6, 8)
TOKENS = (1, 5, 12)
Case = tuple[Callable[..., Any], tuple[int, ...]]


def numbers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def check_function(function: Callable[..., Any], shape: tuple[int, ...]) -> Graph:
    return check(Function(function), numbers(shape))


ELEMENTWISE: dict[str, Callable[[torch.Tensor], Any]] = {
    "scalars": lambda x: (2 * x - 1) / 3 + x**2,
    "reversed scalars": lambda x: 1 - x + 2 / (x.abs() + 1),
    "alpha": lambda x: torch.add(x, x.flip(-1), alpha=0.5) - torch.sub(x, 2.0, alpha=3),
    "rounded division": lambda x: torch.div(x, 0.3, rounding_mode="floor") + torch.div(x, 0.3, rounding_mode="trunc"),
    "remainders": lambda x: torch.remainder(x, 0.7) + torch.fmod(x, 0.7),
    "comparison": lambda x: torch.where((x > 0.5) | (x <= -1) & (x != 0), x, -x),
    "integers": lambda x: (x * 4).to(torch.int64) // 3 + 1,
    "types": lambda x: (x > 0).to(torch.float64) * 2 + x.to(torch.int32),
    "bits among themselves": lambda x: (x > 0) * (x < 1) + (x > 2),
    "bits to numbers": lambda x: (x > 0) * x + (x < 0).float(),
    "clamp": lambda x: x.clamp(-0.5, 0.5) + x.clamp(min=0.1) + torch.clamp(x, max=x.flip(-1)),
    "extremes": lambda x: torch.maximum(x, -x) + torch.minimum(x, x * x),
    "angles": lambda x: torch.atan2(x, x.flip(-1)) + torch.hypot(x, x.flip(-1)),
    "angles on the axes": lambda x: torch.atan2(x.relu(), x.flip(-1).relu()) + torch.atan2(x, x.abs() * 0),
    "fused": lambda x: torch.addcmul(x, x, x, value=0.5) + torch.lerp(x, x * 2, 0.3) + x.masked_fill(x > 1, 7.0),
    "in place": lambda x: (x * 1).mul_(2).add_(1).relu_(),
    "mathematics": lambda x: x.abs().sqrt() + x.exp().log1p() + x.sin() * x.cos() + (x * x + 1).rsqrt() + x.expm1(),
    "more mathematics": lambda x: torch.erf(x) + x.tanh() + x.sign() + x.floor() + x.ceil() + x.trunc() + x.square(),
    "logarithms": lambda x: (x * x + 1).log2() + (x * x + 1).log10() + torch.exp2(x) + torch.logaddexp(x, -x),
    "rectifiers": lambda x: (
        F.relu(x) + F.relu6(x) + F.leaky_relu(x, 0.2) + F.elu(x, 0.7) + F.celu(x, 1.3) + F.selu(x)
    ),
    "gates": lambda x: (
        F.silu(x) + F.gelu(x) + F.gelu(x, approximate="tanh") + F.mish(x) + F.glu(x, 1).repeat(1, 2, 1, 1)
    ),
    "hard ones": lambda x: F.hardswish(x) + F.hardsigmoid(x) + F.hardtanh(x, -0.3, 0.4) + F.threshold(x, 0.1, 0.9),
    "soft ones": lambda x: F.softplus(x, 2.0) + F.logsigmoid(x) + F.softsign(x) + F.tanhshrink(x),
    "shrinking": lambda x: F.softshrink(x, 0.3) + F.hardshrink(x, 0.4),
    "softmax": lambda x: x.softmax(1) + F.log_softmax(x, dim=-1),
    "dropout": lambda x: F.dropout(x, 0.5, training=False) + F.dropout2d(x, 0.1, training=False),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name: str) -> None:
    check_function(ELEMENTWISE[name], IMAGE)


MOVEMENT: dict[str, Callable[[torch.Tensor], Any]] = {
    "views": lambda x: x.view(x.shape[0], 2, 2, 6, 8).flatten(1, 2).unflatten(3, (2, 4)).reshape(x.shape[0], -1),
    "axes": lambda x: x.permute(0, 2, 3, 1).transpose(1, 2).movedim(3, 1).unsqueeze(2).squeeze(2).mT,
    "expand": lambda x: x.mean(1, keepdim=True).expand(-1, 3, -1, -1) + x[:, :1].expand_as(x[:, :3]),
    "repeat": lambda x: torch.cat([x.repeat(1, 2, 1, 1), x.repeat_interleave(2, dim=1)], dim=2),
    "stack": lambda x: torch.stack([x, x * 2], dim=1).unbind(1)[1],
    "split": lambda x: torch.cat([p * i for i, p in enumerate(x.split([1, 3], 1))] + list(x.chunk(3, 2))[:0], 1),
    "chunk": lambda x: list(reversed(x.chunk(3, dim=2))),
    "slices": lambda x: x[:, 1:3, ::2, -5:] + x[:, :2, 1::2, :5],
    "select": lambda x: x[:, -1] + x.select(1, 0) + x.narrow(1, 1, 1).squeeze(1),
    "flip and roll": lambda x: x.flip([2, 3]) + x.roll((1, -2), (2, 3)),
    "pad": lambda x: F.pad(x, (1, 2, 0, 1)) + F.pad(x, (1, 2, 0, 1), value=2.0),
    "other pads": lambda x: [
        F.pad(x, (2, 1, 1, 0), mode="reflect"),
        F.pad(x, (2, 1, 0, 0), mode="replicate"),
        F.pad(x, (2, 1, 1, 0), mode="circular"),
    ],
    "shuffles": lambda x: F.pixel_shuffle(x, 2) + F.pixel_unshuffle(x, 2).reshape(-1, 1, 12, 16),
    "channel shuffle": lambda x: F.channel_shuffle(x, 2),
    "diagonals": lambda x: [x.diagonal(dim1=2, dim2=3), x.diagonal(2, 3, 1), x.diagonal(-1, -1, -2)],
    "triangles": lambda x: x.tril() + x.triu(1),
    "written in place": lambda x: _written(x),
    "broadcast": lambda x: sum(torch.broadcast_tensors(x, x[:, :1], x[..., :1])),
}  # fmt: skip


def _written(x: torch.Tensor) -> torch.Tensor:
    y = torch.zeros_like(x)
    y[:, 0] = x[:, 1]
    y[:, 1:, ::2] = x[:, 1:, 1::2]
    y += 1
    return y


@pytest.mark.parametrize("name", MOVEMENT)
def test_movement(name: str) -> None:
    check_function(MOVEMENT[name], IMAGE)


REDUCTIONS: dict[str, Callable[[torch.Tensor], Any]] = {
    "sums": lambda x: x.sum(1) + x.mean(1) + x.amax(1) + x.amin(1) + x.prod(1) + x.logsumexp(1),
    "kept": lambda x: x - x.mean((2, 3), keepdim=True) + x.sum(dim=-1, keepdim=True),
    "places": lambda x: [*x.max(dim=1), x.argmin(dim=2), x.min(-1).values],
    "spread": lambda x: x.var(1) + x.std(1, unbiased=False) + torch.var_mean(x, dim=1, correction=0)[0],
    "norms": lambda x: F.normalize(x, dim=1) + x.norm(dim=1, keepdim=True) + x.norm(p=1, dim=1, keepdim=True),
    "logic": lambda x: (x > 0).any(1) | (x > -1).all(1),
    "running": lambda x: x.cumsum(2) + x.cumprod(2) + x.cumprod(-1),
    "middle": lambda x: [*x.median(dim=1), x.median(3, keepdim=True).values, x.kthvalue(2, dim=2).values],
    "orders": lambda x: [x.topk(2, dim=1).values, x.sort(dim=2, descending=True)[0], x.argsort(dim=3)],
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    check_function(REDUCTIONS[name], IMAGE)


WINDOWS: dict[str, Case] = {
    "maximum": (lambda x: F.max_pool2d(x, 3, 2, 1), IMAGE),
    "ceil mode": (lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), IMAGE),
    "mean": (lambda x: F.avg_pool2d(x, (2, 3), 1, 1, count_include_pad=False), IMAGE),
    "divisor": (lambda x: F.avg_pool2d(x, 2, divisor_override=3), IMAGE),
    "1d": (lambda x: F.max_pool1d(x, 2) + F.avg_pool1d(x, 2), (1, 4, 9)),
    "3d": (lambda x: F.max_pool3d(x, 2) + F.avg_pool3d(x, 2), (1, 2, 4, 4, 6)),
    "adaptive to one": (lambda x: F.adaptive_avg_pool2d(x, 1) + F.adaptive_max_pool2d(x, 1), IMAGE),
    "adaptive even": (lambda x: F.adaptive_avg_pool2d(x, (3, 2)) + F.adaptive_max_pool2d(x, (3, 2)), IMAGE),
    "adaptive uneven": (lambda x: F.adaptive_avg_pool2d(x, (4, 3)) + F.adaptive_max_pool2d(x, (4, 3)), IMAGE),
    "nearest": (lambda x: F.interpolate(x, scale_factor=2) + F.interpolate(x, size=(12, 16)), IMAGE),
    "bilinear": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), IMAGE),
    "corners": (lambda x: F.interpolate(x, size=(9, 5), mode="bilinear", align_corners=True), IMAGE),
    "bicubic": (lambda x: F.interpolate(x, size=(9, 11), mode="bicubic"), IMAGE),
    "uneven factor": (lambda x: F.interpolate(x, scale_factor=1.3, mode="bilinear"), IMAGE),
    "antialiased": (lambda x: F.interpolate(x, size=(3, 4), mode="bicubic", antialias=True), IMAGE),
    "nearest exact": (lambda x: F.interpolate(x, size=(4, 13), mode="nearest-exact"), IMAGE),
    "columns": (lambda x: F.unfold(x, (2, 3), padding=1, stride=2), IMAGE),
    "from columns": (lambda x: F.fold(F.unfold(x, 3, padding=1, stride=2), (6, 8), 3, padding=1, stride=2), IMAGE),
    "windows of an axis": (lambda x: x.unfold(2, 3, 2), IMAGE),
}  # fmt: skip


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str) -> None:
    check_function(*WINDOWS[name])


class _Masked(nn.Module):
    """An encoder that is told whom each token may look at."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(12, 3, 24, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor) -> Any:
        return self.layers(x, mask=nn.Transformer.generate_square_subsequent_mask(5))


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "conv": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), IMAGE),
    "conv same": (lambda: nn.Conv2d(4, 6, (2, 4), padding="same", dilation=(1, 2)), IMAGE),
    "conv 1d": (lambda: nn.Conv1d(4, 6, 5, padding=2, dilation=2), (1, 4, 16)),
    "conv 3d": (lambda: nn.Conv3d(2, 3, 2), (1, 2, 4, 5, 6)),
    "conv reflect": (lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), IMAGE),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), IMAGE),
    "transposed 1d": (lambda: nn.ConvTranspose1d(4, 6, 4, stride=2), (1, 4, 7)),
    "linear": (lambda: nn.Linear(12, 7), (1, 12)),
    "linear on tokens": (lambda: nn.Linear(12, 7, bias=False), TOKENS),
    "batch norm": (lambda: nn.BatchNorm2d(4), IMAGE),
    "batch norm plain": (lambda: nn.BatchNorm1d(12, affine=False), (1, 12)),
    "layer norm": (lambda: nn.LayerNorm((5, 12)), TOKENS),
    "layer norm plain": (lambda: nn.LayerNorm(12, elementwise_affine=False), TOKENS),
    "layer norm without bias": (lambda: nn.LayerNorm(12, bias=False), TOKENS),
    "rms norm": (lambda: nn.RMSNorm(12), TOKENS),
    "group norm": (lambda: nn.GroupNorm(2, 4), IMAGE),
    "instance norm": (lambda: nn.InstanceNorm2d(4, affine=True), IMAGE),
    "instance norm plain": (lambda: nn.InstanceNorm2d(4), IMAGE),
    "local response": (lambda: nn.LocalResponseNorm(3), IMAGE),
    "slopes": (lambda: nn.PReLU(4), IMAGE),
    "one slope": (lambda: nn.PReLU(), IMAGE),
    "attention": (lambda: nn.TransformerEncoderLayer(12, 3, 24, batch_first=True), TOKENS),
    "encoder with a mask": (lambda: _Masked(), TOKENS),
    "normed weight": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(12, 7)), TOKENS),
    "bilinear": (lambda: Function(lambda x: F.bilinear(x, x, torch.ones(3, 12, 12))), (1, 12)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    torch.manual_seed(0)
    build, shape = LAYERS[name]
    module = build()
    for buffer_name, buffer in module.named_buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5) if "var" in buffer_name else buffer.normal_()
    check(module, numbers(shape))


PRODUCTS: dict[str, Case] = {
    "matmul": (lambda x: x @ x.mT, TOKENS),
    "vectors": (lambda x: torch.matmul(x, torch.arange(12.0)) + torch.matmul(torch.arange(5.0), x)[..., :1], TOKENS),
    "bmm": (lambda x: torch.bmm(x, x.transpose(1, 2)), TOKENS),
    "baddbmm": (lambda x: torch.baddbmm(x[:, :, :5], x, x.transpose(1, 2), beta=0.5, alpha=2), TOKENS),
    "addmm": (lambda x: torch.addmm(torch.arange(3.0), x, torch.ones(12, 3)), (1, 12)),
    "distances": (lambda x: torch.cdist(x, x[:, 1:3] * 2) + torch.cdist(x, x[:, :2], p=1), TOKENS),
    "einsum": (lambda x: torch.einsum("bij,bkj->bik", x, x), TOKENS),
    "einsum with dots": (lambda x: torch.einsum("...ij,jk->...ik", x, torch.ones(12, 2)), TOKENS),
    "implicit einsum": (lambda x: torch.einsum("bij,bj", x, x[:, 0]), TOKENS),
    "attention": (lambda x: F.scaled_dot_product_attention(*(x.unflatten(2, (3, 4)).transpose(1, 2),) * 3), TOKENS),
    "causal": (lambda x: F.scaled_dot_product_attention(*(x[:, None],) * 3, is_causal=True, scale=0.3), TOKENS),
    "mask": (lambda x: F.scaled_dot_product_attention(*(x[:, None],) * 3, attn_mask=MASK), TOKENS),
    "mask of numbers": (lambda x: F.scaled_dot_product_attention(*(x[:, None],) * 3, attn_mask=MASK * 0.5), TOKENS),
    "mask from data": (lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=x[:, :, :5]), TOKENS),
}
MASK = torch.ones(5, 5, dtype=torch.bool).triu(-1)


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str) -> None:
    check_function(*PRODUCTS[name])


def test_heads_in_groups() -> None:
    def grouped(x: torch.Tensor) -> torch.Tensor:
        heads = x.unflatten(2, (6, 2)).transpose(1, 2)
        return F.scaled_dot_product_attention(heads, heads[:, :2], heads[:, 1:3], enable_gqa=True)

    check_function(grouped, TOKENS)


INDEXING: dict[str, Callable[[torch.Tensor], Any]] = {
    "one list": lambda x: x[:, [2, 0, -1]] + x.index_select(1, torch.tensor([1, 1, 0])),
    "two lists": lambda x: x[:, :, [0, 2], [1, -1]],
    "lists apart": lambda x: x[:, [0, 2], :, [1, 3]].transpose(0, 1),
    "gather": lambda x: x.gather(1, x.argsort(1)[:, :2]) + torch.take_along_dim(x, x.argsort(1), 1)[:, :2],
    "scatter": lambda x: torch.zeros_like(x).scatter(1, x.topk(2, dim=1).indices, 1.5) * x,
    "scatter add": lambda x: x.scatter_add(1, x.argsort(1), x * 2),
    "one hot": lambda x: F.one_hot(x.argmax(1), 4) * 1.0,
    "index put": lambda x: _put(x),
    "index put behind": lambda x: _put_behind(x),
    "masks written": lambda x: _put_where(x),
}  # fmt: skip


def _put(x: torch.Tensor) -> torch.Tensor:
    y = x.transpose(0, 1).clone()
    y[[0, 2]] = -1.0
    return y.transpose(0, 1)


def _put_behind(x: torch.Tensor) -> torch.Tensor:
    y = x.index_add(1, torch.tensor([0, 2]), x[:, 1:3])
    y[:, :, [0, 2], [1, 3]] = 5.0
    y[:, :, :, [0, 2]] = y[:, :, :, [1, 3]]
    return y


def _put_where(x: torch.Tensor) -> torch.Tensor:
    y = x.clone()
    y[y < 0] = -1.0
    y[x.sum((2, 3)) > 0] = torch.tensor([2.0])
    return y


@pytest.mark.parametrize("name", INDEXING)
def test_indexing(name: str) -> None:
    # What is written by index has the rows that were there when it was written.
    check(Function(INDEXING[name]), numbers(IMAGE), free=not name.startswith("index put"))


def test_rows_of_an_embedding() -> None:
    check(nn.Sequential(nn.Embedding(10, 6), nn.Linear(6, 3)), np.array([[1, 4, 9, 0]]))


def test_one_position_of_each_row() -> None:
    """x[arange(batch), index] must read another row for each row of the batch."""

    def pooled(tokens: torch.Tensor) -> Any:
        values = F.one_hot(tokens, 10) * torch.arange(1.0, 11.0)
        batch = torch.arange(tokens.shape[0])
        return values[batch, tokens.argmax(dim=-1)], values[batch[:, None], tokens.argsort(dim=-1)]

    check(Function(pooled), np.array([[1, 9, 4, 0]]))


RECURRENT = {
    "lstm": nn.LSTM(12, 3, num_layers=2, bidirectional=True, batch_first=True),
    "one direction": nn.LSTM(12, 3, batch_first=True, bias=False),
    "gru": nn.GRU(12, 3, bidirectional=True, batch_first=True),
    "rnn": nn.RNN(12, 3, nonlinearity="relu", batch_first=True),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent(name: str) -> None:
    check(RECURRENT[name], numbers(TOKENS))


def test_recurrent_with_first_states() -> None:
    lstm = nn.LSTM(12, 3, batch_first=True)

    def run(x: torch.Tensor) -> torch.Tensor:
        state = x[:, 0, :3].unsqueeze(0)
        return lstm(x, (state, state * 2))[0]

    module = Function(run)
    module.lstm = lstm
    check(module, numbers(TOKENS))
