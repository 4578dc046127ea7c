"""The trainer: what it learns, that it repeats, resumes, stops and fails as it says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from netwright.errors import DataError, EvaluationError
from netwright.quality import _checkpoint
from netwright.quality._loop import tensors
from netwright.quality._recipe import Recipe
from netwright.quality._result import TrainResult
from netwright.quality._train import evaluate, train


@dataclass(frozen=True)
class Part:
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class FakeTask:
    train: Part
    valid: Part


def images(count: int, seed: int = 0, channels: int = 1, side: int = 8) -> Part:
    """Noise with a bright quarter, whose place is the class."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, channels, side, side)).astype(np.float32) * 0.5
    y = rng.integers(0, 4, count)
    half = side // 2
    for image, place in zip(x, y, strict=True):
        image[:, half * (place // 2) :, half * (place % 2) :][:, :half, :half] += 1
    return Part(x, y)


def rows(count: int, seed: int = 0, *, floating: bool = False) -> Part:
    x = np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32)
    total = x @ np.array([1.0, -2.0, 0.5, 0.0], np.float32)
    return Part(x, total if floating else (total > 0).astype(np.int64))


TASK = FakeTask(images(150), images(60, seed=1))


def convnet(seed: int = 0, dropout: float = 0.0, channels: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2),
        nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(72, 4),
    )  # fmt: skip


def mlp(seed: int = 0, outputs: int = 2) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, outputs))


def linear(side: int = 8) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(side * side, 4))


