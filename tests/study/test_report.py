"""The page that a search leaves: what it says, what it holds together, what it keeps out."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import report_examples as examples

from netwright.cost import Limit
from netwright.errors import MissingExtraError, StudyError
from netwright.graph import image
from netwright.space import Design, Space, oneof
from netwright.study._report import _sections as sections
from netwright.study._report import _tables as tables
from netwright.study._report import write_report
from netwright.study._report._trial_charts import thinned

VOID = {"meta", "input", "br", "path", "circle", "rect"}


class Page(HTMLParser):
    """Tags, attributes and words of a page; complains of tags that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.attributes, self.words, self._open = text, [], [], [], []
        self.scripts = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def said(self):
        return " ".join(" ".join(self.words).split())


def render(folder, of, *, space=None, result=None, **more):
    path = write_report(folder, result=result or examples.result(of), study=of, space=space, **more)
    assert path == folder / "report.html"
    assert [each.name for each in folder.iterdir()] == ["report.html"]
    return Page(path.read_text(encoding="utf-8"))


def small_space():
    from netwright.blocks import conv

    return Space(conv(oneof(4, 8, 16), kernel=oneof(1, 3)), input=image(3, 8, 8), name="small")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    of = examples.study()
    return render(
        tmp_path_factory.mktemp("full"),
        of,
        space=examples.space(),
        drawing=examples.drawing(of),
        history=examples.history(),
    )


def test_the_headline_has_the_test_result_with_its_interval_and_the_limits(full):
    assert "98.61 %" in full.said
    assert "95 % interval 96.78–99.40 %, on 359 test examples" in full.said
    assert "0.213 ms 95 % interval 0.209–0.218 ms, median of 1200 runs" in full.said
    params = examples.study().best.values["params"]
    assert f"✓ yes params <= 50k with {params:,.0f}" in full.said


def test_designs_whose_limits_no_longer_held_are_named(tmp_path):
    of = examples.study(30)
    broken = [
        {"trial": i, "limits": [{"limit": "latency_ms@here <= 0.2", "value": 0.25, "holds": False}]} for i in range(8)
    ]
    result = {**examples.result(of), "broken": broken}
    words = (
        "Set aside, because a limit no longer held when it was measured again: trial 0 (latency_ms@here <= 0.2 with"
    )
    said = render(tmp_path, of, result=result).said
    assert words in said
    assert "2 more." in said
    assert words in render(tmp_path, of, result={**result, "winner": None}).said


def test_every_section_is_there(full):
    headings = ("The winner", "The search", "The whole space", "Is the search worth it?", "The network", "Trials")
    later = ("The final training", "What went wrong", "Run it again", "How the numbers were got")
    assert [heading for heading in (*headings, *later) if heading not in full.said] == []
    assert full.tags.count("svg") > 8
    assert "netwright resume '/runs/digits 1'" in full.said
    assert "netwright search --task digits --space mobilenet-tiny" in full.said
    assert "--limit 'params <= 50k'" in full.said
    assert "--epochs 9 --budget '3 min' --seed 0" in full.said


def test_a_limit_that_is_broken_at_the_end_is_said_to_be(tmp_path):
    of = examples.study(30)
    result = examples.result(of)
    result["winner"]["limits"] = [{"limit": "latency_ms@here <= 0.2", "value": 0.213, "holds": False}]
    assert "✗ no latency_ms@here <= 0.2 with 0.213 ms" in render(tmp_path, of, result=result).said


def test_it_loads_nothing_and_runs_only_its_own_script(full):
    links = [value for name, value in full.attributes if name in ("href", "src", "action", "xlink:href", "srcset")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert "://" not in re.sub(r"<script.*?</script>", "", full.text, flags=re.S)
    data, script = full.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in full.text
    assert set(json.loads(data)) == {"paths", "designs"}


def test_hashes_in_the_page_have_a_target(full):
    named = {value for name, value in full.attributes if name == "id"}
    assert {value[1:] for name, value in full.attributes if name == "href"} <= named
    ids = [value for name, value in full.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_charts_have_words_for_those_who_do_not_see_them(full):
    said = [value for name, value in full.attributes if name == "aria-label"]
    assert any(words.startswith("Accuracy against latency here: ") and "on the front" in words for words in said)
    assert any(words.startswith("Histogram of params over all") for words in said)


def test_a_note_on_the_data_is_a_sentence_of_its_own(tmp_path):
    page = render(tmp_path, of := examples.study(10), result=examples.result(of))
    assert "test 359. The label column 'digit', the last; 10 classes. Trials learn" in " ".join(page.words)


HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }} {% endif %}"


