"""Your own evaluation is one function: a network and a budget in, metrics out."""

from collections.abc import Callable, Mapping

import torch

import netwright as nw


def evaluate(
    network: nw.Graph, budget: float, report: Callable[[int, Mapping[str, float]], bool], *, seed: int
) -> dict[str, float]:
    """Learn y = sin(3 x0) x1 from 256 points; the error on 256 others."""
    torch.manual_seed(0)
    x = torch.rand(512, 2) * 2 - 1
    y = torch.sin(3 * x[:, :1]) * x[:, 1:]
    module = nw.to_module(network, seed=seed)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    error = float("inf")
    for step in range(int(budget)):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(x[:256]), y[:256]).backward()
        optimizer.step()
        with torch.no_grad():
            error = float(torch.nn.functional.mse_loss(module(x[256:]), y[256:]))
        if step % 20 == 0 and not report(step, {"error": error}):
            break
    return {"error": error}


def main() -> None:
    torch.set_num_threads(1)  # on small networks threads wait for each other longer than they work
    layer = nw.linear_block(nw.oneof(4, 8, 16), activation=nw.oneof("relu", "gelu", "silu"), norm="none")
    space = nw.Space(nw.seq(nw.repeat(layer, times=nw.integer(1, 3)), nw.table_head(1)), input=nw.vector(2))
    study = nw.search(
        space, evaluate, minimize=["error", "params"], limits="params <= 300", budget="20 trials", epochs=100,
        out="runs/own-evaluate", overwrite=True,
    )  # fmt: skip
    for entry in study.front:
        print(entry["trial"], entry["values"], dict(entry["design"]))


if __name__ == "__main__":
    main()