class Ensemble(nn.Module):
    """k linear models: (N, features) to (N, k, outputs)."""

    def __init__(self, members: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(members, 4, outputs) * 0.1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("nf,kfo->nko", x, self.weight)


def same_bits(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def without_seconds(result: TrainResult) -> list[dict[str, float]]:
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in result.history]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


ALL_OPTIONS = Recipe(
    epochs=4, mixup=0.3, crop=1, warp=0.5, flip=True, gradient_noise=0.01, grad_clip=0.5, averaging=0.3, seed=3
)


def test_learns_images() -> None:
    result = train(convnet(), TASK, Recipe(epochs=8, lr=0.01))
    assert result.metrics["accuracy"] > 0.9
    assert result.steps == 8 * 3
    assert not result.stopped_early


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_learns_rows(optimizer: str) -> None:
    recipe = Recipe(optimizer=optimizer, epochs=20, lr=0.05)
    result = train(mlp(), FakeTask(rows(300), rows(100, 1)), recipe)
    assert result.metrics["accuracy"] > 0.9


def test_learns_series() -> None:
    part = Part(TASK.train.x.reshape(-1, 1, 64), TASK.train.y)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv1d(1, 8, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(240, 4))
    assert train(module, (part, part), Recipe(epochs=10, lr=0.01)).metrics["accuracy"] > 0.9


def test_learns_numbers() -> None:
    task = FakeTask(rows(300, floating=True), rows(100, 1, floating=True))
    result = train(mlp(outputs=1), task, Recipe(epochs=40, lr=0.02, mixup=0.2, weight_decay=0.0))
    assert set(result.metrics) == {"loss", "rmse", "mae", "r2"}
    assert result.metrics["r2"] > 0.95
    assert result.metrics["rmse"] == pytest.approx(result.metrics["loss"] ** 0.5)


@pytest.mark.parametrize(("floating", "metric"), [(False, "accuracy"), (True, "r2")])
def test_learns_with_an_ensemble_of_outputs(floating: bool, metric: str) -> None:
    torch.manual_seed(0)
    task = FakeTask(rows(300, floating=floating), rows(100, 1, floating=floating))
    result = train(Ensemble(5, 1 if floating else 2), task, Recipe(epochs=30, lr=0.05, weight_decay=0.0))
    assert result.metrics[metric] > 0.9


def test_prediction_of_an_ensemble_is_the_mean_of_probabilities() -> None:
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            sure, unsure = torch.tensor([0.0, 9.0]), torch.tensor([1.0, 0.0])
            return torch.stack([sure, unsure, unsure]).expand(len(x), 3, 2)

    metrics = evaluate(Fixed(), Part(np.zeros((4, 1), np.float32), np.ones(4, np.int64)))
    shares = torch.stack([torch.tensor([0.0, 9.0]).softmax(0)] + [torch.tensor([1.0, 0.0]).softmax(0)] * 2).mean(0)
    assert metrics["loss"] == pytest.approx(-float(shares[1].log()), rel=1e-5)


def test_balanced_accuracy_is_the_mean_over_the_classes_present() -> None:
    x = np.zeros((5, 3), np.float32)
    x[:, 2] = 1
    metrics = evaluate(nn.Identity(), Part(x, np.array([2, 2, 2, 2, 0])))
    assert metrics["accuracy"] == 0.8
    assert metrics["balanced_accuracy"] == 0.5


def test_evaluate_does_not_depend_on_the_batch_size_and_keeps_the_mode() -> None:
    module = convnet()
    module.train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    one, other = (evaluate(module, TASK.valid, size) for size in (7, 1000))
    assert one == pytest.approx(other, rel=1e-5)
    assert module.training
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_reports_named_values_each_epoch() -> None:
    told: list[tuple[int, dict[str, float]]] = []

    def report(step: int, values: Mapping[str, float]) -> bool:
        told.append((step, dict(values)))
        return True

    result = train(convnet(), TASK, Recipe(epochs=3), report=report)
    assert [step for step, _ in told] == [1, 2, 3]
    assert [values for _, values in told] == result.history
    assert set(told[0][1]) == {"loss", "accuracy", "balanced_accuracy", "train_loss", "lr", "seconds"}
    assert result.metrics == {name: told[-1][1][name] for name in ("loss", "accuracy", "balanced_accuracy")}
    assert result.seconds == told[-1][1]["seconds"] > told[0][1]["seconds"] > 0


def test_report_stops_the_training() -> None:
    result = train(convnet(), TASK, Recipe(epochs=5), report=lambda step, values: step < 2)
    assert len(result.history) == 2
    assert result.stopped_early


def test_report_that_returns_nothing_does_not_stop() -> None:
    def report(step: int, values: Mapping[str, float]) -> Any:
        return None

    assert len(train(convnet(), TASK, Recipe(epochs=3), report=report).history) == 3


@pytest.mark.parametrize("recipe", [Recipe(epochs=3), ALL_OPTIONS, Recipe(epochs=2, optimizer="sgd")])
def test_the_same_seed_gives_the_same_bits(recipe: Recipe) -> None:
    modules = [convnet(dropout=0.2) for _ in range(2)]
    first, second = (train(module, TASK, recipe) for module in modules)
    assert same_bits(*modules)
    assert without_seconds(first) == without_seconds(second)


def test_another_seed_gives_other_weights() -> None:
    modules = [convnet() for _ in range(2)]
    for seed, module in enumerate(modules):
        train(module, TASK, Recipe(epochs=1, seed=seed))
    assert not same_bits(*modules)


def test_callers_random_stream_and_threads_are_left_alone() -> None:
    module = convnet(dropout=0.5)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    seen: list[int] = []
    train(module, TASK, Recipe(epochs=1, seed=9), threads=2,
          report=lambda step, values: seen.append(torch.get_num_threads()) is None)  # fmt: skip
    assert torch.equal(torch.rand(3), expected)
    assert seen == [2]
    assert torch.get_num_threads() == 1


class KilledError(Exception):
    """Stands for a process that ends."""


@pytest.mark.parametrize("recipe", [ALL_OPTIONS, Recipe(epochs=4, optimizer="sgd", lr=0.05, patience=3)])
@pytest.mark.parametrize("kill_at", [1, 3, 4])
def test_resuming_ends_with_the_same_bits(tmp_path: Path, recipe: Recipe, kill_at: int) -> None:
    def kill(step: int, values: Mapping[str, float]) -> bool:
        if step == kill_at:
            raise KilledError
        return True

    path = tmp_path / "new" / "training.pt"
    undisturbed, killed, resumed = (convnet(dropout=0.2) for _ in range(3))
    expected = train(undisturbed, TASK, recipe)
    with pytest.raises(KilledError):
        train(killed, TASK, recipe, checkpoint=path, report=kill)
    assert path.exists() == (kill_at > 1)
    told: list[int] = []
    result = train(resumed, TASK, recipe, checkpoint=path, report=lambda step, values: told.append(step) is None)
    assert told == list(range(kill_at, 5))
    assert same_bits(undisturbed, resumed)
    assert without_seconds(result) == without_seconds(expected)
    assert result.steps == expected.steps
    assert [entry.name for entry in path.parent.iterdir()] == ["training.pt"]


def test_averaged_weights_are_those_that_were_measured() -> None:
    module, plain = convnet(), convnet()
    result = train(module, TASK, Recipe(epochs=4, lr=0.01, averaging=0.5))
    train(plain, TASK, Recipe(epochs=4, lr=0.01))
    assert evaluate(module, TASK.valid) == pytest.approx(result.metrics)
    assert not same_bits(module, plain)


def test_an_average_over_one_step_changes_nothing() -> None:
    module, plain = convnet(), convnet()
    train(module, TASK, Recipe(epochs=20, averaging=1e-9))
    train(plain, TASK, Recipe(epochs=20))
    for mine, other in zip(module.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.allclose(mine.float(), other.float(), atol=1e-6)


def test_a_finished_training_is_read_back_without_training(tmp_path: Path) -> None:
    path = tmp_path / "training.pt"
    first, second = convnet(), convnet(seed=1)
    expected = train(first, TASK, Recipe(epochs=2), checkpoint=path)
    assert train(second, TASK, Recipe(epochs=2), checkpoint=path) == expected
    assert same_bits(first, second)


def test_a_training_stopped_by_report_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "training.pt"
    whole, halves = convnet(), convnet()
    train(whole, TASK, Recipe(epochs=4))
    train(halves, TASK, Recipe(epochs=4), checkpoint=path, report=lambda step, values: step < 2)
    train(halves, TASK, Recipe(epochs=4), checkpoint=path)
    assert same_bits(whole, halves)


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "training.pt"
    train(convnet(), TASK, Recipe(epochs=1), checkpoint=path)
    before = path.read_bytes()

    def full(state: Any, file: Any) -> None:
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="no space"):
        _checkpoint.save(path, {"epoch": 2})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "training.pt"
    path.write_bytes(content)
    with pytest.raises(EvaluationError, match=r"training\.pt is no checkpoint"):
        train(convnet(), TASK, Recipe(epochs=1), checkpoint=path)
    assert path.read_bytes() == content


def test_a_file_of_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "training.pt"
    torch.save({"weights": torch.zeros(1)}, path)
    with pytest.raises(EvaluationError, match="no checkpoint of a training"):
        train(convnet(), TASK, Recipe(epochs=1), checkpoint=path)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "training.pt"
    train(convnet(), TASK, Recipe(epochs=1), checkpoint=path)
    with pytest.raises(EvaluationError, match=r"another training: its recipe.*lr"):
        train(convnet(), TASK, Recipe(epochs=1, lr=0.1), checkpoint=path)
    with pytest.raises(EvaluationError, match="its epochs is 1, but 2"):
        train(convnet(), TASK, Recipe(epochs=1), checkpoint=path, epochs=2)
    with pytest.raises(EvaluationError, match="a module with other parameters"):
        train(linear(), TASK, Recipe(epochs=1), checkpoint=path)


def test_epochs_override_the_recipe_and_squeeze_the_schedule() -> None:
    result = train(convnet(), TASK, Recipe(epochs=50), epochs=2)
    assert len(result.history) == 2
    assert result.history[-1]["lr"] < 0.2 * Recipe().lr


@pytest.mark.parametrize("epochs", [0, -1, float("nan"), float("inf")])
def test_senseless_epochs_are_an_error(epochs: float) -> None:
    with pytest.raises(EvaluationError, match="epochs must be above 0"):
        train(convnet(), TASK, epochs=epochs)


def test_divergence_is_an_error_that_names_the_epoch() -> None:
    recipe = Recipe(optimizer="sgd", lr=1e20, epochs=3, grad_clip=0.0)
    with pytest.raises(EvaluationError, match=r"diverged: .* in epoch 1 of 3, with a learning rate of up to 1e\+20"):
        train(convnet(), TASK, recipe)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no room"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
    ],
)
def test_lack_of_memory_is_an_error_of_the_evaluation(error: Exception) -> None:
    class Hungry(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            raise error

    with pytest.raises(EvaluationError, match="ran out of memory: "):
        train(Hungry(4, 2), (rows(10), None))


def test_other_errors_of_a_module_are_not_hidden() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        train(nn.Linear(5, 2), (rows(10), None))


def test_patience_stops_and_keeps_the_best() -> None:
    noise = Part(TASK.train.x, np.random.default_rng(0).integers(0, 4, 150))
    module = convnet()
    result = train(module, FakeTask(noise, TASK.valid), Recipe(epochs=60, lr=0.02, patience=3))
    losses = [entry["loss"] for entry in result.history]
    assert result.stopped_early
    assert len(losses) == int(np.argmin(losses)) + 1 + 3
    assert result.metrics["loss"] == min(losses)
    assert evaluate(module, TASK.valid)["loss"] == pytest.approx(min(losses), rel=1e-5)


def test_without_validation_the_metric_is_the_training_loss() -> None:
    result = train(convnet(), (TASK.train, None), Recipe(epochs=2, patience=1))
    assert set(result.metrics) == {"train_loss"}
    assert len(result.history) == 2


def test_a_last_batch_of_one_is_left_out_only_for_batch_norm() -> None:
    part = Part(TASK.train.x[:65], TASK.train.y[:65])
    assert train(convnet(), (part, None), Recipe(epochs=1)).steps == 1
    assert train(linear(), (part, None), Recipe(epochs=1)).steps == 2
    with pytest.raises(EvaluationError, match="batches of 2 or more"):
        train(convnet(), (part, None), Recipe(epochs=1, batch_size=1))


def test_vectors_are_not_decayed() -> None:
    part = Part(np.zeros((8, 4), np.float32), np.zeros(8, np.int64))

    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 4))
            self.scale = nn.Parameter(torch.ones(4, 1, 1))
            self.bias = nn.Parameter(torch.ones(2))

        def forward(self, x: Tensor) -> Tensor:
            return 0 * (self.weight.sum() + self.scale.sum() + self.bias.sum()) + x[:, :2]

    module = Idle()
    train(module, (part, None), Recipe(epochs=5, weight_decay=0.5, lr=0.1))
    assert float(module.weight.detach().max()) < 1
    assert bool((module.scale == 1).all())
    assert bool((module.bias == 1).all())


