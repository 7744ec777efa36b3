"""What a user sees of a study while it runs, in each of the views."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from search.engine.progress import (
    BatchSizeFound,
    Event,
    Note,
    ProbeStarted,
    Stopping,
    StudyEnded,
    StudyOpened,
    TrialEnded,
    TrialReported,
    TrialStarted,
)
from search.engine.time_left import study_time_left
from search.space.distributions import FloatRange
from search.store.records import AttemptRecord, ObjectiveRecord, StudyRecord, TrialRecord
from search.study_file.stopping_rules import StoppingRules
from search.view.board import Board
from search.view.choose import make_view
from search.view.json_lines import JsonView
from search.view.lines import LinesView, QuietView
from search.view.live import LiveView
from search.view.picture import Picture
from search.view.study_table import print_status, status_json
from search.view.terminal_text import clean, parameters_text, sparkline
from search.view.trial_table import print_best, print_trial

LR = "model.init_args.lr"
LOG = Path("studies/demo/trials/0001/log.txt")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def study(
    *trials: TrialRecord, direction: str = "minimize", n_trials: int | None = 4
) -> StudyRecord:
    return StudyRecord(
        name="demo",
        folder=Path("studies/demo"),
        storage="studies/demo/study.db",
        objectives=(ObjectiveRecord("val_loss", direction),),
        reported="val_loss",
        space={LR: FloatRange(1e-4, 1e-1, log=True)},
        n_trials=n_trials,
        trials=trials,
    )


def trial(number: int, value: float | None, state: str = "COMPLETE", **more: object) -> TrialRecord:
    attempt = AttemptRecord(1, 7, "boot", NOON, NOON + timedelta(seconds=9), "done")
    fields: dict[str, object] = {
        "number": number,
        "state": state,
        "params": {LR: 0.01},
        "value": value,
        "curve": {1: 0.5, 2: value or 0.4},
        "folder": Path(f"studies/demo/trials/{number:04d}"),
        "cause": "done",
        "started": NOON,
        "ended": NOON + timedelta(seconds=9),
        "attempts": (attempt,),
    }
    return TrialRecord(**(fields | more))  # type: ignore[arg-type]


def story(message: str = "RuntimeError: the layer is on fire") -> list[Event]:
    """A study of four trials: one done, one pruned, one failed, one cut off."""
    started = [TrialStarted(n, 1, {LR: 0.01 * (n + 1)}, 0, 5) for n in range(4)]
    done, others = trial(0, 0.25), (trial(1, 0.9, "PRUNED"), trial(2, None, "FAIL"))
    return [
        Note("loading torch"),
        StudyOpened(study(), workers=2, resumed=False, threads=1),
        ProbeStarted(0),
        BatchSizeFound(0, 64, 2),
        started[0],
        TrialReported(0, 1, 1, 0.5, False),
        TrialReported(0, 2, 2, 0.25, False),
        started[1],
        TrialReported(1, 1, 1, 0.9, True),
        TrialEnded(0, "COMPLETE", "done", 0.25, None, 2.0, LOG),
        TrialEnded(1, "PRUNED", "pruned", None, None, 1.0, LOG),
        started[2],
        TrialEnded(2, "FAIL", "error", None, message, 1.0, LOG),
        started[3],
        TrialReported(3, 1, 1, float("nan"), False),
        Stopping(2),
        TrialEnded(3, "WAITING", "interrupted", None, "goes on", 1.0, LOG),
        StudyEnded(study(done, *others), "interrupted", 6.0),
    ]


def replayed(view: LinesView | JsonView | LiveView, events: Sequence[Event]) -> None:
    for event in events:
        view.handle(event)
        view.tick()
    view.close()


def test_lines_tell_the_whole_story() -> None:
    stream = io.StringIO()
    replayed(LinesView(stream), story())
    assert stream.getvalue().splitlines() == [
        "loading torch",
        "study demo: minimize val_loss, 4 trials, 2 workers with 1 thread each",
        "trial    0  micro-batch 64, the largest of 2 sizes that ran",
        "trial    0  started  lr=0.01",
        "trial    1  started  lr=0.02",
        "trial    0  done  val_loss 0.25  lr=0.01  (2.0 s)  best so far",
        "trial    1  pruned at epoch 1  lr=0.02  (1.0 s)",
        "trial    2  started  lr=0.03",
        "trial    2  error  lr=0.03  (1.0 s)",
        "            RuntimeError: the layer is on fire",
        "            studies/demo/trials/0001/log.txt",
        "trial    3  started  lr=0.04",
        "stopping: trials save their checkpoints; once more to stop at once",
        "trial    3  interrupted  lr=0.04  (1.0 s)",
        "study demo interrupted, everything is saved: 3 of 4 trials (1 done, 1 pruned, 1 failed) "
        "in 6.0 s",
        "best: trial 0, val_loss 0.25  lr=0.01",
        "go on:  search resume demo",
        "next:   search best demo    search report demo --open",
    ]


def test_json_lines_are_strict_and_one_an_event() -> None:
    stream = io.StringIO()
    replayed(JsonView(stream), story())
    events = [
        json.loads(line, parse_constant=pytest.fail) for line in stream.getvalue().splitlines()
    ]
    assert [event["event"] for event in events][:3] == ["note", "study_opened", "probe_started"]
    assert events[1]["study"] == "demo"
    assert events[-4]["value"] is None
    assert events[-1]["reason"] == "interrupted"
    assert events[-1]["best"]["number"] == 0
    assert len(events) == len(story())


def test_live_view_leaves_what_should_last_on_the_first_screen() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, force_terminal=True, color_system=None)
    replayed(LiveView(stream, console), story())
    drawn, _, lasting = stream.getvalue().rpartition("\x1b[?1049l")
    assert "demo  minimize val_loss  2 workers with 1 thread each" in drawn
    assert lasting.splitlines()[:3] == [
        "trial 2 error: RuntimeError: the layer is on fire",
        "  studies/demo/trials/0001/log.txt",
        "study demo interrupted, everything is saved: 3 of 4 trials (1 done, 1 pruned, 1 failed) "
        "in 6.0 s",
    ]


class CountedScreen:
    """Counts how often it is drawn."""

    def __init__(self, render: object) -> None:
        self.draws = 0

    def start(self) -> None: ...

    def refresh(self) -> None:
        self.draws += 1

    def stop(self) -> None: ...


def test_live_view_is_drawn_a_few_times_a_second_and_at_once_for_what_is_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("search.view.live.time.monotonic", lambda: now)
    screen = CountedScreen(None)
    view = LiveView(io.StringIO(), screen=lambda render: screen)
    # ten seconds of a hundred reports each
    for turn in range(1_000):
        now = turn / 100
        view.tick()
    assert 40 <= screen.draws <= 51
    before = screen.draws
    view.handle(Note("torch is loaded"))
    assert screen.draws == before + 1


@pytest.mark.parametrize("kind", ["lines", "live"])
def test_message_cannot_control_the_terminal(kind: str) -> None:
    stream = io.StringIO()
    message = "\x1b[2J[red]gone[/red]\x07\nsecond line"
    if kind == "lines":
        view: LinesView | LiveView = LinesView(stream)
    else:
        console = Console(file=stream, width=100, force_terminal=True, color_system=None)
        view = LiveView(stream, console)
    replayed(view, story(message))
    assert "\x1b[2J" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()
    assert "?[2J[red]gone[/red]? second line" in stream.getvalue()


def test_quiet_view_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    view = QuietView()
    for event in story():
        view.handle(event)
    view.tick()
    view.close()
    assert capsys.readouterr().out == ""


def test_view_fits_where_the_output_goes() -> None:
    pipe = io.StringIO()
    assert isinstance(make_view(stream=pipe), LinesView)
    assert isinstance(make_view(json=True, quiet=True, stream=pipe), JsonView)
    assert isinstance(make_view(quiet=True, stream=pipe), QuietView)


def test_board_knows_the_better_value_in_both_directions() -> None:
    for direction, best in (("minimize", 0.2), ("maximize", 0.9)):
        board = Board()
        board.fold(StudyOpened(study(trial(0, 0.5), direction=direction), 1, resumed=True))
        for number, value in ((1, 0.2), (2, 0.9)):
            board.fold(TrialStarted(number, 1, {LR: value}, 0, None))
            board.fold(TrialEnded(number, "COMPLETE", "done", value, None, 1.0, LOG))
        assert board.best is not None
        assert (board.best.value, board.best.params) == (best, {LR: best})
        assert board.finished == 3


def test_board_counts_what_is_spent_and_the_live_view_shows_it() -> None:
    now = [0.0]
    board = Board(clock=lambda: now[0])
    rules = StoppingRules(epochs=9, cost_s=90.0, target=0.1, no_improvement=2)
    before = replace(study(trial(0, 0.5, epochs=4)), stopping=rules)
    board.fold(StudyOpened(before, 2, resumed=True))
    board.fold(TrialStarted(1, 1, {LR: 0.1}, 0, None))
    board.fold(TrialReported(1, 1, 1, 0.7, False, epochs=1))
    now[0] = 11.0
    board.fold(TrialStarted(2, 1, {LR: 0.1}, 0, None))
    board.fold(TrialEnded(1, "PRUNED", "pruned", 0.7, None, 11.0, LOG))
    now[0] = 14.0
    # the first trial took nine seconds, and the second eleven
    figures = (
        "5 of 9 epochs",
        "23 s of 1 min 30 s paid",
        "best 0.5, target 0.1",
        "1 of 2 trials without a new best",
    )
    assert board.budget is not None
    assert board.budget.figures == figures
    console = Console(width=100, file=io.StringIO(), force_terminal=False)
    console.print(Picture(board))
    shown = " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    assert all(figure in shown for figure in figures)
    board.fold(TrialEnded(2, "COMPLETE", "done", 0.05, None, 3.0, LOG))
    assert board.budget.over == "budget"


def test_board_estimates_the_time_left_as_a_range() -> None:
    now = [0.0]
    board = Board(clock=lambda: now[0])
    board.fold(StudyOpened(study(n_trials=10), 2, resumed=False))
    assert board.time_left is None
    board.fold(TrialEnded(0, "COMPLETE", "done", 0.5, None, 4.0, LOG))
    board.fold(TrialEnded(1, "PRUNED", "pruned", None, None, 2.0, LOG))
    before = board.time_left
    assert before is not None
    assert before.low_s < 8 * 3 / 2 < before.high_s
    board.fold(TrialStarted(2, 1, {}, 0, None))
    now[0] = 1.0
    assert board.time_left is not None
    assert board.time_left.high_s == pytest.approx(before.high_s - 0.5)


def test_board_and_status_estimate_the_same_time_left() -> None:
    def attempt(number: int, begin: int, end: int | None) -> AttemptRecord:
        ended = None if end is None else NOON + timedelta(seconds=end)
        return AttemptRecord(number, 7, "boot", NOON + timedelta(seconds=begin), ended)

    # cut off after 6 of its 10 seconds
    first, again = attempt(1, 9, 15), attempt(2, 100, 104)
    before = study(trial(0, 0.5), trial(1, None, "WAITING", attempts=(first,)), n_trials=2)
    now = [104.0]
    board = Board(clock=lambda: now[0])
    board.fold(StudyOpened(before, 1, resumed=True))
    board.fold(TrialStarted(1, 2, {LR: 0.1}, 1, 5))
    board.fold(TrialEnded(1, "COMPLETE", "done", 0.4, None, 4.0, LOG))
    # one more than was asked for this time
    board.fold(TrialStarted(2, 1, {LR: 0.1}, 0, 5))
    now[0] = 107.0
    after = study(
        trial(0, 0.5),
        trial(1, 0.4, attempts=(first, again)),
        trial(2, None, "RUNNING", attempts=(attempt(1, 104, None),)),
        n_trials=2,
    )
    left = study_time_left(
        replace(after, is_running=True, read_at=NOON + timedelta(seconds=now[0]))
    )
    assert left is not None
    assert left.low_s <= 9.5 - 3 <= left.high_s
    assert board.time_left == left


def test_board_goes_on_with_the_curve_of_a_resumed_trial() -> None:
    board = Board()
    board.fold(StudyOpened(study(trial(0, None, "WAITING", curve={1: 0.9, 2: 0.8})), 1, True))
    board.fold(TrialStarted(0, 2, {LR: 0.1}, 2, 5))
    board.fold(TrialReported(0, 3, 3, 0.7, False))
    assert board.running[0].curve == [0.9, 0.8, 0.7]


def test_status_has_a_row_a_study() -> None:
    stream = io.StringIO()
    running = replace(study(trial(0, 0.25), direction="maximize"), name="other", is_running=True)
    print_status([study(trial(0, 0.25), trial(1, 0.9, "PRUNED")), running], stream)
    rows = [line.split() for line in stream.getvalue().splitlines()]
    assert rows[1][:9] == ["demo", "interrupted", "2/4", "1", "1", "0", "0.25", "val_loss", "↓"]
    assert rows[2][:9] == ["other", "running", "1/4", "1", "0", "0", "0.25", "val_loss", "↑"]
    assert json.loads(status_json([running]))[0]["state"] == "running"


def test_trial_is_shown_with_its_cause_and_attempts() -> None:
    attempts = tuple(
        AttemptRecord(
            n, 7, "boot", NOON, NOON + timedelta(minutes=2), "killed", "killed by SIGKILL"
        )
        for n in (1, 2)
    )
    stream = io.StringIO()
    failed = trial(3, None, "FAIL", cause="killed", message="killed by SIGKILL", attempts=attempts)
    made = [("project", "git 0123456789ab, 0 changed or new files")]
    print_trial(study(failed), failed, 42, made, stream)
    text = stream.getvalue()
    assert re.search(r"^seed +42 *$", text, re.MULTILINE)
    assert re.search(r"^project +git 0123456789ab, 0 changed", text, re.MULTILINE)
    assert text.startswith("demo, trial 3  fail (killed)\nkilled by SIGKILL\n")
    assert text.count("2 min 00 s  ") == 2


def on_nodes(*nodes: str, **more: object) -> TrialRecord:
    """A trial that runs now, with an attempt on each of the machines in turn."""
    attempts = [AttemptRecord(n, 7, "boot", NOON, NOON, "lost") for n in range(len(nodes))]
    attempts[-1] = replace(attempts[-1], ended=None, cause=None)
    placed = tuple(replace(a, node=node) for a, node in zip(attempts, nodes, strict=True))
    return trial(2, None, "RUNNING", attempts=placed, ended=None, **more)


def test_trial_is_shown_with_the_machines_of_its_attempts() -> None:
    stream = io.StringIO()
    there = on_nodes("n1", "n2")
    print_trial(study(there), there, 42, [], stream)
    assert re.search(r"^node +n2 *$", stream.getvalue(), re.MULTILINE)
    assert re.search(r"^ *attempt +started +time +node +cause", stream.getvalue(), re.MULTILINE)
    assert re.search(r" n1 +lost", stream.getvalue())
    here = io.StringIO()
    print_trial(study(on_nodes("", "")), on_nodes("", ""), 42, [], here)
    assert "node" not in here.getvalue()


def test_status_of_a_running_study_counts_trials_by_machine() -> None:
    trials = (on_nodes("n2"), on_nodes("n1", "n2"), on_nodes("n1"), on_nodes(""))
    running = replace(study(*trials), is_running=True)
    stream = io.StringIO()
    print_status([running, study(*trials)], stream)
    assert stream.getvalue().count("at work") == 1
    assert "demo trials at work: 1 on n1, 2 on n2" in stream.getvalue()
    assert json.loads(status_json([running]))[0]["nodes"] == {"n1": 1, "n2": 2}


def test_trial_that_starts_on_another_machine_says_where() -> None:
    lines, board = io.StringIO(), Board()
    for event in (StudyOpened(study(), 2, False), TrialStarted(1, 2, {LR: 0.1}, 3, 9, node="n2")):
        LinesView(lines).handle(event)
        board.fold(event)
    told = lines.getvalue().splitlines()[-1]
    assert told == "trial    1  started on n2 (attempt 2, from epoch 3)  lr=0.1"
    console = Console(width=100, file=io.StringIO())
    console.print(Picture(board))
    assert "on n2  lr=0.1" in console.file.getvalue()  # type: ignore[attr-defined]


def test_best_is_shown_with_its_parameters() -> None:
    stream = io.StringIO()
    print_best(study(trial(0, 0.25, micro_batch=8, accumulation=2, effective_batch=16)), stream)
    assert stream.getvalue().startswith("demo, trial 0  val_loss 0.25\n")
    assert "8 micro-batch × 2 accumulated = 16 effective" in stream.getvalue()


def test_values_as_text() -> None:
    assert sparkline([3.0, 2.0, float("nan"), 1.0]) == "█▅ ▁"
    assert sparkline([float("nan")]) == ""
    assert clean("a\tb\x00c", 10) == "a b?c"
    assert clean("x" * 20, 5) == "xxxx…"
    assert (
        parameters_text({LR: 0.00123456, "model.init_args.act": "relu"}) == "lr=0.0012346  act=relu"
    )


@pytest.mark.parametrize(("engine", "there"), [(None, ""), ("slurm", " --on slurm")])
def test_study_that_was_stopped_is_gone_on_with_where_it_ran(
    engine: str | None, there: str
) -> None:
    stream = io.StringIO()
    opened = StudyOpened(study(), 1, False, engine=engine)
    replayed(LinesView(stream), [opened, StudyEnded(study(), "interrupted", 6.0)])
    assert stream.getvalue().splitlines()[-1] == f"go on:  search resume demo{there}"


def test_lines_tell_of_several_objectives() -> None:
    several = (ObjectiveRecord("val_loss", "minimize"), ObjectiveRecord("parameters", "minimize"))
    empty = replace(study(), objectives=several)
    done = trial(0, 0.25, values=(0.25, 1234.0), parameters=1234, epoch_time=1.5)
    violates = ("parameters <= 9",)
    ends = [
        TrialEnded(0, "COMPLETE", "done", 0.25, None, 2.0, LOG, (0.25, 1234.0)),
        TrialEnded(1, "COMPLETE", "done", 0.5, None, 2.0, LOG, (0.5, 2000.0)),
        TrialEnded(2, "COMPLETE", "done", 0.1, None, 2.0, LOG, (0.1, 10.0), violates),
        TrialEnded(3, "PRUNED", "infeasible", None, "not trained", 2.0, LOG, (), violates),
    ]
    stream = io.StringIO()
    ended = StudyEnded(replace(empty, trials=(done,)), "finished", 6.0)
    replayed(LinesView(stream), [StudyOpened(empty, 1, False), *ends, ended])
    lines = stream.getvalue().splitlines()
    assert lines[:6] == [
        "study demo: minimize val_loss, minimize parameters, 4 trials, 1 worker",
        "trial    0  done  val_loss 0.25  parameters 1,234  (2.0 s)  on the Pareto front",
        "trial    1  done  val_loss 0.5  parameters 2,000  (2.0 s)",
        "trial    2  done  val_loss 0.1  parameters 10  (2.0 s)  violates parameters <= 9",
        "trial    3  infeasible  (2.0 s)  violates parameters <= 9",
        "            not trained",
    ]
    assert lines[-2:] == [
        "Pareto front: trials 0",
        "next:   search best demo    search report demo --open",
    ]


def test_front_is_shown_as_a_table_in_place_of_the_best() -> None:
    several = (ObjectiveRecord("val_loss", "minimize"), ObjectiveRecord("peak_memory", "minimize"))
    trials = [
        trial(number, point[0], values=point)
        for number, point in enumerate([(0.25, 2048.0), (0.5, 1024.0), (0.6, 4096.0)])
    ]
    record = replace(study(*trials), objectives=several)
    stream = io.StringIO()
    print_best(record, stream)
    text = stream.getvalue()
    assert text.startswith("demo, Pareto front: 2 of 3 trials\n")
    rows = [line.split()[:4] for line in text.splitlines()[2:]]
    assert rows == [["0", "0.25", "2.0", "KiB"], ["1", "0.5", "1.0", "KiB"]]
    status = io.StringIO()
    print_status([record], status)
    assert "front of 2   val_loss ↓  peak_memory ↓" in status.getvalue()
    assert json.loads(status_json([record]))[0]["front"] == [0, 1]
