"""Tables and the live picture in terminals of many sizes: nothing is cut, and nothing stays."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from view.test_views import LOG, LR, study, trial

from search.engine.progress import (
    Note,
    ProbeStarted,
    Stopping,
    StudyOpened,
    TrialEnded,
    TrialReported,
    TrialStarted,
)
from search.store.records import AttemptRecord, ObjectiveRecord, StudyRecord
from search.view.board import Board
from search.view.picture import Picture
from search.view.study_table import print_status
from search.view.trial_table import print_best, print_trial

WIDTHS = (40, 60, 80, 100, 120, 200)
HEIGHTS = (10, 24, 50)
LONG = "a_study_whose_name_goes_on_and_on_for_longer_than_most_terminals_are_wide_漢字の研究"
METRIC = "validation/mean_average_precision_at_50"
PARAMS = {f"model.init_args.a_parameter_called_{index}": 0.5 + index for index in range(20)}
MESSAGE = "RuntimeError: " + " ".join(f"reason{index}" for index in range(60)) + " the-end"
PAUSED = "paused: 12 MiB of disk are free at /data/demo, trials need 464 MiB. Free some"
AGAIN = "Ctrl-C again to stop at once"


class Terminal(io.StringIO):
    """Text as a terminal of some width was sent it, without its colours."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue()).splitlines()

    @property
    def joined(self) -> str:
        """All of it without white space, as what is broken into lines is still whole."""
        return "".join("".join(self.lines).split())


Printed = Callable[[Callable[[Terminal], None], int], Terminal]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    def run(show: Callable[[Terminal], None], width: int) -> Terminal:
        monkeypatch.setenv("COLUMNS", str(width))
        terminal = Terminal()
        show(terminal)
        # a message is left to the terminal to wrap, so that it can be copied whole
        tables = [line.rstrip() for line in terminal.lines if line != MESSAGE]
        assert all(cell_len(line) <= width for line in tables)
        return terminal

    return run