def test_module_comes_back_contiguous_even_after_an_error() -> None:
    module = convnet()
    train(module, TASK, Recipe(epochs=1))
    assert all(value.is_contiguous() for value in module.state_dict().values())

    def stop(step: int, values: Mapping[str, float]) -> bool:
        raise KilledError

    with pytest.raises(KilledError):
        train(module, TASK, Recipe(epochs=1), report=stop)
    assert all(value.is_contiguous() for value in module.state_dict().values())


def test_images_are_trained_channels_last() -> None:
    seen: list[bool] = []

    class Probe(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.is_contiguous(memory_format=torch.channels_last))
            return x

    part = images(20, channels=3)
    train(nn.Sequential(Probe(), convnet(channels=3)), (part, part), Recipe(epochs=1, crop=1, flip=True))
    assert seen
    assert all(seen)


@pytest.mark.parametrize(("amp", "half"), [("on", True), ("auto", torch.cuda.is_available()), ("off", False)])
def test_mixed_precision_where_it_is_asked_for(amp: str, half: bool) -> None:
    seen: set[torch.dtype] = set()
    network = convnet()
    network[0].register_forward_hook(lambda module, given, made: seen.add(made.dtype) if module.training else None)
    result = train(network, TASK, Recipe(epochs=8, lr=0.01, amp=amp))
    assert seen <= ({torch.bfloat16, torch.float16} if half else {torch.float32})
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float32}
    assert result.metrics["accuracy"] > 0.9