def test_nothing_that_users_name_becomes_markup(tmp_path):
    of = examples.study(40, limits=())
    trials = [
        replace(trial, origin=HOSTILE, error=trial.error and HOSTILE, design=Design({HOSTILE: HOSTILE}))
        for trial in of.trials
    ]
    of = replace(of, trials=trials, environment={HOSTILE: HOSTILE})
    result = examples.result(of)
    result["task"] |= {"name": HOSTILE, "note": HOSTILE, "sizes": {HOSTILE: HOSTILE, "test": 359}}
    result["space"]["name"] = result["strategy"] = HOSTILE
    result["seconds"] = {HOSTILE: 1.0}
    result["paths"] = {HOSTILE: HOSTILE}
    result["winner"] |= {"recipe": {HOSTILE: HOSTILE}, "design": {HOSTILE: HOSTILE}, "epochs": HOSTILE}
    result["winner"]["limits"] = [{"limit": HOSTILE, "value": HOSTILE, "holds": True}]
    for row in result["baselines"]:
        row["name"] = HOSTILE
    epochs = [{HOSTILE + "loss": i} for i in range(5)]
    page = render(tmp_path, of, result=result, space=small_space(), history=epochs, command=HOSTILE)
    assert page.tags.count("script") == 2
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.said.count("<script>alert(1)</script>") > 10
    assert "49" not in re.findall(r"onerror=alert\(2\)> (\S+)", page.said)


INTRUDERS = (
    "<script>alert(1)</script>",
    '<a href="javascript:alert(1)"/>',
    '<g onload="alert(1)"/>',
    "<!-- -->",
    '<rect fill="url(https://example.org/x)"/>',
    "<foreignObject/>",
    "<style>*{}</style>",
    "<g>",
)


def test_a_drawing_with_more_than_shapes_and_words_is_left_out(tmp_path):
    of = examples.study(20)
    plain = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text x="1" y="2">a &lt; b</text></svg>'
    assert "a &lt; b</text>" in render(tmp_path, of, drawing=plain).text
    for inside in INTRUDERS:
        page = render(tmp_path, of, drawing=plain.replace("</svg>", inside + "</svg>"))
        assert "a &lt; b" not in page.text


@pytest.mark.slow
def test_five_thousand_trials_stay_under_two_megabytes(tmp_path):
    of = examples.study(5000)
    page = render(tmp_path, of, space=examples.space(), drawing=examples.drawing(of), history=examples.history(200))
    assert len(page.text.encode()) < 2_000_000
    assert "Drawn are 700 of" in page.said
    assert "of 5,000 trials as a table" in page.said
    winner = of.best.number
    assert page.text.count(f'data-m="{winner}"') >= 3


@pytest.mark.parametrize("number", [0, 1, 4])
def test_few_trials_and_none(tmp_path, number):
    of = examples.study(number)
    page = render(tmp_path, of, space=small_space())
    assert ("No winner" in page.said) == (number == 0)


def test_a_study_without_complete_trials_says_why(tmp_path):
    of = examples.study(30)
    failed = [replace(t, state="failed", error="RuntimeError: no\n  line 2", values={}) for t in of.trials]
    page = render(tmp_path, replace(of, trials=failed))
    assert "No trial was complete: see what went wrong" in page.said
    assert "30 trials: 30 failed" in page.said
    assert "RuntimeError: no" in page.said


def test_trials_without_a_final_training_show_the_best_so_far(tmp_path):
    of = examples.study(30)
    result = {**examples.result(of), "winner": None, "baselines": []}
    page = render(tmp_path, of, result=result)
    assert f"Best so far: Trial {of.best.number}" in page.said


def test_one_objective_is_drawn_against_a_cost(tmp_path):
    of = examples.study(60, ("maximize accuracy",), ())
    page = render(tmp_path, of, result=examples.result(of, baselines=False))
    assert "Accuracy against params" in page.said
    assert "No limits were set." in page.said
    assert "Is the search worth it?" not in page.said


def test_three_objectives_give_two_views_of_one_front(tmp_path):
    objectives = ("maximize accuracy", "minimize latency_ms@here", "minimize params")
    page = render(tmp_path, examples.study(80, objectives))
    assert "Accuracy against latency here" in page.said
    assert "Accuracy against params" in page.said
    assert "The front is over all objectives" in page.said