def long_record() -> StudyRecord:
    record = study(trial(0, 0.0086431, params=PARAMS), trial(1, 0.9, "PRUNED"), n_trials=50)
    return replace(
        record,
        name=LONG,
        objectives=(ObjectiveRecord(METRIC, record.direction),),
        reported=METRIC,
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_status_cuts_no_name_value_or_metric(printed: Printed, width: int) -> None:
    records = [long_record(), replace(study(trial(0, 0.25)), name="other", is_running=True)]
    shown = printed(lambda stream: print_status(records, stream), width).joined
    for text in (LONG, METRIC, "0.0086431", "interrupted", "2/50", "other", "0.25", "val_loss"):
        assert text in shown


def test_status_is_a_table_where_it_fits_and_names_once_what_all_studies_share(
    printed: Printed,
) -> None:
    records = [replace(study(trial(0, 0.25), n_trials=1), name=name) for name in ("one", "two")]
    wide = printed(lambda stream: print_status(records, stream), 120).lines
    assert wide[0].split()[:3] == ["study", "state", "trials"]
    assert [line.split()[:2] for line in wide[1:]] == [["one", "finished"], ["two", "finished"]]
    above, *narrow = printed(lambda stream: print_status(records, stream), 80).lines
    assert above.startswith("last activity 2026-11-23 ")
    assert [line.split()[:2] for line in narrow[1:]] == [["one", "finished"], ["two", "finished"]]
    assert all(line.split()[-4:-2] == ["val_loss", "↓"] for line in narrow[1:])


def test_status_of_a_narrow_terminal_gives_each_study_lines_of_its_own(printed: Printed) -> None:
    lines = printed(lambda stream: print_status([study(trial(0, 0.25))], stream), 60).lines
    assert lines[0] == "demo"
    assert lines[1] == "  state interrupted   trials 1/4   done 1   pruned 0"


@pytest.mark.parametrize("width", WIDTHS)
def test_trial_and_best_cut_nothing(printed: Printed, width: int) -> None:
    attempt = AttemptRecord(1, 7, "boot", trial(0, 0.1).started, None, "error", MESSAGE)  # type: ignore[arg-type]
    failed = trial(3, None, "FAIL", params=PARAMS, message=MESSAGE, attempts=(attempt,))
    record = long_record()
    shown = printed(lambda stream: print_trial(record, failed, 42, [], stream), width).joined
    for text in (LONG, *PARAMS, "".join(MESSAGE.split())):
        assert text in shown
    best = printed(lambda stream: print_best(record, stream), width).joined
    for text in (LONG, METRIC, *PARAMS, "0.0086431"):
        assert text in best


@pytest.mark.parametrize("width", WIDTHS)
def test_front_cuts_nothing(printed: Printed, width: int) -> None:
    several = (ObjectiveRecord(METRIC, "maximize"), ObjectiveRecord("parameters", "minimize"))
    trials = [trial(n, n / 7, params=PARAMS, values=(n / 7, 100.0 * n)) for n in (1, 2)]
    record = replace(study(*trials), objectives=several, reported=METRIC)
    shown = printed(lambda stream: print_best(record, stream), width).joined
    for text in (METRIC, "0.14286", "0.28571", "a_parameter_called_19=19.5"):
        assert text in shown


def board(*, running: int = 2, is_long: bool = False) -> Board:
    now = [0.0]
    board = Board(clock=lambda: now[0])
    params = PARAMS if is_long else {LR: 0.0123, "model.init_args.latent_size": 16}
    record = long_record() if is_long else study(n_trials=50)
    board.fold(StudyOpened(replace(record, trials=()), running, resumed=False))
    for number in range(2):
        board.fold(TrialStarted(number, 1, params, 0, 20))
        now[0] += 3.0
    board.fold(TrialEnded(0, "COMPLETE", "done", 0.0086431, None, 3.0, LOG))
    board.fold(TrialEnded(1, "FAIL", "error", None, MESSAGE, 3.0, LOG))
    for number in range(2, 2 + running):
        board.fold(TrialStarted(number, 1, params, 0, 20))
        board.fold(TrialReported(number, 1, 1, 0.5 + number, False))
    return board


def picture(board: Board, width: int, height: int | None) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    options = console.options.update(width=width)
    lines = console.render_lines(Picture(board, height), options, pad=False)
    texts = ["".join(segment.text for segment in line) for line in lines]
    assert all(cell_len(text) <= width for text in texts)
    return texts


@pytest.mark.parametrize("width", WIDTHS)
def test_picture_cuts_nothing_where_it_may_be_high(width: int) -> None:
    for is_long in (False, True):
        shown = "".join("".join(picture(board(is_long=is_long), width, None)).split())
        for text in ("0.0086431", "2/50", "".join(MESSAGE.split()), "2.5", "3.5", "left"):
            assert text in shown
        for text in (LONG, METRIC, *(path.rpartition(".")[2] for path in PARAMS)):
            assert text in shown or not is_long


@pytest.mark.parametrize("height", HEIGHTS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("is_long", [False, True])
def test_picture_keeps_what_must_be_seen_now(width: int, height: int, is_long: bool) -> None:
    shown = board(running=16, is_long=is_long)
    shown.fold(Note(PAUSED))
    shown.fold(Stopping(2))
    lines = picture(shown, width, height - 1)
    assert len(lines) <= height - 1
    text = " ".join(" ".join(lines).split())
    assert AGAIN in text
    assert PAUSED in text
    assert "0.0086431" in text
    assert re.search(r"16 trials run|\d+ more trials run|\b17\b", text)


@pytest.mark.parametrize("height", [2, 3, 5, 10])
@pytest.mark.parametrize("width", [1, 5, 20, 39])
def test_picture_of_any_board_fits_the_smallest_terminals(width: int, height: int) -> None:
    empty, opening = board(running=0, is_long=True), Board()
    empty.fold(Note(PAUSED))
    opening.fold(Note(PAUSED))
    probing = board(running=1)
    probing.fold(ProbeStarted(9))
    for shown in (empty, opening, Board(), probing):
        lines = picture(shown, width, height)
        # a terminal of fewer cells than a word has is only not to break anything
        assert len(lines) <= height or width < 20


def test_picture_puts_parameters_beside_a_trial_only_where_they_fit() -> None:
    wide = picture(board(running=1), 120, None)
    assert any("2.5" in line and "lr=0.0123  latent_size=16" in line for line in wide)
    narrow = picture(board(running=1), 60, None)
    assert "       lr=0.0123  latent_size=16" in narrow


LIVE = """
import sys, time
sys.path.insert(0, {tests!r})
from view.test_sizes import board
from search.engine.progress import Note
from search.view.live import LiveView
view = LiveView(sys.stdout)
view._board.__dict__.update(board().__dict__)
while not view._board.__dict__.get("end"):
    view.tick()
    time.sleep(0.05)
"""


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[..., str]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    socket = tmp_path / uuid.uuid4().hex[:8]

    def run(*arguments: str) -> str:
        command = ["tmux", "-S", str(socket), "-f", "/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    yield run
    run("kill-server")


@pytest.mark.real
def test_a_resize_leaves_no_old_picture(tmux: Callable[..., str], tmp_path: Path) -> None:
    script = tmp_path / "live.py"
    script.write_text(LIVE.format(tests=str(Path(__file__).parents[1])))
    tmux("new-session", "-d", "-x", "100", "-y", "30", f"{sys.executable} {script}")

    def pictures() -> int:
        # with all that the terminal would let a user scroll back to
        return tmux("capture-pane", "-p", "-S", "-").count("minimize val_loss")

    def is_drawn_for(width: int) -> bool:
        """Whether the screen shows just what the picture is at that width."""
        shown = [line.rstrip() for line in tmux("capture-pane", "-p").splitlines()]
        height = len(shown)
        expected = [line.rstrip() for line in picture(board(), width - 1, height - 1)]
        return without_times(shown[: len(expected)]) == without_times(expected)

    wait_for(lambda: is_drawn_for(100))
    for size in ("60x30", "40x24", "100x30", "80x10", "120x40"):
        width, _, height = size.partition("x")
        tmux("resize-window", "-x", width, "-y", height)
        time.sleep(1)
        time.sleep(0.3)
        wait_for(partial(is_drawn_for, int(width)))
        assert pictures() == 1, size


def without_times(lines: list[str]) -> list[str]:
    return [line for line in lines if not re.search(r" (s|min)( left)?( |$)", line)]


def wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)
