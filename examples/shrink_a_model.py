"""A trained network of your own, at half its latency: narrower, with its weights carried over, and tuned again."""

import copy
import tempfile

import torch
from torch import nn

import netwright as nw
from netwright.quality import evaluate
from netwright.target import compare_here


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(x + self.bn2(self.conv2(y)))


class DigitNet(nn.Module):
    """A residual network in plain PyTorch; nothing in it knows of netwright."""

    def __init__(self, width: int = 48, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(4)))
        self.head = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(x)).mean(dim=(2, 3)))


EPOCHS = 12


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    task = nw.load_task("digits")
    model = DigitNet()
    # On the training part alone: the search compares networks on the validation part, which must be new to them.
    nw.train(model, task, nw.Recipe(epochs=EPOCHS))
    model.eval()
    graph = nw.Graph.from_torch(model, torch.zeros(1, *task.input_shape))
    latency = nw.latency_here(nw.to_onnx(graph).SerializeToString()).median_ms
    print(f"given: {graph}, {latency:.3f} ms")

    space = nw.Space.from_model(graph, blocks=())
    print(f"{space.size():,} networks around it; the first is {dict(space.start)}")
    with tempfile.TemporaryDirectory() as folder:
        result = nw.search(
            space, task, maximize="accuracy", limits=[f"latency_ms@here <= {latency / 2}"], budget="30 s",
            epochs=4, final_epochs=EPOCHS, compare=False, out=f"{folder}/study",
        )  # fmt: skip
    best = result.best

    # The end of the search tunes what it found on all but the test part; so that the comparison is fair, the given
    # network is tuned in the same way.
    tuned = copy.deepcopy(model)
    nw.train(
        tuned, (task.development(), None), nw.Recipe.from_mapping({**space.recipe(best.design), "epochs": EPOCHS})
    )
    # Measured again, in turns, so that both meet the machine in the same state.
    files = [nw.to_onnx(each).SerializeToString() for each in (graph, best.graph)]
    before, after = (timing.median_ms for timing in compare_here(files, seconds=2.0))
    rows = (
        ("given", graph, before, evaluate(model, task.test)["accuracy"]),
        ("given, tuned", graph, before, evaluate(tuned, task.test)["accuracy"]),
        ("found, tuned", best.graph, after, best.metrics["test"]["accuracy"]),
    )
    for name, network, ms, accuracy in rows:
        params, macs = nw.costs_of(network, ["params", "macs"]).values()
        print(f"{name:<13} {ms:.3f} ms  {params:>8,} params  {macs:>11,} MACs  test accuracy {accuracy:.4f}")
    print(f"{before / after:.2f} times as fast; accuracy {100 * (rows[2][3] - rows[1][3]):+.2f} points")
    print("changed:", {path: value for path, value in best.design.items() if space.start.get(path) != value})


if __name__ == "__main__":
    main()
