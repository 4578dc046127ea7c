"""`netwright space`."""

from __future__ import annotations

import json
from statistics import median_low
from typing import Any

import pytest

from netwright.space import catalog
from netwright.space.catalog import SPACES, get_space

KEYS = [
    "name", "input", "inputs", "classes", "designs", "limits", "designs_within_limits", "networks", "params", "macs",
]  # fmt: skip


@pytest.fixture
def ask(run):
    """Document of `netwright space ... --json`."""

    def call(*arguments: object) -> dict[str, Any]:
        done = run("space", *arguments, "--seconds", "0", "--json")
        assert done.exit_code == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return call


def test_the_document_of_a_space(ask):
    found = ask("nasbench201")
    assert list(found) == KEYS
    assert found["designs"] == "15625"
    assert (found["input"], found["inputs"], found["classes"]) == ("3x32x32", [[3, 32, 32]], 10)
    assert found["params"]["max"] == 1_531_546
    assert found["macs"]["max"] == 220_119_680


def test_shape_and_classes_reach_the_space(ask):
    found = ask("mobilenet-tiny", "--input", "3x16x16", "--classes", 4)
    assert (found["input"], found["classes"]) == ("3x16x16", 4)
    assert found["designs"] == str(get_space("mobilenet-tiny", (3, 16, 16), 4).size())


def test_medians_and_counts_are_those_of_all_designs(ask):
    space = get_space("vit-tiny")
    costs = space.all_costs(["params", "macs"])
    found = ask("vit-tiny", "--limit", "params<=50k", "--limit", "1M<=macs<=2M")
    for column, name in enumerate(("params", "macs")):
        values = costs[:, column].tolist()
        middle = median_low(values)
        assert found[name] == {
            "min": min(values), "median": middle, "max": max(values), "median_range": [middle, middle],
        }  # fmt: skip
    assert found["designs_within_limits"] == str(sum(p <= 50_000 and 1e6 <= m <= 2e6 for p, m in costs.tolist()))
    assert found["limits"] == ["params <= 50k", "1M <= macs <= 2M"]


def test_one_limit_is_counted_by_the_histogram_of_a_large_space(ask):
    found = ask("grammar-tiny", "--limit", "params<=5k")
    histogram = get_space("grammar-tiny").histogram("params")
    assert histogram.exact
    assert found["designs_within_limits"] == str(
        sum(n for cost, n in zip(histogram.costs, histogram.counts, strict=True) if cost <= 5000)
    )


def test_what_is_not_cheap_is_null(ask):
    assert ask("mlp-tabular")["networks"] is None
    assert ask("ofa-mobilenetv3", "--limit", "macs<=300M", "--limit", "params<=5M")["designs_within_limits"] is None
    assert ask("vit-tiny", "--limit", "peak_memory<=1M")["designs_within_limits"] is None


def test_a_median_on_a_grid_has_a_range(ask):
    low, high = ask("ofa-mobilenetv3", "--input", "3x224x224")["macs"]["median_range"]
    assert low < high


def test_distinct_networks_are_counted(run, own: str):
    done = run("space", f"{own}:space", "--json")
    found = json.loads(done.stdout)
    assert (found["designs"], found["networks"], found["classes"]) == ("2", "2", None)


@pytest.mark.slow
def test_samples_keep_the_limits(ask):
    found = ask("mobilenet-tiny", "--limit", "params<=20k", "--sample", 5, "--seed", 3)
    assert len(found["samples"]) == 5
    assert all(sample["params"] <= 20_000 for sample in found["samples"])
    space = get_space("mobilenet-tiny")
    assert all(space.costs(s["design"]) == {"params": s["params"], "macs": s["macs"]} for s in found["samples"])
    assert found["samples"] == ask("mobilenet-tiny", "--limit", "params<=20k", "--sample", 5, "--seed", 3)["samples"]


def test_without_a_name_all_are_listed(run):
    found = json.loads(run("space", "--json").stdout)["spaces"]
    assert [each["name"] for each in found] == list(SPACES)
    assert all(list(each) == ["name", "summary", "input", "classes", "designs"] for each in found)


def test_words(run, monkeypatch):
    text = run("space", "mlp-tabular", "--limit", "params<=2k", "--sample", "1", "--seconds", "0").stdout
    assert "339,000" in text
    assert "(params <= 2k)" in text
    assert "choice = " in text
    assert "25 sizes" in run("space", "ofa-mobilenetv3", "--seconds", "0").stdout
    some = ("mlp-tabular", "vit-tiny")
    monkeypatch.setattr(catalog, "SPACES", {name: SPACES[name] for name in some})
    listed = run("space").stdout
    assert all(name in listed for name in some)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["mobilenet"], "UnknownNameError", "did you mean 'mobilenet-tiny'"),
        (["vit-tiny", "--limit", "speed<=3"], "UnknownNameError", "known: activation_bytes"),
        (["vit-tiny", "--limit", "params<3"], "LimitError", "only <= and >="),
        (["vit-tiny", "--limit", "params<=3"], "LimitError", "lies between 7530 and 204938"),
        (["vit-tiny", "--input", "3"], "SpaceError", "channels, height, width"),
        (["vit-tiny", "--input", "three"], "SpaceError", "3x32x32"),
        (["vit-tiny", "--limit", "peak_memory<=1M", "--sample", "1"], "LimitError", "additive"),
    ],
)
def test_errors_are_one_sentence_and_exit_code_2(run, arguments: list[str], kind: str, message: str):
    done = run("space", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    done = run("space", *arguments, "--json")
    assert done.exit_code == 2
    error = json.loads(done.stdout)["error"]
    assert error["type"] == kind
    assert f"error: {error['message']}\n" == done.stderr


def test_a_space_is_printed_as_source_that_makes_it(run):
    names = {}
    exec(run("space", "mobilenet-tiny", "--python").stdout, names)
    assert names["space"].size() == 512_096_256


def test_a_space_is_printed_as_yaml_that_is_read(run, tmp_path):
    pytest.importorskip("yaml")
    file = tmp_path / "space.yaml"
    file.write_text(run("space", "nasbench201", "--classes", "7", "--yaml").stdout)
    from netwright.space import Space
    from netwright.space.catalog import nasbench201

    assert Space.load(file).hash() == nasbench201(classes=7).hash()


def test_a_space_is_printed_in_one_way_at_a_time(run):
    done = run("space", "nasbench201", "--python", "--json")
    assert done.exit_code == 2
    assert "one way at a time, but got --python and --json" in done.stdout + done.stderr
