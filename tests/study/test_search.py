"""Searches from end to end: with a function, with a task, killed and gone on with, and asked nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import classifier, conv
from netwright.cli._result import words
from netwright.cost import costs_of
from netwright.errors import LimitError, StudyError, UnknownNameError
from netwright.graph import image
from netwright.quality import load_task
from netwright.space import Space, oneof, seq
from netwright.study import Store, resume_search, search
from netwright.target import add_target, remove_target


def small_space() -> Space:
    return Space(
        seq(conv(oneof(4, 8, 12), stride=2), conv(oneof(4, 8), kernel=oneof(1, 3)), classifier(3)),
        input=image(1, 8, 8),
        name="small",
    )


def wider_is_better(
    network: Any, budget: float, report: Callable[[int, Mapping[str, float]], bool]
) -> dict[str, float]:
    report(1, {"score": 0.0})
    return {"score": float(sum(p.size for p in network.parameters.values()))}


def stripes() -> tuple[np.ndarray, np.ndarray]:
    """Three classes of 8x8 images: horizontal stripes, vertical stripes, neither."""
    rng = np.random.default_rng(0)
    y = np.arange(180) % 3
    x = rng.normal(0, 0.3, (180, 8, 8))
    x[y == 0] += np.sign(np.sin(np.arange(8) * 2))[:, None]
    x[y == 1] += np.sign(np.sin(np.arange(8) * 2))[None, :]
    return x[:, None].astype(np.float32), y


def test_a_function_is_searched_within_limits(tmp_path: Path) -> None:
    result = search(
        small_space(), wider_is_better, maximize="score", limits=["params <= 900"], budget="12 trials",
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert result.study.best.values["params"] <= 900
    assert result.winner is None
    best = max(v["params"] for v in (small_space().costs(d) for d in small_space().enumerate()) if v["params"] <= 900)
    assert result.study.best.values["params"] == best
    with pytest.raises(StudyError, match="no design of the search"):
        _ = result.best


def test_a_search_that_is_gone_on_with_equals_one_that_was_not_stopped(tmp_path: Path) -> None:
    def run(folder: str, budget: str) -> None:
        search(small_space(), wider_is_better, maximize="score", minimize="macs", budget=budget, seed=3,
               out=tmp_path / folder, progress=False)  # fmt: skip

    run("whole", "14 trials")
    run("parts", "5 trials")
    resume_search(tmp_path / "parts", space=small_space(), task=wider_is_better, budget="14 trials", progress=False)
    logs = []
    for folder in ("whole", "parts"):
        with Store.open(tmp_path / folder) as store:
            logs.append([(t.number, t.design, t.state, t.seed, t.values, t.parents) for t in store.trials()])
    assert logs[0] == logs[1]


@pytest.mark.slow
def test_a_task_gives_a_trained_exported_winner(tmp_path: Path) -> None:
    result = search(
        small_space(), stripes(), limits=["params <= 2k", "latency_ms@here <= 50"], budget="4 trials",
        out=tmp_path / "run", epochs=6, final_epochs=10, progress=False,
    )  # fmt: skip
    assert result.winner is not None
    assert result.winner.metrics["test"]["accuracy"] > 0.9
    assert all(check["holds"] for check in result.winner.limits)
    assert result.winner.costs["params"] <= 2000
    names = {entry["name"] for entry in result.summary["baselines"]}
    assert names == {"random search at equal cost", "largest by params", "largest by MACs"}
    for path in result.summary["paths"].values():
        assert Path(path).is_file()
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == result.to_json()
    exported = result.best.export(tmp_path / "again")
    assert exported.max_difference <= 1e-5


@pytest.mark.slow
def test_a_latency_table_makes_latency_a_limit_of_the_forest(tmp_path: Path) -> None:
    result = search(
        small_space(), stripes(), limits=["latency_ms@here <= 50"], budget="2 trials", out=tmp_path / "run", epochs=1,
        final_epochs=1, progress=False, latency="table", compare=False,
    )  # fmt: skip
    assert result.study.spec.options["latency_tables"]["latency_ms@here"]
    assert all(t.state in ("complete", "duplicate") for t in result.study.trials)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"limits": ["params <= 3"]}, LimitError, "lies between"),
        ({"limits": ["parms <= 3k"]}, UnknownNameError, "did you mean 'params'"),
        ({"maximize": "acuracy"}, UnknownNameError, "did you mean 'accuracy'"),
        ({"strategy": "evolve"}, UnknownNameError, "no strategy"),
        ({"latency": "guess"}, UnknownNameError, "measure, table"),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        search(small_space(), stripes(), out=tmp_path / "run", budget="1 trial", progress=False, **arguments)
    assert not (tmp_path / "run").exists()


def test_space_and_task_must_have_one_shape(tmp_path: Path) -> None:
    x, y = stripes()
    with pytest.raises(StudyError, match="one input shape"):
        search(small_space(), (x[:, :, :4], y), out=tmp_path / "run", progress=False)


def test_a_recipe_that_no_training_takes_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    made = small_space()
    misnamed = Space(made.expression, input=list(made.inputs.values()), recipe={"learning_rate": oneof(0.01, 0.1)})
    with pytest.raises(UnknownNameError, match=r"named 'learning_rate'.*lr"):
        search(misnamed, stripes(), out=tmp_path / "run", budget="1 trial", progress=False)
    assert not (tmp_path / "run").exists()


def test_objects_are_asked_for_again_on_resume(tmp_path: Path) -> None:
    search(small_space(), wider_is_better, maximize="score", budget="2 trials", out=tmp_path / "run", progress=False)
    with pytest.raises(StudyError, match="space was given as an object"):
        resume_search(tmp_path / "run", progress=False)


def test_a_search_whose_target_is_gone_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWRIGHT_HOME", str(tmp_path / "home"))
    space, out = small_space(), tmp_path / "run"
    rows = [{"design": dict(design), "latency_ms": 1.0 + i} for i, design in enumerate(space.enumerate())]
    (tmp_path / "phone.json").write_text(json.dumps(rows))
    add_target(tmp_path / "phone.json", space=space)
    short: dict[str, Any] = {"progress": False, "final_epochs": 1, "compare": False}
    search(space, stripes(), limits=["latency_ms@phone <= 9"], budget="1 trial", out=out, epochs=1, **short)
    remove_target("phone")
    with pytest.raises(UnknownNameError, match="no target is named 'phone'"):
        resume_search(out, space=space, task=load_task(stripes()), budget="3 trials", **short)
    with Store.open(out) as store:
        assert (len(store.trials()), store.spec.budget.trials) == (1, 1)


@pytest.mark.slow
def test_the_largest_designs_are_tried_first_and_random_search_is_left_alone(tmp_path: Path) -> None:
    space = small_space()
    result = search(
        space, stripes(), limits=["macs <= 9k"], budget="4 trials", out=tmp_path / "run", epochs=1, final_epochs=1,
        progress=False,
    )  # fmt: skip
    kept = [design for design in space.enumerate() if space.costs(design, ["macs"])["macs"] <= 9_000]
    large = [max(kept, key=lambda design: space.costs(design, [cost])[cost]) for cost in ("params", "macs")]
    tried = [trial.design for trial in result.study.trials if trial.origin == "largest"]
    assert tried == list(dict.fromkeys(large))
    with Store.open(tmp_path / "run" / "random") as store:
        assert {trial.origin for trial in [result.study.trials[0], *store.trials()]} == {"random"}
    told = {entry["name"]: entry["design"] for entry in result.summary["baselines"]}
    assert [told["largest by params"], told["largest by MACs"]] == [dict(design) for design in large]


def test_the_largest_that_a_target_lets_pass_is_tried(tmp_path: Path) -> None:
    bound = 1024
    result = search(
        small_space(), wider_is_better, maximize="score", limits=[f"peak_memory <= {bound}"], budget="3 trials",
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    known = [costs_of(small_space().network(design)) for design in small_space().enumerate()]
    largest = [trial for trial in result.study.trials if trial.origin == "largest"]
    assert largest
    assert all(trial.state in ("complete", "duplicate") for trial in largest)
    best = max(costs["params"] for costs in known if costs["peak_memory"] <= bound)
    assert largest[0].values["params"] == best


def test_a_search_in_vain_tells_the_nearest_value(tmp_path: Path) -> None:
    result = search(
        small_space(), wider_is_better, maximize="score", limits=["peak_memory <= 10"], budget="3 trials",
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    least = min(trial.values["peak_memory"] for trial in result.study.trials)
    assert result.summary["infeasible"] == [{"limit": "peak_memory <= 10", "trials": 3, "nearest": least}]
    told = [line for line in words(result.summary).renderables if isinstance(line, str)]
    assert any(f"3 broke peak_memory <= 10: the nearest has {round(least):,}" in line for line in told)
