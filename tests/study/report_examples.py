"""Studies and results as a search leaves them, made by formula: what the tests of the report render.

    python tests/study/report_examples.py FOLDER

writes one report a folder, to be looked at in a browser.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np

from netwright.cost import Limit
from netwright.graph import vector
from netwright.space import Space, catalog
from netwright.strategy import Objective
from netwright.study import Budget, Study, StudySpec, Trial

ORIGINS = ("random", "mutation", "crossover+mutation", "neighbour")
ENVIRONMENT = {"python": "3.11.2", "netwright": "0.1.0", "torch": None, "cpu": "A <fast> CPU & more", "cores": 2}


@cache
def space() -> Space:
    return catalog.mobilenet_tiny()


@cache
def designs(number: int):
    rng = np.random.default_rng(1)
    within = space().sample(rng, number, ["params <= 50k"])
    # One in six breaks the limit.
    mixed = [space().sample(rng)[0] if i % 6 == 5 else design for i, design in enumerate(within)]
    return [(design, space().costs(design)) for design in mixed]


def trial(number: int, rng: np.random.Generator, *, costs_limit: float = 50_000) -> Trial:
    """A trial whose accuracy grows with its parameters and with its number, with all kinds of ends."""
    design, costs = designs(150)[number % 150]
    state, error = "complete", None
    latency = 0.1 + costs["macs"] / 1.2e7 + abs(rng.normal(0, 0.02))
    skill = 0.89 + 0.014 * np.log10(costs["params"]) + 0.03 * (1 - np.exp(-number / 60))
    accuracy = float(np.clip(skill + rng.normal(0, 0.008), 0.1, 0.997))
    values = {"params": float(costs["params"]), "macs": float(costs["macs"])}
    draw = rng.random()
    if number % 17 == 3:
        state, error = "infeasible", f"latency_ms@here={latency:g} breaks latency_ms@here <= 0.2"
        values |= {"accuracy": accuracy, "latency_ms@here": latency}
        draw = 1.0
    if state == "infeasible":
        pass
    elif costs["params"] > costs_limit and number % 4:
        state, error = "infeasible", f"params={costs['params']:g} breaks params <= 50k"
    elif draw < 0.04:
        state, error = "failed", "RuntimeError: <script>alert('x')</script> did not fit\n  File \"train.py\", line 3"
    elif draw < 0.06:
        values |= {"accuracy": 0.11, "latency_ms@here": latency}
    else:
        values |= {"accuracy": accuracy, "latency_ms@here": latency}
    origin = ORIGINS[0] if number < 32 else ORIGINS[number % 3]
    return Trial(
        number, design, state, 7, values=values, origin=origin, parents=(number // 2,) if origin != "random" else (),
        cost=0.4 + accuracy, error=error, told=number, created=float(number), finished=number + 1.0,
    )  # fmt: skip


def study(
    number: int = 240, objectives=("maximize accuracy", "minimize latency_ms@here"), limits=("params <= 50k",), **spec
):
    rng = np.random.default_rng(0)
    trials = [trial(i, rng, costs_limit=50_000 if limits else 1e9) for i in range(number)]
    given = {
        "objectives": tuple(map(Objective.parse, objectives)),
        "limits": tuple(map(Limit.parse, limits)),
        "seed": 0,
        "budget": Budget.parse("3 min"),
        "space": {"name": "mobilenet-tiny"},
        "task": {"source": "digits"},
        "options": {"epochs": 9},
        "strategy": {"name": "regularised-evolution"},
    }
    return Study(Path("/runs/digits 1"), StudySpec(**{**given, **spec}), trials, ENVIRONMENT, 180.0)


def history(epochs: int = 40):
    return [
        {
            "train_loss": 2.3 * 0.9**i + 0.02,
            "loss": 2.1 * 0.9**i + 0.06,
            "accuracy": 1 - 0.9 * 0.88**i - 0.01,
            "lr": 0.1,
        }
        for i in range(epochs)
    ]


def result(of: Study, *, baselines: bool = True) -> dict:
    best = of.best if of.front else None
    winner = best and {
        "trial": best.number,
        "design": dict(best.design),
        "recipe": {"lr": 0.01, "epochs": 60},
        "metrics": {"valid": {"accuracy": 0.983}, "test": {"accuracy": 354 / 359, "loss": 0.05}},
        "costs": {"params": best.values.get("params"), "macs": best.values.get("macs"), "latency_ms@here": 0.213},
        "latency": {"median_ms": 0.213, "mad_ms": 0.01, "low_ms": 0.209, "high_ms": 0.2184, "runs": 1200},
        "limits": [
            {"limit": str(each), "value": best.values.get(each.metric), "holds": True} for each in of.spec.limits
        ],
        "epochs": 60,
    }
    return {
        "version": 1,
        "folder": "/runs/digits 1",
        "space": {"name": "mobilenet-tiny", "designs": "5358150000", "input": "1x8x8"},
        "task": {
            "name": "digits",
            "sizes": {"train": 1079, "valid": 359, "test": 359},
            "note": "the label column 'digit', the last; 10 classes",
        },
        "strategy": "regularised-evolution",
        "trials": {"total": len(of.trials)},
        "seconds": {"search": 180.2, "final": 31.0, "baselines": 64.4, "total": 275.6},
        "winner": winner,
        "baselines": [
            _baseline("random search at equal cost", 351, 44_100, 1.6e6, 230),
            _baseline("largest by params", 346, 49_990, 2.2e6, 1),
            _baseline("largest by MACs", 333, 47_000, 3.9e6, 1),
        ] if baselines and winner else [],
        "paths": {"report": "report.html", "model": "best/model.py", "onnx": None},
    }  # fmt: skip


def _baseline(name, right, params, macs, trials):
    metrics = {"test": {"accuracy": right / 359}}
    return {"name": name, "metrics": metrics, "costs": {"params": params, "macs": macs, "latency_ms@here": 0.4},
            "seconds": 60.0, "epochs": 45, "trials": trials}  # fmt: skip


def drawing(of: Study) -> str:
    from netwright.io import draw

    return draw(space().network(of.best.design))


def main(folder: Path) -> None:
    from netwright.study._report import write_report

    ofa = catalog.ofa_mobilenetv3()
    full, many, none = study(), study(5000), study(0)
    three = study(
        objectives=("maximize accuracy", "minimize latency_ms@here", "minimize params"),
        limits=("params <= 50k", "200k <= macs <= 2M"),
    )
    cases = {
        "full": (full, space(), {"drawing": drawing(full), "history": history()}),
        "many": (many, ofa, {"drawing": drawing(many), "history": history()}),
        "none": (none, None, {}),
        "one": (study(60, ("maximize accuracy",), ()), space(), {}),
        "three": (three, space(), {}),
        "table": (study(5), catalog.mlp_tabular(vector(4), 2), {}),
    }
    for name, (of, asked, more) in cases.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        path = write_report(folder / name, result=result(of, baselines=name != "one"), study=of, space=asked, **more)
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
