"""How good a design is: tasks and their data, training, and what an estimate costs."""

from __future__ import annotations

from netwright.quality._initialise import initialise, lr_scale
from netwright.quality._recipe import Recipe
from netwright.quality._result import TrainResult
from netwright.quality._task import Split, Task
from netwright.quality._train import evaluate, train
from netwright.quality.data import load_task

__all__ = ["Recipe", "Split", "Task", "TrainResult", "evaluate", "initialise", "load_task", "lr_scale", "train"]