def test_a_compiled_training_has_the_names_and_results_of_a_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a backend makes of the network is PyTorch's affair; this one takes no compiler and no minute.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    plain, compiled = (mlp() for _ in range(2))
    task = FakeTask(rows(300), rows(100, 1))
    one, other = (train(m, task, Recipe(epochs=3, compile=c)) for m, c in ((plain, "off"), (compiled, "on")))
    assert plain.state_dict().keys() == compiled.state_dict().keys()
    assert one.metrics == pytest.approx(other.metrics, rel=1e-4)


@pytest.mark.parametrize(("side", "warps"), [(8, True), (16, False)])
def test_images_of_less_than_16_pixels_are_warped_unless_told_otherwise(side: int, warps: bool) -> None:
    part = images(20, side=side)
    modules = [linear(side) for _ in range(2)]
    for module, warp in zip(modules, (None, 0.0), strict=True):
        train(module, (part, None), Recipe(epochs=1, crop=0, mixup=0.0, warp=warp))
    assert same_bits(*modules) is not warps


def test_gradient_noise_and_mixup_change_the_weights() -> None:
    modules = [convnet() for _ in range(3)]
    changes = [{"mixup": 0.0}, {"mixup": 0.0, "gradient_noise": 0.01}, {"mixup": 0.2}]
    for module, recipe in zip(modules, changes, strict=True):
        train(module, TASK, Recipe(epochs=1, crop=0, **recipe))  # type: ignore[arg-type]
    assert not same_bits(modules[0], modules[1])
    assert not same_bits(modules[0], modules[2])


def test_read_only_arrays_and_any_integer_type_are_taken() -> None:
    part = rows(10)
    part.x.setflags(write=False)
    x, y = tensors(Part(part.x, part.y.astype(np.uint8)), torch.device("cpu"))
    assert x.dtype == torch.float32
    assert y.dtype == torch.int64


@pytest.mark.parametrize(("x", "y"), [(3, 2), (0, 0)])
def test_splits_that_do_not_fit_are_an_error(x: int, y: int) -> None:
    with pytest.raises(DataError, match="as many targets as examples"):
        evaluate(mlp(), Part(np.zeros((x, 4), np.float32), np.zeros(y, np.int64)))


def test_a_module_without_parameters_cannot_be_trained() -> None:
    with pytest.raises(EvaluationError, match="without a trainable parameter"):
        train(nn.Flatten(), TASK)


def test_importing_the_trainer_does_not_import_torch() -> None:
    code = "import sys, netwright.quality._train, netwright.quality._recipe; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