def test_one_objective_without_any_cost_has_a_history_alone(tmp_path):
    of = examples.study(25, ("maximize accuracy",), ())
    bare = [replace(t, values={k: v for k, v in t.values.items() if k == "accuracy"}) for t in of.trials]
    page = render(tmp_path, replace(of, trials=bare))
    assert "Accuracy over trials" in page.said
    assert "against" not in page.said.partition("The whole space")[0]


def test_an_empty_result_is_enough(tmp_path):
    page = render(tmp_path, examples.study(30), result={"winner": {"trial": 2}})
    assert "The winner" in page.said


def test_a_regression_has_no_interval_and_says_so(tmp_path):
    of = examples.study(30, ("minimize loss",), ())
    trials = [replace(t, values={**t.values, "loss": 1 - t.values.get("accuracy", 0)}) for t in of.trials]
    result = examples.result(replace(of, trials=trials))
    result["winner"]["metrics"] = {"valid": {}, "test": {"loss": 0.5}}
    result["baselines"] = [{"name": "random search at equal cost", "metrics": {"test": {"loss": 0.6}}}]
    page = render(tmp_path, replace(of, trials=trials), result=result)
    assert "Test loss 0.5 on 359 test examples" in page.said.replace("test loss", "Test loss")
    assert "winner ahead by 0.1; no interval is known" in page.said


def test_the_same_input_gives_the_same_page(tmp_path):
    of = examples.study(60)
    first = render(tmp_path, of, space=small_space()).text
    assert render(tmp_path, of, space=small_space()).text == first


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    of = examples.study(3)
    with pytest.raises(StudyError, match="report cannot be written to"):
        write_report(tmp_path / "none", result=examples.result(of), study=of)


def test_without_jinja2_the_pip_line_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    of = examples.study(3)
    with pytest.raises(MissingExtraError, match=r"netwright\[train\]"):
        write_report(tmp_path, result=examples.result(of), study=of)


def test_python_objects_have_no_command_line(tmp_path):
    of = examples.study(5, task={}, space={})
    assert "run the same script with seed=0" in render(tmp_path, of).said


@pytest.mark.parametrize(
    "text", ["params <= 300", "params >= 100", "100 <= params <= 300", "params <= 1", "params >= 1"]
)
def test_the_share_within_a_limit_is_that_of_all_designs(text):
    space, limit = small_space(), Limit.parse(text)
    held = [limit.holds(space.costs(design)["params"]) for design in space.enumerate()]
    low, high = sections.within(space.histogram("params"), limit)
    assert low == high == Fraction(sum(held), len(held))


def test_a_share_on_a_grid_is_a_bracket_that_holds_the_truth():
    space, limit = examples.space(), Limit.parse("30k <= params <= 50k")
    low, high = sections.within(space.histogram("params"), limit)
    drawn = space.draw(np.random.default_rng(0), 4000).designs
    seen = np.mean([limit.holds(space.costs(design, ["params"])["params"]) for design in drawn[:1000]])
    assert low < high
    assert low - 0.04 < seen < high + 0.04


def test_differences_are_called_what_they_are_worth():
    of = examples.study(30)
    lines = tables.baselines(examples.result(of), of)["lines"]
    assert [line["verdict"] for line in lines] == ["", "within noise", "within noise", "winner better"]
    result = examples.result(of)
    result["winner"]["metrics"]["test"]["accuracy"] = 0.5
    assert tables.baselines(result, of)["lines"][1]["verdict"] == "baseline better"


def test_failures_are_grouped_by_reason():
    ends = [("infeasible", "params=7 breaks params <= 5"), ("infeasible", "params=9 breaks params <= 5")]
    ends += [("failed", "ValueError: a\nmore"), ("complete", None), ("failed", None)]
    trials = [SimpleNamespace(number=i, state=state, error=error) for i, (state, error) in enumerate(ends)]
    rows = tables.failures(trials)
    assert [(row["state"], row["number"], row["reason"]) for row in rows] == [
        ("failed", 1, "ValueError: a"),
        ("failed", 1, "no reason was recorded"),
        ("infeasible", 2, "breaks params <= 5"),
    ]
    assert rows[0]["detail"] == "ValueError: a\nmore"


def test_thinning_keeps_the_first_tier_and_bounds_the_rest():
    trials = [SimpleNamespace(number=i) for i in range(5000)]
    shown = [trial.number for trial in thinned(trials, frozenset({4321}), frozenset(range(50)), most=200)]
    assert set(range(50)) | {4321} <= set(shown)
    assert shown == sorted(shown)
    assert len(shown) <= 200
    crowd = thinned(trials, frozenset({4321}), frozenset(range(4000)), most=200)
    assert len(crowd) <= 220
    assert 4321 in {trial.number for trial in crowd}
