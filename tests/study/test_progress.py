"""Progress: what it counts, and when it is quiet."""

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from study_toys import ACCURACY, MACS, parts, spec

from netwright.space import Design
from netwright.study import Budget, Progress, Spent, Tally, Trial, front, start


def trial(number, accuracy=0.5, macs=1.0, state="complete", worker="inline"):
    values = {"accuracy": accuracy, "macs": macs}
    return Trial(number, Design({}), state, 0, values=values, worker=worker, told=number, cost=2.0)


class TestTally:
    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=30))
    def test_its_front_is_the_front(self, points):
        trials = [trial(number, *point) for number, point in enumerate(points)]
        tally = Tally([ACCURACY, MACS])
        for each in trials:
            tally.add(each)
        expected = front(trials, [ACCURACY, MACS])
        assert {each.number for each in tally.front} == {each.number for each in expected}
        assert tally.best == (expected[0] if expected else None)

    def test_it_counts_by_state(self):
        tally = Tally([ACCURACY])
        tally.add(trial(0))
        tally.add(trial(1, state="duplicate", worker=None))
        tally.add(trial(2, state="failed"))
        assert (tally.trials, tally.evaluated, tally.seconds) == (3, 2, 6.0)
        assert tally.states == {"complete": 1, "duplicate": 1, "failed": 1}


def shown(console, trials, every=2, **changes):
    with Progress([ACCURACY, MACS], Budget(trials=20), console=console, every=every, **changes) as progress:
        for number in range(trials):
            progress.step(number, 0, {"accuracy": 0.25}, Spent(trials=number, seconds=number))
            progress.finished(trial(number, accuracy=number / 10), Spent(trials=number + 1, seconds=number + 1.0))
        return progress, progress.line()


def console(terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=100)


class TestProgress:
    def test_it_says_nothing_when_told_to(self):
        for terminal in (True, False):
            quiet = console(terminal)
            shown(quiet, 4, show=False)
            assert quiet.file.getvalue() == ""

    def test_a_line_now_and_then_where_nobody_watches(self, monkeypatch):
        clock = itertools.count(step=1.0)
        monkeypatch.setattr("netwright.study._progress.time.monotonic", lambda: next(clock))
        plain = console(False)
        shown(plain, 5)
        lines = plain.file.getvalue().splitlines()
        assert len(lines) == 2
        assert lines[0].startswith("2 trials, 2 complete, front 1, best accuracy=0.1 macs=1 (trial 1), ")
        assert lines[1].startswith("4 trials, ")

    def test_one_is_not_many(self):
        with Progress([ACCURACY, MACS], Budget(trials=1), show=False) as progress:
            progress.finished(trial(0), Spent(trials=1, seconds=1.0))
            assert progress.line().startswith("1 trial, 1 complete, ")

    def test_lines_do_not_flood(self):
        plain = console(False)
        shown(plain, 100)
        assert len(plain.file.getvalue().splitlines()) <= 2

    def test_the_live_view_on_a_terminal(self):
        terminal = console(True)
        with Progress([ACCURACY, MACS], Budget(trials=20), console=terminal) as progress:
            progress.finished(trial(0, state="failed"), Spent(trials=1, seconds=1.0))
            terminal.print(progress.view())
            progress.replayed(trial(1, accuracy=0.9))
            progress.step(2, 7, {"accuracy": 0.25}, Spent(trials=2, seconds=2.0))
            terminal.print(progress.view())
        text = terminal.file.getvalue()
        for part in ("none complete yet", "accuracy=0.9 macs=1  (trial 1)", "1 complete, 1 failed", "trials/min",
                     "left of 20 trials", "trial 2, step 7: accuracy=0.25"):  # fmt: skip
            assert part in text

    @pytest.mark.parametrize(
        ("spent", "left"),
        [(Spent(), None), (Spent(trials=5, seconds=10.0), 30.0), (Spent(trials=20, seconds=10.0), 0.0)],
    )
    def test_time_left(self, monkeypatch, spent, left):
        monkeypatch.setattr("netwright.study._progress.time.monotonic", lambda: 0.0)
        with Progress([ACCURACY], Budget(trials=20), show=False) as progress:
            progress.step(0, 0, {}, spent)
            assert progress.seconds_left() == left


def test_a_search_shows_its_progress_on_the_error_stream_only(tmp_path, capsys):
    start(tmp_path / "study", spec(budget=Budget(trials=10)), parts())
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("10 trials, ")
