"""The training loop. This module imports torch, so it is itself imported only when a training starts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import DataError, EvaluationError
from netwright.quality import _checkpoint
from netwright.quality._augment import Crops, mixup, random_flip, random_warp
from netwright.quality._averaging import WeightAverage
from netwright.quality._gradient_noise import add_gradient_noise
from netwright.quality._initialise import initialise, lr_scale
from netwright.quality._recipe import Recipe
from netwright.quality._result import Arrays, Report, TrainResult
from netwright.quality._schedule import warmup_cosine
from netwright.quality._score import objective, score

if TYPE_CHECKING:
    from netwright.graph import Graph

__all__ = ["Training", "isolated", "tensors"]

_COMPILE_STEPS = 10_000
"""torch.compile costs up to 80 s before the first step: shorter trainings never earn that back."""
_EVALUATION_BATCH = 256
TINY = 16
"""Pixels of the smaller side below which a shift by a whole one is a large change."""


@contextmanager
def isolated(device: str | torch.device | None, threads: int | None, seed: int) -> Iterator[torch.device]:
    """Device to train on, with a random state and a thread count that end with the block."""
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        try:
            if threads is not None:
                torch.set_num_threads(threads)
            # Dropout inside a module can only draw from the global generators. torch.manual_seed would seed those
            # of all devices, of which only this one's is put back.
            torch.default_generator.manual_seed(seed)
            if place.type == "cuda":
                with torch.cuda.device(place):
                    torch.cuda.manual_seed(seed)
            yield place
        finally:
            torch.set_num_threads(before)


def tensors(split: Arrays, device: torch.device) -> tuple[Tensor, Tensor]:
    """Examples as float32 and targets as int64 or float32 on the device."""
    # Copies: torch warns of arrays that are read-only, as those of a task are.
    x, y = torch.from_numpy(np.array(split.x, dtype=np.float32)), torch.from_numpy(np.array(split.y))
    if len(x) != len(y) or not len(x):
        raise DataError(f"a split needs as many targets as examples, at least one, but got {len(y)} and {len(x)}.")
    y = y.to(device, torch.float32 if y.is_floating_point() else torch.int64)
    return x.to(device), y.reshape(len(y))


class Training:
    """One training from its first epoch, or from a checkpoint, to its last."""

    def __init__(
        self,
        module: nn.Module,
        train: Arrays,
        valid: Arrays | None,
        recipe: Recipe,
        epochs: int,
        device: torch.device,
        graph: Graph | None,
    ) -> None:
        self._module, self._recipe, self._epochs, self._device = module, recipe, epochs, device
        self._home = next((p.device for p in module.parameters()), device)
        self._lr = recipe.lr * _prepare(module, recipe, graph)
        self._x, self._y = tensors(train, device)
        self._valid = None if valid is None else tensors(valid, device)
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self._noise = torch.Generator(device).manual_seed(recipe.seed)
        self._channels_last = self._x.ndim == 4 and any(p.ndim == 4 for p in module.parameters())
        module.to(device)
        if self._channels_last:
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self._optimizer = _optimizer(module, recipe, device)
        self._crops, self._warp = self._make_crops(), self._strength_of_warps()
        self._flips = self._x.ndim == 4 and (self._x.shape[1] == 3 if recipe.flip is None else recipe.flip)
        self._batches = _batch_count(len(self._x), recipe.batch_size, _has_batch_norm(module))
        self._set_up_precision()
        latest = recipe.averaging * epochs * self._batches
        self._average = WeightAverage(module, latest) if recipe.averaging else None
        self._epoch, self._spent, self._best = 0, 0.0, (math.inf, 0)
        self._best_state: dict[str, Tensor] | None = None
        self._history: list[dict[str, float]] = []

    def run(self, report: Report | None, checkpoint: Path | None) -> TrainResult:
        """Train to the last epoch, or until `report` or the patience says stop."""
        if checkpoint is not None:
            self._resume(checkpoint)
        stopped = False
        try:
            while self._epoch < self._epochs and not stopped and not self._is_out_of_patience():
                values = self._one_epoch()
                if report is not None:
                    answer = report(self._epoch, values)
                    # A function that returns nothing has not asked to stop.
                    stopped = answer is not None and not answer
                # Saved after the report: killed in between, an epoch is reported twice rather than never.
                if checkpoint is not None:
                    _checkpoint.save(checkpoint, self._state())
            return self._result(stopped)
        finally:
            self._module.to(self._home)
            if self._channels_last:
                self._module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    def _one_epoch(self) -> dict[str, float]:
        start = time.perf_counter()
        self._module.train()
        rows = torch.randperm(len(self._x), generator=self._generator).to(self._device)
        total = torch.zeros((), device=self._device)
        step = self._epoch * self._batches
        size = self._recipe.batch_size
        for i in range(self._batches):
            total += self._step(rows[i * size : (i + 1) * size], step + i)
        self._epoch += 1
        values = {"train_loss": float(total) / self._batches}
        if self._valid is not None:
            with self._averaged():
                values |= score(self._module, *self._valid, _EVALUATION_BATCH, self._convert)
        if not all(map(math.isfinite, values.values())):
            raise EvaluationError(
                f"training diverged: the loss was no longer finite in epoch {self._epoch} of {self._epochs}, with "
                f"a learning rate of up to {self._lr:.3g}."
            )
        self._spent += time.perf_counter() - start
        values |= {"lr": self._optimizer.param_groups[0]["lr"], "seconds": self._spent}
        self._history.append(values)
        self._keep_best(values)
        return dict(values)

    def _step(self, rows: Tensor, step: int) -> Tensor:
        """One optimiser step; the loss before it."""
        recipe = self._recipe
        lr = self._lr * warmup_cosine(step, self._epochs * self._batches, self._warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        with self._autocast():
            loss = self._loss(rows)
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if recipe.gradient_noise or recipe.grad_clip:
            self._scaler.unscale_(self._optimizer)
        if recipe.grad_clip:
            nn.utils.clip_grad_norm_(self._parameters, recipe.grad_clip)
        if recipe.gradient_noise:
            add_gradient_noise(self._parameters, step, recipe.gradient_noise, self._noise)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self._average is not None:
            self._average.update()
        return loss.detach()

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The averaged weights in the module, where the recipe asks for them."""
        if self._average is not None:
            self._average.swap()
        try:
            yield
        finally:
            if self._average is not None:
                self._average.swap()

    def _loss(self, rows: Tensor) -> Tensor:
        recipe, generator = self._recipe, self._generator
        x = self._x[rows] if self._crops is None else self._crops(rows, generator)
        y = self._y[rows]
        if self._warp:
            x = random_warp(x, self._warp, generator)
        if self._flips:
            x = random_flip(x, generator)
        if not recipe.mixup or y.is_floating_point():
            return objective(self._forward(self._convert(x)), y, recipe.label_smoothing)
        x, partners, share = mixup(x, recipe.mixup, generator)
        outputs = self._forward(self._convert(x))
        first = objective(outputs, y, recipe.label_smoothing)
        return share * first + (1 - share) * objective(outputs, y[partners], recipe.label_smoothing)

    def _convert(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last) if self._channels_last else x

    @property
    def _warmup(self) -> int:
        return round(self._recipe.warmup_fraction * self._epochs * self._batches)

    def _make_crops(self) -> Crops | None:
        if self._x.ndim != 4:
            return None
        usual = 0 if self._has_tiny_images else min(self._x.shape[2:]) // 8
        pixels = usual if self._recipe.crop is None else self._recipe.crop
        return Crops(self._x, pixels) if pixels else None

    def _strength_of_warps(self) -> float:
        usual = 1.0 if self._has_tiny_images else 0.0
        return (usual if self._recipe.warp is None else self._recipe.warp) if self._x.ndim == 4 else 0.0

    @property
    def _has_tiny_images(self) -> bool:
        return self._x.ndim == 4 and min(self._x.shape[2:]) < TINY

    def _set_up_precision(self) -> None:
        """Mixed precision and compilation: on a CPU the first is erratic, the second rarely pays: so if asked."""
        place, amp, compiles = self._device.type, self._recipe.amp, self._recipe.compile
        mixed = amp == "on" or (amp == "auto" and place == "cuda")
        half = torch.float16 if place == "cuda" and not torch.cuda.is_bf16_supported() else torch.bfloat16
        self._autocast: Callable[[], AbstractContextManager[Any]] = (
            partial(torch.autocast, place, half) if mixed else nullcontext
        )
        self._scaler = torch.amp.GradScaler(place, enabled=mixed and half == torch.float16)
        long = place == "cuda" and self._epochs * self._batches >= _COMPILE_STEPS
        wanted = compiles == "on" or (compiles == "auto" and long)
        self._forward: Any = torch.compile(self._module) if wanted else self._module

    def _is_out_of_patience(self) -> bool:
        patience = self._recipe.patience
        return bool(patience) and self._valid is not None and self._epoch - self._best[1] >= patience

    def _keep_best(self, values: dict[str, float]) -> None:
        if self._recipe.patience and self._valid is not None and values["loss"] < self._best[0]:
            self._best = (values["loss"], self._epoch)
            with self._averaged():
                self._best_state = {name: value.clone() for name, value in self._module.state_dict().items()}

    def _result(self, stopped: bool) -> TrainResult:
        final = self._history[-1]
        if self._average is not None:
            self._average.swap()
        if self._best_state is not None:
            self._module.load_state_dict(self._best_state)
            final = self._history[self._best[1] - 1]
        left_out = {"lr", "seconds"} if self._valid is None else {"lr", "seconds", "train_loss"}
        return TrainResult(
            metrics={name: value for name, value in final.items() if name not in left_out},
            history=self._history,
            seconds=self._spent,
            steps=self._epoch * self._batches,
            stopped_early=self._epoch < self._epochs or stopped,
        )

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must agree with."""
        return {"recipe": self._recipe.to_mapping(), "epochs": self._epochs, "examples": len(self._x)}

    def _state(self) -> dict[str, Any]:
        on_gpu = self._device.type == "cuda"
        return self._identity() | {
            "epoch": self._epoch,
            "module": self._module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "generator": self._generator.get_state(),
            "noise": self._noise.get_state(),
            "average": None if self._average is None else self._average.state(),
            "cpu_rng": torch.get_rng_state(),
            "gpu_rng": torch.cuda.get_rng_state(self._device) if on_gpu else None,
            "history": self._history,
            "seconds": self._spent,
            "best": list(self._best),
            "best_state": self._best_state,
        }

    def _resume(self, checkpoint: Path) -> None:
        state = _checkpoint.load(checkpoint, self._identity())
        if state is None:
            return
        try:
            self._module.load_state_dict(state["module"])
            self._optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise EvaluationError(f"{checkpoint} is of a module with other parameters.") from error
        if self._average is not None:
            self._average.load(state["average"])
        self._scaler.load_state_dict(state["scaler"])
        self._generator.set_state(state["generator"])
        self._noise.set_state(state["noise"])
        torch.set_rng_state(state["cpu_rng"])
        if state["gpu_rng"] is not None:
            torch.cuda.set_rng_state(state["gpu_rng"], self._device)
        self._epoch, self._spent = state["epoch"], state["seconds"]
        self._history, self._best_state = state["history"], state["best_state"]
        loss, epoch = state["best"]
        self._best = (loss, epoch)


def _prepare(module: nn.Module, recipe: Recipe, graph: Graph | None) -> float:
    """Initialise anew where the recipe says so; the factor on the learning rate."""
    if not recipe.architecture_aware:
        return 1.0
    if graph is None:
        raise EvaluationError("an architecture-aware training needs the module's graph, but got none.")
    initialise(module, graph, seed=recipe.seed)
    return lr_scale(graph, base_depth=recipe.base_depth)


def _optimizer(module: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:
    """Optimiser that decays weights but not vectors: biases, scales and shifts of normalisations."""
    trained = [p for p in module.parameters() if p.requires_grad]
    if not trained:
        raise EvaluationError("a module without a trainable parameter cannot be trained.")
    # A scale may be stored as (C, 1, 1): a vector is what has one dimension larger than 1 at most.
    vectors = [p for p in trained if p.numel() == max(p.shape, default=1)]
    known = set(map(id, vectors))
    weights = [p for p in trained if id(p) not in known]
    groups = [{"params": weights, "weight_decay": recipe.decay}, {"params": vectors, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    fused = device.type in ("cpu", "cuda")
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=fused)
    momentum = recipe.momentum
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=momentum, nesterov=momentum > 0, fused=fused)


def _has_batch_norm(module: nn.Module) -> bool:
    return any(name.endswith("running_mean") for name, _ in module.named_buffers()) or any(
        isinstance(part, nn.modules.batchnorm._BatchNorm) for part in module.modules()
    )


def _batch_count(examples: int, batch_size: int, has_batch_norm: bool) -> int:
    """Batches in an epoch; a last batch of one example is left out where a batch norm would have to divide by 0."""
    full, rest = divmod(examples, batch_size)
    if has_batch_norm and (examples == 1 or batch_size == 1):
        raise EvaluationError(
            f"batch normalisation needs batches of 2 or more, but got {examples} examples in batches of {batch_size}."
        )
    return full + (rest > (1 if has_batch_norm else 0))
