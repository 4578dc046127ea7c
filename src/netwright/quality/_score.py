"""Metrics of a module on examples that are tensors."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss, nll_loss

__all__ = ["objective", "score"]


def objective(outputs: Tensor, y: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Training loss: cross-entropy, or the mean squared error of floating targets.

    outputs: (N, outputs), or (N, k, outputs) of an ensemble, whose k members are each trained on every example:
    the loss is the mean of the k losses (Gorishniy et al. 2025, section 3).
    """
    if outputs.ndim == 3:
        members = outputs.shape[1]
        outputs, y = outputs.flatten(0, 1), y.repeat_interleave(members)
    if y.is_floating_point():
        return mse_loss(outputs.reshape(len(y)), y)
    return cross_entropy(outputs, y, label_smoothing=label_smoothing)


def score(
    module: torch.nn.Module,
    x: Tensor,
    y: Tensor,
    batch_size: int,
    convert: Callable[[Tensor], Tensor] = lambda batch: batch,
) -> dict[str, float]:
    """Metrics on tensors that are where the module is; `convert` changes each batch's memory format.

    The mean of an ensemble's softmax probabilities, or of its numbers, is its prediction.
    """
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            outputs = torch.cat([module(convert(batch)).float() for batch in torch.split(x, batch_size)])
            return _regression(outputs, y) if y.is_floating_point() else _classification(outputs, y)
    finally:
        module.train(was_training)


def _classification(outputs: Tensor, y: Tensor) -> dict[str, float]:
    log_shares = outputs.log_softmax(-1)
    if outputs.ndim == 3:
        log_shares = log_shares.logsumexp(1) - math.log(outputs.shape[1])
    right = (log_shares.argmax(1) == y).double()
    counts = torch.bincount(y)
    found = torch.bincount(y, weights=right)
    return {
        "loss": float(nll_loss(log_shares, y)),
        "accuracy": float(right.mean()),
        "balanced_accuracy": float((found[counts > 0] / counts[counts > 0]).mean()),
    }


def _regression(outputs: Tensor, y: Tensor) -> dict[str, float]:
    predicted = outputs.mean(1) if outputs.ndim == 3 else outputs
    errors = (predicted.reshape(len(y)) - y).double()
    squares = float((errors**2).mean())
    spread = float(((y - y.mean()).double() ** 2).mean())
    return {
        "loss": squares,
        "rmse": squares**0.5,
        "mae": float(errors.abs().mean()),
        "r2": 1 - squares / spread if spread else 0.0,
    }
